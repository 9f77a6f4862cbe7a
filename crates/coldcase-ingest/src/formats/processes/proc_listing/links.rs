//! Links below /proc/PID as `ls -l` and `find -ls` list them.

use std::borrow::Cow;

use super::super::row::{OpenFile, Process};
use super::numbers::pid;

/// One link of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'a> {
    pub pid: i64,
    pub user: Option<&'a str>,
    /// `exe`, `cwd`, `root`, `fd/3`, `ns/net`; empty for the process's own folder.
    pub what: Cow<'a, str>,
    pub target: Option<&'a str>,
}

/// A line that the listing knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// `/proc/12/fd:`
    Heading,
    Link(Link<'a>),
}

/// Where the reading stands: rows below a heading leave the folder out.
#[derive(Debug, Default)]
pub struct Links {
    /// The process and the folder in it of the heading above; none for /proc itself.
    folder: Option<(Option<i64>, String)>,
    whole: usize,
}

impl Links {
    /// Whether links with their whole path were there: no other listing has them.
    pub fn is_telling(&self) -> bool {
        self.whole > 0
    }

    /// Reads a line.
    pub fn line<'a>(&mut self, line: &'a str) -> Option<Line<'a>> {
        if let Some(folder) = heading(line) {
            self.folder = folder;
            return self.folder.is_some().then_some(Line::Heading);
        }
        let (user, name) = row(line)?;
        let (name, target) = match name.split_once(" -> ") {
            Some((name, target)) => (name, Some(target)),
            None => (name, None),
        };
        if let Some((number, what)) = below_proc(name) {
            let is_known = matches!(what, "exe" | "cwd" | "root")
                || ["fd/", "ns/", "map_files/"]
                    .iter()
                    .any(|start| what.starts_with(start));
            self.whole += usize::from(is_known);
            return is_known.then_some(Line::Link(Link {
                pid: number,
                user,
                what: Cow::Borrowed(what),
                target,
            }));
        }
        let (number, folder) = self.folder.as_ref()?;
        let is_link = line.trim_start().starts_with('l') || line.contains(" lr");
        match number {
            Some(number) if is_link => {
                let what = match folder.as_str() {
                    "" => Cow::Borrowed(name),
                    folder => Cow::Owned(format!("{folder}/{name}")),
                };
                Some(Line::Link(Link {
                    pid: *number,
                    user,
                    what,
                    target,
                }))
            }
            None if line.starts_with("dr-x") => Some(Line::Link(Link {
                pid: pid(name)?,
                user,
                what: Cow::Borrowed(""),
                target: None,
            })),
            _ => None,
        }
    }
}

/// The folder that a heading, or a command line with one folder, names; `Some(None)` for one outside of /proc.
#[allow(
    clippy::type_complexity,
    reason = "process, folder in it; neither; or no heading"
)]
fn heading(line: &str) -> Option<Option<(Option<i64>, String)>> {
    let line = line.trim();
    let path = match line.strip_suffix(':') {
        Some(path) if path.starts_with('/') => path,
        _ => {
            let command = super::super::shown::command_of_prompt(line)?;
            let mut words = command.split_whitespace();
            words.find(|word| matches!(*word, "ls" | "ll" | "/bin/ls"))?;
            words.rfind(|word| word.starts_with('/'))?
        }
    };
    if path.contains('*') {
        return None;
    }
    let path = path.trim_end_matches('/');
    if path == "/proc" {
        return Some(Some((None, String::new())));
    }
    let Some(rest) = path.strip_prefix("/proc/") else {
        return Some(None);
    };
    let (number, folder) = rest.split_once('/').unwrap_or((rest, ""));
    Some(pid(number).map(|number| (Some(number), folder.to_owned())))
}

/// Process and place in it of `/proc/12/exe`, also of a thread (`/proc/12/task/13/exe`).
fn below_proc(name: &str) -> Option<(i64, &str)> {
    let rest = name
        .trim_start_matches(['\'', '"'])
        .strip_prefix("/proc/")?;
    let (number, what) = rest.split_once('/')?;
    Some((pid(number)?, what.trim_end_matches(['\'', '"'])))
}

/// Owner and name of a row of `ls -l` or `find -ls`: the name is what follows the time.
fn row(line: &str) -> Option<(Option<&str>, &str)> {
    let mut rest = line.trim_start();
    let mut user = None;
    let mut has_mode = false;
    // Inode and blocks may stand before the mode; links, owner, group, size and two or three words of time follow.
    for index in 0..14 {
        let end = rest.find(' ')?;
        let (word, behind) = rest.split_at_checked(end)?;
        let behind = behind.trim_start();
        if !has_mode {
            has_mode = is_mode(word);
            if !has_mode && (index > 1 || !word.bytes().all(|byte| byte.is_ascii_digit())) {
                return None;
            }
            if has_mode {
                let mut words = behind.split_whitespace();
                let links = words.next()?;
                links.parse::<u64>().ok()?;
                user = words.next();
            }
        } else if is_clock(word) {
            // An ISO time may be followed by its zone.
            let zone = behind.split(' ').next().unwrap_or_default();
            let is_zone = zone.len() == 5 && zone.starts_with(['+', '-']);
            return Some((user, if is_zone { behind.get(6..)? } else { behind }));
        } else if is_year(word)
            && !behind.is_empty()
            && behind.starts_with(['/', 'e', 'c', 'r'])
            && index > 6
        {
            return Some((user, behind));
        }
        rest = behind;
    }
    None
}

fn is_mode(word: &str) -> bool {
    (10..=11).contains(&word.len())
        && word.starts_with(['l', 'd', '-'])
        && word
            .bytes()
            .skip(1)
            .all(|byte| b"rwxstST-.+".contains(&byte))
}

/// `15:10`, `15:10:01`, `15:10:01.123456789`.
fn is_clock(word: &str) -> bool {
    word.len() >= 5
        && word.as_bytes().get(2) == Some(&b':')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.')
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && word
            .parse::<u16>()
            .is_ok_and(|year| (1970..2200).contains(&year))
}

/// What `ls`, `find`, `cat` and `readlink` say where a process is gone or closed to them.
pub fn is_error(line: &str) -> bool {
    [
        "ls: ",
        "find: ",
        "cat: ",
        "readlink: ",
        "/bin/ls: ",
        "head: ",
        "grep: ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

/// A name without the quotes that newer `ls` puts around some.
fn unquoted(name: &str) -> &str {
    let name = name.trim_end();
    let bare = name
        .strip_prefix('\'')
        .and_then(|name| name.strip_suffix('\''));
    bare.unwrap_or(name)
}

impl Link<'_> {
    /// The row, where the link says something of its process.
    pub fn process(&self) -> Option<Process<'_>> {
        let mut process = Process {
            pid: Some(self.pid),
            user: self.user.map(Cow::Borrowed),
            ..Process::default()
        };
        let target = self
            .target
            .map(unquoted)
            .filter(|target| !target.is_empty());
        let (file, is_gone) = match target.and_then(|target| target.strip_suffix(" (deleted)")) {
            Some(file) => (Some(file), true),
            None => (target, false),
        };
        match &*self.what {
            "exe" => {
                process.exe = file.map(Cow::Borrowed);
                process.deleted = is_gone;
            }
            "" => process.more.push(("source", Cow::Borrowed("proc"))),
            "cwd" => process.more.push(("cwd", Cow::Borrowed(target?))),
            "root" => {
                let root = target.filter(|root| *root != "/")?;
                process.more.push(("root", Cow::Borrowed(root)));
            }
            "ns/net" => {
                let number = target?.strip_prefix("net:[")?.strip_suffix(']')?;
                process.netns = Some(number.parse().ok()?);
            }
            what => {
                let number = what.strip_prefix("fd/")?;
                let file = file.filter(|file| file.starts_with('/'))?;
                let fd = Cow::Owned(number.to_owned());
                process.open_file = Some(OpenFile::telling(file, fd, is_gone)?);
            }
        }
        Some(process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> Vec<String> {
        let mut links = Links::default();
        text.lines()
            .map(|line| match links.line(line) {
                None => "-".to_owned(),
                Some(Line::Heading) => "heading".to_owned(),
                Some(Line::Link(link)) => format!(
                    "{} {} {} {}",
                    link.pid,
                    link.user.unwrap_or("-"),
                    link.what,
                    link.target.unwrap_or("-")
                ),
            })
            .collect()
    }

    #[test]
    fn links_with_and_without_their_folder() {
        let check = |text: &str, expected: &[&str]| assert_eq!(show(text), expected, "{text}");
        check(
            "lrwxrwxrwx 1 root root 0 Mar 18 15:10 /proc/7/exe -> /bin/mac (deleted)",
            &["7 root exe /bin/mac (deleted)"],
        );
        check(
            "lrwxrwxrwx. 1 bob domain users 0 2023-03-18 15:10:01.000000000 +0800 /proc/7/exe -> /a b",
            &["7 bob exe /a b"],
        );
        check(
            "lrwxrwxrwx 1 root root 0 Mar 18 15:10 /proc/2/exe",
            &["2 root exe -"],
        );
        check(
            "   123    0 lrwxrwxrwx   1 root     root            0 Mar 18 15:10 /proc/7/exe -> /x",
            &["7 root exe /x"],
        );
        check(
            "/proc/12/fd:\ntotal 0\nlr-x------ 1 root root 64 Mar 18 15:10 3 -> /tmp/x\n/tmp:\nlrwxrwxrwx 1 r r 1 Mar 18 15:10 a -> b",
            &["heading", "-", "12 root fd/3 /tmp/x", "-", "-"],
        );
        check(
            "[root@h ~]# ls -l /proc/9\nlrwxrwxrwx 1 root root 0 Mar 18 15:10 exe -> /x",
            &["heading", "9 root exe /x"],
        );
        check(
            "/proc:\ndr-xr-xr-x 9 bob bob 0 Mar 18 15:10 44",
            &["heading", "44 bob  -"],
        );
        check("-rw-r--r-- 1 root root 7 Mar 18 15:10 /etc/passwd", &["-"]);
    }
}
