//! Syslog files of logins and of what else a host logs: `auth.log`, `secure`, `messages`, `syslog`, `cron`, and
//! `journalctl` output in its short forms.
//!
//! **Recognised** by the heads of most lines: a stamp, mostly a host, a program with a colon behind it. The stamp is
//! RFC 3164's (`Mar  9 04:05:06`), the same with a year or a fraction, RFC 3339 and ISO 8601 (rsyslog's
//! `RSYSLOG_FileFormat`, `journalctl -o short-iso`), RFC 5424 with structured data; `<PRI>` may stand
//! before it, as may a weekday. Records that a sender ran together on one line (`<86>...<86>...`) are taken apart.
//!
//! **Times.** A zone in the stamp is used; without one the artifact's zone is assumed. Years of year-less stamps
//! come from the whole rotated series (see `years`); where nothing gives a year the time stays unknown. In the hour
//! that autumn repeats, times that go back are read as its second pass.
//!
//! **Events.** `ssh-login` is one authentication that sshd or dropbear decided: `Accepted` and `Failed` lines, PAM's own
//! error where sshd logs nothing else, and in logs before Linux-PAM 0.99 the PAM line itself. `message repeated N times`
//! (rsyslog) and `last message repeated N times` (syslogd) stand for N more. Beside it: `ssh-invalid-user`,
//! `ssh-disconnect`, `ssh-session-opened`, `ssh-session-closed`; `login` for what PAM says of any program's authentication
//! (never counted as an ssh-login); `sudo`, `su` (`user` acts, attribute `target` is who it acts as), `cron-run`, `user-added`,
//! `user-changed`, `group-added`, `session-opened`, `session-closed`; every other line is `log` with its program.
//!
//! **Untrusted text.** A user's name is what the client sent: `Failed password for invalid user x from 10.0.0.1 port 5
//! ssh2 from 10.0.0.2 port 6 ssh2` came from 10.0.0.2. Peers that are names stay in the attribute `rhost`.
//!
//! **Limits.** Indented lines belong to the record before them and are counted, not kept. A line of 1 MiB or more
//! is cut, a message is kept to 8 KiB. In a log of several hosts every record that is not of the first line's host
//! carries its own.

mod sniff;

use std::borrow::Cow;

use coldcase_model::{Place, Sink, action, outcome};

use crate::syslog::{Header, Row, Times, Unknown, read_header, read_message};
use crate::years::priority;
use crate::{Format, IngestError, Input, Leftover, Line, Lines};

/// The format.
pub static FORMAT: Format = Format {
    id: "authlog",
    title: "syslog files of logins: auth.log, secure, messages, syslog, cron",
    source: include_str!("mod.rs"),
    yearless: true,
    sniff: sniff::sniff,
    ingest,
    join: None,
};

/// Most rows that one `message repeated` line gives; real ones stay in the tens.
const MOST_REPEATS: u32 = 10_000;

/// Most of a message that is kept, in bytes. RFC 5424 receivers must take 2 KiB; rsyslog's default ends at 8.
const LONGEST_MESSAGE: usize = 8 << 10;

/// Processes whose PAM error is remembered until sshd's own line follows.
const HELD_ERRORS: usize = 32;

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut log = Log::new(Times::new(input.clock));
    while let Some(line) = lines.next_line()? {
        log.line(line, sink);
    }
    Ok(None)
}

/// What is carried from line to line.
struct Log<'a> {
    times: Times<'a>,
    /// Whether a record was read that an indented line may belong to.
    begun: bool,
    first_host: Option<Box<str>>,
    /// The record before, where it was an `ssh-login`: what `last message repeated` repeats.
    previous: String,
    /// Processes with a PAM error whose `Failed` line may still follow.
    pam_errors: Vec<i64>,
    told: Vec<&'static str>,
}

impl<'a> Log<'a> {
    fn new(times: Times<'a>) -> Self {
        Self {
            times,
            begun: false,
            first_host: None,
            previous: String::new(),
            pam_errors: Vec::new(),
            told: Vec::new(),
        }
    }

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let place = Place::Line(line.number);
        let holes = line.bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = line.bytes.get(holes..).unwrap_or_default();
        if holes > 0 {
            self.warn_once(
                place,
                "a hole of NUL bytes: the host stopped before it had written this",
                sink,
            );
        }
        if line.cut {
            self.warn_once(place, "a line beyond 1 MiB was cut", sink);
        }
        if bytes.trim_ascii().is_empty() {
            let reason = if holes > 0 { "NUL bytes" } else { "blank line" };
            sink.skip(place, reason);
            return;
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        };
        let mut rest: &str = &text;
        while let Some(end) = next_record(rest) {
            let (record, after) = rest.split_at(end);
            self.record(record, line.number, sink);
            rest = after;
        }
        self.record(rest, line.number, sink);
    }

    fn record(&mut self, text: &str, number: u64, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        let Some(header) = read_header(text) else {
            if self.begun && text.starts_with([' ', '\t']) {
                sink.used(1);
            } else if text.starts_with("-- ") {
                sink.skip(place, "remark of journalctl");
            } else {
                sink.skip(place, "no syslog stamp at its head");
            }
            return;
        };
        self.begun = true;
        sink.used(1);
        match repeated_last(&header) {
            Some(times) if !self.previous.is_empty() => {
                let previous = std::mem::take(&mut self.previous);
                if let Some(again) = read_header(&previous).filter(|old| old.host == header.host) {
                    let again = Header {
                        stamp: header.stamp,
                        ..again
                    };
                    self.rows(&again, times, number, sink);
                    self.previous = previous;
                    return;
                }
                self.rows(&header, 1, number, sink);
            }
            _ => {
                let (header, times) = unfold(header);
                let login = self.rows(&header, times, number, sink);
                self.previous.clear();
                if login {
                    self.previous.push_str(text);
                }
            }
        }
    }

    /// Emits the rows of a record that stands for `times` alike; whether they are logins.
    fn rows(&mut self, header: &Header<'_>, times: u32, number: u64, sink: &mut dyn Sink) -> bool {
        let mut row = Row::new();
        read_message(header, &mut row);
        self.settle(header, &mut row);
        let Row {
            event,
            attributes,
            times: own,
            ..
        } = &mut row;
        event.when = self.when(header, number, sink);
        event.line = Some(number);
        event.host = self.other_host(header.host);
        event.message = Some(Cow::Borrowed(shortened(header.tagged)));
        let times = times.saturating_mul(*own);
        if times > 1 {
            attributes.number("repeat", times);
        }
        event.attributes = std::mem::take(attributes).finish().map(Cow::Owned);
        let login = event.action == action::SSH_LOGIN;
        if login && times > MOST_REPEATS {
            let warning = "a line that stands for more than 10000 others was counted as 10000";
            self.warn_once(Place::Line(number), warning, sink);
        }
        let rows = if login { times.min(MOST_REPEATS) } else { 1 };
        for _ in 0..rows {
            sink.event(event);
        }
        login
    }

    /// sshd's own `Failed` line after a PAM error of the same process is no second decision.
    fn settle(&mut self, header: &Header<'_>, row: &mut Row<'_>) {
        let Some(pid) = header.pid.filter(|_| row.pam_error || row.interactive) else {
            return;
        };
        if row.pam_error {
            if self.pam_errors.len() >= HELD_ERRORS {
                self.pam_errors.remove(0);
            }
            self.pam_errors.push(pid);
        } else if let Some(at) = self.pam_errors.iter().position(|held| *held == pid) {
            self.pam_errors.remove(at);
            if row.event.outcome == Some(outcome::FAILURE) {
                row.set(action::LOG, None);
                row.text("program", header.program.unwrap_or_default());
            }
        }
    }

    fn when(
        &mut self,
        header: &Header<'_>,
        number: u64,
        sink: &mut dyn Sink,
    ) -> Option<coldcase_model::When> {
        match self.times.when(header.stamp.as_ref()?) {
            Ok(when) => Some(when),
            Err(unknown) => {
                let warning = match unknown {
                    Unknown::Year => {
                        "stamps have no year and nothing gives one: their times stay unknown"
                    }
                    Unknown::Date => {
                        "a stamp whose date the year does not have: its time stays unknown"
                    }
                };
                self.warn_once(Place::Line(number), warning, sink);
                None
            }
        }
    }

    /// The host, where it is not that of the log's first line.
    fn other_host<'t>(&mut self, host: Option<&'t str>) -> Option<Cow<'t, str>> {
        let host = host.filter(|host| *host != "localhost")?;
        match &self.first_host {
            None => {
                self.first_host = Some(host.into());
                None
            }
            Some(first) => (!same_host(first, host)).then_some(Cow::Borrowed(host)),
        }
    }

    fn warn_once(&mut self, place: Place, warning: &'static str, sink: &mut dyn Sink) {
        if !self.told.contains(&warning) {
            self.told.push(warning);
            sink.warn(place, warning.into());
        }
    }
}

/// Whether two names are of one host: alike, or one with and one without its domain.
fn same_host(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let label = |name: &str| name.split('.').next().map(str::len);
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    label(short) == Some(short.len())
        && long.starts_with(short)
        && label(long) == Some(short.len())
        && !short.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where the next record of a line begins on which a sender ran several together: `<86>Mar  9 ...<86>Mar  9 ...`.
fn next_record(text: &str) -> Option<usize> {
    if !text.starts_with('<') {
        return None;
    }
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'<', bytes).skip(1).find(|at| {
        let tail = bytes.get(*at..).unwrap_or_default();
        let length = priority(tail);
        let stamp = tail.get(length..).and_then(crate::years::stamp::read);
        length > 0 && stamp.is_some()
    })
}

/// `last message repeated 3 times`, `--- last message repeated 5 times ---`.
fn repeated_last(header: &Header<'_>) -> Option<u32> {
    let message = header.message;
    if !message.starts_with(['l', '-']) {
        return None;
    }
    let message = message.trim_start_matches(['-', ' ']);
    count_of(message.strip_prefix("last message repeated ")?).map(|(count, _)| count)
}

/// Takes the message out of `message repeated 3 times: [ ...]`.
fn unfold(header: Header<'_>) -> (Header<'_>, u32) {
    let inside = || {
        let (count, rest) = count_of(header.message.strip_prefix("message repeated ")?)?;
        let message = rest.strip_prefix(": [")?.strip_suffix(']')?;
        Some((count, message.trim_start()))
    };
    match inside() {
        Some((count, message)) => (Header { message, ..header }, count),
        None => (header, 1),
    }
}

/// `3 times` and what follows; none is no repetition.
fn count_of(text: &str) -> Option<(u32, &str)> {
    let (count, rest) = text.split_once(' ')?;
    let count = count.parse().ok().filter(|count| *count > 0)?;
    Some((count, rest.strip_prefix("times")?))
}

fn shortened(text: &str) -> &str {
    if text.len() <= LONGEST_MESSAGE {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST_MESSAGE);
    text.get(..end).unwrap_or(text)
}
