//! # package-verify: files that differ from their packages
//!
//! `rpm -Va`, `dpkg -V`, `debsums`. One `alert` a file that is not configuration and whose digest differs or which is missing; all other lines are
//! read and make no rows: configuration is meant to change, and times, owners and modes differ for many reasons.
//!
//! ```text
//! S.5....T.  c /etc/ssh/sshd_config
//! S.5....T.    /usr/bin/ps
//! missing      /usr/bin/chattr
//! ??5??????   /usr/sbin/sshd
//! /usr/bin/top                                                              FAILED
//! debsums: changed file /usr/bin/lsof (from lsof package)
//! ```
//!
//! Recognised by lines of eight or nine marks and a path, or debsums' verdicts, which are most of the lines.
//!
//! Cells: `path`; `attributes`: `signature` (what differs), `source` (rpm-verify, which is also `dpkg -V`; debsums), `package` where named. Rows have the moment of
//! collection, if known.
//!
//! Limits: prelinked programs of old systems differ by design. What a package does not own is not checked by these tools.
//!
//! Sources: rpm(8) VERIFY OPTIONS, dpkg(1) `--verify`, debsums(1).

use coldcase_model::{Attributes, Event, Place, Sink, action};

use crate::formats::collected_text::{
    CUT, FRAME, TextLine, each_line, frame, is_complaint, sample, shown,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "package-verify",
    title: "files that differ from their packages: rpm -Va, dpkg -V, debsums",
    source: include_str!("package_verify.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// What a line says of a file.
struct Verdict<'a> {
    path: &'a str,
    /// Worth a row, and why.
    signature: Option<&'static str>,
    source: &'static str,
    package: Option<&'a str>,
}

fn parse(line: &str) -> Option<Verdict<'_>> {
    marks(line).or_else(|| debsums(line))
}

/// `S.5....T.  c /etc/x`, `missing   /x`, with a comment in brackets after it.
fn marks(line: &str) -> Option<Verdict<'_>> {
    let (word, rest) = line.split_once(' ')?;
    let fits = |(at, byte): (usize, u8)| {
        matches!(byte, b'.' | b'?') || b"SM5DLUGTPC".get(at) == Some(&byte) || byte == b'C'
    };
    let is_marks = matches!(word.len(), 8 | 9) && word.bytes().enumerate().all(fits);
    if !is_marks && word != "missing" {
        return None;
    }
    let rest = rest.trim_start();
    let (attribute, path) = match rest.split_once(' ') {
        Some((letter @ ("c" | "d" | "g" | "l" | "r" | "a" | "m"), path)) => {
            (Some(letter), path.trim_start())
        }
        _ => (None, rest),
    };
    if !path.starts_with('/') {
        return None;
    }
    let path = path.trim_end();
    let path = match path
        .strip_suffix(')')
        .and_then(|path| path.rsplit_once(" ("))
    {
        Some((path, _)) => path,
        None => path,
    };
    let signature = match (attribute, word) {
        (Some("c" | "g" | "d" | "l" | "r"), _) => None,
        (_, "missing") => Some("file of a package is missing"),
        _ if word.contains('5') => Some("file differs from its package"),
        _ => None,
    };
    Some(Verdict {
        path,
        signature,
        source: "rpm-verify",
        package: None,
    })
}

fn debsums(line: &str) -> Option<Verdict<'_>> {
    let changed = "file differs from its package";
    if let Some(rest) = line.strip_prefix("debsums: ") {
        let (signature, rest) = if let Some(rest) = rest.strip_prefix("changed file ") {
            (changed, rest)
        } else {
            (
                "file of a package is missing",
                rest.strip_prefix("missing file ")?,
            )
        };
        let (path, package) = rest.split_once(" (from ")?;
        let package = package.split_once(" package").map(|(package, _)| package);
        return Some(Verdict {
            path,
            signature: Some(signature),
            source: "debsums",
            package,
        });
    }
    let (path, verdict) = line.trim_end().rsplit_once([' ', '\t'])?;
    let path = path.trim_end();
    let signature = match verdict {
        "OK" | "REPLACED" => None,
        "FAILED" => Some(changed),
        "MISSING" => Some("file of a package is missing"),
        _ => return None,
    };
    (path.starts_with('/') && !path.ends_with(':')).then_some(Verdict {
        path,
        signature,
        source: "debsums",
        package: None,
    })
}

fn is_between(line: &str) -> bool {
    line.starts_with("Unsatisfied dependencies for ")
        || line.starts_with("prelink: ")
        || line.starts_with("debsums: ")
        || line.starts_with("error: ")
        || line.contains(" is needed by ")
        || is_complaint(line)
        || frame(line).is_some()
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut rows, mut lines) = (0_usize, 0_usize);
    for line in sample(probe) {
        let found = parse(line).is_some();
        rows += usize::from(found);
        lines += usize::from(found || !is_between(line));
    }
    match rows {
        0 => Sniff::No,
        _ if rows * 10 < lines * 8 => Sniff::No,
        1 | 2 => Sniff::Likely,
        _ => Sniff::Sure,
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
    let Some(verdict) = parse(text) else {
        let reason = if is_between(text) {
            FRAME
        } else if line.ended {
            "not a verdict on a file"
        } else {
            CUT
        };
        return sink.skip(place, reason);
    };
    sink.used(1);
    let Some(signature) = verdict.signature else {
        return;
    };
    let mut attributes = Attributes::new();
    attributes
        .text("signature", signature)
        .text("source", verdict.source)
        .text_if("package", verdict.package);
    let message = format!("{signature}: {}", verdict.path);
    sink.event(&Event {
        when: clock.collected(),
        path: Some(verdict.path.into()),
        attributes: attributes.finish().map(Into::into),
        message: Some(shown(&message)),
        line: Some(line.number),
        ..Event::new(action::ALERT)
    });
}
