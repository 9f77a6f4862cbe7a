//! Containers as all artifacts together tell them: one life each, from listings, starts, exits, events of
//! the engine, and the engine's and kernel's lines in the host's logs.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::action;
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use serde_json::Value;

use super::workload::Workload;
use draft::Draft;

mod draft;

const SECOND_NS: i64 = 1_000_000_000;
/// What several artifacts say of one start or exit differs by less than this.
const SAME_MOMENT_NS: i64 = 5 * SECOND_NS;
/// How lines begin that may name a container's end: of the engines, and of the kernel's out-of-memory killer.
const TELLING: [&str; 5] = [
    "dockerd",
    "containerd",
    "kernel: oom-kill:",
    "kernel: [",
    "oom-kill:",
];
/// Characters of an id that short listings show.
const SHORT_ID: usize = 12;

/// A moment, as exact as the evidence gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub earliest: i64,
    pub latest: i64,
    /// The engine's own record of it, not a line about it.
    pub own: bool,
}

impl Moment {
    fn exact(at: i64, own: bool) -> Self {
        Self {
            earliest: at,
            latest: at,
            own,
        }
    }

    /// Whether it is more than "2 days ago".
    pub fn is_exact(self) -> bool {
        self.earliest == self.latest
    }

    /// The moment as a fact: nothing where it is coarse.
    pub fn fact(moment: Option<Self>) -> Option<i64> {
        moment
            .filter(|moment| moment.is_exact())
            .map(|moment| moment.earliest)
    }
}

/// One container's life.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub host: Option<&'a str>,
    /// The node that a cluster's table names for its pod.
    pub node: Option<String>,
    pub name: &'a str,
    pub image: Option<&'a str>,
    /// `namespace/name`.
    pub pod: Option<String>,
    pub uid: Option<String>,
    /// What it is a run of: others of the same may go on after it.
    pub workload: Workload,
    pub attempt: Option<i64>,
    pub sandbox: bool,
    pub created: Option<Moment>,
    pub started: Option<Moment>,
    pub ended: Option<Moment>,
    /// Whether it runs at the end of the evidence.
    pub runs: bool,
    /// Whether the engine waits to start it again.
    pub restarting: bool,
    pub exit_code: Option<i64>,
    pub oom_killed: Option<bool>,
    pub restarts: Option<i64>,
    /// All ends of its runs that are known, in nanoseconds.
    pub exits: BTreeSet<i64>,
    /// Somebody asked it to stop.
    pub stopped: bool,
    pub removed: bool,
    /// When it was last listed.
    pub listed: Option<i64>,
    /// Rows of the selection that say so.
    pub rows: Vec<usize>,
    /// Rows of the host's logs that say so.
    pub log_rows: Vec<usize>,
}

impl Life<'_> {
    /// Where it ran.
    pub fn place(&self) -> Option<&str> {
        self.node.as_deref().or(self.host)
    }
}

/// The rows of containers.
pub(super) fn select(timeline: &Timeline) -> Result<Selection, TimelineError> {
    let actions = [
        action::CONTAINER_LISTED,
        action::CONTAINER_CREATED,
        action::CONTAINER_STARTED,
        action::CONTAINER_EXITED,
        action::CONTAINER_EVENT,
        action::POD_LISTED,
    ];
    let columns = [
        "host",
        "format",
        "container",
        "image",
        "pod",
        "namespace",
        "command",
        "attributes",
        "message",
    ];
    timeline.select_where(&actions, &columns, |rows| {
        // Commands inside, health checks among them, come every few seconds and say nothing of an end.
        let inside = col("action")
            .eq(lit(action::CONTAINER_EVENT))
            .and(col("command").is_not_null());
        rows.filter(inside.not())
    })
}

/// Lines of the engine and the kernel in the host's logs that name a container.
pub(super) fn select_logs(timeline: &Timeline) -> Result<Selection, TimelineError> {
    let columns = ["host", "format", "attributes", "message"];
    let of_host = |format: &str| !["container-log", "app-log"].contains(&format);
    let tells = |message: &str| TELLING.iter().any(|start| message.starts_with(start));
    let telling: [&[TextSign<'_>]; 2] = [
        &[TextSign::of_all(&["format"], &of_host)],
        &[TextSign::of_all(&["message"], &tells)],
    ];
    timeline.select_texts(&[action::LOG], &columns, &telling)
}

/// All lives, in order of host and name.
pub(super) fn read<'a>(rows: &'a Selection, logs: &'a Selection) -> Vec<Life<'a>> {
    let mut drafts: BTreeMap<(String, Option<&str>, &str), Draft<'a>> = BTreeMap::new();
    let mut nameless: Vec<usize> = Vec::new();
    for row in 0..rows.rows() {
        if rows.text("action", row) == Some(action::POD_LISTED) {
            continue;
        }
        let json = attributes(rows, row);
        match json.get("id").and_then(Value::as_str).and_then(short_id) {
            Some(id) => drafts
                .entry((id.to_owned(), None, ""))
                .or_default()
                .add(rows, row, &json),
            None => nameless.push(row),
        }
    }
    join_by_name(rows, &nameless, &mut drafts);
    for row in 0..logs.rows() {
        let json = attributes(logs, row);
        let id = json.get("container_id").and_then(Value::as_str);
        if let Some(draft) = id
            .and_then(short_id)
            .and_then(|id| drafts.get_mut(&(id.to_owned(), None, "")))
        {
            draft.add_line(logs, row, &json);
        }
    }
    let nodes = nodes(rows);
    let lives = drafts.into_values().filter_map(|draft| draft.life(&nodes));
    let mut lives: Vec<Life<'a>> = lives.collect();
    lives.sort_by(|a, b| {
        let key = |life: &Life<'a>| (life.host, life.name, life.started.map(|at| at.earliest));
        key(a).cmp(&key(b)).then(a.rows.cmp(&b.rows))
    });
    lives
}

/// Rows without an id: of the one container of that name on the host, or one of their own.
fn join_by_name<'a>(
    rows: &'a Selection,
    nameless: &[usize],
    drafts: &mut BTreeMap<(String, Option<&'a str>, &'a str), Draft<'a>>,
) {
    let mut known: BTreeMap<(Option<&str>, &str), Vec<String>> = BTreeMap::new();
    for ((id, _, _), draft) in drafts.iter() {
        if let Some(name) = draft.name {
            known
                .entry((draft.host, name))
                .or_default()
                .push(id.clone());
        }
    }
    for row in nameless {
        let Some(name) = rows.text("container", *row) else {
            continue;
        };
        let host = rows.text("host", *row);
        let key = match known.get(&(host, name)).map(Vec::as_slice) {
            Some([only]) => (only.clone(), None, ""),
            Some(_) => continue,
            None => (String::new(), host, name),
        };
        let json = attributes(rows, *row);
        drafts.entry(key).or_default().add(rows, *row, &json);
    }
}

pub(super) fn attributes(rows: &Selection, row: usize) -> Value {
    let json = rows.text("attributes", row);
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or(Value::Null)
}

fn short_id(id: &str) -> Option<&str> {
    let id = id.get(..SHORT_ID)?;
    id.bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(id)
}

/// The node of each pod as tables of the cluster give it.
fn nodes(rows: &Selection) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for row in 0..rows.rows() {
        if rows.text("action", row) != Some(action::POD_LISTED) {
            continue;
        }
        let node = attributes(rows, row);
        let node = node.get("node").and_then(Value::as_str);
        if let (Some(pod), Some(node)) = (pod_name(rows, row), node) {
            found.insert(pod, node.to_owned());
        }
    }
    found
}

/// `namespace/name`, or the name alone where the table has no namespaces.
pub(super) fn pod_name(rows: &Selection, row: usize) -> Option<String> {
    let pod = rows.text("pod", row)?;
    Some(match rows.text("namespace", row) {
        Some(namespace) => format!("{namespace}/{pod}"),
        None => pod.to_owned(),
    })
}
