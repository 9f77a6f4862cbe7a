//! Lines of one server's log to rows.

use std::borrow::Cow;
use std::hash::BuildHasher;

use coldcase_model::{Event, Place, Sink, When, action};
use hashbrown::HashMap;

use super::head::Server;
use crate::syslog::{Header, Row, Times, Unknown, answered, read_message};
use crate::{IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

/// Lines looked at to recognise a log.
const SNIFFED_LINES: usize = 100;

/// Most of a message that is kept, in bytes.
const LONGEST_MESSAGE: usize = 8 << 10;

/// Questions that wait for the line that tells how they were answered; an unanswered one is forgotten then.
const MOST_WAITING: usize = 1 << 16;

/// Sure where at least two thirds of the lines are this server's and one of them tells of a name or an address; what
/// has less is a mixed syslog, which reads the same lines.
pub(super) fn sniff(probe: &Probe<'_>, server: &Server) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut lines, mut own, mut telling) = (0, 0, 0);
    let mut remaining = probe.lines().take(SNIFFED_LINES).count();
    for line in probe.text_lines().take(SNIFFED_LINES) {
        if (own + remaining) * 3 < (lines + remaining) * 2 {
            return Sniff::No;
        }
        remaining -= 1;
        let text = line.text(String::from_utf8_lossy);
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        lines += 1;
        let Some(header) = server.head(text).filter(|header| server.is_own(header)) else {
            continue;
        };
        own += 1;
        let mut row = Row::new();
        read_message(&unfolded(header).0, &mut row);
        telling += usize::from(tells(&row.event));
    }
    match own * 3 >= lines * 2 && telling > 0 {
        true => Sniff::Sure,
        false => Sniff::No,
    }
}

fn tells(event: &Event<'_>) -> bool {
    event.action != action::LOG
        || event.domain.is_some()
        || event.dst_ip.is_some()
        || event.response_code.is_some()
}

/// Reads one log.
pub(super) fn ingest(
    input: &mut Input<'_>,
    sink: &mut dyn Sink,
    server: &Server,
) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut log = Log {
        server,
        times: Times::new(input.clock),
        first_host: None,
        waiting: HashMap::default(),
        hasher: foldhash::fast::FixedState::default(),
        told: Vec::new(),
    };
    while let Some(line) = lines.next_line()? {
        log.line(&line, sink);
    }
    Ok(None)
}

/// What is carried from line to line.
struct Log<'a> {
    server: &'a Server,
    times: Times<'a>,
    first_host: Option<Box<str>>,
    /// Hashes of questions whose answer has not been told yet, and how many of each.
    waiting: HashMap<u64, u32, foldhash::fast::FixedState>,
    hasher: foldhash::fast::FixedState,
    told: Vec<&'static str>,
}

impl Log<'_> {
    fn line(&mut self, line: &Line<'_>, sink: &mut dyn Sink) {
        let place = Place::Line(line.number);
        if line.cut {
            return sink.skip(place, "line longer than 1 MiB");
        }
        let bytes = line.bytes;
        let holes = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = bytes.get(holes..).unwrap_or_default();
        if bytes.trim_ascii().is_empty() {
            let reason = if holes > 0 { "NUL bytes" } else { "blank line" };
            return sink.skip(place, reason);
        }
        let text = String::from_utf8_lossy(bytes);
        let Some(header) = self.server.head(&text) else {
            let reason = match bytes.first() {
                Some(b'#') => "comment",
                _ if text.starts_with("-- ") => "remark of journalctl",
                _ => "no stamp and no name of a server at its head",
            };
            return sink.skip(place, reason);
        };
        sink.used(1);
        self.row(header, line.number, sink);
    }

    fn row(&mut self, header: Header<'_>, number: u64, sink: &mut dyn Sink) {
        let (header, times) = unfolded(header);
        let mut row = Row::new();
        read_message(&header, &mut row);
        if row.event.action == action::DNS_QUERY {
            self.settle(&mut row, times);
        }
        if times > 1 {
            row.attributes.number("repeat", times);
        }
        let when = self.when(&header, number, sink);
        let host = self.other_host(header.host);
        let end = header.tagged.floor_char_boundary(LONGEST_MESSAGE);
        let message = header.tagged.get(..end).unwrap_or(header.tagged);
        let event = &mut row.event;
        event.when = when;
        event.host = host;
        event.line = Some(number);
        event.message = Some(Cow::Borrowed(message));
        event.attributes = std::mem::take(&mut row.attributes).finish().map(Cow::Owned);
        sink.event(event);
    }

    /// A line that tells how a question ended that has a line of its own is its answer, not a second question.
    fn settle(&mut self, row: &mut Row<'_>, times: u32) {
        let event = &row.event;
        let key = self.hasher.hash_one((
            &event.src_ip,
            event.src_port,
            &event.domain,
            &event.query_type,
        ));
        if event.response_code.is_none() {
            if self.waiting.len() >= MOST_WAITING {
                self.waiting.clear();
            }
            let count = self.waiting.entry(key).or_default();
            *count = count.saturating_add(times);
        } else if let Some(count) = self.waiting.get_mut(&key) {
            *count = count.saturating_sub(times);
            if *count == 0 {
                self.waiting.remove(&key);
            }
            answered(row);
        }
    }

    fn when(&mut self, header: &Header<'_>, number: u64, sink: &mut dyn Sink) -> Option<When> {
        let warning = match self.times.when(header.stamp.as_ref()?) {
            Ok(when) => return Some(when),
            Err(Unknown::Year) => {
                "stamps have no year and nothing gives one: their times stay unknown"
            }
            Err(Unknown::Date) => {
                "a stamp whose date the year does not have: its time stays unknown"
            }
        };
        if !self.told.contains(&warning) {
            self.told.push(warning);
            sink.warn(Place::Line(number), warning.into());
        }
        None
    }

    /// The host, where it is not that of the log's first line.
    fn other_host<'t>(&mut self, host: Option<&'t str>) -> Option<Cow<'t, str>> {
        let host = host.filter(|host| *host != "localhost")?;
        match &self.first_host {
            None => {
                self.first_host = Some(host.into());
                None
            }
            Some(first) => (**first != *host).then_some(Cow::Borrowed(host)),
        }
    }
}

/// Takes the message out of rsyslog's `message repeated 3 times: [ ...]`.
fn unfolded(header: Header<'_>) -> (Header<'_>, u32) {
    let inside = || {
        let rest = header.message.strip_prefix("message repeated ")?;
        let (count, rest) = rest.split_once(" times: [")?;
        let message = rest.strip_suffix(']')?;
        Some((count.parse::<u32>().ok()?, message.trim_start()))
    };
    match inside() {
        Some((count, message)) => (Header { message, ..header }, count.max(1)),
        None => (header, 1),
    }
}
