//! Words that begin command lines, and how much a text looks like command lines.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Commands of systems, shells and administrators. Words that also begin other tools' output (`default`, `tcp`,
/// `class`) are left out.
static COMMANDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("commands.txt")
        .split_ascii_whitespace()
        .collect()
});

/// Words of the shell itself that begin lines of scripts.
const KEYWORDS: &[&str] = &[
    "[", "[[", "break", "case", "continue", "do", "done", "elif", "else", "esac", "exit", "fi",
    "for", "function", "if", "local", "readonly", "return", "shift", "then", "until", "while", "{",
    "}",
];

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Begins with a command that is known.
    Command,
    /// Begins as commands do: a path, an assignment, `./x`.
    Path,
    /// A word of the shell's syntax.
    Keyword,
    /// Something else.
    Other,
}

/// How a line begins.
pub(super) fn look(line: &str) -> Look {
    let line = line.trim();
    let mut words = line.split_ascii_whitespace();
    let Some(mut word) = words.next() else {
        return Look::Other;
    };
    if is_assignment(word) {
        match words.next() {
            None => return Look::Path,
            Some(next) => word = next,
        }
    }
    let word = word.trim_start_matches(['\\', '(', '!', '@']);
    let word = word
        .split([';', '|', '&', '>', '<'])
        .next()
        .unwrap_or_default();
    if COMMANDS.contains(word) {
        return Look::Command;
    }
    if KEYWORDS.contains(&word) || word.ends_with("()") {
        return Look::Keyword;
    }
    let script = word.starts_with("./") || word.starts_with("../") || word.starts_with("~/");
    if script && word.len() > 2 {
        return Look::Path;
    }
    if let Some((_, name)) = word.rsplit_once('/')
        && word.starts_with('/')
    {
        let known = COMMANDS.contains(name);
        let bin = ["/bin/", "/sbin/", "/init.d/", "/tmp/", "/shm/"];
        if known || bin.iter().any(|folder| word.contains(folder)) {
            return Look::Path;
        }
    }
    Look::Other
}

/// `NAME=value`
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// `*/5 * * * * command`, `@reboot command`
pub(super) fn is_cron_line(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let Some(first) = words.next() else {
        return false;
    };
    if first.starts_with('@') {
        return [
            "@reboot",
            "@hourly",
            "@daily",
            "@weekly",
            "@monthly",
            "@yearly",
            "@annually",
            "@midnight",
        ]
        .contains(&first);
    }
    let is_field = |word: &str| {
        word.bytes()
            .any(|byte| byte.is_ascii_digit() || byte == b'*')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"*/,-".contains(&byte))
    };
    is_field(first)
        && words.clone().take(3).filter(|word| is_field(word)).count() == 3
        && words.count() >= 5
}

/// `[Unit]`, the heading of a section in unit files and INI files.
pub(super) fn is_section(line: &str) -> bool {
    let line = line.trim();
    line.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_ .:".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let check = |line: &str, expected: Look| assert_eq!(look(line), expected, "{line}");
        check("docker ps -a", Look::Command);
        check("ls", Look::Command);
        check("FOO=1 make -j2", Look::Command);
        check("PATH=/bin", Look::Path);
        check("/usr/bin/python3 x.py", Look::Path);
        check("./configure", Look::Path);
        check("fi", Look::Keyword);
        check("start() {", Look::Keyword);
        check("/usr/share/doc/x", Look::Other);
        check("The quick brown fox", Look::Other);
        check("root:x:0:0:root:/root:/bin/bash", Look::Other);
    }

    #[test]
    fn cron_lines() {
        assert!(is_cron_line("*/5 * * * * /bin/x"));
        assert!(is_cron_line("0 3 * * 1 root /bin/x -y"));
        assert!(is_cron_line("@reboot /bin/x"));
        assert!(!is_cron_line("10 ls -la /x /y /z"));
    }
}
