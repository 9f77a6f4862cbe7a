//! Tables that sort, filter and copy: the script adds that; without it they are plain tables.

use std::fmt::Write as _;

use coldcase_model::{Finding, Severity};
use serde_json::Value;

use super::View;
use super::escape::{escape, shorten};
use super::prose::prose;
use super::svg::number;
use super::times::{exact, stamp};
use crate::lang::told;
use crate::terminal::place;

/// Opens a table with these headings.
pub(super) fn open(out: &mut String, id: &str, headings: &[&str], view: &View<'_>) {
    let id = if id.is_empty() {
        String::new()
    } else {
        format!(" id=\"{id}\"")
    };
    let _ = write!(
        out,
        "<div class=\"wide\"><table class=\"sortable\"{id}><thead><tr>"
    );
    for heading in headings {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(heading));
    }
    let _ = view;
    out.push_str("</tr></thead><tbody>");
}

pub(super) fn close(out: &mut String) {
    out.push_str("</tbody></table></div>");
}

/// All findings, each to be opened; those of weight are.
pub(super) fn findings(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let all = &view.summary.findings.findings;
    let _ = write!(
        out,
        "<section id=\"findings\"><h2>{} <span class=\"dim\">{}</span></h2>",
        w.findings,
        number(all.len() as u64)
    );
    if all.is_empty() {
        let _ = write!(out, "<p>{}</p></section>", w.no_findings);
        return;
    }
    out.push_str(
        "<div class=\"tools\" data-filter=\"findings-list\"></div><div id=\"findings-list\">",
    );
    let of = |least: Severity, most: Severity| {
        all.iter()
            .filter(move |finding| (least..=most).contains(&finding.severity))
    };
    of(Severity::Medium, Severity::Critical).for_each(|finding| one(out, finding, view));
    let low = of(Severity::Low, Severity::Low).count();
    if low > 0 {
        let _ = write!(
            out,
            "<p class=\"rest\">{}</p>",
            w.lesser.replace("{}", &number(low as u64))
        );
        of(Severity::Low, Severity::Low).for_each(|finding| one(out, finding, view));
    }
    let noted = of(Severity::Info, Severity::Info).count();
    if noted > 0 {
        let _ = write!(
            out,
            "<details class=\"rest\"><summary>{}</summary>",
            w.noted.replace("{}", &number(noted as u64))
        );
        of(Severity::Info, Severity::Info).for_each(|finding| one(out, finding, view));
        out.push_str("</details>");
    }
    out.push_str("</div></section>");
}

fn one(out: &mut String, finding: &Finding, view: &View<'_>) {
    let w = view.words;
    let concluded = super::charts::is_concluded(view.summary.findings, finding);
    // What an answer above rests on is reached by its links; the rest of weight is open.
    let is_open = finding.severity >= Severity::Medium && !concluded;
    let severity = finding.severity.as_str();
    let _ = write!(
        out,
        "<details class=\"finding\" id=\"{}\" data-severity=\"{severity}\"{}><summary><span class=\"badge {severity}\">{}</span><h3>{}</h3><span class=\"sure\">{}</span></summary>",
        escape(&finding.id),
        if is_open { " open" } else { "" },
        w.severity(finding.severity),
        prose(&told::title(finding, view.lang), view),
        sure(finding.confidence, view),
    );
    let _ = write!(
        out,
        "<p>{}</p><p class=\"dim\">",
        prose(&told::text(finding, view.lang), view)
    );
    match (finding.first, finding.last) {
        (Some(first), Some(last)) if first != last => {
            let _ = write!(
                out,
                "{} {} {} · ",
                stamp(first, view.zone),
                w.to,
                stamp(last, view.zone)
            );
        }
        (Some(at), _) | (None, Some(at)) => {
            let _ = write!(out, "{} · ", stamp(at, view.zone));
        }
        _ => {}
    }
    let _ = write!(out, "<code>{}</code>", escape(&finding.id));
    if !finding.attack.is_empty() {
        let _ = write!(out, " · ATT&amp;CK {}", finding.attack.join(", "));
    }
    out.push_str("</p>");
    records(out, finding, view);
    facts(out, finding, view);
    out.push_str("</details>");
}

/// `97 % sure`.
pub(super) fn sure(confidence: f64, view: &View<'_>) -> String {
    view.words
        .sure
        .replace("{}", &format!("{:.0}", confidence * 100.0))
}

/// The records that a finding rests on, each with a name that links lead to.
fn records(out: &mut String, finding: &Finding, view: &View<'_>) {
    if finding.evidence.is_empty() {
        return;
    }
    let w = view.words;
    open(out, "", &[w.time, w.record, w.says], view);
    for (index, record) in finding.evidence.iter().enumerate() {
        let ts = record
            .ts
            .map_or_else(|| w.undated.to_owned(), |ts| exact(ts, view.zone));
        let _ = write!(
            out,
            "<tr id=\"{}-r{index}\"><td class=\"t\">{ts}</td><td class=\"mono place\">{}</td><td class=\"mono\">{}</td></tr>",
            escape(&finding.id),
            escape(&place(record)),
            escape(&record.text)
        );
    }
    close(out);
}

/// The facts by name, as `findings.json` has them.
fn facts(out: &mut String, finding: &Finding, view: &View<'_>) {
    let w = view.words;
    let _ = write!(
        out,
        "<details class=\"facts\"><summary>{} ({})</summary><div class=\"wide\"><table><tbody>",
        w.facts,
        finding.facts.len()
    );
    for (name, value) in &finding.facts {
        let text = match value {
            Value::Null => w.unknown.to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"mono\">{}</td></tr>",
            escape(name),
            escape(&text)
        );
    }
    out.push_str("</tbody></table></div></details>");
}

/// Every input.
pub(super) fn inputs(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let inputs = &view.summary.inputs;
    let skipped: u64 = inputs.iter().map(|input| input.skipped).sum();
    let _ = write!(
        out,
        "<section id=\"evidence\"><h2>{} <span class=\"dim\">{}</span></h2><p>{}</p>",
        w.evidence,
        number(inputs.len() as u64),
        w.read_of
            .replacen(
                "{}",
                &number(inputs.iter().filter(|input| input.format.is_some()).count() as u64),
                1
            )
            .replacen("{}", &number(inputs.len() as u64), 1)
            .replacen("{}", &number(skipped), 1)
    );
    open(
        out,
        "inputs",
        &[
            w.file, w.format, w.host, w.records, w.skipped, w.first, w.last, "sha256",
        ],
        view,
    );
    for input in inputs {
        let time = |at: Option<coldcase_model::Timestamp>| {
            at.map_or_else(String::new, |at| stamp(at, view.zone))
        };
        let hash = input.sha256.as_deref().unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td class=\"mono place\">{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td><td class=\"mono\"><span class=\"hash\" title=\"{}\">{}</span></td></tr>",
            escape(&input.path),
            input.format.unwrap_or(w.not_recognised),
            escape(input.host.as_deref().unwrap_or_default()),
            input.records,
            input.skipped,
            time(input.first),
            time(input.last),
            escape(hash),
            escape(&shorten(hash, 14))
        );
    }
    close(out);
    lost(out, view);
    out.push_str("</section>");
}

/// What was lost, what clocks rest on, and what was not collected.
fn lost(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let of_inputs = view.summary.inputs.iter().flat_map(|input| {
        input
            .warnings
            .iter()
            .map(|warning| (input.path.as_str(), warning))
    });
    let warnings: Vec<(&str, &String)> = of_inputs
        .chain(view.summary.warnings.iter().map(|warning| ("", warning)))
        .collect();
    if !warnings.is_empty() {
        let _ = write!(
            out,
            "<h3>{} <span class=\"dim\">{}</span></h3><ul class=\"lines\">",
            w.lost,
            warnings.len()
        );
        for (path, warning) in warnings {
            let _ = write!(
                out,
                "<li><span class=\"mono\">{}</span> {}</li>",
                escape(path),
                prose(&told::note(warning, view.lang), view)
            );
        }
        out.push_str("</ul>");
    }
    for (title, lines) in [
        (w.clocks, &view.summary.clocks),
        (w.missing, &view.summary.missing),
    ] {
        if !lines.is_empty() {
            let _ = write!(
                out,
                "<h3>{title} <span class=\"dim\">{}</span></h3><ul class=\"lines\">",
                lines.len()
            );
            for line in lines {
                let _ = write!(
                    out,
                    "<li>{}</li>",
                    prose(&told::note(line, view.lang), view)
                );
            }
            out.push_str("</ul>");
        }
    }
}
