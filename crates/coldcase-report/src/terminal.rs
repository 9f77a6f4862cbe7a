//! The terminal summary: the answer first (what, since when, who, how sure, on which record), then what
//! was read and what was lost.

use std::fmt::Write as _;

use coldcase_model::{Conclusion, EvidenceRecord, Finding, Severity};

use crate::lang::{told, words};
use crate::parts::{Part, sentences};
use crate::summary::local;
use crate::{Lang, Summary, for_terminal};

/// Findings of medium severity and above that are shown in full.
const MOST_FINDINGS: usize = 12;
/// Lesser ones that get a line each; of the rest the count.
const MOST_LINES: usize = 6;

/// Things about clocks that get a line each.
const MOST_CLOCKS: usize = 4;

/// Things not collected that get a line each.
const MOST_MISSING: usize = 3;

/// What a sentence of an answer begins with.
const ITEM: &str = "      - ";

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape codes.
    Plain,
    /// ANSI colours.
    Colour,
}

impl Style {
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Critical => "1;97;41",
            Severity::High => "1;31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        self.paint(code, &format!("{:<8}", severity.as_str().to_uppercase()))
    }
}

/// The summary as text.
pub fn terminal(summary: &Summary<'_>, style: Style) -> String {
    let mut out = String::new();
    answers(&mut out, summary, style);
    findings(&mut out, summary, style);
    read(&mut out, summary, style);
    out
}

fn answers(out: &mut String, summary: &Summary<'_>, style: Style) {
    for conclusion in &summary.findings.conclusions {
        let _ = writeln!(
            out,
            "{}",
            style.paint("1", &format!("ANSWER  {}", answer(conclusion)))
        );
        parts(out, conclusion, summary.lang, style);
        out.push('\n');
    }
    let severe = summary
        .findings
        .findings
        .iter()
        .filter(|finding| finding.severity >= Severity::High)
        .count();
    if summary.findings.conclusions.is_empty() && severe == 0 {
        let nothing = if summary.events == 0 {
            "No file here gave an event: nothing could be looked for."
        } else {
            "Nothing of high severity was found in what this evidence can show."
        };
        let _ = writeln!(out, "{}", style.paint("1", nothing));
        out.push('\n');
    }
}

/// The answer's sentences by what they are for: why it is so, what to do, what speaks against it, what can't be seen.
fn parts(out: &mut String, conclusion: &Conclusion, lang: Lang, style: Style) {
    let words = words(lang);
    let sentences = sentences(&conclusion.text);
    for (part, head) in [
        (Part::Proof, None),
        (Part::Next, Some(words.next)),
        (Part::Against, Some(words.against)),
        (Part::Unseen, Some(words.unseen)),
    ] {
        let mut of_part = sentences.iter().filter(|one| one.part == part).peekable();
        if of_part.peek().is_none() {
            continue;
        }
        if let Some(head) = head {
            let _ = writeln!(out, "  {}", style.paint("1", head));
        }
        for sentence in of_part {
            // Only what is to be done is to be copied: elsewhere commands are those of the evidence.
            if part == Part::Next {
                with_commands(out, &told::sentence(&sentence.text, lang));
            } else {
                hanging(out, &told::sentence(&sentence.text, lang), ITEM);
            }
        }
    }
}

/// A sentence; its commands on lines of their own, whole, to be copied.
fn with_commands(out: &mut String, sentence: &str) {
    let pieces: Vec<&str> = sentence.split('`').collect();
    for (index, piece) in pieces.iter().enumerate() {
        if index % 2 == 1 {
            let _ = writeln!(out, "          $ {}", for_terminal(piece));
            continue;
        }
        // What joins commands stands between their lines already.
        let joins = |letter: char| letter.is_whitespace() || ".;,".contains(letter);
        let piece = if index > 0 {
            piece.trim_start_matches(joins)
        } else {
            piece
        };
        let mark = if index == 0 { ITEM } else { "        " };
        hanging(out, piece, mark);
    }
}

fn answer(conclusion: &Conclusion) -> String {
    let value = for_terminal(&conclusion.answer.value);
    format!(
        "{}: {value} ({:.0} % sure)",
        for_terminal(&conclusion.question),
        conclusion.confidence * 100.0
    )
}

fn findings(out: &mut String, summary: &Summary<'_>, style: Style) {
    let all = &summary.findings.findings;
    let severe = all
        .iter()
        .take_while(|finding| finding.severity >= Severity::Medium)
        .take(MOST_FINDINGS);
    let shown: Vec<&Finding> = severe.collect();
    shown
        .iter()
        .for_each(|finding| one(out, summary, style, finding));
    let low = all
        .iter()
        .skip(shown.len())
        .filter(|finding| finding.severity > Severity::Info)
        .take(MOST_LINES);
    let lines: Vec<&Finding> = low.collect();
    for finding in &lines {
        let title = cut(&for_terminal(&finding.title), 70);
        let _ = writeln!(out, "{} {title}", style.severity(finding.severity));
    }
    let more = all.len() - shown.len() - lines.len();
    if more > 0 {
        let _ = writeln!(
            out,
            "{more} more findings of low severity or only noted: see report.md"
        );
    }
    if !lines.is_empty() || more > 0 {
        out.push('\n');
    }
}

fn one(out: &mut String, summary: &Summary<'_>, style: Style, finding: &Finding) {
    let _ = writeln!(
        out,
        "{} {}",
        style.severity(finding.severity),
        for_terminal(&finding.title)
    );
    if let (Some(first), Some(last)) = (finding.first, finding.last) {
        let _ = writeln!(
            out,
            "         {} to {}",
            local(first, summary.zone),
            local(last, summary.zone)
        );
    }
    // What an answer above has said already is not said again.
    if !summary
        .findings
        .conclusions
        .iter()
        .any(|conclusion| conclusion.because.contains(&finding.id))
    {
        paragraph(out, &finding.text, 9);
    }
    if let Some(record) = finding.evidence.first() {
        let _ = writeln!(
            out,
            "         {}",
            style.paint(
                "2",
                &format!(
                    "{}: {}",
                    place(record),
                    cut(&for_terminal(&record.text), 100)
                )
            )
        );
    }
    let _ = writeln!(
        out,
        "         {}",
        style.paint(
            "2",
            &format!("{} · {:.0} % sure", finding.id, finding.confidence * 100.0)
        )
    );
    out.push('\n');
}

/// Where a record stands: `file:line`, or `file@offset`.
pub(crate) fn place(record: &EvidenceRecord) -> String {
    let file = for_terminal(&record.file);
    match (record.line, record.offset) {
        (Some(line), _) => format!("{file}:{line}"),
        (None, Some(offset)) => format!("{file}@{offset}"),
        (None, None) => file,
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars()
        .take(most.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// Text wrapped at 80 columns, indented.
fn paragraph(out: &mut String, text: &str, indent: usize) {
    hanging(out, text, &" ".repeat(indent));
}

/// Text wrapped at 80 columns; the first line begins with this, the others with as many blanks.
fn hanging(out: &mut String, text: &str, first: &str) {
    let indent = first.chars().count();
    let mut begin = first;
    let blanks = " ".repeat(indent);
    let mut column = 0;
    for word in for_terminal(text).split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > 80 {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(begin);
            begin = &blanks;
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    if column > 0 {
        out.push('\n');
    }
}

/// What clocks rest on; the rest stands in the case.
fn clocks(out: &mut String, summary: &Summary<'_>) {
    for line in summary.clocks.iter().take(MOST_CLOCKS) {
        paragraph(out, &format!("Clock: {line}"), 0);
    }
    let more = summary.clocks.len().saturating_sub(MOST_CLOCKS);
    if more > 0 {
        let _ = writeln!(out, "{more} more about clocks: see report.md");
    }
}

/// What would have helped most; the rest stands in the case.
fn missing(out: &mut String, summary: &Summary<'_>) {
    for missing in summary.missing.iter().take(MOST_MISSING) {
        paragraph(out, &format!("Not collected: {missing}"), 0);
    }
    let more = summary.missing.len().saturating_sub(MOST_MISSING);
    if more > 0 {
        let _ = writeln!(out, "{more} more that would have helped: see case.json");
    }
}

fn read(out: &mut String, summary: &Summary<'_>, style: Style) {
    let recognised = summary
        .inputs
        .iter()
        .filter(|input| input.format.is_some())
        .count();
    let unknown: Vec<_> = summary
        .inputs
        .iter()
        .filter(|input| input.format.is_none())
        .collect();
    let skipped: u64 = summary.inputs.iter().map(|input| input.skipped).sum();
    let _ = writeln!(
        out,
        "Read {recognised} of {} files, {} events, {skipped} records skipped; times in {} ({}).",
        summary.inputs.len(),
        summary.events,
        summary.zone,
        summary.zone_source
    );
    if !unknown.is_empty() {
        let names: Vec<_> = unknown
            .iter()
            .take(6)
            .map(|input| for_terminal(&input.path))
            .collect();
        let more = if unknown.len() > names.len() {
            ", ..."
        } else {
            ""
        };
        paragraph(
            out,
            &format!("Not recognised, not used: {}{more}", names.join(", ")),
            0,
        );
    }
    let warned: Vec<_> = summary
        .inputs
        .iter()
        .filter(|input| !input.warnings.is_empty())
        .collect();
    for input in warned.iter().take(5) {
        let warning = input
            .warnings
            .first()
            .map(|warning| for_terminal(warning))
            .unwrap_or_default();
        paragraph(
            out,
            &format!(
                "{} {}: {warning}",
                style.paint("33", "warning"),
                for_terminal(&input.path)
            ),
            0,
        );
    }
    if warned.len() > 5 {
        let _ = writeln!(
            out,
            "{} more files have warnings: see case.json",
            warned.len() - 5
        );
    }
    for warning in &summary.warnings {
        paragraph(
            out,
            &format!("{} {}", style.paint("33", "warning"), for_terminal(warning)),
            0,
        );
    }
    clocks(out, summary);
    missing(out, summary);
    let _ = writeln!(out, "Case: {}", for_terminal(&summary.case));
}

#[cfg(test)]
mod tests {
    use coldcase_model::{Observable, ObservableType};

    use super::*;

    #[test]
    fn only_commands_to_be_run_stand_alone() {
        let host = |name| Observable::new(ObservableType::Host, name);
        let conclusion = Conclusion {
            kind: "way-in",
            about: host("a"),
            question: "who".into(),
            answer: host("h"),
            candidates: Vec::new(),
            confidence: 0.9,
            because: Vec::new(),
            text: "It ran `sh /mac.sh`. Fetch next: `docker logs c; id`; `ss -ntp`. No other host did.".into(),
        };
        let mut out = String::new();
        parts(&mut out, &conclusion, Lang::En, Style::Plain);
        assert_eq!(
            out,
            "      - It ran `sh /mac.sh`.\n  Do next\n      - Fetch next:\n          $ docker logs c; id\n          $ ss -ntp\n  \
             Alternatives, and what speaks against it\n      - No other host did.\n"
        );
    }

    #[test]
    fn lines_hang_and_stay_within_eighty_columns() {
        let mut out = String::new();
        hanging(&mut out, &"word ".repeat(40), ITEM);
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= 80));
        assert!(lines[0].starts_with("      - word") && lines[1].starts_with("        word"));
        let mut nothing = String::new();
        hanging(&mut nothing, "", ITEM);
        assert_eq!(nothing, "");
    }
}
