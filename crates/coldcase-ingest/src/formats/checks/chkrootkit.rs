//! # chkrootkit: what it found
//!
//! The output of `chkrootkit`, with or without `-q`, and its cron job's mail. One `alert` a line that says INFECTED, warns, or tells of hidden processes,
//! sniffers and possible rootkits; all other results are read and make no rows.
//!
//! ```text
//! ROOTDIR is `/'
//! Checking `ls'...                                            not infected
//! Checking `bindshell'...                                     INFECTED PORTS: ( 465)
//! Searching for Suckit rootkit...                             Warning: /sbin/init INFECTED
//! Checking `lkm'...                                           You have     3 process hidden for readdir command
//! ```
//!
//! Recognised by ROOTDIR's line, or by several lines `Checking `x'...` or `Searching for ...`.
//!
//! Cells: `path` the first that the line names; `attributes`: `signature` (the check and what it said), `category` (the check), `source` "chkrootkit". Rows have the
//! moment of collection, if known: the output has no times.
//!
//! Limits: chkrootkit raises many false alarms (a mail server's port 465 as `bindshell`, DHCP clients as sniffers); a row is what it said, not a finding.
//! The list of suspicious files below `Searching for suspicious files and dirs` makes no rows.
//!
//! Source: the chkrootkit script and its README.

use coldcase_model::{Attributes, Event, Sink, action};

use super::path_in;
use crate::formats::collected_text::{TextLine, each_line, sample, shown};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "chkrootkit",
    title: "what chkrootkit found",
    source: include_str!("chkrootkit.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// The check that a line is of, and what it said.
fn check(line: &str) -> Option<(&str, &str)> {
    let rest = line
        .strip_prefix("Checking ")
        .or_else(|| line.strip_prefix("Searching for "))?;
    let (name, said) = rest.split_once("...")?;
    let name = name.trim_matches(['`', '\'', '"', ' ']);
    (!name.is_empty()).then_some((name, said.trim_start_matches('.').trim()))
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut rooted, mut checks) = (false, 0_usize);
    for line in sample(probe) {
        rooted |= line.starts_with("ROOTDIR is ");
        checks += usize::from(check(line).is_some());
    }
    match (rooted, checks) {
        (true, _) => Sniff::Sure,
        (false, checks) if checks >= 5 => Sniff::Likely,
        _ => Sniff::No,
    }
}

/// Whether a line says that something was found.
fn is_finding(said: &str) -> bool {
    let warns = said.contains("INFECTED")
        || said.contains("Warning:")
        || said.contains("WARNING:")
        || said.contains("Vulnerable")
        || said.contains("PACKET SNIFFER")
        || said.contains("process hidden")
        || said.contains("Possible ")
        || said.contains("possible rootkit");
    let clean = said.contains("not infected")
        || said.contains("no process hidden")
        || said.contains("WARNING: can't");
    warns && !clean
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let mut current: Option<String> = None;
    each_line(input, sink, |text, sink| {
        if text.text.trim().is_empty() {
            return;
        }
        if let Some((name, _)) = check(text.text.trim()) {
            current = Some(name.to_owned());
        }
        line(text, current.as_deref(), clock, sink);
        sink.used(1);
    })?;
    Ok(None)
}

fn line(line: &TextLine<'_>, current: Option<&str>, clock: &Clock, sink: &mut dyn Sink) {
    let text = line.text.trim();
    let said = check(text).map_or(text, |(_, said)| said);
    if !is_finding(said) {
        return;
    }
    let signature = match current {
        Some(name) => format!("{name}: {said}"),
        None => said.to_owned(),
    };
    let mut attributes = Attributes::new();
    attributes
        .text("signature", &shown(&signature))
        .text_if("category", current)
        .text("source", "chkrootkit");
    sink.event(&Event {
        when: clock.collected(),
        path: path_in(said).map(Into::into),
        attributes: attributes.finish().map(Into::into),
        message: Some(shown(&signature)),
        line: Some(line.number),
        ..Event::new(action::ALERT)
    });
}
