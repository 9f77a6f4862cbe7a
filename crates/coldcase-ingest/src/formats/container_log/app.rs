//! Logs of applications and web servers without an engine's wrapping: what `docker logs NAME` or `kubectl logs` print, and
//! files such as `/var/log/nginx/access.log`, `error.log`, `app.log`, kubelet and etcd logs.
//!
//! **Recognised**, weakly, by a time at the head of most lines: ISO 8601 with or without zone, `2023/03/07 15:37:29`,
//! `[Sun Dec 04 04:47:44 2005]`, `[10/Oct/2000:13:55:36 -0700]` of access logs, klog's `I0307 15:37:29.568`, redis's and
//! Tomcat's day first, `ts=` and `time=` of logfmt, `time`, `ts`, `@timestamp`, `timestamp` of JSON lines (texts, or
//! numbers since 1970), seconds since 1970; behind a level too (`INFO 2023-...`, `[error] [2023-...]`). Any format that
//! knows the lines better wins; lines of syslog are declined.
//!
//! ```text
//! 2023-03-07 15:37:29.568  INFO 1 --- [main] c.e.Main : Started
//! I0307 15:37:29.568123       1 file.go:12] "Starting"
//! level=info ts=2023-03-18T16:00:05Z msg="sync done"
//! 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 13 "-" "curl/7.68.0"
//! ```
//!
//! **Rows**: a line with a time is a `log` row, `message` the line as written (without terminal escapes, at most 8 KiB), `level`
//! where it is plainly said. Lines without a time (stack traces) belong to the row before: `lines` counts them all,
//! `more` holds the first 2 KiB. A line of an access log in the common or combined format gives `http-request`: `src_ip` (or
//! `client`), `domain` (a virtual host before it), `user`, `bytes`, `outcome` (below 400 is success), `method`, `uri`,
//! `status_code`, `user_agent`, `referer`; `request` where it is no request line. A container is named only by the
//! path or a command line above the output.
//!
//! **Times** without a zone are read in the artifact's; klog's year is inferred as for syslog.
//!
//! **Limits**: formats with hours only, or `May 12, 2023 2:20:00 AM`, are not recognised.
//!
//! Sources: klog's header, Apache `mod_log_config` and `ErrorLogFormat`, nginx `ngx_http_log_module`, Go `log`, logfmt.

use coldcase_model::{Place, Sink};

use super::level::named;
use super::origin::{self, Origin};
use super::row::Held;
use super::stamps;
use crate::syslog::{Times, read_header};
use crate::terminal_text::{command_of_prompt, plain};
use crate::{Clock, Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "app-log",
    title: "logs of applications and web servers, a time at the head of a line",
    source: include_str!("app.rs"),
    yearless: true,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED: usize = 200;

/// Lines above the first time that may be a program's banner.
const MAX_BANNER: usize = 40;

/// Members of JSON lines that have formats of their own.
const OTHERS: [&str; 8] = [
    "\"event_type\":",
    "\"apiVersion\":",
    "\"__REALTIME_TIMESTAMP\"",
    "\"id.orig_h\":",
    "\"eventid\":",
    "\"output_fields\":",
    "\"timeNano\":",
    "\"kind\":",
];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut all, mut stamped, mut above) = (0_usize, 0_usize, 0_usize);
    let (mut following, mut foreign) = (0_usize, 0_usize);
    let lines = || probe.text_lines().filter(|line| !line.is_blank());
    let mut remaining = lines().take(SNIFFED).count();
    for line in lines().take(SNIFFED) {
        // Half of what has a stamp may be another format's at most.
        if foreign * 2 >= stamped + remaining {
            return Sniff::No;
        }
        remaining -= 1;
        let text = line.text(String::from_utf8_lossy);
        let text = plain(&text);
        if command_of_prompt(&text).is_some() {
            continue;
        }
        all += 1;
        if stamps::find(&text).is_some() {
            stamped += 1;
            foreign += usize::from(is_foreign(&text));
        } else {
            above += usize::from(stamped == 0);
            following += usize::from(stamped > 0 && follows(&text));
        }
    }
    // Programs print banners before their first record.
    if stamped >= 3 && above <= MAX_BANNER {
        all -= above;
    }
    let most = stamped * 2 >= all || (stamped >= 3 && (stamped + following) * 10 >= all * 9);
    match stamped > 0 && most && foreign * 2 < stamped {
        true => Sniff::Weak,
        false => Sniff::No,
    }
}

/// Whether a line looks like the rest of the record above it.
fn follows(text: &str) -> bool {
    text.starts_with([' ', '\t', '}', ')', ']'])
        || [
            "Caused by",
            "at ",
            "...",
            "Traceback",
            "goroutine ",
            "panic:",
        ]
        .iter()
        .any(|start| text.starts_with(start))
        || text
            .split([':', ' '])
            .next()
            .is_some_and(|word| word.ends_with("Exception") || word.ends_with("Error"))
}

/// Lines of other formats that have a time at their head: syslog's with ISO stamps, packets, audit and sensor records.
fn is_foreign(text: &str) -> bool {
    if text.starts_with('{') {
        return OTHERS.iter().any(|member| text.contains(member));
    }
    let header = read_header(text);
    if let Some(header) = header
        && let (Some(host), Some(program)) = (header.host, header.program)
    {
        let of_syslog = header.pid.is_some() || program == "kernel";
        if of_syslog && named(host).is_none() && !host.starts_with('-') {
            return true;
        }
    }
    let mut words = text.split(' ').skip(1);
    let packet = |word: &str| matches!(word, "IP" | "IP6" | "ARP," | "ethertype");
    words.by_ref().take(2).any(packet)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reading = Reading {
        clock: input.clock,
        times: Times::new(input.clock),
        origin: origin::of_path(input.path),
        held: Held::default(),
        undated: 0,
        sink,
    };
    let mut lines = Lines::new(&mut input.reader);
    let result = loop {
        match lines.next_line() {
            Ok(Some(line)) => reading.line(&line),
            Ok(None) => break Ok(None),
            Err(error) => break Err(error.into()),
        }
    };
    reading.held.put_out(&reading.origin, reading.sink);
    if reading.undated > 0 {
        let warning = format!("{} times whose year nothing gives", reading.undated);
        reading.sink.warn(Place::Whole, warning);
    }
    result
}

struct Reading<'a> {
    clock: &'a Clock,
    times: Times<'a>,
    origin: Origin,
    held: Held,
    undated: u64,
    sink: &'a mut dyn Sink,
}

impl Reading<'_> {
    fn line(&mut self, line: &Line<'_>) {
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        let place = Place::Line(line.number);
        let text = line.text();
        let text = plain(&text);
        if text.trim().is_empty() || line.bytes.contains(&0) {
            return self.sink.skip(place, "not text");
        }
        if let Some(found) = stamps::find(&text) {
            self.held.put_out(&self.origin, self.sink);
            let when = found.when(&mut self.times, self.clock);
            self.undated += u64::from(when.is_none());
            return self.held.begin(&text, line.number, when);
        }
        if let Some(command) = command_of_prompt(&text) {
            self.held.put_out(&self.origin, self.sink);
            if let Some(named) = origin::of_command(command) {
                self.origin = named;
            }
            return self.sink.skip(place, "a command line");
        }
        match self.held.is_open() {
            true => self.held.add(&text),
            false => self.sink.skip(place, "a line above the first time"),
        }
    }
}
