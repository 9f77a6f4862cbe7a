//! IP and what it carries.

use std::net::IpAddr;

use etherparse::{Ipv6ExtensionSlice, LaxIpSlice};

use super::link::{be16, be32, rest};
use super::segment::{Fragment, Icmp, Quoted, Segment, Tcp, Transport, Udp, Unread};
use super::tunnel;

/// Packets within packets followed in one frame.
pub(super) const MOST_LAYERS: usize = 8;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// The innermost segment of an IP packet.
pub fn decode_ip(ip: &[u8]) -> Result<Segment<'_>, Unread> {
    network(ip, 0)
}

/// The transport in a datagram that was put together from its fragments.
pub fn transport_of_reassembled(protocol: u8, bytes: &[u8]) -> Transport<'_> {
    transport(
        protocol,
        bytes,
        u32::try_from(bytes.len()).unwrap_or(u32::MAX),
    )
}

/// The outer packet, before tunnels are looked into.
struct Packet<'a> {
    segment: Segment<'a>,
    payload: &'a [u8],
    payload_len: u32,
}

pub(super) fn network(ip: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    if depth >= MOST_LAYERS {
        return Err(Unread::TooDeep);
    }
    let packet = packet(ip)?;
    if packet.segment.fragment.is_none()
        && let Some(inner) = tunnel::inner(&packet.segment, packet.payload, depth)
    {
        return inner;
    }
    let mut segment = packet.segment;
    segment.transport = match segment.fragment {
        Some(_) => Transport::Fragment(packet.payload),
        None => transport(segment.protocol, packet.payload, packet.payload_len),
    };
    Ok(segment)
}

fn packet(ip: &[u8]) -> Result<Packet<'_>, Unread> {
    let unread = |_| {
        if ip.len() < 20 {
            Unread::Truncated
        } else {
            Unread::Malformed
        }
    };
    let (sliced, _) = LaxIpSlice::from_slice(ip).map_err(unread)?;
    let (src, dst, ttl, ip_id, fragment, header, said) = match &sliced {
        LaxIpSlice::Ipv4(v4) => {
            let header = v4.header();
            let offset = u32::from(header.fragments_offset().byte_offset());
            let fragment = header.is_fragmenting_payload().then_some(Fragment {
                offset,
                more: header.more_fragments(),
            });
            let length = header.slice().len()
                + v4.extensions()
                    .auth
                    .as_ref()
                    .map_or(0, |auth| auth.slice().len());
            let (src, dst) = (
                IpAddr::V4(header.source_addr()),
                IpAddr::V4(header.destination_addr()),
            );
            let id = u32::from(header.identification());
            (
                src,
                dst,
                header.ttl(),
                Some(id),
                fragment,
                length,
                usize::from(header.total_len()),
            )
        }
        LaxIpSlice::Ipv6(v6) => {
            let header = v6.header();
            let (mut fragment, mut id) = (None, None);
            for extension in v6.extensions().clone() {
                if let Ipv6ExtensionSlice::Fragment(piece) = extension {
                    let offset = u32::from(piece.fragment_offset().byte_offset());
                    let more = piece.more_fragments();
                    // An atomic fragment (RFC 6946) is a whole datagram.
                    fragment = (offset > 0 || more).then_some(Fragment { offset, more });
                    id = Some(piece.identification());
                }
            }
            let length = header.slice().len() + v6.extensions().slice().len();
            let (src, dst) = (
                IpAddr::V6(header.source_addr()),
                IpAddr::V6(header.destination_addr()),
            );
            let said = match header.payload_length() {
                0 => 0,
                payload => usize::from(payload) + header.slice().len(),
            };
            (src, dst, header.hop_limit(), id, fragment, length, said)
        }
    };
    let payload = sliced.payload();
    // Segmentation offload leaves the length at zero: then the frame's own length is the packet's.
    let ip_len = if said < header {
        ip.len().max(header)
    } else {
        said
    };
    let segment = Segment {
        src,
        dst,
        protocol: payload.ip_number.0,
        ttl,
        ip_id,
        fragment,
        ip_len: u32::try_from(ip_len).unwrap_or(u32::MAX),
        transport: Transport::Other,
        interface_index: None,
        packet_type: None,
        vlan: None,
        tunnel: None,
        cut: ip_len > ip.len(),
    };
    let payload_len = u32::try_from(ip_len - header).unwrap_or(u32::MAX);
    Ok(Packet {
        segment,
        payload: payload.payload,
        payload_len,
    })
}

fn transport(protocol: u8, payload: &[u8], payload_len: u32) -> Transport<'_> {
    let read = match protocol {
        TCP => tcp(payload, payload_len).map(Transport::Tcp),
        UDP => udp(payload).map(Transport::Udp),
        ICMP | ICMPV6 => icmp(payload, protocol == ICMPV6).map(Transport::Icmp),
        _ => Ok(Transport::Other),
    };
    read.unwrap_or(Transport::Cut)
}

/// Ports, numbers and flags are read from the first 14 bytes, so that a header cut by snaplen still counts.
fn tcp(bytes: &[u8], length: u32) -> Result<Tcp<'_>, Unread> {
    let flags = *bytes.get(13).ok_or(Unread::Truncated)?;
    let header = usize::from(bytes.get(12).ok_or(Unread::Truncated)? >> 4) * 4;
    if header < 20 {
        return Err(Unread::Malformed);
    }
    Ok(Tcp {
        src_port: be16(bytes, 0)?,
        dst_port: be16(bytes, 2)?,
        seq: be32(bytes, 4)?,
        ack: be32(bytes, 8)?,
        flags,
        payload: bytes.get(header..).unwrap_or_default(),
        payload_len: length.saturating_sub(u32::try_from(header).unwrap_or(u32::MAX)),
    })
}

fn udp(bytes: &[u8]) -> Result<Udp<'_>, Unread> {
    let length = usize::from(be16(bytes, 4)?);
    let captured = rest(bytes, 8)?;
    // A length of zero is a jumbogram or offloaded; else it bounds the payload (padding may follow).
    let said = if length < 8 {
        captured.len()
    } else {
        length - 8
    };
    let payload = captured.get(..said).unwrap_or(captured);
    let payload_len = u32::try_from(said).unwrap_or(u32::MAX);
    Ok(Udp {
        src_port: be16(bytes, 0)?,
        dst_port: be16(bytes, 2)?,
        payload,
        payload_len,
    })
}

fn icmp(bytes: &[u8], v6: bool) -> Result<Icmp<'_>, Unread> {
    let (kind, code) = (
        *bytes.first().ok_or(Unread::Truncated)?,
        *bytes.get(1).ok_or(Unread::Truncated)?,
    );
    let error = if v6 {
        (1..=4).contains(&kind)
    } else {
        matches!(kind, 3 | 4 | 5 | 11 | 12)
    };
    let unreachable = kind == if v6 { 1 } else { 3 };
    let payload = bytes.get(4..).unwrap_or_default();
    let quoted = if error {
        bytes.get(8..).and_then(quoted)
    } else {
        None
    };
    Ok(Icmp {
        kind,
        code,
        unreachable,
        quoted,
        payload,
    })
}

/// Addresses and ports of the packet that an error quotes: its header and at least eight bytes more.
fn quoted(bytes: &[u8]) -> Option<Quoted> {
    let packet = packet(bytes).ok()?;
    let (src_port, dst_port) = (be16(packet.payload, 0).ok()?, be16(packet.payload, 2).ok()?);
    let Segment {
        src, dst, protocol, ..
    } = packet.segment;
    Some(Quoted {
        src,
        dst,
        protocol,
        src_port,
        dst_port,
    })
}
