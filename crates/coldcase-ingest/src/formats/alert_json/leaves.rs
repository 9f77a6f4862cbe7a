//! The values of an alert, each with the path at which it stands. No recursion: the depth is the evidence's.

use serde_json::Value;

/// Most values looked at.
const MOST_LEAVES: usize = 4_096;

/// Words of a path that are looked at.
const MOST_WORDS: usize = 24;

/// One value.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// `detail.domain`, `hits[0].ip`.
    pub path: String,
    /// Lower-case words of the whole path: `detail`, `resolved`, `ip`.
    pub words: Vec<String>,
    /// How many of the last words are the member's own.
    pub own: usize,
    pub value: &'a Value,
}

impl Leaf<'_> {
    /// The member's own words in one: `resolved_ip`.
    pub fn key(&self) -> String {
        self.own_words().join("_")
    }

    /// The member's own words.
    pub fn own_words(&self) -> &[String] {
        let start = self.words.len().saturating_sub(self.own);
        self.words.get(start..).unwrap_or_default()
    }

    /// Whether the path has one of these words.
    pub fn within(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    /// Whether the member's own name has one of these words.
    pub fn named(&self, words: &[&str]) -> bool {
        let own = self.own_words();
        own.iter().any(|word| words.contains(&word.as_str()))
    }

    /// The value as text.
    pub fn text(&self) -> Option<&str> {
        self.value
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// Names from the top.
    pub fn depth(&self) -> usize {
        self.path.bytes().filter(|byte| *byte == b'.').count()
    }
}

/// All values that are texts, numbers or flags, in document order.
pub(super) fn leaves<'a>(value: &'a Value, path: &str) -> Vec<Leaf<'a>> {
    let mut found = Vec::new();
    let mut open = vec![(path.to_owned(), Vec::new(), 0, value)];
    while let Some((path, path_words, own, value)) = open.pop() {
        if found.len() >= MOST_LEAVES || open.len() > MOST_LEAVES {
            break;
        }
        match value {
            Value::Object(map) => {
                for (name, inner) in map.iter().rev() {
                    let of_name = words(name);
                    let own = of_name.len();
                    let mut all: Vec<String> = path_words.clone();
                    all.extend(of_name);
                    if all.len() > MOST_WORDS {
                        continue;
                    }
                    let path = match path.is_empty() {
                        true => name.clone(),
                        false => format!("{path}.{name}"),
                    };
                    open.push((path, all, own, inner));
                }
            }
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate().rev() {
                    open.push((format!("{path}[{index}]"), path_words.clone(), own, inner));
                }
            }
            Value::Null => {}
            value => found.push(Leaf {
                path,
                words: path_words,
                own,
                value,
            }),
        }
    }
    found
}

/// Lower-case words of a name: `sourceIPAddress` is source, ip, address; `resolved_ip`, `k8s.pod.name` alike.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = name.chars().take(128).collect();
    for (index, character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|at| characters.get(at));
        let next = characters.get(index + 1);
        let lower_before = before.is_some_and(|c| c.is_lowercase() || c.is_ascii_digit());
        let lower_next = next.is_some_and(|c| c.is_lowercase());
        let upper_before = before.is_some_and(|c| c.is_uppercase());
        let begins = character.is_uppercase() && (lower_before || (upper_before && lower_next));
        if begins && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        word.extend(character.to_lowercase());
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}
