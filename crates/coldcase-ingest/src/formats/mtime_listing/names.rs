//! File names as listings write them: quoted, escaped, with a link's target behind an arrow, below a
//! directory's heading.

use std::borrow::Cow;

/// Longest name of one file and longest path, in bytes (`NAME_MAX`, `PATH_MAX` of Linux).
pub(super) const NAME_MAX: usize = 255;
/// See [`NAME_MAX`].
pub(super) const PATH_MAX: usize = 4096;

const ARROW: &[u8] = b" -> ";

/// Name and target of the link, of what stands in a listing's last column. `length` is the length of
/// the target where the listing gives it: it tells which of several arrows parts the two.
pub(super) fn name_and_target(
    text: &[u8],
    is_link: bool,
    length: Option<i64>,
) -> (Cow<'_, [u8]>, Option<Cow<'_, [u8]>>) {
    if let Some((name, used)) = quoted(text) {
        let rest = text.get(used..).unwrap_or_default();
        if rest.is_empty() {
            return (Cow::Owned(name), None);
        }
        if let Some(target) = rest.strip_prefix(ARROW).filter(|_| is_link) {
            return (Cow::Owned(name), Some(unquoted(target)));
        }
    }
    if !is_link {
        return (unescaped(text), None);
    }
    let mut arrows = memchr::memmem::find_iter(text, ARROW);
    let first = arrows.next();
    let target_of = |at: usize| text.get(at + ARROW.len()..).unwrap_or_default();
    let fits = |at: &usize| i64::try_from(target_of(*at).len()).ok() == length;
    let arrow = first.map(|first| {
        std::iter::once(first)
            .chain(arrows)
            .find(fits)
            .unwrap_or(first)
    });
    match arrow {
        Some(at) => (
            unescaped(text.get(..at).unwrap_or_default()),
            Some(unquoted(target_of(at))),
        ),
        None => (unescaped(text), None),
    }
}

/// A name that is quoted as a whole, or a bare one.
pub(super) fn unquoted(text: &[u8]) -> Cow<'_, [u8]> {
    match quoted(text) {
        Some((name, used)) if used == text.len() => Cow::Owned(name),
        _ => unescaped(text),
    }
}

/// A quoted word at the beginning, as `ls` writes it for a terminal or with -Q: `'it'\''s'`,
/// `"it's"`, `'a'$'\n''b'`. The name and how many bytes it took; it must end at the end or at an arrow.
pub(super) fn quoted(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if !matches!(text, [b'\'' | b'"', ..] | [b'$', b'\'', ..]) {
        return None;
    }
    let mut name = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let (body, closing, escapes) = match rest {
            [b'\'', ..] => (1, b'\'', false),
            [b'$', b'\'', ..] => (2, b'\'', true),
            [b'"', ..] => (1, b'"', true),
            [b'\\', b'\'', ..] => {
                name.push(b'\'');
                at += 2;
                continue;
            }
            _ if rest.is_empty() || rest.starts_with(ARROW) => return Some((name, at)),
            _ => return None,
        };
        at += body;
        loop {
            let rest = text.get(at..)?;
            match rest.first()? {
                byte if *byte == closing => break,
                b'\\' if escapes => {
                    let (byte, used) = escape(rest)?;
                    name.push(byte);
                    at += used;
                }
                byte => {
                    name.push(*byte);
                    at += 1;
                }
            }
        }
        at += 1;
    }
}

/// A bare name with its C escapes read, as `ls -b` and `find -ls` write them: then no blank stands bare,
/// and every backslash begins an escape. Other names stand as they are.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match (first, escape(rest)) {
            (b'\\', Some((byte, used))) => {
                name.push(byte);
                rest = rest.get(used..).unwrap_or_default();
                continue;
            }
            (b'\\', None) | (b' ', _) => return Cow::Borrowed(text),
            _ => name.push(*first),
        }
        rest = after;
    }
    Cow::Owned(name)
}

/// One C escape at the beginning: the byte it means and how long it is.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let [b'\\', kind, rest @ ..] = text else {
        return None;
    };
    let byte = match kind {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        b'e' => 27,
        b' ' | b'\\' | b'"' | b'\'' | b'$' | b'`' => *kind,
        b'0'..=b'3' => {
            let [middle @ b'0'..=b'7', low @ b'0'..=b'7', ..] = rest else {
                return None;
            };
            return Some((
                ((kind - b'0') << 6) | ((middle - b'0') << 3) | (low - b'0'),
                4,
            ));
        }
        _ => return None,
    };
    Some((byte, 2))
}

/// A name below the folder of its heading; `.` is the folder itself and `..` the one above it.
pub(super) fn join<'a>(folder: Option<&[u8]>, name: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    let Some(folder) = folder.filter(|_| !name.starts_with(b"/")) else {
        return name;
    };
    let bare = match folder.strip_suffix(b"/") {
        Some(bare) => bare,
        None => folder,
    };
    let parent = memchr::memrchr(b'/', bare).map(|at| bare.get(..at).unwrap_or_default());
    let path = match (&*name, parent) {
        (b".", _) => bare.to_vec(),
        (b"..", _) if folder == b"/" => Vec::new(),
        (b"..", Some(parent)) if !bare.ends_with(b"..") => parent.to_vec(),
        _ => [bare, &name].join(&b'/'),
    };
    Cow::Owned(if path.is_empty() { b"/".to_vec() } else { path })
}

/// Whether a name, given its folder apart, can exist.
pub(super) fn possible(name: &[u8]) -> bool {
    let last = memchr::memrchr(b'/', name).map_or(0, |at| at + 1);
    name.len() <= PATH_MAX && name.len() - last <= NAME_MAX
}

/// Text of bytes that may not be UTF-8. (Checking first is far quicker than `from_utf8_lossy` alone.)
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// The same of bytes that may be owned.
pub(super) fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_targets() {
        let check = |text: &str, is_link, length, expected: (&str, Option<&str>)| {
            let (name, target) = name_and_target(text.as_bytes(), is_link, length);
            let got = (
                super::text(name).into_owned(),
                target.map(|target| super::text(target).into_owned()),
            );
            assert_eq!((got.0.as_str(), got.1.as_deref()), expected, "{text}");
        };
        check("a b", false, None, ("a b", None));
        check("a -> b", false, None, ("a -> b", None));
        check("a -> b", true, Some(1), ("a", Some("b")));
        check("a -> b -> c", true, Some(1), ("a -> b", Some("c")));
        check("a -> b -> c", true, Some(6), ("a", Some("b -> c")));
        check("a -> b -> c", true, Some(0), ("a", Some("b -> c")));
        check("'it'\\''s'", false, None, ("it's", None));
        check("\"it's\"", false, None, ("it's", None));
        check("'a'$'\\n''b'", false, None, ("a\nb", None));
        check("'a b' -> 'c d'", true, Some(3), ("a b", Some("c d")));
        check("'unfinished", false, None, ("'unfinished", None));
        check("\"a\\\"b\\303\\251\"", false, None, ("a\"bé", None));
        check("a\\ b\\n\\040c", false, None, ("a b\n c", None));
        check("a b\\n", false, None, ("a b\\n", None));
        check("dev-a\\x2db", false, None, ("dev-a\\x2db", None));
        check("dev-a\\\\x2db", false, None, ("dev-a\\x2db", None));
        check("a\\ b -> c", true, Some(1), ("a b", Some("c")));
    }

    #[test]
    fn names_join_their_folder() {
        let check = |folder: &str, name: &str, expected: &str| {
            let name = Cow::Borrowed(name.as_bytes());
            let path = join(Some(folder.as_bytes()), name);
            assert_eq!(text(path), expected);
        };
        check("/etc", "a", "/etc/a");
        check("/etc/", "a", "/etc/a");
        check("/", "a", "/a");
        check("/", ".", "/");
        check("/", "..", "/");
        check("/etc", ".", "/etc");
        check("/etc", "..", "/");
        check("/etc/x", "..", "/etc");
        check(".", "a", "./a");
        check("./b", "..", ".");
        check("..", "..", "../..");
        check("/etc", "/usr/a", "/usr/a");
    }
}
