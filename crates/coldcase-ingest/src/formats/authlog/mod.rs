//! Syslog files of logins: `auth.log`, `secure`, `messages`, `syslog`, `cron`.

mod header;
mod sshd;
mod times;

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use crate::{Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};
use header::Header;
use times::Times;

/// The format.
pub static FORMAT: Format = Format {
    id: "authlog",
    title: "syslog files of logins: auth.log, secure, messages",
    source: include_str!("mod.rs"),
    yearless: true,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED_LINES: usize = 64;

/// Words that stand where a host would in the logs of programs of their own.
const LEVELS: [&str; 12] = [
    "INFO", "WARN", "WARNING", "ERROR", "DEBUG", "TRACE", "FATAL", "CRITICAL", "NOTICE", "stdout",
    "stderr", "IP",
];

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut lines, mut heads, mut audit) = (0, 0, 0);
    for line in probe.lines().take(SNIFFED_LINES) {
        let line = line.trim_ascii_start();
        if line.is_empty() {
            continue;
        }
        lines += 1;
        let text = String::from_utf8_lossy(line);
        let Some(header) = header::read(&text) else {
            continue;
        };
        if header.program.is_some() && header.host.is_none_or(|host| !LEVELS.contains(&host)) {
            heads += 1;
            audit += usize::from(header.message.contains("msg=audit("));
        }
    }
    match () {
        () if heads == 0 || heads * 2 < lines => Sniff::No,
        () if audit * 2 > heads => Sniff::Weak,
        () => Sniff::Likely,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut log = Log {
        times: Times::new(input.clock),
        yearless_told: false,
        begun: false,
    };
    while let Some(line) = lines.next_line()? {
        log.line(line, sink);
    }
    Ok(None)
}

/// What is carried from line to line.
struct Log<'a> {
    times: Times<'a>,
    yearless_told: bool,
    begun: bool,
}

impl Log<'_> {
    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let place = Place::Line(line.number);
        let text = line.text();
        if text.trim().is_empty() {
            sink.skip(place, "blank line");
            return;
        }
        let Some(header) = header::read(&text) else {
            if self.begun && text.starts_with([' ', '\t']) {
                sink.used(1);
            } else {
                sink.skip(place, "no syslog stamp at its head");
            }
            return;
        };
        self.begun = true;
        self.record(&header, line.number, sink);
        sink.used(1);
    }

    fn record(&mut self, header: &Header<'_>, number: u64, sink: &mut dyn Sink) {
        let when = header
            .stamp
            .as_ref()
            .and_then(|stamp| self.times.when(stamp));
        if when.is_none() && header.stamp.is_some() && !self.yearless_told {
            self.yearless_told = true;
            let warning = "stamps have no year and nothing gives one: these times stay unknown";
            sink.warn(Place::Line(number), warning.into());
        }
        let mut event = Event::new(action::LOG);
        let mut attributes = Attributes::new();
        event.when = when;
        event.line = Some(number);
        event.pid = header.pid;
        event.message = Some(Cow::Borrowed(header.tagged));
        let known = match header.program {
            Some("sshd" | "sshd-session" | "sshd-auth") => {
                sshd::read(header.message, &mut event, &mut attributes)
            }
            _ => false,
        };
        if !known {
            attributes.text_if("program", header.program);
        }
        event.attributes = attributes.finish().map(Cow::Owned);
        sink.event(&event);
    }
}
