//! The main file of an event: which of its PATH records, and where relative names start.

use std::borrow::Cow;

use coldcase_model::action;

use super::call::{self, Syscall};
use super::facts::{Facts, PathItem};
use super::sockaddr::SocketAddress;
use super::values::Value;

/// The main file, absolute where that can be told, and the PATH record it is from.
pub fn main_path<'a>(
    facts: &Facts<'a>,
    action: &str,
    syscall: Option<&Syscall<'a>>,
    socket: Option<&SocketAddress>,
) -> (Option<Cow<'a, str>>, Option<PathItem<'a>>) {
    let of_type = |wanted: &[u8]| {
        let mut paths = facts.paths.iter();
        paths.rfind(|path| path.nametype == wanted && named(path).is_some())
    };
    let first = || {
        let items = facts.paths.iter().filter(|path| named(path).is_some());
        items.min_by_key(|path| (path.nametype == b"PARENT", path.item))
    };
    let chosen = match action {
        action::EXEC => first(),
        _ => of_type(b"CREATE")
            .or_else(|| of_type(b"DELETE"))
            .or_else(first),
    };
    if let Some((item, name)) = chosen.and_then(|item| Some((*item, named(item)?))) {
        let relative_to = facts
            .cwd
            .filter(|_| call::is_from_cwd(&facts.call, syscall));
        return (Some(absolute(name, relative_to)), Some(item));
    }
    let path = match socket {
        Some(SocketAddress::Unix(path)) if path.starts_with('/') => Some(Cow::Owned(path.clone())),
        _ => {
            let named = facts
                .rest_value(b"path")
                .or_else(|| facts.rest_value(b"name"));
            named
                .and_then(Value::text)
                .filter(|path| path.starts_with('/'))
        }
    };
    (path, None)
}

fn named<'a>(path: &PathItem<'a>) -> Option<Cow<'a, str>> {
    path.name
        .and_then(Value::text)
        .filter(|name| !name.is_empty())
}

fn absolute<'a>(name: Cow<'a, str>, cwd: Option<Value<'a>>) -> Cow<'a, str> {
    if name.starts_with('/') {
        return name;
    }
    match cwd.and_then(Value::text).filter(|cwd| cwd.starts_with('/')) {
        Some(cwd) => {
            let folder = cwd.trim_end_matches('/');
            let name = name.strip_prefix("./").unwrap_or(&name);
            Cow::Owned(format!("{folder}/{name}"))
        }
        None => name,
    }
}
