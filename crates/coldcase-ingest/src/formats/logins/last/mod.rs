//! What `last` and `lastb` print of wtmp and btmp: logins, failed logins, boots.
//!
//! **Made by** `last`, `lastb` (the same as `last -f /var/log/btmp`), with any of `-F`, `-i`, `-d`, `-w`, `-x`, `-a`, `-R`,
//! `--time-format iso`; by util-linux, by sysvinit's `last` of older systems, and by busybox.
//!
//! ```text
//! dana     pts/0        192.0.2.7        Fri May 12 09:45   still logged in
//! erik     pts/1        198.51.100.9     Thu May 11 15:29 - 15:47  (00:18)
//! reboot   system boot  5.14.0-284.el9.x Mon Jan  2 10:03 - 10:20 (130+00:17)
//!
//! wtmp begins Mon Jan  2 10:03:11 2023
//! ```
//!
//! **Recognised** by rows: a terminal, a time with its weekday (or an ISO one), and how the session ended; and by the closing
//! line. Prompts, separators and several outputs in one file do no harm. Whether logins succeeded or failed is told by the
//! closing line (`btmp begins`), the command above, the rows (`ssh:notty` is a failure, boots and sessions that last are
//! not), and last by the file's name; else the outcome is unknown.
//!
//! **Events.** `login` with `ts_end` (the logout, to the minute where the output is) and `ended`: logout, down, crash, gone,
//! still; `boot`, `shutdown`, `clock-changed` (`-x`), `log` for run levels. The end of a crashed session is unknown. A boot's
//! row has no end: the column there is the moment at which `last` ran as often as that of the shutdown.
//!
//! **Times** are local to the host (`zone-assumed`); ISO ones have an offset (`recorded`). The default has no year: rows run
//! from the newest to the oldest, so that years step back from the moment of collection, or forward from the closing line,
//! whichever is nearer to the rows; weekdays must fit (`year-inferred`). Without either the time stays unknown.
//!
//! **Hosts** are cut at 16 columns unless `-w` or `-a` is given. A text that fills the column is never read as an address
//! (`2001:db8:85a3:8d` may go on); it stands in `rhost` with `rhost_cut`. Longer ones in the same output show that nothing is cut.
//!
//! **Limits.** Without `-w` account names are cut at 8 characters, which can't be told from names of that length.
//! `--time-format notime` gives no times.
//!
//! Sources: last(1), util-linux `login-utils/last.c`, sysvinit `last.c`, busybox `miscutils/last.c` and `last_fancy.c`.

use coldcase_model::{Place, Sink};

use super::text;
use crate::{Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

use section::Section;

pub mod row;
pub mod section;
pub mod stamp;
pub mod years;

/// The format.
pub static FORMAT: Format = Format {
    id: "last",
    title: "last and lastb: logins, failed logins, boots",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines that are looked at to recognise the format.
const SNIFFED_LINES: usize = 200;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut rows, mut closing, mut other) = (0, 0, 0);
    let mut headed = false;
    let mut remaining = probe.lines().take(SNIFFED_LINES).count();
    for line in probe.text_lines().take(SNIFFED_LINES) {
        // A third of the lines at least is the listing's own.
        if 2 * (rows + closing + remaining) < other {
            return Sniff::No;
        }
        remaining -= 1;
        let line = line.text(text::clean);
        if line.trim().is_empty() || text::is_ornament(&line) {
            continue;
        }
        headed |= row::is_heading(&line);
        if row::read(&line).is_some() || (headed && row::read_simple(&line).is_some()) {
            rows += 1;
        } else if row::closing(&line).is_some() {
            closing += 1;
        } else if text::command(&line, &TOOLS).is_none() && !headed {
            other += 1;
        }
    }
    match (rows, closing) {
        (0, 0) => Sniff::No,
        _ if 2 * (rows + closing) < other => Sniff::No,
        (0, _) if other > 0 => Sniff::No,
        (0, _) => Sniff::Likely,
        (_, 1..) => Sniff::Sure,
        _ if rows >= 3 && rows > 4 * other => Sniff::Sure,
        _ if rows > other => Sniff::Likely,
        _ => Sniff::Weak,
    }
}

const TOOLS: [&str; 2] = ["last", "lastb"];

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let name = input.path.rsplit('/').next().unwrap_or(input.path);
    let mut section = Section::new(name, input.clock);
    loop {
        match lines.next_line() {
            Ok(Some(line)) => read_line(&line, &mut section, sink),
            Ok(None) => break,
            Err(error) => {
                section.finish(None, sink);
                return Err(error.into());
            }
        }
    }
    section.finish(None, sink);
    Ok(None)
}

fn read_line(line: &Line<'_>, section: &mut Section<'_>, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    if line.cut {
        return sink.skip(place, "line longer than 1 MiB");
    }
    let text = text::clean(line.bytes);
    if text.trim().is_empty() {
        return;
    }
    if row::read(&text).is_some() || (section.headed && row::read_simple(&text).is_some()) {
        section.row(line.number, &text, sink);
    } else if let Some((file, stamp)) = row::closing(&text) {
        sink.used(1);
        section.finish(Some((file, stamp)), sink);
    } else if row::is_heading(&text) {
        section.headed = true;
    } else if let Some(words) = text::command(&text, &TOOLS) {
        section.finish(None, sink);
        section.called(&words);
        sink.skip(place, "command line");
    } else if text::is_ornament(&text) {
        section.finish(None, sink);
        sink.skip(place, "prompt or separator");
    } else if !line.ended {
        sink.skip(place, "cut row");
        sink.warn(place, "the file ends inside of a row".to_owned());
    } else {
        sink.skip(place, "not a row of last");
    }
}
