//! A command line in its parts, as far as weighing it needs: simple commands, what joins them, and the program
//! that each runs. Quotes are taken off: what stands inside is a command as well, more often than not.

/// How a simple command follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// It comes after it, whatever that did.
    Next,
    /// It reads what that wrote.
    Pipe,
    /// It stands inside it: `$(...)`, `<(...)`, backticks.
    Inside,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Simple<'a> {
    pub joint: Joint,
    pub words: Vec<&'a str>,
}

/// Longest command looked at; what is longer holds data.
const LONGEST: usize = 16 << 10;

/// What a program is run by, without being the program.
const WRAPPERS: [&str; 19] = [
    "sudo", "nohup", "nice", "ionice", "setsid", "timeout", "flock", "env", "exec", "command",
    "time", "chronic", "doas", "stdbuf", "if", "then", "do", "else", "while",
];
/// Options of wrappers that take a word.
const WITH_WORD: [&str; 2] = ["-u", "-g"];
pub(super) const SHELLS: [&str; 7] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "csh"];
const INTERPRETERS: [&str; 9] = [
    "python", "python2", "python3", "perl", "ruby", "php", "node", "source", ".",
];

/// The simple commands of a line, in its order.
pub(super) fn split(command: &str) -> Vec<Simple<'_>> {
    let end = command.floor_char_boundary(LONGEST);
    let command = command.get(..end).unwrap_or_default();
    let mut found = Vec::new();
    let (mut from, mut joint) = (0, Joint::Next);
    let mut signs = command.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, sign)) = signs.next() {
        let next = signs.peek().map(|(_, next)| *next);
        let follows = match sign {
            ';' | '\n' => Some(Joint::Next),
            // 2>&1, &>file
            '&' if before != '>' && next != Some('>') => Some(Joint::Next),
            '|' if before == '|' => Some(Joint::Next),
            '|' => Some(Joint::Pipe),
            '(' if matches!(before, '$' | '<') => Some(Joint::Inside),
            '`' => Some(Joint::Inside),
            '(' | ')' => Some(Joint::Next),
            _ => None,
        };
        if let Some(follows) = follows {
            push(&mut found, command.get(from..at), joint);
            // An empty piece between two signs leaves the first sign's meaning, but for `||`.
            let empty = command
                .get(from..at)
                .is_none_or(|piece| words(piece).is_empty());
            joint = match (empty, joint, follows) {
                (true, Joint::Inside, Joint::Next) => Joint::Inside,
                (true, Joint::Pipe, Joint::Next) if sign != '|' => Joint::Pipe,
                _ => follows,
            };
            from = at + sign.len_utf8();
        }
        before = sign;
    }
    push(&mut found, command.get(from..), joint);
    found
}

fn push<'a>(found: &mut Vec<Simple<'a>>, piece: Option<&'a str>, joint: Joint) {
    let words = words(piece.unwrap_or_default());
    if !words.is_empty() {
        found.push(Simple { joint, words });
    }
}

fn words(piece: &str) -> Vec<&str> {
    let bare = |word: &'_ str| -> bool { !matches!(word, "" | "$" | "<" | "{" | "}" | "!") };
    piece
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'', '{', '}']))
        .map(|word| word.trim_end_matches(['$', '<']))
        .filter(|word| bare(word))
        .collect()
}

/// The last part of a path.
pub(super) fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

impl<'a> Simple<'a> {
    /// The program that it runs, or the script that an interpreter runs; of a line that is written into a
    /// crontab, the one that it will run.
    pub fn program(&self) -> Option<&'a str> {
        let mut rest = self.words.as_slice();
        if let Some(job) = scheduled(rest) {
            rest = job;
        }
        rest = without_wrappers(rest);
        let (first, after) = rest.split_first()?;
        let name = base(first);
        if !SHELLS.contains(&name) && !INTERPRETERS.contains(&name) {
            return Some(first);
        }
        let script = without_wrappers(after)
            .iter()
            .find(|word| !word.starts_with('-'));
        Some(script.copied().unwrap_or(first))
    }

    /// Whether it is a shell or interpreter that runs what it reads.
    pub fn runs_input(&self) -> bool {
        let Some((first, after)) = without_wrappers(&self.words).split_first() else {
            return false;
        };
        let name = base(first);
        let mut words = without_redirections(after);
        if SHELLS.contains(&name) {
            after.contains(&"-s") || words.all(|word| word.starts_with('-') && word != "-c")
        } else {
            INTERPRETERS.contains(&name) && words.all(|word| word == "-")
        }
    }

    /// Whether it is a shell or evaluates what stands inside it.
    pub fn evaluates(&self) -> bool {
        let first = without_wrappers(&self.words).first();
        first.is_some_and(|first| {
            let name = base(first);
            name == "eval" || SHELLS.contains(&name) || INTERPRETERS.contains(&name)
        })
    }

    /// Whether one of its words is this program.
    pub fn names(&self, programs: &[&str]) -> bool {
        self.words.iter().any(|word| programs.contains(&base(word)))
    }
}

/// Words that are no redirection, nor the file of one.
fn without_redirections<'b>(words: &'b [&str]) -> impl Iterator<Item = &'b str> {
    let opens = |word: &str| word.ends_with(['>', '<']);
    words.iter().enumerate().filter_map(move |(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let is_file = before.is_some_and(|before| opens(before));
        (!is_file && !word.contains(['>', '<'])).then_some(*word)
    })
}

fn without_wrappers<'b, 'a>(words: &'b [&'a str]) -> &'b [&'a str] {
    let mut rest = words;
    loop {
        let Some((first, after)) = rest.split_first() else {
            return rest;
        };
        let is_setting = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        if is_setting {
            rest = after;
        } else if WRAPPERS.contains(&base(first)) {
            rest = after_options(after, base(first) == "flock");
        } else {
            return rest;
        }
    }
}

/// What follows a wrapper's options, its numbers, and flock's file.
fn after_options<'b, 'a>(words: &'b [&'a str], takes_file: bool) -> &'b [&'a str] {
    let mut rest = words;
    let mut file = takes_file;
    while let Some((first, after)) = rest.split_first() {
        let is_number = first.starts_with(|sign: char| sign.is_ascii_digit());
        if WITH_WORD.contains(first) {
            rest = after.get(1..).unwrap_or_default();
        } else if first.starts_with('-') || is_number {
            rest = after;
        } else if file {
            file = false;
            rest = after;
        } else {
            return rest;
        }
    }
    rest
}

/// What a line of a crontab runs, where the words hold one: after five fields of times or a nickname, and after
/// an account.
fn scheduled<'b, 'a>(words: &'b [&'a str]) -> Option<&'b [&'a str]> {
    let is_field = |word: &&str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"*/,-".contains(&byte))
    };
    let nickname = words.iter().position(|word| {
        matches!(
            *word,
            "@reboot"
                | "@hourly"
                | "@daily"
                | "@weekly"
                | "@monthly"
                | "@midnight"
                | "@yearly"
                | "@annually"
        )
    });
    let after = match nickname {
        Some(at) => at + 1,
        None => {
            words
                .windows(5)
                .position(|five| five.iter().all(is_field))?
                + 5
        }
    };
    let rest = words.get(after..)?;
    match rest {
        [account, program, ..]
            if !account.contains('/') && program.starts_with('/') && !is_known(account) =>
        {
            rest.get(1..)
        }
        ["root", _, ..] => rest.get(1..),
        _ => Some(rest),
    }
}

fn is_known(word: &str) -> bool {
    SHELLS.contains(&word) || INTERPRETERS.contains(&word) || WRAPPERS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fall_into_simple_commands() {
        let check = |command: &str, expected: &[(Joint, &str)]| {
            let found: Vec<(Joint, String)> = split(command)
                .into_iter()
                .map(|simple| (simple.joint, simple.words.join(" ")))
                .collect();
            let found: Vec<(Joint, &str)> = found
                .iter()
                .map(|(joint, words)| (*joint, words.as_str()))
                .collect();
            assert_eq!(found, expected, "{command}");
        };
        use Joint::{Inside, Next, Pipe};
        check("a b >/dev/null 2>&1", &[(Next, "a b >/dev/null 2>&1")]);
        check(
            "a | b || c && d; e",
            &[
                (Next, "a"),
                (Pipe, "b"),
                (Next, "c"),
                (Next, "d"),
                (Next, "e"),
            ],
        );
        check(
            "bash -c \"$(curl x)\"",
            &[(Next, "bash -c"), (Inside, "curl x")],
        );
        check("bash <(curl x)", &[(Next, "bash"), (Inside, "curl x")]);
        check(
            "(crontab -l; echo y) | crontab -",
            &[(Next, "crontab -l"), (Next, "echo y"), (Pipe, "crontab -")],
        );
        check("a &> f", &[(Next, "a &> f")]);
        check("", &[]);
    }

    #[test]
    fn the_program_is_found_behind_wrappers() {
        let check = |command: &str, expected: &str| {
            let simple = split(command);
            assert_eq!(
                simple.first().and_then(Simple::program),
                Some(expected),
                "{command}"
            );
        };
        check("/usr/bin/a b", "/usr/bin/a");
        check("A=1 nice -n 19 ionice -c 3 /usr/bin/a", "/usr/bin/a");
        check("flock -n /tmp/lock /usr/bin/a", "/usr/bin/a");
        check("timeout 30 bash /tmp/x.sh", "/tmp/x.sh");
        check("sudo -u app python3 /opt/x.py", "/opt/x.py");
        check("sh -c /tmp/x", "/tmp/x");
        check("bash", "bash");
        check("echo '*/5 * * * * root /tmp/.x/run'", "/tmp/.x/run");
        check("echo @reboot /dev/shm/x", "/dev/shm/x");
        check("find /tmp -mtime +7 -delete", "find");
    }

    #[test]
    fn shells_that_run_what_they_read() {
        let check = |command: &str, expected: bool| {
            let simple = split(command);
            assert_eq!(
                simple.first().is_some_and(Simple::runs_input),
                expected,
                "{command}"
            );
        };
        check("sh", true);
        check("sudo bash -s -- --fast", true);
        check("bash >/dev/null 2>&1", true);
        check("python3 -", true);
        check("python3 -m json.tool", false);
        check("python3 -c x", false);
        check("bash -c x", false);
        check("sh /opt/x.sh", false);
        check("grep sh", false);
    }
}
