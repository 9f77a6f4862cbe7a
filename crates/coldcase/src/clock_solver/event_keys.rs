//! What tells one event from others, so that two artifacts' records of it are known to be of the same.
//!
//! A strong key holds what is rarely used twice within a day (process and address, both ends of a connection); its
//! records may lie minutes apart. A weak one (account and address) recurs, and its records must lie close together.

use super::votes::Key;

/// Between a connection and the end of its login: sshd's `LoginGraceTime` is 120 s.
const LOGIN_TAKES: i64 = 120;
/// Between records of one login, command or start by different daemons: both are written within seconds, on a busy
/// host within ten.
const WRITTEN_WITHIN: i64 = 10;
/// Clocks of a resolver and of who captures may differ: less than half of a quarter of an hour, so that one fits.
const ACROSS_HOSTS: i64 = 300;
/// Between the kernel's start, as its init tells it, and its first line in a log.
const BOOT_TAKES: i64 = 120;
/// Characters of a command that count: audit and sudo cut long ones at different lengths.
const COMMAND_CHARACTERS: usize = 60;
/// Characters of a container's id that tables show.
const SHORT_ID: usize = 12;

/// Kinds of shared events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Logins that sshd, utmp or audit decided or recorded.
    Login,
    /// Sessions that PAM opened.
    Session,
    /// Commands by sudo.
    Command,
    /// Runs of cron.
    CronRun,
    /// Starts and exits of containers.
    Container,
    /// Questions to a resolver.
    Query,
    /// Boots.
    Boot,
    /// The last line of a log and its file's mtime.
    LastWrite,
}

impl Kind {
    /// Several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Login => "logins",
            Self::Session => "sessions",
            Self::Command => "sudo commands",
            Self::CronRun => "cron runs",
            Self::Container => "starts and exits of containers",
            Self::Query => "DNS questions",
            Self::Boot => "boots",
            Self::LastWrite => "last writes of logs",
        }
    }
}

/// FNV-1a over the parts, which no part can run into.
fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn key(tolerance: i64, parts: &[&str], scope: &[&str]) -> Key {
    Key {
        hash: hash(parts),
        tolerance,
        scope: hash(scope),
    }
}

/// A login on a host: by process and address, else by account, address and outcome.
pub(crate) fn login(
    host: &str,
    process: Option<i64>,
    address: Option<&str>,
    account: Option<&str>,
    outcome: Option<&str>,
) -> [Option<Key>; 2] {
    let Some(address) = address else {
        return [None; 2];
    };
    let process = process.map(|pid| pid.to_string());
    let outcome = outcome.unwrap_or_default();
    let scope = [
        "account",
        host,
        account.unwrap_or_default(),
        address,
        outcome,
    ];
    let strong = process.map(|pid| key(LOGIN_TAKES, &["login", host, &pid, address], &scope));
    let weak = account.map(|_| key(WRITTEN_WITHIN, &scope, &scope));
    [strong, weak]
}

/// A connection by its client's end, on whichever host it was seen.
pub(crate) fn connection(address: Option<&str>, port: Option<i32>) -> Option<Key> {
    let (address, port) = (address?, port?.to_string());
    let scope = ["connections", address];
    Some(key(LOGIN_TAKES, &["connection", address, &port], &scope))
}

/// A session that PAM opened in a process for an account.
pub(crate) fn session(host: &str, process: Option<i64>, account: Option<&str>) -> Option<Key> {
    let process = process?.to_string();
    let parts = ["session", host, &process, account?];
    Some(key(LOGIN_TAKES, &parts, &["sessions", host]))
}

/// A command that sudo ran.
pub(crate) fn command(host: &str, command: Option<&str>) -> Option<Key> {
    let command: String = command?.chars().take(COMMAND_CHARACTERS).collect();
    let parts = ["command", host, &command];
    Some(key(WRITTEN_WITHIN, &parts, &["commands", host]))
}

/// A command that cron ran in a process.
pub(crate) fn cron_run(host: &str, process: Option<i64>, command: Option<&str>) -> Option<Key> {
    let process = process?.to_string();
    let parts = ["cron", host, &process, command?];
    Some(key(WRITTEN_WITHIN, &parts, &["crons", host]))
}

/// Start or exit of a container, by its id.
pub(crate) fn container(host: &str, id: Option<&str>) -> Option<Key> {
    let parts = ["container", host, id?.get(..SHORT_ID)?];
    Some(key(WRITTEN_WITHIN, &parts, &parts))
}

/// A question, by its number, name and asker, on whichever host it was seen.
pub(crate) fn query(id: Option<i64>, domain: Option<&str>, asker: Option<&str>) -> Option<Key> {
    let (id, asker) = (id?.to_string(), asker?);
    let parts = ["query", &id, domain?, asker];
    Some(key(ACROSS_HOSTS, &parts, &["queries", asker]))
}

/// A boot of a host.
pub(crate) fn boot(host: &str) -> Key {
    let parts = ["boot", host];
    key(BOOT_TAKES, &parts, &parts)
}

/// The last write of a log, by its file's name.
pub(crate) fn last_write(host: &str, name: &str) -> Key {
    let parts = ["write", host, name];
    key(WRITTEN_WITHIN, &parts, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_eq!(container("h", Some("short")), None);
        assert_eq!(connection(None, Some(22)), None);
    }
}
