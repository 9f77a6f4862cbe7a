//! An answer's text in parts, so that nobody reads a wall: what proves it, what speaks against it, what can't be seen,
//! and what to do next. Sentences say by their first words where they belong.

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
const LEADS: [(Part, &str); 21] = [
    (Part::Next, "Fetch next"),
    (Part::Next, "Next:"),
    (Part::Next, "Look next"),
    (Part::Next, "To see "),
    (Part::Next, "Ask "),
    (Part::Next, "To decide"),
    (Part::Next, "To tell them apart"),
    (Part::Against, "Against it"),
    (Part::Against, "What it is not"),
    (Part::Against, "Other containers"),
    (Part::Against, "No other "),
    (Part::Against, "Others "),
    (Part::Against, "Harmless"),
    (Part::Against, "At other times"),
    (Part::Against, "Confidence "),
    (Part::Unseen, "Not shown"),
    (Part::Unseen, "Not in the evidence"),
    (Part::Unseen, "Not to be seen"),
    (Part::Unseen, "Which process connected"),
    (Part::Unseen, "Not seen"),
    (Part::Unseen, "Unseen"),
];

/// The sentences of a text as `findings.json` has it, in English. A full stop ends one where a space and a capital, a
/// digit or a quote follow, outside of commands and brackets.
pub(crate) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found: Vec<Sentence> = Vec::new();
    for text in split(text) {
        let lead = LEADS.iter().find(|(_, lead)| text.starts_with(lead));
        // What follows a part's lead and has none of its own is still about what is to be done.
        let before = found
            .last()
            .map(|sentence| sentence.part)
            .filter(|part| *part == Part::Next);
        let part = lead
            .map(|(part, _)| *part)
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
            '(' => brackets += 1,
            ')' => brackets = (brackets - 1).max(0),
            _ => {}
        }
        let ends = match letter {
            '.' | '?' | '!' => letters.peek().is_none_or(|next| next.is_whitespace()),
            _ => false,
        };
        if !ends || is_command || brackets > 0 {
            continue;
        }
        let mut ahead = letters.clone().skip_while(|next| next.is_whitespace());
        if ahead.next().is_none_or(|next| !next.is_lowercase()) {
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
        let found = sentences(text);
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
}
