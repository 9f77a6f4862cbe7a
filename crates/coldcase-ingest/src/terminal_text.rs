//! Text as a terminal would show it: escape sequences, byte order marks and control characters taken out. What
//! people collect by copying or with `script` is full of them.

use std::borrow::Cow;

/// The text without terminal escapes and control characters (tabs stay); borrowed where there are none.
pub fn plain(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.trim_end_matches(['\r', '\n']);
    if text.bytes().all(|byte| byte >= b' ' || byte == b'\t') && !text.contains('\u{7f}') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{8}' => drop(shown.pop()),
            '\t' => shown.push('\t'),
            control if control < ' ' || control == '\u{7f}' => {}
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

/// The rest of a sequence behind its ESC: CSI up to its final byte, OSC up to BEL or ST, else one character.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => {
            rest.by_ref()
                .find(|character| ('@'..='~').contains(character));
        }
        Some(']') => {
            while let Some(character) = rest.next() {
                if character == '\u{7}' {
                    break;
                }
                if character == '\u{1b}' {
                    rest.next();
                    break;
                }
            }
        }
        Some('(' | ')' | '#') => drop(rest.next()),
        _ => {}
    }
}

/// At most this many bytes of a text, cut between characters.
pub fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// What follows a shell's prompt (`[root@node ~]# docker ps`, `$ docker ps`, `root@n:~# ...`), if the line has one.
pub fn command_of_prompt(line: &str) -> Option<&str> {
    const LONGEST_PROMPT: usize = 120;
    let line = line.trim_start();
    if let Some(command) = line.strip_prefix("# ").or(line.strip_prefix("$ ")) {
        return Some(command.trim());
    }
    let at = line
        .find("# ")
        .or_else(|| line.find("$ "))
        .filter(|at| *at < LONGEST_PROMPT)?;
    let (prompt, command) = line.split_at_checked(at)?;
    let is_prompt = prompt.contains('@') || prompt.ends_with([']', '~']) || prompt.starts_with('[');
    let command = command.get(2..)?.trim();
    (is_prompt && !command.is_empty()).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_come_off() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text), expected);
        check("plain\ttext é\r\n", "plain\ttext é");
        check("\u{feff}first", "first");
        check("\u{1b}[32mINFO\u{1b}[0m[0001] x\u{1b}[K", "INFO[0001] x");
        check("\u{1b}]0;root@n\u{7}# ls", "# ls");
        check("ab\u{8}c\0d", "acd");
        check("\u{1b}[31", "");
        check("\u{1b}", "");
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }

    #[test]
    fn prompts() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(command_of_prompt(line), expected, "{line}")
        };
        check("[root@n ~]# docker ps -a", Some("docker ps -a"));
        check("root@n:/# docker logs web", Some("docker logs web"));
        check("$ docker ps", Some("docker ps"));
        check("# docker ps", Some("docker ps"));
        check("CONTAINER ID   IMAGE", None);
        check("a price of 5$ or more", None);
    }
}
