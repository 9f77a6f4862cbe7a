//! What findings and conclusions say, in the language of the report. `findings.json` is in English; these are the only
//! places that reports take a finding's words from.

use std::borrow::Cow;

use coldcase_model::{Conclusion, Finding};

use crate::Lang;

/// A finding's title.
pub(crate) fn title(finding: &Finding, lang: Lang) -> Cow<'_, str> {
    own(&finding.title, lang)
}

/// What a finding means and what to look at next.
pub(crate) fn text(finding: &Finding, lang: Lang) -> Cow<'_, str> {
    own(&finding.text, lang)
}

/// What a conclusion answers.
pub(crate) fn question(conclusion: &Conclusion, lang: Lang) -> Cow<'_, str> {
    own(&conclusion.question, lang)
}

/// One sentence of a text, as [`crate::parts::sentences`] gives them.
pub(crate) fn sentence(sentence: &str, lang: Lang) -> Cow<'_, str> {
    own(sentence, lang)
}

/// A line of the case about itself: what was lost, assumed or not collected, and what clocks rest on.
pub(crate) fn note(line: &str, lang: Lang) -> Cow<'_, str> {
    own(line, lang)
}

/// What the case's zone rests on.
pub(crate) fn zone_source(source: &str, lang: Lang) -> Cow<'_, str> {
    own(source, lang)
}

/// The finding's own words, whatever the language.
fn own(text: &str, _lang: Lang) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
