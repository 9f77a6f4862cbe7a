//! The login databases `wtmp`, `btmp` and `utmp`, and what `utmpdump` prints of them.
//!
//! **Made by** `login`, `sshd`, display managers and init, which append records to `/var/log/wtmp` (logins,
//! logouts, boots), `/var/log/btmp` (failed logins) and keep `/run/utmp` (who is in now). Collected as files, rotated
//! ones (`wtmp-20230501`, `btmp.1`) too, or as text by `utmpdump /var/log/wtmp`:
//!
//! ```text
//! [7] [29065] [ts/0] [zhangmin] [pts/0       ] [10.20.0.5           ] [10.20.0.5      ] [2023-03-20T01:36:15,023242+00:00]
//! [8] [29065] [    ] [        ] [pts/0       ] [                    ] [0.0.0.0        ] [2023-03-20T01:58:41,590267+00:00]
//! ```
//!
//! **Recognised** by content: records of 384 bytes (x86, 32-bit times) or 400 bytes (aarch64, s390x, riscv64: 64-bit
//! times), either byte order, with types 0 to 9, times from 1990 to 2100 and printable terminals. The name decides only
//! for a file of nothing but zeros. Whether logins succeeded or failed is told by content too: boots, run levels and logouts
//! make a wtmp; `ssh:notty` and prompts with an account's name make a btmp; else the name; else the outcome is unknown.
//!
//! **Events.** `login` with its logout (`ts_end`, attribute `ended`: logout, down, crash, gone, still), `session-closed` for
//! a logout whose login is not there, `boot`, `shutdown`, `clock-changed`, and `log` for run levels, waiting prompts and
//! processes of init. A logout is matched by terminal, over all files of a rotated series. A shutdown ends all sessions
//! (`down`), a boot without one too (`crash`: when is unknown); a login on a terminal that is still taken ends the
//! session before (`gone`). `still` means that the records end before the session does.
//!
//! **Addresses.** The binary address counts; a host text that says something else is kept in `rhost`. Local displays
//! (`:0`, `tmux(..)`) stand in `display`. IPv6 that maps IPv4 becomes IPv4.
//!
//! **Times** are seconds since 1970 in UTC with microseconds: recorded. Newer utmpdump prints an offset; the one of
//! util-linux before 2.28 prints local time with a zone's letters, of which only UTC and GMT are believed.
//!
//! **Damage.** A run of zeroed records (what log wipers leave, or a crash of the host) is a `log` row without a time:
//! attributes `zeroed` (how many), `after`, `before` (times of the records around it). Records of unknown
//! types, bytes between records, and a cut last record are skipped; after lost or foreign bytes the next records are found
//! again.
//!
//! **Limits.** Account names of more than 32 and hosts of more than 256 bytes are cut by the record itself. musl writes no
//! records; the databases of the BSDs, `utmps` and `wtmpdb` (SQLite) are other formats.
//!
//! Sources: utmp(5), glibc `bits/utmpx.h`, util-linux `login-utils/utmpdump.c`, `last.c`, OpenSSH `loginrec.c`.

use std::io::Read;

use coldcase_model::Sink;

use super::text;
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

use layout::Layout;
use record::{Signs, Tells};
use sessions::Sessions;

mod binary;
mod dump;
mod layout;
mod record;
mod sessions;

/// The format.
pub static FORMAT: Format = Format {
    id: "utmp",
    title: "login records: wtmp, btmp, utmp, and utmpdump's text of them",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: Some(sessions::join),
};

/// How much of a file decides what it is.
const HEAD: u64 = 64 << 10;

/// Lines that are looked at to recognise utmpdump's text.
const SNIFFED_LINES: usize = 100;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if let Some(found) = layout::find(probe.head) {
        return match found.good {
            1 if !is_named(probe.file_name()) => Sniff::Likely,
            _ => Sniff::Sure,
        };
    }
    if is_zeroed(probe.head) && is_named(probe.file_name()) {
        return Sniff::Likely;
    }
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut own, mut other) = (0, 0);
    for line in probe.text_lines().take(SNIFFED_LINES) {
        let line = line.text(text::clean);
        if line.trim_ascii().is_empty() {
            continue;
        }
        match dump::is_row(&line) {
            true => own += 1,
            false => other += 1,
        }
    }
    match own {
        0 => Sniff::No,
        _ if own >= other => Sniff::Sure,
        _ => Sniff::Weak,
    }
}

fn has_rows(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').take(SNIFFED_LINES);
    memchr::memchr(0, head).is_none() || lines.any(|line| dump::is_row(&text::clean(line)))
}

fn is_named(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["wtmp", "btmp", "utmp"]
        .iter()
        .any(|known| name.contains(known))
}

/// At least one whole record of nothing but zeros.
fn is_zeroed(head: &[u8]) -> bool {
    head.len() >= 384 && head.iter().all(|byte| *byte == 0)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = std::mem::replace(&mut input.reader, Box::new(std::io::empty()));
    let mut head = Vec::new();
    let failure = (&mut reader).take(HEAD).read_to_end(&mut head).err();
    let found = layout::find(&head);
    // A text may have a few foreign bytes; records that were not found have no line of utmpdump.
    let is_text = found.is_none() && has_rows(&head);
    let name = input.path.rsplit('/').next().unwrap_or(input.path);
    let rest: Box<dyn Read + '_> = match failure {
        Some(error) => Box::new(Failing(Some(error))),
        None => reader,
    };
    if is_text {
        let mut sessions = Sessions::new(dump::tells(&head, name, input.clock));
        let read = dump::read(head.as_slice().chain(rest), input, &mut sessions, sink);
        return finish(read, sessions, sink);
    }
    let layout = found.map_or(Layout::default(), |found| found.layout);
    let start = found.map_or(0, |found| found.start);
    let mut sessions = Sessions::new(tells(&head, layout, start, name));
    let whole = head.as_slice().chain(rest);
    let read = binary::read(whole, layout, input.clock, &mut sessions, sink);
    finish(read, sessions, sink)
}

/// Gives again what reading the head gave.
struct Failing(Option<std::io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn finish(
    read: std::io::Result<()>,
    sessions: Sessions,
    sink: &mut dyn Sink,
) -> Result<Option<Leftover>, IngestError> {
    match read {
        Ok(()) => Ok(Some(Box::new(sessions.finish(sink)))),
        Err(error) => {
            sessions.abandon(sink);
            Err(error.into())
        }
    }
}

fn tells(head: &[u8], layout: Layout, start: usize, name: &str) -> Tells {
    let mut signs = Signs::default();
    let rest = head.get(start..).unwrap_or_default();
    for bytes in rest.chunks_exact(layout.size()) {
        if layout.looks(bytes) == layout::Looks::Good {
            signs.see(&layout.record(bytes, 0, &crate::Clock::UNKNOWN));
        }
    }
    signs.verdict(name)
}

#[cfg(test)]
mod tests;
