//! One line of a history: which shell's shape it has, and what it says.

use std::borrow::Cow;

use chrono::NaiveDate;
use coldcase_model::{Precision, When};

use crate::Clock;
use crate::syslog::Times;
use crate::years::stamp;

/// A line of a history by its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// `#1681157770` of bash, before its command.
    Stamp(i64),
    /// `: 1681157770:3;make` of zsh with EXTENDED_HISTORY.
    Zsh {
        start: i64,
        elapsed: i64,
        command: &'a str,
    },
    /// `- cmd: make` of fish.
    Fish(&'a str),
    /// `  when: 1681157770` of fish.
    FishWhen(i64),
    /// `  paths:` of fish and what stands below.
    FishPaths,
    /// Anything else.
    Other,
}

/// The shape of a line, whatever the file's shell.
pub(super) fn piece(line: &str) -> Piece<'_> {
    if let Some(seconds) = line
        .strip_prefix('#')
        .and_then(|digits| epoch(digits.trim_end()))
    {
        return Piece::Stamp(seconds);
    }
    if let Some(command) = line.strip_prefix("- cmd: ") {
        return Piece::Fish(command);
    }
    if let Some(seconds) = line
        .strip_prefix("  when: ")
        .and_then(|digits| epoch(digits.trim_end()))
    {
        return Piece::FishWhen(seconds);
    }
    if line.trim_end() == "  paths:" || line.starts_with("    - ") {
        return Piece::FishPaths;
    }
    zsh(line).unwrap_or(Piece::Other)
}

fn zsh(line: &str) -> Option<Piece<'_>> {
    let (start, rest) = line.strip_prefix(':')?.trim_start().split_once(':')?;
    let (elapsed, command) = rest.split_once(';')?;
    Some(Piece::Zsh {
        start: epoch(start)?,
        elapsed: elapsed.parse().ok().filter(|seconds| *seconds >= 0)?,
        command,
    })
}

/// Seconds since 1970 of nine or ten digits: from 1973 on.
fn epoch(digits: &str) -> Option<i64> {
    let fits = matches!(digits.len(), 9 | 10) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| fits)
}

/// Undoes zsh's metafication: 0x83 escapes a byte, which follows with its bit 5 turned.
pub(super) fn unmetafied(line: &[u8]) -> Cow<'_, str> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.iter();
    while let Some(byte) = rest.next() {
        match byte {
            0x83 => bytes.extend(rest.next().map(|byte| byte ^ 0x20)),
            other => bytes.push(*other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Undoes fish's `\n` and `\\`.
pub(super) fn unescaped_fish(command: &str) -> Cow<'_, str> {
    if !command.contains('\\') {
        return Cow::Borrowed(command);
    }
    let mut text = String::with_capacity(command.len());
    let mut rest = command.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('\\') | None => text.push('\\'),
                Some(other) => text.extend(['\\', other]),
            },
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// Undoes libedit's `\040`.
pub(super) fn unescaped_vis(command: &str) -> Cow<'_, str> {
    if !command.contains("\\0") && !command.contains("\\1") {
        return Cow::Borrowed(command);
    }
    let mut bytes = Vec::with_capacity(command.len());
    let mut rest = command.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            None => bytes.push(*first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// `   65  ls`, `  65* ls`: the number and what follows it.
pub(super) fn numbered(line: &str) -> Option<(i64, &str)> {
    let line = line.trim_start_matches([' ', '\t']);
    let end = line.find(|c: char| !c.is_ascii_digit())?;
    let number = line.get(..end)?.parse().ok().filter(|_| end <= 9)?;
    let rest = line.get(end..)?;
    let rest = rest.strip_prefix('*').unwrap_or(rest);
    let command = rest.trim_start_matches([' ', '\t']);
    (command.len() < rest.len() && !command.is_empty()).then_some((number, command))
}

/// What a stamp in front of a command gives.
pub(super) struct Stamped<'a> {
    pub when: Option<When>,
    /// The command after it.
    pub command: &'a str,
    /// Whether day and month could not be told apart.
    pub ambiguous: bool,
}

/// A stamp of HISTTIMEFORMAT or of zsh's `history -i`, `-E`, `-f`; nothing where the line has none.
pub(super) fn stamped<'a>(
    line: &'a str,
    times: &mut Times<'_>,
    clock: &Clock,
) -> Option<Stamped<'a>> {
    let line = line.trim_start_matches(['[', '(', '<', '"', ' ']);
    if let Some((stamp, end)) = stamp::read(line.as_bytes()) {
        return Some(Stamped {
            when: times.when(&stamp).ok(),
            command: after_stamp(line.get(end..)?),
            ambiguous: false,
        });
    }
    let (date, rest) = line.split_once([' ', 'T'])?;
    let (year, month, day, ambiguous) = date_of(date)?;
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == ':'))
        .unwrap_or(rest.len());
    let (seconds, precision) = time_of(rest.get(..end)?)?;
    let local = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
    )?;
    Some(Stamped {
        when: clock.local(local, precision).filter(|_| !ambiguous),
        command: after_stamp(rest.get(end..)?),
        ambiguous,
    })
}

/// Past what closes a stamp.
fn after_stamp(rest: &str) -> &str {
    rest.trim_start_matches([']', ')', '>', '"', ' ', '\t', '|'])
}

/// `2023-04-10`, `10.04.2023`, `10/04/23`: year, month, day, and whether the order of the last two is open.
fn date_of(text: &str) -> Option<(i32, u32, u32, bool)> {
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let mut parts = text.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 4);
    if parts.next().is_some() {
        return None;
    }
    let (a, b, c) = (number(first)?, number(second)?, number(third)?);
    if first.len() == 4 {
        return Some((i32::try_from(a).ok()?, b, c, false));
    }
    let year = if third.len() == 4 { c } else { 2000 + c };
    let year = i32::try_from(year).ok()?;
    match (separator, a > 12, b > 12) {
        ('.', ..) | (_, true, false) => Some((year, b, a, false)),
        (_, false, true) => Some((year, a, b, false)),
        _ if a == b => Some((year, a, b, false)),
        _ => Some((year, b, a, true)),
    }
}

fn time_of(text: &str) -> Option<(u32, Precision)> {
    let mut parts = text
        .split(':')
        .map(|part| part.parse::<u32>().ok().filter(|_| part.len() <= 2));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next();
    let precision = if second.is_some() {
        Precision::S
    } else {
        Precision::Min
    };
    let second = second.unwrap_or(Some(0))?;
    (hour < 24 && minute < 60 && second < 60)
        .then_some((hour * 3600 + minute * 60 + second, precision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let check = |line: &str, expected: Piece<'_>| assert_eq!(piece(line), expected, "{line}");
        check("#1681157770", Piece::Stamp(1_681_157_770));
        check("#123", Piece::Other);
        check("# 1681157770 x", Piece::Other);
        let zsh = |elapsed, command| Piece::Zsh {
            start: 1_681_157_770,
            elapsed,
            command,
        };
        check(": 1681157770:0;ls -la", zsh(0, "ls -la"));
        check(":1681157770:12;a;b", zsh(12, "a;b"));
        check(": > /var/log/x", Piece::Other);
        check("- cmd: ls", Piece::Fish("ls"));
        check("  when: 1681157770", Piece::FishWhen(1_681_157_770));
    }

    #[test]
    fn escapes() {
        assert_eq!(unmetafied(b"echo \xe4\xbd\x83\x80"), "echo \u{4f60}");
        assert_eq!(unescaped_fish("a\\nb\\\\c"), "a\nb\\c");
        assert_eq!(unescaped_vis("show\\040tables;"), "show tables;");
    }

    #[test]
    fn stamps_before_commands() {
        let clock = Clock::UNKNOWN;
        let check = |line: &str, expected: Option<(Option<&str>, &str)>| {
            let mut times = Times::new(&clock);
            let got = stamped(line, &mut times, &clock);
            let got = got.map(|got| {
                (
                    got.when.map(|when| when.ts.to_string()),
                    got.command.to_owned(),
                )
            });
            assert_eq!(
                got,
                expected.map(|(when, command)| (when.map(str::to_owned), command.to_owned())),
                "{line}"
            );
        };
        check(
            "2023-04-10 20:16:10 ls",
            Some((Some("2023-04-10T20:16:10Z"), "ls")),
        );
        check(
            "[2023-04-10T20:16:10+0800] ls -l",
            Some((Some("2023-04-10T12:16:10Z"), "ls -l")),
        );
        check(
            "2023-04-10 20:16  ls",
            Some((Some("2023-04-10T20:16:00Z"), "ls")),
        );
        check(
            "10.4.2023 20:16  ls",
            Some((Some("2023-04-10T20:16:00Z"), "ls")),
        );
        check(
            "13/04/23 20:16:10 ls",
            Some((Some("2023-04-13T20:16:10Z"), "ls")),
        );
        check("10/04/23 20:16:10 ls", Some((None, "ls")));
        check("Apr 10 20:16:10 ls", Some((None, "ls")));
        check("Mon 10 Apr 2023 20:16:10 ls", None);
        check("ls -la", None);
        check("7z x a.7z", None);
    }
}
