//! `case.json`, `findings.json` and the reports: the files of a case folder beside its timeline.

use std::fs;
use std::io;
use std::path::Path;

use coldcase_ingest::Clock;
use coldcase_report::{InputLine, Summary, html, markdown};
use serde_json::{Map, Value, json};

use crate::coverage::coverage;
use crate::{Analysis, InputRecord, Options, missing};

/// Writes everything but the timeline into the case folder.
pub fn write_case(analysis: &Analysis, folder: &Path, options: &Options) -> io::Result<()> {
    let findings = serde_json::to_string_pretty(&analysis.findings)?;
    fs::write(folder.join("findings.json"), findings + "\n")?;
    let case = serde_json::to_string_pretty(&case_json(analysis, options))?;
    fs::write(folder.join("case.json"), case + "\n")?;
    let summary = summary(analysis, folder);
    fs::write(folder.join("report.html"), html(&summary))?;
    fs::write(folder.join("report.md"), markdown(&summary))
}

/// What reports are made from.
pub fn summary<'a>(analysis: &'a Analysis, folder: &Path) -> Summary<'a> {
    Summary {
        findings: &analysis.findings,
        inputs: analysis.inputs.iter().map(input_line).collect(),
        zone: analysis.zone.tz,
        zone_source: analysis.zone.source.as_str(),
        events: analysis.inputs.iter().map(|input| input.events).sum(),
        warnings: analysis.warnings.clone(),
        missing: missing::missing(&analysis.inputs, analysis.zone)
            .iter()
            .map(missing::Missing::sentence)
            .collect(),
        case: folder.display().to_string(),
    }
}

fn input_line(input: &InputRecord) -> InputLine {
    InputLine {
        path: input.path.clone(),
        bytes: input.bytes,
        sha256: input.sha256.clone(),
        format: input.format,
        host: input.host.clone(),
        records: input.records,
        skipped: input.skipped,
        first: input.first,
        last: input.last,
        warnings: input.warnings.clone(),
    }
}

fn case_json(analysis: &Analysis, options: &Options) -> Value {
    let hosts = analysis.facts.hosts.iter().map(|host| {
        let told = analysis.host_facts.of(&host.name);
        json!({
            "name": host.name,
            "addresses": host.addresses,
            "timezone": host.zone.name(),
            "kernel": told.and_then(|told| told.kernel.as_deref()),
            "os": told.and_then(|told| told.os.as_deref()),
            "machine_id": told.and_then(|told| told.machine_id.as_deref()),
            "boot": told.and_then(crate::host_facts::boot),
        })
    });
    let clocks = analysis
        .inputs
        .iter()
        .filter(|input| input.events > 0)
        .map(clock_json);
    json!({
        "tool": { "name": "coldcase", "version": env!("CARGO_PKG_VERSION") },
        "options": {
            "bundles": analysis.roots.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "timezone": options.timezone.map(|tz| tz.name()),
            "collected_at": options.collected_at,
            "ioc": options.iocs.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "only": options.only,
        },
        "collected_at": analysis.facts.collected_at,
        "hosts": hosts.collect::<Vec<_>>(),
        "clocks": clocks.collect::<Vec<_>>(),
        "coverage": coverage(&analysis.inputs),
        "missing": missing::missing(&analysis.inputs, analysis.zone),
        "indicators": analysis.facts.indicators.len(),
        "warnings": analysis.warnings,
        "inputs": analysis.inputs.iter().map(input_json).collect::<Vec<_>>(),
    })
}

fn clock_json(input: &InputRecord) -> Value {
    let Clock {
        zone,
        offset_ns,
        first_year,
        ..
    } = input.clock;
    json!({
        "path": input.path,
        "timezone": zone.tz.name(),
        "rests_on": zone.source.as_str(),
        "offset_seconds": offset_ns as f64 / 1e9,
        "first_year": first_year,
    })
}

fn input_json(input: &InputRecord) -> Value {
    let skips: Map<String, Value> = input
        .skips
        .iter()
        .map(|(reason, skip)| {
            (
                (*reason).to_owned(),
                json!({ "count": skip.count, "first": skip.first.to_string() }),
            )
        })
        .collect();
    json!({
        "path": input.path,
        "bytes": input.bytes,
        "sha256": input.sha256,
        "format": input.format,
        "host": input.host,
        "records": input.records,
        "skipped": input.skipped,
        "events": input.events,
        "first": input.first,
        "last": input.last,
        "warnings": input.warnings,
        "skip_reasons": skips,
    })
}
