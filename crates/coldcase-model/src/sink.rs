//! Where a format puts what it reads: events, and what was lost.

use crate::Event;

/// A place in an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The artifact as a whole.
    Whole,
    /// A line of a text artifact, from 1.
    Line(u64),
    /// A byte offset of a binary artifact.
    Offset(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole => f.write_str("the whole file"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Offset(offset) => write!(f, "offset {offset}"),
        }
    }
}

/// Records of an artifact: each is used (an event came from it, alone or with others) or skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that went into events.
    pub used: u64,
    /// Records that did not, each with a reason.
    pub skipped: u64,
}

impl Counts {
    /// All records read.
    pub fn records(self) -> u64 {
        self.used + self.skipped
    }
}

/// Receives what a format reads out of one artifact.
pub trait Sink {
    /// One row of the timeline.
    fn event(&mut self, event: &Event<'_>);

    /// `count` records (lines, packets, containers, ...) were read and used.
    fn used(&mut self, count: u64);

    /// A record was read but not used. Reasons are few and fixed, so that they can be counted.
    fn skip(&mut self, place: Place, reason: &'static str);

    /// Something the reader of the case must know: damage, an assumption, a limit that was met.
    fn warn(&mut self, place: Place, warning: String);
}
