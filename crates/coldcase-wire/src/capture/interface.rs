//! An interface of a pcapng section: its link type, its name and its clock.

use coldcase_model::{Precision, Timestamp};
use pcap_parser::pcapng::{
    InterfaceDescriptionBlock, OptionCode, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le,
};

use super::Order;

/// Options of longer descriptions are not read: they would be collected into a list first.
const LONGEST_DESCRIPTION: usize = 64 << 10;
/// Longer names are not kept. Linux has at most 15 bytes, Windows device paths about 50.
const LONGEST_NAME: usize = 255;

#[derive(Debug)]
pub(super) struct Interface {
    pub(super) link: u32,
    pub(super) snaplen: u32,
    pub(super) name: Option<Box<str>>,
    pub(super) clock: Clock,
}

impl Interface {
    /// Reads an Interface Description Block. Link type and snaplen stand before the options, so they are known
    /// where those can't be read; the clock is then the usual one.
    pub(super) fn described_by(order: Order, block: &[u8]) -> Self {
        let mut interface = Self {
            link: u32::from(order.u16(block, 8).unwrap_or(u16::MAX)),
            snaplen: order.u32(block, 12).unwrap_or(0),
            name: None,
            clock: Clock::USUAL,
        };
        if block.len() > LONGEST_DESCRIPTION {
            return interface;
        }
        let parsed = match order {
            Order::Little => parse_interfacedescriptionblock_le(block),
            Order::Big => parse_interfacedescriptionblock_be(block),
        };
        if let Ok((_, description)) = parsed {
            interface.clock = Clock::new(description.if_tsresol, offset(order, &description));
            interface.name = match description.if_name() {
                Some(Ok(name)) if name.len() <= LONGEST_NAME => {
                    Some(name.trim_end_matches('\0').into())
                }
                _ => None,
            };
        }
        interface
    }
}

/// Seconds to add to a time. pcap-parser reads them in little-endian order in every section.
fn offset(order: Order, description: &InterfaceDescriptionBlock<'_>) -> i64 {
    let bytes = description
        .options
        .iter()
        .find(|option| option.code == OptionCode::IfTsoffset)
        .and_then(|option| option.value().get(..8)?.try_into().ok());
    match (order, bytes) {
        (_, None) => 0,
        (Order::Little, Some(bytes)) => i64::from_le_bytes(bytes),
        (Order::Big, Some(bytes)) => i64::from_be_bytes(bytes),
    }
}

/// Turns the units of an interface into instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// 0 where a second has more units than 64 bits can count.
    units_a_second: u64,
    offset_seconds: i64,
    precision: Precision,
}

impl Clock {
    /// Microseconds since 1970.
    const USUAL: Self = Self {
        units_a_second: 1_000_000,
        offset_seconds: 0,
        precision: Precision::Us,
    };

    /// From if_tsresol (a power of ten or, with the highest bit set, of two) and if_tsoffset.
    pub(super) fn new(resolution: u8, offset_seconds: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let (units, precision) = if resolution & 0x80 == 0 {
            let digits = usize::from(resolution);
            (
                10u64.checked_pow(exponent),
                Precision::of_fraction_digits(digits),
            )
        } else {
            let precision = match exponent {
                0..=6 => Precision::S,
                7..=16 => Precision::Ms,
                17..=26 => Precision::Us,
                _ => Precision::Ns,
            };
            (1u64.checked_shl(exponent), precision)
        };
        Self {
            units_a_second: units.unwrap_or(0),
            offset_seconds,
            precision,
        }
    }

    /// The instant, rounded down to nanoseconds; nothing where it can't be held.
    #[inline]
    pub(super) fn instant(&self, units: u64) -> Option<(Timestamp, Precision)> {
        let whole = units.checked_div(self.units_a_second)?;
        let rest = units.checked_rem(self.units_a_second)?;
        let nanos = match self.units_a_second {
            1_000_000 => rest * 1_000,
            1_000_000_000 => rest,
            units => u64::try_from(u128::from(rest) * 1_000_000_000 / u128::from(units)).ok()?,
        };
        let seconds = i64::try_from(whole)
            .ok()?
            .checked_add(self.offset_seconds)?;
        let ts = Timestamp::from_parts(seconds, u32::try_from(nanos).ok()?)?;
        Some((ts, self.precision))
    }
}
