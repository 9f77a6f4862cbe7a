//! An IP packet and the packets within it.

use super::ip;
use super::segment::{Segment, Transport, Tunnel, Unread};
use super::transport::transport;
use super::tunnel;

/// Packets within packets followed in one frame.
pub(super) const MOST_LAYERS: usize = 8;

/// What lies around a packet: kept of the outermost layer that has it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    pub(super) interface_index: Option<u32>,
    pub(super) packet_type: Option<u8>,
    pub(super) vlan: Option<u16>,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) cut: bool,
    pub(super) depth: usize,
}

impl Around {
    /// One layer further in.
    pub(super) fn inside(&self) -> Self {
        Self {
            depth: self.depth + 1,
            ..*self
        }
    }
}

/// The innermost segment of an IP packet.
pub fn decode_ip(ip: &[u8]) -> Result<Segment<'_>, Unread> {
    network(ip, &Around::default())
}

pub(super) fn network<'a>(bytes: &'a [u8], around: &Around) -> Result<Segment<'a>, Unread> {
    if around.depth >= MOST_LAYERS {
        return Err(Unread::TooDeep);
    }
    let packet = ip::read(bytes)?;
    let transport = if packet.stopped {
        Transport::Cut
    } else if packet.fragment.is_some() {
        Transport::Fragment(packet.payload)
    } else if let Some(inner) = tunnel::inner(&packet, around) {
        return inner;
    } else {
        transport(packet.protocol, packet.payload, packet.payload_len)
    };
    Ok(Segment {
        src: packet.src,
        dst: packet.dst,
        protocol: packet.protocol,
        ttl: packet.ttl,
        ip_id: packet.id,
        fragment: packet.fragment,
        ip_len: packet.length,
        transport,
        interface_index: around.interface_index,
        packet_type: around.packet_type,
        vlan: around.vlan,
        tunnel: around.tunnel,
        cut: packet.cut || around.cut,
    })
}
