//! The post-mortem's end: what stays open, and what to run next.

use std::fmt::Write as _;

use coldcase_model::{ObservableType, Severity};

use super::{MOST_FINDINGS, Page, heading, names, percent, said};
use crate::for_markdown;
use crate::lang::{put, told};
use crate::parts::Part;

pub(super) fn open_questions(out: &mut String, page: &Page<'_>) {
    let (words, findings) = (page.words, page.summary.findings);
    heading(out, words.open);
    for conclusion in &findings.conclusions {
        let question = page.question(conclusion);
        let candidates: Vec<&str> = conclusion
            .candidates
            .iter()
            .map(|one| one.value.as_str())
            .collect();
        let answer = page.named(conclusion.answer.kind, &conclusion.answer.value);
        let line = if conclusion.answer.kind == ObservableType::Unknown {
            put(words.who_is, &[&question])
        } else if !candidates.is_empty() {
            put(
                words.which_of,
                &[&question, &answer, &names(&candidates, page)],
            )
        } else if conclusion.confidence < 0.95 {
            put(
                words.how_sure,
                &[&question, &percent(conclusion.confidence)],
            )
        } else {
            continue;
        };
        let _ = writeln!(out, "- {line}");
    }
    let is_explained = |id: &String| {
        findings
            .conclusions
            .iter()
            .any(|one| one.because.contains(id))
    };
    for (number, finding) in (1..).zip(&page.key).take(MOST_FINDINGS) {
        if finding.severity >= Severity::High && !is_explained(&finding.id) {
            let title = for_markdown(&told::title(finding, page.summary.lang));
            let _ = writeln!(
                out,
                "- {}",
                put(words.unexplained, &[&format!("F{number}"), &title])
            );
        }
    }
    page.to_fill_in(out, words.own_questions);
}

/// What answers tell to do next, commands in blocks of their own.
pub(super) fn commands(out: &mut String, page: &Page<'_>) {
    let words = page.words;
    heading(out, words.commands);
    for sentence in said(page, Part::Next) {
        step(out, &told::sentence(&sentence, page.summary.lang));
    }
    let explained = page.summary.findings.conclusions.iter();
    let mut own: Vec<String> = explained
        .map(|one| format!("coldcase explain CASE {}", one.kind))
        .collect();
    own.dedup();
    own.push("coldcase verify CASE".to_owned());
    let _ = writeln!(out, "- {}", words.by_coldcase);
    own.iter().for_each(|command| block(out, command));
}

/// A sentence as an item of a list; its commands whole, each in a block.
fn step(out: &mut String, sentence: &str) {
    let mut is_first = true;
    for (index, piece) in sentence.split('`').enumerate() {
        if index % 2 == 1 {
            block(out, piece);
            continue;
        }
        let joins = |letter: char| letter.is_whitespace() || ".;,；。，".contains(letter);
        let piece = if index > 0 {
            piece.trim_start_matches(joins)
        } else {
            piece
        };
        if !piece.trim().is_empty() {
            let mark = if is_first { "- " } else { "  " };
            let _ = writeln!(out, "{mark}{}", for_markdown(piece.trim()));
            is_first = false;
        }
    }
    out.push('\n');
}

/// A command in a fence longer than any within it.
fn block(out: &mut String, command: &str) {
    let longest = command.split(|letter| letter != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let _ = writeln!(
        out,
        "\n  {fence}sh\n  {}\n  {fence}",
        crate::for_terminal(command)
    );
}
