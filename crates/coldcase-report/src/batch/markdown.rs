//! `batch.md`.

use std::fmt::Write as _;

use super::entities::EntityKind;
use super::{Batch, lines, trends};
use crate::for_markdown;
use crate::lang::{put, told};

/// The batch as Markdown.
pub fn markdown(batch: &Batch) -> String {
    let words = batch.words();
    let mut out = format!("# {}\n\n{}\n", words.title, batch.intro());
    incidents(&mut out, batch);
    answers(&mut out, batch);
    shared(&mut out, batch);
    files(&mut out, batch);
    trend(&mut out, batch);
    out
}

fn row(out: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| for_markdown(cell)).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn head(out: &mut String, names: &[&str]) {
    let _ = writeln!(
        out,
        "| {} |\n|{}",
        names.join(" | "),
        " --- |".repeat(names.len())
    );
}

fn incidents(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let _ = writeln!(out, "\n## {}\n", words.incidents);
    head(
        out,
        &[
            words.case,
            words.worst,
            words.when,
            words.lasted,
            words.found_after,
            words.hosts,
            words.findings,
            words.evidence,
            words.covered,
        ],
    );
    for case in batch.cases() {
        let [lasted, until] = lines::lengths(case);
        let when = match case.incident() {
            Some(incident) => lines::span(incident, words),
            None => lines::no_incident(case, words).to_owned(),
        };
        let covered = case.covered().map(|span| lines::span(span, words));
        let cells = [
            case.name.clone(),
            case.worst()
                .map(|worst| words.severity(worst))
                .unwrap_or_default()
                .to_owned(),
            when,
            lasted,
            until,
            lines::hosts(case),
            lines::counts(case, words),
            lines::evidence(case, words),
            covered.unwrap_or_default(),
        ];
        row(out, &cells);
    }
}

fn answers(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let _ = writeln!(out, "\n## {}\n", words.answers);
    for case in batch.cases() {
        if case.findings.conclusions.is_empty() {
            let _ = writeln!(
                out,
                "- **{}**: {}",
                for_markdown(&case.name),
                words.no_answer
            );
        }
        for conclusion in &case.findings.conclusions {
            let _ = writeln!(
                out,
                "- **{}**: {}: {} **{}** ({})",
                for_markdown(&case.name),
                for_markdown(&told::question(conclusion, batch.lang)),
                words.observable(conclusion.answer.kind),
                for_markdown(&conclusion.answer.value),
                put(
                    words.sure,
                    &[&format!("{:.0}", conclusion.confidence * 100.0)]
                )
            );
        }
    }
}

fn shared(out: &mut String, batch: &Batch) {
    let (words, shared) = (batch.words(), batch.shared());
    let _ = writeln!(out, "\n## {}\n", words.shared);
    if shared.entities.is_empty() {
        let _ = writeln!(out, "{}", words.nothing_shared);
    } else {
        let _ = writeln!(out, "{}", words.shared_intro);
    }
    for kind in EntityKind::ALL {
        let of_kind = || shared.entities.iter().filter(|one| one.value.kind == kind);
        if of_kind().next().is_none() {
            continue;
        }
        let _ = writeln!(out, "\n### {}\n", words.entities(kind));
        head(
            out,
            &[
                words.entities(kind),
                words.seen_in,
                words.when,
                words.seen_where,
                words.note,
            ],
        );
        for entity in of_kind() {
            for (index, seen) in entity.seen.iter().enumerate() {
                let is_first = index == 0;
                let once = |text: String| if is_first { text } else { String::new() };
                let when = seen.span.map(|span| lines::span(span, words));
                let cells = [
                    once(entity.value.text.clone()),
                    batch.name(seen.case).to_owned(),
                    when.unwrap_or_default(),
                    lines::named_by(seen, words),
                    once(lines::notes(entity, words)),
                ];
                row(out, &cells);
            }
        }
        if let Some(more) = shared.more.get(&kind) {
            let _ = writeln!(out, "\n{}", put(words.more, &[&more.to_string()]));
        }
    }
    if !shared.common.is_empty() {
        let common: Vec<&str> = shared
            .common
            .iter()
            .map(|value| value.text.as_str())
            .collect();
        let _ = writeln!(
            out,
            "\n{}: {}.",
            words.left_out,
            for_markdown(&common.join(", "))
        );
    }
    if shared.only_noted > 0 {
        let _ = writeln!(
            out,
            "\n{}",
            put(words.only_noted, &[&shared.only_noted.to_string()])
        );
    }
}

fn files(out: &mut String, batch: &Batch) {
    let (words, shared) = (batch.words(), batch.shared());
    if shared.files.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {}\n\n{}\n", words.files, words.files_intro);
    head(out, &["sha256", words.bytes, words.seen_in]);
    for file in &shared.files {
        let places: Vec<String> = file
            .places
            .iter()
            .map(|(case, path)| format!("{}: {path}", batch.name(*case)))
            .collect();
        row(
            out,
            &[
                file.sha256.clone(),
                file.bytes.to_string(),
                places.join("; "),
            ],
        );
    }
    if shared.more_files > 0 {
        let _ = writeln!(
            out,
            "\n{}",
            put(words.more, &[&shared.more_files.to_string()])
        );
    }
}

fn trend(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let _ = writeln!(out, "\n## {}\n\n{}\n", words.trends, words.trends_intro);
    let months = trends::by_month(batch.cases());
    if months.all.is_empty() {
        let _ = writeln!(out, "{}", words.nothing_dated);
        return;
    }
    let table = |out: &mut String, title: &str, name: &str, rows: Vec<(String, &[usize])>| {
        let _ = writeln!(out, "### {title}\n");
        head(out, &[name, words.count, words.cases]);
        for (name, cases) in rows.into_iter().filter(|(_, cases)| !cases.is_empty()) {
            row(
                out,
                &[name, cases.len().to_string(), batch.names(cases).join(", ")],
            );
        }
        out.push('\n');
    };
    let kinds = trends::by_kind(batch.cases());
    let rows = kinds
        .iter()
        .map(|kind| (kind.name.to_owned(), kind.cases.as_slice()));
    table(out, words.by_kind, words.kind, rows.collect());
    let weeks = trends::by_week(batch.cases());
    for (title, name, periods) in [
        (words.by_month, words.month, &months),
        (words.by_week, words.week, &weeks),
    ] {
        let rows = periods
            .all
            .iter()
            .map(|one| (one.name.clone(), one.cases.as_slice()));
        table(out, title, name, rows.collect());
    }
}
