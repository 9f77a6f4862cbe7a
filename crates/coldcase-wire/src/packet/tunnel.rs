//! Packets within packets.

use super::ip::{Packet, UDP};
use super::link::{be16, be32, ether_type, ethernet, rest};
use super::network::{Around, network};
use super::segment::{Segment, Tunnel, TunnelKind, Unread};

const IP_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// What a tunnel's header says: its kind, its identifier, and where the packet inside begins.
struct Opened<'a> {
    kind: TunnelKind,
    id: Option<u32>,
    carried: Carried,
    inside: &'a [u8],
}

/// As what a tunnel carries its packets.
enum Carried {
    Ip,
    Ethernet,
    Type(u16),
}

/// The segment inside, if this packet is a tunnel's. What looks like a tunnel but holds no packet that can
/// be read stays what it is outside.
#[inline]
pub(super) fn inner<'a>(
    outer: &Packet<'a>,
    around: &Around,
) -> Option<Result<Segment<'a>, Unread>> {
    let payload = outer.payload;
    let opened = match outer.protocol {
        UDP => match be16(payload, 2).ok()? {
            port if VXLAN_PORTS.contains(&port) => vxlan(payload),
            GENEVE_PORT => geneve(payload),
            _ => return None,
        },
        GRE => gre(payload),
        IP_IN_IP | IPV6_IN_IP => Some(Opened {
            kind: TunnelKind::IpInIp,
            id: None,
            carried: Carried::Ip,
            inside: payload,
        }),
        _ => return None,
    };
    follow(&opened?, outer, around)
}

fn follow<'a>(
    opened: &Opened<'a>,
    outer: &Packet<'_>,
    around: &Around,
) -> Option<Result<Segment<'a>, Unread>> {
    let mut around = around.inside();
    around.cut |= outer.cut;
    around.tunnel = around.tunnel.or(Some(Tunnel {
        kind: opened.kind,
        src: outer.src,
        dst: outer.dst,
        id: opened.id,
    }));
    let inner = match opened.carried {
        Carried::Ip => network(opened.inside, &around),
        Carried::Ethernet | Carried::Type(0x6558) => ethernet(opened.inside, &around),
        Carried::Type(kind) => ether_type(kind, opened.inside, &around),
    };
    match inner {
        Err(Unread::TooDeep) | Ok(_) => Some(inner),
        Err(_) => None,
    }
}

/// RFC 7348: flags with the I bit, reserved, VNI, reserved.
fn vxlan(udp: &[u8]) -> Option<Opened<'_>> {
    let header = udp.get(8..16)?;
    if header.first()? & 0x08 == 0 {
        return None;
    }
    Some(Opened {
        kind: TunnelKind::Vxlan,
        id: Some(be32(header, 4).ok()? >> 8),
        carried: Carried::Ethernet,
        inside: udp.get(16..)?,
    })
}

/// RFC 8926: version and option length, flags, protocol, VNI, reserved, options.
fn geneve(udp: &[u8]) -> Option<Opened<'_>> {
    let header = udp.get(8..16)?;
    let first = *header.first()?;
    if first >> 6 != 0 {
        return None;
    }
    let options = usize::from(first & 0x3f) * 4;
    Some(Opened {
        kind: TunnelKind::Geneve,
        id: Some(be32(header, 4).ok()? >> 8),
        carried: Carried::Type(be16(header, 2).ok()?),
        inside: udp.get(16 + options..)?,
    })
}

/// RFC 2784 and 2890; version 1 is PPTP's (RFC 2637). ERSPAN carries Ethernet behind a header of its own.
fn gre(gre: &[u8]) -> Option<Opened<'_>> {
    let (flags, kind) = (be16(gre, 0).ok()?, be16(gre, 2).ok()?);
    // Source routes (RFC 1701) are given up.
    if flags & 0x4000 != 0 {
        return None;
    }
    let mut at = 4;
    let mut field = |bit: u16| {
        let here = (flags & bit != 0).then_some(at);
        at += if here.is_some() { 4 } else { 0 };
        here
    };
    field(0x8000);
    let id = field(0x2000).and_then(|key| be32(gre, key).ok());
    let sequence = field(0x1000);
    if flags & 7 == 1 {
        field(0x0080);
        let ppp = gre.get(at..)?;
        let ppp = ppp.strip_prefix(&[0xff, 0x03]).unwrap_or(ppp);
        let inside = match ppp {
            [0x21 | 0x57, inside @ ..] | [0, 0x21 | 0x57, inside @ ..] => inside,
            _ => return None,
        };
        return Some(Opened {
            kind: TunnelKind::Gre,
            id,
            carried: Carried::Ip,
            inside,
        });
    }
    let inside = gre.get(at..)?;
    let mirrored = match kind {
        // ERSPAN type I has no header of its own, type II has one of eight bytes, and a sequence number.
        0x88be if sequence.is_none() => Some(0),
        0x88be => Some(8),
        // Type III: twelve bytes, and eight more where the last bit says so.
        0x22eb => Some(12 + usize::from(be16(inside, 10).ok()? & 1) * 8),
        _ => None,
    };
    Some(match mirrored {
        Some(header) => Opened {
            kind: TunnelKind::Erspan,
            id,
            carried: Carried::Ethernet,
            inside: rest(inside, header).ok()?,
        },
        None => Opened {
            kind: TunnelKind::Gre,
            id,
            carried: Carried::Type(kind),
            inside,
        },
    })
}
