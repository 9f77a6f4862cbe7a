//! What a command line does to logs: pure reading of its words.

use coldcase_model::Severity;

use super::words::{bare, commands, inner_shell, program};

/// Nested shells that are looked into: `bash -c "sh -c '...'"`.
const DEEPEST: usize = 3;
/// Longest command line that is read; the rest of a longer one is data.
const LONGEST: usize = 16 << 10;
/// A journal cut to less than this is emptied; keeping house leaves days and many megabytes.
const JOURNAL_SECONDS: f64 = 24.0 * 3600.0;
const JOURNAL_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

/// What a path is to an analyst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Logins, authentication, auditing.
    Logins,
    /// Other logs of the system: emptied for space too.
    System,
    /// All logs, the folder of them.
    All,
    /// A shell's history.
    History,
}

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    pub what: What,
    /// The log: a path, or of a history without one empty.
    pub log: String,
    pub severity: Severity,
}

/// Kinds of deeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Empties, removes or rewrites.
    Clears,
    /// Keeps a shell from writing its history.
    HidesHistory,
    /// Stops auditing or a log daemon.
    Stops,
    /// Starts it again.
    Starts,
}

/// What a path is; `None` where it is no log that matters, or one that was rotated away.
pub(super) fn target(path: &str) -> Option<Target> {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    const HISTORIES: [&str; 8] = [
        ".bash_history",
        ".zsh_history",
        ".zhistory",
        ".sh_history",
        ".ash_history",
        ".ksh_history",
        ".history",
        "fish_history",
    ];
    if HISTORIES.contains(&name) {
        return Some(Target::History);
    }
    const LOGINS: [&str; 9] = [
        "wtmp",
        "btmp",
        "utmp",
        "lastlog",
        "faillog",
        "tallylog",
        "secure",
        "auth.log",
        "audit.log",
    ];
    let inside = path
        .strip_prefix("/var/log")
        .or_else(|| path.strip_prefix("/var/run"));
    let inside = inside.or_else(|| path.strip_prefix("/run"));
    let bare =
        matches!(name, "wtmp" | "btmp" | "lastlog" | "auth.log" | "audit.log") && path == name;
    if bare || (inside.is_some() && LOGINS.contains(&name)) {
        return Some(Target::Logins);
    }
    match path {
        "/var/log" | "/var/log/*" | "/var/log/*.log" | "/var/log/**" | "/var/log/*.*" => {
            return Some(Target::All);
        }
        "/var/log/audit" | "/var/log/audit/*" | "/var/log/journal" | "/var/log/journal/*" => {
            return Some(Target::Logins);
        }
        _ => {}
    }
    const SYSTEM: [&str; 8] = [
        "messages",
        "syslog",
        "cron",
        "cron.log",
        "kern.log",
        "daemon.log",
        "user.log",
        "maillog",
    ];
    let direct = path.strip_prefix("/var/log/");
    direct
        .filter(|rest| SYSTEM.contains(rest))
        .map(|_| Target::System)
}

/// What a command line does to logs.
pub(super) fn deeds(line: &str) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let end = (0..=LONGEST.min(line.len()))
        .rev()
        .find(|at| line.is_char_boundary(*at));
    read(
        line.get(..end.unwrap_or(0)).unwrap_or_default(),
        0,
        &mut deeds,
    );
    deeds
}

fn read(line: &str, depth: usize, deeds: &mut Vec<Deed>) {
    for words in commands(line) {
        if let Some(inner) = inner_shell(&words).filter(|_| depth < DEEPEST) {
            read(&inner, depth + 1, deeds);
        } else {
            simple(&words, deeds);
        }
    }
}

fn simple(words: &[String], deeds: &mut Vec<Deed>) {
    assignments(words, deeds);
    let words = bare(words);
    redirections(words, deeds);
    let Some((first, rest)) = words.split_first() else {
        return;
    };
    let plain = rest.iter().map(String::as_str);
    let operands = || plain.clone().filter(|word| !word.starts_with('-'));
    let name = program(first);
    match name {
        "rm" | "unlink" | "shred" | "wipe" | "srm" => {
            operands().for_each(|path| clear(path, false, deeds));
        }
        "truncate" => operands().for_each(|path| clear(path, false, deeds)),
        "mv" | "cp" | "ln" => moved(name, &operands().collect::<Vec<_>>(), deeds),
        "dd" => plain
            .clone()
            .filter_map(|word| word.strip_prefix("of="))
            .for_each(|path| clear(path, false, deeds)),
        "tee" if !rest.iter().any(|word| word == "-a" || word == "--append") => {
            operands().for_each(|path| clear(path, false, deeds));
        }
        "sed" | "perl"
            if rest
                .iter()
                .any(|word| word.starts_with("-i") || word.starts_with("--in-place")) =>
        {
            operands().for_each(|path| clear(path, true, deeds));
        }
        "find" => found_and_removed(rest, deeds),
        "history" if rest.iter().any(|word| is_flags(word) && word.contains('c')) => {
            push(deeds, What::Clears, "", Severity::Medium);
        }
        "history" if rest.iter().any(|word| word.starts_with("-d")) => {
            push(deeds, What::Clears, "", Severity::Low);
        }
        "unset" if rest.iter().any(|word| word == "HISTFILE") => {
            push(deeds, What::HidesHistory, "", Severity::Medium);
        }
        "set"
            if rest.first().is_some_and(|word| word == "+o")
                && rest.get(1).is_some_and(|word| word == "history") =>
        {
            push(deeds, What::HidesHistory, "", Severity::Low);
        }
        "journalctl" if empties_journal(rest) => {
            push(deeds, What::Clears, "/var/log/journal", Severity::Medium);
        }
        "auditctl" => audit_rules(rest, deeds),
        "augenrules" => push(deeds, What::Starts, AUDIT, Severity::Info),
        "systemctl" | "service" | "rc-service" | "chkconfig" | "invoke-rc.d" => {
            service(rest, deeds)
        }
        "rsyslogd" | "syslogd" | "auditd" | "syslog-ng" if first.starts_with("/etc/init.d/") => {
            service(words, deeds);
        }
        "rsyslog" | "syslog" if first.starts_with("/etc/init.d/") => service(words, deeds),
        "pkill" | "killall" => operands().for_each(|daemon| {
            if let Some(log) = log_of(daemon) {
                push(deeds, What::Stops, log, Severity::Medium);
            }
        }),
        _ => {}
    }
}

fn is_flags(word: &str) -> bool {
    word.starts_with('-') && word.bytes().skip(1).all(|byte| byte.is_ascii_alphabetic())
}

fn push(deeds: &mut Vec<Deed>, what: What, log: &str, severity: Severity) {
    deeds.push(Deed {
        what,
        log: log.to_owned(),
        severity,
    });
}

/// A log is emptied, removed, or edited in place.
fn clear(path: &str, edited: bool, deeds: &mut Vec<Deed>) {
    let severity = match target(path) {
        Some(Target::Logins | Target::History) => Severity::Medium,
        Some(Target::All) if !edited => Severity::Medium,
        Some(Target::System | Target::All) => Severity::Low,
        None => return,
    };
    push(deeds, What::Clears, path.trim_end_matches('/'), severity);
}

fn redirections(words: &[String], deeds: &mut Vec<Deed>) {
    for (sign, path) in words.iter().zip(words.iter().skip(1)) {
        if sign == ">" {
            clear(path, false, deeds);
        }
    }
}

fn moved(name: &str, operands: &[&str], deeds: &mut Vec<Deed>) {
    let [from @ .., to] = operands else { return };
    match name {
        "mv" if *to == "/dev/null" => from.iter().for_each(|path| clear(path, false, deeds)),
        "cp" | "ln" if from == ["/dev/null"] => clear(to, false, deeds),
        _ => {}
    }
}

/// `find /var/log ... -delete`; by age or by a rotated file's name it keeps house.
fn found_and_removed(rest: &[String], deeds: &mut Vec<Deed>) {
    let has = |word: &str| rest.iter().any(|other| other == word);
    let removes = has("-delete")
        || rest.iter().zip(rest.iter().skip(1)).any(|(exec, program)| {
            exec.starts_with("-exec")
                && matches!(self::program(program), "rm" | "shred" | "truncate" | "cp")
        });
    let by_age = has("-mtime") || has("-ctime") || has("-mmin") || has("-size") || has("-empty");
    let by_name = rest
        .iter()
        .zip(rest.iter().skip(1))
        .find(|(word, _)| *word == "-name" || *word == "-iname");
    let rotated =
        by_name.is_some_and(|(_, name)| !matches!(name.as_str(), "*" | "*.log" | "*log*" | "*log"));
    let at_logs = rest
        .first()
        .is_some_and(|root| root.trim_end_matches('/') == "/var/log");
    if at_logs && removes && !by_age && !rotated {
        push(deeds, What::Clears, "/var/log", Severity::Medium);
    }
}

/// `HISTFILE=/dev/null`, `HISTSIZE=0`, with or without `export`.
fn assignments(words: &[String], deeds: &mut Vec<Deed>) {
    let words = words.iter().map(String::as_str);
    let words = words.skip_while(|word| {
        matches!(
            *word,
            "export" | "declare" | "typeset" | "-x" | "sudo" | "env"
        )
    });
    for word in words.take_while(|word| word.contains('=') || matches!(*word, "export" | "-x")) {
        let hides = matches!(
            word,
            "HISTFILE=/dev/null" | "HISTFILE=" | "HISTSIZE=0" | "HISTFILESIZE=0" | "SAVEHIST=0"
        );
        if hides {
            push(deeds, What::HidesHistory, "", Severity::Medium);
        }
    }
}

fn empties_journal(rest: &[String]) -> bool {
    let value = |option: &str| {
        let mut words = rest.iter();
        words.by_ref().find_map(|word| {
            let value = word.strip_prefix(option)?;
            Some(value.strip_prefix('=').unwrap_or(value).to_owned())
        })
    };
    let number = |text: &str| {
        let end = text.find(|digit: char| !(digit.is_ascii_digit() || digit == '.'));
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        Some((number.parse::<f64>().ok()?, unit.trim().to_owned()))
    };
    let short = value("--vacuum-time")
        .and_then(|text| number(&text))
        .is_some_and(|(number, unit)| {
            let seconds = match unit.as_str() {
                "" | "s" | "sec" | "second" | "seconds" => 1.0,
                "m" | "min" | "minute" | "minutes" => 60.0,
                "h" | "hr" | "hour" | "hours" => 3600.0,
                _ => return false,
            };
            number * seconds < JOURNAL_SECONDS
        });
    let small = value("--vacuum-size")
        .and_then(|text| number(&text))
        .is_some_and(|(number, unit)| {
            let bytes = match unit.to_ascii_uppercase().as_str() {
                "" | "B" => 1.0,
                "K" => 1024.0,
                "M" => 1024.0 * 1024.0,
                _ => return false,
            };
            number * bytes < JOURNAL_BYTES
        });
    short || small
}

/// Where auditd writes.
const AUDIT: &str = "/var/log/audit/audit.log";

fn audit_rules(rest: &[String], deeds: &mut Vec<Deed>) {
    let has = |word: &str| rest.iter().any(|other| other == word);
    let enabled = rest
        .iter()
        .zip(rest.iter().skip(1))
        .find(|(word, _)| *word == "-e");
    let enabled = enabled.map(|(_, value)| value.as_str());
    if enabled == Some("0") || has("-e0") || has("-D") {
        push(deeds, What::Stops, AUDIT, Severity::Medium);
    }
    if matches!(enabled, Some("1" | "2")) || has("-R") || has("-a") || has("-A") || has("-w") {
        push(deeds, What::Starts, AUDIT, Severity::Info);
    }
}

/// The log of a daemon that writes logs.
fn log_of(daemon: &str) -> Option<&'static str> {
    let name = daemon.split('.').next().unwrap_or(daemon);
    match name {
        "auditd" => Some(AUDIT),
        "rsyslog" | "rsyslogd" | "syslog" | "syslogd" | "syslog-ng" => Some("/var/log"),
        "systemd-journald" => Some("/var/log/journal"),
        _ => None,
    }
}

fn service(words: &[String], deeds: &mut Vec<Deed>) {
    let logs: Vec<&str> = words
        .iter()
        .filter_map(|word| log_of(program(word)))
        .collect();
    let verb = words.iter().find_map(|word| match word.as_str() {
        "stop" | "disable" | "mask" | "off" | "kill" => Some(What::Stops),
        "start" | "restart" | "try-restart" | "reload" | "enable" | "on" | "force-reload" => {
            Some(What::Starts)
        }
        _ => None,
    });
    // `systemctl kill -s HUP rsyslog` is what logrotate does.
    let is_signal = words
        .iter()
        .any(|word| word.contains("HUP") || word.contains("USR"));
    for log in logs {
        match verb {
            Some(What::Stops) if !is_signal => push(deeds, What::Stops, log, Severity::Medium),
            Some(What::Starts) => push(deeds, What::Starts, log, Severity::Info),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(What, &str, Severity)]) {
        let got = deeds(line);
        let got: Vec<_> = got
            .iter()
            .map(|deed| (deed.what, deed.log.as_str(), deed.severity))
            .collect();
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn what_clears_a_log() {
        use Severity::{Low, Medium};
        use What::Clears;
        for (line, log, severity) in [
            ("> /var/log/wtmp", "/var/log/wtmp", Medium),
            (": >| /var/log/btmp", "/var/log/btmp", Medium),
            ("cat /dev/null>/var/log/secure", "/var/log/secure", Medium),
            ("echo '' > /var/log/auth.log", "/var/log/auth.log", Medium),
            ("cp /dev/null /var/log/lastlog", "/var/log/lastlog", Medium),
            (
                "dd if=/dev/zero of=/var/log/wtmp bs=1k count=9",
                "/var/log/wtmp",
                Medium,
            ),
            (
                "sudo truncate -s 0 /var/log/audit/audit.log",
                "/var/log/audit/audit.log",
                Medium,
            ),
            ("/bin/rm -rf /var/log/", "/var/log", Medium),
            ("rm -rf /var/log/*", "/var/log/*", Medium),
            ("shred -u ~/.bash_history", "~/.bash_history", Medium),
            (
                "ln -sf /dev/null /root/.bash_history",
                "/root/.bash_history",
                Medium,
            ),
            ("ln -s /dev/null ~/.zsh_history", "~/.zsh_history", Medium),
            ("mv /var/log/secure /dev/null", "/var/log/secure", Medium),
            (
                "sed -i '/192.0.2.7/d' /var/log/secure",
                "/var/log/secure",
                Medium,
            ),
            (
                "bash -c \"sh -c 'rm -f /var/log/wtmp'\"",
                "/var/log/wtmp",
                Medium,
            ),
            (
                "cd /tmp && utmpdump -r < x > /var/log/wtmp",
                "/var/log/wtmp",
                Medium,
            ),
            (
                "find /var/log -name '*.log' -exec truncate -s0 {} ;",
                "/var/log",
                Medium,
            ),
            ("find /var/log/ -type f -delete", "/var/log", Medium),
            (
                "journalctl --rotate --vacuum-time=1s",
                "/var/log/journal",
                Medium,
            ),
            ("journalctl --vacuum-size=1K", "/var/log/journal", Medium),
            ("> /var/log/messages", "/var/log/messages", Low),
            ("truncate -s0 /var/log/syslog", "/var/log/syslog", Low),
            ("history -c", "", Medium),
            ("clear; history -cw", "", Medium),
            ("history -d 42", "", Low),
        ] {
            check(line, &[(Clears, log, severity)]);
        }
        check(
            "rm -f /var/log/wtmp /var/log/btmp; history -c",
            &[
                (Clears, "/var/log/wtmp", Medium),
                (Clears, "/var/log/btmp", Medium),
                (Clears, "", Medium),
            ],
        );
    }

    #[test]
    fn what_hides_and_stops() {
        use Severity::{Info, Low, Medium};
        use What::{HidesHistory, Starts, Stops};
        check("unset HISTFILE", &[(HidesHistory, "", Medium)]);
        check("export HISTFILE=/dev/null", &[(HidesHistory, "", Medium)]);
        check("HISTSIZE=0 bash", &[(HidesHistory, "", Medium)]);
        check("set +o history", &[(HidesHistory, "", Low)]);
        check("auditctl -e 0", &[(Stops, AUDIT, Medium)]);
        check("auditctl -D", &[(Stops, AUDIT, Medium)]);
        check("auditctl -e 1", &[(Starts, AUDIT, Info)]);
        check("sudo service auditd stop", &[(Stops, AUDIT, Medium)]);
        check(
            "systemctl disable --now rsyslog.service",
            &[(Stops, "/var/log", Medium)],
        );
        check("/etc/init.d/rsyslog stop", &[(Stops, "/var/log", Medium)]);
        check("pkill -9 rsyslogd", &[(Stops, "/var/log", Medium)]);
        check("systemctl restart rsyslog", &[(Starts, "/var/log", Info)]);
    }

    #[test]
    fn what_keeps_house_or_only_reads() {
        for line in [
            "cat /var/log/secure > /tmp/secure.copy",
            "grep Accepted /var/log/auth.log",
            "tail -f /var/log/messages 2>/dev/null",
            "echo x >> /var/log/secure",
            "/usr/sbin/logrotate /etc/logrotate.conf > /dev/null 2>&1",
            "rm -f /var/log/messages-20230402.gz /var/log/secure-20230402",
            "rm -f /var/log/*.gz",
            "find /var/log -mtime +30 -delete",
            "find /var/log -name '*.gz' -delete",
            "find /var/log/sa -type f -delete",
            "truncate -s 0 /var/lib/docker/containers/*/*-json.log",
            "> /var/log/nginx/access.log",
            "rm -rf /var/log/app",
            "journalctl --vacuum-size=500M",
            "journalctl --vacuum-time=7d",
            "journalctl -u sshd > /tmp/x",
            "history | grep docker",
            "history -a",
            "ln -s /dev/null /root/.mysql_history",
            "ln -sf /dev/null /etc/systemd/system/foo.service",
            "/usr/bin/systemctl kill -s HUP rsyslog.service",
            "systemctl status auditd",
            "auditctl -l",
            "ausearch -m USER_LOGIN > /var/tmp/x",
            "# rm -rf /var/log",
            "echo 'rm -rf /var/log'",
            "last -f /var/log/wtmp",
            "mv /var/log/secure /var/log/secure.1",
            "",
            ">",
            "'",
        ] {
            check(line, &[]);
        }
    }
}
