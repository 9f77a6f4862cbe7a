//! Rows of one host under construction, with the files and lines that they are from.

use std::collections::BTreeMap;

use coldcase_model::{Basis, Event, Precision, Timestamp, When};
use serde_json::{Value, json};

use super::{Emitted, Host};

/// What a host's case says beside its timeline.
pub struct Made {
    /// `coverage` of case.json.
    pub(super) coverage: Vec<Value>,
    /// `inputs` of case.json.
    pub(super) inputs: Vec<Value>,
    /// `findings` of findings.json.
    pub(super) findings: Vec<Value>,
    /// Events given.
    pub events: usize,
}

#[derive(Default)]
struct Input {
    lines: u64,
    first: Option<i64>,
    last: Option<i64>,
}

/// Rows of one host.
pub(super) struct Rows<'r> {
    host: &'r Host,
    emit: &'r mut dyn FnMut(Emitted<'_>),
    inputs: BTreeMap<(&'static str, &'static str), Input>,
}

impl<'r> Rows<'r> {
    pub(super) fn new(host: &'r Host, emit: &'r mut dyn FnMut(Emitted<'_>)) -> Self {
        Self {
            host,
            emit,
            inputs: BTreeMap::new(),
        }
    }

    /// A record of a log.
    pub(super) fn at(
        &mut self,
        format: &'static str,
        name: &'static str,
        ns: i64,
        event: Event<'_>,
    ) {
        let when = When {
            ts: Timestamp(ns),
            precision: Precision::S,
            basis: Basis::Recorded,
        };
        self.add(format, name, Some(when), event);
    }

    /// A line of a snapshot.
    pub(super) fn listed(&mut self, format: &'static str, name: &'static str, event: Event<'_>) {
        let when = When {
            ts: Timestamp(super::BEGIN_NS + super::DAYS * super::DAY_NS),
            precision: Precision::S,
            basis: Basis::Collected,
        };
        self.add(format, name, Some(when), event);
    }

    fn add(
        &mut self,
        format: &'static str,
        name: &'static str,
        when: Option<When>,
        mut event: Event<'_>,
    ) {
        let input = self.inputs.entry((format, name)).or_default();
        input.lines += 1;
        if let Some(when) = when.filter(|when| when.basis == Basis::Recorded) {
            let ns = when.ts.nanos();
            input.first = Some(input.first.map_or(ns, |first| first.min(ns)));
            input.last = Some(input.last.map_or(ns, |last| last.max(ns)));
        }
        event.when = when;
        event.line = Some(input.lines);
        (self.emit)(Emitted {
            event,
            format,
            file: format!("{}/{name}", self.host.name),
        });
    }

    pub(super) fn finish(self, findings: Vec<Value>) -> Made {
        let time = |ns: Option<i64>| ns.map(|ns| Timestamp(ns).to_string());
        let host = &self.host.name;
        let inputs = self.inputs.iter().map(|((format, name), input)| {
            json!({
                "path": format!("{host}/{name}"),
                "host": host,
                "format": format,
                "bytes": input.lines * 80,
                "sha256": format!("{:064x}", input.lines),
                "records": input.lines,
                "skipped": 0,
                "events": input.lines,
                "first": time(input.first),
                "last": time(input.last),
                "warnings": [],
            })
        });
        let dated = self
            .inputs
            .iter()
            .filter(|(_, input)| input.first.is_some());
        let coverage = dated.map(|((format, _), input)| {
            json!({
                "host": host,
                "format": format,
                "spans": [{ "first": time(input.first), "last": time(input.last) }],
                "gaps": [],
            })
        });
        Made {
            coverage: coverage.collect(),
            inputs: inputs.collect(),
            findings,
            events: self
                .inputs
                .values()
                .map(|input| usize::try_from(input.lines).unwrap_or(0))
                .sum(),
        }
    }
}
