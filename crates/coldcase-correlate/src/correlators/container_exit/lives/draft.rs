//! One container in the making: what each row adds to it.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Timestamp, action};
use coldcase_timeline::Selection;
use serde_json::Value;

use super::{Life, Moment, SAME_MOMENT_NS, SECOND_NS, SHORT_ID};
use crate::correlators::container_exit::workload::Workload;

/// What is known of one container until all rows are read.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub host: Option<&'a str>,
    pub name: Option<&'a str>,
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

const TEXTS: [&str; 5] = [
    "pod_uid",
    "container_name",
    "attempt",
    "compose_project",
    "compose_service",
];

impl<'a> Draft<'a> {
    pub fn add(&mut self, rows: &'a Selection, row: usize, json: &Value) {
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
    pub fn add_line(&mut self, logs: &Selection, row: usize, json: &Value) {
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

    pub fn life(self, nodes: &BTreeMap<String, String>) -> Option<Life<'a>> {
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
