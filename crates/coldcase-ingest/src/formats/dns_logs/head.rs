//! Heads of lines that servers write themselves: stamps of their own, no host, or no stamp at all.

use crate::syslog::{Header, read_header};
use crate::years::stamp::{self, Stamp, date_of};

/// One server's names and its own heads.
pub(super) struct Server {
    /// As syslog's tag has it; the first is the one whose wordings untagged lines have.
    pub names: &'static [&'static str],
    /// A head of this server's own log files.
    pub own: fn(&str) -> Option<Header<'_>>,
}

impl Server {
    /// The head of a line; `None` where neither a stamp nor the server's name stands in it.
    pub fn head<'a>(&self, line: &'a str) -> Option<Header<'a>> {
        let line = line.trim_start_matches('\u{feff}').trim_end();
        (self.own)(line)
            .or_else(|| read_header(line))
            .or_else(|| self.stampless(line))
    }

    /// Whether a head names this server.
    pub fn is_own(&self, header: &Header<'_>) -> bool {
        header
            .program
            .is_some_and(|program| self.names.contains(&program))
    }

    /// `named[1806]: ...`, `dnsmasq: ...`, either behind a host.
    fn stampless<'a>(&self, line: &'a str) -> Option<Header<'a>> {
        let (first, after) = line.split_once(' ')?;
        tagged(self.names, None, line).or_else(|| {
            let host = first
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
            tagged(self.names, Some(first), after).filter(|_| host)
        })
    }
}

/// `NAME[PID]: ` or `NAME: `.
fn tagged<'a>(names: &[&'static str], host: Option<&'a str>, text: &'a str) -> Option<Header<'a>> {
    let end = text.find(['[', ':'])?;
    let program = text.get(..end)?;
    if !names.contains(&program) {
        return None;
    }
    let rest = text.get(end..)?;
    let (pid, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    Some(Header {
        stamp: None,
        host,
        program: Some(program),
        module: None,
        pid: pid.parse().ok(),
        tagged: text,
        message: rest.strip_prefix(": ")?.trim_start(),
    })
}

/// The head of a line without tag: this program's message from here on.
pub(super) fn bare<'a>(
    stamp: Option<Stamp>,
    program: &'static str,
    message: &'a str,
) -> Header<'a> {
    Header {
        stamp,
        host: None,
        program: Some(program),
        module: None,
        pid: None,
        tagged: message,
        message,
    }
}

/// The stamp at a line's head and what follows it: those of syslog, and BIND's `11-Aug-2013 03:36:11.372`.
pub(super) fn stamped(line: &str) -> Option<(Stamp, &str)> {
    let (stamp, end) = stamp::read(line.as_bytes()).or_else(|| day_first(line))?;
    let rest = line.get(end..)?.strip_prefix(' ')?;
    Some((stamp, rest.trim_start()))
}

/// `11-Aug-2013 03:36:11.372`, read by writing it as `2013 Aug 11 03:36:11.372`.
fn day_first(line: &str) -> Option<(Stamp, usize)> {
    let (date, rest) = line.split_once(' ')?;
    let mut parts = date.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || !(1..=2).contains(&day.len()) {
        return None;
    }
    let time = rest.split(' ').next()?;
    if time.len() > 20 || month.len() != 3 {
        return None;
    }
    let (stamp, _) = stamp::read(format!("{year} {month} {day} {time}").as_bytes())?;
    Some((stamp, date.len() + 1 + time.len()))
}

/// `[1618000000] ` and `[1618000000.123] `: seconds since 1970.
pub(super) fn epoch(line: &str) -> Option<(Stamp, &str)> {
    let (inside, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (whole, fraction) = inside.split_once('.').unwrap_or((inside, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(9..=11).contains(&whole.len()) || fraction.len() > 9 {
        return None;
    }
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let (year, month, day) = date_of(seconds.div_euclid(stamp::DAY))?;
    let digits = u8::try_from(fraction.len()).ok()?;
    let nanos: u32 = match fraction {
        "" => 0,
        _ => format!("{fraction:0<9}").parse().ok()?,
    };
    let stamp = Stamp {
        year: Some(year),
        month,
        day,
        second: u32::try_from(seconds.rem_euclid(stamp::DAY)).ok()?,
        nanos,
        digits,
        offset: Some(0),
        weekday: None,
    };
    Some((stamp, rest))
}
