//! Linux audit logs: `audit.log` and its rotations, `ausearch` output, audit records in syslog and journal text.
//!
//! # What is recognised
//!
//! * `type=SYSCALL msg=audit(1683814537.660:542238): arch=c000003e ...`, RAW and ENRICHED (names after the byte 0x1D),
//!   with or without `node=`, as auditd writes it and as `ausearch --raw` and plain `ausearch` (with `----` and `time->`) print it;
//! * `ausearch -i`: interpreted values and local times, `msg=audit(05/11/2023 22:15:37.660:542238) : ...` in the date shape of any
//!   locale that writes numbers;
//! * behind a prefix: `host kernel: audit: type=1400 audit(...): apparmor="DENIED" ...`, `audispd: node=a type=...`, dmesg;
//! * journal text without stamps: `May 11 22:15:37 host audit[812]: SYSCALL arch=...`.
//!
//! A file in which audit records are the minority (`/var/log/messages`) is left to the system log's format.
//!
//! # Events
//!
//! Records with the same node, time and serial are one event and one row, in whatever order they come; records of programs
//! (USER_LOGIN, SERVICE_START, ...) and of the audit daemon are an event each. An event is complete at its EOE record (which
//! auditd does not write to disk), when a record 2 s newer comes and 16 newer events are open, or when 256 are. Records that come later still
//! make another row with `late`. Events cut in two by rotation are joined; the row stands in the file in which the event began, at
//! its first record's line. Journal text has no serials: there a record that only continues belongs to the event before it.
//!
//! # Actions
//!
//! `exec` (execve, execveat), `connect` (connect, and sendto, sendmsg to an IP address), `login` (USER_LOGIN; USER_AUTH of sshd,
//! login and the like), `audit-config` (CONFIG_CHANGE, DAEMON_*), `syscall` (other calls), `audit` (the rest). The `command` is put
//! together from EXECVE, else taken from PROCTITLE (whose first 128 bytes the kernel keeps), arguments quoted as for a shell.
//! `user` is the account concerned: `acct` of a program's message, the new login id of LOGIN, else the process's uid, as a name
//! where the log was enriched. A connect in progress (EINPROGRESS) has no outcome. `src_ip` is a message's `addr` where it is an
//! address. `path` is the file created, deleted or first named, made absolute by CWD unless the call started from another folder.
//!
//! `type` is the first record's, unless that is a mere part (PATH, CWD, PROCTITLE, ...) of an event whose SYSCALL comes later, as
//! `ausearch -i` prints it. Attributes beyond those that every audit row has: `arch` (where it is not x86_64 or aarch64), `euid` (where it is not uid),
//! `created`, `deleted`, `inode`, `mode`, `saddr`, `seresult`, `seperms`, `op`, `acct`, `hostname`, `unit`, `res`, `command_cut`
//! (arguments are missing or were cut), `node`, `late`, and any other field of the records under its own name (`_2` behind it where
//! the name occurs again). `exit` is an error's name or the call's result. Several keys of a rule are a list.
//!
//! # Times
//!
//! Seconds and milliseconds since 1970, UTC, exact to 1 ms. Interpreted times are local: the zone is assumed. Where both readings of
//! a date like 05/11/2023 are possible, the one is taken that spans less time and lies before the moment of collection, else month
//! first, and this is said. Journal text has no year: the latest one that the moment of collection allows.
//!
//! # Limits
//!
//! A command line is cut at 64 KiB, an event at 256 KiB and 4096 records, a line at 1 MiB. System calls are named for x86_64 (and x32),
//! i386, aarch64, arm, ppc64, s390x, riscv64 and loongarch64 as of Linux 6.17; what is newer stays `syscall_NNN`. Error numbers are
//! the generic ones (mips, sparc and alpha differ).
//!
//! Sources: linux/audit.h, asm/unistd.h and linux/socket.h of the kernel; auditd(8), auditd.conf(5), ausearch(8); the audit event
//! parsing rules of the linux-audit documentation project.

mod assembler;
mod attributes;
mod call;
mod container;
mod dates;
mod execve;
mod facts;
mod fields;
mod kind;
mod message;
mod origin;
mod paths;
mod pending;
mod prefix;
mod record;
mod row;
mod sockaddr;
mod tables;
mod values;

use coldcase_model::{Place, Sink};

use self::assembler::{Assembler, Complete, Edges};
use self::facts::Facts;
use self::pending::{Part as RecordPart, Pending};
use self::prefix::DateOrder;
use self::record::{Parsed, Stamp};
use self::row::{Context, Heading, Scratch};
use crate::{Format, IngestError, Input, Leftover, Lines, Part, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "auditd",
    title: "Linux audit log",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: Some(join),
};

/// Lines that decide whose an artifact is.
const SNIFFED_LINES: usize = 64;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut bare, mut prefixed, mut other) = (0, 0, 0);
    for line in probe.lines().take(SNIFFED_LINES) {
        match record::parse(line, DateOrder::MonthFirst) {
            Parsed::Record(_) if line.starts_with(b"type=") || line.starts_with(b"node=") => {
                bare += 1;
            }
            Parsed::Record(_) => prefixed += 1,
            Parsed::Separator => {}
            Parsed::Unreadable(_) => other += 1,
        }
    }
    if bare > 0 && bare >= other + prefixed {
        Sniff::Sure
    } else if bare + prefixed > other {
        Sniff::Likely
    } else {
        Sniff::No
    }
}

/// Completed events to rows.
struct Rows<'s> {
    context: Context,
    scratch: Scratch,
    sink: &'s mut dyn Sink,
}

impl Complete for Rows<'_> {
    fn event(&mut self, event: &Pending) {
        write_row(event, &self.context, &mut self.scratch, self.sink);
    }

    fn single(&mut self, part: RecordPart<'_>, stamp: Stamp, node: &[u8], line: u64) {
        let heading = Heading {
            stamp,
            node,
            line,
            late: false,
        };
        let facts = Facts::gather(std::iter::once(part));
        row::emit(facts, &heading, &self.context, &mut self.scratch, self.sink);
    }
}

fn write_row(event: &Pending, context: &Context, scratch: &mut Scratch, sink: &mut dyn Sink) {
    // Only the end of an event whose other records were not found.
    if event.is_empty() {
        return;
    }
    let heading = Heading {
        stamp: event.stamp,
        node: &event.node,
        line: event.line,
        late: event.late,
    };
    row::emit(
        Facts::gather(event.parts()),
        &heading,
        context,
        scratch,
        sink,
    );
}

/// Events at an artifact's edges, with what their rows need.
struct Left {
    edges: Edges,
    context: Context,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let context = Context {
        clock: *input.clock,
        host: input.host.map(str::to_owned),
    };
    let (order, reader) = dates::survey(&mut input.reader, &context.clock, sink)?;
    let mut rows = Rows {
        context,
        scratch: Scratch::default(),
        sink,
    };
    let mut assembler = Assembler::default();
    let mut lines = Lines::new(reader);
    let (mut used, mut oversized) = (0u64, 0u64);
    let failed = loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let place = Place::Line(line.number);
        match record::parse(line.bytes, order) {
            Parsed::Separator => {}
            Parsed::Unreadable(reason) => rows.sink.skip(place, reason),
            Parsed::Record(record) => {
                if line.cut {
                    let warning = "a record longer than 1 MiB was cut".to_owned();
                    rows.sink.warn(place, warning);
                }
                if assembler.take(&record, line.number, &mut rows) {
                    used += 1;
                } else {
                    oversized += 1;
                    rows.sink
                        .skip(place, "its event already holds 256 KiB or 4096 records");
                }
            }
        }
    };
    let Rows { context, sink, .. } = rows;
    sink.used(used);
    report(sink, assembler.late, oversized);
    let edges = assembler.finish();
    match failed {
        // What was read stays: the edges go out as they are, then the error.
        Some(error) => {
            let mut scratch = Scratch::default();
            assembler::join(vec![edges], |_, event| {
                write_row(event, &context, &mut scratch, sink);
            });
            Err(error.into())
        }
        None => Ok(Some(Box::new(Left { edges, context }))),
    }
}

fn report(sink: &mut dyn Sink, late: u64, oversized: u64) {
    if late > 0 {
        let warning = format!(
            "records that came after their event was complete, and are rows of their own marked late: {late}"
        );
        sink.warn(Place::Whole, warning);
    }
    if oversized > 0 {
        let warning = format!("records dropped from events of more than 256 KiB: {oversized}");
        sink.warn(Place::Whole, warning);
    }
}

fn join(parts: Vec<Part<'_>>) {
    let mut series: Vec<(Left, &mut (dyn Sink + Send))> = parts
        .into_iter()
        .filter_map(|part| Some((*part.leftover.downcast::<Left>().ok()?, part.sink)))
        .collect();
    // Rotations come in order of path, which is the reverse of time; the sort keeps that order for ties.
    series.sort_by_key(|(left, _)| (left.edges.first_ns, left.edges.last_ns));
    let mut edges = Vec::new();
    let mut targets = Vec::new();
    for (left, sink) in series {
        edges.push(left.edges);
        targets.push((left.context, sink));
    }
    let mut scratch = Scratch::default();
    assembler::join(edges, |number, event| {
        if let Some((context, sink)) = targets.get_mut(number) {
            write_row(event, context, &mut scratch, *sink);
        }
    });
}
