//! What a format is to the rest of the program: a few functions and its documentation. A format is one
//! file below `formats/` and one line in [`crate::formats::ALL`].

use std::any::Any;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::Read;

use coldcase_model::Sink;

use crate::json::{Outline, outline};
use crate::{Clock, Cores};

/// How sure a format is that an artifact is its own. The highest wins; of equals, the registry's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sniff {
    /// Not this format.
    No,
    /// A generic text shape that a more special format may claim.
    Weak,
    /// The shape fits.
    Likely,
    /// A magic number or a shape that nothing else has.
    Sure,
}

/// A line of a probe.
#[derive(Debug, Clone, Copy)]
pub struct ProbeLine<'a> {
    /// As it stands in the artifact.
    pub bytes: &'a [u8],
    /// Its text, where it is UTF-8 without a byte order mark and control characters other than tabs.
    plain: Option<&'a str>,
}

impl<'a> ProbeLine<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let is_plain = bytes.iter().fold(true, |all, byte| {
            all & ((*byte >= b' ' || *byte == b'\t') & (*byte != 0x7f))
        }) && !bytes.starts_with(b"\xef\xbb\xbf");
        let plain = is_plain.then(|| std::str::from_utf8(bytes).ok()).flatten();
        Self { bytes, plain }
    }

    /// The line as this function cleans it: only asked where there is something to clean.
    pub fn text(&self, clean: impl FnOnce(&'a [u8]) -> Cow<'a, str>) -> Cow<'a, str> {
        match self.plain {
            Some(plain) => Cow::Borrowed(plain),
            None => clean(self.bytes),
        }
    }

    /// The line, where it is UTF-8.
    pub fn utf8(&self) -> Option<&'a str> {
        self.plain.or_else(|| std::str::from_utf8(self.bytes).ok())
    }

    /// Whether nothing but ASCII blanks stands in it.
    pub fn is_blank(&self) -> bool {
        self.bytes.trim_ascii_start().is_empty()
    }
}

/// The beginning of an artifact, decompressed, and its name. What many formats ask of it is found out once.
#[derive(Debug, Clone)]
pub struct Probe<'a> {
    /// Path in the bundle.
    pub path: &'a str,
    /// Up to 64 KiB from the beginning.
    pub head: &'a [u8],
    /// Whether `head` is the whole artifact.
    pub complete: bool,
    lines: OnceCell<Vec<ProbeLine<'a>>>,
    kubectl: OnceCell<[Sniff; 5]>,
    sample: OnceCell<Vec<Cow<'a, str>>>,
    outline: OnceCell<Option<Outline<'a>>>,
}

impl<'a> Probe<'a> {
    /// A probe of the artifact at this path that begins so.
    pub fn new(path: &'a str, head: &'a [u8], complete: bool) -> Self {
        Self {
            path,
            head,
            complete,
            lines: OnceCell::new(),
            kubectl: OnceCell::new(),
            sample: OnceCell::new(),
            outline: OnceCell::new(),
        }
    }

    /// The last component of the path.
    pub fn file_name(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// Lines of the head, without their ends, the last one left out where it is cut.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        self.text_lines().map(|line| line.bytes)
    }

    /// The same lines, each with its text where that is plain.
    pub fn text_lines(&self) -> impl Iterator<Item = ProbeLine<'a>> {
        let lines = self.lines.get_or_init(|| {
            let whole = match (self.complete, memchr::memrchr(b'\n', self.head)) {
                (false, Some(end)) => self.head.get(..end).unwrap_or(self.head),
                _ => self.head,
            };
            let mut lines = Vec::new();
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', whole).chain([whole.len()]) {
                let line = whole.get(start..end).unwrap_or_default();
                lines.push(ProbeLine::of(line.strip_suffix(b"\r").unwrap_or(line)));
                start = end + 1;
            }
            lines
        });
        lines.iter().copied()
    }

    /// What small text files have in common, found out by the first format that asks (`collected_text`).
    pub(crate) fn sample(&self, take: impl FnOnce(&Self) -> Vec<Cow<'a, str>>) -> &[Cow<'a, str>] {
        self.sample.get_or_init(|| take(self))
    }

    /// How sure kubectl's formats are, found out for all of them by the first that asks.
    pub(crate) fn kubectl(&self, look: impl FnOnce(&Self) -> [Sniff; 5]) -> &[Sniff; 5] {
        self.kubectl.get_or_init(|| look(self))
    }

    /// The outline of a JSON artifact; `None` where it is none.
    pub(crate) fn outline(&self) -> Option<&Outline<'a>> {
        self.outline.get_or_init(|| outline(self.head)).as_ref()
    }

    /// Whether one of these texts stands in the head: what has none of the words that a format always holds needs no closer look.
    pub fn holds_any(&self, texts: &[&str]) -> bool {
        texts
            .iter()
            .any(|text| memchr::memmem::find(self.head, text.as_bytes()).is_some())
    }

    /// Whether a NUL byte stands in the first 4 KiB: not a text artifact.
    pub fn is_binary(&self) -> bool {
        let start = self.head.get(..4096).unwrap_or(self.head);
        memchr::memchr(0, start).is_some()
    }
}

/// One artifact as a format gets it.
pub struct Input<'a> {
    /// Path in the bundle.
    pub path: &'a str,
    /// The host that the artifact is from.
    pub host: Option<&'a str>,
    /// Its content, decompressed.
    pub reader: Box<dyn Read + Send + 'a>,
    /// Zone, moment of collection, and the year that the series gives.
    pub clock: &'a Clock,
    /// Whether another thread may help.
    pub cores: Cores<'a>,
}

/// State at an artifact's edges that only the whole series can settle: open flows, split audit events.
pub type Leftover = Box<dyn Any + Send>;

/// One artifact of a series when its leftovers are joined.
pub struct Part<'a> {
    /// Path in the bundle.
    pub path: &'a str,
    /// What `ingest` left.
    pub leftover: Leftover,
    /// Where events with this artifact's provenance go.
    pub sink: &'a mut (dyn Sink + Send),
}

/// Why an artifact could not be read on. What was read before stays.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Reading failed, or decompression did.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// The content is not what its beginning promised.
    #[error("{0}")]
    Damaged(String),
}

/// One evidence format.
pub struct Format {
    /// Permanent id, a noun: the timeline's column `format`.
    pub id: &'static str,
    /// One line for `coldcase formats`.
    pub title: &'static str,
    /// The format's own source: its `//!` text is its page in docs.
    pub source: &'static str,
    /// Whether stamps without a year occur: then the series is surveyed first (see [`crate::years`]).
    pub yearless: bool,
    /// Whether the artifact is of this format, by content first.
    pub sniff: fn(&Probe<'_>) -> Sniff,
    /// Reads one artifact. Damage is warned of, not returned; an error means that nothing more can be read.
    pub ingest: fn(&mut Input<'_>, &mut dyn Sink) -> Result<Option<Leftover>, IngestError>,
    /// Joins the leftovers of a series (same host, folder and base name), in order of path.
    pub join: Option<fn(Vec<Part<'_>>)>,
}

/// What files of one rotated series have in common: folder and name without rotation numbers, dates
/// and compression endings. `audit.log.2.gz` and `audit.log` are one series, `dns.pcap007` and `dns.pcap012` too.
pub fn series_key(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut name = name;
    while let Some((bare, ending)) = name.rsplit_once('.') {
        if !matches!(ending, "gz" | "zst" | "lz4" | "xz" | "bz2") {
            break;
        }
        name = bare;
    }
    let mut key = String::with_capacity(path.len());
    key.push_str(folder);
    key.push('/');
    let start = key.len();
    for character in name.chars() {
        if !character.is_ascii_digit() {
            key.push(character);
        } else if !key.ends_with('#') {
            key.push('#');
        }
    }
    while key.len() > start + 1 && key.ends_with(['#', '.', '-', '_']) {
        key.pop();
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_share_a_key() {
        let check = |a: &str, b: &str| assert_eq!(series_key(a), series_key(b));
        check("h/audit.log", "h/audit.log.12");
        check("h/auth.log", "h/auth.log.2.gz");
        check("h/secure", "h/secure-20230402");
        check("h/dns.pcap000", "h/dns.pcap199.zst");
        check("h/trace-20230402-1200.pcap", "h/trace-20230403-0000.pcap");
    }

    #[test]
    fn other_logs_do_not() {
        assert_ne!(series_key("a/secure"), series_key("b/secure"));
        assert_ne!(series_key("a/secure"), series_key("a/messages"));
    }
}
