//! `batch.html`: one self-contained page. It loads nothing and runs no script (its policy forbids both);
//! evidence text is escaped as in `report.html`.

use std::fmt::Write as _;

use coldcase_model::Severity;

use super::entities::EntityKind;
use super::trends::Periods;
use super::words::Words;
use super::{Batch, BatchCase, Span, lines, trends};
use crate::html::escape::escape;
use crate::lang::{put, told};

const WIDTH: f64 = 1000.0;
/// Where lanes begin; left of it stand their names.
const LEFT: f64 = 240.0;
const LANE: f64 = 22.0;
/// Most bars and lanes drawn; the tables hold all.
const MOST_DRAWN: usize = 60;
const BAR_HEIGHT: f64 = 90.0;

/// The batch as a page.
pub fn html(batch: &Batch) -> String {
    let words = batch.words();
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">",
        batch.lang.tag()
    );
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
    let _ = write!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\"><title>coldcase: {0}</title><style>{1}</style></head><body>\n<h1>{0}</h1><p class=\"dim\">{2}</p>",
        words.title,
        include_str!("style.css"),
        batch.intro()
    );
    incidents(&mut out, batch);
    over_time(&mut out, batch);
    answers(&mut out, batch);
    shared(&mut out, batch);
    files(&mut out, batch);
    trend(&mut out, batch);
    out.push_str("</body></html>\n");
    out
}

/// The head of a table that scrolls by itself.
fn head(out: &mut String, names: &[&str]) {
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    for name in names {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
    }
    out.push_str("</tr></thead><tbody>");
}

const END: &str = "</tbody></table></div>";

fn row(out: &mut String, cells: &[&str]) {
    out.push_str("<tr>");
    for cell in cells {
        let _ = write!(out, "<td>{}</td>", escape(cell));
    }
    out.push_str("</tr>");
}

fn badge(severity: Option<Severity>, words: &Words) -> String {
    severity.map_or_else(String::new, |severity| {
        let (class, word) = (severity.as_str(), words.severity(severity));
        format!("<span class=\"badge {class}\">{word}</span>")
    })
}

fn incidents(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let _ = write!(out, "<h2>{}</h2>", words.incidents);
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
        let when = match case.incident() {
            Some(incident) => times(Some(incident), words),
            None => lines::no_incident(case, words).to_owned(),
        };
        let [lasted, until] = lines::lengths(case);
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{when}</td><td>{lasted}</td><td>{until}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&case.name),
            badge(case.worst(), words),
            escape(&lines::hosts(case)),
            lines::counts(case, words),
            lines::evidence(case, words),
            times(case.covered(), words)
        );
    }
    out.push_str(END);
}

/// From and to, neither broken over lines.
fn times(span: Option<Span>, words: &Words) -> String {
    let ends = span.map(lines::ends).unwrap_or_default();
    let ends: Vec<String> = ends
        .iter()
        .map(|end| format!("<time>{end}</time>"))
        .collect();
    ends.join(&format!(" {} ", words.to))
}

/// A lane a case: what its evidence covers, and in it the incident.
fn over_time(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let lanes: Vec<(&BatchCase, Option<Span>, Option<Span>)> = batch
        .cases()
        .iter()
        .map(|case| (case, case.covered(), case.incident()))
        .filter(|(_, covered, incident)| covered.is_some() || incident.is_some())
        .take(MOST_DRAWN)
        .collect();
    let spans = lanes
        .iter()
        .flat_map(|(_, covered, incident)| [*covered, *incident]);
    let moments = spans.flatten().flat_map(|span| [span.first, span.last]);
    let Some(whole) = Span::of(moments) else {
        return;
    };
    let length = whole.seconds().max(1) as f64;
    let x = |at: coldcase_model::Timestamp| {
        let since = at.seconds().saturating_sub(whole.first.seconds());
        LEFT + since as f64 / length * (WIDTH - LEFT - 10.0)
    };
    let height = LANE * (lanes.len() as f64 + 1.2);
    let _ = write!(
        out,
        "<h2>{0}</h2><p class=\"dim\"><span class=\"key evidence\"></span> {1} <span class=\"key incident\"></span> {2}</p><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\">",
        words.over_time, words.bar_evidence, words.bar_incident
    );
    for (index, (case, covered, incident)) in lanes.iter().enumerate() {
        let y = LANE * index as f64;
        let name: String = case.name.chars().take(32).collect();
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 14.0,
            escape(&name)
        );
        for (span, class, top, high) in [
            (covered, "evidence", 3.0, 14.0),
            (incident, "incident", 6.0, 8.0),
        ] {
            let Some(span) = span else { continue };
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high}\" rx=\"2\"><title>{}</title></rect>",
                x(span.first),
                y + top,
                (x(span.last) - x(span.first)).max(2.0),
                lines::span(*span, words)
            );
        }
    }
    let y = height - 6.0;
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{y:.1}\">{}</text><text x=\"{WIDTH}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text></svg>",
        whole.first.to_utc().format("%Y-%m-%d"),
        whole.last.to_utc().format("%Y-%m-%d")
    );
}

fn answers(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let _ = write!(out, "<h2>{}</h2>", words.answers);
    head(out, &[words.case, words.answers]);
    for case in batch.cases() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th><td>", escape(&case.name));
        if case.findings.conclusions.is_empty() {
            let _ = write!(out, "<span class=\"dim\">{}</span>", words.no_answer);
        }
        for conclusion in &case.findings.conclusions {
            let _ = write!(
                out,
                "<p>{}: {} <strong>{}</strong> <span class=\"dim\">{}</span></p>",
                escape(&told::question(conclusion, batch.lang)),
                words.observable(conclusion.answer.kind),
                escape(&conclusion.answer.value),
                put(
                    words.sure,
                    &[&format!("{:.0}", conclusion.confidence * 100.0)]
                )
            );
        }
        out.push_str("</td></tr>");
    }
    out.push_str(END);
}

fn shared(out: &mut String, batch: &Batch) {
    let (words, shared) = (batch.words(), batch.shared());
    let intro = if shared.entities.is_empty() {
        words.nothing_shared
    } else {
        words.shared_intro
    };
    let _ = write!(out, "<h2>{}</h2><p>{intro}</p>", words.shared);
    for kind in EntityKind::ALL {
        let of_kind = || shared.entities.iter().filter(|one| one.value.kind == kind);
        if of_kind().next().is_none() {
            continue;
        }
        let _ = write!(out, "<h3>{}</h3>", words.entities(kind));
        head(
            out,
            &[
                words.entities(kind),
                words.worst,
                words.seen_in,
                words.when,
                words.seen_where,
            ],
        );
        for entity in of_kind() {
            for (index, seen) in entity.seen.iter().enumerate() {
                out.push_str("<tr>");
                if index == 0 {
                    let rows = entity.seen.len();
                    let _ = write!(
                        out,
                        "<th scope=\"rowgroup\" rowspan=\"{rows}\"><span class=\"mono\">{}</span><br><span class=\"dim\">{}</span></th><td rowspan=\"{rows}\">{}</td>",
                        escape(&entity.value.text),
                        escape(&lines::notes(entity, words)),
                        badge(entity.worst(), words)
                    );
                }
                let _ = write!(
                    out,
                    "<td>{}</td><td>{}</td><td>{}</td>",
                    escape(batch.name(seen.case)),
                    times(seen.span, words),
                    escape(&lines::named_by(seen, words))
                );
                out.push_str("</tr>");
            }
        }
        out.push_str(END);
        if let Some(more) = shared.more.get(&kind) {
            let more = put(words.more, &[&more.to_string()]);
            let _ = write!(out, "<p class=\"dim\">{more}</p>");
        }
    }
    if !shared.common.is_empty() {
        let common: Vec<String> = shared
            .common
            .iter()
            .map(|value| escape(&value.text))
            .collect();
        let _ = write!(
            out,
            "<p class=\"dim\">{}: {}</p>",
            words.left_out,
            common.join(", ")
        );
    }
    if shared.only_noted > 0 {
        let noted = put(words.only_noted, &[&shared.only_noted.to_string()]);
        let _ = write!(out, "<p class=\"dim\">{noted}</p>");
    }
}

fn files(out: &mut String, batch: &Batch) {
    let (words, shared) = (batch.words(), batch.shared());
    if shared.files.is_empty() {
        return;
    }
    let _ = write!(out, "<h2>{}</h2><p>{}</p>", words.files, words.files_intro);
    head(out, &["sha256", words.bytes, words.seen_in]);
    for file in &shared.files {
        let places: Vec<String> = file
            .places
            .iter()
            .map(|(case, path)| escape(&format!("{}: {path}", batch.name(*case))))
            .collect();
        let _ = write!(
            out,
            "<tr><td class=\"mono\">{}</td><td>{}</td><td>{}</td></tr>",
            escape(&file.sha256),
            file.bytes,
            places.join("<br>")
        );
    }
    out.push_str(END);
    if shared.more_files > 0 {
        let more = put(words.more, &[&shared.more_files.to_string()]);
        let _ = write!(out, "<p class=\"dim\">{more}</p>");
    }
}

fn trend(out: &mut String, batch: &Batch) {
    let words = batch.words();
    let _ = write!(
        out,
        "<h2>{}</h2><p class=\"dim\">{}</p>",
        words.trends, words.trends_intro
    );
    let months = trends::by_month(batch.cases());
    if months.all.is_empty() {
        let _ = write!(out, "<p>{}</p>", words.nothing_dated);
        return;
    }
    let _ = write!(out, "<h3>{}</h3>", words.by_kind);
    head(out, &[words.kind, words.count, words.cases]);
    for kind in trends::by_kind(batch.cases()) {
        let (count, names) = (
            kind.cases.len().to_string(),
            batch.names(&kind.cases).join(", "),
        );
        row(out, &[kind.name, &count, &names]);
    }
    out.push_str(END);
    let weeks = trends::by_week(batch.cases());
    for (title, name, periods) in [
        (words.by_month, words.month, &months),
        (words.by_week, words.week, &weeks),
    ] {
        let _ = write!(out, "<h3>{title}</h3>");
        bars(out, periods, title);
        head(out, &[name, words.count, words.cases]);
        for period in periods.all.iter().filter(|period| !period.cases.is_empty()) {
            let count = period.cases.len().to_string();
            row(
                out,
                &[&period.name, &count, &batch.names(&period.cases).join(", ")],
            );
        }
        out.push_str(END);
    }
}

/// A bar a period, as high as incidents began in it; none where quiet periods are left out.
fn bars(out: &mut String, periods: &Periods, label: &str) {
    if !periods.is_whole {
        return;
    }
    let shown = &periods.all;
    let most = shown
        .iter()
        .map(|period| period.cases.len())
        .max()
        .unwrap_or(0)
        .max(1);
    let step = (WIDTH / shown.len().max(1) as f64).min(80.0);
    let height = BAR_HEIGHT + 20.0;
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">"
    );
    // Names that would lie over each other are left out.
    let every = (70.0 / step).ceil().max(1.0);
    for (index, period) in shown.iter().enumerate() {
        let x = step * index as f64;
        let high = BAR_HEIGHT * period.cases.len() as f64 / most as f64;
        let _ = write!(
            out,
            "<rect class=\"incident\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"><title>{}: {}</title></rect>",
            x + 1.0,
            BAR_HEIGHT - high,
            (step - 2.0).max(1.0),
            period.name,
            period.cases.len()
        );
        if (index as f64 % every) < 1.0 {
            let _ = write!(
                out,
                "<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                height - 5.0,
                period.name
            );
        }
    }
    out.push_str("</svg>");
}
