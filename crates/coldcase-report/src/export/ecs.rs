//! Rows as documents of the Elastic Common Schema 8: one JSON object a line, fields nested. What the schema has no field
//! for stands below `coldcase`: where the record is, how exact its time is and what that rests on, its attributes.

use std::io::{self, Write};
use std::net::IpAddr;

use coldcase_model::Timestamp;
use coldcase_timeline::Selection;
use serde_json::{Map, Value, json};

use super::Row;

const VERSION: &str = "8.11.0";

/// Gives how many rows were written: the schema demands a time.
pub(super) fn jsonl(rows: &Selection, mut out: impl Write) -> io::Result<usize> {
    let ends = rows.end_micros();
    let mut written = 0;
    for at in 0..rows.rows() {
        let row = Row::of(rows, at);
        let Some(when) = row.at() else { continue };
        let end = ends.get(at).copied().flatten();
        let end = end.map(|us| Timestamp(us.saturating_mul(1_000)));
        serde_json::to_writer(&mut out, &document(&row, when, end).0)?;
        out.write_all(b"\n")?;
        written += 1;
    }
    out.flush()?;
    Ok(written)
}

/// A document under construction; fields by dotted name, nothing where there is no value.
struct Document(Map<String, Value>);

impl Document {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        let Some(value) = value else { return };
        let mut object = &mut self.0;
        let mut steps = name.split('.').peekable();
        while let Some(step) = steps.next() {
            if steps.peek().is_none() {
                object.insert(step.to_owned(), value.into());
                return;
            }
            let inner = object
                .entry(step)
                .or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else { return };
            object = inner;
        }
    }
}

fn document(row: &Row<'_>, when: Timestamp, end: Option<Timestamp>) -> Document {
    let action = row.text("action").unwrap_or_default();
    let mut out = Document(Map::new());
    out.put("@timestamp", Some(when.to_string()));
    out.put("ecs.version", Some(VERSION));
    out.put("message", row.text("message"));
    event(&mut out, row, action, when, end);
    out.put("host.name", row.text("host"));
    for (side, ip, port) in [
        ("source", "src_ip", "src_port"),
        ("destination", "dst_ip", "dst_port"),
    ] {
        let address = row.text(ip);
        let is_ip = |text: &&str| text.parse::<IpAddr>().is_ok();
        out.put(&format!("{side}.address"), address);
        out.put(&format!("{side}.ip"), address.filter(is_ip));
        out.put(&format!("{side}.port"), row.port(port));
    }
    network(&mut out, row, action);
    dns(&mut out, row, action);
    process(&mut out, row);
    place(&mut out, row, action);
    out.put("log.file.path", row.text("file"));
    for name in ["line", "offset"] {
        out.put(&format!("coldcase.{name}"), row.long(name));
    }
    for name in ["ts_precision", "ts_basis"] {
        out.put(&format!("coldcase.{name}"), row.text(name));
    }
    let attributes = Some(&row.attributes).filter(|attributes| !attributes.is_empty());
    // As one text: attributes of many formats would be fields without end.
    let attributes = attributes.map(|attributes| json!(attributes).to_string());
    out.put("coldcase.attributes", attributes);
    out
}

fn event(out: &mut Document, row: &Row<'_>, action: &str, when: Timestamp, end: Option<Timestamp>) {
    let format = row.text("format").unwrap_or_default();
    let (category, kinds) = meaning(action);
    let kind = match action {
        "alert" => "alert",
        "metric" => "metric",
        _ if action.ends_with("-listed") => "state",
        _ => "event",
    };
    out.put("event.kind", Some(kind));
    out.put("event.category", category.map(|category| vec![category]));
    out.put(
        "event.type",
        Some(kinds.to_vec()).filter(|kinds| !kinds.is_empty()),
    );
    out.put("event.action", Some(action));
    out.put(
        "event.outcome",
        Some(row.text("outcome").unwrap_or("unknown")),
    );
    out.put("event.module", Some("coldcase"));
    out.put("event.dataset", Some(format!("coldcase.{format}")));
    if let Some(end) = end.filter(|end| *end >= when) {
        out.put("event.start", Some(when.to_string()));
        out.put("event.end", Some(end.to_string()));
        out.put("event.duration", end.nanos().checked_sub(when.nanos()));
    }
}

/// `event.category` and `event.type` of an action, from the schema's allowed words.
fn meaning(action: &str) -> (Option<&'static str>, &'static [&'static str]) {
    match action {
        "ssh-login" | "login" => (Some("authentication"), &["start"]),
        "ssh-invalid-user" => (Some("authentication"), &["info"]),
        "ssh-session-opened" | "session-opened" => (Some("session"), &["start"]),
        "ssh-session-closed" | "session-closed" | "ssh-disconnect" => (Some("session"), &["end"]),
        "sudo" | "su" | "cron-run" | "exec" | "shell-command" => (Some("process"), &["start"]),
        "process-listed" | "script-command" => (Some("process"), &["info"]),
        "user-added" => (Some("iam"), &["user", "creation"]),
        "user-changed" => (Some("iam"), &["user", "change"]),
        "group-added" => (Some("iam"), &["group", "creation"]),
        "account-listed" | "key-listed" => (Some("iam"), &["info"]),
        "dns-query" | "dns-answer" => (Some("network"), &["protocol"]),
        "tcp-flow" | "udp-flow" | "connect" | "socket-listed" | "flow-listed" | "tcp-attempts"
        | "tcp-attempts-on" => (Some("network"), &["connection"]),
        "http-request" | "api-request" => (Some("web"), &["access"]),
        "file-modified" | "file-changed" => (Some("file"), &["change"]),
        "file-accessed" => (Some("file"), &["access"]),
        "file-created" => (Some("file"), &["creation"]),
        "file-hashed" | "mount-listed" | "preload-listed" => (Some("file"), &["info"]),
        "container-created" | "image-created" => (Some("host"), &["creation"]),
        "container-started" | "service-started" | "boot" => (Some("host"), &["start"]),
        "container-exited" | "service-stopped" | "shutdown" => (Some("host"), &["end"]),
        "package-installed" => (Some("package"), &["installation"]),
        "package-upgraded" => (Some("package"), &["change"]),
        "package-removed" => (Some("package"), &["deletion"]),
        "package-listed" => (Some("package"), &["info"]),
        "audit-config" | "firewall-rule" | "job-listed" | "service-defined" | "clock-changed" => {
            (Some("configuration"), &["info"])
        }
        "alert" => (Some("intrusion_detection"), &["info"]),
        _ if action.ends_with("-listed") => (Some("host"), &["info"]),
        _ => (None, &[]),
    }
}

fn network(out: &mut Document, row: &Row<'_>, action: &str) {
    let transport = row
        .text("protocol")
        .filter(|one| ["tcp", "udp", "icmp", "sctp"].contains(one));
    out.put("network.transport", transport);
    if action.starts_with("dns-") {
        out.put("network.protocol", Some("dns"));
    }
    if !action.starts_with("file-") {
        out.put("network.packets", row.long("packets"));
        out.put("network.bytes", row.long("bytes"));
    }
}

fn dns(out: &mut Document, row: &Row<'_>, action: &str) {
    out.put("dns.question.name", row.text("domain"));
    out.put("dns.question.type", row.text("query_type"));
    out.put("dns.response_code", row.text("response_code"));
    let kind = match action {
        "dns-query" => "query",
        "dns-answer" => "answer",
        _ => return,
    };
    out.put("dns.type", Some(kind));
    out.put(
        "dns.id",
        row.attributes
            .get("id")
            .map(|id| id.to_string().trim_matches('"').to_owned()),
    );
    let answers = row.attributes.get("answers").and_then(Value::as_array);
    let Some(answers) = answers.filter(|answers| !answers.is_empty()) else {
        return;
    };
    let resolved = answers
        .iter()
        .filter_map(|answer| answer.get("data")?.as_str());
    let resolved: Vec<&str> = resolved
        .filter(|data| data.parse::<IpAddr>().is_ok())
        .collect();
    out.put(
        "dns.resolved_ip",
        Some(resolved).filter(|all| !all.is_empty()),
    );
    out.put("dns.answers", Some(answers.clone()));
}

fn process(out: &mut Document, row: &Row<'_>) {
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let user = row.text("user").filter(|user| !user.is_empty());
    out.put("user.id", user.filter(is_number));
    out.put("user.name", user.filter(|user| !is_number(user)));
    let exe = row.text("exe");
    let name = exe.and_then(|exe| exe.rsplit('/').next());
    out.put("process.pid", row.long("pid"));
    out.put("process.parent.pid", row.long("ppid"));
    out.put("process.executable", exe);
    out.put("process.name", row.attribute("comm").or(name));
    out.put("process.command_line", row.text("command"));
}

fn place(out: &mut Document, row: &Row<'_>, action: &str) {
    let of_container = action.starts_with("container-");
    let id = if of_container {
        row.attribute("id")
    } else {
        row.attribute("container_id")
    };
    out.put("container.id", id);
    out.put("container.name", row.text("container"));
    if let Some(image) = row.text("image") {
        // A tag stands after the last slash; what follows an `@` is a digest.
        let named = image.split('@').next().unwrap_or(image);
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (named, None),
        };
        out.put("container.image.name", Some(name));
        out.put("container.image.tag", tag.map(|tag| vec![tag]));
    }
    if let Some(pod) = row.text("pod") {
        out.put("orchestrator.type", Some("kubernetes"));
        out.put("orchestrator.resource.type", Some("pod"));
        out.put("orchestrator.resource.name", Some(pod));
    }
    out.put("orchestrator.namespace", row.text("namespace"));
    if let Some(path) = row.text("path").filter(|_| action != "exec") {
        out.put("file.path", Some(path));
        if action.starts_with("file-") {
            out.put("file.size", row.long("bytes"));
            for name in ["mode", "group"] {
                out.put(&format!("file.{name}"), row.attribute(name));
            }
        }
    }
}
