//! An answer's text in parts, so that nobody reads a wall: what proves it, what speaks against it, what can't be seen,
//! and what to do next. Sentences say by their first words where they belong.

use crate::Lang;

/// Where a sentence belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Why it is so.
    Proof,
    /// Alternatives, and why they lost.
    Against,
    /// What the evidence could not show.
    Unseen,
    /// What to do next.
    Next,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Proof, Self::Next, Self::Against, Self::Unseen];

    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Proof => "proof",
            Self::Against => "against",
            Self::Unseen => "unseen",
            Self::Next => "next",
        }
    }
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sentence {
    pub part: Part,
    pub text: String,
}

/// First words of sentences, and where these belong. A sentence with others is proof.
const LEADS: [(Part, Lang, &str); 31] = [
    (Part::Next, Lang::En, "Fetch next"),
    (Part::Next, Lang::En, "Next:"),
    (Part::Next, Lang::En, "Look next"),
    (Part::Next, Lang::En, "To see "),
    (Part::Next, Lang::En, "Ask "),
    (Part::Next, Lang::En, "To decide"),
    (Part::Next, Lang::En, "To tell them apart"),
    (Part::Against, Lang::En, "Against it"),
    (Part::Against, Lang::En, "What it is not"),
    (Part::Against, Lang::En, "Other containers"),
    (Part::Against, Lang::En, "No other "),
    (Part::Against, Lang::En, "Others "),
    (Part::Against, Lang::En, "Harmless"),
    (Part::Against, Lang::En, "At other times"),
    (Part::Against, Lang::En, "Confidence "),
    (Part::Unseen, Lang::En, "Not shown"),
    (Part::Unseen, Lang::En, "Not in the evidence"),
    (Part::Unseen, Lang::En, "Not to be seen"),
    (Part::Unseen, Lang::En, "Which process connected"),
    (Part::Unseen, Lang::En, "Not seen"),
    (Part::Unseen, Lang::En, "Unseen"),
    (Part::Next, Lang::Zh, "下一步"),
    (Part::Next, Lang::Zh, "接下来"),
    (Part::Next, Lang::Zh, "询问"),
    (Part::Next, Lang::Zh, "若要"),
    (Part::Against, Lang::Zh, "反面"),
    (Part::Against, Lang::Zh, "其他"),
    (Part::Against, Lang::Zh, "没有其他"),
    (Part::Against, Lang::Zh, "可信度"),
    (Part::Unseen, Lang::Zh, "证据中没有"),
    (Part::Unseen, Lang::Zh, "看不到"),
];

/// A text's sentences. A full stop ends one where a space and a capital, a digit or a quote follow, outside of
/// commands and brackets; `。` always does.
pub(crate) fn sentences(text: &str, lang: Lang) -> Vec<Sentence> {
    let mut found: Vec<Sentence> = Vec::new();
    for text in split(text) {
        let lead = LEADS.iter().find(|(_, spoken, lead)| {
            (*spoken == lang || *spoken == Lang::En) && text.starts_with(lead)
        });
        // What follows a part's lead and has none of its own is still about what is to be done.
        let before = found
            .last()
            .map(|sentence| sentence.part)
            .filter(|part| *part == Part::Next);
        let part = lead
            .map(|(part, ..)| *part)
            .or(before)
            .unwrap_or(Part::Proof);
        found.push(Sentence { part, text });
    }
    found
}

fn split(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sentence = String::new();
    let (mut is_command, mut brackets) = (false, 0_i32);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        sentence.push(letter);
        match letter {
            '`' => is_command = !is_command,
            '(' | '（' => brackets += 1,
            ')' | '）' => brackets = (brackets - 1).max(0),
            _ => {}
        }
        let ends = match letter {
            '。' => true,
            '.' | '?' | '!' => letters.peek().is_none_or(|next| next.is_whitespace()),
            _ => false,
        };
        if !ends || is_command || brackets > 0 {
            continue;
        }
        let mut ahead = letters.clone().skip_while(|next| next.is_whitespace());
        if ahead
            .next()
            .is_none_or(|next| !next.is_lowercase() || letter == '。')
        {
            found.push(std::mem::take(&mut sentence).trim().to_owned());
        }
    }
    found.push(sentence.trim().to_owned());
    found.retain(|sentence| !sentence.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(Part, &str)]) {
        let found = sentences(text, Lang::En);
        let found: Vec<(Part, &str)> = found
            .iter()
            .map(|one| (one.part, one.text.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_go_to_their_parts() {
        check(
            "560 of 560 logins match, 0.4 % failed. No other container was created. Not in the evidence: an audit log. Fetch next: `a; b. C`. Ask whom 10.0.0.1 is of.",
            &[
                (Part::Proof, "560 of 560 logins match, 0.4 % failed."),
                (Part::Against, "No other container was created."),
                (Part::Unseen, "Not in the evidence: an audit log."),
                (Part::Next, "Fetch next: `a; b. C`."),
                (Part::Next, "Ask whom 10.0.0.1 is of."),
            ],
        );
        check("", &[]);
        check("no full stop", &[(Part::Proof, "no full stop")]);
    }

    #[test]
    fn chinese_sentences_end_without_spaces() {
        let found = sentences(
            "共有560次登录。证据中没有审计日志。下一步：`docker ps`。",
            Lang::Zh,
        );
        let parts: Vec<Part> = found.iter().map(|one| one.part).collect();
        assert_eq!(parts, [Part::Proof, Part::Unseen, Part::Next]);
    }
}
