//! Who wrote a line: the container that an engine's log belongs to, a job of cron, a unit, a process.

use std::collections::BTreeMap;

use coldcase_model::{Observable, ObservableType, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

/// Ids are told by their first twelve digits in tables and command lines.
const SHORT_ID: usize = 12;
/// Programs that tell of logins rather than make them.
const TELLS_OF_LOGINS: [&str; 14] = [
    "sshd",
    "sshd-session",
    "sshd-auth",
    "systemd-logind",
    "login",
    "dropbear",
    "kernel",
    "dbus",
    "dbus-daemon",
    "pam",
    "audit",
    "auditd",
    "systemd",
    "rsyslogd",
];
/// Units that a login makes.
const UNITS_OF_LOGINS: [&str; 3] = ["session-", "user-", "user@"];

/// What kind of writer it is; the surer who acts, the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Audited connections of a process.
    Connects,
    /// A container's log.
    Container,
    /// Runs of a job: cron, a timer, an executed program.
    Job,
    /// A program's lines in the system's log.
    Program,
    /// A log file that nothing ties to a container.
    Log,
}

/// A writer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Writer {
    /// Its host.
    pub host: String,
    /// What kind it is.
    pub kind: Kind,
    /// Container, pod, process, service or log.
    pub what: Observable,
    /// The pod of a container.
    pub pod: Option<String>,
}

/// Containers by id and by pod.
#[derive(Debug, Default)]
pub(super) struct Containers {
    by_id: BTreeMap<String, (String, Option<String>)>,
    /// By `namespace/pod` and name in the pod: each attempt.
    by_pod: BTreeMap<(String, String), Vec<String>>,
}

impl Containers {
    /// What engines list.
    pub fn of(timeline: &Timeline) -> Result<Self, TimelineError> {
        let actions = [
            action::CONTAINER_LISTED,
            action::CONTAINER_STARTED,
            action::CONTAINER_EXITED,
            action::CONTAINER_CREATED,
        ];
        let columns = [
            "host",
            "format",
            "container",
            "pod",
            "namespace",
            "attributes",
        ];
        let rows = timeline.select(&actions, &columns)?;
        let mut found = Self::default();
        for row in 0..rows.rows() {
            found.add(&rows, row);
        }
        for attempts in found.by_pod.values_mut() {
            attempts.sort();
            attempts.dedup();
        }
        Ok(found)
    }

    fn add(&mut self, rows: &Selection, row: usize) {
        let attributes = attributes(rows, row);
        let field = |name: &str| attributes.get(name).and_then(Value::as_str);
        let Some(name) = rows.text("container", row) else {
            return;
        };
        let name = name.trim_start_matches('/').to_owned();
        let pod = pod_name(rows, row);
        if let Some(id) = field("id").and_then(short_id) {
            // A table may cut names: the longest is the whole one.
            let known = self.by_id.entry(id).or_insert((String::new(), None));
            if (name.len(), &name) > (known.0.len(), &known.0) {
                known.0.clone_from(&name);
            }
            if known.1.is_none() {
                known.1.clone_from(&pod);
            }
        }
        if let (Some(pod), Some(inner)) = (pod, inner_name(&name).or(field("container_name"))) {
            let attempts = self.by_pod.entry((pod, inner.to_owned())).or_default();
            attempts.push(name);
        }
    }

    fn with_id(&self, id: &str) -> Option<(String, Option<String>)> {
        self.by_id.get(&short_id(id)?).cloned()
    }

    /// The container of a pod, where it is one; else the attempt that the file's name says (`0.log`).
    fn in_pod(&self, pod: &str, inner: &str, file: &str) -> Option<&str> {
        let attempts = self.by_pod.get(&(pod.to_owned(), inner.to_owned()))?;
        if let [only] = attempts.as_slice() {
            return Some(only);
        }
        let name = file.rsplit('/').next()?;
        let attempt: u32 = name.split('.').next()?.parse().ok()?;
        let end = format!("_{attempt}");
        let mut of_attempt = attempts.iter().filter(|name| name.ends_with(&end));
        match (of_attempt.next(), of_attempt.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

/// `remote-executor` of `k8s_remote-executor_pod_namespace_uid_0`.
fn inner_name(container: &str) -> Option<&str> {
    let rest = container.strip_prefix("k8s_")?;
    rest.split('_').next().filter(|name| *name != "POD")
}

/// The first digits of what may be an id.
fn short_id(id: &str) -> Option<String> {
    let id = id.rsplit("//").next().unwrap_or(id);
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    let short = id.get(..SHORT_ID)?;
    let is_hex = short.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| short.to_ascii_lowercase())
}

/// An id in a file's path: docker's `ID-json.log`, the kubelet's `POD_NS_NAME-ID.log`.
fn id_in_path(path: &str) -> Option<&str> {
    let mut words = path.rsplit(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn attributes(rows: &Selection, row: usize) -> Value {
    let json = rows.text("attributes", row);
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or(Value::Null)
}

fn pod_name(rows: &Selection, row: usize) -> Option<String> {
    let pod = rows.text("pod", row)?;
    Some(match rows.text("namespace", row) {
        Some(namespace) => format!("{namespace}/{pod}"),
        None => pod.to_owned(),
    })
}

/// The cells of a row that say who wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cells<'a> {
    pub action: &'a str,
    pub format: &'a str,
    pub host: &'a str,
    pub file: &'a str,
    pub container: Option<&'a str>,
    pub pod: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub attributes: Option<&'a str>,
    pub command: Option<&'a str>,
    pub exe: Option<&'a str>,
}

impl Containers {
    /// Who wrote a row; nobody where it tells of logins itself.
    pub fn writer(&self, cells: Cells<'_>) -> Option<Writer> {
        match cells.action {
            action::LOG if is_system_log(cells.format) => self.system(cells),
            action::LOG => Some(self.log(cells)),
            action::CRON_RUN => {
                let name = cells.command.and_then(job_name).map(str::to_owned);
                let name = name.or_else(|| attribute(cells.attributes?, "job"))?;
                Some(writer(cells, Kind::Job, ObservableType::Process, name))
            }
            action::SERVICE_STARTED => {
                let unit = attribute(cells.attributes?, "unit")?;
                let is_login = UNITS_OF_LOGINS.iter().any(|start| unit.starts_with(start));
                let name = unit.trim_end_matches(".service").to_owned();
                (!is_login).then(|| writer(cells, Kind::Job, ObservableType::Service, name))
            }
            action::EXEC | action::CONNECT => self.process(cells),
            _ => None,
        }
    }

    /// A container's log, or a file that stays one.
    fn log(&self, cells: Cells<'_>) -> Writer {
        let id = cells
            .attributes
            .and_then(|json| attribute(json, "container_id"));
        let id = id.as_deref().or_else(|| id_in_path(cells.file));
        let pod = cells.pod.map(|pod| match cells.namespace {
            Some(namespace) => format!("{namespace}/{pod}"),
            None => pod.to_owned(),
        });
        let container = |name: String, pod: Option<String>| Writer {
            host: cells.host.to_owned(),
            kind: Kind::Container,
            what: Observable::new(ObservableType::Container, name),
            pod,
        };
        if let Some((name, of_pod)) = id.and_then(|id| self.with_id(id)) {
            return container(name, of_pod.or(pod));
        }
        let inner = cells
            .attributes
            .and_then(|json| attribute(json, "container_name"));
        let inner = inner.as_deref().or(cells.container);
        match (pod, inner) {
            (Some(pod), inner) => {
                let known = inner.and_then(|inner| self.in_pod(&pod, inner, cells.file));
                if let Some(name) = known {
                    return container(name.to_owned(), Some(pod));
                }
                Writer {
                    what: Observable::new(ObservableType::Pod, pod.clone()),
                    ..container(String::new(), Some(pod))
                }
            }
            (None, Some(name)) => container(name.trim_start_matches('/').to_owned(), None),
            (None, None) if id.is_some() => {
                let short = id.and_then(|id| id.get(..SHORT_ID)).unwrap_or_default();
                container(short.to_owned(), None)
            }
            (None, None) => writer(cells, Kind::Log, ObservableType::Log, cells.file.to_owned()),
        }
    }

    /// A program in syslog or journal, or the container that logs there.
    fn system(&self, cells: Cells<'_>) -> Option<Writer> {
        let json = cells.attributes.unwrap_or_default();
        if cells.container.is_some() || attribute(json, "container_id").is_some() {
            return Some(self.log(cells));
        }
        let program = attribute(json, "program").or_else(|| attribute(json, "unit"))?;
        let program = program.trim_end_matches(".service").to_owned();
        let tells = TELLS_OF_LOGINS.contains(&program.as_str())
            || UNITS_OF_LOGINS
                .iter()
                .any(|start| program.starts_with(start));
        (!tells).then(|| writer(cells, Kind::Program, ObservableType::Process, program))
    }

    fn process(&self, cells: Cells<'_>) -> Option<Writer> {
        let json = cells.attributes.unwrap_or_default();
        let name = attribute(json, "comm").or_else(|| Some(base_name(cells.exe?).to_owned()))?;
        if TELLS_OF_LOGINS.contains(&name.as_str()) {
            return None;
        }
        let id = attribute(json, "container_id");
        if let Some((name, pod)) = id.and_then(|id| self.with_id(&id)) {
            let mut found = writer(cells, Kind::Connects, ObservableType::Container, name);
            found.pod = pod;
            return Some(found);
        }
        let kind = if cells.action == action::CONNECT {
            Kind::Connects
        } else {
            Kind::Job
        };
        Some(writer(cells, kind, ObservableType::Process, name))
    }
}

fn writer(cells: Cells<'_>, kind: Kind, of: ObservableType, name: String) -> Writer {
    Writer {
        host: cells.host.to_owned(),
        kind,
        what: Observable::new(of, name),
        pod: None,
    }
}

fn is_system_log(format: &str) -> bool {
    format == "authlog" || format == "syslog" || format.starts_with("journal") || format == "dmesg"
}

/// A text of the attributes, without reading all of them: logs have millions of lines.
pub(super) fn attribute(json: &str, name: &str) -> Option<String> {
    let mut rest = json;
    let value = loop {
        let (before, after) = rest.split_once(name)?;
        rest = after;
        if before.ends_with('"') && after.starts_with("\":\"") {
            break after.get(3..)?.split('"').next()?;
        }
    };
    (!value.is_empty() && !value.contains('\\')).then(|| value.to_owned())
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a job's command line runs: the script behind a shell, the program behind `sudo`, `flock`, `env`.
fn job_name(command: &str) -> Option<&str> {
    const WRAPPERS: [&str; 18] = [
        "sh", "bash", "dash", "zsh", "ksh", "env", "sudo", "nice", "ionice", "flock", "timeout",
        "nohup", "test", "[", "cd", "exec", "setsid", "chronic",
    ];
    let words = command.split(|c: char| c.is_whitespace() || ";&|()'\"".contains(c));
    let mut first = None;
    let mut takes_one = false;
    for word in words.filter(|word| !word.is_empty()) {
        let base = base_name(word);
        first = first.or(Some(base));
        if word.starts_with('-') || word.contains('=') || base.is_empty() {
            continue;
        }
        // A lock, a folder or a time is no program.
        if std::mem::take(&mut takes_one) || word.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        takes_one = matches!(base, "cd" | "flock" | "test" | "[" | "timeout");
        if !takes_one && !WRAPPERS.contains(&base) {
            return Some(base);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_have_names() {
        for (command, expected) in [
            ("/opt/ops/collect.sh >/dev/null 2>&1", Some("collect.sh")),
            ("sh /opt/ops/collect.sh", Some("collect.sh")),
            ("cd /srv && ./run --all", Some("run")),
            (
                "flock -n /var/lock/x.lock /usr/bin/rsync -a /a b:/c",
                Some("rsync"),
            ),
            ("timeout 30 ssh db uptime", Some("ssh")),
            ("LANG=C nice -n 10 backup", Some("backup")),
            ("sh", Some("sh")),
            ("", None),
        ] {
            assert_eq!(job_name(command), expected, "{command}");
        }
    }

    #[test]
    fn ids_are_found_in_paths() {
        let id = "dd1383b1f2678fa6cf0200cd8d3907e674c52968cd648ca90d72a06d1de3a0b2";
        for path in [
            format!("n/containers/{id}/{id}-json.log"),
            format!("n/web-0_shop_web-{id}.log"),
            format!("n/{id}.log"),
        ] {
            assert_eq!(id_in_path(&path), Some(id), "{path}");
        }
        assert_eq!(id_in_path("n/web.log"), None);
    }

    /// A pod with one container in two attempts, the first known by its id.
    fn shop() -> Containers {
        let mut known = Containers::default();
        let name = "k8s_app_web-0_shop_11-22_0".to_owned();
        known.by_id.insert(
            "0123456789ab".into(),
            (name.clone(), Some("shop/web-0".into())),
        );
        let attempts = vec![
            "k8s_app_web-0_shop_11-22_0".into(),
            "k8s_app_web-0_shop_11-22_1".into(),
        ];
        known
            .by_pod
            .insert(("shop/web-0".into(), "app".into()), attempts);
        known
    }

    #[test]
    fn a_log_belongs_to_the_container_of_its_id_or_pod() {
        let known = shop();
        let name = "k8s_app_web-0_shop_11-22_0";
        let cells = Cells {
            action: action::LOG,
            format: "container-log",
            host: "n",
            ..Cells::default()
        };
        let attributes = r#"{"stream":"stdout","container_id":"0123456789abcdef0123"}"#;
        let pod = Cells {
            pod: Some("web-0"),
            namespace: Some("shop"),
            container: Some("app"),
            ..cells
        };
        let rows = [
            (
                "id",
                Cells {
                    attributes: Some(attributes),
                    ..cells
                },
                ObservableType::Container,
                name,
            ),
            (
                "attempt",
                Cells {
                    file: "n/shop_web-0_11-22/app/1.log",
                    ..pod
                },
                ObservableType::Container,
                "k8s_app_web-0_shop_11-22_1",
            ),
            (
                "which attempt is unknown",
                Cells {
                    file: "n/logs.txt",
                    ..pod
                },
                ObservableType::Pod,
                "shop/web-0",
            ),
            (
                "a name alone",
                Cells {
                    container: Some("/web"),
                    ..cells
                },
                ObservableType::Container,
                "web",
            ),
            (
                "nothing",
                Cells {
                    file: "n/app.log",
                    ..cells
                },
                ObservableType::Log,
                "n/app.log",
            ),
        ];
        for (what, cells, kind, expected) in rows {
            let found = known.writer(cells).expect(what).what;
            assert_eq!(
                (found.kind, found.value.as_str()),
                (kind, expected),
                "{what}"
            );
        }
    }

    #[test]
    fn what_tells_of_logins_is_no_cause() {
        let known = Containers::default();
        for program in ["sshd", "systemd-logind", "kernel"] {
            let attributes = format!(r#"{{"program":"{program}"}}"#);
            let cells = Cells {
                action: action::LOG,
                format: "authlog",
                attributes: Some(&attributes),
                ..Cells::default()
            };
            assert_eq!(known.writer(cells), None, "{program}");
        }
    }
}
