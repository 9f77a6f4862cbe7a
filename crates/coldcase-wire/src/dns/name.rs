//! Domain names in a message: labels and compression pointers (RFC 1035 sections 3.1 and 4.1.4).

use std::fmt::Write as _;

/// Longest name in bytes as it stands on the wire uncompressed, its final zero included (RFC 1035, 2.3.4).
const MAX_NAME: usize = 255;

/// Most compression pointers followed in one name: it can have no more labels than 127, each of which
/// needs one pointer at most.
pub const MAX_HOPS: usize = 128;

const HEADER: usize = 12;

/// A name in a message, not yet unfolded.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    message: &'a [u8],
    start: usize,
}

impl<'a> Name<'a> {
    pub(super) fn new(message: &'a [u8], start: usize) -> Self {
        Self { message, start }
    }

    fn labels(&self) -> Labels<'a> {
        Labels {
            message: self.message,
            at: self.start,
            lowest: self.start,
            hops: 0,
            length: 1,
        }
    }

    /// Appends the name in lower case without the final dot, the root as `.`. A dot or a backslash in
    /// a label, and every byte that is no printable ASCII character, is written `\DDD` in decimal as
    /// in master files. Of a broken name the readable labels are written and `false` is returned.
    pub fn write(&self, out: &mut String) -> bool {
        let mut labels = self.labels();
        // Labels are copied over the dots that part them; a name has 255 bytes at most.
        let mut joined = [b'.'; MAX_NAME];
        let (mut end, mut count) = (0, 0_usize);
        let whole = loop {
            let Ok(label) = labels.step() else {
                break false;
            };
            let Some(label) = label else {
                break true;
            };
            let start = end + usize::from(count > 0);
            let Some(room) = joined.get_mut(start..start + label.len()) else {
                break false;
            };
            room.copy_from_slice(label);
            end = start + label.len();
            count += 1;
        };
        if count == 0 {
            out.push_str(if whole { "." } else { "" });
            return whole;
        }
        let text = joined.get_mut(..end).unwrap_or_default();
        let odd = text.iter().filter(|byte| !is_plain(**byte)).count();
        text.make_ascii_lowercase();
        match std::str::from_utf8(text) {
            // Nothing but the dots between labels.
            Ok(text) if odd == count - 1 => out.push_str(text),
            _ => self.write_escaped(count, out),
        }
        whole
    }

    fn write_escaped(&self, count: usize, out: &mut String) {
        let mut labels = self.labels();
        for index in 0..count {
            let Ok(Some(label)) = labels.step() else {
                return;
            };
            if index > 0 {
                out.push('.');
            }
            for &byte in label {
                if is_plain(byte) {
                    out.push(char::from(byte.to_ascii_lowercase()));
                } else {
                    let _ = write!(out, "\\{byte:03}");
                }
            }
        }
    }

    /// Whether the name can be unfolded whole.
    pub fn is_whole(&self) -> bool {
        let mut labels = self.labels();
        loop {
            match labels.step() {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(Broken) => return false,
            }
        }
    }
}

/// A name that can't be unfolded further.
struct Broken;

struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the run of labels began that is being read: pointers must lead to before it.
    lowest: usize,
    hops: usize,
    length: usize,
}

impl<'a> Labels<'a> {
    /// The next label, `None` at the root; an error where the name is broken.
    fn step(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        loop {
            let length = *self.message.get(self.at).ok_or(Broken)?;
            let after = self.at.checked_add(1).ok_or(Broken)?;
            match length {
                0 => return Ok(None),
                1..=63 => {
                    let end = after.checked_add(usize::from(length)).ok_or(Broken)?;
                    let label = self.message.get(after..end).ok_or(Broken)?;
                    self.at = end;
                    self.length += label.len() + 1;
                    return if self.length > MAX_NAME {
                        Err(Broken)
                    } else {
                        Ok(Some(label))
                    };
                }
                192.. => {
                    let low = *self.message.get(after).ok_or(Broken)?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    self.hops += 1;
                    if target < HEADER || target >= self.lowest || self.hops > MAX_HOPS {
                        return Err(Broken);
                    }
                    self.at = target;
                    self.lowest = target;
                }
                _ => return Err(Broken),
            }
        }
    }
}

/// Where the name that begins here ends in place: behind its final zero or its first pointer. `None`
/// where it is cut, has a label of an unknown kind, or is longer than a name can be.
pub(super) fn skip_name(message: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return at.checked_add(1),
            1..=63 => at = at.checked_add(usize::from(length) + 1)?,
            192.. => {
                let end = at.checked_add(2)?;
                return (end <= message.len()).then_some(end);
            }
            _ => return None,
        }
        if at.checked_sub(start)? >= MAX_NAME {
            return None;
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'.' && byte != b'\\'
}
