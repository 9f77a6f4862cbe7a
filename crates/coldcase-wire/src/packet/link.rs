//! Link layers down to the network layer.

use super::network::{Around, MOST_LAYERS, network};
use super::segment::{Segment, Unread};

/// VLAN tags and MPLS labels passed over in one frame.
const MOST_TAGS: usize = 16;

const ETHERNET: u32 = 1;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// The innermost segment of a frame of this LINKTYPE, of which `original_len` bytes were on the wire.
pub fn decode(link: u32, data: &[u8], original_len: u32) -> Result<Segment<'_>, Unread> {
    let around = Around {
        cut: (data.len() as u64) < u64::from(original_len),
        ..Around::default()
    };
    frame(link, data, around)
}

fn frame(link: u32, data: &[u8], mut around: Around) -> Result<Segment<'_>, Unread> {
    match link {
        ETHERNET => ethernet(data, &around),
        0 | 108 => loopback(data, &around),
        9 | 50 => ppp(data, &around),
        12 | 14 | 101 | 228 | 229 => network(data, &around),
        113 => {
            around.packet_type = u8::try_from(be16(data, 0)?).ok();
            ether_type(be16(data, 14)?, rest(data, 16)?, &around)
        }
        276 => {
            around.interface_index = Some(be32(data, 4)?);
            around.packet_type = data.get(10).copied();
            ether_type(be16(data, 0)?, rest(data, 20)?, &around)
        }
        _ => Err(Unread::UnsupportedLink),
    }
}

#[inline]
pub(super) fn be16(data: &[u8], at: usize) -> Result<u16, Unread> {
    match data.get(at..at.saturating_add(2)) {
        Some([a, b]) => Ok(u16::from_be_bytes([*a, *b])),
        _ => Err(Unread::Truncated),
    }
}

#[inline]
pub(super) fn be32(data: &[u8], at: usize) -> Result<u32, Unread> {
    Ok(u32::from(be16(data, at)?) << 16 | u32::from(be16(data, at.saturating_add(2))?))
}

#[inline]
pub(super) fn rest(data: &[u8], from: usize) -> Result<&[u8], Unread> {
    data.get(from..).ok_or(Unread::Truncated)
}

#[inline]
pub(super) fn ethernet<'a>(data: &'a [u8], around: &Around) -> Result<Segment<'a>, Unread> {
    if around.depth >= MOST_LAYERS {
        return Err(Unread::TooDeep);
    }
    ether_type(be16(data, 12)?, rest(data, 14)?, around)
}

/// What an EtherType stands for, behind any tags.
pub(super) fn ether_type<'a>(
    mut kind: u16,
    mut data: &'a [u8],
    around: &Around,
) -> Result<Segment<'a>, Unread> {
    if matches!(kind, IPV4 | IPV6) {
        return network(data, around);
    }
    let mut around = *around;
    for _ in 0..MOST_TAGS {
        match kind {
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                around.vlan = around.vlan.or(Some(be16(data, 0)? & 0x0fff));
                (kind, data) = (be16(data, 2)?, rest(data, 4)?);
            }
            // VN-Tag (802.1BR): six bytes, of which the last two are the next type.
            0x8926 => (kind, data) = (be16(data, 4)?, rest(data, 6)?),
            // LLC with SNAP: an EtherType again.
            0..=1500 if data.starts_with(&[0xaa, 0xaa, 0x03]) => {
                (kind, data) = (be16(data, 6)?, rest(data, 8)?);
            }
            IPV4 | IPV6 => return network(data, &around),
            0x8847 | 0x8848 => return mpls(data, &around),
            // PPPoE session: version and code, session, length, then PPP.
            0x8864 => return ppp(rest(data, 6)?, &around),
            _ => return Err(Unread::NotIp),
        }
    }
    Err(Unread::TooDeep)
}

fn mpls<'a>(mut data: &'a [u8], around: &Around) -> Result<Segment<'a>, Unread> {
    for _ in 0..MOST_TAGS {
        let label = be32(data, 0)?;
        data = rest(data, 4)?;
        if label & 0x100 == 0 {
            continue;
        }
        // What a label carries is not told: IP by its version, else a pseudowire's Ethernet frame, with or
        // without a control word of zeros before it (RFC 4448).
        return match data.first().map(|byte| byte >> 4) {
            Some(4 | 6) => network(data, around),
            Some(0) if is_ethernet(data.get(4..).unwrap_or_default()) => {
                ethernet(rest(data, 4)?, &around.inside())
            }
            _ => ethernet(data, &around.inside()),
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

fn ppp<'a>(data: &'a [u8], around: &Around) -> Result<Segment<'a>, Unread> {
    let data = if data.starts_with(&[0xff, 0x03]) {
        rest(data, 2)?
    } else {
        data
    };
    match data {
        [0x21 | 0x57, rest @ ..] => network(rest, around),
        _ => match be16(data, 0)? {
            0x0021 | 0x0057 => network(rest(data, 2)?, around),
            _ => Err(Unread::NotIp),
        },
    }
}

/// BSD loopback: the address family in the byte order of the machine that captured.
fn loopback<'a>(data: &'a [u8], around: &Around) -> Result<Segment<'a>, Unread> {
    let family = be32(data, 0)?;
    match family.min(family.swap_bytes()) {
        2 | 10 | 24 | 28 | 30 => network(rest(data, 4)?, around),
        _ => Err(Unread::NotIp),
    }
}
