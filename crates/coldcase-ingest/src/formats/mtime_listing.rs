//! # mtime-listing: listings of files with their times
//!
//! What `ls`, `find`, `stat` and the Sleuth Kit write about files. One row an entry and time:
//! `file-modified` for `ls` and `find`; for bodyfiles and `stat` also `file-accessed`, `file-changed` and
//! `file-created` (atime, ctime, birth). Sizes in bytes, only where they are exact: `580M` stands in
//! `size_text`.
//!
//! Recognised by content, also mixed in one file, with command lines and error messages between:
//!
//! - `ls -l` with `-a -R -h -i -s -n -g -o -Z -F -Q -b`, quoted names and colours; a heading `/etc/cron.d:`
//!   or the command line (`# ls -la /etc/cron.d`) gives the folder, otherwise names stay as they are.
//!   `find -exec ls -l {} \;`, `tar -tv`. A line that is no row goes on the name of the row before it.
//! - `find -ls`, with its escapes.
//! - `find -printf` and `stat -c`: lines with exactly one path and one time with a year (`%T@`, `%T+`, `%t`,
//!   `%TY-%Tm-%Td %TH:%TM:%TS`, `%Y`, `%y`). Which time that is, is told by a command line above
//!   (`%A`, `%C`, `%X`, `-u`, `--time=`), otherwise it is the modification. Lines with two times are not
//!   guessed at, nor is which number is a size.
//! - `stat` over several lines (GNU, BusyBox, BSD `-x`).
//! - Bodyfile 3, `MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`; 0 and -1 are no time.
//!
//! Times: all styles of `ls` (`full-iso`, `long-iso`, `iso`, epoch, English and Chinese month names). A
//! recent one (`Mar 29 00:12`) has no year: `ls` writes it within half a mean Gregorian year (15,778,476 s,
//! coreutils `src/ls.c`), so its year is the newest that does not put it more than a day after the moment
//! of collection; without that moment the row has no time. An old one (`Mar 29  2022`) is exact to the day.
//! Local times without an offset are read in the artifact's zone.
//!
//! Not records: headings, `total`, blank lines, comments, command lines. Skipped with a reason: errors of
//! the tools, lines without a time (`ls -Z` of old), other text. Limits: month names of other languages,
//! `mactime` output; a name that ends in a line feed at a listing's end loses it; blanks at the end of a
//! line are part of the name.
//!
//! Sources: coreutils `ls.c` and `stat.c`, findutils `listfile.c`, ls(1), find(1), stat(1), the Sleuth
//! Kit's body file page.

mod block;
mod bodyfile;
mod command;
mod cursor;
mod ls;
mod names;
mod printf;
mod reader;
mod rows;
mod sniff;
mod stamp;
mod stat;

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Lines};

/// The format.
pub static FORMAT: Format = Format {
    id: "mtime-listing",
    title: "listings of files with their times: ls, find, stat, bodyfile",
    source: include_str!("mtime_listing.rs"),
    yearless: false,
    sniff: sniff::sniff,
    ingest,
    join: None,
};

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut reader = reader::Reader::new(input.clock, sink);
    let read = loop {
        match lines.next_line() {
            Ok(Some(line)) => reader.line(&line),
            Ok(None) => break Ok(None),
            Err(error) => break Err(error.into()),
        }
    };
    reader.finish();
    read
}
