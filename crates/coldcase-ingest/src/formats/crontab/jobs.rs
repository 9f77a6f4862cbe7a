//! One line of a crontab: a job, or a setting.

use std::borrow::Cow;

/// Who runs a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// cron.
    Cron,
    /// anacron.
    Anacron,
}

impl Kind {
    /// The word in `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Anacron => "anacron",
        }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job<'a> {
    /// Who runs it.
    pub kind: Kind,
    /// `*/5 * * * *`, `@reboot`, `7 days`.
    pub schedule: Cow<'a, str>,
    /// Minutes that anacron waits.
    pub delay: Option<i64>,
    /// Anacron's name of it.
    pub name: Option<Cow<'a, str>>,
    /// What follows, an account perhaps in front.
    pub command: Cow<'a, str>,
}

impl Job<'_> {
    /// The same with all text owned.
    pub fn into_owned(self) -> Job<'static> {
        Job {
            kind: self.kind,
            schedule: Cow::Owned(self.schedule.into_owned()),
            delay: self.delay,
            name: self.name.map(|name| Cow::Owned(name.into_owned())),
            command: Cow::Owned(self.command.into_owned()),
        }
    }

    /// An account in front of the command and the command, where the first word can be one and the second a command.
    pub fn account(&self) -> Option<(&str, &str)> {
        let (first, rest) = self.command.split_once([' ', '\t'])?;
        let rest = rest.trim_start();
        (is_account(first) && is_command(rest)).then_some((first, rest))
    }
}

/// Words that begin commands, not accounts, though they have the shape of both.
const COMMANDS: [&str; 44] = [
    "sh",
    "bash",
    "dash",
    "ksh",
    "zsh",
    "python",
    "python2",
    "python3",
    "perl",
    "ruby",
    "php",
    "node",
    "java",
    "curl",
    "wget",
    "cd",
    "test",
    "echo",
    "sudo",
    "nice",
    "ionice",
    "env",
    "find",
    "rm",
    "cp",
    "mv",
    "date",
    "run-parts",
    "sleep",
    "flock",
    "timeout",
    "nohup",
    "command",
    "kill",
    "pkill",
    "killall",
    "tar",
    "rsync",
    "logger",
    "exec",
    "source",
    "chmod",
    "export",
    "cat",
];

fn is_account(word: &str) -> bool {
    let bytes = word.as_bytes();
    (1..=32).contains(&bytes.len())
        && bytes
            .first()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.$\\@".contains(byte))
        && !COMMANDS.contains(&word)
}

/// Whether a text begins like a command: a path, a known one, a bracket, a setting, or a word before others.
fn is_command(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first.starts_with(|first: char| "/.[({~$!\"'`:".contains(first))
        || first.contains(['/', '='])
        || COMMANDS.contains(&first)
        || (is_account(first) && !first.starts_with('-') && first.len() > 1)
}

/// Reads a job; `None` for any other line.
pub fn parse(line: &str) -> Option<Job<'_>> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    // cronie: a dash in front keeps the job out of the log.
    let bare = line.strip_prefix('-').unwrap_or(line);
    if bare.starts_with('@') {
        return nickname(bare);
    }
    if let Some(job) = timed(bare) {
        return Some(job);
    }
    anacron(line)
}

fn nickname(line: &str) -> Option<Job<'_>> {
    let (name, rest) = line.split_once([' ', '\t'])?;
    const NAMES: [&str; 9] = [
        "@reboot",
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
        "@every_minute",
    ];
    let rest = rest.trim_start();
    if NAMES.contains(&name) && !rest.is_empty() {
        if let Some(job) = anacron(line) {
            return Some(job);
        }
        return Some(Job {
            kind: Kind::Cron,
            schedule: Cow::Borrowed(name),
            delay: None,
            name: None,
            command: Cow::Borrowed(rest),
        });
    }
    anacron(line)
}

/// Five fields of times and a command.
fn timed(line: &str) -> Option<Job<'_>> {
    const RANGES: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let mut rest = line;
    let mut end = 0;
    let mut spaced = false;
    for (index, range) in RANGES.iter().enumerate() {
        let width = rest.find([' ', '\t'])?;
        let (field, behind) = rest.split_at_checked(width)?;
        if !is_field(field, *range, index) {
            return None;
        }
        end = line.len() - behind.len();
        rest = behind.trim_start();
        spaced |= behind.len() - rest.len() > 1 && index < 4;
    }
    let schedule = line.get(..end)?;
    let is_plain = !spaced && !schedule.contains('\t');
    let first = rest.split([' ', '\t']).next().unwrap_or_default();
    let is_command = first.bytes().any(|byte| !byte.is_ascii_digit());
    is_command.then(|| Job {
        kind: Kind::Cron,
        schedule: match is_plain {
            true => Cow::Borrowed(schedule),
            false => Cow::Owned(schedule.split_whitespace().collect::<Vec<_>>().join(" ")),
        },
        delay: None,
        name: None,
        command: Cow::Borrowed(rest),
    })
}

/// `*`, `*/5`, `1-5`, `0,30`, `mon-fri`, `4/2`, `~` (a random moment), `H` is Jenkins' and none here.
fn is_field(field: &str, (low, high): (u32, u32), index: usize) -> bool {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let is_value = |text: &str| {
        let name = text.to_ascii_lowercase();
        match text.parse::<u32>() {
            Ok(number) => text.len() <= 2 && (low..=high).contains(&number),
            Err(_) => {
                (index == 3 && MONTHS.contains(&&*name)) || (index == 4 && DAYS.contains(&&*name))
            }
        }
    };
    let is_range = |text: &str| match text.split_once(['-', '~']) {
        Some((from, to)) => (from.is_empty() || is_value(from)) && (to.is_empty() || is_value(to)),
        None => text == "*" || is_value(text),
    };
    !field.is_empty()
        && field.len() < 400
        && field.split(',').all(|part| match part.split_once('/') {
            Some((range, step)) => {
                is_range(range) && step.parse::<u32>().is_ok_and(|step| step > 0)
            }
            None => is_range(part),
        })
}

/// `7 25 cron.weekly nice run-parts /etc/cron.weekly`: days, minutes, a name, a command.
fn anacron(line: &str) -> Option<Job<'_>> {
    let mut rest = line;
    let mut next = || {
        let width = rest.find([' ', '\t'])?;
        let (word, behind) = rest.split_at_checked(width)?;
        rest = behind.trim_start();
        Some(word)
    };
    let (period, delay, name) = (next()?, next()?, next()?);
    let days = match period {
        "@monthly" | "@weekly" | "@daily" | "@yearly" | "@annually" => Cow::Borrowed(period),
        _ => {
            let days: u32 = period.parse().ok()?;
            Cow::Owned(format!("{days} days"))
        }
    };
    let delay: i64 = delay.parse().ok()?;
    let is_name = name.contains('.') || name.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_job = is_name
        && !name.contains(['/', '=', ':'])
        && (0..=10_000).contains(&delay)
        && is_command(rest);
    is_job.then_some(Job {
        kind: Kind::Anacron,
        schedule: days,
        delay: Some(delay),
        name: Some(Cow::Borrowed(name)),
        command: Cow::Borrowed(rest),
    })
}

/// `NAME=value`, `NAME = "value"`.
pub fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().trim_matches(['"', '\'']);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let value = value.trim();
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let bare = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    is_name.then(|| (name, bare.unwrap_or(value)))
}

/// A command without what cron feeds it behind the first bare `%`; `\%` is a percent sign.
pub fn without_input(command: &str, kind: Kind) -> (Cow<'_, str>, Option<String>) {
    if kind == Kind::Anacron || !command.contains('%') {
        return (Cow::Borrowed(command), None);
    }
    let (mut shown, mut fed) = (String::with_capacity(command.len()), None::<String>);
    let mut signs = command.chars().peekable();
    while let Some(sign) = signs.next() {
        let is_escape = sign == '\\' && signs.peek() == Some(&'%');
        let sign = if is_escape {
            signs.next().unwrap_or(sign)
        } else {
            sign
        };
        match &mut fed {
            None if sign == '%' && !is_escape => fed = Some(String::new()),
            None => shown.push(sign),
            Some(fed) if sign == '%' && !is_escape => fed.push('\n'),
            Some(fed) => fed.push(sign),
        }
    }
    (Cow::Owned(shown.trim_end().to_owned()), fed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_all_kinds() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let job = parse(line);
            let got = job.as_ref().map(|job| (&*job.schedule, &*job.command));
            assert_eq!(got, expected, "{line}");
        };
        check(
            "*/5 * * * * /bin/x >/dev/null 2>&1",
            Some(("*/5 * * * *", "/bin/x >/dev/null 2>&1")),
        );
        check(
            "0,20,40\t*  * jan-mar Sun root x",
            Some(("0,20,40 * * jan-mar Sun", "root x")),
        );
        check("5 10-11,22 * * * x", Some(("5 10-11,22 * * *", "x")));
        check("30 4/2 * * * x", Some(("30 4/2 * * *", "x")));
        check("@reboot  x", Some(("@reboot", "x")));
        check("-*/15 * * * * root x", Some(("*/15 * * * *", "root x")));
        check(
            "7 25 cron.weekly nice run-parts /etc/cron.weekly",
            Some(("7 days", "nice run-parts /etc/cron.weekly")),
        );
        check(
            "@monthly 45 cron.monthly nice x",
            Some(("@monthly", "nice x")),
        );
        check("60 * * * * x", None);
        check("* * * * *", None);
        check("1 2 3 4 5 6 7", None);
        check("# 0 * * * * root x", None);
        check("@foo x", None);
        check("Mar 29 00:00:01 h sshd[1]: x", None);
    }

    #[test]
    fn accounts_in_front() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let job = parse(line).expect(line);
            assert_eq!(job.account(), expected, "{line}");
        };
        check(
            "01 * * * * root run-parts /etc/cron.hourly",
            Some(("root", "run-parts /etc/cron.hourly")),
        );
        check(
            "0 1 * * * www-data /usr/bin/php x",
            Some(("www-data", "/usr/bin/php x")),
        );
        check("0 1 * * * /usr/bin/php x", None);
        check("0 1 * * * curl http://h/x | sh", None);
        check("0 1 * * * backup", None);
    }

    #[test]
    fn percent_signs_feed() {
        let check = |command: &str, shown: &str, fed: Option<&str>| {
            let got = without_input(command, Kind::Cron);
            assert_eq!((&*got.0, got.1.as_deref()), (shown, fed), "{command}");
        };
        check("date +\\%F", "date +%F", None);
        check("mail a%Hi%there", "mail a", Some("Hi\nthere"));
        check("x", "x", None);
    }
}
