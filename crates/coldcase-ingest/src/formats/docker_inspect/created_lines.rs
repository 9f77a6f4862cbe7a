//! Lines of names and times of creation: `docker inspect --format '{{ .Name }}: Created {{ .Created }}'` and its
//! like with podman, nerdctl and `docker ps --format '{{.Names}} {{.CreatedAt}}'`.
//!
//! **Recognised** is a line of a container's name and at least one time, in either order, perhaps with the id,
//! the image and the words created, started, finished between them; and that most lines of the file are so.
//! A time has a date, a clock and a zone: RFC 3339, or Go's `2023-05-11 18:12:10.822 +0000 UTC`. Where the line
//! has no words, a second time is the start and a third the end.
//!
//! **Rows** are `container-created`, `container-started`, `container-exited` with the same names as
//! `docker-inspect` gives (without the leading `/`; pod and namespace from the kubelet's names). Times are
//! recorded; `0001-01-01` means never.
//!
//! **Not read**: `ps`'s ages (`2 hours ago`), times without a zone.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, action};

use super::instants::{Instant, of_text};
use super::labels::KubeletName;
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

/// The format.
pub static CREATED_LINES: Format = Format {
    id: "docker-created",
    title: "docker inspect --format lines of names and creation times",
    source: include_str!("created_lines.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Longest line that can be one; names have at most some hundred characters.
const MAX_LENGTH: usize = 2048;

/// Lines looked at to recognise the format.
const SNIFFED: usize = 200;

const ACTIONS: [&str; 3] = [
    action::CONTAINER_CREATED,
    action::CONTAINER_STARTED,
    action::CONTAINER_EXITED,
];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.text_lines().filter(|line| !line.is_blank());
    let (mut all, mut fit, mut rooted, mut worded) = (0, 0, 0, 0);
    for line in lines.take(SNIFFED) {
        all += 1;
        let Some(record) = line.utf8().and_then(Record::parse) else {
            continue;
        };
        fit += 1;
        rooted += usize::from(record.is_rooted);
        worded += usize::from(record.has_words);
    }
    let path = probe.path.to_ascii_lowercase();
    let named = ["docker", "podman", "container", "inspect", "created"]
        .iter()
        .any(|word| path.contains(word));
    match () {
        () if fit == 0 || fit * 10 < all * 7 => Sniff::No,
        () if rooted == fit && worded == fit => Sniff::Sure,
        () if rooted == fit || (worded == fit && named) => Sniff::Likely,
        () if named || worded == fit => Sniff::Weak,
        () => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(line.number);
        match Record::parse(&line.text()) {
            Some(record) => {
                record.emit(line.number, input.clock, sink);
                sink.used(1);
            }
            None if !line.ended => {
                sink.skip(place, "a cut line");
                sink.warn(place, "the file ends inside of a line".to_owned());
            }
            None => sink.skip(place, "not a name with a time"),
        }
    }
    Ok(None)
}

/// One line taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record<'a> {
    name: &'a str,
    id: Option<&'a str>,
    image: Option<&'a str>,
    /// Of creation, start and end.
    times: [Option<(Timestamp, Precision)>; 3],
    /// Whether the name has docker's leading `/`.
    is_rooted: bool,
    has_words: bool,
}

impl<'a> Record<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        if line.len() > MAX_LENGTH {
            return None;
        }
        let mut record = Self {
            name: "",
            id: None,
            image: None,
            times: [None; 3],
            is_rooted: false,
            has_words: false,
        };
        let mut role = 0;
        let mut any_time = false;
        let mut rest = line;
        while let Some((word, behind)) = next_word(rest) {
            if let Some((instant, behind)) = time_at(word, rest) {
                if let Instant::At(ts, precision) = instant {
                    *record.times.get_mut(role)? = Some((ts, precision));
                }
                any_time = true;
                role += 1;
                rest = behind;
                continue;
            }
            rest = behind;
            match meaning(word) {
                Some(Word::Role(new)) => {
                    role = new;
                    record.has_words = true;
                }
                Some(Word::Filler) => {}
                None => record.take(word)?,
            }
        }
        (any_time && is_container_name(record.name)).then_some(record)
    }

    /// A word that is no time: the name, the id or the image.
    fn take(&mut self, word: &'a str) -> Option<()> {
        let rooted = word.strip_prefix('/');
        if let Some(name) = rooted {
            if !self.is_rooted && !self.name.is_empty() {
                self.image.get_or_insert(self.name);
            }
            if self.is_rooted {
                return None;
            }
            self.name = name;
            self.is_rooted = true;
        } else if self.id.is_none() && is_id(word) {
            self.id = Some(word);
        } else if self.name.is_empty() {
            self.name = word;
        } else if self.image.is_none() && word.contains([':', '/', '.', '-']) {
            self.image = Some(word);
        } else {
            return None;
        }
        Some(())
    }

    fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let named = KubeletName::parse(self.name);
        let mut any = false;
        for ((action, time), word) in ACTIONS
            .iter()
            .zip(&self.times)
            .zip(["created", "started", "exited"])
        {
            let Some((ts, precision)) = time else {
                continue;
            };
            any = true;
            let mut event = self.event(action, named.as_ref(), line);
            event.when = Some(clock.recorded(*ts, *precision));
            event.message = Some(format!("container {} {word}", self.name).into());
            if *action == action::CONTAINER_STARTED {
                let end = self.times.get(2).copied().flatten();
                let end = end.map(|(end, precision)| clock.recorded(end, precision).ts);
                event.ts_end = end.filter(|end| event.when.is_some_and(|when| when.ts <= *end));
            }
            sink.event(&event);
        }
        if !any {
            let mut event = self.event(action::CONTAINER_CREATED, named.as_ref(), line);
            event.message =
                Some(format!("container {}, time of creation unknown", self.name).into());
            sink.event(&event);
        }
    }

    fn event(&self, action: &'static str, named: Option<&KubeletName<'a>>, line: u64) -> Event<'a> {
        let mut event = Event::new(action);
        event.container = Some(Cow::Borrowed(self.name));
        event.pod = named.map(|name| Cow::Borrowed(name.pod));
        event.namespace = named.map(|name| Cow::Borrowed(name.namespace));
        event.image = self.image.map(Cow::Borrowed);
        let mut attributes = Attributes::new();
        attributes.text_if("id", self.id);
        event.attributes = attributes.finish().map(Cow::Owned);
        event.line = Some(line);
        event
    }
}

enum Word {
    /// The next time is that of creation (0), start (1) or end (2).
    Role(usize),
    Filler,
}

fn meaning(word: &str) -> Option<Word> {
    let lower = word.to_ascii_lowercase();
    Some(match lower.as_str() {
        "created" | "createdat" | "created_at" | "creation" => Word::Role(0),
        "started" | "startedat" | "started_at" => Word::Role(1),
        "finished" | "finishedat" | "finished_at" | "exited" | "stopped" => Word::Role(2),
        "" | "at" | "on" | "was" | "name" | "container" | "id" | "time" | "->" | "-" | "=>" => {
            Word::Filler
        }
        _ => return None,
    })
}

const AROUND: [char; 13] = [
    ' ', '\t', ':', ',', ';', '|', '"', '\'', '=', '[', ']', '(', ')',
];

/// The next word without the punctuation around it, and the text behind it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let start = text.find(|character| !AROUND.contains(&character))?;
    let text = text.get(start..)?;
    let end = text
        .find([' ', '\t', ',', ';', '|', '=', '"', '\''])
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    Some((word.trim_end_matches(AROUND), rest))
}

/// The time that begins with this word, and the text behind it.
fn time_at<'a>(word: &str, text: &'a str) -> Option<(Instant, &'a str)> {
    let shape = word.as_bytes();
    if shape.len() < 10 || shape.get(4) != Some(&b'-') || shape.get(7) != Some(&b'-') {
        return None;
    }
    let start = text.find(word)?;
    let from = text.get(start..)?;
    if word.len() > 10 {
        let instant = Some(of_text(word)).filter(|instant| *instant != Instant::Unreadable);
        return Some((instant?, from.get(word.len()..)?));
    }
    // Go's own form has four words: date, clock, offset, name of the zone.
    let mut end = 0;
    for _ in 0..4 {
        let rest = from.get(end..)?;
        let blank = rest.find(|character: char| character != ' ')?;
        let rest = rest.get(blank..)?;
        end += blank
            + rest
                .find([' ', '\t', ',', ';', '|', '"', '\''])
                .unwrap_or(rest.len());
    }
    let instant = of_text(from.get(..end)?);
    (instant != Instant::Unreadable).then_some((instant, from.get(end..)?))
}

/// What the engines allow as a name; paths have further slashes.
fn is_container_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_id(word: &str) -> bool {
    let hex = word.strip_prefix("sha256:").unwrap_or(word);
    matches!(hex.len(), 12 | 64) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&str>) {
        let got = Record::parse(line).map(|record| {
            let times = record.times.iter().map(|time| match time {
                Some((ts, _)) => ts.to_string(),
                None => "-".to_owned(),
            });
            let times: Vec<_> = times.collect();
            format!(
                "{} {} {}",
                record.name,
                record.image.unwrap_or("-"),
                times.join(" ")
            )
        });
        assert_eq!(got.as_deref(), expected, "{line}");
    }

    #[test]
    fn lines_of_many_templates() {
        let created = Some("web - 2023-05-11T18:12:10.822630533Z - -");
        check("/web: Created 2023-05-11T18:12:10.822630533Z", created);
        check("/web 2023-05-11T18:12:10.822630533Z", created);
        check(
            "'/web' created at 2023-05-12T02:12:10.822630533+08:00",
            created,
        );
        check("web\t2023-05-11T18:12:10.822630533Z", created);
        check("2023-05-11T18:12:10.822630533Z /web", created);
        check("web,2023-05-11T18:12:10.822630533Z", created);
        check("/web=2023-05-11T18:12:10.822630533Z", created);
        check(
            "Name: /web Created: 2023-05-11T18:12:10.822630533Z",
            created,
        );
        check("0123456789ab /web 2023-05-11T18:12:10.822630533Z", created);
        check(
            "web 2023-05-11 18:12:10.822 +0000 UTC",
            Some("web - 2023-05-11T18:12:10.822Z - -"),
        );
        check(
            "web registry.example/web:1 2023-05-12 02:12:10 +0800 CST",
            Some("web registry.example/web:1 2023-05-11T18:12:10Z - -"),
        );
        check(
            "/web 2023-05-11T18:12:10Z 2023-05-11T18:12:11Z 0001-01-01T00:00:00Z",
            Some("web - 2023-05-11T18:12:10Z 2023-05-11T18:12:11Z -"),
        );
        check(
            "/web: Started 2023-05-11T18:12:11Z, Finished 2023-05-11T18:12:12Z",
            Some("web - - 2023-05-11T18:12:11Z 2023-05-11T18:12:12Z"),
        );
    }

    #[test]
    fn lines_that_only_look_alike() {
        check("", None);
        check("/etc/passwd 2023-05-11T18:12:10Z", None);
        check("/etc 2023-05-11 18:12:10.822630533 +0800", None);
        check("2023-05-11T18:12:10Z kernel: something happened here", None);
        check("web 2 hours ago", None);
        check("2023-05-11T18:12:10Z 2023-05-11T18:12:10Z", None);
        check("a b c 2023-05-11T18:12:10Z", None);
    }
}
