//! One record of any Zeek log, whichever way it was written: named fields, unset ones left out.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Most entries taken of a set or vector.
const MAX_LIST: usize = 64;

/// The directives at the head of a tab-separated log that say how its fields are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub separator: Vec<u8>,
    pub set_separator: String,
    pub empty: String,
    pub unset: String,
    pub path: String,
    pub fields: Vec<String>,
    pub types: Vec<String>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            separator: b"\t".to_vec(),
            set_separator: ",".to_owned(),
            empty: "(empty)".to_owned(),
            unset: "-".to_owned(),
            path: String::new(),
            fields: Vec::new(),
            types: Vec::new(),
        }
    }
}

impl Layout {
    /// Takes a line that begins with `#`; whether it is a directive of Zeek's.
    pub fn directive(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix('#') else {
            return false;
        };
        if let Some(separator) = rest.strip_prefix("separator ") {
            *self = Self {
                separator: unescape(separator.trim()).into_owned().into_bytes(),
                ..Self::default()
            };
            return !self.separator.is_empty();
        }
        let separator = String::from_utf8_lossy(&self.separator).into_owned();
        let (name, value) = rest.split_once(separator.as_str()).unwrap_or((rest, ""));
        let list = || value.split(separator.as_str()).map(str::to_owned).collect();
        match name {
            "set_separator" => self.set_separator = value.to_owned(),
            "empty_field" => self.empty = value.to_owned(),
            "unset_field" => self.unset = value.to_owned(),
            "path" => self.path = value.to_owned(),
            "fields" => self.fields = list(),
            "types" => self.types = list(),
            "open" | "close" => {}
            _ => return false,
        }
        true
    }
}

/// A record.
pub(super) enum Record<'a> {
    /// Names beside the texts of a line, in the file's own way to write them.
    Row {
        layout: &'a Layout,
        cells: Vec<&'a str>,
    },
    /// A JSON object.
    Object(&'a Map<String, Value>),
}

impl<'a> Record<'a> {
    /// A line's cells; `None` where there are not as many as fields.
    pub fn of_line(layout: &'a Layout, line: &'a str) -> Option<Self> {
        let separator = std::str::from_utf8(&layout.separator).ok()?;
        let cells: Vec<_> = line.split(separator).collect();
        (cells.len() == layout.fields.len() && cells.len() > 1)
            .then_some(Self::Row { layout, cells })
    }

    /// A field as text; unset and empty ones are unknown.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        match self {
            Self::Row { layout, cells } => {
                let at = layout.fields.iter().position(|field| field == name)?;
                let cell = *cells.get(at)?;
                if cell.is_empty() || cell == layout.unset || cell == layout.empty {
                    return None;
                }
                Some(unescape(cell))
            }
            Self::Object(map) => match self.member(map, name)? {
                Value::Null => None,
                Value::String(text) if text.is_empty() => None,
                Value::String(text) => Some(Cow::Borrowed(text.as_str())),
                Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "T" } else { "F" })),
                other => Some(Cow::Owned(other.to_string())),
            },
        }
    }

    /// `id.orig_h` is one member's name, or the path to a member of a nested object.
    fn member(&self, map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
        map.get(name).or_else(|| {
            let (outer, inner) = name.split_once('.')?;
            map.get(outer)?.as_object()?.get(inner)
        })
    }

    /// The first of these fields that is set.
    pub fn first(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| self.text(name))
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A port.
    pub fn port(&self, name: &str) -> Option<u16> {
        self.text(name)?.parse().ok()
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.as_ref() {
            "T" | "true" => Some(true),
            "F" | "false" => Some(false),
            _ => None,
        }
    }

    /// The entries of a set or vector.
    pub fn list(&self, name: &str) -> Vec<Cow<'a, str>> {
        match self {
            Self::Row { layout, cells } => {
                let at = layout.fields.iter().position(|field| field == name);
                let cell = at.and_then(|at| cells.get(at)).copied().unwrap_or_default();
                if cell.is_empty() || cell == layout.unset || cell == layout.empty {
                    return Vec::new();
                }
                let parts = cell.split(layout.set_separator.as_str());
                parts.take(MAX_LIST).map(unescape).collect()
            }
            Self::Object(map) => match self.member(map, name) {
                Some(Value::Array(list)) => list
                    .iter()
                    .take(MAX_LIST)
                    .map(|value| match value {
                        Value::String(text) => Cow::Borrowed(text.as_str()),
                        other => Cow::Owned(other.to_string()),
                    })
                    .collect(),
                _ => self.text(name).into_iter().collect(),
            },
        }
    }

    /// All set fields in their order.
    pub fn fields(&self) -> Vec<(&'a str, Cow<'a, str>)> {
        match self {
            Self::Row { layout, .. } => layout
                .fields
                .iter()
                .filter_map(|name| Some((name.as_str(), self.text(name)?)))
                .collect(),
            Self::Object(map) => map
                .keys()
                .filter_map(|name| Some((name.as_str(), self.text(name)?)))
                .collect(),
        }
    }
}

/// `\x09` and `\x2c` as the character they stand for; control characters stay escaped.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        out.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte == b'\t' || (b' '..=b'~').contains(&byte) => {
                out.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push_str("\\x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let check = |text: &str, expected: &str| assert_eq!(unescape(text), expected);
        check("\\x09", "\t");
        check("a\\x2cb\\x0ac\\xzz\\x", "a,b\\x0ac\\xzz\\x");
    }

    #[test]
    fn directives() {
        let mut layout = Layout::default();
        for line in [
            "#separator \\x7c",
            "#set_separator|;",
            "#path|dns",
            "#fields|ts|query",
        ] {
            assert!(layout.directive(line), "{line}");
        }
        assert!(!layout.directive("# a comment"));
        let record = Record::of_line(&layout, "1.5|a;b").expect("two cells");
        assert_eq!(record.list("query"), ["a", "b"]);
        assert_eq!(record.text("ts").as_deref(), Some("1.5"));
        assert!(Record::of_line(&layout, "1.5").is_none());
    }
}
