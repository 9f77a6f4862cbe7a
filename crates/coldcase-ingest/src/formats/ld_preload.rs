//! # ld-preload: libraries put into every process
//!
//! `/etc/ld.so.preload`: what the loader puts into every program that it starts. One `preload-listed` a library, at the moment
//! of collection. The file rarely exists; rootkits of user space live here.
//!
//! ```text
//! /usr/local/lib/libprocesshider.so
//! ```
//!
//! Recognised by absolute paths of shared objects, one to three lines and nothing else; the name (`ld.so.preload`,
//! `ld_so_preload.txt`, `etc_ld.so.preload`) or a command line above (`# cat /etc/ld.so.preload`) settles it, also for paths without `.so` and for
//! longer lists. An empty file is normal and says nothing.
//!
//! Cells: `path` of the library. Paths are parted by blanks, tabs, colons; `#` begins a comment.
//!
//! Limits: `LD_PRELOAD` in environments and profiles stands elsewhere.
//!
//! Source: ld.so(8) FILES, glibc `elf/rtld.c`.

use coldcase_model::{Event, Place, Sink, action};

use crate::formats::collected_text::{COMMENT, FRAME, TextLine, each_line, frame, sample};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "ld-preload",
    title: "libraries put into every process: /etc/ld.so.preload",
    source: include_str!("ld_preload.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most lines of a file that its name does not settle: longer ones are listings of libraries.
const MOST_LINES: usize = 3;

/// The libraries of a line; nothing where it holds anything else.
fn libraries(line: &str) -> Option<Vec<&str>> {
    let bare = line.split('#').next().unwrap_or_default();
    let words = bare
        .split([' ', '\t', ':', ','])
        .filter(|word| !word.is_empty());
    let paths: Vec<&str> = words.take(64).collect();
    let is_path = |path: &&str| path.starts_with('/') && path.len() > 2 && path.len() < 4096;
    (!paths.is_empty() && paths.iter().all(is_path)).then_some(paths)
}

/// `libx.so`, `libx.so.1.2`
fn is_shared_object(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.ends_with(".so")
        || name.split_once(".so.").is_some_and(|(stem, version)| {
            !stem.is_empty()
                && version
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
}

fn is_named(path: &str) -> bool {
    let name = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    bare.contains("ldsopreload") || bare.contains("ldpreload")
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut paths, mut objects, mut lines) = (0_usize, 0_usize, 0_usize);
    let mut named = is_named(probe.path);
    for line in sample(probe) {
        if let Some(frame) = frame(line) {
            named |= frame.path.is_some_and(is_named);
            continue;
        }
        if line.trim_start().starts_with('#') {
            continue;
        }
        lines += 1;
        match libraries(line) {
            Some(found) => {
                paths += found.len();
                objects += found.iter().filter(|path| is_shared_object(path)).count();
            }
            None => return Sniff::No,
        }
    }
    if paths == 0 {
        return Sniff::No;
    }
    match named {
        true if objects > 0 || lines <= MOST_LINES => Sniff::Sure,
        _ if objects == paths && paths <= MOST_LINES && probe.complete => Sniff::Weak,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    each_line(input, sink, |text, sink| line(text, clock, sink))?;
    Ok(None)
}

fn line(line: &TextLine<'_>, clock: &Clock, sink: &mut dyn Sink) {
    let (text, place) = (line.text.trim(), Place::Line(line.number));
    if text.is_empty() {
        return;
    }
    let Some(found) = libraries(text) else {
        let reason = if frame(text).is_some() {
            FRAME
        } else if text.starts_with('#') {
            COMMENT
        } else {
            "not a path"
        };
        return sink.skip(place, reason);
    };
    for path in found {
        sink.event(&Event {
            when: clock.collected(),
            path: Some(path.into()),
            message: Some(format!("the loader puts {path} into every process").into()),
            line: Some(line.number),
            ..Event::new(action::PRELOAD_LISTED)
        });
    }
    sink.used(1);
}
