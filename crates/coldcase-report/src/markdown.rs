//! `report.md`: the case for a post-mortem.

use std::fmt::Write as _;

use coldcase_model::Finding;

use crate::summary::local;
use crate::terminal::place;
use crate::{Summary, for_markdown};

/// The report as Markdown.
pub fn markdown(summary: &Summary<'_>) -> String {
    let mut out = String::from("# Case report\n\n");
    let _ = writeln!(
        out,
        "{} events from {} files. Times are UTC; in brackets {} ({}).\n",
        summary.events,
        summary.inputs.len(),
        summary.zone,
        summary.zone_source
    );
    out.push_str("## Answers\n\n");
    if summary.findings.conclusions.is_empty() {
        out.push_str("None: the findings below do not join into one.\n\n");
    }
    for conclusion in &summary.findings.conclusions {
        let _ = writeln!(
            out,
            "- **{}** {} `{}` ({:.0} % sure). {} Rests on: {}.",
            for_markdown(&conclusion.question),
            format!("{:?}", conclusion.answer.kind).to_lowercase(),
            conclusion.answer.value.replace('`', "'"),
            conclusion.confidence * 100.0,
            for_markdown(&conclusion.text),
            conclusion.because.join(", ")
        );
    }
    out.push_str("\n## Findings\n\n");
    for finding in &summary.findings.findings {
        one(&mut out, summary, finding);
    }
    inputs(&mut out, summary);
    out
}

fn one(out: &mut String, summary: &Summary<'_>, finding: &Finding) {
    let _ = writeln!(
        out,
        "### {}: {}\n",
        finding.severity.as_str(),
        for_markdown(&finding.title)
    );
    let _ = writeln!(
        out,
        "`{}`, {:.0} % sure. {}\n",
        finding.id,
        finding.confidence * 100.0,
        for_markdown(&finding.text)
    );
    if let (Some(first), Some(last)) = (finding.first, finding.last) {
        let (from, to) = (local(first, summary.zone), local(last, summary.zone));
        let _ = writeln!(out, "From {first} to {last} ({from} to {to}).\n");
    }
    if !finding.attack.is_empty() {
        let _ = writeln!(out, "ATT&CK: {}.\n", finding.attack.join(", "));
    }
    if !finding.evidence.is_empty() {
        out.push_str("| time | record | text |\n| --- | --- | --- |\n");
        for record in &finding.evidence {
            let ts = record.ts.map(|ts| ts.to_string()).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {ts} | {} | {} |",
                for_markdown(&place(record)),
                for_markdown(&record.text)
            );
        }
        out.push('\n');
    }
}

fn inputs(out: &mut String, summary: &Summary<'_>) {
    out.push_str(
        "## Evidence\n\n| file | format | host | records | skipped | first | last | sha256 |\n",
    );
    out.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for input in &summary.inputs {
        let time =
            |at: Option<coldcase_model::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            for_markdown(&input.path),
            input.format.unwrap_or("not recognised"),
            for_markdown(input.host.as_deref().unwrap_or_default()),
            input.records,
            input.skipped,
            time(input.first),
            time(input.last),
            input.sha256.as_deref().unwrap_or_default()
        );
    }
    let warned = summary
        .inputs
        .iter()
        .filter(|input| !input.warnings.is_empty());
    let warnings: Vec<String> = warned
        .flat_map(|input| {
            input.warnings.iter().map(|warning| {
                format!(
                    "- {}: {}\n",
                    for_markdown(&input.path),
                    for_markdown(warning)
                )
            })
        })
        .chain(
            summary
                .warnings
                .iter()
                .map(|warning| format!("- {}\n", for_markdown(warning))),
        )
        .collect();
    if !warnings.is_empty() {
        let _ = write!(out, "\n## Lost or assumed\n\n{}", warnings.concat());
    }
    if !summary.clocks.is_empty() {
        out.push_str("\n## Clocks\n\n");
        for line in &summary.clocks {
            let _ = writeln!(out, "- {}", for_markdown(line));
        }
    }
    if !summary.missing.is_empty() {
        out.push_str("\n## Not collected, would have helped\n\n");
        for missing in &summary.missing {
            let _ = writeln!(out, "- {}", for_markdown(missing));
        }
    }
}
