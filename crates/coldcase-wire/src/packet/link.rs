//! Link layers down to the network layer.

use super::network::{MOST_LAYERS, network};
use super::segment::{Segment, Unread};

/// VLAN tags and MPLS labels passed over in one frame.
const MOST_TAGS: usize = 16;

const ETHERNET: u32 = 1;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// The innermost segment of a frame of this LINKTYPE, of which `original_len` bytes were on the wire.
pub fn decode(link: u32, data: &[u8], original_len: u32) -> Result<Segment<'_>, Unread> {
    let cut = (data.len() as u64) < u64::from(original_len);
    let mut segment = frame(link, data, 0)?;
    segment.cut |= cut;
    Ok(segment)
}

pub(super) fn frame(link: u32, data: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    match link {
        ETHERNET => ethernet(data, depth),
        0 | 108 => loopback(data, depth),
        9 | 50 => ppp(data, depth),
        12 | 14 | 101 | 228 | 229 => network(data, depth),
        113 => {
            let mut segment = ether_type(be16(data, 14)?, rest(data, 16)?, depth)?;
            segment.packet_type = segment.packet_type.or(u8::try_from(be16(data, 0)?).ok());
            Ok(segment)
        }
        276 => {
            let mut segment = ether_type(be16(data, 0)?, rest(data, 20)?, depth)?;
            let index = [4, 5, 6, 7].map(|at| data.get(at).copied().unwrap_or(0));
            segment.interface_index = segment.interface_index.or(Some(u32::from_be_bytes(index)));
            segment.packet_type = segment.packet_type.or(data.get(10).copied());
            Ok(segment)
        }
        _ => Err(Unread::UnsupportedLink),
    }
}

pub(super) fn be16(data: &[u8], at: usize) -> Result<u16, Unread> {
    match data.get(at..at.saturating_add(2)) {
        Some([a, b]) => Ok(u16::from_be_bytes([*a, *b])),
        _ => Err(Unread::Truncated),
    }
}

pub(super) fn be32(data: &[u8], at: usize) -> Result<u32, Unread> {
    Ok(u32::from(be16(data, at)?) << 16 | u32::from(be16(data, at.saturating_add(2))?))
}

pub(super) fn rest(data: &[u8], from: usize) -> Result<&[u8], Unread> {
    data.get(from..).ok_or(Unread::Truncated)
}

pub(super) fn ethernet(data: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    if depth >= MOST_LAYERS {
        return Err(Unread::TooDeep);
    }
    ether_type(be16(data, 12)?, rest(data, 14)?, depth)
}

/// What an EtherType stands for, behind any tags.
pub(super) fn ether_type(
    mut kind: u16,
    mut data: &[u8],
    depth: usize,
) -> Result<Segment<'_>, Unread> {
    let mut vlan = None;
    for _ in 0..MOST_TAGS {
        let mut segment = match kind {
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                vlan = vlan.or(Some(be16(data, 0)? & 0x0fff));
                (kind, data) = (be16(data, 2)?, rest(data, 4)?);
                continue;
            }
            // VN-Tag (802.1BR): six bytes, of which the last two are the next type.
            0x8926 => {
                (kind, data) = (be16(data, 4)?, rest(data, 6)?);
                continue;
            }
            // LLC with SNAP: an EtherType again.
            0..=1500 if data.starts_with(&[0xaa, 0xaa, 0x03]) => {
                (kind, data) = (be16(data, 6)?, rest(data, 8)?);
                continue;
            }
            IPV4 | IPV6 => network(data, depth)?,
            0x8847 | 0x8848 => mpls(data, depth)?,
            // PPPoE session: version and code, session, length, then PPP.
            0x8864 => ppp(rest(data, 6)?, depth)?,
            _ => return Err(Unread::NotIp),
        };
        segment.vlan = vlan.or(segment.vlan);
        return Ok(segment);
    }
    Err(Unread::TooDeep)
}

fn mpls(mut data: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    for _ in 0..MOST_TAGS {
        let label = be32(data, 0)?;
        data = rest(data, 4)?;
        if label & 0x100 == 0 {
            continue;
        }
        // What a label carries is not told: IP by its version, else a pseudowire's Ethernet frame, with or
        // without a control word of zeros before it (RFC 4448).
        return match data.first().map(|byte| byte >> 4) {
            Some(4 | 6) => network(data, depth),
            Some(0) if is_ethernet(data.get(4..).unwrap_or_default()) => {
                ethernet(rest(data, 4)?, depth + 1)
            }
            _ => ethernet(data, depth + 1),
        };
    }
    Err(Unread::TooDeep)
}

/// Whether a frame's EtherType is one that is followed here.
fn is_ethernet(data: &[u8]) -> bool {
    matches!(
        be16(data, 12),
        Ok(IPV4 | IPV6 | 0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x8847 | 0x8848 | 0x8864)
    )
}

fn ppp(data: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    let data = if data.starts_with(&[0xff, 0x03]) {
        rest(data, 2)?
    } else {
        data
    };
    match data {
        [0x21 | 0x57, rest @ ..] => network(rest, depth),
        _ => match be16(data, 0)? {
            0x0021 | 0x0057 => network(rest(data, 2)?, depth),
            _ => Err(Unread::NotIp),
        },
    }
}

/// BSD loopback: the address family in the byte order of the machine that captured.
fn loopback(data: &[u8], depth: usize) -> Result<Segment<'_>, Unread> {
    let family = be32(data, 0)?;
    match family.min(family.swap_bytes()) {
        2 | 10 | 24 | 28 | 30 => network(rest(data, 4)?, depth),
        _ => Err(Unread::NotIp),
    }
}
