//! Record types: their numbers and names (linux/audit.h, libaudit.h), and which stand alone.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::tables::parse_table;
use super::values::show;

/// A record type by number; 0 where neither the name nor the number is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(pub u16);

#[allow(missing_docs, reason = "each constant's name is its meaning")]
impl Kind {
    pub const UNKNOWN: Self = Self(0);
    pub const LOGIN: Self = Self(1006);
    pub const USER_AUTH: Self = Self(1100);
    pub const USER_LOGIN: Self = Self(1112);
    pub const SYSCALL: Self = Self(1300);
    pub const PATH: Self = Self(1302);
    pub const CONFIG_CHANGE: Self = Self(1305);
    pub const SOCKADDR: Self = Self(1306);
    pub const CWD: Self = Self(1307);
    pub const EXECVE: Self = Self(1309);
    pub const EOE: Self = Self(1320);
    pub const SECCOMP: Self = Self(1326);
    pub const PROCTITLE: Self = Self(1327);
    pub const FEATURE_CHANGE: Self = Self(1328);
    pub const URINGOP: Self = Self(1336);
    pub const AVC: Self = Self(1400);

    /// The type of this name: `SYSCALL`, `UNKNOWN[1323]`, or a bare number as the kernel prints it.
    pub fn of_name(name: &[u8]) -> Self {
        match name {
            b"SYSCALL" => return Self::SYSCALL,
            b"PATH" => return Self::PATH,
            b"PROCTITLE" => return Self::PROCTITLE,
            b"CWD" => return Self::CWD,
            b"EXECVE" => return Self::EXECVE,
            b"SOCKADDR" => return Self::SOCKADDR,
            b"EOE" => return Self::EOE,
            _ => {}
        }
        let digits = name
            .strip_prefix(b"UNKNOWN[")
            .and_then(|rest| rest.strip_suffix(b"]"))
            .unwrap_or(name);
        if let Some(number) = super::values::number(digits) {
            return u16::try_from(number).map_or(Self::UNKNOWN, Self);
        }
        let at = BY_NAME.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
        let found = at.ok().and_then(|at| BY_NAME.get(at));
        found.map_or(Self::UNKNOWN, |(_, number)| Self(*number))
    }

    /// The name to show: the table's, or what the log wrote.
    pub fn show(self, written: &[u8]) -> Cow<'_, str> {
        match self.name() {
            Some(name) => Cow::Borrowed(name),
            None if self != Self::UNKNOWN => Cow::Owned(format!("UNKNOWN[{}]", self.0)),
            None => show(written),
        }
    }

    /// The table's name.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::SYSCALL => return Some("SYSCALL"),
            Self::USER_LOGIN => return Some("USER_LOGIN"),
            Self::UNKNOWN => return None,
            _ => {}
        }
        let at = BY_NUMBER.binary_search_by_key(&self.0, |(number, _)| *number);
        at.ok()
            .and_then(|at| BY_NUMBER.get(at))
            .map(|(_, name)| *name)
    }

    /// A message of a program or of the audit daemon: one record is the event. (A kernel that audits the
    /// sending as well writes a SYSCALL of the same serial, which is an event of its own.)
    pub fn is_single(self) -> bool {
        matches!(self.0, 1005 | 1100..=1299 | 2000..=2999)
    }

    /// A login-relevant message of a program, with an inner `op=... acct=...` payload.
    pub fn is_user_message(self) -> bool {
        matches!(self.0, 1005 | 1100..=1199 | 2100..=2999)
    }

    /// The audit system itself was started, stopped or changed.
    pub fn is_config(self) -> bool {
        matches!(self, Self::CONFIG_CHANGE | Self::FEATURE_CHANGE) || matches!(self.0, 1200..=1299)
    }

    /// A part of a system call's event, never its beginning: what the kernel writes after SYSCALL.
    pub fn is_auxiliary(self) -> bool {
        matches!(self.0, 1302..=1304 | 1306..=1318 | 1320..=1323 | 1327 | 1337)
    }
}

static BY_NUMBER: LazyLock<Vec<(u16, &'static str)>> =
    LazyLock::new(|| parse_table(include_str!("tables/types.txt")));

static BY_NAME: LazyLock<Vec<(&'static str, u16)>> = LazyLock::new(|| {
    let mut names: Vec<_> = BY_NUMBER
        .iter()
        .map(|(number, name)| (*name, *number))
        .collect();
    names.sort_unstable();
    names
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let check = |name: &str, number: u16, shown: &str| {
            let kind = Kind::of_name(name.as_bytes());
            assert_eq!(kind.0, number, "{name}");
            assert_eq!(kind.show(name.as_bytes()), shown);
        };
        check("SYSCALL", 1300, "SYSCALL");
        check("USER_LOGIN", 1112, "USER_LOGIN");
        check("1400", 1400, "AVC");
        check("UNKNOWN[1420]", 1420, "UNKNOWN[1420]");
        check("UNKNOWN[1323]", 1323, "MMAP");
        check("NOT_A_TYPE", 0, "NOT_A_TYPE");
        check("99999999", 0, "99999999");
    }
}
