//! The terminal summary: the answer first (what, since when, who, how sure, on which record), then what
//! was read and what was lost. Lines stay within 80 columns; only commands stand whole, to be copied.

mod bottom;

use std::fmt::Write as _;

use coldcase_model::{Conclusion, EvidenceRecord, Finding, Severity};
use unicode_width::UnicodeWidthStr as _;

use crate::fill::fill;
use crate::lang::{in_both, put, told};
use crate::parts::{Part, sentences};
use crate::summary::local;
use crate::{Lang, Summary, for_terminal};

/// Columns of a terminal that nobody widened.
const WIDTH: usize = 80;
/// Columns in front of what is said of a finding.
const INDENT: usize = 9;
/// Findings of medium severity and above that are shown in full.
const MOST_FINDINGS: usize = 12;
/// Lesser ones that get a line each; of the rest the count.
const MOST_LINES: usize = 6;
/// Letters of a record.
const LONGEST_RECORD: usize = 100;

/// What a sentence of an answer begins with.
const ITEM: &str = "      - ";

in_both! {
    head: "ANSWER  ", "结论  ";
    answer: "{}: {} ({})", "{}：{}（{}）";
    no_event: "No file here gave an event: nothing could be looked for.", "没有文件给出事件：无从查找。";
    nothing: "Nothing of high severity was found in what this evidence can show.", "就现有证据所及，没有高级别的发现。";
    span: "{} to {}", "{} 至 {}";
    more_findings: "{} more findings of low severity or only noted: see report.md", "另有 {} 条低级别或仅供参考的发现：见 report.md";
    more_clocks: "{} more about clocks: see report.md", "另有 {} 条关于时钟的说明：见 report.md";
    clock: "Clock: {}", "时钟：{}";
    not_collected: "Not collected: {}", "未采集：{}";
    more_missing: "{} more that would have helped: see case.json", "另有 {} 项有帮助的材料：见 case.json";
    read: "Read {} of {} files, {} events, {} records skipped; times in {} ({}).", "已读取 {} / {} 个文件，{} 条事件，跳过 {} 条记录；时间按 {}（{}）。";
    not_recognised: "Not recognised, not used: {}", "未识别、未使用：{}";
    warning: "warning", "警告";
    more_warnings: "{} more files have warnings: see case.json", "另有 {} 个文件有警告：见 case.json";
    case: "Case: {}", "案件目录：{}";
}

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
}

/// A severity as summaries show it, eight columns wide.
pub fn severity_label(severity: Severity, lang: Lang, style: Style) -> String {
    let word = crate::lang::words(lang).severity(severity).to_uppercase();
    let blanks = " ".repeat((INDENT - 1).saturating_sub(word.width()));
    let code = match severity {
        Severity::Critical => "1;97;41",
        Severity::High => "1;31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Info => "2",
    };
    style.paint(code, &format!("{word}{blanks}"))
}

/// What everything is written with.
struct Screen<'a> {
    summary: &'a Summary<'a>,
    words: &'static Words,
    style: Style,
}

/// The summary as text.
pub fn terminal(summary: &Summary<'_>, style: Style) -> String {
    let screen = Screen {
        summary,
        words: Words::of(summary.lang),
        style,
    };
    let mut out = String::new();
    screen.answers(&mut out);
    screen.findings(&mut out);
    screen.bottom(&mut out);
    out
}

impl Screen<'_> {
    fn answers(&self, out: &mut String) {
        for conclusion in &self.summary.findings.conclusions {
            let question = told::question(conclusion, self.summary.lang);
            let sure = self.sure(conclusion.confidence);
            let said = put(
                self.words.answer,
                &[&question, &conclusion.answer.value, &sure],
            );
            self.lines(out, self.words.head, &said, Some("1"));
            self.parts(out, conclusion);
            out.push('\n');
        }
        let findings = &self.summary.findings.findings;
        let is_severe = findings
            .iter()
            .any(|finding| finding.severity >= Severity::High);
        if self.summary.findings.conclusions.is_empty() && !is_severe {
            let nothing = if self.summary.events == 0 {
                self.words.no_event
            } else {
                self.words.nothing
            };
            self.lines(out, "", nothing, Some("1"));
            out.push('\n');
        }
    }

    /// The answer's sentences by what they are for: why it is so, what to do, what speaks against it, what can't be seen.
    fn parts(&self, out: &mut String, conclusion: &Conclusion) {
        let lang = self.summary.lang;
        let sentences = sentences(&conclusion.text);
        for part in Part::ALL {
            let mut of_part = sentences.iter().filter(|one| one.part == part).peekable();
            if of_part.peek().is_none() {
                continue;
            }
            if part != Part::Proof {
                self.lines(out, "  ", crate::lang::words(lang).part(part), Some("1"));
            }
            for sentence in of_part {
                let said = told::sentence(&sentence.text, lang);
                // Only what is to be done is to be copied: elsewhere commands are those of the evidence.
                if part == Part::Next {
                    self.with_commands(out, &said);
                } else {
                    self.lines(out, ITEM, &said, None);
                }
            }
        }
    }

    /// A sentence; its commands on lines of their own, whole, to be copied.
    fn with_commands(&self, out: &mut String, sentence: &str) {
        let mut mark = ITEM;
        for (index, piece) in sentence.split('`').enumerate() {
            if index % 2 == 1 {
                let _ = writeln!(out, "          $ {}", for_terminal(piece));
                continue;
            }
            // What joins commands stands between their lines already.
            let joins = |letter: char| letter.is_whitespace() || ".;,。；，、".contains(letter);
            let piece = if index > 0 {
                piece.trim_start_matches(joins)
            } else {
                piece
            };
            self.lines(out, mark, piece, None);
            mark = "        ";
        }
    }

    fn findings(&self, out: &mut String) {
        let all = &self.summary.findings.findings;
        let severe = all
            .iter()
            .take_while(|finding| finding.severity >= Severity::Medium);
        let shown: Vec<&Finding> = severe.take(MOST_FINDINGS).collect();
        shown.iter().for_each(|finding| self.one(out, finding));
        let low = all
            .iter()
            .skip(shown.len())
            .filter(|finding| finding.severity > Severity::Info);
        let lines: Vec<&Finding> = low.take(MOST_LINES).collect();
        lines.iter().for_each(|finding| self.title(out, finding));
        let more = all.len() - shown.len() - lines.len();
        if more > 0 {
            let said = put(self.words.more_findings, &[&more.to_string()]);
            self.lines(out, "", &said, None);
        }
        if !lines.is_empty() || more > 0 {
            out.push('\n');
        }
    }

    fn one(&self, out: &mut String, finding: &Finding) {
        let (summary, blanks) = (self.summary, " ".repeat(INDENT));
        self.title(out, finding);
        if let (Some(first), Some(last)) = (finding.first, finding.last) {
            let ends = [local(first, summary.zone), local(last, summary.zone)];
            let span = put(self.words.span, &ends.each_ref().map(String::as_str));
            self.lines(out, &blanks, &span, None);
        }
        // What an answer above has said already is not said again.
        let mut conclusions = summary.findings.conclusions.iter();
        if !conclusions.any(|conclusion| conclusion.because.contains(&finding.id)) {
            self.lines(out, &blanks, &told::text(finding, summary.lang), None);
        }
        if let Some(record) = finding.evidence.first() {
            let text = cut(&record.text, LONGEST_RECORD);
            self.lines(
                out,
                &blanks,
                &format!("{}: {text}", place(record)),
                Some("2"),
            );
        }
        let sure = format!("{} · {}", finding.id, self.sure(finding.confidence));
        self.lines(out, &blanks, &sure, Some("2"));
        out.push('\n');
    }

    /// Severity and title.
    fn title(&self, out: &mut String, finding: &Finding) {
        let painted = severity_label(finding.severity, self.summary.lang, self.style);
        let title = for_terminal(&told::title(finding, self.summary.lang));
        for (index, line) in fill(&title, WIDTH - INDENT).iter().enumerate() {
            let _ = if index == 0 {
                writeln!(out, "{painted} {line}")
            } else {
                writeln!(out, "{}{line}", " ".repeat(INDENT))
            };
        }
    }

    fn sure(&self, confidence: f64) -> String {
        let words = crate::lang::words(self.summary.lang);
        put(words.sure, &[&format!("{:.0}", confidence * 100.0)])
    }

    /// Text made harmless, in lines; the first begins with this, the others with as many blanks.
    fn lines(&self, out: &mut String, first: &str, text: &str, code: Option<&str>) {
        let blanks = " ".repeat(first.width());
        let mut begin = first;
        for line in fill(&for_terminal(text), WIDTH - blanks.len()) {
            let _ = match code {
                Some(code) if begin.trim().is_empty() => {
                    writeln!(out, "{begin}{}", self.style.paint(code, &line))
                }
                Some(code) => {
                    writeln!(out, "{}", self.style.paint(code, &format!("{begin}{line}")))
                }
                None => writeln!(out, "{begin}{line}"),
            };
            begin = &blanks;
        }
    }
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

#[cfg(test)]
mod tests;
