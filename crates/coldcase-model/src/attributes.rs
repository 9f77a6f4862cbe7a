//! The timeline's `attributes` cell: a flat JSON object, written in the order in which it is filled.

use std::fmt::Write as _;

/// Bytes of a usual row's object.
const USUAL: usize = 120;

/// Builds a JSON object field by field. Fields that are unknown are left out, never empty.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    json: String,
    /// Whether the object that is being written has a field.
    has_field: bool,
}

impl Attributes {
    /// An object without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object without fields, with room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            json: String::with_capacity(bytes),
            has_field: false,
        }
    }

    fn key(&mut self, key: &str) {
        if self.json.capacity() == 0 {
            // One allocation for most rows, where growing byte by byte takes five.
            self.json.reserve(USUAL);
        }
        let is_first = !std::mem::replace(&mut self.has_field, true);
        self.json.push(if is_first { '{' } else { ',' });
        push_json_text(&mut self.json, key);
        self.json.push(':');
    }

    /// A text field.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        push_json_text(&mut self.json, value);
        self
    }

    /// A text field, left out where the value is unknown.
    pub fn text_if(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// A whole number.
    pub fn number(&mut self, key: &str, value: impl Into<i128>) -> &mut Self {
        self.key(key);
        let value = value.into();
        match i64::try_from(value) {
            Ok(value) => push_json_number(&mut self.json, value),
            Err(_) => drop(write!(self.json, "{value}")),
        }
        self
    }

    /// A whole number, left out where it is unknown.
    pub fn number_if(&mut self, key: &str, value: Option<impl Into<i128>>) -> &mut Self {
        match value {
            Some(value) => self.number(key, value),
            None => self,
        }
    }

    /// A yes or no.
    pub fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.key(key);
        self.json.push_str(if value { "true" } else { "false" });
        self
    }

    /// Any JSON value.
    pub fn value(&mut self, key: &str, value: &serde_json::Value) -> &mut Self {
        self.key(key);
        let _ = write!(self.json, "{value}");
        self
    }

    /// A list of texts.
    pub fn texts<T: AsRef<str>>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.key(key);
        self.json.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            push_json_text(&mut self.json, value.as_ref());
        }
        self.json.push(']');
        self
    }

    /// A list of objects; those without a field are left out.
    pub fn objects(&mut self, key: &str, items: impl IntoIterator<Item = Self>) -> &mut Self {
        self.key(key);
        self.json.push('[');
        let mut first = true;
        for item in items.into_iter().filter_map(Self::finish) {
            if !std::mem::take(&mut first) {
                self.json.push(',');
            }
            self.json.push_str(&item);
        }
        self.json.push(']');
        self
    }

    /// A list of objects, each filled by `write` in this object's own text; those without a field are left out.
    pub fn each_object<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.key(key);
        self.json.push('[');
        let empty = self.json.len();
        for item in items {
            let before = self.json.len();
            if before > empty {
                self.json.push(',');
            }
            self.has_field = false;
            write(self, item);
            if self.has_field {
                self.json.push('}');
            } else {
                self.json.truncate(before);
            }
        }
        self.has_field = true;
        self.json.push(']');
        self
    }

    /// Closes the object and gives its text, or nothing where it has no field; [`Self::clear`] begins another.
    pub fn close(&mut self) -> Option<&str> {
        if !self.has_field {
            return None;
        }
        self.json.push('}');
        self.has_field = false;
        Some(&self.json)
    }

    /// Begins another object in the same memory.
    pub fn clear(&mut self) {
        self.json.clear();
        self.has_field = false;
    }

    /// The object's text, or nothing where it has no field.
    pub fn finish(mut self) -> Option<String> {
        if self.json.is_empty() {
            return None;
        }
        self.json.push('}');
        Some(self.json)
    }
}

/// Digit by digit: formatting costs several times as much, and rows hold many numbers.
fn push_json_number(json: &mut String, value: i64) {
    if value < 0 {
        json.push('-');
    }
    let mut digits = [b'0'; 20];
    let mut rest = value.unsigned_abs();
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b"0123456789"
            .get((rest % 10) as usize)
            .copied()
            .unwrap_or(b'0');
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    let shown = digits.get(20 - used..).unwrap_or(&digits);
    json.push_str(std::str::from_utf8(shown).unwrap_or("0"));
}

fn push_json_text(json: &mut String, value: &str) {
    json.push('"');
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Without an early exit, so that it runs over many bytes at a time.
    if value.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        json.push_str(value);
        json.push('"');
        return;
    }
    for character in value.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut attributes = Attributes::new();
        attributes
            .text("a\"b", "line\n\u{1}\\ \u{7f}é")
            .number("n", 42u32)
            .number("zero", 0u32)
            .number("least", i64::MIN)
            .number("most", u64::MAX)
            .flag("f", true);
        attributes.texts("list", ["x", "y\t"]).text_if("no", None);
        let object = |number: u8| {
            let mut object = Attributes::new();
            object.number("n", number);
            object
        };
        attributes.objects("objects", [object(1), Attributes::new(), object(2)]);
        attributes.each_object("each", [3, 0, 4], |object, number| {
            if number > 0 {
                object.number("n", number).text("t", "x");
            }
        });
        attributes.flag("last", false);
        let json = attributes.finish().expect("has fields");
        let back: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
        assert_eq!(back["a\"b"], "line\n\u{1}\\ \u{7f}é");
        assert_eq!(back["n"], 42);
        assert_eq!(back["zero"], 0);
        assert_eq!(back["least"], i64::MIN);
        assert_eq!(back["most"], u64::MAX);
        assert_eq!(back["list"][1], "y\t");
        assert!(back.get("no").is_none());
        assert_eq!(back["objects"], serde_json::json!([{"n": 1}, {"n": 2}]));
        let each = serde_json::json!([{"n": 3, "t": "x"}, {"n": 4, "t": "x"}]);
        assert_eq!((&back["each"], &back["last"]), (&each, &false.into()));
    }

    #[test]
    fn no_field_is_no_object() {
        assert_eq!(Attributes::new().finish(), None);
    }
}
