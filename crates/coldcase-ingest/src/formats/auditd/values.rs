//! Fields and values: `key=value` with the audit system's ways of writing a value (bare, quoted, hex, in
//! braces, nested in `msg='...'`) and the interpreted text of `ausearch -i`, where nothing is quoted.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::kind::Kind;

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
fn find_either(text: &[u8], one: u8, other: u8) -> Option<usize> {
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

/// One `key=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: Value<'a>,
    /// A bare word before the key: `old` in `old auid=`.
    pub before: &'a [u8],
    /// The text from the value to the end of the record.
    pub tail: &'a [u8],
}

impl<'a> Field<'a> {
    /// The value with the bare words that follow: `op=display aging info id=0`.
    pub fn phrase(&self) -> Value<'a> {
        if self.value.form != Form::Bare {
            return self.value;
        }
        let mut end = self.value.raw.len();
        loop {
            let rest = self.tail.get(end..).unwrap_or_default();
            let Some(after) = rest.strip_prefix(b" ") else {
                break;
            };
            let stop = after.iter().position(|byte| matches!(byte, b' ' | b'='));
            let word = stop.unwrap_or(after.len());
            let is_key = stop.is_some_and(|stop| after.get(stop) == Some(&b'='));
            if word == 0 || is_key {
                break;
            }
            end += 1 + word;
        }
        Value {
            raw: self.tail.get(..end).unwrap_or(self.value.raw),
            form: Form::Bare,
        }
    }
}

/// The fields of a record's body or of an inner payload.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    plain: Option<Kind>,
}

impl<'a> Fields<'a> {
    /// Fields as the audit system writes them.
    pub fn raw(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            plain: None,
        }
    }

    /// Fields of interpreted text, whose values end where a key of this type begins.
    pub fn plain(body: &'a [u8], kind: Kind) -> Self {
        Self {
            rest: body,
            plain: Some(kind),
        }
    }

    /// The inner fields of a nested value.
    pub fn nested(&self, value: Value<'a>) -> Self {
        Self {
            rest: value.raw,
            plain: self.plain,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let mut before: &[u8] = b"";
        loop {
            let mut rest = self.rest;
            while let Some((b' ', after)) = rest.split_first() {
                rest = after;
            }
            let Some(stop) = find_either(rest, b' ', b'=') else {
                self.rest = b"";
                return None;
            };
            let (token, rest) = rest.split_at(stop);
            let Some(tail) = rest.strip_prefix(b"=") else {
                before = token;
                self.rest = rest;
                continue;
            };
            let (value, rest) = match self.plain {
                None => take_value(tail),
                Some(kind) => take_plain(token, tail, kind),
            };
            self.rest = rest;
            return Some(Field {
                key: token.strip_prefix(b"(").unwrap_or(token),
                value,
                before,
                tail,
            });
        }
    }
}

fn split(text: &[u8], at: usize, skip: usize) -> (&[u8], &[u8]) {
    let rest = text.get(at.saturating_add(skip)..).unwrap_or_default();
    (text.get(..at).unwrap_or(text), rest)
}

fn take_value(tail: &[u8]) -> (Value<'_>, &[u8]) {
    match tail.split_first() {
        Some((b'"', inner)) => {
            let end = memchr(b'"', inner).unwrap_or(inner.len());
            let (raw, rest) = split(inner, end, 1);
            (
                Value {
                    raw,
                    form: Form::Quoted,
                },
                rest,
            )
        }
        Some((b'\'', inner)) => take_nested(inner),
        Some((b'{', _)) => {
            let end = memchr(b'}', tail).map_or(tail.len(), |end| end + 1);
            let (raw, rest) = split(tail, end, 0);
            let form = Form::Bare;
            (Value { raw, form }, rest)
        }
        _ => {
            let stop = find_either(tail, b' ', b' ');
            let (word, rest) = split(tail, stop.unwrap_or(tail.len()), 0);
            let raw = match word.last() {
                Some(b',' | b')') => trim_prose(word),
                _ => word,
            };
            let form = Form::Bare;
            (Value { raw, form }, rest)
        }
    }
}

/// Old messages have prose around the fields: `(hostname=?, addr=?, res=success)`.
fn trim_prose(word: &[u8]) -> &[u8] {
    let word = word.strip_suffix(b",").unwrap_or(word);
    match word.strip_suffix(b")") {
        Some(bare) if !bare.contains(&b'(') => bare,
        _ => word,
    }
}

/// A nested list ends at the record's last apostrophe: names inside may hold some.
fn take_nested(inner: &[u8]) -> (Value<'_>, &[u8]) {
    let closes = |end: &usize| matches!(inner.get(end + 1), None | Some(b' '));
    let end = memrchr(b'\'', inner).filter(closes);
    let (raw, rest) = split(inner, end.unwrap_or(inner.len()), 1);
    let form = Form::Nested;
    (Value { raw, form }, rest)
}

fn take_plain<'a>(key: &[u8], tail: &'a [u8], kind: Kind) -> (Value<'a>, &'a [u8]) {
    if let (b"msg", Some(inner)) = (key, tail.strip_prefix(b"'")) {
        return take_nested(inner);
    }
    if tail.starts_with(b"{") {
        return take_value(tail);
    }
    let mut from = 0;
    let end = loop {
        let unseen = tail.get(from..).unwrap_or_default();
        let Some(found) = memchr(b'=', unseen) else {
            break tail.len();
        };
        let before = unseen.get(..found).unwrap_or_default();
        if let Some(space) = memrchr(b' ', before) {
            let token = before.get(space + 1..).unwrap_or_default();
            if ends_plain(key, token, kind) {
                break from + space;
            }
        }
        from += found + 1;
    };
    let (raw, rest) = split(tail, end, 0);
    let raw = raw.trim_ascii();
    let form = Form::Plain;
    (Value { raw, form }, rest)
}

/// Whether this token before a `=` is the next key, not a part of the value: paths and command lines
/// hold `=` too.
fn ends_plain(key: &[u8], token: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::PROCTITLE | Kind::CWD => false,
        Kind::EXECVE => match token.strip_prefix(b"a") {
            Some(index) => index.first().is_some_and(u8::is_ascii_digit),
            None => false,
        },
        Kind::PATH if key == b"item" => token == b"name",
        Kind::PATH => matches!(
            token,
            b"inode"
                | b"dev"
                | b"mode"
                | b"ouid"
                | b"ogid"
                | b"rdev"
                | b"obj"
                | b"nametype"
                | b"objtype"
        ),
        _ => {
            token.first().is_some_and(u8::is_ascii_alphabetic)
                && token
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(fields: Fields<'_>) -> Vec<String> {
        let show = |field: Field<'_>| {
            let key = String::from_utf8_lossy(field.key).into_owned();
            format!("{key}={}", String::from_utf8_lossy(field.value.raw))
        };
        fields.map(show).collect()
    }

    #[test]
    fn raw_fields() {
        let check = |body: &str, expected: &[&str]| {
            assert_eq!(list(Fields::raw(body.as_bytes())), expected, "{body}");
        };
        check(
            " a=1  b=\"x y\" c=(null) d=",
            &["a=1", "b=x y", "c=(null)", "d="],
        );
        check("user pid=1 old auid=2", &["pid=1", "auid=2"]);
        check(
            "msg='PAM: acct=root : exe=\"/x\" (hostname=?, addr=?, res=success)'",
            &["msg=PAM: acct=root : exe=\"/x\" (hostname=?, addr=?, res=success)"],
        );
        check(
            "acct=root : exe=\"/x\" (hostname=?, addr=?, res=success)",
            &["acct=root", "exe=/x", "hostname=?", "addr=?", "res=success"],
        );
        check(
            "SADDR={ fam=inet laddr=1.2.3.4 } x=1",
            &["SADDR={ fam=inet laddr=1.2.3.4 }", "x=1"],
        );
        check("subj==/x (enforce) key=\"cut", &["subj==/x", "key=cut"]);
        check("no fields here", &[]);
        check(
            "comm=\"(systemd)\" tty=(none)",
            &["comm=(systemd)", "tty=(none)"],
        );
    }

    #[test]
    fn interpreted_fields() {
        let check = |kind: Kind, body: &str, expected: &[&str]| {
            assert_eq!(
                list(Fields::plain(body.as_bytes(), kind)),
                expected,
                "{body}"
            );
        };
        check(
            Kind::EXECVE,
            "argc=3 a0=sh a1=-c a2=X=1 echo b=2 ",
            &["argc=3", "a0=sh", "a1=-c", "a2=X=1 echo b=2"],
        );
        check(
            Kind::PATH,
            "item=0 name=/a b=c inode=7 mode=file,755",
            &["item=0", "name=/a b=c", "inode=7", "mode=file,755"],
        );
        check(
            Kind::PROCTITLE,
            "proctitle=a b=c d ",
            &["proctitle=a b=c d"],
        );
        check(
            Kind::SYSCALL,
            "exit=ENOENT(No such file or directory) saddr={ saddr_fam=inet laddr=1.1.1.1 lport=2 } key=k ",
            &[
                "exit=ENOENT(No such file or directory)",
                "saddr={ saddr_fam=inet laddr=1.1.1.1 lport=2 }",
                "key=k",
            ],
        );
    }

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

    #[test]
    fn a_phrase_ends_at_the_next_key() {
        let field = Fields::raw(b"op=display aging info id=0").next();
        let phrase = field.map(|field| field.phrase().raw);
        assert_eq!(phrase, Some(b"display aging info".as_slice()));
    }
}
