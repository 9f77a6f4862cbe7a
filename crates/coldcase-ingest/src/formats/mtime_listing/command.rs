//! Command lines in front of a listing: `# ls -la /etc/cron.d`, `[root@h ~]$ find / -printf '%A@ %p\n'`.
//! They tell the folder that `ls` leaves out where it lists only one, and which time a listing shows.

use coldcase_model::action;

/// Words in front of the command: a prompt, `sudo`, `+`, a label.
const MOST_BEFORE: usize = 6;

/// What a command line tells about the listing below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// The one folder that `ls` was asked for.
    pub folder: Option<Vec<u8>>,
    /// What the time of a row says.
    pub action: &'static str,
    /// Whether the owner is left out (`ls -g`).
    pub without_owner: bool,
}

impl Default for Command {
    fn default() -> Self {
        Self {
            folder: None,
            action: action::FILE_MODIFIED,
            without_owner: false,
        }
    }
}

/// A line that is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shell {
    /// A command that makes a listing.
    Listing(Command),
    /// A prompt with another command, or none.
    Prompt,
}

/// Reads one line; `None` where it is no command line.
pub(super) fn parse(line: &[u8]) -> Option<Shell> {
    let is_tool = |word: &&[u8]| {
        matches!(
            base_name(word),
            b"ls" | b"ll" | b"vdir" | b"find" | b"stat" | b"gfind"
        )
    };
    let is_sign = |word: &&[u8]| matches!(word.last(), Some(b'#' | b'$' | b'%'));
    let words = || {
        let words = line.split(|byte| super::cursor::is_blank(*byte));
        words.filter(|word| !word.is_empty()).take(64)
    };
    // Almost no line is a command, and the first words tell.
    if !words().take(MOST_BEFORE).any(|word| is_tool(&word))
        && !words().take(4).any(|word| is_sign(&word))
    {
        return None;
    }
    let words: Vec<&[u8]> = words().collect();
    let tool = words.iter().take(MOST_BEFORE).position(is_tool);
    if let Some(tool) = tool {
        let (before, rest) = words.split_at_checked(tool)?;
        let (name, arguments) = rest.split_first()?;
        let asked = arguments
            .iter()
            .any(|word| word.starts_with(b"-") || word.contains(&b'/'));
        if asked || is_prompt(before) {
            return Some(Shell::Listing(match base_name(name) {
                b"ls" | b"ll" | b"vdir" => ls(arguments),
                _ => find(arguments),
            }));
        }
    }
    let with_host = words.iter().take(4).position(is_sign);
    let before = words.get(..=with_host?)?;
    before
        .iter()
        .any(|word| memchr::memchr(b'@', word).is_some())
        .then_some(Shell::Prompt)
}

fn base_name(word: &[u8]) -> &[u8] {
    let start = memchr::memrchr(b'/', word).map_or(0, |at| at + 1);
    word.get(start..).unwrap_or(word)
}

fn is_prompt(words: &[&[u8]]) -> bool {
    words.iter().all(|word| {
        matches!(word.last(), Some(b'#' | b'$' | b'%' | b'>' | b'+')) || *word == b"sudo"
    })
}

/// Words up to a pipe, a redirection or the next command.
fn own<'a, 'b>(arguments: &'b [&'a [u8]]) -> impl Iterator<Item = &'a [u8]> + 'b {
    let ends = |word: &&&[u8]| {
        !matches!(word.first(), Some(b'|' | b'>' | b';' | b'&')) && !word.starts_with(b"2>")
    };
    arguments.iter().take_while(ends).copied()
}

fn ls(arguments: &[&[u8]]) -> Command {
    let mut command = Command::default();
    let (mut operands, mut itself) = (Vec::new(), false);
    for word in own(arguments) {
        if let Some(long) = word.strip_prefix(b"--") {
            match long {
                b"directory" => itself = true,
                b"time=atime" | b"time=access" | b"time=use" => {
                    command.action = action::FILE_ACCESSED;
                }
                b"time=ctime" | b"time=status" => command.action = action::FILE_CHANGED,
                b"time=birth" | b"time=creation" => command.action = action::FILE_CREATED,
                _ => {}
            }
        } else if let Some(short) = word.strip_prefix(b"-") {
            for option in short {
                match option {
                    b'u' => command.action = action::FILE_ACCESSED,
                    b'c' => command.action = action::FILE_CHANGED,
                    b'd' => itself = true,
                    b'g' => command.without_owner = true,
                    _ => {}
                }
            }
        } else if word.iter().any(u8::is_ascii_alphanumeric) || matches!(word, b"." | b"/" | b"..")
        {
            operands.push(word);
        }
    }
    if let [folder] = operands.as_slice()
        && !itself
        && !folder.iter().any(|byte| b"*?[{$`".contains(byte))
    {
        let bare = super::names::unquoted(folder);
        command.folder = Some(bare.into_owned());
    }
    command
}

/// `find` and `stat` name paths in full; their formats tell which time is shown.
fn find(arguments: &[&[u8]]) -> Command {
    let mut command = Command::default();
    let is_stat = own(arguments).any(|word| {
        word == b"-c" || word.starts_with(b"--format") || word.starts_with(b"--printf")
    });
    let shows = |find: &[u8], stat: &[u8]| {
        let letters = if is_stat { stat } else { find };
        let directive = |pair: &[u8]| matches!(pair, [b'%', last] if letters.contains(last));
        own(arguments).any(|word| word.windows(2).any(directive))
    };
    if !shows(b"Tt", b"yY") {
        let times = [
            (shows(b"Aa", b"xX"), action::FILE_ACCESSED),
            (shows(b"Cc", b"zZ"), action::FILE_CHANGED),
            (shows(b"B", b"wW"), action::FILE_CREATED),
        ];
        let mut shown = times.iter().filter(|(shown, _)| *shown);
        if let (Some((_, only)), None) = (shown.next(), shown.next()) {
            command.action = only;
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_tell_folder_and_time() {
        let check = |line: &str, expected: Option<(Option<&str>, &str)>| {
            let got = parse(line.as_bytes());
            let got = got.as_ref().and_then(|shell| match shell {
                Shell::Listing(command) => Some((
                    command
                        .folder
                        .as_deref()
                        .and_then(|f| std::str::from_utf8(f).ok()),
                    command.action,
                )),
                Shell::Prompt => None,
            });
            assert_eq!(got, expected, "{line}");
        };
        check(
            "$ ls -la /etc/cron.d",
            Some((Some("/etc/cron.d"), "file-modified")),
        );
        check(
            "# ls -la /etc/cron.d",
            Some((Some("/etc/cron.d"), "file-modified")),
        );
        check("ls -lu '/x'", Some((Some("/x"), "file-accessed")));
        check(
            "[root@h ~]# ls -l --time=ctime /a 2>&1 | head",
            Some((Some("/a"), "file-changed")),
        );
        check(
            "root@h:~$ sudo /bin/ls -ld /a",
            Some((None, "file-modified")),
        );
        check("+ ls -l /a /b", Some((None, "file-modified")));
        check("# find /a -printf %A@_%p", Some((None, "file-accessed")));
        check("$ stat -c '%n %Z' /a", Some((None, "file-changed")));
        check("=== ls -la /a ===", Some((Some("/a"), "file-modified")));
        check("what ls does", None);
        check("root@h:~# cat /etc/passwd", None);
        assert_eq!(parse(b"root@h:~# cat /etc/passwd"), Some(Shell::Prompt));
        assert_eq!(parse(b"a regular filename"), None);
    }
}
