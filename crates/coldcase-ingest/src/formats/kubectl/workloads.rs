//! Jobs of a Kubernetes cluster: `kubectl get cronjobs` and `kubectl get jobs`, as tables (`-o wide`, `-A`) or as objects
//! (`-o json`, `-o yaml`): what the cluster itself runs by a schedule.
//!
//! **Recognised** are tables by `SCHEDULE` with `ACTIVE`, or `COMPLETIONS`, in the header, also behind a prompt with the command;
//! objects by their kind, or by `spec.jobTemplate` where a raw API list leaves it out. Lists of other workloads
//! (deployments, daemon sets, ...) as objects are recognised too, but give no rows.
//!
//! ```text
//! NAMESPACE  NAME     SCHEDULE      SUSPEND  ACTIVE  LAST SCHEDULE  AGE   CONTAINERS  IMAGES              SELECTOR
//! shop       nightly  0 2 * * *     False    0       9h             140d  report      example/report:2.1  <none>
//! ```
//!
//! **Rows**: `job-listed` at the moment of collection with `image`, `command` (first container's, from objects),
//! `namespace`; `kind` is `cronjob` or `job`, `schedule` as written, `zone` where the job names one, `suspended`. The
//! time of the last run is an age in tables (`last_age_seconds`) and an instant in objects (`last`).
//!
//! **Limits**: without a zone of its own a schedule is in the controller manager's time, mostly UTC.
//!
//! Sources: kubectl's printers (`printers.go`), batch/v1 API types.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};
use serde_json::Value;

use super::age::Age;
use super::objects::{Times, command, describe_age, shown};
use super::rows::Row;
use super::table::Kind;
use crate::json::{flag, get, number, text};
use crate::{Clock, Format};

/// The format.
pub static WORKLOADS: Format = Format {
    id: "kubectl-jobs",
    title: "kubectl get cronjobs and jobs, as table, JSON or YAML",
    source: include_str!("workloads.rs"),
    yearless: false,
    sniff: |probe| super::sniff(probe, Kind::Workloads),
    ingest: super::ingest,
    join: None,
};

/// Most images shown.
const MOST: usize = 32;

/// Whether a row has the shape of a job.
pub fn fits(row: &Row<'_>) -> bool {
    let aged = |cell: &str| Age::parse(cell).is_some();
    let counted = |cell: &str| {
        let digits = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        digits(cell)
    };
    row.cell("AGE").is_none_or(aged)
        && row.cell("COMPLETIONS").is_none_or(counted)
        && row.cell("ACTIVE").is_none_or(counted)
        && (row.cell("SCHEDULE").is_some_and(is_schedule) || row.cell("COMPLETIONS").is_some())
}

/// Five fields, or a name behind `@`; a zone may stand before.
fn is_schedule(cell: &str) -> bool {
    let bare = match cell.strip_prefix("TZ=").or(cell.strip_prefix("CRON_TZ=")) {
        Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest),
        None => cell,
    };
    bare.starts_with('@') || bare.split_ascii_whitespace().count() == 5
}

/// Hands the row of a table to the sink.
pub fn emit_row(row: &Row<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let name = row.cell("NAME").unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name);
    let schedule = row.cell("SCHEDULE");
    let images: Vec<&str> = row
        .cell("IMAGES")
        .map(|cell| cell.split(',').take(MOST).collect())
        .unwrap_or_default();
    let mut attributes = Attributes::new();
    attributes
        .text("name", name)
        .text_if("schedule", schedule)
        .text("kind", kind(schedule.is_some()))
        .text_if("zone", row.cell("TIMEZONE"));
    if let Some(suspended) = row.cell("SUSPEND") {
        attributes.flag("suspended", suspended.eq_ignore_ascii_case("true"));
    }
    attributes
        .text_if("completions", row.cell("COMPLETIONS"))
        .text_if("status", row.cell("STATUS"));
    if let Some(last) = row.cell("LAST SCHEDULE").and_then(Age::parse) {
        attributes
            .number("last_age_seconds", last.seconds)
            .number("last_age_unit_seconds", last.unit_seconds);
    }
    if let Some(age) = row.cell("AGE").and_then(Age::parse) {
        attributes
            .number("age_seconds", age.seconds)
            .number("age_unit_seconds", age.unit_seconds);
    }
    if images.len() > 1 {
        attributes.texts("images", &images);
    }
    let mut event = Event::new(action::JOB_LISTED);
    event.when = clock.collected();
    event.image = images.first().map(|image| Cow::Borrowed(*image));
    event.namespace = row.cell("NAMESPACE").or(row.namespace).map(Cow::Borrowed);
    emit(event, name, schedule, attributes, line, sink);
}

fn kind(scheduled: bool) -> &'static str {
    match scheduled {
        true => "cronjob",
        false => "job",
    }
}

fn emit(
    mut event: Event<'_>,
    name: &str,
    schedule: Option<&str>,
    attributes: Attributes,
    line: u64,
    sink: &mut dyn Sink,
) {
    let namespace = event.namespace.as_deref();
    let namespace = namespace.map_or(String::new(), |namespace| format!("{namespace}/"));
    let what = kind(schedule.is_some());
    let image = event.image.as_deref();
    let image = image.map_or(String::new(), |image| format!(" {image}"));
    let schedule = schedule.map_or(String::new(), |schedule| format!(" at {schedule}"));
    event.message = Some(Cow::Owned(format!(
        "{what} {namespace}{name}{schedule}{image}"
    )));
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

/// Whether an object is a workload, also without its kind.
pub fn is_workload(value: &Value) -> bool {
    let has = |path: &[&str]| get(value, path).is_some();
    has(&["spec", "jobTemplate"]) || has(&["spec", "template", "spec", "containers"])
}

/// Hands the row of an object to the sink, or skips it. Whether it gave a row.
pub fn emit_object(line: u64, value: &Value, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let cron = get(value, &["spec", "jobTemplate", "spec", "template", "spec"]);
    let is_job = match text(value, &["kind"]) {
        Some(kind) => kind == "Job",
        None => get(value, &["spec", "backoffLimit"]).is_some(),
    };
    let spec = match cron {
        Some(spec) => spec,
        None if is_job => get(value, &["spec", "template", "spec"]).unwrap_or(&Value::Null),
        None => return sink.skip(Place::Line(line), "a workload that is no job"),
    };
    let name = text(value, &["metadata", "name"]).unwrap_or("?");
    let schedule = text(value, &["spec", "schedule"]);
    let created = times.at(value, &["metadata", "creationTimestamp"]);
    let containers = || {
        let listed = get(spec, &["containers"]).and_then(Value::as_array);
        listed.into_iter().flatten().take(MOST)
    };
    let images: Vec<&str> = containers()
        .filter_map(|one| text(one, &["image"]))
        .collect();
    let mut attributes = Attributes::new();
    attributes
        .text("name", name)
        .text_if("schedule", schedule)
        .text("kind", kind(cron.is_some()))
        .text_if("zone", text(value, &["spec", "timeZone"]));
    if let Some(suspended) = flag(value, &["spec", "suspend"]) {
        attributes.flag("suspended", suspended);
    }
    let last = times.at(value, &["status", "lastScheduleTime"]);
    attributes
        .text_if("last", shown(last).as_deref())
        .number_if("succeeded", number(value, &["status", "succeeded"]))
        .number_if("failed", number(value, &["status", "failed"]))
        .text_if("created", shown(created).as_deref());
    describe_age(created, times.clock, &mut attributes);
    if images.len() > 1 {
        attributes.texts("images", &images);
    }
    let service_account = text(spec, &["serviceAccountName"]);
    attributes.text_if("service_account", service_account);
    let mut event = Event::new(action::JOB_LISTED);
    event.when = times.clock.collected();
    event.image = images.first().map(|image| Cow::Borrowed(*image));
    event.namespace = text(value, &["metadata", "namespace"]).map(Cow::Borrowed);
    event.command = containers().next().and_then(command).map(Cow::Owned);
    emit(event, name, schedule, attributes, line, sink);
    sink.used(1);
}
