//! Syslog files of logins and of what else a host logs: `auth.log`, `secure`, `messages`, `syslog`, `cron`, and
//! `journalctl` output in its short forms.
//!
//! **Recognised** by the heads of most lines: a stamp, mostly a host, a program with a colon behind it. The stamp is
//! RFC 3164's (`Mar  9 04:05:06`), the same with a year or a fraction, RFC 3339 and ISO 8601 (rsyslog's
//! `RSYSLOG_FileFormat`, `journalctl -o short-iso`), seconds since 1970 with six digits (`journalctl -o short-unix`), RFC 5424 with
//! structured data; `<PRI>` may stand before it, as may a weekday, and a zone's name behind it (`journalctl -o short-full`,
//! `with-unit`). Records that a sender ran together on one line (`<86>...<86>...`) are taken apart.
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
//! `user-changed`, `group-added`, `session-opened`, `session-closed`; `service-started` and `service-stopped` (systemd), `boot` and `shutdown`,
//! `clock-changed` (time daemons; `step_seconds`), `api-request` (dockerd at level debug); every other line is `log` with its program.
//! Of some programs a `log` row tells more: the kernel (netfilter's packets with `src_*`, `dst_*` and `netfilter`; `fault`, `oom_killed`,
//! `promiscuous`, `link`, `conntrack_full`, `syn_flood`, `module` with `taints`), engines in logfmt (`level`, `msg`, `container_id`, `listen`),
//! Kubernetes' components (`level`, `source`, pod), DHCP clients (`address`, `server`), log daemons (`logging`: started, stopped, reopened; `lost`).
//! journalctl's remark `-- Boot ID --` gives a `boot` row at the next record.
//!
//! **Untrusted text.** A user's name is what the client sent: `Failed password for invalid user x from 10.0.0.1 port 5
//! ssh2 from 10.0.0.2 port 6 ssh2` came from 10.0.0.2. Peers that are names stay in the attribute `rhost`.
//!
//! **Limits.** `journalctl -o short-monotonic` is read by `dmesg`, `-o verbose` by `journal-verbose`; `-o cat` has no times and is not read. Zones whose
//! name stands for several offsets (CST, IST, BST) are taken for the artifact's. Indented lines belong to the record before them and are counted, not kept. A line of 1 MiB or more
//! is cut, a message is kept to 8 KiB. In a log of several hosts every record that is not of the first line's host
//! carries its own.

mod sniff;

use std::borrow::Cow;

use coldcase_model::{Place, Sink, action};

use crate::syslog::{
    Header, Records, Row, Times, Unknown, emit, read_header, repeated_last, unfold,
};
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

/// Most of a message that is kept, in bytes. RFC 5424 receivers must take 2 KiB; rsyslog's default ends at 8.
const LONGEST_MESSAGE: usize = 8 << 10;

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
    records: Records,
    /// The record before, where it was an `ssh-login`: what `last message repeated` repeats.
    previous: String,
    /// The remark `-- Boot ID --` of journalctl, until the first record of that boot.
    boot: Option<String>,
    told: Vec<&'static str>,
}

impl<'a> Log<'a> {
    fn new(times: Times<'a>) -> Self {
        Self {
            times,
            begun: false,
            records: Records::default(),
            previous: String::new(),
            boot: None,
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
                self.boot = boot_remark(text);
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
        let mut row = self.records.row(header);
        row.event.when = self.when(header, number, sink);
        row.event.line = Some(number);
        row.event.message = Some(Cow::Borrowed(shortened(header.tagged)));
        if let Some(boot) = self.boot.take() {
            emit(&mut booted(&boot, &row), 1, sink);
        }
        let emitted = emit(&mut row, times, sink);
        if let Some(warning) = emitted.warning {
            self.warn_once(Place::Line(number), warning, sink);
        }
        emitted.login
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

    fn warn_once(&mut self, place: Place, warning: &'static str, sink: &mut dyn Sink) {
        if !self.told.contains(&warning) {
            self.told.push(warning);
            sink.warn(place, warning.into());
        }
    }
}

/// `-- Boot 1621aee481fa42ad9693fe91a054f095 --` and, of older journalctl, `-- Reboot --`: the boot's id, where it is told.
fn boot_remark(text: &str) -> Option<String> {
    let remark = text.strip_prefix("-- ")?.trim_end().strip_suffix(" --")?;
    match remark.strip_prefix("Boot ") {
        Some(id) => Some(id.to_owned()),
        None => (remark == "Reboot").then(String::new),
    }
}

/// The row of a boot that a remark told of, at the time of its first record.
fn booted<'a>(id: &str, first: &Row<'a>) -> Row<'a> {
    let mut row = Row::new();
    row.set(action::BOOT, None).text("boot_id", id);
    row.event.when = first.event.when;
    row.event.line = first.event.line;
    row.event.host = first.event.host.clone();
    row.event.message = Some(Cow::Borrowed("boot: the journal's first record of it"));
    row
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

fn shortened(text: &str) -> &str {
    if text.len() <= LONGEST_MESSAGE {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST_MESSAGE);
    text.get(..end).unwrap_or(text)
}
