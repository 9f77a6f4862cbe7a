//! Capture files: classic pcap (libpcap's pcap-savefile(5): microseconds, nanoseconds and Kuznetzov's
//! modified form, both byte orders) and pcapng (draft-ietf-opsawg-pcapng). The decoder is fed a buffer and
//! says what stands at its beginning: a packet, something without one, damage, or that it needs more.
//!
//! Damage does not end a capture. Where a record is impossible, or leads to an impossible one, the decoder
//! looks for the next place at which records follow one another, and reports the bytes between as one loss.
//! How the caller cuts the capture into buffers makes no difference. What a time means is settled here:
//! base-2 resolutions, offsets and nanoseconds are exact; a packet without a time (pcapng's simple packet
//! block) is a loss, since no time is better than 1970.

mod classic;
mod damage;
mod interface;
mod next_generation;
#[cfg(test)]
mod tests;

use coldcase_model::{Precision, Timestamp};

use classic::Classic;
use next_generation::NextGeneration;

/// Longest packet that is believed: libpcap's MAXIMUM_SNAPLEN is 256 KiB, USB and GSO captures go beyond.
pub const LONGEST_PACKET: usize = (16 << 20) - (64 << 10);

/// The most that a step needs to see at once.
pub const LARGEST_NEED: usize = LONGEST_PACKET + (64 << 10);

/// One packet as captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When.
    pub ts: Timestamp,
    /// How exact the capture's clock field is.
    pub precision: Precision,
    /// Interface within the capture, from 0.
    pub interface: u32,
    /// LINKTYPE number, without the FCS bits that a header may carry beside it.
    pub link: u32,
    /// What was captured of it.
    pub data: &'a [u8],
    /// Its length on the wire.
    pub original_len: u32,
    /// Offset of its record in the (decompressed) capture.
    pub offset: u64,
}

/// Bytes of a capture that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Where they begin.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// What is wrong with them.
    pub what: &'static str,
}

/// What stands at the beginning of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A packet.
    Packet {
        /// The packet.
        packet: Packet<'a>,
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
    /// A header or block without a packet.
    Skip {
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
    /// Damage.
    Loss {
        /// Bytes to drop from the buffer.
        consumed: usize,
        /// What was lost.
        loss: Loss,
    },
    /// The buffer must hold at least so many bytes.
    NeedMore {
        /// How many, from the buffer's beginning.
        at_least: usize,
    },
    /// The capture is over.
    End,
}

/// Why bytes are no capture at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureError {
    /// No known magic number.
    NotACapture,
    /// A version of the format that nobody reads any more.
    Version(u16, u16),
    /// It ends within its header.
    Cut,
    /// Reserved bits of the link type are set: the header is not what it seems.
    LinkType(u32),
}

impl std::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotACapture => f.write_str("no capture: neither pcap nor pcapng"),
            Self::Version(major, minor) => {
                write!(
                    f,
                    "capture version {major}.{minor} is not read (pcap up to 2.4, pcapng 1.x are)"
                )
            }
            Self::Cut => f.write_str("the capture ends within its header"),
            Self::LinkType(link) => write!(f, "reserved bits of the link type are set ({link:#x})"),
        }
    }
}

impl std::error::Error for CaptureError {}

/// Whether these bytes begin a capture.
pub fn is_capture(head: &[u8]) -> bool {
    classic::Magic::of(head).is_some() || next_generation::begins(head)
}

enum Kind {
    Unknown,
    Classic(Classic),
    NextGeneration(NextGeneration),
}

/// Walks a capture record by record.
pub struct Decoder {
    kind: Kind,
    offset: u64,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the beginning of a capture.
    pub fn new() -> Self {
        Self {
            kind: Kind::Unknown,
            offset: 0,
        }
    }

    /// What stands at the beginning of `buffer`, which continues where the last step's `consumed` ended;
    /// `at_end`: nothing follows it.
    pub fn next<'a>(&mut self, buffer: &'a [u8], at_end: bool) -> Result<Step<'a>, CaptureError> {
        let offset = self.offset;
        let step = match &mut self.kind {
            Kind::Unknown => self.begin(buffer, at_end)?,
            Kind::Classic(classic) => classic.next(buffer, at_end, offset),
            Kind::NextGeneration(sections) => sections.next(buffer, at_end, offset),
        };
        if let Step::Packet { consumed, .. }
        | Step::Skip { consumed }
        | Step::Loss { consumed, .. } = step
        {
            self.offset = self.offset.saturating_add(consumed as u64);
        }
        Ok(step)
    }

    /// The name of an interface of the current section, where the capture tells it (pcapng).
    pub fn interface_name(&self, interface: u32) -> Option<&str> {
        match &self.kind {
            Kind::NextGeneration(sections) => sections.interface(interface)?.name.as_deref(),
            Kind::Unknown | Kind::Classic(_) => None,
        }
    }

    /// The snap length of an interface as the capture tells it; 0: unlimited.
    pub fn snaplen(&self, interface: u32) -> Option<u32> {
        match &self.kind {
            Kind::NextGeneration(sections) => Some(sections.interface(interface)?.snaplen),
            Kind::Classic(classic) => Some(classic.snaplen()),
            Kind::Unknown => None,
        }
    }

    fn begin(&mut self, buffer: &[u8], at_end: bool) -> Result<Step<'static>, CaptureError> {
        if buffer.len() < classic::HEADER && !at_end {
            return Ok(Step::NeedMore {
                at_least: classic::HEADER,
            });
        }
        if next_generation::begins(buffer) {
            self.kind = Kind::NextGeneration(NextGeneration::begin(buffer)?);
            return Ok(Step::Skip { consumed: 0 });
        }
        self.kind = Kind::Classic(Classic::begin(buffer)?);
        Ok(Step::Skip {
            consumed: classic::HEADER,
        })
    }
}

/// Reads numbers in a capture's byte order; `None` beyond its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    #[inline]
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self == Self::Little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    #[inline]
    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(self.number(bytes))
    }

    #[inline]
    pub(crate) fn number(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}
