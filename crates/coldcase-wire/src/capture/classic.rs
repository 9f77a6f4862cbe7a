//! Classic pcap: a header of 24 bytes, then records of 16 (modified form: 24) bytes and the packet.

use coldcase_model::{Precision, Timestamp};

use super::damage::{self, AHEAD, Damage, Window};
use super::{CaptureError, LARGEST_NEED, LONGEST_PACKET, Order, Packet, Step};

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;
/// Snaplen that is assumed where the header's is 0: libpcap's MAXIMUM_SNAPLEN.
const USUAL_SNAPLEN: u32 = 262_144;
/// How far from the last good packet a time may lie to be believed after damage.
const NEAR_SECONDS: i64 = 30 * 86_400;
/// Seconds of 1990-01-01, before any pcap.
const FIRST_CAPTURE: i64 = 631_152_000;
/// Records in a row that end damage where the first lies near the last good packet.
const CHAIN_NEAR: usize = 2;
/// The same where only the records' nearness to one another speaks for them.
const CHAIN_FAR: usize = 4;
/// Packets longer than this are not looked for in damage: they would be judged by what lies too far ahead.
const LONGEST_FOUND: usize = AHEAD / 2;

const DAMAGED: &str = "records that can't be";
const ZEROS: &str = "a hole of zeros";
const CUT: &str = "the last record is cut";

/// What the first four bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Magic {
    order: Order,
    nanos: bool,
    record: usize,
}

impl Magic {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let big = Order::Big.u32(head, 0)?;
        let of = |order, magic| {
            let (nanos, record) = match magic {
                0xa1b2_c3d4 => (false, 16),
                0xa1b2_3c4d => (true, 16),
                // Kuznetzov's: interface index, protocol and packet type behind the usual fields.
                0xa1b2_cd34 => (false, 24),
                _ => return None,
            };
            Some(Self {
                order,
                nanos,
                record,
            })
        };
        of(Order::Big, big).or_else(|| of(Order::Little, big.swap_bytes()))
    }

    /// Fractions in a second.
    fn fractions(self) -> u32 {
        if self.nanos { 1_000_000_000 } else { 1_000_000 }
    }
}

/// In which order a record gives captured and original length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    /// Files before version 2.3.
    OriginalFirst,
    /// Version 2.3 has both kinds: the smaller one is the captured one.
    Either,
}

pub(super) struct Classic {
    magic: Magic,
    lengths: Lengths,
    link: u32,
    snaplen: u32,
    /// Longest packet to expect, and to bear with: some writers exceed their own snaplen, none by much.
    usual: usize,
    longest: usize,
    /// Seconds of the last good packet.
    last: Option<i64>,
    damage: Option<Damage>,
}

/// The head of a record.
#[derive(Debug, Clone, Copy)]
struct Head {
    seconds: u32,
    fraction: u32,
    captured: usize,
    original: u32,
}

impl Classic {
    pub(super) fn begin(buffer: &[u8]) -> Result<Self, CaptureError> {
        let magic = Magic::of(buffer).ok_or(CaptureError::NotACapture)?;
        let order = magic.order;
        let cut = CaptureError::Cut;
        let (major, minor) = order.u16(buffer, 4).zip(order.u16(buffer, 6)).ok_or(cut)?;
        let lengths = match (major, minor) {
            (2, 0..=2) => Lengths::OriginalFirst,
            (2, 3) => Lengths::Either,
            (2, 4) => Lengths::CapturedFirst,
            _ => return Err(CaptureError::Version(major, minor)),
        };
        let (snaplen, link) = order
            .u32(buffer, 16)
            .zip(order.u32(buffer, 20))
            .ok_or(cut)?;
        // Bits 28 to 31 give the FCS length, bit 26 says that they do; 16 to 25 are reserved.
        if link & 0x03ff_0000 != 0 {
            return Err(CaptureError::LinkType(link));
        }
        let usual = match snaplen {
            0 => USUAL_SNAPLEN,
            told => told.max(65_535),
        };
        let usual =
            usize::try_from(usual).map_or(LONGEST_PACKET, |usual| usual.min(LONGEST_PACKET));
        Ok(Self {
            magic,
            lengths,
            link: link & 0xffff,
            snaplen,
            usual,
            longest: usual.saturating_mul(4).min(LONGEST_PACKET),
            last: None,
            damage: None,
        })
    }

    pub(super) fn snaplen(&self) -> u32 {
        self.snaplen
    }

    #[inline]
    pub(super) fn next<'a>(&mut self, buffer: &'a [u8], at_end: bool, offset: u64) -> Step<'a> {
        if let Some(damage) = self.damage.take() {
            let (damage, step) = damage.pass(buffer, at_end, self.is_candidate(), self.way_out());
            self.damage = damage;
            return step;
        }
        let record = self.magic.record;
        let Some(head) = self.head(buffer, 0) else {
            return match at_end {
                true if buffer.is_empty() => Step::End,
                true => damage::cut(buffer, offset, CUT),
                false => Step::NeedMore { at_least: record },
            };
        };
        if !self.is_possible(&head) {
            let zeros = buffer.iter().take(record).all(|byte| *byte == 0);
            return self.damaged(offset, if zeros { ZEROS } else { DAMAGED });
        }
        let consumed = record + head.captured;
        // What follows is looked at too: a length that leads astray is known by where it leads.
        let wanted = consumed + record;
        if buffer.len() < wanted && !at_end {
            return Step::NeedMore { at_least: wanted };
        }
        let follower = self.head(buffer, consumed);
        let is_astray = buffer.len() < consumed
            || follower.is_some_and(|next| !self.is_possible(&next))
            || u32::try_from(head.captured).is_ok_and(|captured| captured > head.original);
        if is_astray {
            let reach = (consumed + AHEAD).min(LARGEST_NEED);
            if buffer.len() < reach && !at_end {
                return Step::NeedMore { at_least: reach };
            }
            if self.swallows_records(buffer, consumed, reach, at_end) {
                return self.damaged(offset, DAMAGED);
            }
        }
        match buffer.get(record..consumed) {
            Some(data) => Step::Packet {
                packet: self.packet(&head, data, offset),
                consumed,
            },
            None => damage::cut(buffer, offset, CUT),
        }
    }

    /// Whether good records begin within these many bytes, so that the record that claims them is none.
    fn swallows_records(&self, buffer: &[u8], claimed: usize, reach: usize, at_end: bool) -> bool {
        let window = Window {
            bytes: buffer.get(..reach).unwrap_or(buffer),
            complete: at_end && buffer.len() <= reach,
        };
        let until = claimed.min(AHEAD);
        window
            .find(1, until, self.is_candidate(), self.way_out())
            .is_some()
    }

    /// Begins to look for the way out in the next step.
    fn damaged<'a>(&mut self, offset: u64, what: &'static str) -> Step<'a> {
        self.damage = Some(Damage::at(offset, what));
        Step::Skip { consumed: 0 }
    }

    #[inline]
    fn packet<'a>(&mut self, head: &Head, data: &'a [u8], offset: u64) -> Packet<'a> {
        let seconds = i64::from(head.seconds);
        self.last = Some(seconds);
        let (unit, precision) = match self.magic.nanos {
            true => (1, Precision::Ns),
            false => (1_000, Precision::Us),
        };
        // 32 bits of seconds end in 2106, i64 nanoseconds in 2262.
        let ts = Timestamp(seconds * 1_000_000_000 + i64::from(head.fraction) * unit);
        Packet {
            ts,
            precision,
            interface: 0,
            link: self.link,
            data,
            original_len: head.original,
            offset,
        }
    }

    #[inline]
    fn head(&self, buffer: &[u8], at: usize) -> Option<Head> {
        let bytes = buffer.get(at..at.checked_add(self.magic.record)?)?;
        let field = |at| self.magic.order.u32(bytes, at);
        let (first, second) = (field(8)?, field(12)?);
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        };
        Some(Head {
            seconds: field(0)?,
            fraction: field(4)?,
            captured: usize::try_from(captured).ok()?,
            original,
        })
    }

    /// Whether a record can be: a zeroed hole, an absurd length or a fraction over a second can't.
    #[inline]
    fn is_possible(&self, head: &Head) -> bool {
        let zeroed =
            head.seconds == 0 && head.fraction == 0 && head.captured == 0 && head.original == 0;
        !zeroed && head.captured <= self.longest && head.fraction < self.magic.fractions()
    }

    /// Whether a record found by searching is believed: stricter than [`Self::is_possible`].
    fn is_plausible(&self, head: &Head) -> bool {
        let longest = self.usual.min(LONGEST_FOUND);
        let original = usize::try_from(head.original).unwrap_or(usize::MAX);
        (1..=longest).contains(&head.captured)
            && (head.captured..=LONGEST_PACKET).contains(&original)
            && i64::from(head.seconds) >= FIRST_CAPTURE
            && self.is_possible(head)
    }

    /// Whether four bytes can be a record's seconds: nearly all positions of a hole fail here.
    fn is_candidate(&self) -> impl Fn([u8; 4]) -> bool + use<> {
        let order = self.magic.order;
        move |bytes| i64::from(order.number(bytes)) >= FIRST_CAPTURE
    }

    /// Judges a position by the records that would follow one another from there.
    fn way_out(&self) -> impl Fn(&Window<'_>, usize) -> bool + use<'_> {
        |window, at| self.begins_chain(window, at).unwrap_or(false)
    }

    fn begins_chain(&self, window: &Window<'_>, at: usize) -> Option<bool> {
        let near = |head: &Head, to: i64| (i64::from(head.seconds) - to).abs() <= NEAR_SECONDS;
        let mut head = self.head(window.bytes, at)?;
        let is_near = self.last.is_some_and(|last| near(&head, last));
        let wanted = if is_near { CHAIN_NEAR } else { CHAIN_FAR };
        let mut place = at;
        let mut before = i64::from(head.seconds);
        for found in 1..=wanted {
            if !self.is_plausible(&head) || !near(&head, before) {
                return Some(false);
            }
            if found == wanted {
                return Some(true);
            }
            before = i64::from(head.seconds);
            place = place.checked_add(self.magic.record + head.captured)?;
            head = match self.head(window.bytes, place) {
                Some(next) => next,
                // The capture ends with this record, or within the head of the next one.
                None => {
                    let ends = window.complete && place <= window.bytes.len();
                    return Some(ends && (is_near || found >= CHAIN_NEAR));
                }
            };
        }
        Some(false)
    }
}
