//! Objects of YAML documents as kubectl prints them, one at a time, as the values that JSON would give.
//!
//! A document is split into its objects by its layout alone (`items:`, then `- ` at one column), so that memory
//! holds one object and not the file. An object's text is then parsed by events. Aliases are never followed, nesting
//! and the number of values are bounded: no short text can grow into a large value.

use std::collections::VecDeque;
use std::io::{self, Read};

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

use crate::Lines;

/// Longest object kept. The cluster's store takes objects of 1.5 MiB; their indentation adds to that.
const MAX_OBJECT: usize = 4 << 20;
/// Most values in one object.
const MAX_VALUES: usize = 1 << 18;
/// Deepest nesting; schemas of custom resources reach some forty levels.
const MAX_DEPTH: usize = 96;

/// What stands next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// An object's text and the line at which it begins.
    Object {
        /// Its line.
        line: u64,
        /// Its text, a YAML document of its own.
        text: String,
    },
    /// `items: []`.
    EmptyList(u64),
    /// A line outside of any document.
    Text(u64, String),
    /// An object that was lost, and why.
    Damaged(u64, &'static str),
    /// Whole objects, but the end of their list is missing.
    UnclosedList(u64),
}

/// Where the reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of any document.
    Outside,
    /// In a document that is one object.
    Object,
    /// Behind `items:`; the column of its dashes once it is known.
    List(Option<usize>),
    /// In what a list's wrapper has behind its items.
    Wrapper,
}

/// Reads the objects of YAML documents.
pub struct Objects<R> {
    lines: Lines<R>,
    state: State,
    text: String,
    line: u64,
    too_long: bool,
    ready: VecDeque<Piece>,
    ended: bool,
}

impl<R: Read> Objects<R> {
    /// Objects of this reader.
    pub fn new(reader: R) -> Self {
        Self {
            lines: Lines::new(reader),
            state: State::Outside,
            text: String::new(),
            line: 0,
            too_long: false,
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// The next piece, or `None` at the end.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            let next = self.lines.next_line()?.map(|line| {
                let text = line.text();
                let text = text.trim_start_matches('\u{feff}').to_owned();
                (line.number, text, line.ended)
            });
            match next {
                Some((number, text, ended)) => self.take(number, &text, ended),
                None => self.finish(),
            }
        }
    }

    fn finish(&mut self) {
        let in_list = matches!(self.state, State::List(Some(_)));
        self.flush();
        if in_list {
            self.ready.push_back(Piece::UnclosedList(self.line));
        }
        self.state = State::Outside;
        self.ended = true;
    }

    /// Hands out the object gathered.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let too_long = std::mem::take(&mut self.too_long);
        if too_long {
            let piece = Piece::Damaged(self.line, "an object longer than 4 MiB");
            self.ready.push_back(piece);
        } else if !text.trim().is_empty() {
            let line = self.line;
            self.ready.push_back(Piece::Object { line, text });
        }
    }

    fn take(&mut self, number: u64, line: &str, ended: bool) {
        let trimmed = line.trim_end();
        if trimmed.trim_start().is_empty() {
            return self.gather("");
        }
        if trimmed == "---" || trimmed == "..." || trimmed.starts_with("--- ") {
            self.flush();
            self.state = State::Outside;
            return;
        }
        let indent = trimmed.len() - trimmed.trim_start_matches(' ').len();
        let is_member = indent == 0 && member(trimmed).is_some();
        match self.state {
            State::List(column) => {
                let dash = trimmed.trim_start().starts_with("- ");
                if dash && column.is_none_or(|column| column == indent) {
                    self.flush();
                    self.state = State::List(Some(indent));
                    self.line = number;
                    let rest = trimmed.get(indent + 1..).unwrap_or_default();
                    return self.gather(&format!("{}{rest}", " ".repeat(indent + 1)));
                }
                if column.is_some_and(|column| indent > column) {
                    // A line that the file's end cuts may hold half a value.
                    if ended {
                        self.gather(trimmed);
                    }
                    return;
                }
                self.flush();
                self.state = State::Wrapper;
                self.outside(number, trimmed, is_member);
            }
            State::Object if indent > 0 || is_dash(trimmed) => self.gather(trimmed),
            _ => self.outside(number, trimmed, is_member),
        }
    }

    /// A line at the left edge, which may begin or end a document.
    fn outside(&mut self, number: u64, line: &str, is_member: bool) {
        if !is_member {
            let comment = line.starts_with('#');
            match self.state {
                State::Object if comment => return,
                State::Wrapper if line.starts_with([' ', '-', '}', ']']) || comment => return,
                _ => {}
            }
            self.flush();
            self.state = State::Outside;
            self.ready.push_back(Piece::Text(number, line.to_owned()));
            return;
        }
        let (name, value) = member(line).unwrap_or_default();
        let again = name == "apiVersion" && self.has_member("apiVersion:");
        if again || (self.state == State::Wrapper && name == "apiVersion") {
            self.flush();
            self.state = State::Outside;
        }
        if name == "items" && matches!(value, "" | "[]" | "null") {
            self.text.clear();
            self.line = number;
            self.state = State::List(None);
            if !value.is_empty() {
                self.state = State::Wrapper;
                self.ready.push_back(Piece::EmptyList(number));
            }
            return;
        }
        if self.state == State::Outside {
            self.line = number;
            self.state = State::Object;
        }
        if self.state == State::Object {
            self.gather(line);
        }
    }

    fn has_member(&self, name: &str) -> bool {
        self.state == State::Object && self.text.lines().any(|line| line.starts_with(name))
    }

    fn gather(&mut self, line: &str) {
        if matches!(
            self.state,
            State::Outside | State::Wrapper | State::List(None)
        ) {
            return;
        }
        if self.text.len() + line.len() > MAX_OBJECT {
            self.too_long = true;
            self.text.clear();
        }
        if !self.too_long {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}

/// Whether a line at the left edge is of a member's list that is not indented.
fn is_dash(line: &str) -> bool {
    line.starts_with("- ") || line == "-"
}

/// Name and value of a line `name: value`.
pub fn member(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    let fits = !name.is_empty() && name.bytes().all(plain) && name.len() <= 64;
    let spaced = value.is_empty() || value.starts_with(' ');
    (fits && spaced).then(|| (name, value.trim()))
}

/// `apiVersion` and `kind` of an object's text, which is not parsed for it.
pub fn version_and_kind(text: &str) -> Option<(&str, &str)> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let column = first.len() - first.trim_start().len();
    let of = |wanted: &str| {
        let own = |line: &&str| line.len() - line.trim_start().len() == column;
        let mut members = text
            .lines()
            .filter(own)
            .filter_map(|line| member(line.trim_start()));
        let (_, value) = members.find(|(name, _)| *name == wanted)?;
        let value = value.split(" #").next().unwrap_or(value).trim();
        Some(value.trim_matches(['"', '\'']))
    };
    Some((of("apiVersion")?, of("kind")?))
}

/// A list or object that is being filled.
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, Option<String>),
}

/// The value of one document. An error names what is wrong.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut values = 0;
    while let Some(event) = parser.next_event() {
        let (event, _) = event.map_err(|error| error.to_string())?;
        let value = match event {
            Event::MappingStart(..) => {
                open.push(Open::Object(Map::new(), None));
                None
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::List(list)) => Some(Value::Array(list)),
                Some(Open::Object(map, _)) => Some(Value::Object(map)),
                None => return Err("an end without its beginning".to_owned()),
            },
            Event::Scalar(text, style, ..) => Some(scalar(&text, style)),
            Event::Alias(_) => Some(Value::Null),
            Event::StreamEnd | Event::DocumentEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
        };
        values += 1;
        if open.len() > MAX_DEPTH || values > MAX_VALUES {
            return Err("nested too deep, or of too many values".to_owned());
        }
        let Some(value) = value else { continue };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Object(map, name)) => match name.take() {
                Some(name) => drop(map.insert(name, value)),
                None => *name = Some(key(value)),
            },
        }
    }
    Err("no value in it".to_owned())
}

fn key(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A plain scalar may be null, a truth or a whole number; a quoted one is text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) if !text.starts_with('+') => Value::Number(Number::from(number)),
            _ => Value::String(text.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        let mut objects = Objects::new(text.as_bytes());
        let mut got = Vec::new();
        while let Some(piece) = objects.next_piece().expect("memory never fails") {
            got.push(match piece {
                Piece::Object { line, text } => match parse(&text) {
                    Ok(value) => format!("{line} {value}"),
                    Err(error) => format!("{line} {error}"),
                },
                Piece::EmptyList(line) => format!("{line} empty"),
                Piece::Text(line, text) => format!("{line} text {text}"),
                Piece::Damaged(line, why) => format!("{line} {why}"),
                Piece::UnclosedList(line) => format!("{line} unclosed"),
            });
        }
        got
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(pieces(text), expected, "{text}");
    }

    #[test]
    fn lists_are_split() {
        let objects = [
            "3 {\"a\":1,\"b\":[{\"c\":null}]}",
            "6 {\"a\":\"x\\n\\ny\\n\"}",
        ];
        check(
            "apiVersion: v1\nitems:\n- a: 1\n  b:\n  - c:\n- a: |\n    x\n\n    y\nkind: List\nmetadata:\n  x: y\n",
            &objects,
        );
        check(
            "apiVersion: v1\nitems:\n  - a: 1\n    b:\n      - c: ~\n  - a: |\n      x\n\n      y\nkind: List\n",
            &objects,
        );
        check("kind: List\nitems: []\n", &["2 empty"]);
        check("items:\n- a: 1\n  b: 2", &["2 {\"a\":1}", "2 unclosed"]);
        check(
            "items:\n- a: 1\nkind: List\n$ kubectl get x\napiVersion: v1\nitems:\n- a: 2\nkind: List\n",
            &["2 {\"a\":1}", "4 text $ kubectl get x", "7 {\"a\":2}"],
        );
    }

    #[test]
    fn documents_are_split() {
        check(
            "# made by hand\n---\napiVersion: v1\nkind: A\n---\nkind: B # no\nlist:\n- 1\n- x: true\n...\n",
            &[
                "1 text # made by hand",
                "3 {\"apiVersion\":\"v1\",\"kind\":\"A\"}",
                "6 {\"kind\":\"B\",\"list\":[1,{\"x\":true}]}",
            ],
        );
        check(
            "$ kubectl get a\napiVersion: v1\nkind: A\n$ kubectl get b\napiVersion: v1\nkind: B\napiVersion: v1\n",
            &[
                "1 text $ kubectl get a",
                "2 {\"apiVersion\":\"v1\",\"kind\":\"A\"}",
                "4 text $ kubectl get b",
                "5 {\"apiVersion\":\"v1\",\"kind\":\"B\"}",
                "7 {\"apiVersion\":\"v1\"}",
            ],
        );
    }

    #[test]
    fn nothing_grows_out_of_a_short_text() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
        assert!(parse(&"a: {".repeat(10_000)).is_err());
        let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        let value = parse(bomb).expect("reads");
        assert_eq!(value["c"], serde_json::json!([null, null]));
        assert!(parse("a: \"x").is_err());
        assert!(parse("").is_err());
        assert_eq!(parse("a: '1'\n").expect("reads")["a"], "1");
    }
}
