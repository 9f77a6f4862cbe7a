//! The post-mortem's lists: key findings, evidence with hashes, and what the evidence could not show.

use std::fmt::Write as _;

use coldcase_model::{Finding, Timestamp};
use serde_json::Value;

use super::{MOST_FINDINGS, Page, cell, heading, percent, row, said, table, to_second};
use crate::batch::{Span, duration};
use crate::for_markdown;
use crate::lang::{put, told};
use crate::parts::Part;

/// Lines of one kind of loss.
const MOST_LINES: usize = 20;
/// A gap this long before or after an incident still matters to it.
const MARGIN_SECONDS: i64 = 24 * 3_600;

/// The numbers of key findings, as links are written.
pub(super) fn numbers(page: &Page<'_>, is_wanted: impl Fn(&Finding) -> bool) -> String {
    let wanted = (1..)
        .zip(&page.key)
        .filter(|(_, finding)| is_wanted(finding));
    let numbers: Vec<String> = wanted
        .map(|(number, _): (usize, _)| format!("F{number}"))
        .collect();
    numbers.join(", ")
}

pub(super) fn findings(out: &mut String, page: &Page<'_>) {
    let (words, lang) = (page.words, page.summary.lang);
    if page.key.is_empty() {
        return;
    }
    heading(out, words.found);
    table(
        out,
        &[
            words.number,
            words.severity,
            words.title_head,
            words.first,
            words.last,
            words.sure,
            "id",
        ],
    );
    for (number, finding) in (1..).zip(&page.key).take(MOST_FINDINGS) {
        let time =
            |at: Option<Timestamp>| at.map(|at| to_second(at).to_string()).unwrap_or_default();
        let cells = [
            format!("F{number}"),
            crate::lang::words(lang)
                .severity(finding.severity)
                .to_owned(),
            for_markdown(&told::title(finding, lang)),
            time(finding.first),
            time(finding.last),
            format!("{} %", percent(finding.confidence)),
            format!("`{}`", finding.id.replace('`', "'")),
        ];
        row(out, &cells.each_ref().map(String::as_str));
    }
    let more = page.key.len().saturating_sub(MOST_FINDINGS);
    if more > 0 {
        let _ = writeln!(out, "\n{}", put(words.more_findings, &[&more.to_string()]));
    }
}

pub(super) fn evidence(out: &mut String, page: &Page<'_>) {
    let words = page.words;
    heading(out, words.evidence);
    let _ = writeln!(out, "{}\n", words.evidence_intro);
    let names = [
        words.file,
        words.host,
        words.format,
        words.bytes,
        words.records,
        words.skipped,
        words.first,
        words.last,
        "SHA-256",
        words.cited_by,
    ];
    table(out, &names);
    for input in &page.summary.inputs {
        let time =
            |at: Option<Timestamp>| at.map(|at| to_second(at).to_string()).unwrap_or_default();
        let cited = numbers(page, |finding| {
            finding
                .evidence
                .iter()
                .any(|record| record.file == input.path)
        });
        let cells = [
            // In full: it is what the hash is of.
            for_markdown(&input.path),
            cell(input.host.as_deref().unwrap_or_default()),
            input.format.unwrap_or(words.not_recognised).to_owned(),
            input.bytes.to_string(),
            input.records.to_string(),
            input.skipped.to_string(),
            time(input.first),
            time(input.last),
            input.sha256.clone().unwrap_or_default(),
            cited,
        ];
        row(out, &cells.each_ref().map(String::as_str));
    }
}

/// A list under a lead, not too long.
fn list(out: &mut String, page: &Page<'_>, lead: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "{lead}\n");
    for line in lines.iter().take(MOST_LINES) {
        let _ = writeln!(out, "- {line}");
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 0 {
        let _ = writeln!(
            out,
            "- {}",
            put(page.words.more_lines, &[&more.to_string()])
        );
    }
    out.push('\n');
}

pub(super) fn unseen(out: &mut String, page: &Page<'_>) {
    let (words, summary) = (page.words, page.summary);
    heading(out, words.unseen);
    let before = out.len();
    let told: Vec<String> = said(page, Part::Unseen)
        .iter()
        .map(|sentence| for_markdown(&told::sentence(sentence, summary.lang)))
        .collect();
    list(out, page, words.said_by_answers, &told);
    let safe = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .map(|line| for_markdown(&told::note(line, summary.lang)))
            .collect()
    };
    list(out, page, words.not_collected, &safe(&summary.missing));
    list(out, page, words.gaps, &gaps(page));
    let mut lost: Vec<String> = Vec::new();
    for input in &summary.inputs {
        let path = for_markdown(&input.path);
        if input.skipped > 0 {
            let all = input.records.saturating_add(input.skipped);
            lost.push(put(
                words.lost_records,
                &[&path, &input.skipped.to_string(), &all.to_string()],
            ));
        }
        let warnings = input.warnings.iter();
        lost.extend(
            warnings.map(|warning| format!("{path}: {}", cell(&told::note(warning, summary.lang)))),
        );
    }
    lost.extend(safe(&summary.warnings));
    list(out, page, words.lost, &lost);
    let unread = summary.inputs.iter().filter(|input| input.format.is_none());
    let unread: Vec<&str> = unread.map(|input| input.path.as_str()).collect();
    if !unread.is_empty() {
        let _ = writeln!(
            out,
            "{}\n",
            put(words.unread, &[&super::names(&unread, page)])
        );
    }
    list(out, page, words.clocks, &safe(&summary.clocks));
    if out.len() == before {
        let _ = writeln!(out, "{}", words.all_shown);
    }
}

/// Gaps of the coverage that touch the incident.
fn gaps(page: &Page<'_>) -> Vec<String> {
    let Some(Span { first, last }) = page.incident else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for source in page.beside.coverage {
        let name = |key: &str| source.get(key).and_then(Value::as_str).unwrap_or("-");
        let all = source.get("gaps").and_then(Value::as_array);
        for gap in all.into_iter().flatten() {
            let time = |key: &str| {
                gap.get(key)
                    .and_then(Value::as_str)
                    .and_then(Timestamp::parse_rfc3339)
            };
            let (Some(from), Some(to)) = (time("from"), time("to")) else {
                continue;
            };
            let touches = from.seconds() <= last.seconds().saturating_add(MARGIN_SECONDS)
                && to.seconds() >= first.seconds().saturating_sub(MARGIN_SECONDS);
            if touches {
                let length = duration(to.seconds().saturating_sub(from.seconds()));
                let (host, format) = (cell(name("host")), cell(name("format")));
                lines.push(put(
                    page.words.gap,
                    &[&host, &format, &page.both(from), &page.both(to), &length],
                ));
            }
        }
    }
    lines
}
