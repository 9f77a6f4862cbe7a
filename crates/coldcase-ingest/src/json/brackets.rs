//! The end of one JSON object, found by its brackets alone: no value is looked at, no recursion, and a scan can
//! be taken up again where the bytes ended.

use super::LISTS;
use super::elements::Damage;

const MAX_DEPTH: u32 = 127;

/// How many bytes of this line stand before an object or list that opens at this column; `}, {` counts.
pub fn opening(line: &[u8], column: usize) -> Option<usize> {
    let blanks = line
        .iter()
        .take_while(|b| matches!(**b, b' ' | b'\t'))
        .count();
    let rest = line.get(column..)?;
    if blanks != column {
        return None;
    }
    let closed = rest
        .iter()
        .take_while(|b| matches!(**b, b'}' | b',' | b' '))
        .count();
    matches!(rest.get(closed), Some(b'{' | b'[')).then_some(column + closed)
}

/// What a scan looks for beside matching brackets.
#[derive(Clone, Copy, Default)]
pub struct Layout {
    /// Whether a member that holds the elements ends the scan.
    pub lists: bool,
    /// A line that opens an object at this column ends the scan.
    pub watch: Option<usize>,
    /// Whether no more bytes will come.
    pub last: bool,
}

/// Where a scan ended.
pub enum Scanned {
    /// Behind the object.
    Closed,
    /// Behind the bracket of a list that holds the elements.
    List,
    /// Where the object can't go on.
    Damaged(Damage),
}

/// Where a scan stands between two reads: open brackets (a bit each, set for arrays) and strings.
#[derive(Default)]
pub struct Brackets {
    depth: u32,
    arrays: u128,
    in_string: bool,
    escaped: bool,
    string_start: usize,
    /// The last string directly in the outermost object: a member's name, if a colon follows.
    name: (usize, usize),
    after_colon: bool,
}

impl Brackets {
    /// Within an object whose beginning was read elsewhere.
    pub fn inside_object() -> Self {
        Self {
            depth: 1,
            ..Self::default()
        }
    }

    /// Scans from `at` on, which is left where the scan ended; `None` where more bytes are needed.
    pub fn scan(&mut self, bytes: &[u8], at: &mut usize, layout: Layout) -> Option<Scanned> {
        while let Some(byte) = bytes.get(*at).copied() {
            if self.in_string {
                if let Some(damage) = self.string_byte(bytes, byte, at) {
                    return Some(Scanned::Damaged(damage));
                }
                continue;
            }
            match byte {
                b'\n' => {
                    let rest = bytes.get(*at + 1..).unwrap_or_default();
                    match layout.watch {
                        Some(column) if rest.len() < column + 8 && !layout.last => return None,
                        Some(column) if !self.after_colon && opening_object(rest, column) => {
                            *at += 1;
                            return Some(Scanned::Damaged(Damage::Broken));
                        }
                        _ => {}
                    }
                    *at += 1;
                    continue;
                }
                b' ' | b'\t' | b'\r' => {
                    *at += 1;
                    continue;
                }
                b'"' => {
                    self.in_string = true;
                    self.string_start = *at + 1;
                }
                b'{' | b'[' => {
                    let array = byte == b'[';
                    let named = self.after_colon && self.depth == 1;
                    if layout.lists && array && named && self.is_list(bytes) {
                        *at += 1;
                        return Some(Scanned::List);
                    }
                    if self.depth >= MAX_DEPTH {
                        return Some(Scanned::Damaged(Damage::TooDeep));
                    }
                    self.arrays = self.arrays << 1 | u128::from(array);
                    self.depth += 1;
                }
                b'}' | b']' => {
                    if (self.arrays & 1 == 1) != (byte == b']') {
                        return Some(Scanned::Damaged(Damage::Broken));
                    }
                    self.arrays >>= 1;
                    self.depth -= 1;
                    if self.depth == 0 {
                        *at += 1;
                        return Some(Scanned::Closed);
                    }
                }
                _ => {}
            }
            self.after_colon = byte == b':';
            *at += 1;
        }
        None
    }

    fn string_byte(&mut self, bytes: &[u8], byte: u8, at: &mut usize) -> Option<Damage> {
        if self.escaped {
            self.escaped = false;
            *at += 1;
            return None;
        }
        match byte {
            b'"' => {
                self.in_string = false;
                self.after_colon = false;
                if self.depth == 1 {
                    self.name = (self.string_start, *at);
                }
            }
            b'\\' => self.escaped = true,
            b'\n' => return Some(Damage::Broken),
            _ => {
                let rest = bytes.get(*at..).unwrap_or_default();
                *at += memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                return None;
            }
        }
        *at += 1;
        None
    }

    fn is_list(&self, bytes: &[u8]) -> bool {
        let name = bytes.get(self.name.0..self.name.1).unwrap_or_default();
        LISTS.contains(&name)
    }
}

/// Whether this line opens an object at this column.
fn opening_object(line: &[u8], column: usize) -> bool {
    opening(line, column).is_some_and(|at| line.get(at) == Some(&b'{'))
}
