//! The lines of a part with who wrote them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use coldcase_model::{ObservableType, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use super::align::is_sane;
use super::place::{Files, Moment, Place};
use super::writers::{Cells, Containers, Writer, attribute};

/// Rows that may be causes.
pub(super) const ACTIONS: [&str; 5] = [
    action::LOG,
    action::CRON_RUN,
    action::SERVICE_STARTED,
    action::EXEC,
    action::CONNECT,
];

/// One line with its writers.
pub(super) struct Line<'a> {
    pub writer: &'a Arc<Writer>,
    /// The writer's hash.
    pub hash: u64,
    pub message: &'a str,
    pub target: Option<&'a str>,
    pub moment: Moment,
    pub zone_unsure: bool,
}

pub(super) fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

const COLUMNS: [&str; 14] = [
    "host",
    "format",
    "ts_basis",
    "ts_precision",
    "container",
    "pod",
    "namespace",
    "attributes",
    "message",
    "command",
    "exe",
    "pid",
    "dst_ip",
    "dst_port",
];

/// Calls back for each dated line of a part that is of these hosts.
pub(super) fn visit(
    part: &Timeline,
    containers: &Containers,
    hosts: Option<&BTreeSet<String>>,
    files: &mut Files,
    each: &mut impl FnMut(Line<'_>),
) -> Result<(), TimelineError> {
    let rows = part.select(&ACTIONS, &COLUMNS)?;
    let columns = Columns::of(&rows);
    let of_hosts = |row: &usize| {
        let host = hosts.and_then(|hosts| Some((hosts, cell(&columns.hosts, *row)?)));
        host.is_none_or(|(hosts, host)| hosts.contains(host))
    };
    let mut writers = Writers::default();
    let mut last = None;
    for row in (0..rows.rows()).filter(of_hosts) {
        let told_by = (containers, &mut writers);
        columns.line(row, told_by, &mut last, files, each);
    }
    Ok(())
}

/// Writers with their hashes, by a hash of the cells that tell them.
#[derive(Default)]
struct Writers {
    known: HashMap<u64, Told>,
}

/// A writer with its hash; none where a row tells of logins itself.
type Told = Option<(Arc<Writer>, u64)>;

/// The columns of a part, looked up once.
struct Columns<'a> {
    times: Vec<Option<i64>>,
    lines: Vec<Option<i64>>,
    offsets: Vec<Option<i64>>,
    pids: Vec<Option<i64>>,
    ports: Vec<Option<i32>>,
    actions: Vec<Option<&'a str>>,
    hosts: Vec<Option<&'a str>>,
    formats: Vec<Option<&'a str>>,
    files: Vec<Option<&'a str>>,
    bases: Vec<Option<&'a str>>,
    precisions: Vec<Option<&'a str>>,
    containers: Vec<Option<&'a str>>,
    pods: Vec<Option<&'a str>>,
    namespaces: Vec<Option<&'a str>>,
    attributes: Vec<Option<&'a str>>,
    messages: Vec<Option<&'a str>>,
    commands: Vec<Option<&'a str>>,
    exes: Vec<Option<&'a str>>,
    destinations: Vec<Option<&'a str>>,
}

fn cell<T: Copy>(column: &[Option<T>], row: usize) -> Option<T> {
    column.get(row).copied().flatten()
}

impl<'a> Columns<'a> {
    fn of(rows: &'a Selection) -> Self {
        Self {
            times: rows.longs("ts_ns"),
            lines: rows.longs("line"),
            offsets: rows.longs("offset"),
            pids: rows.longs("pid"),
            ports: rows.ints("dst_port"),
            actions: rows.texts("action"),
            hosts: rows.texts("host"),
            formats: rows.texts("format"),
            files: rows.texts("file"),
            bases: rows.texts("ts_basis"),
            precisions: rows.texts("ts_precision"),
            containers: rows.texts("container"),
            pods: rows.texts("pod"),
            namespaces: rows.texts("namespace"),
            attributes: rows.texts("attributes"),
            messages: rows.texts("message"),
            commands: rows.texts("command"),
            exes: rows.texts("exe"),
            destinations: rows.texts("dst_ip"),
        }
    }

    fn cells(&self, row: usize) -> Cells<'a> {
        Cells {
            action: cell(&self.actions, row).unwrap_or_default(),
            format: cell(&self.formats, row).unwrap_or_default(),
            host: cell(&self.hosts, row).unwrap_or_default(),
            file: cell(&self.files, row).unwrap_or_default(),
            container: cell(&self.containers, row),
            pod: cell(&self.pods, row),
            namespace: cell(&self.namespaces, row),
            attributes: cell(&self.attributes, row),
            command: cell(&self.commands, row),
            exe: cell(&self.exes, row),
        }
    }

    fn place(&self, row: usize, file: &str, files: &mut Files) -> Place {
        let line = cell(&self.lines, row);
        let at = line.or_else(|| cell(&self.offsets, row)).unwrap_or(-1);
        Place::at(files, file, at, line.is_some())
    }

    /// Calls back for a row's line; `last` are the cells of the row before, with their writer.
    fn line(
        &self,
        row: usize,
        (containers, writers): (&Containers, &mut Writers),
        last: &mut Option<(Cells<'a>, Told)>,
        files: &mut Files,
        each: &mut impl FnMut(Line<'_>),
    ) {
        let ts = cell(&self.times, row);
        let Some(ts) = ts.filter(|ts| is_sane(*ts)) else {
            return;
        };
        if matches!(cell(&self.precisions, row), Some("min" | "day")) {
            return;
        }
        let cells = self.cells(row);
        let told_by = match last {
            Some((known, writer)) if *known == cells => writer.clone(),
            _ => writers.of(containers, cells),
        };
        *last = Some((cells, told_by.clone()));
        let Some((writer, hash)) = told_by else {
            return;
        };
        let pid = cell(&self.pids, row);
        let is_process = writer.what.kind == ObservableType::Process;
        // A process that lives on is told by its pid as well.
        let one = pid
            .filter(|_| cells.action == action::CONNECT && is_process)
            .map(|pid| {
                let mut one = Writer::clone(&writer);
                one.what.value = format!("{}[{pid}]", one.what.value);
                Arc::new(one)
            });
        let message = told(cells, cell(&self.messages, row), cell(&self.ports, row));
        let line = |writer, hash, moment| Line {
            writer,
            hash,
            message,
            target: cell(&self.destinations, row),
            moment,
            zone_unsure: cell(&self.bases, row) != Some("recorded"),
        };
        let moment = Moment {
            ts,
            place: self.place(row, cells.file, files),
            text: u32::try_from(hash_of(&message) >> 32).unwrap_or(0),
        };
        if let Some(one) = &one {
            each(line(one, hash_of(one), moment));
        }
        each(line(&writer, hash, moment));
    }
}

impl Writers {
    /// Who wrote a row, from what was found for rows like it.
    fn of(&mut self, containers: &Containers, cells: Cells<'_>) -> Told {
        let made = || {
            let writer = containers.writer(cells)?;
            let hash = hash_of(&writer);
            Some((Arc::new(writer), hash))
        };
        if cells.action != action::LOG {
            return made();
        }
        let attributes = cells.attributes.unwrap_or_default();
        let who = ["container_id", "program", "unit", "container_name"]
            .map(|name| attribute(attributes, name));
        let of_row = (cells.host, cells.file, cells.container, cells.pod);
        let key = hash_of(&(of_row, cells.namespace, who));
        self.known.entry(key).or_insert_with(made).clone()
    }
}

/// What a row says, as far as a template is made of it.
fn told<'a>(cells: Cells<'a>, message: Option<&'a str>, port: Option<i32>) -> &'a str {
    match cells.action {
        action::CRON_RUN | action::EXEC => cells.command.or(message).unwrap_or_default(),
        // Words, so that no port is taken out as a number.
        action::CONNECT => match port {
            Some(22) => "connects by ssh",
            Some(53) => "connects to a resolver",
            _ => "connects",
        },
        action::SERVICE_STARTED => "starts",
        _ => message.unwrap_or_default(),
    }
}
