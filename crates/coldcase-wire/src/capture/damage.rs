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
}

/// What a position is judged by.
pub(super) struct Window<'a> {
    /// The bytes.
    pub(super) bytes: &'a [u8],
    /// Whether the capture ends where they end.
    pub(super) complete: bool,
}

/// Passes over bytes until `believed` holds at a position. `damage` is empty again when its end was found.
pub(super) fn pass<'a>(
    damage: &mut Option<Damage>,
    buffer: &[u8],
    at_end: bool,
    believed: impl Fn(&Window<'_>, usize) -> bool,
) -> Option<Step<'a>> {
    let held = damage.as_mut()?;
    let reach = STRIDE + AHEAD;
    if buffer.len() < reach && !at_end {
        return Some(Step::NeedMore { at_least: reach });
    }
    // The window's size must not depend on how much the caller happens to hold.
    let window = Window {
        bytes: buffer.get(..reach).unwrap_or(buffer),
        complete: at_end && buffer.len() <= reach,
    };
    // The record that is damaged itself is never the way out.
    let from = usize::from(held.bytes == 0);
    let until = STRIDE.min(buffer.len());
    let found = (from..until).find(|at| believed(&window, *at));
    let consumed = found.unwrap_or(until);
    held.bytes = held.bytes.saturating_add(consumed as u64);
    if found.is_none() && (consumed < buffer.len() || !at_end) {
        return Some(Step::Skip { consumed });
    }
    let loss = Loss {
        offset: held.offset,
        bytes: held.bytes,
        what: held.what,
    };
    *damage = None;
    Some(Step::Loss { consumed, loss })
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
