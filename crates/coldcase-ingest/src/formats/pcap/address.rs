//! Addresses, 5-tuples and places of capture in few bytes: what the tables are keyed by.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Hashing without randomness: tables are never iterated unsorted, so only speed counts.
pub(super) type Hashing = foldhash::fast::FixedState;

/// A hash map of this format.
pub(super) type Map<K, V> = hashbrown::HashMap<K, V, Hashing>;

/// An IPv4 or IPv6 address; IPv4 stands as the IPv4-mapped IPv6 address that means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Addr {
    high: u64,
    low: u64,
}

#[cfg(test)]
impl Addr {
    /// `::`, for tests.
    pub(super) const LOWEST: Self = Self { high: 0, low: 0 };
}

const V4_MAPPED: u64 = 0xffff_0000_0000;

impl Addr {
    /// Packs an address.
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4.to_bits()),
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                Self {
                    high: u64::try_from(bits >> 64).unwrap_or(0),
                    low: u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0),
                }
            }
        }
    }

    /// Packs the 32 bits of an IPv4 address.
    pub(super) fn of_v4(bits: u32) -> Self {
        Self {
            high: 0,
            low: V4_MAPPED | u64::from(bits),
        }
    }

    /// The 32 bits of an IPv4 address, nothing for IPv6.
    pub(super) fn v4(self) -> Option<u32> {
        if self.high == 0 && self.low & !0xffff_ffff == V4_MAPPED {
            u32::try_from(self.low & 0xffff_ffff).ok()
        } else {
            None
        }
    }

    /// The leading 16 bits as they stand on the wire: the network that entropy is taken over.
    pub(super) fn prefix(self) -> u16 {
        let bits = match self.v4() {
            Some(bits) => u64::from(bits >> 16),
            None => self.high >> 48,
        };
        u16::try_from(bits & 0xffff).unwrap_or(0)
    }

    /// A hash that stays from version to version: what is sampled by it must not change.
    pub(super) fn spread(self) -> u64 {
        let mixed = self.high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.low;
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Appends the canonical text.
    pub(super) fn write(self, text: &mut String) {
        match self.v4() {
            Some(bits) => {
                for (index, byte) in bits.to_be_bytes().into_iter().enumerate() {
                    if index > 0 {
                        text.push('.');
                    }
                    push_byte(text, byte);
                }
            }
            None => {
                let bits = (u128::from(self.high) << 64) | u128::from(self.low);
                let _ = write!(text, "{}", Ipv6Addr::from_bits(bits));
            }
        }
    }

    /// The canonical text.
    pub(super) fn text(self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }
}

impl From<Ipv4Addr> for Addr {
    fn from(address: Ipv4Addr) -> Self {
        Self::of_v4(address.to_bits())
    }
}

fn push_byte(text: &mut String, byte: u8) {
    if byte >= 100 {
        text.push(char::from(b'0' + byte / 100));
    }
    if byte >= 10 {
        text.push(char::from(b'0' + byte / 10 % 10));
    }
    text.push(char::from(b'0' + byte % 10));
}

/// TCP's number in the IP header.
pub(super) const TCP: u8 = 6;

/// UDP's number in the IP header.
pub(super) const UDP: u8 = 17;

/// A 5-tuple without direction: the lower end is `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowKey {
    /// The lower address.
    pub(super) a: Addr,
    /// The higher address.
    pub(super) b: Addr,
    /// The port of `a`.
    pub(super) port_a: u16,
    /// The port of `b`.
    pub(super) port_b: u16,
    /// TCP or UDP.
    pub(super) protocol: u8,
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.a.hash(state);
        self.b.hash(state);
        let ports = (u64::from(self.port_a) << 24) | (u64::from(self.port_b) << 8);
        state.write_u64(ports | u64::from(self.protocol));
    }
}

impl FlowKey {
    /// The key of a packet, and whether its sender is `a`.
    pub(super) fn of(source: (Addr, u16), destination: (Addr, u16), protocol: u8) -> (Self, bool) {
        let from_a = source <= destination;
        let (low, high) = if from_a {
            (source, destination)
        } else {
            (destination, source)
        };
        let key = Self {
            a: low.0,
            b: high.0,
            port_a: low.1,
            port_b: high.1,
            protocol,
        };
        (key, from_a)
    }
}

/// Where a flow's first packet stands: number of the file in its series, and offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin(u64);

const OFFSET_BITS: u32 = 44;

impl Origin {
    /// A place in the file that is being read: its number is given when the series is joined.
    pub(super) fn here(offset: u64) -> Self {
        Self(offset & ((1 << OFFSET_BITS) - 1))
    }

    /// The same place in the file of this number.
    pub(super) fn in_file(self, file: u32) -> Self {
        let file = u64::from(file.min((1 << (64 - OFFSET_BITS)) - 1));
        Self((file << OFFSET_BITS) | (self.0 & ((1 << OFFSET_BITS) - 1)))
    }

    /// The file's number.
    pub(super) fn file(self) -> u32 {
        u32::try_from(self.0 >> OFFSET_BITS).unwrap_or(0)
    }

    /// The byte offset in it.
    pub(super) fn offset(self) -> u64 {
        self.0 & ((1 << OFFSET_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_text() {
        let check = |text: &str| {
            let address: IpAddr = text.parse().expect("an address");
            assert_eq!(Addr::of(address).text(), text);
        };
        check("10.0.200.1");
        check("255.255.255.255");
        check("0.0.0.0");
        check("2001:db8::1");
        check("::1");
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");
        assert_eq!(Addr::of(mapped).text(), "10.0.0.1");
    }

    #[test]
    fn both_directions_share_a_key() {
        let (low, high) = (
            (Addr::of_v4(0x0a00_0001), 50000),
            (Addr::of_v4(0x0a00_0002), 53),
        );
        let (there, from_a) = FlowKey::of(low, high, UDP);
        let (back, back_from_a) = FlowKey::of(high, low, UDP);
        assert_eq!((there, from_a, !back_from_a), (back, true, true));
    }

    #[test]
    fn origins_hold_file_and_offset() {
        let origin = Origin::here((1 << 40) + 7).in_file(200);
        assert_eq!((origin.file(), origin.offset()), (200, (1 << 40) + 7));
    }
}
