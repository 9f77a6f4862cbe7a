//! Fields: `key=value`, bare, quoted, in braces or nested in `msg='...'`, and the interpreted text of
//! `ausearch -i`, where nothing is quoted and values hold blanks.

use memchr::{memchr, memrchr};

use super::kind::Kind;
use super::values::{Form, Value, find_either};

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

/// Keys and values only, of records that the kernel writes without prose: SYSCALL and PATH are most of a
/// log's bytes.
#[derive(Debug, Clone)]
pub struct Pairs<'a>(pub &'a [u8]);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some((b' ', after)) = self.0.split_first() {
                self.0 = after;
            }
            let stop = find_either(self.0, b' ', b'=')?;
            let (key, rest) = self.0.split_at(stop);
            self.0 = rest;
            if let Some((b'=', tail)) = rest.split_first() {
                let (value, rest) = take_value(tail);
                self.0 = rest;
                return Some((key, value));
            }
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
    fn a_phrase_ends_at_the_next_key() {
        let field = Fields::raw(b"op=display aging info id=0").next();
        let phrase = field.map(|field| field.phrase().raw);
        assert_eq!(phrase, Some(b"display aging info".as_slice()));
    }
}
