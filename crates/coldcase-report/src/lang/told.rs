//! What findings and conclusions say, in the language of the report. `findings.json` is in English; these are the only
//! places that reports take a finding's words from.

use std::borrow::Cow;

use coldcase_model::{Conclusion, Finding, Findings};

use super::zh::catalogue;
use crate::Lang;

/// A finding's title.
pub(crate) fn title(finding: &Finding, lang: Lang) -> Cow<'_, str> {
    title_text(&finding.title, lang)
}

/// The title of a finding, where only that is known.
pub(crate) fn title_text(title: &str, lang: Lang) -> Cow<'_, str> {
    whole("title", title, lang)
}

/// What a finding means and what to look at next.
pub(crate) fn text(finding: &Finding, lang: Lang) -> Cow<'_, str> {
    sentence(&finding.text, lang)
}

/// What a conclusion answers.
pub(crate) fn question(conclusion: &Conclusion, lang: Lang) -> Cow<'_, str> {
    whole("question", &conclusion.question, lang)
}

/// One sentence of a text, as [`crate::parts::sentences`] gives them, or several.
pub(crate) fn sentence(text: &str, lang: Lang) -> Cow<'_, str> {
    match lang {
        Lang::En => Cow::Borrowed(text),
        Lang::Zh => Cow::Owned(catalogue().sentences("text", text).0),
    }
}

/// A line of the case about itself: what was lost, assumed or not collected, and what clocks rest on.
pub(crate) fn note(line: &str, lang: Lang) -> Cow<'_, str> {
    whole("note", line, lang)
}

/// What the case's zone rests on.
pub(crate) fn zone_source(source: &str, lang: Lang) -> Cow<'_, str> {
    whole("zone", source, lang)
}

/// Words of a kind; in English where they are not known in the language.
fn whole<'t>(kind: &str, text: &'t str, lang: Lang) -> Cow<'t, str> {
    match lang {
        Lang::En => Cow::Borrowed(text),
        Lang::Zh => catalogue()
            .say(kind, text)
            .map_or(Cow::Borrowed(text), Cow::Owned),
    }
}

/// Titles, questions and sentences that have no Chinese form, so that reports in Chinese show them in English.
pub fn without_chinese(findings: &Findings) -> Vec<String> {
    let mut left = Vec::new();
    let mut look = |kind: &str, text: &str| {
        if catalogue().say(kind, text).is_none() {
            left.push(format!("[{kind}] {text}"));
        }
    };
    findings
        .findings
        .iter()
        .for_each(|one| look("title", &one.title));
    findings
        .conclusions
        .iter()
        .for_each(|one| look("question", &one.question));
    let findings_say = findings.findings.iter().map(|one| &one.text);
    let conclusions_say = findings.conclusions.iter().map(|one| &one.text);
    for text in findings_say.chain(conclusions_say) {
        let (_, without) = catalogue().sentences("text", text);
        left.extend(
            without
                .into_iter()
                .map(|sentence| format!("[text] {sentence}")),
        );
    }
    left.sort();
    left.dedup();
    left
}
