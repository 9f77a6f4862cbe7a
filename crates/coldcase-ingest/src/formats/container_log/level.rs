//! How grave a log line says it is, where it says so plainly: klog's first letter, `level=warn`, `"level":"warn"`,
//! `[error]`, `ERROR`. Not where a number or a colour stands for it.

/// Words looked at from the beginning of a line.
const WORDS: usize = 9;

/// How far into a line these may be.
const REACH: usize = 200;

/// The level of a line, in one spelling for all.
pub fn level(text: &str) -> Option<&'static str> {
    if let Some(level) = klog(text) {
        return Some(level);
    }
    let head = crate::terminal_text::cut(text, REACH);
    if text.starts_with('{') {
        let keys = [
            "\"level\":",
            "\"severity\":",
            "\"lvl\":",
            "\"log.level\":",
            "\"levelname\":",
        ];
        let whole = crate::terminal_text::cut(text, 2048);
        return keys.iter().find_map(|key| {
            let value = whole.split_once(key)?.1.trim_start();
            named(value.strip_prefix('"')?.split('"').next()?)
        });
    }
    for key in ["level=", "lvl=", "severity="] {
        let Some(at) = head.find(key) else { continue };
        let before = head.get(..at).and_then(|before| before.chars().next_back());
        if before.is_some_and(|before| before != ' ') {
            continue;
        }
        let value = head.get(at + key.len()..)?.trim_start_matches('"');
        return named(value.split([' ', '"', ',']).next()?);
    }
    let mut words = head.split([' ', '\t', '|']).filter(|word| !word.is_empty());
    words.by_ref().take(WORDS).find_map(of_word)
}

/// `I0307 15:37:29.568 ...`
fn klog(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let dated = bytes.get(1..5)?.iter().all(u8::is_ascii_digit) && bytes.get(5) == Some(&b' ');
    match bytes.first()? {
        b'I' if dated => Some("info"),
        b'W' if dated => Some("warning"),
        b'E' if dated => Some("error"),
        b'F' if dated => Some("fatal"),
        _ => None,
    }
}

/// A word in upper case, or in brackets in any, perhaps behind a module: `[core:error]`, `[2023-...][INFO ]`.
fn of_word(word: &str) -> Option<&'static str> {
    for part in word.split('[') {
        let bracketed = word.contains('[') || word.contains(']') || word.starts_with('<');
        let part = part.trim_matches([']', '(', ')', ':', ',', '<', '>', '*']);
        let bare = part.rsplit(':').next().unwrap_or(part);
        if bare.len() < 3 {
            continue;
        }
        let upper = bare.bytes().all(|byte| byte.is_ascii_uppercase());
        if upper || bracketed {
            match named(bare) {
                Some(level) => return Some(level),
                None => continue,
            }
        }
    }
    None
}

/// One spelling for the names of levels.
pub fn named(word: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 24] = [
        ("trace", "trace"),
        ("debug", "debug"),
        ("dbug", "debug"),
        ("info", "info"),
        ("information", "info"),
        ("informational", "info"),
        ("note", "notice"),
        ("notice", "notice"),
        ("warn", "warning"),
        ("warning", "warning"),
        ("err", "error"),
        ("erro", "error"),
        ("error", "error"),
        ("severe", "error"),
        ("fail", "error"),
        ("crit", "critical"),
        ("critical", "critical"),
        ("fatal", "fatal"),
        ("fata", "fatal"),
        ("panic", "fatal"),
        ("dpanic", "fatal"),
        ("alert", "alert"),
        ("emerg", "emergency"),
        ("emergency", "emergency"),
    ];
    let found = NAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
    found.map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(level(text), expected, "{text}");
        check("I0307 15:37:29.568 1 file.go:12] x", Some("info"));
        check(
            "2023-03-07 15:37:29.568 ERROR 1 --- [main] x",
            Some("error"),
        );
        check("level=info ts=2023-03-18T16:00:05Z caller=x", Some("info"));
        check("time=\"2023-03-18\" level=warning msg=x", Some("warning"));
        check("{\"level\":\"warn\",\"ts\":1}", Some("warning"));
        check("{\"level\":30,\"msg\":\"ERROR\"}", None);
        check("[Sun Dec 04 04:47:44 2005] [notice] x", Some("notice"));
        check(
            "[Sun Dec 04 04:47:44.1 2005] [core:error] [pid 1] x",
            Some("error"),
        );
        check("2023/03/07 15:37:29 [crit] 7#7: x", Some("critical"));
        check(
            "[2023-05-12T02:20:00,123][INFO ][o.e.n.Node] x",
            Some("info"),
        );
        check("2023-05-12 02:20:00.123 UTC [45] FATAL:  x", Some("fatal"));
        check(
            "2023-05-12 02:20:00,123 - app - WARNING - x",
            Some("warning"),
        );
        check("2023-05-12T02:20:00.1Z 0 [Note] x", Some("notice"));
        check("an error was here", None);
        check("SELECT 1", None);
        check("", None);
    }
}
