//! Formats over text in memory, for the unit tests here.

use coldcase_model::{Counts, Event, Place, Sink};

use crate::{Clock, Format, Input, Probe, Sniff};

#[derive(Default)]
pub struct Read {
    pub events: Vec<Event<'static>>,
    pub counts: Counts,
    pub skips: Vec<(Place, &'static str)>,
    pub warnings: Vec<String>,
}

impl Sink for Read {
    fn event(&mut self, event: &Event<'_>) {
        self.events.push(event.clone().into_owned());
    }
    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }
    fn skip(&mut self, place: Place, reason: &'static str) {
        self.counts.skipped += 1;
        self.skips.push((place, reason));
    }
    fn warn(&mut self, _place: Place, warning: String) {
        self.warnings.push(warning);
    }
}

/// Reads a text; every line that is not blank must be counted once.
pub fn read_text(format: &Format, text: &str) -> Read {
    let read = read_bytes(format, text.as_bytes());
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(
        read.counts.records(),
        lines as u64,
        "{text}\n{:?}",
        read.skips
    );
    read
}

pub fn read_bytes(format: &Format, bytes: &[u8]) -> Read {
    let mut read = Read::default();
    let mut input = Input {
        path: "x.txt",
        host: None,
        reader: Box::new(bytes),
        clock: &Clock::UNKNOWN,
        cores: crate::Cores::ONE,
    };
    (format.ingest)(&mut input, &mut read).expect("readable");
    read
}

pub fn sniffed(format: &Format, path: &str, text: &str) -> Sniff {
    let probe = Probe::new(path, text.as_bytes(), true);
    (format.sniff)(&probe)
}

/// Messages of the events, with marks for what they leave out.
pub fn messages(read: &Read) -> Vec<String> {
    let show = |event: &Event<'_>| {
        let attributes = event.attributes.as_deref().unwrap_or("");
        let user = event
            .user
            .as_deref()
            .map_or(String::new(), |user| format!(" by {user}"));
        let none = if attributes.contains("no_owner") {
            " none"
        } else {
            ""
        };
        format!("{}{user}{none}", event.message.as_deref().unwrap_or("-"))
    };
    read.events.iter().map(show).collect()
}

/// Whether a format reads these messages from a text.
pub fn check(format: &Format, text: &str, expected: &[&str]) {
    assert_eq!(messages(&read_text(format, text)), expected, "{text}");
}

/// The same of the cells of the attributes.
pub fn check_attributes(format: &Format, text: &str, expected: &[&str]) {
    let read = read_text(format, text);
    let got: Vec<&str> = read
        .events
        .iter()
        .map(|event| event.attributes.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(got, expected, "{text}");
}
