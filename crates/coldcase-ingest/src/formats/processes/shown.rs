//! Text as a terminal left it in a collected file: byte order marks, escape sequences, carriage returns and
//! prompts in front of the command that made an output.

use std::borrow::Cow;

use crate::scan;

/// A line as text without what only a terminal understands; bytes that are not UTF-8 become U+FFFD.
pub fn cleaned(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let is_plain = |byte: &u8| *byte >= b' ' || *byte == b'\t';
    if scan::is_uncontrolled(bytes) {
        return scan::lossy(bytes);
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            0x1B => rest = behind_escape(rest),
            0x08 => drop(kept.pop()),
            byte if is_plain(byte) => kept.push(*byte),
            _ => {}
        }
    }
    Cow::Owned(String::from_utf8_lossy(&kept).into_owned())
}

/// What follows an escape sequence: CSI (`[1;32m`, `[K`), OSC (`]0;title` up to BEL or ST), or two bytes.
fn behind_escape(rest: &[u8]) -> &[u8] {
    let (end, width) = match rest.first() {
        Some(b'[') => {
            let parameters = rest.iter().skip(1);
            let end = parameters.take_while(|byte| !(0x40..0x7F).contains(*byte));
            (end.count() + 1, 1)
        }
        Some(b']') => {
            let end = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1B));
            (end.unwrap_or(rest.len()), 1)
        }
        Some(b'(' | b')') => (1, 1),
        _ => (0, 1),
    };
    rest.get(end + width..).unwrap_or_default()
}

/// The command of a line that a shell's prompt or a label opens: `[root@h ~]# ps aux`, `$ top -b`, `# lsof -i`,
/// `+ ps -ef`, `root@h:~# crontab -l`.
pub fn command_of_prompt(line: &str) -> Option<&str> {
    let line = line.trim();
    let is_sign = |byte: u8| matches!(byte, b'#' | b'$' | b'%' | b'>' | b'+');
    if !line.bytes().fold(false, |any, byte| any | is_sign(byte)) {
        return None;
    }
    let sign = line
        .char_indices()
        .take(200)
        .find(|(at, sign)| {
            matches!(sign, '#' | '$' | '%' | '>' | '+')
                && line
                    .get(at + 1..)
                    .is_none_or(|rest| rest.is_empty() || rest.starts_with(' '))
        })
        .map(|(at, _)| at)?;
    let before = line.get(..sign)?.trim_end();
    let is_prompt = before.is_empty()
        || (before.starts_with('[') && before.ends_with(']') && before.contains('@'))
        || (before.contains('@') && before.contains(':') && !before.contains(' '))
        || matches!(
            before,
            "bash-4.2" | "bash-4.4" | "bash-5.0" | "bash-5.1" | "bash-5.2" | "sh-4.2"
        )
        || (before.starts_with('/') && !before.contains(' '));
    is_prompt.then(|| line.get(sign + 1..).unwrap_or_default().trim())
}

/// Whether a line is the command that made an output: one of the tools behind a prompt, or bare with a flag.
pub fn is_command_line(line: &str, tools: &[&str]) -> bool {
    let is_tool = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        tools.contains(&name)
    };
    match command_of_prompt(line) {
        Some(command) => command.is_empty() || command.split_whitespace().take(8).any(is_tool),
        None => {
            let mut words = line.split_whitespace();
            let first = match words.next() {
                Some("sudo") => words.next(),
                first => first,
            };
            first.is_some_and(is_tool)
                && words.next().is_none_or(|word| {
                    word.starts_with('-') || word.starts_with('/') || word.len() <= 8
                })
                && line.len() < 300
        }
    }
}

/// Whether a line only parts outputs: `-----`, `=== ps ===`.
pub fn is_separator(line: &str) -> bool {
    let line = line.trim();
    let signs = line
        .bytes()
        .take_while(|sign| matches!(sign, b'-' | b'=' | b'#' | b'*' | b'_' | b'~'))
        .count();
    signs == line.len() || (signs >= 3 && line.ends_with(['-', '=', '#', '*', '~']))
}

/// Words with the bytes at which they begin.
pub fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = line.get(at..)?;
        let start = at + rest.find(|sign: char| !sign.is_whitespace())?;
        let tail = line.get(start..)?;
        at = start + tail.find(char::is_whitespace).unwrap_or(tail.len());
        line.get(start..at).map(|word| (start, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_leave_no_trace() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(cleaned(bytes), expected);
        check(b"plain \xC3\xA9", "plain \u{e9}");
        check(b"\xEF\xBB\xBFUSER\x1b[K", "USER");
        check(b"\x1b[7m  PID USER\x1b[m\x1b[K\r", "  PID USER");
        check(b"\x1b(B\x1b[m\x1b[39;49m\x1b]0;title\x07x", "x");
        check(b"ab\x08c\0d", "acd");
        check(b"\x1b", "");
        check(b"\x1b[12", "");
    }

    #[test]
    fn prompts_and_commands() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(command_of_prompt(line), expected, "{line}");
        };
        check("[root@h ~]# ps aux", Some("ps aux"));
        check("ops@bm-07:~$ top -b", Some("top -b"));
        check("# crontab -l", Some("crontab -l"));
        check("/ # ps", Some("ps"));
        check("root 1 0.0 [k] # x", None);
        assert!(is_command_line("ps -ef", &["ps"]));
        assert!(is_command_line("sudo lsof -i", &["lsof"]));
        assert!(!is_command_line("root 1 ps", &["ps"]));
        assert!(is_separator("=== ps ==="));
        assert!(is_separator("--------"));
        assert!(!is_separator("- x"));
    }
}
