//! The conclusions first: the answer in large, when and where, then its sentences in parts, each with links to the
//! findings and records that hold the same names, times and counts.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use coldcase_model::{Conclusion, Finding, Severity, Timestamp};
use serde_json::Value;

use super::View;
use super::charts::when;
use super::escape::{escape, shorten};
use super::prose::{prose, whole};
use super::svg::number;
use super::tables::sure;
use super::times::stamp;
use crate::lang::told;
use crate::parts::{Part, Sentence, sentences};

/// Most links behind a sentence.
const MOST_LINKS: usize = 3;
/// Longest answer that stands in large.
const LONGEST: usize = 72;

/// All answers; without one, what there is in a sentence.
pub(super) fn draw(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let _ = write!(
        out,
        "<section id=\"answers\"><h2 class=\"quiet\">{}</h2>",
        w.answers
    );
    if view.summary.findings.conclusions.is_empty() {
        none(out, view);
    }
    let conclusions = &view.summary.findings.conclusions;
    for (index, conclusion) in conclusions.iter().enumerate() {
        let same =
            |other: &Conclusion| other.kind == conclusion.kind && other.answer == conclusion.answer;
        // What answers the next question in the same way is there to be opened.
        let is_told = conclusions.iter().take(index).any(same);
        one(out, conclusion, is_told, view);
    }
    out.push_str("</section>");
}

/// No conclusion: the gravest severity and how many findings have it.
fn none(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let findings = &view.summary.findings.findings;
    let worst = findings.iter().map(|finding| finding.severity).max();
    let said = match worst {
        None => w.nothing_found.to_owned(),
        Some(worst) => {
            let count = findings
                .iter()
                .filter(|finding| finding.severity == worst)
                .count();
            w.no_answer
                .replacen("{}", &number(count as u64), 1)
                .replacen("{}", w.severity(worst), 1)
        }
    };
    let class = if worst >= Some(Severity::High) {
        "high"
    } else {
        "calm"
    };
    let _ = write!(
        out,
        "<article class=\"answer {class}\"><p class=\"big\">{said}</p>"
    );
    let limits = if view.summary.missing.is_empty() {
        String::new()
    } else {
        w.limits
            .replace("{}", &number(view.summary.missing.len() as u64))
    };
    let _ = write!(
        out,
        "<p>{} <a href=\"#evidence\">{limits}</a></p></article>",
        w.absence
    );
}

fn one(out: &mut String, conclusion: &Conclusion, is_told: bool, view: &View<'_>) {
    let w = view.words;
    let rests_on: Vec<&Finding> = conclusion
        .because
        .iter()
        .filter_map(|id| {
            view.summary
                .findings
                .findings
                .iter()
                .find(|finding| finding.id == *id)
        })
        .collect();
    let class = rests_on
        .iter()
        .map(|finding| finding.severity)
        .max()
        .unwrap_or(Severity::Info)
        .as_str();
    out.push_str(&if is_told {
        format!("<details class=\"answer {class}\"><summary>")
    } else {
        format!("<article class=\"answer {class}\"><div>")
    });
    let _ = write!(
        out,
        "<span class=\"question\">{} <span class=\"sure\">{}</span></span><span class=\"big\"><span class=\"kind\">{}</span> <strong title=\"{}\">{}</strong></span>{}",
        prose(&told::question(conclusion, view.lang), view),
        sure(conclusion.confidence, view),
        w.kind(conclusion.answer.kind),
        escape(&conclusion.answer.value),
        escape(&shorten(&conclusion.answer.value, LONGEST)),
        if is_told { "</summary>" } else { "</div>" },
    );
    if !conclusion.candidates.is_empty() {
        let _ = write!(out, "<p>{} ", w.or_else);
        for candidate in conclusion.candidates.iter().take(12) {
            let _ = write!(
                out,
                "<code>{} {}</code> ",
                w.kind(candidate.kind),
                escape(&shorten(&candidate.value, LONGEST))
            );
        }
        out.push_str("</p>");
    }
    glance(out, conclusion, &rests_on, view);
    let sentences = sentences(&conclusion.text);
    for part in Part::ALL {
        let own: Vec<&Sentence> = sentences
            .iter()
            .filter(|sentence| sentence.part == part)
            .collect();
        if !own.is_empty() {
            told_part(out, part, &own, &rests_on, view);
        }
    }
    out.push_str(if is_told { "</details>" } else { "</article>" });
}

/// When, about what, and the findings it rests on, numbered as the links are.
fn glance(out: &mut String, conclusion: &Conclusion, rests_on: &[&Finding], view: &View<'_>) {
    let w = view.words;
    out.push_str("<dl class=\"glance\">");
    if let Some((first, last)) = when(conclusion, rests_on) {
        let _ = write!(
            out,
            "<div><dt>{}</dt><dd>{}{}</dd></div>",
            w.when,
            stamp(first, view.zone),
            if last == first {
                String::new()
            } else {
                format!("<br>{} {}", w.to, stamp(last, view.zone))
            }
        );
    }
    let _ = write!(
        out,
        "<div><dt>{}</dt><dd>{} <code title=\"{}\">{}</code></dd></div><div class=\"because\"><dt>{}</dt><dd><ol>",
        w.about,
        w.kind(conclusion.about.kind),
        escape(&conclusion.about.value),
        escape(&shorten(&conclusion.about.value, 60)),
        w.rests_on
    );
    for finding in rests_on {
        let _ = write!(
            out,
            "<li><a href=\"#{}\">{}</a></li>",
            escape(&finding.id),
            prose(&told::title(finding, view.lang), view)
        );
    }
    out.push_str("</ol></dd></div></dl>");
}

fn told_part(
    out: &mut String,
    part: Part,
    sentences: &[&Sentence],
    rests_on: &[&Finding],
    view: &View<'_>,
) {
    let _ = write!(
        out,
        "<div class=\"part {}\"><h3>{}</h3><ul>",
        part.class(),
        view.words.part(part)
    );
    for sentence in sentences {
        let said = told::sentence(&sentence.text, view.lang);
        let _ = if part == Part::Next {
            write!(out, "<li>{}</li>", whole(&said, view))
        } else {
            let links = links(&sentence.text, rests_on);
            write!(out, "<li>{}{links}</li>", prose(&said, view))
        };
    }
    out.push_str("</ul></div>");
}

/// Links to what holds the same times, names and counts as the sentence: to a record where its time or place stands
/// in it, else to the finding.
fn links(sentence: &str, rests_on: &[&Finding]) -> String {
    let words = words_of(sentence);
    let mut ranked: Vec<(usize, usize, String)> = Vec::new();
    for (index, finding) in rests_on.iter().enumerate() {
        let shared = words.intersection(&words_of_finding(finding)).count();
        let record = finding.evidence.iter().position(|record| {
            let at = record.ts.map(|at| to_second(&at.to_string()));
            at.is_some_and(|at| words.contains(&at))
                || (record.line.is_some() && words.contains(&crate::terminal::place(record)))
        });
        let shared = shared + usize::from(record.is_some());
        if shared > 0 {
            let target = record.map_or_else(
                || finding.id.clone(),
                |record| format!("{}-r{record}", finding.id),
            );
            ranked.push((shared, index, target));
        }
    }
    ranked.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
    ranked.truncate(MOST_LINKS);
    ranked.sort_by_key(|link| link.1);
    let mut out = String::new();
    for (_, index, target) in ranked {
        let _ = write!(
            out,
            " <a class=\"ref\" href=\"#{}\">[{}]</a>",
            escape(&target),
            index + 1
        );
    }
    out
}

/// Times to the second, and words that tell something: names of some length, numbers from two digits on.
fn words_of(text: &str) -> BTreeSet<String> {
    let is_mark = |letter: char| {
        letter.is_whitespace() || ",;()\"'`".contains(letter) || letter >= '\u{2e80}'
    };
    let words = text
        .split(is_mark)
        .map(|word| word.trim_end_matches(['.', ':', '?', ',']));
    let telling = words.filter(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let is_number = digits == word.len() && digits >= 2;
        is_number || (word.len() >= 5 && (digits > 0 || word.contains(['/', '.', '_'])))
    });
    telling.map(to_second).collect()
}

fn to_second(word: &str) -> String {
    match Timestamp::parse_rfc3339(word) {
        Some(at) => Timestamp(at.seconds().saturating_mul(1_000_000_000)).to_string(),
        None => word.to_owned(),
    }
}

fn words_of_finding(finding: &Finding) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = finding
        .subjects
        .iter()
        .map(|subject| subject.value.clone())
        .collect();
    words.extend(words_of(&finding.title));
    for value in finding
        .facts
        .iter()
        .filter(|(name, _)| *name != "thresholds")
        .map(|(_, value)| value)
    {
        gather(value, &mut words, 0);
    }
    let times = [finding.first, finding.last].into_iter().flatten();
    words.extend(times.map(|at| to_second(&at.to_string())));
    words
}

fn gather(value: &Value, words: &mut BTreeSet<String>, depth: usize) {
    match value {
        Value::String(text) => words.extend(words_of(text)),
        Value::Number(number) if number.as_u64().is_some_and(|number| number >= 10) => {
            words.insert(number.to_string());
        }
        Value::Array(items) if depth < 3 => {
            items.iter().for_each(|item| gather(item, words, depth + 1))
        }
        Value::Object(items) if depth < 3 => items
            .values()
            .for_each(|item| gather(item, words, depth + 1)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_tied_by_what_they_share() {
        let words = words_of(
            "560 of 560 logins from 2023-03-28T16:00:05Z, by 10.20.8.41 (exit 137): a/b.log:12.",
        );
        for expected in [
            "560",
            "2023-03-28T16:00:05Z",
            "10.20.8.41",
            "137",
            "a/b.log:12",
        ] {
            assert!(words.contains(expected), "{expected}: {words:?}");
        }
        assert!(!words.contains("logins") && !words.contains("of"));
    }
}
