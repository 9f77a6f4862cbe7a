//! What every host of a group does and has: logins by the bastion, jobs, programs, names, connections, and lists.

use coldcase_model::{Attributes, Event, action, outcome};

use super::rows::Rows;
use super::{BEGIN_NS, DAY_NS, DAYS, Fleet, Host, SECOND_NS, Truth};
use crate::estate::Dice;

/// A key that the whole fleet lets in.
pub(super) const FLEET_KEY: &str = "SHA256:fleetfleetfleetfleetfleetfleetfleetfleetfle";

const EXES: [&str; 12] = [
    "/usr/bin/sed",
    "/usr/bin/grep",
    "/usr/bin/awk",
    "/usr/bin/systemctl",
    "/usr/bin/ps",
    "/usr/bin/df",
    "/usr/sbin/logrotate",
    "/usr/bin/find",
    "/usr/bin/stat",
    "/usr/bin/curl",
    "/usr/bin/tar",
    "/usr/bin/gzip",
];
const NAMES: [&str; 8] = [
    "time.example.net",
    "repo.example.net",
    "metrics.example.net",
    "auth.example.net",
    "cdn.example.org",
    "mail.example.net",
    "registry.example.net",
    "logs.example.net",
];
const JOBS: [&str; 3] = [
    "/usr/lib/sa/sa1 1 1",
    "/usr/sbin/logrotate /etc/logrotate.conf",
    "/usr/local/bin/backup --daily",
];

pub(super) fn make(fleet: &Fleet, host: &Host, truth: &Truth, rows: &mut Rows<'_>) {
    let mut dice = Dice::new(fleet.seed, &host.name);
    let group = host.name.split('-').next().unwrap_or_default();
    let has_audit = !truth.without_audit.contains(&host.name);
    let step = DAYS * DAY_NS / i64::try_from(fleet.events.max(1)).unwrap_or(1);
    for number in 0..fleet.events {
        let at =
            BEGIN_NS + i64::try_from(number).unwrap_or(0) * step + dice.between(0, 30) * SECOND_NS;
        match dice.between(0, 100) {
            0..8 => login(host, fleet, at, rows),
            8..55 if has_audit => run(&mut dice, group, at, rows),
            8..75 => ask(&mut dice, host, at, rows),
            75..90 => call(&mut dice, host, at, rows),
            _ => job(&mut dice, at, rows),
        }
    }
    lists(group, rows);
}

fn login(host: &Host, fleet: &Fleet, at: i64, rows: &mut Rows<'_>) {
    if host.index == 0 {
        return;
    }
    let bastion = fleet.host(0).address;
    let mut attributes = Attributes::new();
    attributes
        .text("method", "publickey")
        .text("key", FLEET_KEY);
    rows.at(
        "authlog",
        "auth.log",
        at,
        Event {
            outcome: Some(outcome::SUCCESS),
            src_ip: Some(bastion.clone().into()),
            src_port: Some(50_022),
            user: Some("deploy".into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(
                format!("Accepted publickey for deploy from {bastion} port 50022 ssh2").into(),
            ),
            ..Event::new(action::SSH_LOGIN)
        },
    );
}

fn run(dice: &mut Dice, group: &str, at: i64, rows: &mut Rows<'_>) {
    // A program of the group's own among those of the fleet; half of the fleet's hosts have one more.
    let exe = match dice.between(0, 10) {
        0 => format!("/opt/{group}/bin/server"),
        _ => dice.pick(&EXES).to_owned(),
    };
    rows.at(
        "auditd",
        "audit.log",
        at,
        Event {
            pid: Some(dice.between(300, 30_000)),
            command: Some(format!("{exe} --run").into()),
            ..executed(&exe)
        },
    );
}

fn ask(dice: &mut Dice, host: &Host, at: i64, rows: &mut Rows<'_>) {
    let name = dice.pick(&NAMES);
    rows.at(
        "dnsmasq",
        "dnsmasq.log",
        at,
        Event {
            protocol: Some("udp"),
            ..asked(host, name)
        },
    );
}

fn call(dice: &mut Dice, host: &Host, at: i64, rows: &mut Rows<'_>) {
    let peer = format!("10.19.0.{}", dice.between(1, 20));
    rows.at(
        "pcap",
        "eth0.pcap",
        at,
        Event {
            outcome: Some(outcome::SUCCESS),
            src_ip: Some(host.address.as_str().into()),
            src_port: Some(dice.client_port()),
            dst_ip: Some(peer.clone().into()),
            dst_port: Some(443),
            protocol: Some("tcp"),
            packets: Some(dice.between(4, 40)),
            bytes: Some(dice.between(400, 40_000)),
            message: Some(format!("{} to {peer}:443", host.address).into()),
            ..Event::new(action::TCP_FLOW)
        },
    );
}

fn job(dice: &mut Dice, at: i64, rows: &mut Rows<'_>) {
    let command = dice.pick(&JOBS);
    rows.at("authlog", "auth.log", at, job_run(command));
}

pub(super) fn executed(exe: &str) -> Event<'static> {
    Event {
        outcome: Some(outcome::SUCCESS),
        user: Some("root".into()),
        message: Some(format!("{exe} executed").into()),
        exe: Some(exe.to_owned().into()),
        ..Event::new(action::EXEC)
    }
}

pub(super) fn asked(host: &Host, name: &str) -> Event<'static> {
    Event {
        src_ip: Some(host.address.clone().into()),
        domain: Some(name.to_owned().into()),
        query_type: Some("A".into()),
        message: Some(format!("query[A] {name} from {}", host.address).into()),
        ..Event::new(action::DNS_QUERY)
    }
}

pub(super) fn job_run(command: &str) -> Event<'static> {
    Event {
        user: Some("root".into()),
        command: Some(command.to_owned().into()),
        message: Some(format!("(root) CMD ({command})").into()),
        ..Event::new(action::CRON_RUN)
    }
}

/// What snapshots show of every host.
fn lists(group: &str, rows: &mut Rows<'_>) {
    key(rows, "root/.ssh/authorized_keys", FLEET_KEY);
    for command in JOBS {
        cron(rows, "*/10 * * * *", command);
    }
    unit(rows, "sshd.service", "/usr/sbin/sshd -D");
    unit(
        rows,
        &format!("{group}.service"),
        &format!("/opt/{group}/bin/server"),
    );
    listen(rows, 22, "sshd");
    listen(rows, if group == "db" { 5_432 } else { 443 }, "server");
}

pub(super) fn key(rows: &mut Rows<'_>, file: &'static str, fingerprint: &str) {
    let mut attributes = Attributes::new();
    attributes
        .text("type", "ed25519")
        .text("fingerprint", fingerprint);
    rows.listed(
        "authorized-keys",
        file,
        Event {
            user: Some("root".into()),
            path: Some("/root/.ssh/authorized_keys".into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(format!("key {fingerprint} may log in as root").into()),
            ..Event::new(action::KEY_LISTED)
        },
    );
}

pub(super) fn cron(rows: &mut Rows<'_>, schedule: &str, command: &str) {
    let mut attributes = Attributes::new();
    attributes.text("schedule", schedule).text("kind", "cron");
    rows.listed(
        "crontab",
        "crontab",
        Event {
            user: Some("root".into()),
            command: Some(command.to_owned().into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(format!("{schedule} root {command}").into()),
            ..Event::new(action::JOB_LISTED)
        },
    );
}

pub(super) fn unit(rows: &mut Rows<'_>, name: &str, command: &str) {
    let mut attributes = Attributes::new();
    attributes.text("unit", name).text("directive", "ExecStart");
    rows.listed(
        "unit-file",
        "units.txt",
        Event {
            command: Some(command.to_owned().into()),
            path: Some(format!("/etc/systemd/system/{name}").into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(format!("{name} runs {command}").into()),
            ..Event::new(action::SERVICE_DEFINED)
        },
    );
}

pub(super) fn listen(rows: &mut Rows<'_>, port: u16, program: &str) {
    let mut attributes = Attributes::new();
    attributes
        .text("state", "LISTEN")
        .text("listen", &format!("0.0.0.0:{port}"));
    rows.listed(
        "ss",
        "ss.txt",
        Event {
            src_ip: Some("0.0.0.0".into()),
            src_port: Some(port),
            protocol: Some("tcp"),
            command: Some(program.to_owned().into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(format!("{program} listens on port {port}").into()),
            ..Event::new(action::SOCKET_LISTED)
        },
    );
}
