//! `case.json`, `findings.json` and the reports: the files of a case folder beside its timeline.

use std::fs;
use std::io;
use std::path::Path;

use coldcase_correlate::Skew;
use coldcase_ingest::Clock;
use coldcase_report::{Charts, Lang, Summary, html, markdown};
use serde_json::{Map, Value, json};

use crate::clock_solver::Step;
use crate::coverage::coverage;
use crate::{Analysis, InputRecord, Options, case_summary, missing};

/// Writes everything but the timeline into the case folder.
pub fn write_case(analysis: &Analysis, folder: &Path, options: &Options) -> io::Result<()> {
    write_files(analysis, folder, folder, options)
}

/// Likewise, of a case that will lie at `place`.
pub(crate) fn write_files(
    analysis: &Analysis,
    folder: &Path,
    place: &Path,
    options: &Options,
) -> io::Result<()> {
    let json = || {
        let findings = serde_json::to_string_pretty(&analysis.findings)?;
        fs::write(folder.join("findings.json"), findings + "\n")?;
        let case = serde_json::to_string_pretty(&case_json(analysis, options))?;
        fs::write(folder.join("case.json"), case + "\n")
    };
    let coverage = coverage(&analysis.inputs);
    let charts = || Charts::of(&analysis.timeline, &analysis.findings, &coverage);
    let (charts, json) = rayon::join(charts, json);
    json?;
    let charts = charts.map_err(io::Error::other)?;
    let summary = summary(analysis, place, options.lang);
    for (name, text) in pages(&summary, &charts) {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// The reports of a case, by the names of their files.
pub(crate) fn pages(summary: &Summary<'_>, charts: &Charts) -> [(&'static str, String); 2] {
    let (html, markdown) = rayon::join(|| html(summary, charts), || markdown(summary));
    [("report.html", html), ("report.md", markdown)]
}

/// What reports are made from.
pub fn summary<'a>(analysis: &'a Analysis, folder: &Path, lang: Lang) -> Summary<'a> {
    let case = case_json(analysis, &Options::default());
    case_summary::summary(&case, &analysis.findings, folder, lang)
}

/// What a reader should know of the clocks: assumed zones, hosts whose clocks are apart, clocks that were set.
fn clock_lines(analysis: &Analysis) -> Vec<String> {
    let skews = analysis.facts.skews.iter().map(|skew| {
        let (host, against) = (&skew.host, &skew.against);
        let side = if skew.offset_seconds < 0.0 { "behind" } else { "ahead of" };
        format!(
            "{host}: its clock is {:.1} s {side} that of {against}, within {:.1} s in {} pairs ({})",
            skew.offset_seconds.abs(),
            skew.spread_seconds,
            skew.pairs,
            skew.rests_on
        )
    });
    let steps = analysis.steps.iter().filter_map(Step::sentence);
    let collected = analysis
        .facts
        .collected_at
        .filter(|_| analysis.is_collection_inferred);
    let collected = collected.map(|at| {
        format!("collected not before {at}, the latest record: snapshots are dated by it")
    });
    let zones = analysis.verdict.assumed().into_iter();
    let confirmed = analysis.verdict.confirmed();
    let told = zones.chain(collected).chain(skews).chain(steps);
    told.chain(confirmed).collect()
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
    let inputs = analysis.inputs.iter().enumerate();
    let clocks = inputs
        .filter(|(_, input)| input.events > 0)
        .map(|(index, input)| clock_json(input, analysis.verdict.json(index)));
    let skews = analysis.facts.skews.iter().map(skew_json);
    json!({
        "tool": { "name": "coldcase", "version": env!("CARGO_PKG_VERSION") },
        "options": {
            "bundles": analysis.roots.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "timezone": options.timezone.map(|tz| tz.name()),
            "collected_at": options.collected_at,
            "ioc": options.iocs.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "only": options.only,
            "limits": {
                "unpacked_bytes": options.limits.unpacked_bytes,
                "files": options.limits.files,
                "ratio": options.limits.ratio,
                "depth": options.limits.depth,
            },
        },
        "timezone": analysis.zone.tz.name(),
        "timezone_rests_on": analysis.zone.source.as_str(),
        "collected_at": analysis.facts.collected_at,
        "collected_at_rests_on": collected_at_rests_on(analysis),
        "hosts": hosts.collect::<Vec<_>>(),
        "clocks": clocks.collect::<Vec<_>>(),
        "skews": skews.collect::<Vec<_>>(),
        "steps": analysis.steps,
        "clock_notes": clock_lines(analysis),
        "coverage": coverage(&analysis.inputs),
        "missing": missing::missing(&analysis.inputs, analysis.zone),
        "indicators": analysis.facts.indicators.len(),
        "warnings": analysis.warnings,
        "inputs": analysis.inputs.iter().map(input_json).collect::<Vec<_>>(),
    })
}

/// Null where nothing dates the collection.
fn collected_at_rests_on(analysis: &Analysis) -> Option<&'static str> {
    analysis.facts.collected_at?;
    Some(if analysis.is_collection_inferred {
        "the latest record: not before it"
    } else {
        "case.toml, --collected-at or the bundle"
    })
}

fn skew_json(skew: &Skew) -> Value {
    json!({
        "host": skew.host,
        "against": skew.against,
        "offset_seconds": skew.offset_seconds,
        "spread_seconds": skew.spread_seconds,
        "pairs": skew.pairs,
        "rests_on": skew.rests_on,
    })
}

fn clock_json(input: &InputRecord, measured: Value) -> Value {
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
        "measured": measured,
    })
}

fn input_json(input: &InputRecord) -> Value {
    let skips: Map<String, Value> = input
        .skips
        .iter()
        .map(|(reason, skip)| {
            (
                reason.clone().into_owned(),
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
