//! Pods and nodes of a Kubernetes cluster: `kubectl get pods` and `kubectl get nodes`, as tables (`-o wide`, `-A`,
//! `-L`, `--show-labels`, `--no-headers`, `-w`, `oc get`, `kubectl get all`) or as objects (`-o json`, `-o yaml`: a list, one
//! object, several documents one after the other).
//!
//! **Recognised** are tables by the words of their header (`NAME READY STATUS RESTARTS` for pods, `NAME STATUS`
//! with `ROLES`, `AGE`, `VERSION` for nodes), also behind a prompt with the command; without a header by rows whose
//! cells have the shapes of a wide table; JSON by `spec` and `status`; YAML by `apiVersion` and `kind`.
//!
//! **Cells** of a table begin below the words of the header, so that empty ones and blanks within one (`1 (5h2m ago)`,
//! `Ubuntu 20.04.5 LTS`) do no harm; a row that does not keep to it (watch output, tables sent through other
//! tools) is split at its blanks. Further columns (`-L app`) become `label_app`. A pods table without NAMESPACE column takes the
//! namespace from a command line above it (`-n shop`), else it is unknown.
//!
//! A file may hold several tables or objects of several kinds (`kubectl get all -A -o wide`): the first says which format it is,
//! and the rows of all are given, also those of kubectl-services, kubectl-events and kubectl-jobs.
//!
//! **Rows.** `pod-listed` and `node-listed` at the moment of collection. `age_seconds` is AGE as shown, and
//! `age_unit_seconds` its smallest unit: `43h` means 43 to 44 hours. No instant of creation is made of it. Objects have the
//! exact `created` and `started`, `host_network`, and gives `container-started` and `container-exited` for the
//! states of each container. Whether a pod of a table is in its node's network is not said there.
//!
//! **YAML** is read object by object: nesting is bounded at 96 levels, aliases (kubectl writes none) are unknown values, an
//! object over 4 MiB is left out.
//!
//! **Not read**: `-o name`, `describe`, and custom columns other than NAME with IP and NODE. Lines that are
//! no row (prompts, errors, tables of other kinds) are counted as skipped.
//!
//! Sources: kubectl's printers (`pkg/printers/internalversion/printers.go`), `duration.HumanDuration`, core/v1 API types.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use crate::json::{each_value, outline};
use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

use table::{Kind, Tables};
use yaml::Objects;

pub use events::EVENTS;
pub use services::SERVICES;
pub use workloads::WORKLOADS;

mod age;
mod events;
mod headless;
mod kinds;
mod objects;
mod rows;
mod services;
mod table;
mod workloads;
mod yaml;

/// The format.
pub static PODS: Format = Format {
    id: "kubectl-pods",
    title: "kubectl get pods, wide or as JSON",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff: |probe| sniff(probe, Kind::Pods),
    ingest,
    join: None,
};

/// The format.
pub static NODES: Format = Format {
    id: "kubectl-nodes",
    title: "kubectl get nodes, wide or as JSON",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff: |probe| sniff(probe, Kind::Nodes),
    ingest,
    join: None,
};

/// Lines that may stand above a table.
const MAX_LINES_ABOVE: usize = 40;

/// Objects of a YAML artifact that are looked at to recognise it.
const MAX_OBJECTS_SNIFFED: usize = 60;

fn sniff(probe: &Probe<'_>, kind: Kind) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    if let Some(outline) = probe.outline() {
        return match kinds::kind_of(outline) {
            Some(found) if found == kind => sureness(outline.text_lines),
            _ => Sniff::No,
        };
    }
    // An object names its version, which few other texts hold.
    let is_yaml = probe.holds_any(&["apiVersion"]);
    if let Some((found, above)) = is_yaml.then(|| yaml_kind(probe.head)).flatten() {
        return match found == kind {
            true => sureness(above),
            false => Sniff::No,
        };
    }
    let verdicts = probe.kubectl(of_tables);
    let verdict = verdicts.get(kind as usize).copied();
    verdict.unwrap_or(Sniff::No)
}

/// How sure it is that an artifact is a table of each kind, in the order of [`Kind`].
fn of_tables(probe: &Probe<'_>) -> [Sniff; 5] {
    let mut tables = Tables::default();
    let mut verdicts: [Option<Sniff>; 5] = [None; 5];
    let mut headless = [0; 5];
    let lines = probe.text_lines().filter(|line| !line.is_blank());
    for (index, line) in lines.take(MAX_LINES_ABOVE).enumerate() {
        let text = line.text(String::from_utf8_lossy);
        let text = plain(&text);
        if tables.header(&text) {
            let Some(found) = tables.kind() else {
                continue;
            };
            let sureness = match index {
                0 => Sniff::Sure,
                1..=5 => Sniff::Likely,
                _ => Sniff::Weak,
            };
            if let Some(verdict) = verdicts.get_mut(found as usize) {
                verdict.get_or_insert(sureness);
            }
            break;
        }
        let Some(found) = headless::headless_kind(&text).map(|kind| kind as usize) else {
            continue;
        };
        let (Some(rows), Some(verdict)) = (headless.get_mut(found), verdicts.get_mut(found)) else {
            continue;
        };
        *rows += 1;
        if *rows == 3 || (*rows == index + 1 && probe.complete && is_last(probe, index)) {
            verdict.get_or_insert(Sniff::Likely);
        }
    }
    verdicts.map(|verdict| verdict.unwrap_or(Sniff::No))
}

/// What the first object of a YAML artifact that is read here is, and how many lines of text stand before it.
fn yaml_kind(head: &[u8]) -> Option<(Kind, usize)> {
    let mut objects = Objects::new(head);
    let mut above = 0;
    for _ in 0..MAX_OBJECTS_SNIFFED {
        match objects.next_piece().ok()?? {
            yaml::Piece::Object { text, .. } => {
                let (version, kind) = yaml::version_and_kind(&text)?;
                match kinds::kind_of_name(kind) {
                    Some(_) if version.starts_with("audit.k8s.io/") => return None,
                    Some(kind) => return Some((kind, above)),
                    None => above += 1,
                }
            }
            yaml::Piece::Text(_, text) if text.starts_with('#') => {}
            yaml::Piece::Text(..) if above < MAX_LINES_ABOVE => above += 1,
            yaml::Piece::EmptyList(_) => {}
            _ => return None,
        }
    }
    None
}

/// Whether a small artifact has no more lines than these.
fn is_last(probe: &Probe<'_>, index: usize) -> bool {
    let lines = probe.lines().filter(|line| !line.trim_ascii().is_empty());
    lines.count() == index + 1
}

fn sureness(lines_above: usize) -> Sniff {
    match lines_above {
        0 => Sniff::Sure,
        _ => Sniff::Likely,
    }
}

/// A line of a terminal without its escape sequences and without a byte order mark.
fn plain(line: &str) -> Cow<'_, str> {
    let line = line.trim_start_matches('\u{feff}');
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            out.push(character);
        } else if characters.next() == Some('[') {
            characters.find(|end| ('@'..='~').contains(end));
        }
    }
    Cow::Owned(out)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = std::mem::replace(&mut input.reader, Box::new(std::io::empty()));
    let mut head = Vec::new();
    let cause = read_head(&mut reader, &mut head);
    let is_json = outline(&head).is_some_and(|outline| kinds::kind_of(&outline).is_some());
    let is_yaml = !is_json && yaml_kind(&head).is_some();
    let whole = std::io::Read::chain(head.as_slice(), reader);
    let read = match (is_json, is_yaml) {
        (true, _) => ingest_json(whole, input, sink),
        (_, true) => ingest_yaml(whole, input, sink),
        _ => ingest_tables(whole, input, sink),
    };
    match cause {
        Ok(()) => read,
        Err(error) => read.and(Err(error.into())),
    }
}

/// Reads at most 64 KiB.
fn read_head(reader: &mut dyn std::io::Read, head: &mut Vec<u8>) -> std::io::Result<()> {
    let mut limited = std::io::Read::take(reader, 64 << 10);
    std::io::Read::read_to_end(&mut limited, head).map(drop)
}

fn ingest_json(
    reader: impl std::io::Read,
    input: &Input<'_>,
    sink: &mut dyn Sink,
) -> Result<Option<Leftover>, IngestError> {
    let mut unreadable_times = 0;
    let empty = Some("an empty list: no object was there");
    let read = each_value(reader, sink, empty, |value, line, sink| {
        unreadable_times += objects::emit(line, value, input.clock, sink);
    });
    warn_of_times(unreadable_times, sink);
    read.map(|()| None)
}

fn warn_of_times(unreadable: u64, sink: &mut dyn Sink) {
    if unreadable > 0 {
        let warning = format!("{unreadable} times that could not be read");
        sink.warn(Place::Whole, warning);
    }
}

fn ingest_yaml(
    reader: impl std::io::Read,
    input: &Input<'_>,
    sink: &mut dyn Sink,
) -> Result<Option<Leftover>, IngestError> {
    let mut objects = Objects::new(reader);
    let mut unreadable_times = 0;
    while let Some(piece) = objects.next_piece()? {
        match piece {
            yaml::Piece::Object { line, text } => match yaml::parse(&text) {
                Ok(value) => {
                    unreadable_times += objects::emit(line, &value, input.clock, sink);
                }
                Err(error) => {
                    let place = Place::Line(line);
                    sink.skip(place, "a YAML object that is not well-formed");
                    sink.warn(place, format!("object left out: {error}"));
                }
            },
            yaml::Piece::EmptyList(line) => {
                let warning = "an empty list: no object was there";
                sink.warn(Place::Line(line), warning.to_owned());
            }
            yaml::Piece::Text(line, _) => sink.skip(Place::Line(line), "a line that is no YAML"),
            yaml::Piece::Damaged(line, reason) => {
                sink.skip(Place::Line(line), reason);
                sink.warn(Place::Line(line), reason.to_owned());
            }
            yaml::Piece::UnclosedList(line) => {
                let warning = "the end of a list is missing: its last object may be cut";
                sink.warn(Place::Line(line), warning.to_owned());
            }
        }
    }
    warn_of_times(unreadable_times, sink);
    Ok(None)
}

fn ingest_tables(
    reader: impl std::io::Read,
    input: &Input<'_>,
    sink: &mut dyn Sink,
) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(reader);
    let mut tables = Tables::default();
    let mut any = false;
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(line.number);
        let text = line.text();
        let text = plain(&text);
        if tables.header(&text) {
            sink.used(1);
            continue;
        }
        let cut = !line.ended && tables.is_cut(&text);
        match tables.row(&text) {
            Ok(row) if !cut => {
                any = true;
                row.emit(line.number, input.clock, sink);
                sink.used(1);
            }
            _ if cut => {
                sink.skip(place, "a cut row");
                sink.warn(place, "the file ends inside of a row".to_owned());
            }
            Ok(_) => {}
            Err(reason) => {
                sink.skip(place, reason);
                if table::is_complaint(&text) {
                    let said: String = text.trim().chars().take(200).collect();
                    sink.warn(place, format!("kubectl says: {}", said.escape_debug()));
                }
            }
        }
    }
    if !any {
        let warning = "no row that is read in it";
        sink.warn(Place::Whole, warning.to_owned());
    }
    Ok(None)
}
