//! One file as `stat` tells it over several lines.

use super::names::PATH_MAX;
use super::stamp::{Moment, Stamp};
use super::stat::{self, Line, Which};

/// A block as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Line of its `File:`.
    pub number: u64,
    /// The name's column, which may go on over lines.
    pub name: Vec<u8>,
    named: bool,
    /// Whether the artifact ends within the block.
    pub cut: bool,
    /// In bytes.
    pub size: Option<i64>,
    /// Inode.
    pub inode: Option<Vec<u8>>,
    /// `-rwxr-xr-x`.
    pub mode: Option<Vec<u8>>,
    /// Owner, by name where it has one.
    pub owner: Option<Vec<u8>>,
    /// Group, likewise.
    pub group: Option<Vec<u8>>,
    /// Accessed, modified, changed, created.
    pub times: [Option<Stamp>; 4],
}

impl Block {
    /// A block that begins with this `File:`.
    pub fn new(number: u64, name: &[u8]) -> Self {
        Self {
            number,
            name: name.to_vec(),
            ..Self::default()
        }
    }

    /// Takes a line, where it belongs to the block.
    pub fn take(&mut self, line: &[u8], ended: bool) -> bool {
        match stat::parse(line) {
            Some(Line::File(_)) => return false,
            Some(Line::Time(which, stamp)) => self.time(which, stamp, ended),
            Some(Line::Size(value)) => {
                self.size = stat::labelled(value, b"").and_then(super::cursor::number);
            }
            Some(Line::Inode(value)) => {
                self.inode = stat::labelled(value, b"Inode:").map(<[u8]>::to_vec);
            }
            Some(Line::Access(value)) => self.access(value),
            Some(Line::Other) => {}
            // A name with a line feed; or the last line of a cut artifact.
            None if !self.named && self.name.len() + line.len() < PATH_MAX => {
                self.name.push(b'\n');
                self.name.extend_from_slice(line);
                return true;
            }
            None => {
                self.cut = !ended;
                return !ended;
            }
        }
        self.named = true;
        true
    }

    fn time(&mut self, which: Which, stamp: Option<Stamp>, ended: bool) {
        // A time that is cut short reads as one without its zone, or as a day.
        let cut = |stamp: &Stamp| !ended && !matches!(stamp.moment, Moment::Instant(..));
        let place = match which {
            Which::Access => 0,
            Which::Modify => 1,
            Which::Change => 2,
            Which::Birth => 3,
        };
        if let Some(slot) = self.times.get_mut(place) {
            *slot = stamp.filter(|stamp| !cut(stamp));
            self.cut = slot.is_none() && stamp.is_some();
        }
    }

    fn access(&mut self, value: &[u8]) {
        let known = |(number, name): (&[u8], &[u8])| {
            let unknown = name.is_empty() || name == b"UNKNOWN";
            (if unknown { number } else { name }).to_vec()
        };
        self.mode = stat::bracketed(value, b"").map(|(_, mode)| mode.to_vec());
        self.owner = stat::bracketed(value, b"Uid:").map(known);
        self.group = stat::bracketed(value, b"Gid:").map(known);
    }
}
