//! pcapng: sections of blocks; packets refer to interfaces with a link type and a clock of their own.

use coldcase_model::{Precision, Timestamp};
use pcap_parser::pcapng::{
    InterfaceDescriptionBlock, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le,
};

use super::{LONGEST_PACKET, Loss, Order, Packet, Step};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Longest block that is believed.
const LONGEST_BLOCK: usize = LONGEST_PACKET + (64 << 10);
/// Interfaces kept of one section.
const MOST_INTERFACES: usize = 1 << 16;
/// Bytes searched in one step after damage.
const SEARCH: usize = 1 << 20;

/// Whether these bytes begin a section.
pub(super) fn begins(head: &[u8]) -> bool {
    Order::Little.u32(head, 0) == Some(SECTION) && order_of(head).is_some()
}

fn order_of(section: &[u8]) -> Option<Order> {
    match section.get(8..12)? {
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(Order::Little),
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(Order::Big),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u32,
    snaplen: u32,
    /// Units a second: a power of ten or of two.
    resolution: u8,
    offset_seconds: i64,
}

pub(super) struct NextGeneration {
    order: Order,
    interfaces: Vec<Interface>,
    damaged: bool,
}

impl Default for NextGeneration {
    fn default() -> Self {
        Self {
            order: Order::Little,
            interfaces: Vec::new(),
            damaged: false,
        }
    }
}

impl NextGeneration {
    pub(super) fn next<'a>(&mut self, buffer: &'a [u8], at_end: bool, offset: u64) -> Step<'a> {
        if buffer.is_empty() && at_end {
            return Step::End;
        }
        if self.damaged {
            return self.search(buffer, at_end, offset);
        }
        if buffer.len() < 12 {
            return short(buffer, 12, at_end, offset);
        }
        let Some((order, kind, length)) = self.block_at(buffer, 0) else {
            self.damaged = true;
            return self.search(buffer, at_end, offset);
        };
        let Some(block) = buffer.get(..length) else {
            if at_end && self.find(buffer, 4).is_some() {
                self.damaged = true;
                return self.search(buffer, at_end, offset);
            }
            return short(buffer, length, at_end, offset);
        };
        if order
            .u32(block, length - 4)
            .and_then(|end| usize::try_from(end).ok())
            != Some(length)
        {
            self.damaged = true;
            return self.search(buffer, at_end, offset);
        }
        self.block(order, kind, block, offset)
    }

    /// Byte order, type and length of the block at a place, if they can be.
    fn block_at(&self, buffer: &[u8], at: usize) -> Option<(Order, u32, usize)> {
        let head = buffer.get(at..)?;
        let order = if Order::Little.u32(head, 0) == Some(SECTION) {
            order_of(head)?
        } else {
            self.order
        };
        let length = usize::try_from(order.u32(head, 4)?).ok()?;
        let possible = length >= 12 && length % 4 == 0 && length <= LONGEST_BLOCK;
        possible.then_some((order, order.u32(head, 0)?, length))
    }

    fn block<'a>(&mut self, order: Order, kind: u32, block: &'a [u8], offset: u64) -> Step<'a> {
        let consumed = block.len();
        match kind {
            SECTION => {
                self.order = order;
                self.interfaces.clear();
            }
            INTERFACE if self.interfaces.len() < MOST_INTERFACES => {
                self.interfaces.push(interface(order, block));
            }
            ENHANCED_PACKET | PACKET | SIMPLE_PACKET => {
                return self.packet(order, kind, block, offset);
            }
            _ => {}
        }
        Step::Skip { consumed }
    }

    fn packet<'a>(&self, order: Order, kind: u32, block: &'a [u8], offset: u64) -> Step<'a> {
        let consumed = block.len();
        let lost = |what| Step::Loss {
            consumed,
            loss: Loss {
                offset,
                bytes: consumed as u64,
                what,
            },
        };
        let field = |at| order.u32(block, at).unwrap_or(0);
        let (number, high, low, captured, original, begin) = match kind {
            SIMPLE_PACKET => (0, 0, 0, field(8), field(8), 12),
            PACKET => (
                u32::from(order.u16(block, 8).unwrap_or(0)),
                field(12),
                field(16),
                field(20),
                field(24),
                28,
            ),
            _ => (field(8), field(12), field(16), field(20), field(24), 28),
        };
        let Some(interface) = self.interfaces.get(number as usize).copied() else {
            return lost("a packet of an interface that is not described");
        };
        let room = block.get(begin..consumed - 4).unwrap_or_default();
        let captured = match (kind, interface.snaplen) {
            (SIMPLE_PACKET, 0) => (captured as usize).min(room.len()),
            (SIMPLE_PACKET, snaplen) => (captured.min(snaplen) as usize).min(room.len()),
            _ => captured as usize,
        };
        let Some(data) = room.get(..captured) else {
            return lost("a packet longer than its block");
        };
        let units = (u64::from(high) << 32) | u64::from(low);
        let Some((ts, precision)) = instant(units, interface) else {
            return lost("a time that can't be");
        };
        let link = interface.link;
        let packet = Packet {
            ts,
            precision,
            interface: number,
            link,
            data,
            original_len: original,
            offset,
        };
        Step::Packet { packet, consumed }
    }

    /// The next place from `from` on at which a whole block of a usual type stands.
    fn find(&self, buffer: &[u8], from: usize) -> Option<usize> {
        let end = buffer.len().min(from.saturating_add(SEARCH));
        (from..end).find(|at| {
            let Some((order, kind, length)) = self.block_at(buffer, *at) else {
                return false;
            };
            let usual = kind == SECTION || (1..=6).contains(&kind);
            let closing = (at + length)
                .checked_sub(4)
                .and_then(|end| order.u32(buffer, end));
            usual && closing.and_then(|end| usize::try_from(end).ok()) == Some(length)
        })
    }

    fn search<'a>(&mut self, buffer: &'a [u8], at_end: bool, offset: u64) -> Step<'a> {
        let reach = SEARCH + (512 << 10);
        if buffer.len() < reach && !at_end {
            return Step::NeedMore { at_least: reach };
        }
        let consumed = match self.find(buffer, 1) {
            Some(at) => {
                self.damaged = false;
                at
            }
            None => buffer.len().min(SEARCH),
        };
        Step::Loss {
            consumed,
            loss: Loss {
                offset,
                bytes: consumed as u64,
                what: "blocks that can't be",
            },
        }
    }
}

fn short<'a>(buffer: &[u8], at_least: usize, at_end: bool, offset: u64) -> Step<'a> {
    if !at_end {
        return Step::NeedMore { at_least };
    }
    let loss = Loss {
        offset,
        bytes: buffer.len() as u64,
        what: "the last block is cut",
    };
    Step::Loss {
        consumed: buffer.len(),
        loss,
    }
}

fn interface(order: Order, block: &[u8]) -> Interface {
    let parsed = match order {
        Order::Little => parse_interfacedescriptionblock_le(block),
        Order::Big => parse_interfacedescriptionblock_be(block),
    };
    match parsed {
        Ok((
            _,
            InterfaceDescriptionBlock {
                linktype,
                snaplen,
                if_tsresol,
                if_tsoffset,
                ..
            },
        )) => Interface {
            link: u32::try_from(linktype.0).unwrap_or(u32::MAX) & 0xffff,
            snaplen,
            resolution: if_tsresol,
            offset_seconds: if_tsoffset,
        },
        // Options that can't be read: link type and snaplen stand before them, the clock is the usual one.
        Err(_) => Interface {
            link: u32::from(order.u16(block, 8).unwrap_or(u16::MAX)),
            snaplen: order.u32(block, 12).unwrap_or(0),
            resolution: 6,
            offset_seconds: 0,
        },
    }
}

/// An instant out of an interface's units; exact to the nanosecond also where units are powers of two.
fn instant(units: u64, interface: Interface) -> Option<(Timestamp, Precision)> {
    let exponent = u32::from(interface.resolution & 0x7f);
    let (seconds, nanos, precision) = if interface.resolution & 0x80 == 0 {
        let a_second = 10u128
            .checked_pow(exponent)
            .filter(|unit| *unit <= u128::from(u64::MAX))?;
        let (whole, rest) = (u128::from(units) / a_second, u128::from(units) % a_second);
        (
            whole,
            rest * 1_000_000_000 / a_second,
            Precision::of_fraction_digits(exponent as usize),
        )
    } else {
        let a_second = 1u128.checked_shl(exponent).filter(|_| exponent < 64)?;
        let (whole, rest) = (u128::from(units) / a_second, u128::from(units) % a_second);
        let precision = match exponent {
            0..=9 => Precision::S,
            10..=19 => Precision::Ms,
            20..=29 => Precision::Us,
            _ => Precision::Ns,
        };
        (whole, rest * 1_000_000_000 / a_second, precision)
    };
    let seconds = i64::try_from(seconds)
        .ok()?
        .checked_add(interface.offset_seconds)?;
    Some((
        Timestamp::from_parts(seconds, u32::try_from(nanos).ok()?)?,
        precision,
    ))
}
