//! Values: the audit system's ways of writing text and numbers (bare, quoted, hex), and their decoding.

use std::borrow::Cow;

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Without quotes: a number, a word, or text in hex.
    Bare,
    /// In double quotes: text as it is.
    Quoted,
    /// In single quotes: an inner list of fields.
    Nested,
    /// From interpreted text: already decoded, may hold blanks.
    Plain,
}

/// One value, not decoded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// The bytes, without quotes.
    pub raw: &'a [u8],
    /// How they were written.
    pub form: Form,
}

impl<'a> Value<'a> {
    /// A whole decimal number.
    pub fn number(self) -> Option<i64> {
        number(self.raw)
    }

    /// The text of a field that is never hex-encoded; `None` for `?` and `(null)`.
    pub fn word(self) -> Option<Cow<'a, str>> {
        (!self.is_absent()).then(|| show(self.raw))
    }

    /// The text of a field that the kernel writes in hex where it holds blanks, quotes or control bytes.
    pub fn text(self) -> Option<Cow<'a, str>> {
        if self.is_absent() {
            return None;
        }
        if self.form == Form::Bare
            && let Some(decoded) = hex(self.raw)
        {
            return Some(lossy(decoded));
        }
        Some(show(self.raw))
    }

    /// An account name. Old programs wrote it bare (`acct=root`), so hex digits that would not have needed
    /// encoding, or are in lower case, are a name like `abba`.
    pub fn account(self) -> Option<Cow<'a, str>> {
        if self.form != Form::Bare {
            return self.word();
        }
        let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'"';
        let is_name = self.raw.iter().any(u8::is_ascii_lowercase);
        match hex(self.raw).filter(|decoded| !is_name && !decoded.iter().all(plain)) {
            Some(decoded) => String::from_utf8(decoded)
                .map_or_else(|_| self.word(), |name| Some(Cow::Owned(name))),
            None => self.word(),
        }
    }

    /// The bytes of a field that may be in hex.
    pub fn bytes(self) -> Cow<'a, [u8]> {
        match self.form {
            Form::Bare => hex(self.raw).map_or(Cow::Borrowed(self.raw), Cow::Owned),
            _ => Cow::Borrowed(self.raw),
        }
    }

    /// `(null)` and `?` say that there is no value.
    pub fn is_absent(self) -> bool {
        self.form != Form::Quoted && matches!(self.raw, b"(null)" | b"?" | b"")
            || matches!(self.raw, b"?")
    }
}

fn lossy(bytes: Vec<u8>) -> Cow<'static, str> {
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Bytes as text; what is not UTF-8 becomes U+FFFD.
pub fn show(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Where the first of two bytes stands. Keys and values are short, so that eight bytes at a time beat a
/// vector search with its set-up.
pub fn find_either(text: &[u8], one: u8, other: u8) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The lowest marked byte of each is a zero byte of `word`; higher marks may be carries.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let mut at = 0;
    let mut rest = text;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let found = zeros(word ^ (LOW * u64::from(one))) | zeros(word ^ (LOW * u64::from(other)));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
        rest = after;
    }
    let found = rest.iter().position(|byte| *byte == one || *byte == other);
    found.map(|found| at + found)
}

/// A whole decimal number, with sign; nothing else before or after it.
pub fn number(text: &[u8]) -> Option<i64> {
    let (digits, negative) = match text.strip_prefix(b"-") {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    Some(if negative { -value } else { value })
}

/// A hexadecimal number without prefix, as `arch=`, `a0=` have it.
pub fn hex_number(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        Some(value << 4 | u64::from(nibble(*byte)?))
    })
}

fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// The bytes of a hex text; `None` where it is not one: empty, odd, or other characters.
pub fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks_exact(2) {
        let [high, low] = pair else { return None };
        bytes.push(nibble(*high)? << 4 | nibble(*low)?);
    }
    Some(bytes)
}

/// Decodes into a buffer as much as it holds; `None` where the text is no hex.
pub fn decode_hex<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let mut filled = 0;
    for (slot, pair) in buffer.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *slot = nibble(*high)? << 4 | nibble(*low)?;
        filled += 1;
    }
    buffer.get(..filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let check = |raw: &str, form: Form, expected: Option<&str>| {
            let value = Value {
                raw: raw.as_bytes(),
                form,
            };
            assert_eq!(value.text().as_deref(), expected, "{raw}");
        };
        check("2F6120", Form::Bare, Some("/a "));
        check("2f6", Form::Bare, Some("2f6"));
        check("abcd", Form::Quoted, Some("abcd"));
        check("(null)", Form::Bare, None);
        check("?", Form::Quoted, None);
        check("FF41", Form::Bare, Some("\u{fffd}A"));
        let account = |raw: &str| {
            let form = Form::Bare;
            Value {
                raw: raw.as_bytes(),
                form,
            }
            .account()
            .map(Cow::into_owned)
        };
        assert_eq!(
            account("28756E6B6E6F776E2075736572 29"),
            Some("28756E6B6E6F776E2075736572 29".into())
        );
        assert_eq!(
            account("28756E6B6E6F776E207573657229"),
            Some("(unknown user)".into())
        );
        assert_eq!(account("abba"), Some("abba".into()));
        assert_eq!(account("dead"), Some("dead".into()));
        assert_eq!(account("root"), Some("root".into()));
    }

    #[test]
    fn numbers() {
        assert_eq!(number(b"-13"), Some(-13));
        assert_eq!(number(b"4294967295"), Some(4_294_967_295));
        assert_eq!(number(b"99999999999999999999"), None);
        assert_eq!(number(b"1x"), None);
        assert_eq!(hex_number(b"c000003e"), Some(0xc000_003e));
        assert_eq!(hex_number(b"0xZZ"), None);
    }
}
