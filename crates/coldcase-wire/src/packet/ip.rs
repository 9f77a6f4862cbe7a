//! IPv4 and IPv6 headers with what extends them.
//!
//! The fixed headers are etherparse's slices. Extension headers are walked here: etherparse's iterator over
//! leniently read ones goes beyond their end where one of them is cut, and its slices read a later fragment's
//! payload as further headers.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::link::be32;
use super::segment::{Fragment, Unread};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// Extension headers passed over in one packet; RFC 8200 has six kinds, of which one may come twice.
const MOST_EXTENSIONS: usize = 32;

/// A packet before what it carries is looked into.
pub(super) struct Packet<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) ttl: u8,
    pub(super) id: Option<u32>,
    pub(super) protocol: u8,
    pub(super) fragment: Option<Fragment>,
    /// Bytes of the packet, as its header says.
    pub(super) length: u32,
    /// What was captured behind the headers, without padding.
    pub(super) payload: &'a [u8],
    /// Bytes behind the headers, as these say.
    pub(super) payload_len: u32,
    /// Whether less was captured than the header says.
    pub(super) cut: bool,
    /// Whether the extension headers lead nowhere: cut, or more than anyone sends.
    pub(super) stopped: bool,
}

/// Reads an IP packet of either version.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Result<Packet<'_>, Unread> {
    let mut packet = match bytes.first().ok_or(Unread::Truncated)? >> 4 {
        4 => ipv4(bytes)?,
        6 => ipv6(bytes)?,
        _ => return Err(Unread::Malformed),
    };
    packet.extensions();
    Ok(packet)
}

#[inline]
fn ipv4(bytes: &[u8]) -> Result<Packet<'_>, Unread> {
    let unread = |_| match bytes.len() < 20 {
        true => Unread::Truncated,
        false => Unread::Malformed,
    };
    let header = Ipv4HeaderSlice::from_slice(bytes).map_err(unread)?;
    let pieces = header.is_fragmenting_payload();
    let body = body(bytes, header.slice().len(), usize::from(header.total_len()));
    Ok(Packet {
        src: IpAddr::V4(header.source_addr()),
        dst: IpAddr::V4(header.destination_addr()),
        ttl: header.ttl(),
        id: Some(u32::from(header.identification())),
        protocol: header.protocol().0,
        fragment: pieces.then(|| Fragment {
            offset: u32::from(header.fragments_offset().byte_offset()),
            more: header.more_fragments(),
        }),
        length: body.length,
        payload: body.payload,
        payload_len: body.payload_len,
        cut: body.cut,
        stopped: false,
    })
}

fn ipv6(bytes: &[u8]) -> Result<Packet<'_>, Unread> {
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| Unread::Truncated)?;
    let size = header.slice().len();
    let said = match usize::from(header.payload_length()) {
        0 => 0,
        payload => payload + size,
    };
    let body = body(bytes, size, said);
    Ok(Packet {
        src: IpAddr::V6(header.source_addr()),
        dst: IpAddr::V6(header.destination_addr()),
        ttl: header.hop_limit(),
        id: None,
        protocol: header.next_header().0,
        fragment: None,
        length: body.length,
        payload: body.payload,
        payload_len: body.payload_len,
        cut: body.cut,
        stopped: false,
    })
}

struct Body<'a> {
    length: u32,
    payload: &'a [u8],
    payload_len: u32,
    cut: bool,
}

/// What follows a header of this size, in a packet of which the header says this length.
#[inline]
fn body(bytes: &[u8], header: usize, said: usize) -> Body<'_> {
    // Segmentation offload leaves the length at zero: then the frame's own length is the packet's.
    let length = if said < header { bytes.len() } else { said };
    let number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    Body {
        length: number(length),
        payload: bytes
            .get(header..length.min(bytes.len()))
            .unwrap_or_default(),
        payload_len: number(length.saturating_sub(header)),
        cut: length > bytes.len(),
    }
}

impl Packet<'_> {
    /// Passes over extension headers to what the packet carries.
    #[inline]
    fn extensions(&mut self) {
        for _ in 0..MOST_EXTENSIONS {
            // What a later fragment carries does not begin with a header.
            if self.fragment.is_some_and(|piece| piece.offset > 0) {
                return;
            }
            let byte = |at: usize| self.payload.get(at).copied().unwrap_or(0);
            let size = match (self.protocol, self.src.is_ipv6()) {
                (AUTHENTICATION, _) => (usize::from(byte(1)) + 2) * 4,
                (FRAGMENT, true) => 8,
                (HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6, true) => {
                    (usize::from(byte(1)) + 1) * 8
                }
                _ => return,
            };
            let Some(rest) = self.payload.get(size..) else {
                break;
            };
            let next = byte(0);
            if self.protocol == FRAGMENT {
                let place = be32(self.payload, 0).unwrap_or(0) & 0xffff;
                self.id = be32(self.payload, 4).ok();
                let (offset, more) = (place & 0xfff8, place & 1 == 1);
                // An atomic fragment (RFC 6946) is a whole datagram.
                self.fragment = (offset > 0 || more).then_some(Fragment { offset, more });
            }
            self.protocol = next;
            self.payload = rest;
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            self.payload_len = self.payload_len.saturating_sub(size);
        }
        self.stopped = true;
    }
}
