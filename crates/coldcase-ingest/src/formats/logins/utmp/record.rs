//! One record of utmp, wtmp or btmp, wherever it was read from.

use std::borrow::Cow;

use coldcase_model::{Place, When};

/// Values of `ut_type`, from `<utmpx.h>`.
pub mod kind {
    #![allow(missing_docs, reason = "names of utmpx.h")]
    pub const EMPTY: i64 = 0;
    pub const RUN_LVL: i64 = 1;
    pub const BOOT_TIME: i64 = 2;
    pub const NEW_TIME: i64 = 3;
    pub const OLD_TIME: i64 = 4;
    pub const INIT_PROCESS: i64 = 5;
    pub const LOGIN_PROCESS: i64 = 6;
    pub const USER_PROCESS: i64 = 7;
    pub const DEAD_PROCESS: i64 = 8;
    pub const ACCOUNTING: i64 = 9;
}

/// A record.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Where it stands.
    pub place: Place,
    /// `ut_type`.
    pub kind: i64,
    /// Process; of a run level its letter and the one before.
    pub pid: i64,
    /// Terminal.
    pub line: Cow<'a, str>,
    /// Terminal's short name.
    pub id: Cow<'a, str>,
    /// Account.
    pub user: Cow<'a, str>,
    /// Remote host; of a boot the kernel's release.
    pub host: Cow<'a, str>,
    /// Exit status of a dead process.
    pub exit: i64,
    /// Kernel's session; 0 where unknown.
    pub session: i64,
    /// When; `None` where the time is zero or absurd.
    pub when: Option<When>,
    /// Remote address in network order; zeros where unknown.
    pub address: [u8; 16],
}

impl Record<'_> {
    /// Letters of a run level and of the one before.
    pub fn run_levels(&self) -> (Option<char>, Option<char>) {
        let letter = |value: i64| {
            let letter = char::from(u8::try_from(value & 0xff).unwrap_or(0));
            letter.is_ascii_alphanumeric().then_some(letter)
        };
        (letter(self.pid), letter(self.pid >> 8))
    }

    /// Whether it tells of sessions that succeed, so that the file is no btmp.
    fn is_of_sessions(&self) -> bool {
        !matches!(
            self.kind,
            kind::EMPTY | kind::LOGIN_PROCESS | kind::USER_PROCESS | kind::ACCOUNTING
        )
    }

    /// Whether it can only be a failed attempt: sshd's `ssh:notty`, or a login prompt that has an account's name.
    pub fn is_failure(&self) -> bool {
        let of_prompt =
            self.kind == kind::LOGIN_PROCESS && !matches!(&*self.user, "" | "LOGIN" | "login");
        self.line.ends_with(":notty") || of_prompt
    }
}

/// What a file's logins are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// wtmp, utmp: logins that succeeded, and their ends.
    Sessions,
    /// btmp: attempts that failed.
    Failures,
    /// Neither content nor name says.
    Unknown,
}

/// Counts what a file's beginning shows of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs {
    sessions: u32,
    failures: u32,
    /// Logins on a pseudo terminal, which is given after the login succeeded.
    pseudo: u32,
}

impl Signs {
    /// One more record.
    pub fn see(&mut self, record: &Record<'_>) {
        if record.is_of_sessions() {
            self.sessions += 1;
        } else if record.is_failure() {
            self.failures += 1;
        } else if record.line.starts_with("pts/") {
            self.pseudo += 1;
        }
    }

    /// Content first; the name where that says nothing.
    pub fn verdict(self, name: &str) -> Tells {
        let name = name.to_ascii_lowercase();
        if self.failures > self.sessions + self.pseudo {
            Tells::Failures
        } else if self.sessions > 0 {
            Tells::Sessions
        } else if name.contains("btmp") {
            Tells::Failures
        } else if self.pseudo > 0 || name.contains("wtmp") || name.contains("utmp") {
            Tells::Sessions
        } else {
            Tells::Unknown
        }
    }
}
