//! What small text files share when they arrive in a bundle: lines without the terminal's noise, the frames that
//! collectors put around them (prompts, `==> FILE <==`, rules), and what a path tells of the file's place and owner.
//! Events and shapes are each format's own.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use crate::{IngestError, Input, Lines, Probe, scan};

/// Lines looked at to recognise a format.
const SNIFFED_LINES: usize = 400;

/// Longest line looked at to recognise a format.
const SNIFFED_BYTES: usize = 64 << 10;

/// Longest text that a message shows.
const SHOWN: usize = 400;

pub(super) const COMMENT: &str = "comment";
pub(super) const CUT: &str = "line cut at the end of the file";
pub(super) const FRAME: &str = "prompt, heading or message of a tool";

/// One line, readable.
pub(super) struct TextLine<'a> {
    /// From 1.
    pub number: u64,
    /// As it stands in the file.
    pub bytes: &'a [u8],
    /// Without a byte order mark and terminal escapes; what is not UTF-8 becomes U+FFFD.
    pub text: Cow<'a, str>,
    /// Whether a line end followed.
    pub ended: bool,
}

/// Hands every line on; those too long or with NUL bytes are skipped here.
pub(super) fn each_line(
    input: &mut Input<'_>,
    sink: &mut dyn Sink,
    mut take: impl FnMut(&TextLine<'_>, &mut dyn Sink),
) -> Result<(), IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    while let Some(line) = lines.next_line()? {
        let place = Place::Line(line.number);
        if line.cut {
            sink.skip(place, "line longer than 1 MiB");
        } else if memchr::memchr(0, line.bytes).is_some() {
            sink.skip(place, "not text");
        } else {
            let text = TextLine {
                number: line.number,
                bytes: line.bytes,
                text: readable(line.bytes),
                ended: line.ended,
            };
            take(&text, sink);
        }
    }
    Ok(())
}

/// Lines of the probe that hold something, readable; nothing where it is no text.
pub(super) fn sample<'p, 'a>(probe: &'p Probe<'a>) -> &'p [Cow<'a, str>] {
    probe.sample(|probe| {
        if probe.is_binary() {
            return Vec::new();
        }
        let lines = probe.text_lines().take(SNIFFED_LINES);
        let short = lines.filter(|line| line.bytes.len() <= SNIFFED_BYTES);
        let texts = short.filter(|line| line.utf8().is_some() || !line.bytes.contains(&0xff));
        texts
            .map(|line| line.text(readable))
            .filter(|text| !text.trim().is_empty())
            .collect()
    })
}

/// Whether so many tenths of the lines can't become rows any more, however the remaining ones read: then the rest need not be
/// looked at.
pub(super) fn is_lost(rows: usize, others: usize, remaining: usize, tenths: usize) -> bool {
    let most = rows + remaining;
    most * 10 < (most + others) * tenths
}

/// The text of a line without what only a terminal understands.
pub(super) fn readable(line: &[u8]) -> Cow<'_, str> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if memchr::memchr2(0x1b, 8, line).is_none() {
        return scan::lossy(line);
    }
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            0x1b => rest = after_escape(after),
            8 => drop(text.pop()),
            other => text.push(*other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

/// What follows an escape sequence: CSI up to its final byte, OSC up to BEL or ST, others one byte.
fn after_escape(rest: &[u8]) -> &[u8] {
    let end = match rest.first() {
        Some(b'[') => rest
            .iter()
            .skip(1)
            .position(|byte| (0x40..=0x7e).contains(byte))
            .map(|at| at + 2),
        Some(b']') => memchr::memchr2(7, 0x1b, rest).map(|at| match rest.get(at..at + 2) {
            Some([0x1b, b'\\']) => at + 2,
            _ => at + 1,
        }),
        Some(_) => Some(1),
        None => Some(0),
    };
    rest.get(end.unwrap_or(rest.len())..).unwrap_or_default()
}

/// A line that a collector or terminal put around the file's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// The file that follows, where the line names it.
    pub path: Option<&'a str>,
}

/// Reads a frame: a prompt with its command, `==> FILE <==`, a rule, `script`'s lines, a tool's complaint.
pub(super) fn frame(text: &str) -> Option<Frame<'_>> {
    let text = text.trim();
    if !can_be_frame(text.as_bytes()) {
        return None;
    }
    if let Some(command) = after_prompt(text) {
        let path = path_in(command);
        return Some(Frame { path });
    }
    let commented = text.strip_prefix('#').map(str::trim_start);
    if let Some(command) = commented.filter(|command| is_shower(command)) {
        let path = path_in(command);
        return Some(Frame { path });
    }
    let is_rule = |c: char| "=-*#_~+<>".contains(c);
    let inner = text.trim_matches(|c: char| is_rule(c) || c == ' ' || c == ':');
    let ruled = text.len() >= 3 && text.starts_with(|c: char| "=-*#_~+".contains(c));
    if ruled && inner.is_empty() {
        return Some(Frame { path: None });
    }
    let marks = text
        .bytes()
        .take_while(|byte| b"=-*#".contains(byte))
        .count();
    if marks >= 2 && !inner.is_empty() && (inner.starts_with('/') || is_shower(inner)) {
        let path = path_in(inner);
        return Some(Frame { path });
    }
    let noise = is_complaint(text)
        || text.starts_with("Script started on ")
        || text.starts_with("Script done on ");
    noise.then_some(Frame { path: None })
}

/// Almost no line is a frame, and few bytes tell: a prompt holds an `@`, a heading or rule begins with a mark, a complaint ends
/// like one.
fn can_be_frame(text: &[u8]) -> bool {
    matches!(
        text.first(),
        Some(b'#' | b'=' | b'-' | b'*' | b'_' | b'~' | b'+' | b'S')
    ) || matches!(text.last(), Some(b'y' | b'd'))
        || memchr::memchr(b'@', text).is_some()
}

/// Whether the text is a command that shows a file.
fn is_shower(command: &str) -> bool {
    let word = command.split_whitespace().next().unwrap_or_default();
    let word = word.rsplit('/').next().unwrap_or_default();
    matches!(
        word,
        "cat" | "more" | "head" | "tail" | "less" | "getent" | "history" | "fc"
    ) && (command.contains(" /") || command.trim() == word || word == "getent")
}

/// `cat: /etc/x: No such file or directory`
pub(super) fn is_complaint(text: &str) -> bool {
    let tool = text.split(':').next().unwrap_or_default();
    tool.len() < 24
        && tool.len() < text.len()
        && !tool.contains(' ')
        && [
            ": No such file or directory",
            ": Permission denied",
            "command not found",
            ": Is a directory",
        ]
        .iter()
        .any(|ending| text.ends_with(ending))
}

/// The command after `[root@h ~]# ` or `root@h:~$ `.
fn after_prompt(text: &str) -> Option<&str> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        let word = text.split_whitespace().next()?;
        let colon = word.find(':')?;
        text.get(colon..)?.find(['#', '$'])? + colon
    };
    let head = text.get(..end)?;
    let (user, host) = head.trim_start_matches('[').split_once('@')?;
    let named = |name: &str| !name.is_empty() && !name.contains(['/', ' ', '"', '\'']);
    if !named(user) || host.is_empty() || head.len() > 200 {
        return None;
    }
    let rest = text.get(end..)?.strip_prefix(['#', '$'])?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

fn path_in(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    words.find(|word| word.starts_with('/') && word.len() > 1)
}

/// Folders at the root of a file system, which tell where in a bundle's path the collected path begins.
const ROOTS: [&str; 14] = [
    "etc", "root", "home", "var", "usr", "opt", "tmp", "srv", "dev", "bin", "sbin", "lib", "lib64",
    "export",
];

/// The file's path on its host where the bundle kept it, otherwise its path in the bundle.
pub(super) fn original_path(path: &str) -> &str {
    let mut start = 0;
    for part in path.split('/') {
        let after = start + part.len() + 1;
        if ROOTS.contains(&part) && after < path.len() && start > 0 {
            return path.get(start - 1..).unwrap_or(path);
        }
        start = after;
    }
    path
}

/// Names of files that belong to one account; what stands before or after them in a name may be the account.
const OWNED: [&str; 14] = [
    "bash_history",
    "zsh_history",
    "fish_history",
    "ash_history",
    "ksh_history",
    "sh_history",
    "mysql_history",
    "psql_history",
    "python_history",
    "history",
    "authorized_keys",
    "known_hosts",
    "histfile",
    "zhistory",
];

/// Words beside such a name that are no accounts.
const NOT_USERS: [&str; 22] = [
    "bash", "zsh", "sh", "home", "user", "users", "ssh", "dot", "all", "cat", "host", "shell",
    "cmd", "command", "commands", "output", "old", "bak", "backup", "copy", "txt", "log",
];

/// Whose file it is, by its path: `/home/alice/.bash_history`, `root_bash_history.txt`.
pub(super) fn user_of_path<'a>(path: &'a str, host: Option<&str>) -> Option<&'a str> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut found = None;
    let mut parts = folder.split('/').peekable();
    while let Some(part) = parts.next() {
        match part {
            "home" | "Users" => found = parts.peek().copied().or(found),
            "root" => found = Some("root"),
            _ => {}
        }
    }
    if found.is_some_and(is_user) {
        return found;
    }
    let marker = OWNED.iter().find(|marker| name.contains(**marker))?;
    let (before, after) = name.split_once(marker)?;
    let before = before.trim_end_matches(['.', '_', '-']);
    let before = ["home_", "home-", "Users_"]
        .iter()
        .find_map(|home| before.strip_prefix(home))
        .unwrap_or(before);
    let after = after.trim_start_matches(['.', '_', '-']);
    let after = after.split('.').next().unwrap_or_default();
    [before, after].into_iter().find(|word| {
        is_user(word)
            && word.bytes().all(|byte| byte.is_ascii_lowercase())
            && !NOT_USERS.contains(word)
            && host.is_none_or(|host| host != *word)
    })
}

/// Whether a word can be the name of an account.
pub(super) fn is_user(word: &str) -> bool {
    word.len() <= 64
        && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || "._-@\\+$".contains(c))
}

/// A text as one line of bounded length.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    let end = text.floor_char_boundary(SHOWN);
    let cut = end < text.len();
    let head = text.get(..end).unwrap_or(text);
    if !cut && !head.contains(['\n', '\r', '\t']) {
        return Cow::Borrowed(head);
    }
    let mut line = head.replace(['\n', '\r', '\t'], " ");
    if cut {
        line.push('…');
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let check = |text: &str, expected: Option<Option<&str>>| {
            assert_eq!(frame(text).map(|frame| frame.path), expected, "{text}");
        };
        check("[root@h ~]# cat /etc/passwd", Some(Some("/etc/passwd")));
        check("alice@h:/tmp$ history", Some(None));
        check("root@h:~# ", Some(None));
        check(
            "==> /root/.bash_history <==",
            Some(Some("/root/.bash_history")),
        );
        check("# cat /etc/group", Some(Some("/etc/group")));
        check("----- /etc/hosts -----", Some(Some("/etc/hosts")));
        check("=======", Some(None));
        check("cat: /etc/x: No such file or directory", Some(None));
        check("# a comment", None);
        check("ssh root@h:~# x", None);
        check("root:x:0:0:root:/root:/bin/bash", None);
        check("[ -f /etc/x ] && . /etc/x", None);
    }

    #[test]
    fn owners() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(user_of_path(path, Some("web")), expected, "{path}");
        };
        check("h/[root]/home/alice/.bash_history", Some("alice"));
        check("h/[root]/root/.bash_history", Some("root"));
        check("h/root_bash_history.txt", Some("root"));
        check("h/bash_history.txt", None);
        check("h/bash_history_alice.txt", Some("alice"));
        check("h/web_bash_history", None);
        check("h/db-07.bash_history", None);
        check("h/home_bob_.ssh_authorized_keys", None);
        check("h/home/bob/.ssh/authorized_keys2", Some("bob"));
        check("h/fish_history", None);
        check("root", None);
    }

    #[test]
    fn places() {
        assert_eq!(original_path("h/etc/cron.d/x"), "/etc/cron.d/x");
        assert_eq!(
            original_path("h/[root]/root/.bash_history"),
            "/root/.bash_history"
        );
        assert_eq!(original_path("h/mac.sh"), "h/mac.sh");
    }

    #[test]
    fn terminals() {
        assert_eq!(readable(b"\x1b[1;31mred\x1b[0m \x1b]0;t\x07x"), "red x");
        assert_eq!(readable(b"\xef\xbb\xbfab\x08c"), "ac");
    }
}
