//! One form: an English text with holes, and how the same is said in Chinese.

use std::fmt::Write as _;
use std::sync::OnceLock;

use regex::{Regex, escape};

use super::Catalogue;

/// A number as our sentences write them.
const NUMBER: &str = r"[+-]?[0-9][0-9.,]*(?:e[+-]?[0-9]+)?";
/// How deep kinds of words may stand in each other within one pattern; below, any text fits and is looked at later.
const DEEPEST: usize = 4;

/// A form in both languages.
pub(super) struct Form {
    english: Vec<Piece>,
    chinese: Vec<Piece>,
    /// Letters of the English text that are not values: of two forms that fit, the one with more says more.
    pub weight: usize,
    pattern: OnceLock<Option<Regex>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    Hole { name: &'static str, holds: Holds },
}

/// What a hole holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Anything,
    /// Without blanks.
    Word,
    Number,
    Kind(&'static str),
    List {
        kind: &'static str,
        separator: &'static str,
    },
}

impl std::fmt::Debug for Form {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?} / {:?}", self.english, self.chinese)
    }
}

impl Form {
    pub fn new(english: &'static str, chinese: &'static str) -> Self {
        let english = pieces(english);
        let weight = english.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Hole { .. } => 0,
        });
        Self {
            weight: weight.sum(),
            english,
            chinese: pieces(chinese),
            pattern: OnceLock::new(),
        }
    }

    /// The text in Chinese, where it has this form.
    pub fn say(&self, text: &str, catalogue: &Catalogue) -> Option<String> {
        if !self.may_fit(text) {
            return None;
        }
        let pattern = self.pattern.get_or_init(|| {
            let source = format!("^(?s:{})$", self.source(catalogue, 0));
            Regex::new(&source).ok()
        });
        let values = pattern.as_ref()?.captures(text)?;
        let mut said = String::new();
        for piece in &self.chinese {
            match piece {
                Piece::Text(text) => join(&mut said, text),
                Piece::Hole { name, .. } => {
                    let value = values.name(name)?.as_str();
                    join(&mut said, &self.value(name, value, catalogue)?);
                }
            }
        }
        Some(said)
    }

    fn value(&self, name: &str, value: &str, catalogue: &Catalogue) -> Option<String> {
        let hole = self.english.iter().find_map(|piece| match piece {
            Piece::Hole { name: other, holds } if *other == name => Some(*holds),
            _ => None,
        });
        match hole? {
            Holds::Anything | Holds::Word | Holds::Number => Some(value.to_owned()),
            Holds::Kind(kind) => catalogue.say(kind, value),
            Holds::List { kind, separator } => catalogue.list(kind, separator, value),
        }
    }

    /// What is quickly seen: how the text begins and ends, and what it holds.
    fn may_fit(&self, text: &str) -> bool {
        let begins = match self.english.first() {
            Some(Piece::Text(first)) => text.starts_with(first),
            _ => true,
        };
        let ends = match self.english.last() {
            Some(Piece::Text(last)) => text.ends_with(last),
            _ => true,
        };
        begins
            && ends
            && self.english.iter().all(|piece| match piece {
                Piece::Text(part) => text.contains(part),
                Piece::Hole { .. } => true,
            })
    }

    /// Whether any text fits.
    fn is_open(&self) -> bool {
        matches!(
            self.english.as_slice(),
            [Piece::Hole {
                holds: Holds::Anything,
                ..
            }]
        )
    }

    fn is_empty(&self) -> bool {
        self.english.is_empty()
    }

    /// The form as a regular expression; at the top its holes are groups.
    fn source(&self, catalogue: &Catalogue, depth: usize) -> String {
        let mut out = String::new();
        for piece in &self.english {
            match piece {
                Piece::Text(text) => out.push_str(&escape(text)),
                Piece::Hole { name, holds } => {
                    let inner = match holds {
                        Holds::Anything => ".+?".to_owned(),
                        Holds::Word => r"\S+".to_owned(),
                        Holds::Number => NUMBER.to_owned(),
                        Holds::Kind(kind) => of_kind(kind, catalogue, depth + 1),
                        Holds::List { kind, separator } => {
                            let one = of_kind(kind, catalogue, depth + 1);
                            format!("{one}(?:{}{one})*?", escape(separator))
                        }
                    };
                    let _ = if depth == 0 {
                        write!(out, "(?P<{name}>{inner})")
                    } else {
                        write!(out, "(?:{inner})")
                    };
                }
            }
        }
        out
    }

    /// What is wrong with it: a value that is not said or not there, a kind without forms, a pattern that is none.
    #[cfg(test)]
    pub fn flaw(&self, catalogue: &Catalogue) -> Option<String> {
        let names = |pieces: &[Piece]| {
            let mut names: Vec<&str> = pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Hole { name, .. } => Some(*name),
                    Piece::Text(_) => None,
                })
                .collect();
            names.sort_unstable();
            names
        };
        let mut english = names(&self.english);
        english.dedup();
        if english.len() != names(&self.english).len() {
            return Some("a hole stands twice".to_owned());
        }
        // How many records there are may need another word in English alone.
        let mut said = names(&self.chinese);
        said.dedup();
        let left: Vec<&&str> = english.iter().filter(|name| !said.contains(name)).collect();
        if said.iter().any(|name| !english.contains(name)) || !left.iter().all(|name| **name == "r")
        {
            return Some(format!("{english:?} is said as {said:?}"));
        }
        let kinds = self.english.iter().filter_map(|piece| match piece {
            Piece::Hole {
                holds: Holds::Kind(kind) | Holds::List { kind, .. },
                ..
            } => Some(*kind),
            _ => None,
        });
        if let Some(kind) = kinds
            .into_iter()
            .find(|kind| catalogue.forms(kind).is_empty())
        {
            return Some(format!("no forms of {kind}"));
        }
        let source = format!("^(?s:{})$", self.source(catalogue, 0));
        Regex::new(&source).err().map(|error| error.to_string())
    }
}

/// Puts a piece behind others. The blank that sets a Latin value off is not needed between Chinese letters.
fn join(said: &mut String, piece: &str) {
    let is_chinese = |letter: char| letter >= '\u{2e80}';
    let bare = piece.trim_start_matches(' ');
    if said.ends_with(is_chinese) && bare.starts_with(is_chinese) {
        said.push_str(bare);
        return;
    }
    let before = said.trim_end_matches(' ');
    if piece.starts_with(is_chinese) && before.ends_with(is_chinese) {
        said.truncate(before.len());
    }
    said.push_str(piece);
}

/// A pattern that all words of a kind fit.
fn of_kind(kind: &str, catalogue: &Catalogue, depth: usize) -> String {
    let forms = catalogue.forms(kind);
    let nothing = forms.iter().any(Form::is_empty);
    if depth > DEEPEST || forms.iter().any(Form::is_open) {
        return if nothing { ".*?" } else { ".+?" }.to_owned();
    }
    let mut all: Vec<&Form> = forms.iter().filter(|form| !form.is_empty()).collect();
    all.sort_by_key(|form| std::cmp::Reverse(form.weight));
    let all: Vec<String> = all
        .iter()
        .map(|form| form.source(catalogue, depth))
        .collect();
    format!("(?:{}){}", all.join("|"), if nothing { "?" } else { "" })
}

fn pieces(text: &'static str) -> Vec<Piece> {
    if text == "·" {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((hole, after)) = after.split_once('}') else {
            break;
        };
        if !before.is_empty() {
            found.push(Piece::Text(before));
        }
        found.push(self::hole(hole));
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

fn hole(written: &'static str) -> Piece {
    if let Some(name) = written.strip_suffix('~') {
        let holds = Holds::Word;
        return Piece::Hole { name, holds };
    }
    if let Some(name) = written.strip_suffix('#') {
        return Piece::Hole {
            name,
            holds: Holds::Number,
        };
    }
    let Some((name, kind)) = written.split_once(':') else {
        return Piece::Hole {
            name: written,
            holds: Holds::Anything,
        };
    };
    let holds = match kind.split_once('+') {
        Some((kind, separator)) => Holds::List { kind, separator },
        None => Holds::Kind(kind),
    };
    Piece::Hole { name, holds }
}
