//! `report.html`: the case as one self-contained page. It loads nothing, runs no script (its policy forbids
//! both) and shows evidence text escaped, with control and direction marks made visible.

mod lanes;

use std::fmt::Write as _;

use coldcase_model::{Finding, Severity, Timestamp};
use serde_json::Value;

use crate::summary::local;
use crate::terminal::place;
use crate::{Summary, for_terminal};

/// Longest text in a cell, in characters.
const LONGEST: usize = 400;

/// Evidence text for a place between tags or in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    let shown = cut.and_then(|end| text.get(..end)).unwrap_or(text);
    let mut safe = String::with_capacity(shown.len());
    for character in for_terminal(shown).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    if cut.is_some() {
        safe.push_str(" … (cut)");
    }
    safe
}

/// The whole page.
pub fn html(summary: &Summary<'_>) -> String {
    let mut out = String::new();
    out.push_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\"><title>coldcase report</title><style>");
    out.push_str(include_str!("style.css"));
    out.push_str("</style></head><body>\n<h1>Case report</h1>");
    let _ = write!(
        out,
        "<p class=\"dim\">{} events from {} files. Times in UTC and in {} ({}).</p>",
        summary.events,
        summary.inputs.len(),
        escape(summary.zone.name()),
        escape(summary.zone_source)
    );
    answers(&mut out, summary);
    findings(&mut out, summary);
    out.push_str("<h2>When</h2>");
    lanes::findings(&mut out, summary);
    out.push_str("<h2>What the evidence covers</h2>");
    lanes::coverage(&mut out, summary);
    inputs(&mut out, summary);
    out.push_str("</body></html>\n");
    out
}

fn answers(out: &mut String, summary: &Summary<'_>) {
    out.push_str("<h2>Answers</h2>");
    if summary.findings.conclusions.is_empty() {
        out.push_str("<p>No conclusion joins the findings below.</p>");
    }
    for conclusion in &summary.findings.conclusions {
        let kind = format!("{:?}", conclusion.answer.kind).to_lowercase();
        let _ = write!(
            out,
            "<div class=\"answer\"><p>{}: <strong>{kind} {}</strong> ({:.0} % sure)</p><p>{}</p><p class=\"dim\">Rests on ",
            escape(&conclusion.question),
            escape(&conclusion.answer.value),
            conclusion.confidence * 100.0,
            paragraph(&conclusion.text)
        );
        for id in &conclusion.because {
            let _ = write!(out, "<a href=\"#{0}\">{0}</a> ", escape(id));
        }
        out.push_str("</p></div>");
    }
}

/// Most words of a text: our own sentences are far below, evidence that they quote may not be.
const MOST_WORDS: usize = 1_000;

/// Our own sentences, which quote evidence: escaped like it, each word cut like it.
fn paragraph(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .take(MOST_WORDS)
        .map(escape)
        .collect();
    words.join(" ")
}

fn findings(out: &mut String, summary: &Summary<'_>) {
    let _ = write!(
        out,
        "<h2>Findings ({})</h2>",
        summary.findings.findings.len()
    );
    for finding in &summary.findings.findings {
        one(out, summary, finding);
    }
}

fn one(out: &mut String, summary: &Summary<'_>, finding: &Finding) {
    let open = if finding.severity >= Severity::Medium {
        " open"
    } else {
        ""
    };
    let severity = finding.severity.as_str();
    let _ = write!(
        out,
        "<details id=\"{}\"{open}><summary><span class=\"badge {severity}\">{severity}</span> <h3>{}</h3></summary><p>{}</p>",
        escape(&finding.id),
        escape(&finding.title),
        paragraph(&finding.text)
    );
    let _ = write!(out, "<p class=\"dim\">");
    if let (Some(first), Some(last)) = (
        finding.first.or(finding.last),
        finding.last.or(finding.first),
    ) {
        let (from, to) = (local(first, summary.zone), local(last, summary.zone));
        let _ = write!(out, "{first} to {last} · {from} to {to} · ");
    }
    let _ = write!(
        out,
        "{:.0} % sure{}</p>",
        finding.confidence * 100.0,
        attack(finding)
    );
    out.push_str("<div class=\"wide\"><table>");
    for (name, value) in &finding.facts {
        let text = match value {
            Value::Null => "unknown".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = write!(
            out,
            "<tr><th>{}</th><td class=\"mono\">{}</td></tr>",
            escape(name),
            escape(&text)
        );
    }
    out.push_str("</table></div><div class=\"wide\"><table><tr><th>time (UTC)</th><th>record</th><th>text</th></tr>");
    for record in &finding.evidence {
        let ts = record.ts.map(|ts| ts.to_string()).unwrap_or_default();
        let (place, text) = (escape(&place(record)), escape(&record.text));
        let _ = write!(
            out,
            "<tr><td class=\"mono\">{ts}</td><td class=\"mono\">{place}</td><td class=\"mono\">{text}</td></tr>"
        );
    }
    out.push_str("</table></div></details>");
}

fn attack(finding: &Finding) -> String {
    if finding.attack.is_empty() {
        String::new()
    } else {
        format!(" · ATT&amp;CK {}", finding.attack.join(", "))
    }
}

fn inputs(out: &mut String, summary: &Summary<'_>) {
    out.push_str("<h2>Evidence</h2><div class=\"wide\"><table><tr><th>file</th><th>format</th><th>host</th><th>records</th>");
    out.push_str("<th>skipped</th><th>first</th><th>last</th><th>sha256</th></tr>");
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    for input in &summary.inputs {
        let _ = write!(
            out,
            "<tr><td class=\"mono\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td></tr>",
            escape(&input.path),
            input.format.unwrap_or("not recognised"),
            escape(input.host.as_deref().unwrap_or_default()),
            input.records,
            input.skipped,
            time(input.first),
            time(input.last),
            escape(input.sha256.as_deref().unwrap_or_default())
        );
    }
    out.push_str("</table></div>");
    let of_inputs = summary.inputs.iter().flat_map(|input| {
        input
            .warnings
            .iter()
            .map(|warning| (input.path.as_str(), warning))
    });
    let warnings: Vec<_> = of_inputs
        .chain(summary.warnings.iter().map(|warning| ("bundle", warning)))
        .collect();
    if !warnings.is_empty() {
        out.push_str("<h2>Lost or assumed</h2><ul>");
        for (path, warning) in warnings {
            let _ = write!(
                out,
                "<li><span class=\"mono\">{}</span>: {}</li>",
                escape(path),
                escape(warning)
            );
        }
        out.push_str("</ul>");
    }
    if !summary.clocks.is_empty() {
        out.push_str("<h2>Clocks</h2><ul>");
        for line in &summary.clocks {
            let _ = write!(out, "<li>{}</li>", escape(line));
        }
        out.push_str("</ul>");
    }
    if !summary.missing.is_empty() {
        out.push_str("<h2>Not collected, would have helped</h2><ul>");
        for missing in &summary.missing {
            let _ = write!(out, "<li>{}</li>", escape(missing));
        }
        out.push_str("</ul>");
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use coldcase_model::{EvidenceRecord, Findings, Observable, ObservableType};

    use super::*;

    #[test]
    fn hostile_evidence_does_nothing() {
        let nasty = format!(
            "<script>alert(1)</script>\" onload='x' \u{202e}{}",
            "A".repeat(1 << 20)
        );
        let record = EvidenceRecord {
            file: nasty.clone(),
            line: Some(1),
            offset: None,
            ts: None,
            text: nasty.clone(),
        };
        let finding = Finding {
            id: "scan-1".into(),
            correlator: "scan",
            title: nasty.clone(),
            severity: Severity::High,
            confidence: 1.0,
            first: Some(Timestamp(0)),
            last: Some(Timestamp(1)),
            subjects: vec![Observable::new(ObservableType::Ip, nasty.clone())],
            facts: [("src_ip".to_owned(), Value::from(nasty.clone()))]
                .into_iter()
                .collect(),
            attack: vec![],
            evidence: vec![record],
            text: nasty,
        };
        let findings = Findings::new(Vec::new(), vec![finding]);
        let summary = Summary {
            findings: &findings,
            inputs: Vec::new(),
            zone: Tz::UTC,
            zone_source: "x",
            events: 1,
            warnings: vec!["<img src=x onerror=y>".into()],
            clocks: vec!["<img src=x onerror=y>".into()],
            missing: Vec::new(),
            case: "c".into(),
            lang: crate::Lang::En,
        };
        let page = html(&summary);
        assert!(page.len() < 60_000, "{}", page.len());
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'));
        assert!(
            !page.contains("http://") && !page.contains("https://"),
            "nothing is loaded"
        );
        assert!(page.contains("id=\"scan-1\""));
    }
}
