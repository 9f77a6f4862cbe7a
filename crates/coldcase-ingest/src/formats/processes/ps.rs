//! # ps: processes as `ps` lists them
//!
//! Made by `ps aux`, `ps auxww`, `ps -ef`, `-eF`, `-ely`, `-eLf` (threads), `ps axjf`, `ps alx`, `ps auxZ` (SELinux), `--forest`,
//! `ps -eo user,pid,ppid,lstart,cmd` with any columns, BusyBox's `ps`, and `ps` inside of a container.
//!
//! **Recognised** by the header: known columns of ps in upper case, a process or thread number among them and a
//! command; a prompt or a line of the tool's may stand above. Rows of `ps aux` and `ps -ef` also without a header (`ps aux | grep x`).
//!
//! ```text
//! USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
//! root         1  0.0  0.0 125804  4156 ?        Ss    2022  15:11 /usr/lib/systemd/systemd --system
//! prometh+  1201  0.2  0.0 163460 17820 ?        Sl   Feb07 600:30 /usr/local/bin/node_exporter
//! ```
//!
//! **Rows.** `process-listed` at the moment of collection, one a row, threads with their `tid`. A user is as shown: ps cuts long
//! names (`prometh+`) or gives the number. `command` is what the process calls itself, without the branches of a
//! tree; of two columns COMMAND the first is `comm`. `exe` only from a column EXE: the first word of a command is not proof.
//! `kernel` is told of rows without memory, or children of kthreadd; a name in brackets alone does not make a
//! thread of the kernel, and zombies (`<defunct>`) are none. The column C is `cpu_percent` too. RSS and VSZ become bytes; SZ (pages) does not.
//!
//! **Times.** `started_text` is as shown. `started` is in the host's zone: `15:04` is the last such moment before the collection,
//! `Mar07` the last such day, `2022` that year (`started_precision` min, day, year); `lstart` is exact to the second. Without
//! a moment of collection only those with a year are placed. ELAPSED is `elapsed_seconds`, TIME `cpu_seconds`.
//!
//! **Limits.** A command that stands between other columns is cut by ps to its width. Rows of `ps m` whose number is a dash are
//! threads without their own number: skipped. Where many rows end at 80, 132 or 512 columns, a warning says that they look cut.
//!
//! Sources: ps(1), procps `src/ps/output.c`, BusyBox `procps/ps.c`.

use coldcase_model::Sink;

use super::reader::{self, Summary};
use super::table::Tool;
use crate::{Format, IngestError, Input, Leftover};

/// The format.
pub static FORMAT: Format = Format {
    id: "ps",
    title: "processes as ps lists them, any columns",
    source: include_str!("ps.rs"),
    yearless: false,
    sniff: |probe| reader::sniff(probe, Tool::Ps, &["ps"]),
    ingest,
    join: None,
};

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let summary = |_: &str, _: u64, _: &mut dyn Sink| Summary::None;
    reader::read(&mut input.reader, input.clock, &["ps"], sink, summary)?;
    Ok(None)
}
