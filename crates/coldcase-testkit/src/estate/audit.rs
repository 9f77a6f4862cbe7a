//! audit.log of the database's host: logins, commands of configuration management, agents' connections. Serials without a gap.

use super::clock::Seconds;
use super::dice::Dice;
use super::logins;
use super::{Bundle, Scene};

/// Records of one event: type and fields.
type Records = Vec<(&'static str, String)>;

/// Writes audit.log with its rotations.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let ahead = scene.plan.database_ahead;
    let mut events: Vec<(Seconds, Records)> = Vec::new();
    let mut dice = scene.dice("audit");
    for line in logins::of(scene, &scene.names.database).lines {
        events.extend(login(&line.text, line.pid).map(|records| (line.at, records)));
    }
    let mut at = scene.clock.begins();
    while at < scene.clock.collected() {
        let pid = dice.between(3000, 60_000);
        events.push((at + ahead, exec(pid, &mut dice)));
        events.push((at + ahead + 20, connect(1178, scene)));
        at += 900;
    }
    events.retain(|(at, _)| *at <= scene.clock.collected() + ahead);
    events.sort_by_key(|(at, _)| *at);
    let per_file = events.len() / 3 + 1;
    let mut serial = dice.between(10_000, 90_000);
    let files: Vec<String> = events
        .chunks(per_file)
        .map(|part| {
            part.iter()
                .map(|event| written(event, &mut serial))
                .collect()
        })
        .collect();
    for (index, text) in files.iter().rev().enumerate() {
        let name = match index {
            0 => "var/log/audit/audit.log".to_owned(),
            _ => format!("var/log/audit/audit.log.{index}"),
        };
        bundle.add(&scene.names.database.name, &name, text.as_bytes());
    }
}

fn written((at, records): &(Seconds, Records), serial: &mut i64) -> String {
    *serial += 1;
    let millis = *serial * 37 % 1000;
    let line = |(kind, fields): &(&str, String)| {
        format!("type={kind} msg=audit({at}.{millis:03}:{serial}): {fields}\n")
    };
    records.iter().map(line).collect()
}

/// The record that sshd makes beside its line.
fn login(text: &str, pid: i64) -> Option<Records> {
    let word_after = |word: &str| {
        let mut words = text.split_whitespace().skip_while(|one| *one != word);
        words.nth(1)
    };
    let address = word_after("from")?;
    let (kind, user, result) = if text.starts_with("Accepted") {
        ("USER_LOGIN", word_after("for")?, "success")
    } else if text.starts_with("Failed password for invalid") {
        return None;
    } else if text.starts_with("Failed password") {
        ("USER_AUTH", word_after("for")?, "failed")
    } else {
        return None;
    };
    let operation = if kind == "USER_LOGIN" {
        "login"
    } else {
        "PAM:authentication grantors=?"
    };
    Some(vec![(
        kind,
        format!(
            "pid={pid} uid=0 auid=4294967295 ses=4294967295 msg='op={operation} acct=\"{user}\" exe=\"/usr/sbin/sshd\" hostname={address} addr={address} terminal=ssh res={result}'"
        ),
    )])
}

fn exec(pid: i64, dice: &mut Dice) -> Records {
    let (exe, arguments) = match dice.between(0, 3) {
        0 => (
            "/usr/bin/python3.9",
            ["python3", "/usr/local/bin/check_disk.py"],
        ),
        1 => ("/usr/lib64/sa/sadc", ["/usr/lib64/sa/sa1", "1"]),
        _ => ("/usr/bin/pg_isready", ["pg_isready", "-q"]),
    };
    let comm = exe.rsplit('/').next().unwrap_or_default();
    let [first, second] = arguments;
    vec![
        (
            "SYSCALL",
            format!(
                "arch=c000003e syscall=59 success=yes exit=0 a0=55e0 a1=55e1 a2=55e2 a3=8 items=2 ppid=2301 pid={pid} auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"{comm}\" exe=\"{exe}\" key=\"exec\""
            ),
        ),
        ("EXECVE", format!("argc=2 a0=\"{first}\" a1=\"{second}\"")),
        ("CWD", "cwd=\"/\"".to_owned()),
    ]
}

/// An agent reports to the monitoring host.
fn connect(pid: i64, scene: &Scene) -> Records {
    let octets: Vec<u8> = scene
        .names
        .monitor
        .address
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    let address: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    vec![
        (
            "SYSCALL",
            format!(
                "arch=c000003e syscall=42 success=no exit=-115 a0=7 a1=7ff6 a2=10 a3=6c items=0 ppid=1 pid={pid} auid=4294967295 uid=997 gid=995 euid=997 suid=997 fsuid=997 egid=995 sgid=995 fsgid=995 tty=(none) ses=4294967295 comm=\"zabbix_agentd\" exe=\"/usr/sbin/zabbix_agentd\" key=\"connect\""
            ),
        ),
        // Port 10051.
        (
            "SOCKADDR",
            format!("saddr=02002743{address}0000000000000000"),
        ),
    ]
}
