//! The kernel's own log, as `dmesg` prints it.
//!
//! **Made by** `dmesg`, with `-T`, `-x`, `-r`, `-d`, `-H`, `--time-format iso|ctime|delta|reltime`; `cat /dev/kmsg`; what distributions keep in
//! `/var/log/dmesg`; also `journalctl -o short-monotonic`, whose stamps are of the same kind.
//!
//! **Recognised** by the heads of most lines:
//!
//! ```text
//! [    0.000000] Linux version 5.10.0-21-amd64 (debian-kernel@lists.debian.org) ...
//! [Tue Mar 28 16:00:04 2023] device enp1s0 entered promiscuous mode
//! kern  :info  : [   12.345678] Out of memory: Killed process 812 (java) ...
//! 2023-03-28T16:00:04,123456+08:00 nf_conntrack: table full, dropping packet
//! [Mar28 16:00] usb 1-1: new high-speed USB device number 2 using xhci_hcd
//! [  +0.000003] usb 1-1: New USB device found, idVendor=0781, idProduct=5567, bcdDevice= 1.00
//! ```
//!
//! and without any stamp (`dmesg -t`) where the first line is the kernel's version.
//!
//! **Events.** `log` with `program` kernel, `priority` (0 to 7) and `facility` where the line tells them; the wordings that
//! syslog's kernel lines are read by give cells and attributes (netfilter's packets, faults, killed processes, interfaces, conntrack, SYN cookies, modules); `boot`
//! for the version line, `shutdown`.
//!
//! **Times.** Seconds since the boot become instants only where the log says what the clock showed at one of them (the RTC's line of the boot,
//! `audit(1680019204.123:1)`); else the time is unknown and the attribute `since_boot_seconds` has it. They do not run on while a host sleeps.
//! `-T` and `-H` print local time, the artifact's zone is assumed; `-H` has no year (the last such day before the collection) and minutes only.
//! What `-T` shows is the boot's time plus those seconds: steps of the clock and sleep put it wrong.
//!
//! **Limits.** A line is kept to 8 KiB. The clock is looked for in the first 4 MiB, for lines above the one that tells it.
//!
//! Sources: dmesg(1) and `sys-utils/dmesg.c` of util-linux, `Documentation/ABI/testing/dev-kmsg`, busybox `dmesg`.

use std::borrow::Cow;
use std::io::Read;

use coldcase_model::{Place, Sink};

use self::head::Time;
use self::times::{Kernel, boot_of};
use crate::syslog::{Header, Records, emit, read_tagged, read_unstamped, without_kernel_stamp};
use crate::{Clock, Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

mod head;
mod times;

/// The format.
pub static FORMAT: Format = Format {
    id: "dmesg",
    title: "the kernel's log: dmesg, /dev/kmsg",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at.
const LINES: usize = 64;

/// Where the clock is looked for.
const HEAD: u64 = 4 << 20;

/// Most of a message that is kept, in bytes.
const LONGEST_MESSAGE: usize = 8 << 10;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut lines, mut stamped, mut sure, mut apache) = (0, 0, 0, 0);
    let mut unstamped_version = false;
    for line in probe
        .lines()
        .filter(|line| !line.trim_ascii().is_empty())
        .take(LINES)
    {
        let text = String::from_utf8_lossy(line);
        let text = plain(text.trim_start_matches('\u{feff}'));
        let line = head::read(&text);
        lines += 1;
        match line.time {
            Some(Time::Since(_) | Time::Minute(..) | Time::After(_)) => {
                stamped += 1;
                let told = line.priority.is_some() || line.text.contains("Linux version ");
                sure += usize::from(told || !matches!(line.time, Some(Time::Since(_))));
            }
            Some(Time::Date(stamp)) => {
                stamped += 1;
                sure += usize::from(stamp.digits == 6);
                apache += usize::from(is_web_log(line.text));
            }
            None => unstamped_version |= lines <= 3 && line.text.starts_with("Linux version "),
        }
    }
    match () {
        () if stamped * 2 > lines && apache * 2 > stamped => Sniff::No,
        () if stamped * 2 > lines && sure > 0 => Sniff::Sure,
        () if stamped * 2 > lines => Sniff::Likely,
        () if unstamped_version && stamped == 0 && lines > 3 => Sniff::Likely,
        () => Sniff::No,
    }
}

/// `[error] ...`, `[client 192.0.2.1] ...`, `[core:notice] [pid 1] ...`: what a web server writes behind the same stamp.
fn is_web_log(text: &str) -> bool {
    let inside = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let words = [
        "notice", "error", "warn", "info", "debug", "crit", "emerg", "alert", "client ", "trace",
    ];
    inside.is_some_and(|(inside, _)| {
        words.iter().any(|word| inside.starts_with(word)) || inside.contains(':')
    })
}

/// Without the colours of a terminal.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    kept.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let codes = part
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b';')
            .count();
        kept.push_str(part.get(codes + 1..).unwrap_or_default());
    }
    Cow::Owned(kept)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut head = Vec::new();
    let read = input.reader.by_ref().take(HEAD).read_to_end(&mut head);
    let mut log = Log::new(&head, input.clock);
    let mut lines = Lines::new(head.as_slice().chain(&mut input.reader));
    while let Some(line) = lines.next_line()? {
        log.line(line, sink);
    }
    log.tell(sink);
    read.map(|_| None).map_err(IngestError::from)
}

/// What is carried from line to line.
struct Log<'c> {
    kernel: Kernel<'c>,
    records: Records,
    /// The host that stands before every message: `journalctl -o short-monotonic`.
    host: Option<String>,
    /// Whether no line has a stamp.
    stampless: bool,
    begun: bool,
    untimed: bool,
}

impl<'c> Log<'c> {
    fn new(head: &[u8], clock: &'c Clock) -> Self {
        let mut host: Option<String> = None;
        let (mut stamped, mut hosted) = (0, 0);
        for line in head.split(|byte| *byte == b'\n').take(4 * LINES) {
            let text = String::from_utf8_lossy(line);
            let text = plain(&text);
            let line = head::read(&text);
            if line.time.is_none() {
                continue;
            }
            stamped += 1;
            let Some(header) = read_unstamped(line.text).filter(is_journal) else {
                continue;
            };
            let name = header.host.unwrap_or_default();
            hosted += usize::from(host.get_or_insert_with(|| name.to_owned()) == name);
        }
        Self {
            kernel: Kernel::new(clock, boot_of(head)),
            records: Records::default(),
            host: host.filter(|_| hosted * 5 >= stamped * 4),
            stampless: stamped == 0,
            begun: false,
            untimed: false,
        }
    }

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let place = Place::Line(line.number);
        if line.cut {
            sink.warn(place, "a line beyond 1 MiB was cut".into());
        }
        let bytes = line.bytes.iter().position(|byte| *byte != 0);
        let bytes = bytes
            .and_then(|at| line.bytes.get(at..))
            .unwrap_or_default();
        if bytes.trim_ascii().is_empty() {
            let reason = if line.bytes.is_empty() {
                "blank line"
            } else {
                "NUL bytes or blanks"
            };
            sink.skip(place, reason);
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = plain(text.trim_start_matches('\u{feff}'));
        let parsed = head::read(&text);
        if parsed.time.is_none() && !self.stampless {
            if self.begun && text.starts_with([' ', '\t']) {
                sink.used(1);
            } else if text.starts_with("-- ") {
                sink.skip(place, "remark of journalctl");
            } else {
                sink.skip(place, "no stamp of the kernel at its head");
            }
            return;
        }
        self.begun = true;
        sink.used(1);
        self.record(&parsed, line.number, sink);
    }

    fn record(&mut self, line: &head::Line<'_>, number: u64, sink: &mut dyn Sink) {
        let header = self.header(line);
        let shown = header.tagged;
        let shown = shown.get(..shown.floor_char_boundary(LONGEST_MESSAGE));
        let shown = shown.unwrap_or_default();
        let mut row = self.records.row(&header);
        row.event.when = self.kernel.when(line.time, header.message);
        row.event.line = Some(number);
        row.event.message = Some(Cow::Borrowed(shown));
        row.attributes.number_if("priority", line.priority);
        row.text(
            "facility",
            line.facility
                .filter(|name| *name != "kern")
                .unwrap_or_default(),
        );
        if let (None, Some(Time::Since(since))) = (row.event.when, line.time) {
            self.untimed = true;
            let seconds: Option<f64> = match since.contains('.') {
                true => since.parse().ok(),
                false => since.parse().ok().map(|micros: f64| micros / 1e6),
            };
            if let Some(seconds) = seconds.and_then(serde_json::Number::from_f64) {
                row.attributes.value("since_boot_seconds", &seconds.into());
            }
        }
        emit(&mut row, 1, sink);
    }

    /// Who says what: the kernel, where nothing shows another.
    fn header<'t>(&self, line: &head::Line<'t>) -> Header<'t> {
        let text = without_kernel_stamp(line.text);
        if let Some(host) = self.host.as_deref()
            && let Some(header) = read_unstamped(text).filter(|header| header.host == Some(host))
        {
            return Header {
                tagged: text.get(host.len()..).unwrap_or(text).trim_start(),
                ..header
            };
        }
        // Processes may write to the kernel's log too; systemd does while it boots.
        let other = line.facility.is_some_and(|name| name != "kern");
        if (other || text.starts_with("systemd[1]: "))
            && let Some(header) = read_tagged(text)
        {
            return header;
        }
        Header {
            stamp: None,
            host: None,
            program: Some("kernel"),
            module: None,
            pid: None,
            tagged: text,
            message: text.strip_prefix("kernel: ").unwrap_or(text),
        }
    }

    fn tell(&self, sink: &mut dyn Sink) {
        if self.untimed {
            let warning = "stamps count from the boot and nothing in the log tells when that was: their times stay unknown";
            sink.warn(Place::Whole, warning.into());
        }
    }
}

/// `web-03 sshd[812]: ...`, `web-03 kernel: ...`: a host, and a program that can't be a part of the kernel's text.
fn is_journal(header: &Header<'_>) -> bool {
    header.pid.is_some() || header.program == Some("kernel")
}
