//! Events as lines of text: `TIME TYPE ACTION ID (key=value, ...)`, and the form before types were shown.

use std::borrow::Cow;

use coldcase_model::{Precision, When};

use super::{Happened, MAX_ATTRIBUTES, TYPES};
use crate::syslog::Times;
use crate::years::stamp;

/// Reads a line of text.
pub(super) fn of_line<'a>(line: &'a str, times: &mut Times<'_>) -> Option<Happened<'a>> {
    let (stamp, end) = stamp::read(line.as_bytes())?;
    stamp.year?;
    let is_go = line.as_bytes().get(10) == Some(&b' ');
    let mut rest = line.get(end..)?.strip_prefix(' ')?;
    if is_go {
        // Go's own form names the zone behind the offset: ` +0800 CST container ...`.
        let (zone, behind) = rest.split_once(' ')?;
        if !TYPES.contains(&zone) {
            rest = behind;
        }
        if let Some(behind) = rest.strip_prefix("m=") {
            rest = behind.split_once(' ')?.1;
        }
    }
    let happened = typed(rest).or_else(|| untyped(rest))?;
    let when = times.when(&stamp).ok().map(|when| match is_go {
        true => when,
        false => When {
            precision: Precision::Ns,
            ..when
        },
    });
    Some(Happened { when, ..happened })
}

/// `container exec_create: sh -c date 4b5e... (image=..., name=...)`
fn typed(text: &str) -> Option<Happened<'_>> {
    let (kind, rest) = text.split_once(' ')?;
    if !TYPES.contains(&kind) {
        return None;
    }
    // The first parenthesis of the attributes: a command may hold some too.
    let open = rest.match_indices(" (").find(|(at, _)| {
        let inside = rest.get(at + 2..).unwrap_or_default();
        let key = inside.split(['=', ' ', ',']).next().unwrap_or_default();
        inside.starts_with(')')
            || inside
                .get(key.len()..)
                .is_some_and(|rest| rest.starts_with('='))
    });
    let (head, attributes) = match open {
        Some((at, _)) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    let head = head.trim_end();
    let (action, id) = head.rsplit_once(' ').unwrap_or((head, ""));
    let word = action.split([':', ' ']).next().unwrap_or(action);
    let is_word = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
    if word.is_empty() || !is_word || (open.is_none() && !stands_alone(kind, word, id)) {
        return None;
    }
    let inside = attributes.trim().strip_prefix('(').unwrap_or_default();
    let mut attributes = attributes_of(inside.strip_suffix(')').unwrap_or(inside));
    if !inside.ends_with(')') {
        attributes.pop(); // cut
    }
    // Podman names the image behind its id: `image pull 4b5e... docker.io/library/alpine`.
    let (action, id) = match action.split_once(' ') {
        Some((action, first)) if kind == "image" && !action.ends_with(':') => {
            attributes.push(("name".into(), id.into()));
            (action, first)
        }
        _ => (action, id),
    };
    Some(Happened {
        when: None,
        kind: kind.into(),
        action: action.trim().into(),
        id: Some(id.trim().into()).filter(|id: &Cow<'_, str>| !id.is_empty()),
        attributes,
    })
}

/// Whether type, action and id without attributes can be no sentence.
fn stands_alone(kind: &str, word: &str, id: &str) -> bool {
    let is_id = is_id(id);
    let named = [
        "create",
        "remove",
        "destroy",
        "mount",
        "unmount",
        "connect",
        "disconnect",
        "prune",
        "pull",
        "push",
        "tag",
        "untag",
        "delete",
        "load",
        "import",
        "save",
        "build",
        "loadfromarchive",
    ];
    match kind {
        "container" => is_id,
        "system" | "daemon" => matches!(word, "refresh" | "renumber" | "prune" | "reload"),
        _ => is_id || (named.contains(&word) && !id.is_empty()),
    }
}

/// The id of a container or image.
pub(super) fn is_id(text: &str) -> bool {
    let bare = text.strip_prefix("sha256:").unwrap_or(text);
    (12..=64).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `a=b, c=d`: a comma begins the next attribute only where a key and `=` follow it.
fn attributes_of(text: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let mut found: Vec<(&str, usize, usize)> = Vec::new();
    let mut at = 0;
    for part in text.split(", ") {
        let end = at + part.len();
        match part.split_once('=') {
            Some((key, _)) if !key.is_empty() && !key.contains(' ') => {
                if found.len() >= MAX_ATTRIBUTES {
                    break;
                }
                found.push((key, at + key.len() + 1, end));
            }
            _ => {
                if let Some((_, _, last)) = found.last_mut() {
                    *last = end;
                }
            }
        }
        at = end + 2;
    }
    let pairs = found.into_iter().map(|(key, start, end)| {
        let value = text.get(start..end).unwrap_or_default();
        (Cow::Borrowed(key), Cow::Borrowed(value))
    });
    pairs.collect()
}

/// `4b5e57f6eb2f: (from shop/web:2) die` of docker before 1.10.
fn untyped(text: &str) -> Option<Happened<'_>> {
    let (id, rest) = text.split_once(": ")?;
    let (from, action) = match rest.strip_prefix("(from ") {
        Some(rest) => rest.split_once(") ")?,
        None => ("", rest),
    };
    let is_image = matches!(
        action,
        "pull" | "push" | "tag" | "untag" | "delete" | "import"
    );
    if !is_image && (!is_id(id) || from.is_empty()) {
        return None;
    }
    let kind = if is_image { "image" } else { "container" };
    Some(Happened {
        when: None,
        kind: kind.into(),
        action: action.trim().into(),
        id: Some(id.into()),
        attributes: match from {
            "" => Vec::new(),
            image => vec![("image".into(), image.into())],
        },
    })
}
