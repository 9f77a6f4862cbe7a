//! pcapng: sections of blocks; packets refer to interfaces with a link type and a clock of their own.

use super::damage::{self, Damage, Window};
use super::interface::Interface;
use super::{CaptureError, LONGEST_PACKET, Loss, Order, Packet, Step};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
/// Obsolete, still written by old tools.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Block types up to this one (decryption secrets) are usual: damage may end at one.
const LAST_USUAL: u32 = 10;
/// Bytes around what a block carries: type, length, and the length again.
const FRAME: usize = 12;
/// Longest block that is believed.
const LONGEST_BLOCK: usize = LONGEST_PACKET + (32 << 10);
/// Interfaces kept of one section.
const MOST_INTERFACES: usize = 1 << 16;

const DAMAGED: &str = "blocks that can't be";
const ZEROS: &str = "a hole of zeros";
const CUT: &str = "the last block is cut";

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

/// The least length that a block of this type can have.
#[inline]
fn least(kind: u32) -> usize {
    match kind {
        SECTION => 28,
        INTERFACE => 20,
        PACKET | ENHANCED_PACKET => 32,
        SIMPLE_PACKET => 16,
        _ => FRAME,
    }
}

/// The head of a block.
#[derive(Debug, Clone, Copy)]
struct Head {
    order: Order,
    kind: u32,
    length: usize,
}

pub(super) struct NextGeneration {
    order: Order,
    interfaces: Vec<Interface>,
    damage: Option<Damage>,
}

impl NextGeneration {
    /// A capture whose first section begins with these 16 bytes.
    pub(super) fn begin(buffer: &[u8]) -> Result<Self, CaptureError> {
        let order = order_of(buffer).ok_or(CaptureError::NotACapture)?;
        match order.u16(buffer, 12).zip(order.u16(buffer, 14)) {
            Some((1, _)) => Ok(Self {
                order,
                interfaces: Vec::new(),
                damage: None,
            }),
            Some((major, minor)) => Err(CaptureError::Version(major, minor)),
            None => Err(CaptureError::Cut),
        }
    }

    pub(super) fn interface(&self, number: u32) -> Option<&Interface> {
        self.interfaces.get(usize::try_from(number).ok()?)
    }

    #[inline]
    pub(super) fn next<'a>(&mut self, buffer: &'a [u8], at_end: bool, offset: u64) -> Step<'a> {
        let order = self.order;
        let candidate = |bytes| is_usual(order.number(bytes));
        let believed = |window: &Window<'_>, at| begins_block(order, window, at).is_some();
        if let Some(damage) = self.damage.take() {
            let (damage, step) = damage.pass(buffer, at_end, candidate, believed);
            self.damage = damage;
            return step;
        }
        if buffer.len() < FRAME {
            return match at_end {
                true if buffer.is_empty() => Step::End,
                true => damage::cut(buffer, offset, CUT),
                false => Step::NeedMore { at_least: FRAME },
            };
        }
        let Some(head) = head(order, buffer, 0) else {
            let zeros = buffer.iter().take(FRAME).all(|byte| *byte == 0);
            return self.damaged(offset, if zeros { ZEROS } else { DAMAGED });
        };
        let Some(block) = buffer.get(..head.length) else {
            if !at_end {
                let at_least = head.length;
                return Step::NeedMore { at_least };
            }
            // A length that runs past the end is either the cut last block's, or wrong.
            let window = Window {
                bytes: buffer,
                complete: true,
            };
            let found = window.find(1, damage::AHEAD, candidate, believed);
            return match found {
                Some(_) => self.damaged(offset, DAMAGED),
                None => damage::cut(buffer, offset, CUT),
            };
        };
        if closing(head, block, 0) != Some(head.length) {
            return self.damaged(offset, DAMAGED);
        }
        self.block(head, block, offset)
    }

    /// Begins to look for the way out in the next step.
    fn damaged<'a>(&mut self, offset: u64, what: &'static str) -> Step<'a> {
        self.damage = Some(Damage::at(offset, what));
        Step::Skip { consumed: 0 }
    }

    fn block<'a>(&mut self, head: Head, block: &'a [u8], offset: u64) -> Step<'a> {
        let consumed = block.len();
        match head.kind {
            SECTION => {
                self.order = head.order;
                self.interfaces.clear();
            }
            INTERFACE if self.interfaces.len() < MOST_INTERFACES => {
                let interface = Interface::described_by(head.order, block);
                self.interfaces.push(interface);
            }
            ENHANCED_PACKET | PACKET | SIMPLE_PACKET => {
                return match self.packet(head, block, offset) {
                    Ok(packet) => Step::Packet { packet, consumed },
                    Err(what) => {
                        let loss = Loss {
                            offset,
                            bytes: consumed as u64,
                            what,
                        };
                        Step::Loss { consumed, loss }
                    }
                };
            }
            _ => {}
        }
        Step::Skip { consumed }
    }

    #[inline]
    fn packet<'a>(
        &self,
        head: Head,
        block: &'a [u8],
        offset: u64,
    ) -> Result<Packet<'a>, &'static str> {
        if head.kind == SIMPLE_PACKET {
            return Err("a packet without a time (simple packet block)");
        }
        let too_short = "a packet longer than its block";
        let field = |at| head.order.u32(block, at).ok_or(too_short);
        let number = match head.kind {
            // Two bytes of interface number, two of a drop count.
            PACKET => u32::from(head.order.u16(block, 8).ok_or(too_short)?),
            _ => field(8)?,
        };
        let interface = self
            .interface(number)
            .ok_or("a packet of an interface that is not described")?;
        let units = (u64::from(field(12)?) << 32) | u64::from(field(16)?);
        let data = usize::try_from(field(20)?)
            .ok()
            .and_then(|captured| block.get(28..block.len().checked_sub(4)?)?.get(..captured))
            .ok_or(too_short)?;
        let (ts, precision) = interface
            .clock
            .instant(units)
            .ok_or("a time that can't be")?;
        Ok(Packet {
            ts,
            precision,
            interface: number,
            link: interface.link,
            data,
            original_len: field(24)?,
            offset,
        })
    }
}

/// Byte order, type and length of the block at a place, if they can be.
#[inline]
fn head(order: Order, buffer: &[u8], at: usize) -> Option<Head> {
    let bytes = buffer.get(at..)?;
    let order = match Order::Little.u32(bytes, 0)? {
        SECTION => order_of(bytes)?,
        _ => order,
    };
    let kind = order.u32(bytes, 0)?;
    let length = usize::try_from(order.u32(bytes, 4)?).ok()?;
    let possible = length >= least(kind) && length % 4 == 0 && length <= LONGEST_BLOCK;
    possible.then_some(Head {
        order,
        kind,
        length,
    })
}

/// The length that a block repeats at its end.
#[inline]
fn closing(head: Head, buffer: &[u8], at: usize) -> Option<usize> {
    let end = at.checked_add(head.length)?.checked_sub(4)?;
    usize::try_from(head.order.u32(buffer, end)?).ok()
}

/// Whether damage may end at a block of this type. A section's type reads alike in both orders.
fn is_usual(kind: u32) -> bool {
    kind == SECTION || (INTERFACE..=LAST_USUAL).contains(&kind)
}

/// Whether damage ends here: a whole block of a usual type, and behind it another one's head or the end.
fn begins_block(order: Order, window: &Window<'_>, at: usize) -> Option<()> {
    let block = head(order, window.bytes, at)?;
    let end = at.checked_add(block.length)?;
    let whole = closing(block, window.bytes, at)? == block.length;
    let followed = match window.bytes.len().checked_sub(end)? {
        0..FRAME => window.complete,
        _ => head(block.order, window.bytes, end).is_some(),
    };
    (whole && followed).then_some(())
}
