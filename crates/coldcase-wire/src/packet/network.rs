//! An IP packet and the packets within it.

use super::ip;
use super::segment::{Segment, Transport, Unread};
use super::transport::transport;
use super::tunnel;

/// Packets within packets followed in one frame.
pub(super) const MOST_LAYERS: usize = 8;

/// The innermost segment of an IP packet.
pub fn decode_ip(ip: &[u8]) -> Result<Segment<'_>, Unread> {
    network(ip, 0)
}

pub(super) fn network(bytes: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    if depth >= MOST_LAYERS {
        return Err(Unread::TooDeep);
    }
    let packet = ip::read(bytes)?;
    let mut segment = Segment {
        src: packet.src,
        dst: packet.dst,
        protocol: packet.protocol,
        ttl: packet.ttl,
        ip_id: packet.id,
        fragment: packet.fragment,
        ip_len: packet.length,
        transport: Transport::Other,
        interface_index: None,
        packet_type: None,
        vlan: None,
        tunnel: None,
        cut: packet.cut,
    };
    if packet.stopped {
        segment.transport = Transport::Cut;
    } else if packet.fragment.is_some() {
        segment.transport = Transport::Fragment(packet.payload);
    } else if let Some(inner) = tunnel::inner(&segment, packet.payload, depth) {
        return inner;
    } else {
        segment.transport = transport(packet.protocol, packet.payload, packet.payload_len);
    }
    Ok(segment)
}
