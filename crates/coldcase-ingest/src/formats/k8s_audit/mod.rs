//! The audit log of a Kubernetes API server: who asked what of the cluster, from where, and with which outcome.
//!
//! **Made by** `kube-apiserver --audit-policy-file=... --audit-log-path=/var/log/kubernetes/audit/audit.log` (with
//! `-` it goes into the server's own container log), or a webhook's receiver (`--audit-webhook-config-file`).
//!
//! **Recognised** by `audit.k8s.io/` and `auditID` in JSON: an event a line (also behind the stamp of a container's log
//! or a syslog head, and in docker's json-file), pretty-printed events, an array, or an `EventList`.
//!
//! ```text
//! {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"57a7...","stage":"ResponseComplete",
//!  "requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=id","verb":"create","user":{"username":"jo"},
//!  "sourceIPs":["192.0.2.7"],"objectRef":{"resource":"pods","namespace":"shop","name":"web-0","subresource":"exec"},
//!  "responseStatus":{"code":101},"requestReceivedTimestamp":"2023-05-10T01:02:03.000001Z", ...}
//! ```
//!
//! **Rows**: one `api-request` a request. Its completion (`ResponseComplete`, `Panic`) tells it; the stages before
//! (`RequestReceived`, `ResponseStarted` of watches and exec) only where no completion is found in the whole
//! rotated series, so that no request counts twice. `ts` is when the request came, `ts_end` the last stage. `outcome`
//! is of the status code: below 400 success. `command` is what an exec asked to run (also through a node's proxy), decoded
//! from the address; `container` the container it named.
//!
//! **`request`** holds of a body what an analyst needs: `images`, `commands`, `host_paths`, `privileged`,
//! `host_network`, `host_pid`, `host_ipc`, `capabilities`, `service_account`, `node`, `schedule` of pods and what makes
//! pods; `role`, `subjects` of role bindings. Everything else of bodies, above all of secrets and environments, is not kept.
//!
//! **Source address**: `src_ip` is the first of `sourceIPs`. The server puts those of the header X-Forwarded-For first, which
//! a client may invent; only the last one is the connection's own. Where there are several, `source_ips` has them all.
//!
//! **Times** carry their zone and six digits. `audit.k8s.io/v1beta1` and `v1alpha1` are read likewise.
//!
//! **Limits**: a line over 1 MiB or cut by the file's end is read up to there, with a warning; its times, which stand behind
//! the bodies, are then unknown. At most 65,536 requests are held open at a time.
//!
//! Sources: `k8s.io/apiserver/pkg/apis/audit/v1/types.go`, Kubernetes documentation "Auditing".

use std::borrow::Cow;
use std::io::Read;

use coldcase_model::{Place, Sink};
use serde_json::value::RawValue;

use crate::json::{Elements, Piece};
use crate::{Clock, Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

use entry::Entry;
use stages::Stages;

mod entry;
mod request;
mod row;
mod stages;
#[cfg(test)]
mod tests;

/// The format.
pub static FORMAT: Format = Format {
    id: "k8s-audit",
    title: "Kubernetes API server audit log",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: Some(stages::join),
};

/// Lines looked at to recognise the format.
const SNIFFED_LINES: usize = 20;

/// How far into a line the JSON may begin: a stamp, a stream, a host, a program.
const MAX_PREFIX: usize = 256;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let head = probe.head;
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    if !has(b"audit.k8s.io/") || !has(b"auditID") {
        return Sniff::No;
    }
    let lines = head.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    for (index, line) in lines.take(SNIFFED_LINES).enumerate() {
        let text = String::from_utf8_lossy(line);
        let body = body(&text);
        let entry = entry::read(&body).0;
        if entry.is_audit() || opens_list(&text) {
            return Sniff::Sure;
        }
        if matches!(text.trim(), "{" | "[" | "[{") && index == 0 {
            return Sniff::Sure;
        }
    }
    Sniff::No
}

fn opens_list(line: &str) -> bool {
    let start = line.get(..line.floor_char_boundary(MAX_PREFIX));
    start.is_some_and(|start| start.contains("\"EventList\""))
}

/// Whether the artifact has no event a line, but documents over several lines or many events in one.
fn is_laid_out(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    let Some(first) = lines.find(|line| !line.trim_ascii().is_empty()) else {
        return false;
    };
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    let first = first.trim_ascii();
    let document = match first.split_first() {
        Some((b'{', _)) => true,
        Some((b'[', rest)) => matches!(rest.trim_ascii_start().first(), None | Some(b'{')),
        _ => false,
    };
    let start = first.get(..MAX_PREFIX).unwrap_or(first);
    let is_list = memchr::memmem::find(start, b"\"EventList\"").is_some();
    document
        && (is_list
            || first.starts_with(b"[")
            || memchr::memmem::find(first, b"auditID").is_none()
                && memchr::memmem::find(first, b"\"log\"").is_none())
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = std::mem::replace(&mut input.reader, Box::new(std::io::empty()));
    let mut head = Vec::new();
    let cause = (&mut reader).take(64 << 10).read_to_end(&mut head);
    let laid_out = is_laid_out(&head);
    let whole = head.as_slice().chain(reader);
    let mut stages = Stages::default();
    let read = match laid_out {
        true => read_elements(whole, input.clock, &mut stages, sink),
        false => read_lines(whole, input.clock, &mut stages, sink),
    };
    cause?;
    read?;
    Ok(Some(Box::new(stages)))
}

fn read_lines(
    reader: impl Read,
    clock: &Clock,
    stages: &mut Stages,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        read_line(&line, clock, stages, sink);
    }
    Ok(())
}

fn read_line(line: &Line<'_>, clock: &Clock, stages: &mut Stages, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    let text = line.text();
    let body = body(&text);
    if body.is_empty() {
        return sink.skip(place, "a line that is no JSON");
    }
    let told = read_object(&body, line.number, clock, stages, sink);
    if told && line.cut {
        let warning = "a line longer than 1 MiB: what comes after is lost";
        sink.warn(place, warning.to_owned());
    }
}

/// Reads one object. Whether it was an event.
fn read_object(
    body: &str,
    line: u64,
    clock: &Clock,
    stages: &mut Stages,
    sink: &mut dyn Sink,
) -> bool {
    let place = Place::Line(line);
    let (entry, end) = entry::read(body);
    if let Some(items) = entry.items {
        match serde_json::from_str::<Vec<&RawValue>>(items.get()).ok() {
            Some(items) => {
                for item in items {
                    read_object_once(item.get(), line, clock, stages, sink);
                }
            }
            None => sink.skip(place, "a list that is not well-formed"),
        }
        return true;
    }
    tell(&entry, end, line, clock, stages, sink)
}

/// An element of a list: a list in it is not followed.
fn read_object_once(
    body: &str,
    line: u64,
    clock: &Clock,
    stages: &mut Stages,
    sink: &mut dyn Sink,
) -> bool {
    let (entry, end) = entry::read(body);
    tell(&entry, end, line, clock, stages, sink)
}

fn tell(
    entry: &Entry<'_>,
    end: Result<(), serde_json::Error>,
    line: u64,
    clock: &Clock,
    stages: &mut Stages,
    sink: &mut dyn Sink,
) -> bool {
    let place = Place::Line(line);
    if !entry.is_audit() {
        let reason = match end {
            Ok(()) => "an object that is no audit event",
            Err(_) => "a damaged line",
        };
        sink.skip(place, reason);
        return false;
    }
    if let Err(error) = end {
        sink.warn(place, format!("an event that is cut or damaged: {error}"));
    }
    stages.take(entry, line, clock, sink);
    sink.used(1);
    true
}

fn read_elements(
    reader: impl Read,
    clock: &Clock,
    stages: &mut Stages,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    let mut elements = Elements::new(reader);
    while let Some(piece) = elements.next_piece() {
        match piece {
            Piece::Element { line, bytes } => {
                let text = String::from_utf8_lossy(bytes);
                read_object_once(&text, line, clock, stages, sink);
            }
            Piece::EmptyList { line } => {
                sink.warn(Place::Line(line), "an empty list of events".to_owned());
            }
            Piece::Text { line, .. } => sink.skip(Place::Line(line), "a line that is no JSON"),
            Piece::Damaged { line, damage } => {
                if damage != crate::json::Damage::UnclosedList {
                    sink.skip(Place::Line(line), damage.as_str());
                }
                sink.warn(Place::Line(line), damage.as_str().to_owned());
            }
        }
    }
    match elements.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// The JSON of a line, out of what carried it; empty where there is none.
fn body(line: &str) -> Cow<'_, str> {
    let line = line.trim_start_matches('\u{feff}');
    let start = line.get(..line.floor_char_boundary(MAX_PREFIX));
    let Some(at) = start.and_then(|start| start.find('{')) else {
        return Cow::Borrowed("");
    };
    let json = line.get(at..).unwrap_or_default();
    if json.starts_with("{\"log\":") {
        #[derive(serde::Deserialize)]
        struct Docker {
            log: String,
        }
        if let Ok(docker) = serde_json::from_str::<Docker>(json) {
            let inner = docker.log;
            return match inner.find('{') {
                Some(at) => Cow::Owned(inner.get(at..).unwrap_or_default().to_owned()),
                None => Cow::Borrowed(""),
            };
        }
    }
    Cow::Borrowed(json)
}
