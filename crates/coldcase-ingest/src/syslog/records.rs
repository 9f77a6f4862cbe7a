//! What reading one log carries from record to record, whatever the log's shape: whose host it is, PAM errors that
//! sshd's own line may still follow, and how many rows a record that stands for several gives.

use std::borrow::Cow;

use coldcase_model::{Sink, action, outcome};

use super::header::Header;
use super::programs;
use super::row::Row;
use crate::scan;

/// Most rows that one `message repeated` record gives; real ones stay in the tens.
const MOST_REPEATS: u32 = 10_000;

/// Processes whose PAM error is remembered until sshd's own line follows.
const HELD_ERRORS: usize = 32;

/// What is carried from record to record.
#[derive(Default)]
pub struct Records {
    first_host: Option<Box<str>>,
    /// Processes with a PAM error whose `Failed` line may still follow.
    pam_errors: Vec<i64>,
}

impl Records {
    /// The row of a record, without time, place and message.
    pub fn row<'t>(&mut self, header: &Header<'t>) -> Row<'t> {
        let mut row = Row::new();
        programs::read(header, &mut row);
        self.settle(header, &mut row);
        row.event.host = self.other_host(header.host);
        row
    }

    /// sshd's own `Failed` line after a PAM error of the same process is no second decision.
    fn settle(&mut self, header: &Header<'_>, row: &mut Row<'_>) {
        let Some(pid) = header.pid.filter(|_| row.pam_error || row.interactive) else {
            return;
        };
        if row.pam_error {
            if self.pam_errors.len() >= HELD_ERRORS {
                self.pam_errors.remove(0);
            }
            self.pam_errors.push(pid);
        } else if let Some(at) = self.pam_errors.iter().position(|held| *held == pid) {
            self.pam_errors.remove(at);
            if row.event.outcome == Some(outcome::FAILURE) {
                row.set(action::LOG, None);
                row.text("program", header.program.unwrap_or_default());
            }
        }
    }

    /// The host, where it is not that of the log's first record.
    fn other_host<'t>(&mut self, host: Option<&'t str>) -> Option<Cow<'t, str>> {
        let host = host.filter(|host| *host != "localhost")?;
        match &self.first_host {
            None => {
                self.first_host = Some(host.into());
                None
            }
            Some(first) => (!same_host(first, host)).then_some(Cow::Borrowed(host)),
        }
    }
}

/// What [`emit`] did.
pub struct Emitted {
    /// Whether the record was an `ssh-login`: what a following `last message repeated` repeats.
    pub login: bool,
    /// Why fewer rows were given than the record stands for.
    pub warning: Option<&'static str>,
}

/// Hands a row on, as often as a login stands for others.
pub fn emit(row: &mut Row<'_>, times: u32, sink: &mut dyn Sink) -> Emitted {
    let times = times.saturating_mul(row.times);
    if times > 1 {
        row.attributes.number("repeat", times);
    }
    row.event.attributes = row.attributes();
    let login = row.event.action == action::SSH_LOGIN;
    let rows = if login { times.min(MOST_REPEATS) } else { 1 };
    for _ in 0..rows {
        sink.event(&row.event);
    }
    Emitted {
        login,
        warning: (login && times > MOST_REPEATS)
            .then_some("a line that stands for more than 10000 others was counted as 10000"),
    }
}

/// Whether two names are of one host: alike, or one with and one without its domain.
fn same_host(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let label = |name: &str| name.split('.').next().map(str::len);
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    label(short) == Some(short.len())
        && long.starts_with(short)
        && label(long) == Some(short.len())
        && !short.bytes().all(|byte| byte.is_ascii_digit())
}

/// `last message repeated 3 times`, `--- last message repeated 5 times ---`.
pub fn repeated_last(header: &Header<'_>) -> Option<u32> {
    let message = header.message;
    if !message.starts_with(['l', '-']) {
        return None;
    }
    let message = message.trim_start_matches(['-', ' ']);
    count_of(message.strip_prefix("last message repeated ")?).map(|(count, _)| count)
}

/// Takes the message out of `message repeated 3 times: [ ...]`.
pub fn unfold(header: Header<'_>) -> (Header<'_>, u32) {
    let inside = || {
        let (count, rest) = count_of(header.message.strip_prefix("message repeated ")?)?;
        let message = rest.strip_prefix(": [")?.strip_suffix(']')?;
        Some((count, message.trim_start()))
    };
    match inside() {
        Some((count, message)) => (Header { message, ..header }, count),
        None => (header, 1),
    }
}

/// `3 times` and what follows; none is no repetition.
fn count_of(text: &str) -> Option<(u32, &str)> {
    let (count, rest) = scan::split_byte(text, b' ')?;
    let count = count.parse().ok().filter(|count| *count > 0)?;
    Some((count, rest.strip_prefix("times")?))
}
