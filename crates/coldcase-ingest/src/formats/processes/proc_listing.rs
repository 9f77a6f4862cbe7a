//! # proc-listing: what was read out of /proc, process by process
//!
//! Made by `ls -l /proc/*/exe` (also `cwd`, `root`, `fd`, `ns/net`), `ls -la /proc/PID/fd`, `find /proc -name exe -ls`, `ls /proc` (the bare
//! numbers, one a line or in columns), `cat /proc/PID/status`, `cat /proc/*/stat`, `head /proc/*/cgroup`, `grep . /proc/*/cmdline`.
//!
//! **Recognised** line by line, mixed as they come: links below /proc/PID, a heading `/proc/PID/fd:` with links, blocks `Name:` to
//! `Threads:`, lines of `stat`, and ascending numbers with or without the names of other files in /proc.
//!
//! ```text
//! lrwxrwxrwx 1 root root 0 Mar 18 15:10 /proc/10294/exe -> /tmp/mac (deleted)
//! ```
//!
//! **Rows.** `process-listed` at the moment of collection; several lines of one process are several rows. An `exe` link gives `exe`, and `deleted` where
//! its file is gone; a link without a target, or `ls`'s error for it, is that of a thread of the kernel or of a
//! process one may not look into: `exe` stays unknown. `cwd`, `root` (where it is not `/`) and `netns` are attributes. Of open files
//! those deleted or below /tmp, /var/tmp, /dev/shm give a row with `open_file` and `fd`. Numbers alone give
//! `pid` and `source` "proc", for the comparison with what ps shows. `kernel` is exact from `stat` (PF_KTHREAD), and told from
//! `status` by the lack of any memory. `cgroup` and `container_id` come from lines that name a container. `cpu_seconds` of `stat`
//! takes 100 ticks a second (USER_HZ on x86 and ARM).
//!
//! **Limits.** The times of links in /proc are when someone looked first: they are not used. Command lines without their number (`cat
//! /proc/*/cmdline`) are not read.
//!
//! Sources: proc(5), Linux `fs/proc/array.c`, `include/linux/sched.h`.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use super::row::{Process, container_of_cgroup};
use super::shown::{cleaned, is_command_line, is_separator};
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

mod links;
mod numbers;
mod status;

use links::Links;
use status::Status;

/// The format.
pub static FORMAT: Format = Format {
    id: "proc-listing",
    title: "/proc by process: exe links, open files, status, bare numbers",
    source: include_str!("proc_listing.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at.
const MOST_LINES: usize = 400;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let mut links = Links::default();
    let (mut fitting, mut of_status, mut bare, mut other) = (0_usize, 0, 0_usize, 0_usize);
    let mut order = numbers::Order::default();
    // A line of stat whose name holds a line feed.
    let mut half: Option<String> = None;
    for line in probe.text_lines().take(MOST_LINES) {
        if line.is_blank() {
            continue;
        }
        let text = line.text(cleaned);
        let text = text.as_ref();
        let before = half.take();
        if status::is_half_stat(text) {
            half = Some(text.to_owned());
            continue;
        }
        if before.is_some_and(|before| status::is_stat(&format!("{before}\n{text}"))) {
            fitting += 1;
            continue;
        }
        if links.line(text).is_some() || labelled(text).is_some() || status::is_stat(text) {
            fitting += 1;
        } else if status::is_status(text) {
            of_status += 1;
        } else if order.take(text) {
            bare += 1;
        } else if !is_frame(text) {
            other += 1;
        }
    }
    // A status has many keys that are no other text's; three of them are enough.
    if of_status >= 3 {
        (fitting, other) = (fitting + of_status, other.saturating_sub(10 * of_status));
    }
    if fitting > 0 && fitting + bare >= other {
        let is_certain = fitting > other || links.is_telling();
        return if is_certain {
            Sniff::Sure
        } else {
            Sniff::Likely
        };
    }
    if bare > 0 && other == 0 && fitting == 0 {
        return order.verdict(probe);
    }
    Sniff::No
}

fn is_frame(text: &str) -> bool {
    is_command_line(text, &["ls", "find", "cat", "head", "grep", "tail"])
        || is_separator(text)
        || links::is_error(text)
        || text.trim_start().starts_with("total ")
        || text.starts_with('#')
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let mut lines = Lines::new(&mut input.reader);
    let mut links = Links::default();
    let mut status = Status::default();
    let mut labels = Labels::default();
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let text = text.as_ref();
        let place = Place::Line(line.number);
        if status.line(text, line.number, clock, sink) {
            sink.used(1);
            continue;
        }
        if labels.line(text, line.number, clock, sink) {
            continue;
        }
        match links.line(text) {
            Some(links::Line::Heading) => sink.skip(place, "a heading"),
            Some(links::Line::Link(link)) => {
                if let Some(mut process) = link.process() {
                    process.line = line.number;
                    process.emit(clock, sink);
                }
                sink.used(1);
            }
            None if numbers::emit(text, line.number, clock, sink) => sink.used(1),
            None => sink.skip(place, reason(text, line.ended)),
        }
    }
    status.finish(clock, sink);
    Ok(None)
}

fn reason(text: &str, ended: bool) -> &'static str {
    match () {
        () if links::is_error(text) => "an error of the tool",
        () if text.trim_start().starts_with("total ") => "a heading",
        () if numbers::is_name(text) => "a file of /proc that is no process",
        () if is_frame(text) => "a command line",
        () if !ended => "a cut row",
        () => "no line about a process",
    }
}

/// `/proc/12/cmdline:/usr/sbin/sshd -D`, or `==> /proc/12/cgroup <==`: a file of a process, and its text if it follows.
fn labelled(line: &str) -> Option<(i64, &str, Option<&str>)> {
    let bare = line.strip_prefix("==> ").unwrap_or(line);
    let rest = bare.strip_prefix("/proc/")?;
    let (pid, rest) = rest.split_once('/')?;
    let pid = numbers::pid(pid)?;
    let end = rest.find([':', ' ']).unwrap_or(rest.len());
    let file = rest.get(..end)?;
    if !matches!(file, "cmdline" | "comm" | "cgroup") {
        return None;
    }
    let text = rest.get(end..).and_then(|rest| rest.strip_prefix(':'));
    Some((pid, file, text))
}

/// Texts of files with headings; the lines of one control group all name the same container.
#[derive(Default)]
struct Labels {
    heading: Option<(i64, String)>,
    container_of: Option<i64>,
}

impl Labels {
    fn line(&mut self, text: &str, number: u64, clock: &Clock, sink: &mut dyn Sink) -> bool {
        let Some((pid, file, value)) = labelled(text) else {
            let Some((pid, file)) = self.heading.clone() else {
                return false;
            };
            if file != "cgroup" {
                self.heading = None;
            }
            return self.value(pid, &file, text, number, clock, sink);
        };
        match value {
            None => {
                self.heading = Some((pid, file.to_owned()));
                sink.skip(Place::Line(number), "a heading");
                true
            }
            Some(value) => {
                self.heading = None;
                self.value(pid, file, value, number, clock, sink)
            }
        }
    }

    fn value(
        &mut self,
        pid: i64,
        file: &str,
        value: &str,
        line: u64,
        clock: &Clock,
        sink: &mut dyn Sink,
    ) -> bool {
        let mut process = Process {
            line,
            pid: Some(pid),
            ..Process::default()
        };
        match file {
            "cgroup" => {
                if value.split(':').count() < 3 {
                    self.heading = None;
                    return false;
                }
                let container =
                    container_of_cgroup(value).filter(|_| self.container_of != Some(pid));
                let Some(container) = container else {
                    sink.used(1);
                    return true;
                };
                self.container_of = Some(pid);
                process.container_id = Some(Cow::Borrowed(container));
                process.cgroup = Some(Cow::Borrowed(value));
            }
            "comm" => process.comm = Some(Cow::Borrowed(value.trim())),
            _ => process.command = Some(Cow::Borrowed(value.trim())),
        }
        process.emit(clock, sink);
        sink.used(1);
        true
    }
}
