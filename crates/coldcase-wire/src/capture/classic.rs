//! Classic pcap: a header of 24 bytes, then records of 16 (modified form: 24) bytes and the packet.

use coldcase_model::{Precision, Timestamp};
use pcap_parser::parse_pcap_header;

use super::{CaptureError, LONGEST_PACKET, Loss, Order, Packet, Step};

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;
/// Snaplen that is assumed where the header's is 0 or unbelievable, for the search after damage.
const USUAL_SNAPLEN: u32 = 262_144;
/// How far from the last good packet a time may lie to be believed after damage.
const NEAR_SECONDS: i64 = 30 * 86_400;
/// Bytes searched in one step after damage, so that the buffer stays small.
const SEARCH: usize = 1 << 20;

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
        let of = |order, magic| match magic {
            0xa1b2_c3d4 => Some(Self {
                order,
                nanos: false,
                record: 16,
            }),
            0xa1b2_3c4d => Some(Self {
                order,
                nanos: true,
                record: 16,
            }),
            0xa1b2_cd34 => Some(Self {
                order,
                nanos: false,
                record: 24,
            }),
            _ => None,
        };
        of(Order::Big, big).or_else(|| of(Order::Little, big.swap_bytes()))
    }
}

pub(super) struct Classic {
    magic: Magic,
    link: u32,
    snaplen: u32,
    /// Seconds of the last good packet.
    last: Option<i64>,
    damaged: bool,
}

/// The head of a record.
struct Head {
    seconds: u32,
    fraction: u32,
    captured: usize,
    original: u32,
}

impl Classic {
    pub(super) fn begin(buffer: &[u8]) -> Result<Self, CaptureError> {
        let magic = Magic::of(buffer).ok_or(CaptureError::NotACapture)?;
        // pcap-parser refuses the modified form in big-endian order, so the fields are read alike for all.
        let (order, field) = (magic.order, |at| {
            magic.order.u32(buffer, at).ok_or(CaptureError::NotACapture)
        });
        let version = order
            .u16(buffer, 4)
            .zip(order.u16(buffer, 6))
            .ok_or(CaptureError::NotACapture)?;
        let known = parse_pcap_header(buffer).map(|(_, header)| header);
        let (major, minor) = known.map_or(version, |header| {
            (header.version_major, header.version_minor)
        });
        if major != 2 {
            return Err(CaptureError::Version(major, minor));
        }
        let (snaplen, link) = (field(16)?, field(20)?);
        // Bits 28 to 31 give the FCS length, bit 26 says that they do; the others are reserved.
        if link & 0x03ff_0000 != 0 {
            return Err(CaptureError::LinkType(link));
        }
        Ok(Self {
            magic,
            link: link & 0xffff,
            snaplen,
            last: None,
            damaged: false,
        })
    }

    pub(super) fn next<'a>(&mut self, buffer: &'a [u8], at_end: bool, offset: u64) -> Step<'a> {
        if buffer.is_empty() && at_end {
            return Step::End;
        }
        if self.damaged {
            return self.search(buffer, at_end, offset);
        }
        let Some(head) = self.head(buffer, 0) else {
            return self.short(buffer, self.magic.record, at_end, offset);
        };
        if !self.possible(&head) {
            self.damaged = true;
            return self.search(buffer, at_end, offset);
        }
        let consumed = self.magic.record + head.captured;
        let Some(data) = buffer.get(self.magic.record..consumed) else {
            // A length that runs past the end of the file is either the cut last record or damage.
            if at_end && self.find(buffer, 1).is_some() {
                self.damaged = true;
                return self.search(buffer, at_end, offset);
            }
            return self.short(buffer, consumed, at_end, offset);
        };
        self.last = Some(i64::from(head.seconds));
        let unit = if self.magic.nanos { 1 } else { 1_000 };
        let ts =
            Timestamp(i64::from(head.seconds) * 1_000_000_000 + i64::from(head.fraction) * unit);
        let precision = if self.magic.nanos {
            Precision::Ns
        } else {
            Precision::Us
        };
        let packet = Packet {
            ts,
            precision,
            interface: 0,
            link: self.link,
            data,
            original_len: head.original,
            offset,
        };
        Step::Packet { packet, consumed }
    }

    fn short<'a>(&self, buffer: &[u8], at_least: usize, at_end: bool, offset: u64) -> Step<'a> {
        if !at_end {
            return Step::NeedMore { at_least };
        }
        let loss = Loss {
            offset,
            bytes: buffer.len() as u64,
            what: "the last record is cut",
        };
        Step::Loss {
            consumed: buffer.len(),
            loss,
        }
    }

    fn head(&self, buffer: &[u8], at: usize) -> Option<Head> {
        let bytes = buffer.get(at..at.checked_add(self.magic.record)?)?;
        let field = |at| self.magic.order.u32(bytes, at);
        let captured = usize::try_from(field(8)?).ok()?;
        Some(Head {
            seconds: field(0)?,
            fraction: field(4)?,
            captured,
            original: field(12)?,
        })
    }

    /// Whether a record can be: a zeroed hole, an absurd length or a fraction over a second can't.
    fn possible(&self, head: &Head) -> bool {
        let most = if self.magic.nanos {
            1_000_000_000
        } else {
            1_000_000
        };
        let zeroed =
            head.seconds == 0 && head.fraction == 0 && head.captured == 0 && head.original == 0;
        let fits =
            head.captured <= LONGEST_PACKET && head.captured <= self.longest().saturating_mul(4);
        !zeroed && fits && head.fraction < most
    }

    /// Whether a record found by searching is believed: stricter than [`Self::possible`].
    fn plausible(&self, head: &Head) -> bool {
        let near = match self.last {
            Some(last) => (i64::from(head.seconds) - last).abs() <= NEAR_SECONDS,
            None => head.seconds > 631_152_000, // 1990: before any pcap
        };
        let whole =
            head.original as usize >= head.captured && head.original as usize <= LONGEST_PACKET;
        self.possible(head) && near && whole && (1..=self.longest()).contains(&head.captured)
    }

    fn longest(&self) -> usize {
        let snaplen = if self.snaplen == 0 {
            USUAL_SNAPLEN
        } else {
            self.snaplen.max(65_535)
        };
        (snaplen as usize).min(LONGEST_PACKET)
    }

    /// The next place from `from` on with two plausible records in a row, or one that ends the buffer.
    fn find(&self, buffer: &[u8], from: usize) -> Option<usize> {
        let end = buffer.len().min(from.saturating_add(SEARCH));
        (from..end).find(|at| {
            let Some(first) = self.head(buffer, *at).filter(|head| self.plausible(head)) else {
                return false;
            };
            let next = at + self.magic.record + first.captured;
            next == buffer.len()
                || self
                    .head(buffer, next)
                    .is_some_and(|head| self.plausible(&head))
        })
    }

    fn search<'a>(&mut self, buffer: &'a [u8], at_end: bool, offset: u64) -> Step<'a> {
        let reach = SEARCH + 2 * self.magic.record + self.longest();
        if buffer.len() < reach && !at_end {
            return Step::NeedMore { at_least: reach };
        }
        let found = self.find(buffer, 1);
        let consumed = match found {
            Some(at) => {
                self.damaged = false;
                at
            }
            None => buffer.len().min(SEARCH),
        };
        let zeroed = buffer.iter().take(64).all(|byte| *byte == 0);
        let what = if zeroed {
            "a hole of zeros"
        } else {
            "records that can't be"
        };
        Step::Loss {
            consumed,
            loss: Loss {
                offset,
                bytes: consumed as u64,
                what,
            },
        }
    }
}
