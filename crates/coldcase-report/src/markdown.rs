//! `report.md`: the case as plain Markdown, to read or to search.

use std::fmt::Write as _;

use coldcase_model::{Finding, Timestamp};

use crate::lang::{in_both, put, told};
use crate::summary::local;
use crate::terminal::place;
use crate::{Summary, for_markdown};

in_both! {
    title: "Case report", "案件报告";
    intro: "{} events from {} files. Times are UTC; in brackets {} ({}).", "{} 条事件，来自 {} 个文件。时间为 UTC，括号内为 {}（{}）。";
    answers: "Answers", "结论";
    answer: "- **{}** {} `{}` ({}). {} {}", "- **{}** {} `{}`（{}）。{}{}";
    no_answer: "None: the findings below do not join into one.", "无：以下发现不能汇总为结论。";
    rests_on: "Rests on: {}.", "依据：{}。";
    findings: "Findings", "发现";
    graded: "### {}: {}", "### {}：{}";
    sure: "`{}`, {}. {}", "`{}`，{}。{}";
    span: "From {} to {} ({} to {}).", "{} 至 {}（{} 至 {}）。";
    time: "time", "时间";
    record: "record", "位置";
    text: "text", "内容";
    evidence: "Evidence", "证据";
    file: "file", "文件";
    format: "format", "格式";
    host: "host", "主机";
    records: "records", "记录";
    skipped: "skipped", "跳过";
    first: "first", "最早";
    last: "last", "最晚";
    not_recognised: "not recognised", "未识别";
    lost: "Lost or assumed", "丢失或假定";
    clocks: "Clocks", "时钟";
    missing: "Not collected, would have helped", "未采集但有帮助的材料";
}

/// The report as Markdown.
pub fn markdown(summary: &Summary<'_>) -> String {
    let words = Words::of(summary.lang);
    let source = told::zone_source(summary.zone_source, summary.lang);
    let counts = [
        &summary.events.to_string(),
        &summary.inputs.len().to_string(),
        summary.zone.name(),
        &*source,
    ];
    let mut out = format!("# {}\n\n{}\n\n", words.title, put(words.intro, &counts));
    answers(&mut out, summary, words);
    let _ = writeln!(out, "\n## {}\n", words.findings);
    for finding in &summary.findings.findings {
        one(&mut out, summary, finding, words);
    }
    inputs(&mut out, summary, words);
    losses(&mut out, summary, words);
    out
}

fn sure(confidence: f64, summary: &Summary<'_>) -> String {
    let words = crate::lang::words(summary.lang);
    put(words.sure, &[&format!("{:.0}", confidence * 100.0)])
}

fn answers(out: &mut String, summary: &Summary<'_>, words: &Words) {
    let _ = writeln!(out, "## {}\n", words.answers);
    if summary.findings.conclusions.is_empty() {
        let _ = writeln!(out, "{}\n", words.no_answer);
    }
    for conclusion in &summary.findings.conclusions {
        let value = crate::for_terminal(&conclusion.answer.value).replace('`', "'");
        let said = [
            &for_markdown(&told::question(conclusion, summary.lang)),
            crate::lang::words(summary.lang).kind(conclusion.answer.kind),
            &value,
            &sure(conclusion.confidence, summary),
            &for_markdown(&told::sentence(&conclusion.text, summary.lang)),
            &put(words.rests_on, &[&conclusion.because.join(", ")]),
        ];
        let _ = writeln!(out, "{}", put(words.answer, &said));
    }
}

fn one(out: &mut String, summary: &Summary<'_>, finding: &Finding, words: &Words) {
    let lang = summary.lang;
    let severity = crate::lang::words(lang).severity(finding.severity);
    let title = for_markdown(&told::title(finding, lang));
    let _ = writeln!(out, "{}\n", put(words.graded, &[severity, &title]));
    let text = for_markdown(&told::text(finding, lang));
    let said = [&finding.id, &sure(finding.confidence, summary), &text];
    let _ = writeln!(out, "{}\n", put(words.sure, &said.map(String::as_str)));
    if let (Some(first), Some(last)) = (finding.first, finding.last) {
        let ends = [
            &first.to_string(),
            &last.to_string(),
            &local(first, summary.zone),
            &local(last, summary.zone),
        ];
        let _ = writeln!(out, "{}\n", put(words.span, &ends.map(String::as_str)));
    }
    if !finding.attack.is_empty() {
        let _ = writeln!(out, "ATT&CK: {}.\n", finding.attack.join(", "));
    }
    if !finding.evidence.is_empty() {
        let _ = writeln!(
            out,
            "| {} | {} | {} |\n| --- | --- | --- |",
            words.time, words.record, words.text
        );
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

fn inputs(out: &mut String, summary: &Summary<'_>, words: &Words) {
    let names = [
        words.file,
        words.format,
        words.host,
        words.records,
        words.skipped,
        words.first,
        words.last,
        "sha256",
    ];
    let _ = writeln!(out, "## {}\n\n| {} |", words.evidence, names.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(names.len()));
    for input in &summary.inputs {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            for_markdown(&input.path),
            input.format.unwrap_or(words.not_recognised),
            for_markdown(input.host.as_deref().unwrap_or_default()),
            input.records,
            input.skipped,
            time(input.first),
            time(input.last),
            input.sha256.as_deref().unwrap_or_default()
        );
    }
}

fn losses(out: &mut String, summary: &Summary<'_>, words: &Words) {
    let note = |line: &str| for_markdown(&told::note(line, summary.lang));
    let of_inputs = summary.inputs.iter().flat_map(|input| {
        let path = for_markdown(&input.path);
        let warnings = input.warnings.iter();
        warnings.map(move |warning| format!("{path}: {}", note(warning)))
    });
    let lost: Vec<String> = of_inputs
        .chain(summary.warnings.iter().map(|line| note(line)))
        .collect();
    let clocks = summary.clocks.iter().map(|line| note(line)).collect();
    let missing = summary.missing.iter().map(|line| note(line)).collect();
    for (heading, lines) in [
        (words.lost, lost),
        (words.clocks, clocks),
        (words.missing, missing),
    ] {
        if !lines.is_empty() {
            let lines: Vec<String> = lines.iter().map(|line| format!("- {line}\n")).collect();
            let _ = write!(out, "\n## {heading}\n\n{}", lines.concat());
        }
    }
}
