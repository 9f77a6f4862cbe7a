//! Packets within packets.

use super::link::{be16, be32, ether_type, ethernet, rest};
use super::network::network;
use super::segment::{Segment, Tunnel, TunnelKind, Unread};

const IP_IN_IP: u8 = 4;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// The segment inside, if this packet is a tunnel's. What looks like a tunnel but holds no packet that can
/// be read stays what it is outside.
pub(super) fn inner<'a>(
    outer: &Segment<'_>,
    payload: &'a [u8],
    depth: usize,
) -> Option<Result<Segment<'a>, Unread>> {
    let (kind, id, inner) = match outer.protocol {
        IP_IN_IP | IPV6_IN_IP => (TunnelKind::IpInIp, None, network(payload, depth + 1)),
        GRE => gre(payload, depth)?,
        UDP => match be16(payload, 2).ok()? {
            port if VXLAN_PORTS.contains(&port) => vxlan(payload, depth)?,
            GENEVE_PORT => geneve(payload, depth)?,
            _ => return None,
        },
        _ => return None,
    };
    match inner {
        Ok(mut segment) => {
            segment.tunnel = Some(Tunnel {
                kind,
                src: outer.src,
                dst: outer.dst,
                id,
            });
            segment.cut |= outer.cut;
            Some(Ok(segment))
        }
        Err(Unread::TooDeep) => Some(Err(Unread::TooDeep)),
        Err(_) => None,
    }
}

type Inner<'a> = (TunnelKind, Option<u32>, Result<Segment<'a>, Unread>);

/// RFC 7348: flags with the I bit, reserved, VNI, reserved.
fn vxlan(udp: &[u8], depth: usize) -> Option<Inner<'_>> {
    let header = udp.get(8..16)?;
    if header.first()? & 0x08 == 0 {
        return None;
    }
    let vni = be32(header, 4).ok()? >> 8;
    Some((
        TunnelKind::Vxlan,
        Some(vni),
        ethernet(udp.get(16..)?, depth + 1),
    ))
}

/// RFC 8926: version and option length, flags, protocol, VNI, reserved, options.
fn geneve(udp: &[u8], depth: usize) -> Option<Inner<'_>> {
    let header = udp.get(8..16)?;
    let first = *header.first()?;
    if first >> 6 != 0 {
        return None;
    }
    let options = usize::from(first & 0x3f) * 4;
    let inside = udp.get(16 + options..)?;
    let vni = be32(header, 4).ok()? >> 8;
    Some((
        TunnelKind::Geneve,
        Some(vni),
        typed(be16(header, 2).ok()?, inside, depth),
    ))
}

fn typed(kind: u16, inside: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    match kind {
        0x6558 => ethernet(inside, depth + 1),
        other => ether_type(other, inside, depth + 1),
    }
}

/// RFC 2784 and 2890; version 1 is PPTP's (RFC 2637). ERSPAN carries Ethernet behind a header of its own.
fn gre(gre: &[u8], depth: usize) -> Option<Inner<'_>> {
    let (flags, kind) = (be16(gre, 0).ok()?, be16(gre, 2).ok()?);
    let mut at = 4;
    let mut field = |bit: u16| {
        let here = (flags & bit != 0).then_some(at);
        at += if here.is_some() { 4 } else { 0 };
        here
    };
    field(0x8000);
    let key = field(0x2000).and_then(|key| be32(gre, key).ok());
    let sequence = field(0x1000);
    // Source routes (RFC 1701) are given up; without one the checksum's field is four bytes as well.
    if flags & 0x4000 != 0 {
        return None;
    }
    if flags & 7 == 1 {
        at += if flags & 0x0080 != 0 { 4 } else { 0 };
        let inside = gre.get(at..)?;
        let inside = inside.strip_prefix(&[0xff, 0x03]).unwrap_or(inside);
        let inner = match inside {
            [0x21 | 0x57, rest @ ..] | [0, 0x21 | 0x57, rest @ ..] => network(rest, depth + 1),
            _ => Err(Unread::NotIp),
        };
        return Some((TunnelKind::Gre, key, inner));
    }
    let inside = gre.get(at..)?;
    let ethernet_at =
        |header: usize| rest(inside, header).and_then(|frame| ethernet(frame, depth + 1));
    let (tunnel, inner) = match kind {
        // ERSPAN type I has no header of its own, type II has one of eight bytes, and a sequence number.
        0x88be if sequence.is_none() => (TunnelKind::Erspan, ethernet_at(0)),
        0x88be => (TunnelKind::Erspan, ethernet_at(8)),
        // Type III: twelve bytes, and eight more where the last bit says so.
        0x22eb => match be16(inside, 10).ok()? & 1 {
            1 => (TunnelKind::Erspan, ethernet_at(20)),
            _ => (TunnelKind::Erspan, ethernet_at(12)),
        },
        other => (TunnelKind::Gre, typed(other, inside, depth)),
    };
    Some((tunnel, key, inner))
}
