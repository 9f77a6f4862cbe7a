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

/// A conclusion's sentences.
pub(crate) fn answer(conclusion: &Conclusion, lang: Lang) -> Cow<'_, str> {
    own(&conclusion.text, lang)
}

/// The finding's own words, whatever the language.
fn own(text: &str, _lang: Lang) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
