//! The tables that container engines print, told apart by their headers, and the one reader of them all.

use coldcase_model::{Place, Sink};

use super::{containers, images};
use crate::table::{Cells, Table};
use crate::terminal_text::{command_of_prompt, cut, plain};
use crate::{Clock, IngestError, Lines, Probe, Sniff};

/// What a table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `docker ps`, `podman ps`, `nerdctl ps`, `docker compose ps`.
    Containers,
    /// `crictl ps`.
    Crictl,
    /// `crictl pods`.
    Sandboxes,
    /// `docker stats --no-stream`, `podman stats`, `crictl stats`.
    Stats,
    /// `docker images`, `podman images`, `crictl images`, `ctr images ls`.
    Images,
}

/// Names of columns, so that a header whose names stand close together is taken apart too.
const KNOWN: [&str; 62] = [
    "CONTAINER ID",
    "CONTAINER",
    "IMAGE",
    "COMMAND",
    "CREATED",
    "CREATED AT",
    "RUNNING FOR",
    "STATUS",
    "STATE",
    "PORTS",
    "NAMES",
    "NAME",
    "SIZE",
    "LABELS",
    "MOUNTS",
    "NETWORKS",
    "LOCAL VOLUMES",
    "POD ID",
    "PODNAME",
    "POD NAME",
    "POD",
    "IS INFRA",
    "INFRA ID",
    "ATTEMPT",
    "NAMESPACE",
    "RUNTIME",
    "PLATFORM",
    "SERVICE",
    "EXIT CODE",
    "PID",
    "CGROUPNS",
    "IPC",
    "MNT",
    "NET",
    "PIDNS",
    "USERNS",
    "UTS",
    "ID",
    "CPU %",
    "MEM USAGE / LIMIT",
    "MEM USAGE/LIMIT",
    "MEM USAGE",
    "MEM %",
    "MEM",
    "NET I/O",
    "NET IO",
    "BLOCK I/O",
    "BLOCK IO",
    "PIDS",
    "CPU TIME",
    "AVG CPU %",
    "REPOSITORY",
    "TAG",
    "DIGEST",
    "IMAGE ID",
    "VIRTUAL SIZE",
    "BLOB SIZE",
    "DISK USAGE",
    "CONTENT SIZE",
    "READONLY",
    "R/O",
    "REF",
];

/// Columns whose cells are often empty.
const MAY_BE_EMPTY: [&str; 6] = ["PORTS", "COMMAND", "LABELS", "MOUNTS", "EXTRA", "NETWORKS"];

/// Lines that may stand above a table.
const MAX_LINES_ABOVE: usize = 40;

/// Reads a header.
pub fn header(line: &str) -> Option<(Table, Option<Kind>)> {
    let table = Table::header(line, &KNOWN)?;
    let kind = kind(&table);
    Some((table, kind))
}

fn kind(table: &Table) -> Option<Kind> {
    let has = |name: &str| table.has(name);
    let container = has("CONTAINER ID") || has("CONTAINER");
    let docker = [
        "IMAGE",
        "COMMAND",
        "CREATED",
        "STATUS",
        "PORTS",
        "NAMES",
        "NAME",
        "SIZE",
        "MOUNTS",
        "NETWORKS",
        "LABELS",
        "RUNNING FOR",
        "CREATED AT",
    ];
    let refers = has("REF") && has("DIGEST") && has("SIZE");
    let tree = has("IMAGE") && has("DISK USAGE") && has("ID");
    let repository = has("REPOSITORY") && (has("IMAGE ID") || has("TAG"));
    if repository || refers || tree || (has("IMAGE") && has("TAG") && has("IMAGE ID")) {
        return Some(Kind::Images);
    }
    if has("CPU %") && (container || has("ID") || has("NAME")) {
        return Some(Kind::Stats);
    }
    if has("POD ID") && has("STATE") && !container {
        return Some(Kind::Sandboxes);
    }
    if container && has("STATE") && (has("POD ID") || has("ATTEMPT")) {
        return Some(Kind::Crictl);
    }
    let by_id = has("CONTAINER ID") && table.count(&docker) >= 2;
    let by_name = has("NAMES") && (has("STATUS") || has("IMAGE") || has("PORTS"));
    let compose = has("NAME") && has("SERVICE") && has("STATUS") && has("IMAGE");
    // A column that no engine prints makes it some other tool's table.
    let all_known = table.count(&KNOWN) == table.width();
    (by_id || (all_known && (by_name || compose))).then_some(Kind::Containers)
}

/// Whether an artifact begins with a table of one of these kinds.
pub fn sniff(probe: &Probe<'_>, kinds: &[Kind]) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.text_lines().filter(|line| !line.is_blank());
    for (index, line) in lines.take(MAX_LINES_ABOVE).enumerate() {
        let text = line.text(String::from_utf8_lossy);
        let Some((_, kind)) = header(&plain(&text)) else {
            continue;
        };
        return match kind {
            Some(kind) if kinds.contains(&kind) && index <= 1 => Sniff::Sure,
            Some(kind) if kinds.contains(&kind) && index <= 5 => Sniff::Likely,
            Some(kind) if kinds.contains(&kind) => Sniff::Weak,
            Some(_) => Sniff::No,
            None => continue,
        };
    }
    Sniff::No
}

/// Reads all tables of an artifact.
pub fn ingest(
    reader: impl std::io::Read,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(reader);
    let mut table: Option<(Table, Option<Kind>)> = None;
    let mut any = false;
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(line.number);
        let text = line.text();
        let text = plain(&text);
        if text.trim().is_empty() {
            continue;
        }
        if let Some(found) = header(&text) {
            any |= found.1.is_some();
            table = Some(found);
            sink.used(1);
            continue;
        }
        match read_row(&table, &text, line.number, clock, sink) {
            Ok(()) if !line.ended && is_cut(&table, &text) => {
                sink.used(1);
                sink.warn(place, "the file ends inside of a row".to_owned());
            }
            Ok(()) => sink.used(1),
            Err(reason) => {
                sink.skip(place, reason);
                if reason == COMPLAINT {
                    let said = cut(text.trim(), 200).escape_debug().to_string();
                    sink.warn(place, format!("the engine says: {said}"));
                }
            }
        }
    }
    if !any {
        sink.warn(Place::Whole, "no table in it".to_owned());
    }
    Ok(())
}

const COMPLAINT: &str = "a message of the engine";

fn is_cut(table: &Option<(Table, Option<Kind>)>, line: &str) -> bool {
    table.as_ref().is_some_and(|(table, _)| table.is_cut(line))
}

fn read_row(
    table: &Option<(Table, Option<Kind>)>,
    line: &str,
    number: u64,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), &'static str> {
    let cells = read_cells(table, line).ok_or_else(|| {
        // Asked last: a row's command may look like a prompt.
        if command_of_prompt(line).is_some() {
            "a command line"
        } else if is_complaint(line) {
            COMPLAINT
        } else {
            match table {
                None => "a line above the table",
                Some((_, None)) => "a row of a table of another kind",
                Some(_) => "not a row of the table",
            }
        }
    });
    let (cells, kind) = cells?;
    let event = match kind {
        Kind::Images => images::event(&cells, number, clock),
        Kind::Sandboxes => containers::sandbox(&cells, number, clock),
        Kind::Stats => containers::stats(&cells, number, clock),
        Kind::Containers | Kind::Crictl => containers::listed(&cells, number, clock),
    };
    sink.event(&event);
    if let Some(created) = containers::created(&cells, kind, number, clock) {
        sink.event(&created);
    }
    Ok(())
}

fn read_cells<'t, 'l>(
    table: &'t Option<(Table, Option<Kind>)>,
    line: &'l str,
) -> Option<(Cells<'t, 'l>, Kind)> {
    let (table, kind) = table.as_ref()?;
    let kind = (*kind)?;
    let fits = |cells: &Cells<'_, '_>| match kind {
        Kind::Images => images::fits(cells),
        _ => containers::fits(cells, kind),
    };
    Some((table.row(line, &MAY_BE_EMPTY, fits)?, kind))
}

fn is_complaint(line: &str) -> bool {
    [
        "Cannot connect to the Docker daemon",
        "Got permission denied while trying",
        "permission denied while trying",
        "Error response from daemon",
        "Error: ",
        "FATA[",
        "WARN[",
        "ERRO[",
        "time=\"",
        "Emulate Docker CLI using podman",
        "WARNING: ",
    ]
    .iter()
    .any(|start| line.trim_start().starts_with(start))
        || line.ends_with(": command not found")
}
