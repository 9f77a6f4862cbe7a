//! Containers as all sources together tell of them: one a container, joined by id, else by name on its host.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Timestamp, action, outcome};
use coldcase_timeline::polars::prelude::{NamedFrom as _, Series, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::pods;
use crate::correlators::exposed_service::callers::Outside;
use crate::correlators::exposed_service::holding::holding;

const SECOND_NS: i64 = 1_000_000_000;
/// An unanswered request for a container's creation is of the container that was created at most so much later: a pull may lie between.
const CREATION_NS: i64 = 10 * SECOND_NS;
/// Characters of an id that engines show.
const SHORT_ID: usize = 12;

/// Who asked for a container, or for a command in it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub from: Option<String>,
    pub user: Option<String>,
    pub at: Option<i64>,
    pub row: usize,
}

/// One container, or a pod that an audit log saw created.
#[derive(Debug, Clone, Default)]
pub(super) struct Container {
    pub host: String,
    pub id: Option<String>,
    pub name: Option<String>,
    /// `namespace/name` of what only Kubernetes' audit log tells of.
    pub pod: Option<String>,
    pub sandbox: bool,
    pub image: Option<String>,
    pub image_id: Option<String>,
    pub command: Option<String>,
    /// How good the sources of image and command are, so that the best stays.
    pub ranks: (u8, u8),
    /// Earliest and latest moment of its creation.
    pub created: Option<(i64, i64)>,
    pub started: Option<i64>,
    pub finished: Option<i64>,
    pub privileged: bool,
    pub host_namespaces: BTreeSet<&'static str>,
    pub mounts: BTreeSet<String>,
    pub capabilities: BTreeSet<String>,
    pub pid: Option<i64>,
    pub addresses: BTreeSet<String>,
    pub cpu_percent: Option<f64>,
    pub creators: Vec<Request>,
    /// Commands that were run in it by the engine's API, with who asked.
    pub execs: Vec<(String, Request)>,
    pub rows: Vec<usize>,
}

/// The rows that all this is read from.
pub(super) fn select(timeline: &Timeline) -> Result<Selection, TimelineError> {
    let actions = [
        action::CONTAINER_LISTED,
        action::CONTAINER_CREATED,
        action::CONTAINER_STARTED,
        action::CONTAINER_EVENT,
        action::IMAGE_CREATED,
        action::IMAGE_CHANGED,
        action::ENGINE_LISTED,
        action::HTTP_REQUEST,
        action::API_REQUEST,
    ];
    let columns = [
        "host",
        "format",
        "outcome",
        "src_ip",
        "dst_ip",
        "dst_port",
        "user",
        "pid",
        "command",
        "container",
        "image",
        "pod",
        "namespace",
        "attributes",
        "message",
    ];
    timeline.select_where(&actions, &columns, |rows| {
        // Of requests only those that name an image or a command: access logs have millions that don't.
        let request = col("action").is_in(lit(requests()).implode(true), false);
        let named = col("image").is_not_null().or(col("command").is_not_null());
        let telling = named.or(holding("attributes", "/containers/create"));
        let event = col("action").eq(lit(action::CONTAINER_EVENT));
        let exec = col("command").is_not_null();
        rows.filter(request.not().or(telling).and(event.not().or(exec)))
    })
}

fn requests() -> Series {
    Series::new(
        "requests".into(),
        [action::HTTP_REQUEST, action::API_REQUEST],
    )
}

/// The attributes of a row.
pub(super) fn attributes(rows: &Selection, row: usize) -> Value {
    let text = rows.text("attributes", row).unwrap_or("{}");
    serde_json::from_str(text).unwrap_or(Value::Null)
}

pub(super) fn texts(value: &Value, name: &str) -> Vec<String> {
    let list = value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value
        .get(name)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn instant(value: &Value, name: &str) -> Option<i64> {
    Timestamp::parse_rfc3339(value.get(name)?.as_str()?).map(Timestamp::nanos)
}

/// All containers, in the order of host, id and name.
pub(super) fn containers(rows: &Selection, outside: &Outside<'_>) -> Vec<Container> {
    let mut all = Known::default();
    let mut late = Vec::new();
    for row in 0..rows.rows() {
        match rows.text("action", row).unwrap_or_default() {
            action::CONTAINER_LISTED
            | action::CONTAINER_CREATED
            | action::CONTAINER_STARTED
            | action::CONTAINER_EVENT => {
                all.tell(rows, row);
            }
            // Requests come after what the engine itself tells: they join it.
            action::HTTP_REQUEST => late.push(row),
            action::API_REQUEST => pods::tell(rows, row, &mut all.containers),
            _ => {}
        }
    }
    for row in late {
        all.request(rows, row, outside);
    }
    let mut containers = all.containers;
    containers.retain(|one| !one.sandbox);
    containers.sort_by(|a, b| {
        (&a.host, &a.id, &a.name, &a.pod, a.created)
            .cmp(&(&b.host, &b.id, &b.name, &b.pod, b.created))
    });
    containers
}

/// Containers so far, and how to find them.
#[derive(Default)]
struct Known {
    containers: Vec<Container>,
    by_id: BTreeMap<(String, String), usize>,
    by_name: BTreeMap<(String, String), usize>,
}

impl Known {
    /// The container of this host with this id or else this name; a new one where there is none.
    fn at(&mut self, host: &str, id: Option<&str>, name: Option<&str>) -> Option<&mut Container> {
        let short = id.and_then(|id| id.get(..SHORT_ID.min(id.len())));
        let id_key = short.map(|id| (host.to_owned(), id.to_owned()));
        let name_key = name.map(|name| (host.to_owned(), name.to_owned()));
        let of_id = id_key.as_ref().and_then(|key| self.by_id.get(key)).copied();
        // A name alone is joined; a name with another id is another container of that name.
        let of_name = name_key
            .as_ref()
            .and_then(|key| self.by_name.get(key))
            .copied();
        let of_name = of_name.filter(|&at| {
            short.is_none()
                || self
                    .containers
                    .get(at)
                    .is_some_and(|known| known.id.is_none())
        });
        let found = of_id.or(of_name);
        if found.is_none() && id_key.is_none() && name_key.is_none() {
            return None;
        }
        let at = found.unwrap_or(self.containers.len());
        if found.is_none() {
            self.containers.push(Container {
                host: host.to_owned(),
                ..Container::default()
            });
        }
        if let Some(key) = id_key {
            self.by_id.insert(key, at);
        }
        if let Some(key) = name_key {
            self.by_name.insert(key, at);
        }
        let container = self.containers.get_mut(at)?;
        let longer = id.filter(|id| {
            container
                .id
                .as_ref()
                .is_none_or(|known| known.len() < id.len())
        });
        container.id = longer.map(str::to_owned).or(container.id.take());
        container.name = name.map(str::to_owned).or(container.name.take());
        Some(container)
    }

    /// What a row of an engine says.
    fn tell(&mut self, rows: &Selection, row: usize) {
        let told = attributes(rows, row);
        let host = rows.text("host", row).unwrap_or_default();
        let id = told.get("id").and_then(Value::as_str);
        let Some(container) = self.at(host, id, rows.text("container", row)) else {
            return;
        };
        let at = rows.long("ts_ns", row);
        match rows.text("action", row) {
            Some(action::CONTAINER_EVENT) => {
                // An engine's own events don't say who asked.
                let request = Request {
                    from: None,
                    user: None,
                    at,
                    row,
                };
                container.execs.extend(
                    rows.text("command", row)
                        .map(|command| (command.to_owned(), request)),
                );
            }
            Some(action::CONTAINER_CREATED) => {
                container.created = at.map(|at| (at, at)).or(container.created)
            }
            Some(action::CONTAINER_STARTED) => container.started = at.or(container.started),
            _ => container.listed(&told, at, rows.text("src_ip", row)),
        }
        if rows.text("action", row) != Some(action::CONTAINER_EVENT) {
            container.name_image(rows, row, if told.get("engine").is_some() { 3 } else { 2 });
            container.pid = rows
                .long("pid", row)
                .filter(|pid| *pid > 0)
                .or(container.pid);
        }
        container.rows.push(row);
    }

    /// What a request over the network says.
    fn request(&mut self, rows: &Selection, row: usize, outside: &Outside<'_>) {
        let told = attributes(rows, row);
        let uri = told.get("uri").and_then(Value::as_str).unwrap_or_default();
        let path = uri.split('?').next().unwrap_or(uri);
        let seen_on = rows.text("host", row).unwrap_or_default();
        let called = rows.text("dst_ip", row);
        let host = called.and_then(|called| outside.host_of(called, seen_on));
        let host = host.unwrap_or(seen_on);
        let own = |name: &str| rows.text(name, row).map(str::to_owned);
        let request = Request {
            from: own("src_ip"),
            user: None,
            at: rows.long("ts_ns", row),
            row,
        };
        if rows.text("outcome", row) == Some(outcome::FAILURE) {
            return;
        }
        if path.ends_with("/containers/create") {
            let id = told.get("id").and_then(Value::as_str);
            let unanswered = id
                .is_none()
                .then(|| self.created_by(rows, row, host))
                .flatten();
            let container = match unanswered {
                Some(at) => self.containers.get_mut(at),
                None => {
                    let unnamed =
                        format!("created at {}", rows.long("ts_ns", row).unwrap_or_default());
                    let name = rows.text("container", row);
                    let id = id.or(name.is_none().then_some(unnamed.as_str()));
                    self.at(host, id, name)
                }
            };
            if let Some(container) = container {
                container.requested(rows, row, &told);
                container.creators.push(request);
            }
        } else if let Some(rest) = path
            .split("/containers/")
            .nth(1)
            .filter(|rest| rest.ends_with("/exec"))
        {
            let which = rest.split('/').next().unwrap_or_default();
            let known = self
                .containers
                .iter_mut()
                .find(|one| one.host == host && one.is_called(which));
            let command = rows.text("command", row).unwrap_or_default().to_owned();
            if let Some(container) = known {
                container.execs.push((command, request));
                container.rows.push(row);
            }
        }
    }

    /// The container that an unanswered request made: same image and command, created just after.
    fn created_by(&self, rows: &Selection, row: usize, host: &str) -> Option<usize> {
        let at = rows.long("ts_ns", row)?;
        let (image, command) = (rows.text("image", row), rows.text("command", row));
        let fits = |one: &Container| {
            let after = one.created.map(|(first, _)| first.saturating_sub(at));
            let near = after.is_some_and(|after| (-SECOND_NS..=CREATION_NS).contains(&after));
            let same = one.image.as_deref() == image
                && (command.is_none() || one.command.as_deref() == command);
            one.host == host && near && same && one.creators.is_empty()
        };
        self.containers.iter().position(fits)
    }
}

impl Container {
    /// Whether this is its name or the beginning of its id.
    fn is_called(&self, which: &str) -> bool {
        let id = self
            .id
            .as_deref()
            .is_some_and(|id| id.starts_with(which) || which.starts_with(id));
        !which.is_empty() && (id || self.name.as_deref() == Some(which))
    }

    /// Image and command, where no better source gave them: a snapshot's, then an event's. What an engine cut is worse than what it didn't.
    fn name_image(&mut self, rows: &Selection, row: usize, rank: u8) {
        if let Some(image) = rows.text("image", row) {
            let rank = if super::images::ImageName::of(image).is_some() {
                rank
            } else {
                1
            };
            if rank > self.ranks.0 {
                (self.image, self.ranks.0) = (Some(image.to_owned()), rank);
            }
        }
        if let Some(command) = rows.text("command", row) {
            let rank = if command.ends_with('…') || command.ends_with("...") {
                1
            } else {
                rank
            };
            if rank > self.ranks.1 {
                (self.command, self.ranks.1) = (Some(command.to_owned()), rank);
            }
        }
    }

    /// What a snapshot says.
    fn listed(&mut self, told: &Value, at: Option<i64>, address: Option<&str>) {
        let number = |name: &str| told.get(name).and_then(Value::as_i64);
        let aged = number("age_seconds").zip(at).map(|(age, at)| {
            // Engines round hours and cut all else: the moment lies one unit around it.
            let unit = number("age_unit_seconds").unwrap_or(1);
            let back = |seconds: i64| at.saturating_sub(seconds.saturating_mul(SECOND_NS));
            (
                back(age.saturating_add(unit)),
                back(age.saturating_sub(unit / 2)),
            )
        });
        let exact = instant(told, "created").map(|at| (at, at));
        let known = self.created.filter(|(first, last)| first == last);
        self.created = exact.or(known).or(self.created).or(aged);
        self.started = instant(told, "started").or(self.started);
        self.finished = instant(told, "finished").or(self.finished);
        self.sandbox |= told.get("sandbox").and_then(Value::as_bool) == Some(true);
        self.image_id = text(told, "image_id").or(self.image_id.take());
        self.cpu_percent = told
            .get("cpu_percent")
            .and_then(Value::as_f64)
            .or(self.cpu_percent);
        self.addresses.extend(address.map(str::to_owned));
        self.addresses.extend(texts(told, "addresses"));
        self.allowed(told);
    }

    /// What a request for it says.
    fn requested(&mut self, rows: &Selection, row: usize, told: &Value) {
        self.name_image(rows, row, 2);
        self.allowed(told);
        for mode in texts(told, "host_modes") {
            match mode.as_str() {
                "PidMode=host" => self.host_namespaces.insert("pid"),
                "IpcMode=host" => self.host_namespaces.insert("ipc"),
                "NetworkMode=host" => self.host_namespaces.insert("network"),
                _ => false,
            };
        }
        let at = rows.long("ts_ns", row);
        self.created = self.created.or(at.map(|at| (at, at)));
        self.rows.push(row);
    }

    /// What it is allowed.
    pub(super) fn allowed(&mut self, told: &Value) {
        self.privileged |= told.get("privileged").and_then(Value::as_bool) == Some(true);
        self.mounts.extend(texts(told, "mounts"));
        self.capabilities.extend(texts(told, "cap_add"));
        for (name, namespace) in [
            ("pid_mode", "pid"),
            ("ipc_mode", "ipc"),
            ("network_mode", "network"),
        ] {
            if told.get(name).and_then(Value::as_str) == Some("host") {
                self.host_namespaces.insert(namespace);
            }
        }
    }

    /// What it is called in a finding: its name, else the beginning of its id.
    pub fn called(&self) -> &str {
        let id = self
            .id
            .as_deref()
            .and_then(|id| id.get(..SHORT_ID).or(Some(id)));
        self.name
            .as_deref()
            .or(self.pod.as_deref())
            .or(id)
            .unwrap_or_default()
    }

    /// Beginning of its id, as engines show it.
    pub fn short_id(&self) -> Option<&str> {
        let id = self.id.as_deref()?;
        id.get(..SHORT_ID)
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}
