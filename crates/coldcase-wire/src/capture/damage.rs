//! The way out of damage: a window slides over the capture until a record is believed again, and all bytes
//! passed over become one loss.

use super::{Loss, Step};

/// Positions tried in one step, so that the buffer stays small.
const STRIDE: usize = 1 << 20;
/// What a position may look at ahead of itself to be judged.
pub(super) const AHEAD: usize = 1 << 20;

/// A damaged place whose end has not been found yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Damage {
    offset: u64,
    bytes: u64,
    what: &'static str,
}

impl Damage {
    /// Damage that begins at the record which stands at this offset.
    pub(super) fn at(offset: u64, what: &'static str) -> Self {
        Self {
            offset,
            bytes: 0,
            what,
        }
    }

    /// Passes over bytes until `believed` holds at a position; `candidate` says quickly of its first four
    /// bytes that it can't. Gives itself back where the end was not found yet.
    pub(super) fn pass<'a>(
        mut self,
        buffer: &[u8],
        at_end: bool,
        candidate: impl Fn([u8; 4]) -> bool,
        believed: impl Fn(&Window<'_>, usize) -> bool,
    ) -> (Option<Self>, Step<'a>) {
        let reach = STRIDE + AHEAD;
        if buffer.len() < reach && !at_end {
            return (Some(self), Step::NeedMore { at_least: reach });
        }
        // The window's size must not depend on how much the caller happens to hold.
        let window = Window {
            bytes: buffer.get(..reach).unwrap_or(buffer),
            complete: at_end && buffer.len() <= reach,
        };
        // The record that is damaged itself is never the way out.
        let from = usize::from(self.bytes == 0);
        let until = STRIDE.min(buffer.len());
        let found = window.find(from, until, candidate, believed);
        let consumed = found.unwrap_or(until);
        self.bytes = self.bytes.saturating_add(consumed as u64);
        if found.is_none() && (consumed < buffer.len() || !at_end) {
            return (Some(self), Step::Skip { consumed });
        }
        let loss = Loss {
            offset: self.offset,
            bytes: self.bytes,
            what: self.what,
        };
        (None, Step::Loss { consumed, loss })
    }
}

/// What a position is judged by.
pub(super) struct Window<'a> {
    /// The bytes.
    pub(super) bytes: &'a [u8],
    /// Whether the capture ends where they end.
    pub(super) complete: bool,
}

impl Window<'_> {
    /// The first position in a range that is believed.
    pub(super) fn find(
        &self,
        from: usize,
        until: usize,
        candidate: impl Fn([u8; 4]) -> bool,
        believed: impl Fn(&Self, usize) -> bool,
    ) -> Option<usize> {
        let bytes = self.bytes.get(from..)?;
        let count = until.saturating_sub(from);
        let mut fours = (from..).zip(bytes.array_windows::<4>().take(count));
        fours
            .find(|(at, four)| candidate(**four) && believed(self, *at))
            .map(|(at, _)| at)
    }
}

/// The capture ends within a record.
pub(super) fn cut<'a>(buffer: &[u8], offset: u64, what: &'static str) -> Step<'a> {
    let loss = Loss {
        offset,
        bytes: buffer.len() as u64,
        what,
    };
    Step::Loss {
        consumed: buffer.len(),
        loss,
    }
}
