//! TCP, UDP and ICMP.

use super::ip::{self, ICMP, ICMPV6, TCP, UDP};
use super::link::{be16, be32};
use super::segment::{Icmp, Quoted, Tcp, Transport, Udp, Unread};

const DCCP: u8 = 33;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

/// The transport in a datagram that was put together from its fragments.
pub fn transport_of_reassembled(protocol: u8, bytes: &[u8]) -> Transport<'_> {
    let sent = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    transport(protocol, bytes, sent)
}

/// What these bytes of a packet's payload are; `payload_len` of them were sent.
#[inline]
pub(super) fn transport(protocol: u8, payload: &[u8], payload_len: u32) -> Transport<'_> {
    let read = match protocol {
        TCP => tcp(payload, payload_len).map(Transport::Tcp),
        UDP => udp(payload, payload_len).map(Transport::Udp),
        ICMP | ICMPV6 => icmp(payload, protocol == ICMPV6).map(Transport::Icmp),
        _ => Ok(Transport::Other),
    };
    read.unwrap_or(Transport::Cut)
}

/// Ports, numbers and flags are read from the first 14 bytes, so that a header cut by snaplen still counts.
#[inline]
fn tcp(bytes: &[u8], length: u32) -> Result<Tcp<'_>, Unread> {
    let flags = *bytes.get(13).ok_or(Unread::Truncated)?;
    let header = u32::from(bytes.get(12).ok_or(Unread::Truncated)? >> 4) * 4;
    // A header that claims to be shorter than it can be has no payload that anyone could find.
    let (payload, payload_len) = if header < 20 {
        (&[][..], 0)
    } else {
        let payload = usize::try_from(header).ok().and_then(|at| bytes.get(at..));
        (payload.unwrap_or_default(), length.saturating_sub(header))
    };
    Ok(Tcp {
        src_port: be16(bytes, 0)?,
        dst_port: be16(bytes, 2)?,
        seq: be32(bytes, 4)?,
        ack: be32(bytes, 8)?,
        flags,
        payload,
        payload_len,
    })
}

/// The header's length bounds the payload (padding may follow) unless it is less than the header itself, which
/// jumbograms and offloading leave; the ports stand first, so that they are known of a cut header too.
#[inline]
fn udp(bytes: &[u8], length: u32) -> Result<Udp<'_>, Unread> {
    let room = length.saturating_sub(8);
    let payload_len = match be16(bytes, 4) {
        Ok(said) if said >= 8 => room.min(u32::from(said) - 8),
        _ => room,
    };
    let captured = bytes.get(8..).unwrap_or_default();
    let payload = usize::try_from(payload_len)
        .ok()
        .and_then(|sent| captured.get(..sent))
        .unwrap_or(captured);
    Ok(Udp {
        src_port: be16(bytes, 0)?,
        dst_port: be16(bytes, 2)?,
        payload,
        payload_len,
    })
}

fn icmp(bytes: &[u8], v6: bool) -> Result<Icmp<'_>, Unread> {
    let kind = *bytes.first().ok_or(Unread::Truncated)?;
    let code = *bytes.get(1).ok_or(Unread::Truncated)?;
    let (is_error, unreachable) = match v6 {
        true => ((1..=4).contains(&kind), kind == 1),
        false => (matches!(kind, 3 | 4 | 5 | 11 | 12), kind == 3),
    };
    let quoted = match bytes.get(8..) {
        Some(bytes) if is_error => quoted(bytes),
        _ => None,
    };
    Ok(Icmp {
        kind,
        code,
        unreachable,
        quoted,
        payload: bytes.get(4..).unwrap_or_default(),
    })
}

/// Addresses and ports of the packet that an error quotes: its header and at least eight bytes more.
fn quoted(bytes: &[u8]) -> Option<Quoted> {
    let packet = ip::read(bytes).ok()?;
    let has_ports = matches!(packet.protocol, TCP | UDP | SCTP | DCCP | UDP_LITE);
    let is_first = packet.fragment.is_none_or(|piece| piece.offset == 0);
    if !has_ports || !is_first || packet.stopped {
        return None;
    }
    Some(Quoted {
        src: packet.src,
        dst: packet.dst,
        protocol: packet.protocol,
        src_port: be16(packet.payload, 0).ok()?,
        dst_port: be16(packet.payload, 2).ok()?,
    })
}
