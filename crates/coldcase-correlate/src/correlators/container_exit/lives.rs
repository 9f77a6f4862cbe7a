//! Containers as all artifacts together tell them: one life each, from listings, starts, exits, events of
//! the engine, and the engine's and kernel's lines in the host's logs.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Timestamp, action};
use coldcase_timeline::polars::prelude::{LazyFrame, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::workload::Workload;

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

/// What is known of one container until all rows are read.
#[derive(Default)]
struct Draft<'a> {
    host: Option<&'a str>,
    name: Option<&'a str>,
    image: Option<&'a str>,
    command: Option<&'a str>,
    pod: Option<&'a str>,
    namespace: Option<&'a str>,
    texts: BTreeMap<&'static str, String>,
    numbers: BTreeMap<&'static str, i64>,
    flags: BTreeSet<&'static str>,
    oom_killed: Option<bool>,
    created: Option<Moment>,
    starts: Vec<Moment>,
    ends: Vec<(Moment, Option<i64>)>,
    /// Ends of earlier runs.
    earlier: Vec<i64>,
    state: Option<(bool, String)>,
    listed: Option<i64>,
    rows: Vec<usize>,
    log_rows: Vec<usize>,
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
    timeline.select_where(&[action::LOG], &columns, |rows| {
        let own = ["container-log", "app-log"]
            .iter()
            .map(|format| col("format").neq(lit(*format)));
        let telling = TELLING
            .iter()
            .map(|start| col("message").str().starts_with(lit(*start)))
            .reduce(|a, b| a.or(b));
        own.chain(telling).fold(rows, LazyFrame::filter)
    })
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

const TEXTS: [&str; 5] = [
    "pod_uid",
    "container_name",
    "attempt",
    "compose_project",
    "compose_service",
];

impl<'a> Draft<'a> {
    fn add(&mut self, rows: &'a Selection, row: usize, json: &Value) {
        self.host = self.host.or(rows.text("host", row));
        let name = rows.text("container", row);
        self.name = self.name.or(name.map(|name| name.trim_start_matches('/')));
        self.image = better_image(self.image, rows.text("image", row));
        self.command = self.command.or(rows.text("command", row));
        self.pod = self.pod.or(rows.text("pod", row));
        self.namespace = self.namespace.or(rows.text("namespace", row));
        for key in TEXTS {
            if let Some(text) = json.get(key).and_then(Value::as_str) {
                self.texts.entry(key).or_insert_with(|| text.to_owned());
            }
        }
        if json.get("sandbox").and_then(Value::as_bool) == Some(true) {
            self.flags.insert("sandbox");
        }
        let own = rows.text("format", row) == Some("docker-inspect");
        let at = rows.long("ts_ns", row);
        match rows.text("action", row) {
            Some(action::CONTAINER_CREATED) => {
                keep_best(&mut self.created, at.map(|at| Moment::exact(at, own)));
            }
            Some(action::CONTAINER_STARTED) => {
                self.starts.extend(at.map(|at| Moment::exact(at, own)));
            }
            Some(action::CONTAINER_EXITED) => self.exit(at, own, json),
            Some(action::CONTAINER_EVENT) => self.event(json),
            _ => self.listing(at, own, json),
        }
        self.rows.push(row);
    }

    fn exit(&mut self, at: Option<i64>, own: bool, json: &Value) {
        if json.get("restarted").and_then(Value::as_bool) == Some(true) {
            self.earlier.extend(at);
            return;
        }
        self.note_oom(json);
        let code = json.get("exit_code").and_then(Value::as_i64);
        self.ends
            .extend(at.map(|at| (Moment::exact(at, own), code)));
    }

    fn event(&mut self, json: &Value) {
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("event") {
            "stop" => drop(self.flags.insert("stopped")),
            "kill" if matches!(text("signal"), "15" | "SIGTERM" | "TERM") => {
                self.flags.insert("stopped");
            }
            "oom" => self.oom_killed = Some(true),
            "destroy" | "remove" => drop(self.flags.insert("removed")),
            _ => {}
        }
    }

    fn listing(&mut self, at: Option<i64>, own: bool, json: &Value) {
        let time = |key: &str| {
            let text = json.get(key).and_then(Value::as_str)?;
            Timestamp::parse_rfc3339(text).map(Timestamp::nanos)
        };
        let ago = |age: &str, unit: &str| {
            let seconds = |key: &str| json.get(key).and_then(Value::as_i64);
            let (age, unit) = (
                seconds(age)?.checked_mul(SECOND_NS)?,
                seconds(unit)?.checked_mul(SECOND_NS)?,
            );
            let then = at?.checked_sub(age)?;
            Some(Moment {
                earliest: then.saturating_sub(unit),
                latest: then.saturating_add(unit).min(at?),
                own: false,
            })
        };
        let exact = |key: &str| time(key).map(|at| Moment::exact(at, own));
        let code = json.get("exit_code").and_then(Value::as_i64);
        let created = exact("created").or_else(|| ago("age_seconds", "age_unit_seconds"));
        keep_best(&mut self.created, created);
        let up = || ago("up_seconds", "up_unit_seconds");
        self.starts.extend(exact("started").or_else(up));
        let word = json.get("state").or_else(|| json.get("status"));
        let word = word.and_then(Value::as_str).unwrap_or_default();
        let word = word.to_ascii_lowercase();
        let finished = || ago("finished_age_seconds", "finished_age_unit_seconds");
        let ended = exact("finished").or_else(finished);
        if is_running(&word) {
            self.earlier.extend(Moment::fact(ended));
        } else {
            self.note_oom(json);
            self.ends.extend(ended.map(|end| (end, code)));
            if let Some(code) = code {
                self.numbers.entry("exit_code").or_insert(code);
            }
        }
        if let Some(count) = json.get("restart_count").and_then(Value::as_i64) {
            self.numbers.insert("restarts", count);
        }
        if json.get("engine").and_then(Value::as_str) == Some("cri") {
            self.flags.insert("cri");
        }
        if !word.is_empty() && self.state.as_ref().is_none_or(|(known, _)| !known) {
            self.state = Some((own, word));
        }
        self.listed = self.listed.max(at);
    }

    fn note_oom(&mut self, json: &Value) {
        if let Some(killed) = json.get("oom_killed").and_then(Value::as_bool) {
            self.oom_killed = Some(killed || self.oom_killed == Some(true));
        }
    }

    /// A line of dockerd, containerd or the kernel that names it.
    fn add_line(&mut self, logs: &Selection, row: usize, json: &Value) {
        let msg = json.get("msg").and_then(Value::as_str).unwrap_or_default();
        let message = logs.text("message", row).unwrap_or_default();
        let at = logs.long("ts_ns", row);
        let is_end = [
            "ignoring event",
            "shim disconnected",
            "cleaning up dead shim",
        ]
        .iter()
        .any(|words| msg.starts_with(words));
        if is_end {
            self.earlier.extend(at);
        } else if msg.contains("failed to exit within") {
            self.flags.insert("stopped");
        } else if message.contains("oom-kill:") {
            self.oom_killed = Some(true);
        } else {
            return;
        }
        self.log_rows.push(row);
    }

    fn life(self, nodes: &BTreeMap<String, String>) -> Option<Life<'a>> {
        let name = self.name?;
        let named = KubeletName::parse(name);
        let pod = self.pod.map(|pod| match self.namespace {
            Some(namespace) => format!("{namespace}/{pod}"),
            None => pod.to_owned(),
        });
        let text = |key: &str| self.texts.get(key).cloned();
        let member = text("container_name")
            .or_else(|| named.as_ref().map(|named| named.container.to_owned()));
        let attempt = text("attempt").and_then(|text| text.parse().ok());
        let restarts = self.numbers.get("restarts").copied();
        let attempt = attempt
            .or_else(|| named.as_ref().and_then(|named| named.attempt))
            .or_else(|| restarts.filter(|_| self.flags.contains("cri")));
        let service = text("compose_service").or_else(|| text("compose_project"));
        let workload = Workload::of(pod.as_deref(), member.as_deref(), service.as_deref(), name);
        let started = last(&self.starts);
        let ends: Vec<Moment> = self.ends.iter().map(|(moment, _)| *moment).collect();
        let mut ended = last(&ends);
        let word = self.state.as_ref().map(|(_, word)| word.as_str());
        let running = word.map(is_running).unwrap_or_else(|| {
            let (start, end) = (started.map(|at| at.latest), ended.map(|at| at.latest));
            start.is_some() && start > end
        });
        let said = ended.and_then(|end| {
            let same = |one: &&(Moment, Option<i64>)| {
                one.0.latest.abs_diff(end.latest) <= SAME_MOMENT_NS.unsigned_abs()
            };
            self.ends.iter().filter(same).find_map(|(_, code)| *code)
        });
        let exits = exits(&ends, &self.earlier);
        if running {
            ended = None;
        } else if ended.is_none_or(|end| !end.is_exact())
            && word.is_some_and(|word| !is_running(word))
        {
            // The engine's own line is nearer than "2 hours ago".
            let line = exits.last().map(|at| Moment::exact(*at, false));
            ended = line.or(ended);
        }
        Some(Life {
            host: self.host,
            node: pod.as_ref().and_then(|pod| nodes.get(pod)).cloned(),
            name,
            image: self.image,
            uid: text("pod_uid").or_else(|| named.map(|named| named.uid.to_owned())),
            pod,
            workload,
            attempt,
            sandbox: self.flags.contains("sandbox")
                || name.starts_with("k8s_POD_")
                || self.command == Some("/pause"),
            created: self.created,
            started,
            ended,
            runs: running,
            restarting: word.is_some_and(|word| word.starts_with("restarting")),
            exit_code: said
                .or_else(|| self.numbers.get("exit_code").copied())
                .filter(|_| !running),
            oom_killed: self.oom_killed.filter(|_| !running),
            restarts,
            exits,
            stopped: self.flags.contains("stopped"),
            removed: self.flags.contains("removed"),
            listed: self.listed,
            rows: self.rows,
            log_rows: self.log_rows,
        })
    }
}

fn is_running(word: &str) -> bool {
    let running = [
        "running",
        "up",
        "paused",
        "container_running",
        "ready",
        "sandbox_ready",
    ];
    running.iter().any(|known| {
        word.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

/// Names beat ids, and what is longer says more: a tag, a digest.
fn better_image<'a>(known: Option<&'a str>, new: Option<&'a str>) -> Option<&'a str> {
    let worth = |image: &str| {
        let bare = image.strip_prefix("sha256:").unwrap_or(image);
        let is_id = bare.len() >= SHORT_ID && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        (!is_id, image.len())
    };
    match (known, new) {
        (Some(known), Some(new)) if worth(new) > worth(known) => Some(new),
        (known, new) => known.or(new),
    }
}

fn keep_best(known: &mut Option<Moment>, new: Option<Moment>) {
    let Some(new) = new else { return };
    let width = |moment: Moment| (moment.latest - moment.earliest, !moment.own);
    if known.is_none_or(|known| width(new) < width(known)) {
        *known = Some(new);
    }
}

/// The last of several moments: an exact one where there is any, and of those that tell the same the
/// engine's own.
fn last(moments: &[Moment]) -> Option<Moment> {
    let exact = moments.iter().filter(|moment| moment.is_exact());
    let Some(latest) = exact.clone().map(|moment| moment.latest).max() else {
        return moments
            .iter()
            .copied()
            .min_by_key(|moment| (moment.latest - moment.earliest, moment.latest));
    };
    exact
        .filter(|moment| latest - moment.latest <= SAME_MOMENT_NS)
        .max_by_key(|moment| (moment.own, moment.latest))
        .copied()
}

/// All exact ends, each once.
fn exits(ends: &[Moment], earlier: &[i64]) -> BTreeSet<i64> {
    let own = ends.iter().filter_map(|end| Moment::fact(Some(*end)));
    let all: BTreeSet<i64> = own.chain(earlier.iter().copied()).collect();
    let mut kept: BTreeSet<i64> = BTreeSet::new();
    for end in all {
        if kept
            .last()
            .is_none_or(|before| end - before > SAME_MOMENT_NS)
        {
            kept.insert(end);
        }
    }
    kept
}

/// `k8s_container_pod_namespace_uid_attempt`
struct KubeletName<'a> {
    container: &'a str,
    uid: &'a str,
    attempt: Option<i64>,
}

impl<'a> KubeletName<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.strip_prefix("k8s_")?.split('_');
        let container = parts.next()?;
        let mut rest = parts.skip(2);
        Some(Self {
            container,
            uid: rest.next()?,
            attempt: rest.next()?.parse().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moment_is_the_engine_s_own() {
        let at = |at, own| Moment::exact(at, own);
        let coarse = Moment {
            earliest: 0,
            latest: 9_000 * SECOND_NS,
            own: false,
        };
        let own = at(100 * SECOND_NS, true);
        assert_eq!(last(&[coarse, own, at(101 * SECOND_NS, false)]), Some(own));
        assert_eq!(
            last(&[own, at(200 * SECOND_NS, false)]),
            Some(at(200 * SECOND_NS, false)),
            "a later run's"
        );
        assert_eq!(last(&[coarse]), Some(coarse));
        assert_eq!(last(&[]), None);
    }

    #[test]
    fn names_of_images_beat_ids() {
        let check = |known, new, expected| assert_eq!(better_image(known, new), expected);
        check(Some("4bb46517cac3"), Some("app"), Some("app"));
        check(Some("r/app"), Some("r/app:1.4"), Some("r/app:1.4"));
        check(
            Some("app"),
            Some("sha256:4bb46517cac34bb46517cac3"),
            Some("app"),
        );
        check(None, Some("app"), Some("app"));
    }

    #[test]
    fn words_of_states() {
        for word in ["running", "up 3 hours", "paused", "ready"] {
            assert!(is_running(word), "{word}");
        }
        for word in ["exited", "upgrading", "created", "restarting", "dead", ""] {
            assert!(!is_running(word), "{word}");
        }
    }

    #[test]
    fn ends_told_twice_count_once() {
        let second = |second: i64| second * SECOND_NS;
        let ends = exits(
            &[Moment::exact(second(100), true)],
            &[second(10), second(11), second(101)],
        );
        assert_eq!(ends.len(), 2, "{ends:?}");
    }
}
