//! JSON read token by token out of a stream, with line numbers. Nothing is held but the token at hand; what is not wanted
//! is passed over without recursion.

use std::io::{self, Read};

const CHUNK: usize = 1 << 16;
/// Longest text kept; the rest of a longer one is dropped.
const MAX_TEXT: usize = 64 << 10;

/// What the next value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Object,
    List,
    Scalar,
}

/// Why reading a document stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The file ends inside of it.
    Cut,
    /// Not JSON from here on.
    Syntax,
}

impl Broken {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "the file ends inside of a JSON document",
            Self::Syntax => "a JSON document that is not well-formed",
        }
    }
}

/// The reading position in a stream.
pub struct Json<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
    at_end: bool,
    error: Option<io::Error>,
    /// Whether a list or object was just opened: no comma stands before its first part.
    fresh: bool,
}

impl<R: Read> Json<R> {
    /// At the beginning of a reader.
    pub fn new(reader: R) -> Self {
        let mut json = Self {
            reader,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            at_end: false,
            error: None,
            fresh: false,
        };
        json.ahead(3);
        if json.buffer.starts_with(b"\xef\xbb\xbf") {
            json.at = 3;
        }
        json
    }

    /// The line of the next byte.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Whether the reader failed.
    pub fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// The reader's error.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Tries to have this many bytes at hand.
    fn ahead(&mut self, wanted: usize) {
        while self.buffer.len() - self.at < wanted && !self.at_end {
            self.buffer.drain(..self.at);
            self.at = 0;
            let held = self.buffer.len();
            self.buffer.resize(held + CHUNK, 0);
            let read = loop {
                let room = self.buffer.get_mut(held..).unwrap_or_default();
                match self.reader.read(room) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            let got = *read.as_ref().unwrap_or(&0);
            self.buffer.truncate(held + got);
            self.at_end = got == 0;
            if let Err(error) = read {
                self.error = Some(error);
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        if self.at == self.buffer.len() {
            self.ahead(1);
        }
        self.buffer.get(self.at).copied()
    }

    fn step(&mut self) {
        if self.buffer.get(self.at) == Some(&b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    /// Passes over blanks; the byte behind them.
    pub fn blanks(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\r' | b'\n' | 0 => self.step(),
                other => return Some(other),
            }
        }
    }

    /// Whether a document begins here, and not a prompt or a template.
    pub fn opens_document(&mut self) -> bool {
        self.ahead(256);
        let mut rest = self.buffer.get(self.at..).unwrap_or_default().iter();
        let first = rest.next();
        let next = rest.find(|byte| !byte.is_ascii_whitespace());
        match first {
            Some(b'{') => matches!(next, Some(b'"' | b'}')),
            Some(b'[') => matches!(next, Some(b'{' | b'[' | b']')),
            _ => false,
        }
    }

    /// Passes over the rest of the line.
    pub fn rest_of_line(&mut self) {
        while let Some(byte) = self.peek() {
            self.step();
            if byte == b'\n' {
                return;
            }
        }
    }

    /// Passes over lines up to one that begins with a bracket.
    pub fn next_document(&mut self) {
        loop {
            self.rest_of_line();
            match self.peek() {
                None | Some(b'{') => return,
                _ => {}
            }
        }
    }

    fn wanted(&mut self) -> Result<u8, Broken> {
        self.blanks().ok_or(Broken::Cut)
    }

    /// What the next value is.
    pub fn kind(&mut self) -> Result<Kind, Broken> {
        Ok(match self.wanted()? {
            b'{' => Kind::Object,
            b'[' => Kind::List,
            b'"' | b'-' | b'+' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Kind::Scalar,
            _ => return Err(Broken::Syntax),
        })
    }

    /// Goes into the object or list that begins here.
    pub fn enter(&mut self) -> Result<(), Broken> {
        self.wanted()?;
        self.step();
        self.fresh = true;
        Ok(())
    }

    /// Goes to the next part, or over the end.
    fn next_part(&mut self, close: u8) -> Result<bool, Broken> {
        let fresh = std::mem::take(&mut self.fresh);
        let byte = self.wanted()?;
        if byte == close {
            self.step();
            return Ok(false);
        }
        match (fresh, byte) {
            (true, _) => Ok(true),
            (false, b',') => {
                self.step();
                self.wanted()?;
                Ok(true)
            }
            (false, _) => Err(Broken::Syntax),
        }
    }

    /// Whether the list at hand has another value: then it is next.
    pub fn next_in_list(&mut self) -> Result<bool, Broken> {
        self.next_part(b']')
    }

    /// The name of the next member of the object at hand; its value is next.
    pub fn next_member(&mut self) -> Result<Option<String>, Broken> {
        if !self.next_part(b'}')? {
            return Ok(None);
        }
        if self.wanted()? != b'"' {
            return Err(Broken::Syntax);
        }
        let name = self.text()?;
        if self.wanted()? != b':' {
            return Err(Broken::Syntax);
        }
        self.step();
        Ok(Some(name))
    }

    /// The next value, a text or a number, as text.
    pub fn scalar(&mut self) -> Result<String, Broken> {
        if self.wanted()? == b'"' {
            return self.text();
        }
        let mut text = String::new();
        while let Some(byte) = self.peek() {
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'+' | b'-') {
                break;
            }
            if text.len() < 64 {
                text.push(char::from(byte));
            }
            self.step();
        }
        match text.is_empty() {
            true => Err(Broken::Syntax),
            false => Ok(text),
        }
    }

    fn text(&mut self) -> Result<String, Broken> {
        self.step();
        let mut bytes = Vec::new();
        loop {
            let byte = self.peek().ok_or(Broken::Cut)?;
            self.step();
            let mut keep = |byte: u8| {
                if bytes.len() < MAX_TEXT {
                    bytes.push(byte);
                }
            };
            match byte {
                b'"' => break,
                // A text ends on its line: where it does not, its quote was lost.
                b'\n' => return Err(Broken::Syntax),
                b'\\' => {
                    let escaped = self.peek().ok_or(Broken::Cut)?;
                    self.step();
                    keep(b'\\');
                    keep(escaped);
                }
                other => keep(other),
            }
        }
        if !bytes.contains(&b'\\') {
            return Ok(String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()));
        }
        // serde_json knows the escapes; a text that was cut keeps them.
        let quoted = format!("\"{}\"", String::from_utf8_lossy(&bytes));
        Ok(serde_json::from_str(&quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned()))
    }

    /// Passes over the next value, however deep it is.
    pub fn skip_value(&mut self) -> Result<(), Broken> {
        let mut depth = 0_u64;
        loop {
            match self.wanted()? {
                b'"' => drop(self.text()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.step();
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.step();
                }
                b',' | b':' if depth > 0 => self.step(),
                _ => drop(self.scalar()?),
            }
            if depth == 0 {
                self.fresh = false;
                return Ok(());
            }
        }
    }
}
