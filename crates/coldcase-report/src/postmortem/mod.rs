//! `post-mortem.md`: a draft that people finish. What the evidence tells stands in it (what happened, when, why, on what
//! it rests, what can't be seen, what to run next); where only people know, it says so.

mod ended;
mod lists;
mod moments;
mod next;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coldcase_model::{Conclusion, Finding, ObservableType, Severity, Timestamp};
use serde_json::Value;

use crate::batch::{Span, duration, incident};
use crate::lang::{put, told};
use crate::parts::{Part, sentences};
use crate::summary::local;
use crate::{Summary, for_markdown};
use words::Words;

/// Key findings.
const MOST_FINDINGS: usize = 60;
/// Names of one kind in a cell.
const MOST_NAMES: usize = 20;
/// Letters of a record or name in a cell; the file and line tell where the whole stands.
const LONGEST: usize = 240;

/// What a post-mortem needs beside what other reports do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// `coverage` as `case.json` holds it.
    pub coverage: &'a [Value],
    /// When the evidence was collected.
    pub collected_at: Option<Timestamp>,
}

/// What every part is written with.
struct Page<'a> {
    summary: &'a Summary<'a>,
    beside: Beside<'a>,
    words: &'static Words,
    /// What conclusions rest on, and what is of medium severity or above: numbered from 1 in this order.
    key: Vec<&'a Finding>,
    incident: Option<Span>,
}

/// The post-mortem of a case as Markdown.
pub fn post_mortem(summary: &Summary<'_>, beside: Beside<'_>) -> String {
    let findings = summary.findings;
    let is_key = |finding: &&Finding| {
        let mut conclusions = findings.conclusions.iter();
        finding.severity >= Severity::Medium
            || conclusions.any(|one| one.because.contains(&finding.id))
    };
    let page = Page {
        summary,
        beside,
        words: Words::of(summary.lang),
        key: findings.findings.iter().filter(is_key).collect(),
        incident: incident(findings),
    };
    let mut out = String::new();
    head(&mut out, &page);
    overview(&mut out, &page);
    if !page.key.is_empty() {
        impact(&mut out, &page);
        cause(&mut out, &page);
        timeline(&mut out, &page);
        how_it_ended(&mut out, &page);
        lists::findings(&mut out, &page);
    }
    lists::evidence(&mut out, &page);
    lists::unseen(&mut out, &page);
    next::open_questions(&mut out, &page);
    next::commands(&mut out, &page);
    out
}

impl Page<'_> {
    /// Something that only people know.
    fn to_fill_in(&self, out: &mut String, what: &str) {
        let _ = writeln!(out, "\n{}", put(self.words.to_fill_in, &[what]));
    }

    /// A moment in UTC and in the bundle's zone.
    fn both(&self, at: Timestamp) -> String {
        format!("{} ({})", to_second(at), local(at, self.summary.zone))
    }

    /// A conclusion's question, and its answer.
    fn answer(&self, conclusion: &Conclusion) -> String {
        format!(
            "{}: {}",
            self.question(conclusion),
            self.named(conclusion.answer.kind, &conclusion.answer.value)
        )
    }

    fn question(&self, conclusion: &Conclusion) -> String {
        for_markdown(&told::question(conclusion, self.summary.lang))
    }

    fn named(&self, kind: ObservableType, value: &str) -> String {
        let kind = crate::lang::words(self.summary.lang).kind(kind);
        format!("{kind} **{}**", cell(value))
    }
}

fn percent(confidence: f64) -> String {
    format!("{:.0}", confidence * 100.0)
}

fn to_second(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds()).unwrap_or(at)
}

/// Evidence text for a cell or line: cut, then made harmless.
fn cell(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    for_markdown(&shown)
}

fn row(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn table(out: &mut String, names: &[&str]) {
    row(out, names);
    let _ = writeln!(out, "|{}", " --- |".repeat(names.len()));
}

fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "\n## {text}\n");
}

fn head(out: &mut String, page: &Page<'_>) {
    let (words, summary) = (page.words, page.summary);
    let conclusion = summary.findings.conclusions.first();
    let title = conclusion.map(|one| page.question(one)).or_else(|| {
        let gravest = page.key.first()?;
        Some(for_markdown(&told::title(gravest, summary.lang)))
    });
    let title = title.unwrap_or_else(|| words.nothing.to_owned());
    let _ = writeln!(
        out,
        "# {}\n\n{}\n",
        put(words.title, &[&title]),
        words.draft
    );
    let worst = page
        .key
        .first()
        .map(|finding| crate::lang::words(summary.lang).severity(finding.severity));
    table(out, &["", ""]);
    row(out, &[words.severity, worst.unwrap_or("-")]);
    let when = page.incident.map(|span| {
        format!(
            "{} {} {}",
            page.both(span.first),
            words.to,
            page.both(span.last)
        )
    });
    row(
        out,
        &[words.when, when.as_deref().unwrap_or(words.not_dated)],
    );
    if let Some(span) = page.incident {
        row(out, &[words.lasted, &duration(span.seconds())]);
        let until = page.beside.collected_at.filter(|at| *at >= span.last);
        if let Some(at) = until {
            let seconds = at.seconds().saturating_sub(span.last.seconds());
            row(out, &[words.until_collection, &duration(seconds)]);
        }
    }
    row(out, &[words.hosts, &hosts(page)]);
    let inputs = &summary.inputs;
    let sum = |of: fn(&crate::InputLine) -> u64| inputs.iter().map(of).sum::<u64>().to_string();
    let unknown = inputs.iter().filter(|input| input.format.is_none()).count();
    let read = [
        inputs.len().to_string(),
        unknown.to_string(),
        sum(|one| one.records),
        sum(|one| one.skipped),
    ];
    row(
        out,
        &[
            words.read,
            &put(words.read_counts, &read.each_ref().map(String::as_str)),
        ],
    );
    let source = told::zone_source(summary.zone_source, summary.lang);
    row(
        out,
        &[
            words.times,
            &put(
                words.times_in,
                &[&for_markdown(summary.zone.name()), &for_markdown(&source)],
            ),
        ],
    );
}

/// Hosts of the files that key findings cite.
fn hosts(page: &Page<'_>) -> String {
    let cited = |path: &str| {
        let mut records = page.key.iter().flat_map(|finding| &finding.evidence);
        records.any(|record| record.file == path)
    };
    let inputs = page
        .summary
        .inputs
        .iter()
        .filter(|input| cited(&input.path));
    let mut hosts: Vec<&str> = inputs.filter_map(|input| input.host.as_deref()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    names(&hosts, page)
}

/// Names for a cell, not too many.
fn names(all: &[&str], page: &Page<'_>) -> String {
    let mut shown: Vec<String> = all.iter().take(MOST_NAMES).map(|name| cell(name)).collect();
    if all.len() > MOST_NAMES {
        shown.push(put(
            page.words.more_names,
            &[&(all.len() - MOST_NAMES).to_string()],
        ));
    }
    if shown.is_empty() {
        "-".to_owned()
    } else {
        shown.join(", ")
    }
}

fn overview(out: &mut String, page: &Page<'_>) {
    let (words, lang) = (page.words, page.summary.lang);
    heading(out, words.summary);
    let sure = crate::lang::words(lang).sure;
    for conclusion in &page.summary.findings.conclusions {
        let _ = writeln!(
            out,
            "- {} ({}).",
            page.answer(conclusion),
            put(sure, &[&percent(conclusion.confidence)])
        );
        if !conclusion.candidates.is_empty() {
            let all: Vec<&str> = conclusion
                .candidates
                .iter()
                .map(|one| one.value.as_str())
                .collect();
            let _ = writeln!(out, "  {}.", put(words.candidates, &[&names(&all, page)]));
        }
    }
    if !page.summary.findings.conclusions.is_empty() {
        return;
    }
    if page.key.is_empty() {
        let _ = writeln!(out, "{}", words.nothing_found);
        return;
    }
    let _ = writeln!(out, "{}\n", words.no_answer);
    let worst = page.key.first().map(|finding| finding.severity);
    let gravest = page
        .key
        .iter()
        .filter(|finding| Some(finding.severity) == worst);
    for finding in gravest.take(MOST_NAMES) {
        let _ = writeln!(out, "- {}", for_markdown(&told::title(finding, lang)));
    }
}

fn impact(out: &mut String, page: &Page<'_>) {
    let words = page.words;
    heading(out, words.impact);
    let lang = page.summary.lang;
    let high = (1..)
        .zip(&page.key)
        .filter(|(_, one)| one.severity >= Severity::High);
    for (number, finding) in high.take(MOST_NAMES) {
        let title = for_markdown(&told::title(finding, lang));
        let _ = writeln!(out, "- {title} (F{number})");
    }
    let mut subjects: BTreeMap<ObservableType, Vec<&str>> = BTreeMap::new();
    let weighty = page
        .key
        .iter()
        .filter(|finding| finding.severity >= Severity::Medium);
    for subject in weighty.flat_map(|finding| &finding.subjects) {
        let of_kind = subjects.entry(subject.kind).or_default();
        if !of_kind.contains(&subject.value.as_str()) {
            of_kind.push(&subject.value);
        }
    }
    if !subjects.is_empty() {
        let _ = writeln!(out, "\n{}\n", words.impact_intro);
        table(out, &[words.thing, words.names]);
        for (kind, all) in &subjects {
            row(
                out,
                &[
                    crate::lang::words(page.summary.lang).kind(*kind),
                    &names(all, page),
                ],
            );
        }
    }
    page.to_fill_in(out, words.impact_unknown);
}

/// Sentences of the answers that belong to a part, each once.
fn said(page: &Page<'_>, part: Part) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for conclusion in &page.summary.findings.conclusions {
        for sentence in sentences(&conclusion.text) {
            if sentence.part == part && !said.contains(&sentence.text) {
                said.push(sentence.text);
            }
        }
    }
    said
}

fn cause(out: &mut String, page: &Page<'_>) {
    let (words, lang) = (page.words, page.summary.lang);
    heading(out, words.cause);
    if page.summary.findings.conclusions.is_empty() {
        let _ = writeln!(out, "{}", words.no_cause);
    }
    for conclusion in &page.summary.findings.conclusions {
        let _ = writeln!(out, "### {}\n", page.answer(conclusion));
        let all = sentences(&conclusion.text);
        let of = |part: Part| all.iter().filter(move |one| one.part == part);
        for sentence in of(Part::Proof) {
            let _ = writeln!(
                out,
                "- {}",
                for_markdown(&told::sentence(&sentence.text, lang))
            );
        }
        if of(Part::Against).next().is_some() {
            let _ = writeln!(out, "\n{}:\n", words.against);
        }
        for sentence in of(Part::Against) {
            let _ = writeln!(
                out,
                "- {}",
                for_markdown(&told::sentence(&sentence.text, lang))
            );
        }
        let rests_on = lists::numbers(page, |finding| conclusion.because.contains(&finding.id));
        let _ = writeln!(out, "\n{}: {rests_on}\n", words.found);
    }
    page.to_fill_in(out, words.root);
}

fn timeline(out: &mut String, page: &Page<'_>) {
    let words = page.words;
    heading(out, words.timeline);
    let (moments, more) = moments::moments(&page.key);
    if moments.is_empty() {
        let _ = writeln!(out, "{}", words.no_records);
        return;
    }
    let ends = moments::ENDS.to_string();
    let _ = writeln!(out, "{}\n", put(words.timeline_intro, &[&ends, &ends]));
    let zone = for_markdown(page.summary.zone.name());
    table(
        out,
        &["UTC", &zone, words.record, words.place, words.findings],
    );
    let mut collected = page.beside.collected_at;
    let mut collect = |out: &mut String, before: Option<Timestamp>| {
        if let Some(at) = collected.filter(|at| before.is_none_or(|before| *at < before)) {
            row(
                out,
                &[
                    &to_second(at).to_string(),
                    &local(at, page.summary.zone),
                    words.collected,
                    "",
                    "",
                ],
            );
            collected = None;
        }
    };
    for moment in &moments {
        collect(out, moment.record.ts);
        let ts = moment.record.ts;
        let (utc, local) = match ts {
            Some(at) => (at.to_string(), local(at, page.summary.zone)),
            None => (words.undated.to_owned(), String::new()),
        };
        let cited: Vec<String> = moment
            .cited_by
            .iter()
            .map(|number| format!("F{number}"))
            .collect();
        let place = cell(&crate::terminal::place(moment.record));
        row(
            out,
            &[
                &utc,
                &local,
                &cell(&moment.record.text),
                &place,
                &cited.join(", "),
            ],
        );
    }
    collect(out, None);
    if more > 0 {
        let _ = writeln!(out, "\n{}", put(words.more_records, &[&more.to_string()]));
    }
}

fn how_it_ended(out: &mut String, page: &Page<'_>) {
    let words = page.words;
    heading(out, words.ended);
    let all = ended::ended(page.summary, &page.key);
    if all.is_empty() {
        let _ = writeln!(out, "{}", words.ended_unknown);
    }
    for one in &all {
        let (about, last) = (cell(&one.about), page.both(one.last));
        let line = match one.silent_until {
            Some(until) => {
                let longer = duration(until.seconds().saturating_sub(one.last.seconds()));
                put(words.went_on, &[&about, &last, &page.both(until), &longer])
            }
            None => put(words.still_on, &[&about, &last]),
        };
        let _ = writeln!(out, "- {line}");
    }
    if all.iter().any(|one| one.silent_until.is_some()) {
        let _ = writeln!(out, "\n{}", words.silence);
    }
    page.to_fill_in(out, words.done);
}

#[cfg(test)]
mod tests;
