//! What hosts write of logins: lines of a syslog or a journal, records of wtmp and btmp.

use super::clock::{Clock, Seconds};
use super::dice::Dice;

/// How a host writes its syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `Mar  3 10:25:07 host`, files named by the day of rotation.
    Dated,
    /// `Mar  3 10:25:07 host`, files numbered.
    Numbered,
    /// RFC 3339 stamps, one file.
    Iso,
    /// `journalctl -o json`.
    Journal,
}

/// A line of a log.
#[derive(Debug, Clone)]
pub struct Line {
    /// When, on the host's own clock.
    pub at: Seconds,
    /// Which program.
    pub program: &'static str,
    /// Its process.
    pub pid: i64,
    /// What it says.
    pub text: String,
}

/// All that one host writes of logins.
#[derive(Debug, Clone)]
pub struct Records {
    /// The host's name.
    pub host: String,
    /// What its clock is ahead.
    pub ahead: i64,
    /// Lines, in any order.
    pub lines: Vec<Line>,
    /// Records of wtmp, with times for sorting.
    pub wtmp: Vec<(Seconds, Vec<u8>)>,
    /// Records of btmp.
    pub btmp: Vec<(Seconds, Vec<u8>)>,
    next_pid: i64,
}

/// One way in.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// From where.
    pub address: &'a str,
    /// As whom.
    pub user: &'a str,
}

const KEY_LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Records {
    /// Of a host.
    pub fn new(host: &str, ahead: i64) -> Self {
        Self {
            host: host.to_owned(),
            ahead,
            lines: Vec::new(),
            wtmp: Vec::new(),
            btmp: Vec::new(),
            next_pid: 2000,
        }
    }

    /// A number for the next process.
    pub fn pid(&mut self) -> i64 {
        self.next_pid = if self.next_pid > 60_000 {
            2000
        } else {
            self.next_pid + 7
        };
        self.next_pid
    }

    /// Adds a line.
    pub fn say(&mut self, at: Seconds, program: &'static str, pid: i64, text: impl Into<String>) {
        self.lines.push(Line {
            at: at + self.ahead,
            program,
            pid,
            text: text.into(),
        });
    }

    /// A session by key; with a terminal it stands in wtmp too.
    pub fn by_key(
        &mut self,
        dice: &mut Dice,
        at: Seconds,
        lasts: i64,
        who: Caller<'_>,
        terminal: bool,
    ) -> i64 {
        let key = Dice::new(7, who.user).text(KEY_LETTERS, 43);
        self.session(
            dice,
            at,
            lasts,
            who,
            &format!("publickey|: ED25519 SHA256:{key}"),
            terminal,
        )
    }

    /// A session by password.
    pub fn by_password(&mut self, dice: &mut Dice, at: Seconds, lasts: i64, who: Caller<'_>) {
        self.session(dice, at, lasts, who, "password|", true);
    }

    fn session(
        &mut self,
        dice: &mut Dice,
        at: Seconds,
        lasts: i64,
        who: Caller<'_>,
        method: &str,
        terminal: bool,
    ) -> i64 {
        let (pid, port) = (self.pid(), dice.client_port());
        let Caller { address, user } = who;
        let (method, key) = method.split_once('|').unwrap_or((method, ""));
        self.say(
            at,
            "sshd",
            pid,
            format!("Accepted {method} for {user} from {address} port {port} ssh2{key}"),
        );
        let opened =
            format!("pam_unix(sshd:session): session opened for user {user}(uid=1001) by (uid=0)");
        self.say(at, "sshd", pid, opened);
        let left =
            format!("Received disconnect from {address} port {port}:11: disconnected by user");
        self.say(at + lasts, "sshd", pid, left);
        let gone = format!("Disconnected from user {user} {address} port {port}");
        self.say(at + lasts, "sshd", pid, gone);
        let closed = format!("pam_unix(sshd:session): session closed for user {user}");
        self.say(at + lasts, "sshd", pid, closed);
        if terminal {
            let line = format!("pts/{}", pid % 7);
            let (from, until) = (at + self.ahead, at + self.ahead + lasts);
            self.wtmp
                .push((from, utmp(7, pid, &line, user, address, from)));
            self.wtmp.push((until, utmp(8, pid, &line, "", "", until)));
        }
        pid
    }

    /// A failed password.
    pub fn refused(&mut self, dice: &mut Dice, at: Seconds, who: Caller<'_>, known: bool) {
        let (pid, port) = (self.pid(), dice.client_port());
        let Caller { address, user } = who;
        if known {
            let failure = format!(
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={address}  user={user}"
            );
            self.say(at, "sshd", pid, failure);
        } else {
            let unknown = format!("Invalid user {user} from {address} port {port}");
            self.say(at, "sshd", pid, unknown);
        }
        let invalid = if known { "" } else { "invalid user " };
        let failed = format!("Failed password for {invalid}{user} from {address} port {port} ssh2");
        self.say(at + 2, "sshd", pid, failed);
        let kind = if known { "authenticating" } else { "invalid" };
        let closed =
            format!("Connection closed by {kind} user {user} {address} port {port} [preauth]");
        self.say(at + 3, "sshd", pid, closed);
        let moment = at + 2 + self.ahead;
        self.btmp
            .push((moment, utmp(6, pid, "ssh:notty", user, address, moment)));
    }

    /// Connects and says nothing.
    pub fn knock(&mut self, dice: &mut Dice, at: Seconds, address: &str) {
        let (pid, port) = (self.pid(), dice.client_port());
        let text = format!("Connection closed by {address} port {port} [preauth]");
        self.say(at, "sshd", pid, text);
    }

    /// A command by sudo.
    pub fn sudo(&mut self, at: Seconds, user: &str, command: &str) {
        let pid = self.pid();
        let ran =
            format!("{user:>8} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}");
        self.say(at, "sudo", pid, ran);
        let opened = format!(
            "pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid=1001)"
        );
        self.say(at, "sudo", pid, opened);
        self.say(
            at + 1,
            "sudo",
            pid,
            "pam_unix(sudo:session): session closed for user root",
        );
    }

    /// The host starts.
    pub fn boots(&mut self, at: Seconds) {
        let at = at + self.ahead;
        self.wtmp
            .push((at, utmp(2, 0, "~", "reboot", "5.15.0-91-generic", at)));
        self.wtmp.push((
            at + 9,
            utmp(1, 53, "~", "runlevel", "5.15.0-91-generic", at + 9),
        ));
    }

    /// Bytes of wtmp and btmp until the collection, in order.
    pub fn utmp_files(&self, until: Seconds) -> (Vec<u8>, Vec<u8>) {
        let joined = |records: &[(Seconds, Vec<u8>)]| {
            let mut records: Vec<_> = records.iter().filter(|(at, _)| *at <= until).collect();
            records.sort_by_key(|(at, _)| *at);
            records
                .iter()
                .flat_map(|(_, bytes)| bytes.clone())
                .collect()
        };
        (joined(&self.wtmp), joined(&self.btmp))
    }

    /// Lines until the collection, in order.
    pub fn sorted(&self, until: Seconds) -> Vec<&Line> {
        let mut lines: Vec<_> = self.lines.iter().filter(|line| line.at <= until).collect();
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// The log's files with their names.
    pub fn log_files(
        &self,
        clock: &Clock,
        style: Style,
        base: &str,
        until: Seconds,
    ) -> Vec<(String, String)> {
        let lines = self.sorted(until);
        match style {
            Style::Iso => vec![(base.to_owned(), text(&lines, |line| self.iso(clock, line)))],
            Style::Journal => vec![(
                format!("{base}.json"),
                text(&lines, |line| self.journal(line)),
            )],
            Style::Dated | Style::Numbered => self.rotated(clock, style, base, &lines),
        }
    }

    fn rotated(
        &self,
        clock: &Clock,
        style: Style,
        base: &str,
        lines: &[&Line],
    ) -> Vec<(String, String)> {
        let cuts: Vec<(u64, Seconds)> = (1..clock.days)
            .filter(|day| clock.is_sunday(*day))
            .map(|day| (day, clock.at(day, 3, 10, 2)))
            .collect();
        let (mut files, mut rest) = (Vec::new(), lines);
        for (index, (day, cut)) in cuts.iter().enumerate() {
            let (old, new) = rest.split_at(rest.partition_point(|line| line.at < *cut));
            rest = new;
            let name = match style {
                Style::Dated => format!("{base}-{}", clock.date(*day).format("%Y%m%d")),
                _ => format!("{base}.{}", cuts.len() - index),
            };
            files.push((name, text(old, |line| self.year_less(clock, line))));
        }
        files.push((
            base.to_owned(),
            text(rest, |line| self.year_less(clock, line)),
        ));
        files
    }

    fn year_less(&self, clock: &Clock, line: &Line) -> String {
        let Line {
            at,
            program,
            pid,
            text,
        } = line;
        format!(
            "{} {} {program}[{pid}]: {text}\n",
            clock.syslog(*at),
            self.host
        )
    }

    fn iso(&self, clock: &Clock, line: &Line) -> String {
        let micros = line.pid * 7919 % 1_000_000;
        let stamp = clock.iso(line.at, micros);
        format!(
            "{stamp} {} {}[{}]: {}\n",
            self.host, line.program, line.pid, line.text
        )
    }

    fn journal(&self, line: &Line) -> String {
        let boot = Dice::new(11, &self.host).hex(32);
        let micros = line.at * 1_000_000 + line.pid * 7919 % 1_000_000;
        let entry = serde_json::json!({
            "__CURSOR": format!("s={boot};i={:x};t={micros:x}", line.pid),
            "__REALTIME_TIMESTAMP": micros.to_string(),
            "__MONOTONIC_TIMESTAMP": (micros % 10_000_000_000_000).to_string(),
            "_BOOT_ID": boot, "_MACHINE_ID": Dice::new(12, &self.host).hex(32),
            "_HOSTNAME": self.host, "PRIORITY": "6", "_TRANSPORT": "syslog",
            "SYSLOG_IDENTIFIER": line.program, "_COMM": line.program, "_PID": line.pid.to_string(),
            "_UID": "0", "MESSAGE": line.text,
        });
        format!("{entry}\n")
    }
}

fn text(lines: &[&Line], written: impl Fn(&Line) -> String) -> String {
    lines.iter().map(|line| written(line)).collect()
}

/// A record of wtmp or btmp (utmp(5), 384 bytes, little endian).
fn utmp(kind: i16, pid: i64, line: &str, user: &str, host: &str, at: Seconds) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(384);
    let field = |bytes: &mut Vec<u8>, text: &str, width: usize| {
        let filled = text.bytes().chain(std::iter::repeat(0)).take(width);
        bytes.extend(filled);
    };
    bytes.extend(kind.to_le_bytes());
    bytes.extend([0; 2]);
    bytes.extend(i32::try_from(pid).unwrap_or(0).to_le_bytes());
    field(&mut bytes, line, 32);
    field(&mut bytes, line.trim_start_matches("pts/"), 4);
    field(&mut bytes, user, 32);
    field(&mut bytes, host, 256);
    bytes.extend([0; 8]);
    bytes.extend(i32::try_from(at).unwrap_or(0).to_le_bytes());
    bytes.extend([0; 4]);
    let address: Option<std::net::Ipv4Addr> = host.parse().ok();
    bytes.extend(address.map_or([0; 4], |address| address.octets()));
    bytes.extend([0; 32]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_utmp_is_384_bytes() {
        let record = utmp(7, 812, "pts/0", "ops", "192.0.2.7", 1_680_000_000);
        assert_eq!(record.len(), 384);
        assert_eq!(record.get(44..47), Some(b"ops".as_slice()));
    }
}
