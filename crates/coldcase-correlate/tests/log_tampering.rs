//! `log-tampering` firing, quiet, and near what looks alike: rotated files that were not collected, hosts that were
//! off, clocks that were set, exports, housekeeping.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod dataset;

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, HostFacts};
use coldcase_model::{Attributes, Event, Finding, Precision, Severity, Timestamp, When, action};
use coldcase_timeline::Origin;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2023-03-01T00:00:00Z.
const START: i64 = 1_677_628_800;

/// Rows with their format, file and host.
type Rows = Vec<(Event<'static>, &'static str, &'static str, &'static str)>;

fn when(at: i64) -> When {
    let ts = Timestamp::from_seconds(at).expect("in range");
    When::recorded(ts, Precision::S)
}

fn event(action: &'static str, at: Option<i64>, line: u64, message: &str) -> Event<'static> {
    Event {
        when: at.map(when),
        line: Some(line),
        message: Some(message.to_owned().into()),
        ..Event::new(action)
    }
}

fn with(mut event: Event<'static>, fill: impl FnOnce(&mut Attributes)) -> Event<'static> {
    let mut attributes = Attributes::new();
    fill(&mut attributes);
    event.attributes = attributes.finish().map(Into::into);
    event
}

/// A system log with a line at each of these times.
fn log(file: &'static str, times: impl IntoIterator<Item = i64>) -> Rows {
    let lines = times.into_iter().zip(1..);
    lines
        .map(|(at, line)| {
            let message = format!("CROND[{line}]: (root) CMD (/usr/lib64/sa/sa1 1 1)");
            let row = event(action::CRON_RUN, Some(at), line, &message);
            (row, "authlog", file, "db-1")
        })
        .collect()
}

/// Audit events with these serials, one a second.
fn audit(file: &'static str, serials: impl IntoIterator<Item = i64>) -> Rows {
    let lines = serials.into_iter().zip(1..);
    lines
        .map(|(serial, line)| {
            let row = event(action::EXEC, Some(START + serial), line, "exec");
            let row = with(row, |to| {
                to.text("type", "SYSCALL").number("serial", serial);
            });
            (row, "auditd", file, "db-1")
        })
        .collect()
}

/// The audit daemon's own event.
fn daemon(kind: &str, at: i64) -> Rows {
    let row = with(event(action::AUDIT_CONFIG, Some(at), 1000, kind), |to| {
        to.text("type", kind).number("serial", 7142);
    });
    vec![(row, "auditd", "db-1/audit.log", "db-1")]
}

fn every(step: i64, from: i64, to: i64) -> impl Iterator<Item = i64> {
    (0..(to - from) / step).map(move |n| from + n * step)
}

fn command(action: &'static str, at: Option<i64>, line: u64, text: &str) -> Rows {
    let mut row = event(action, at, line, text);
    row.command = Some(text.to_owned().into());
    row.user = Some("root".into());
    if action == action::SHELL_COMMAND {
        row.path = Some("db-1/root_bash_history.txt".into());
    }
    vec![(row, "shell-history", "db-1/root_bash_history.txt", "db-1")]
}

fn zeroed(file: &'static str, after: Option<i64>, before: Option<i64>) -> Rows {
    let stamp = |at: Option<i64>| at.map(|at| when(at).ts.to_string());
    let row = with(event(action::LOG, None, 0, "1 zeroed record"), |to| {
        to.number("zeroed", 1)
            .text_if("after", stamp(after).as_deref())
            .text_if("before", stamp(before).as_deref());
    });
    let row = Event {
        line: None,
        offset: Some(384),
        ..row
    };
    vec![(row, "utmp", file, "db-1")]
}

fn power(action: &'static str, at: i64, format: &'static str, file: &'static str) -> Rows {
    let row = event(action, Some(at), 1, "the host came up or went down");
    vec![(row, format, file, "db-1")]
}

fn run_in(zone: Tz, rows: &Rows) -> Vec<Finding> {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for (event, format, file, host) in rows {
            let host = Some(*host);
            batch.push(event, Origin { host, format, file });
        }
    });
    let facts = CaseFacts {
        hosts: vec![HostFacts {
            name: "db-1".into(),
            addresses: Vec::new(),
            zone,
        }],
        zone,
        collected_at: None,
        indicators: Vec::new(),
        coverage: Vec::new(),
        skews: Vec::new(),
    };
    let only = ["log-tampering".to_owned()];
    chinese::run(&timeline, &facts, &only)
        .expect("runs")
        .findings
}

fn run(rows: &Rows) -> Vec<Finding> {
    run_in(Tz::UTC, rows)
}

/// Severity, kind and reason of what is found.
fn told(rows: &Rows) -> Vec<(Severity, String, String)> {
    let text = |finding: &Finding, name: &str| match &finding.facts[name] {
        serde_json::Value::Array(list) => list[0].as_str().expect("a word").to_owned(),
        other => other.as_str().expect("a word").to_owned(),
    };
    let found = run(rows);
    let mut told: Vec<_> = found
        .iter()
        .map(|one| (one.severity, text(one, "kind"), text(one, "reasons")))
        .collect();
    told.sort();
    told
}

fn check(name: &str, rows: &Rows, expected: &[(Severity, &str, &str)]) {
    let told = told(rows);
    let got: Vec<(Severity, &str, &str)> = told
        .iter()
        .map(|(severity, kind, reason)| (*severity, kind.as_str(), reason.as_str()))
        .collect();
    assert_eq!(got, expected, "{name}");
}

fn join(parts: Vec<Rows>) -> Rows {
    parts.into_iter().flatten().collect()
}

const AUDIT: &str = "db-1/audit.log";
const SECURE: &str = "db-1/secure";
const MESSAGES: &str = "db-1/messages";

#[test]
fn serials_missing_inside_a_file() {
    use Severity::{Low, Medium};
    let hole = || audit(AUDIT, (0..1000).chain(1060..2000));
    check("taken out", &hole(), &[(Medium, "gap", "missing-serials")]);
    let found = &run(&hole())[0];
    assert_eq!(found.facts["missing"], 60);
    assert_eq!(found.facts["log"], AUDIT);
    assert_eq!(found.first, Some(when(START + 999).ts));
    assert_eq!(found.last, Some(when(START + 1060).ts));
    let lines: Vec<_> = found.evidence.iter().map(|one| one.line).collect();
    assert_eq!(lines, [Some(1000), Some(1001)]);

    check("whole", &audit(AUDIT, 0..2000), &[]);
    let loose = (0..2000).filter(|serial| serial % 40 > 2);
    check("small ones of its own", &audit(AUDIT, loose), &[]);
    let filtered = (0..9000).filter(|serial| serial % 7 == 0 && *serial / 300 != 5);
    check("an export of some events", &audit(AUDIT, filtered), &[]);
    let mut anew = audit(AUDIT, (9000..9500).chain(1..500));
    for (row, ..) in anew.iter_mut().skip(500) {
        row.when = Some(when(row.when.expect("dated").ts.seconds() + 10_000));
    }
    check("a start of the kernel", &anew, &[]);
    let in_another = || audit("db-1/syslog-audit.log", 990..1100);
    check(
        "held by another file",
        &join(vec![hole(), in_another()]),
        &[],
    );
    let restarted = || {
        join(vec![
            daemon("DAEMON_END", START + 1000),
            daemon("DAEMON_START", START + 1059),
        ])
    };
    check(
        "the daemon was restarted",
        &join(vec![hole(), restarted()]),
        &[],
    );
    check(
        "the daemon stood still for long",
        &join(vec![
            audit(AUDIT, (0..1000).chain(4000..5000)),
            daemon("DAEMON_END", START + 1000),
        ]),
        &[(Low, "gap", "logging-stopped")],
    );
    let said = event(
        action::LOG,
        Some(START + 1030),
        7,
        "kernel: audit: audit_lost=60 audit_rate_limit=0",
    );
    let said = vec![(said, "authlog", MESSAGES, "db-1")];
    check("the kernel lost them", &join(vec![hole(), said]), &[]);
}

#[test]
fn auditing_that_was_switched_off() {
    let switched = |auid: Option<i64>, now: i64| {
        let row = event(action::AUDIT_CONFIG, Some(START), 3, "CONFIG_CHANGE set");
        let row = with(row, |to| {
            to.text("type", "CONFIG_CHANGE")
                .number_if("auid", auid)
                .number("audit_enabled", now)
                .number("old", 1);
        });
        vec![(row, "auditd", AUDIT, "db-1")]
    };
    let off = [(Severity::Medium, "gap", "logging-stopped")];
    check("by somebody", &switched(Some(1000), 0), &off);
    check("by nobody", &switched(None, 0), &[]);
    check("locked", &switched(Some(1000), 2), &[]);
    let ended = join(vec![
        switched(Some(1000), 0),
        daemon("DAEMON_END", START + 1),
    ]);
    check("the daemon ended", &ended, &[]);
}

#[test]
fn a_burst_that_the_daemon_could_not_take_is_weak() {
    let mut rows = audit(AUDIT, (0..1000).chain(3000..4000));
    for (row, ..) in rows.iter_mut().skip(1000) {
        let at = row.when.expect("dated").ts.plus_seconds(-1990);
        row.when = Some(When::recorded(at, Precision::S));
    }
    check("burst", &rows, &[(Severity::Low, "gap", "missing-serials")]);
}

#[test]
fn serials_missing_between_files() {
    use Severity::{Info, Low};
    let series = |second: std::ops::Range<i64>| {
        join(vec![
            audit("db-1/audit.log.2", 0..1000),
            audit("db-1/audit.log.1", second),
            audit(AUDIT, 2000..2600),
        ])
    };
    check("whole", &series(1000..2000), &[]);
    check(
        "cut",
        &series(1000..1900),
        &[(Low, "truncated", "missing-serials")],
    );
    let without = join(vec![
        audit("db-1/audit.log.2", 0..1000),
        audit(AUDIT, 2000..2600),
    ]);
    check(
        "not collected",
        &without,
        &[(Info, "gap", "missing-serials")],
    );
}

#[test]
fn silence_against_a_rhythm() {
    use Severity::{Info, Low};
    let end = START + 14 * DAY;
    let (from, to) = (START + 9 * DAY + HOUR, START + 9 * DAY + 9 * HOUR);
    let silent = |file| {
        let times = every(10 * MINUTE, START, end).filter(move |at| !(from..to).contains(at));
        log(file, times)
    };
    let goes_on = || log(MESSAGES, every(10 * MINUTE, START, end));
    let lasting = join(vec![silent(SECURE), goes_on()]);
    check("others go on", &lasting, &[(Low, "gap", "silence")]);
    let found = &run(&lasting)[0];
    assert!(found.facts["p_value"].as_f64().expect("a chance") < 1e-3);
    assert_eq!(found.evidence.len(), 2, "before and after");
    check("all silent", &silent(SECURE), &[(Info, "gap", "silence")]);
    let off = join(vec![
        silent(SECURE),
        power(action::SHUTDOWN, from - 100, "utmp", "db-1/wtmp"),
    ]);
    check("the host was off", &off, &[(Info, "gap", "silence")]);
    assert!(run(&off)[0].text.contains("went down"));

    let short = every(10 * MINUTE, START, end).filter(|at| !(from..from + 2 * HOUR).contains(at));
    check("two hours", &join(vec![log(SECURE, short), goes_on()]), &[]);
    // Office hours: silent each night and at weekends.
    let office = every(10 * MINUTE, START, end).filter(|at| {
        let (day, hour) = ((at - START) / DAY, (at - START) % DAY / HOUR);
        (9..17).contains(&hour) && day % 7 < 5
    });
    check(
        "office hours",
        &join(vec![log(SECURE, office), goes_on()]),
        &[],
    );
    // A guesser who comes and goes.
    let bursts = every(2 * MINUTE, START, end).filter(|at| (at - START) / (20 * HOUR) % 2 == 0);
    check(
        "comes and goes",
        &join(vec![log(SECURE, bursts), goes_on()]),
        &[],
    );
    check(
        "a young log",
        &join(vec![log(SECURE, every(60, START, START + DAY)), goes_on()]),
        &[],
    );
}

#[test]
fn silence_between_rotated_files() {
    use Severity::{Info, Low};
    let week = |n: i64| START + n * 7 * DAY;
    let goes_on = log(MESSAGES, every(10 * MINUTE, START, week(4)));
    let file = |file, from, to| log(file, every(10 * MINUTE, from, to));
    let missing = join(vec![
        file("db-1/secure-20230308", week(0), week(1)),
        file("db-1/secure-20230322", week(2), week(3)),
        file(SECURE, week(3), week(4)),
        goes_on.clone(),
    ]);
    check("not collected", &missing, &[(Info, "gap", "silence")]);
    let younger = join(vec![
        file("db-1/secure-20230308", week(0), week(1)),
        file("db-1/secure-20230315", week(1), week(2)),
        file(SECURE, week(2) + 15 * HOUR, week(4)),
        goes_on.clone(),
    ]);
    check("younger", &younger, &[(Low, "truncated", "silence")]);
    let whole = join(vec![
        file("db-1/secure-20230308", week(0), week(1)),
        file(SECURE, week(1), week(4)),
        goes_on,
    ]);
    check("whole", &whole, &[]);
}

#[test]
fn a_rhythm_in_local_time_outlives_summer_time() {
    let zone = Tz::America__New_York;
    // From 2023-03-01 over 2023-03-12; the working hours of the zone alone, each day.
    let times = every(10 * MINUTE, START, START + 40 * DAY).filter(|at| {
        let offset = if *at < 1_678_604_400 { -5 } else { -4 };
        (6..22).contains(&((at / HOUR + offset).rem_euclid(24)))
    });
    let goes_on = log(MESSAGES, every(10 * MINUTE, START, START + 40 * DAY));
    let found = run_in(zone, &join(vec![log(SECURE, times), goes_on]));
    assert_eq!(found, []);
}

#[test]
fn commands() {
    use Severity::{Low, Medium};
    let history = |text| command(action::SHELL_COMMAND, None, 3, text);
    let cleared = [(Medium, "cleared", "clearing-command")];
    check("history", &history("history -c"), &cleared);
    check("wtmp", &history("cat /dev/null > /var/log/wtmp"), &cleared);
    check(
        "sudo",
        &command(action::SUDO, Some(START), 3, "/bin/rm -rf /var/log"),
        &cleared,
    );
    check(
        "script",
        &command(action::SCRIPT_COMMAND, None, 3, "unset HISTFILE"),
        &cleared,
    );
    check(
        "exec",
        &command(
            action::EXEC,
            Some(START),
            3,
            "ln -sf /dev/null /root/.bash_history",
        ),
        &cleared,
    );
    let stopped = [(Medium, "gap", "logging-stopped")];
    check("auditing", &history("auditctl -e 0"), &stopped);
    check("syslog", &history("systemctl stop rsyslog"), &stopped);
    let restarted = join(vec![
        history("systemctl stop rsyslog"),
        command(action::SHELL_COMMAND, None, 9, "systemctl start rsyslog"),
    ]);
    check(
        "started again",
        &restarted,
        &[(Low, "gap", "logging-stopped")],
    );
    check(
        "space",
        &history("> /var/log/messages"),
        &[(Low, "cleared", "clearing-command")],
    );
    for quiet in [
        "truncate -s 0 /var/lib/docker/containers/*/*-json.log",
        "journalctl --vacuum-time=14d",
        "find /var/log -name '*.gz' -mtime +30 -delete",
        "cat /var/log/secure | grep Accepted",
        "/usr/sbin/logrotate -f /etc/logrotate.conf",
        "> /var/log/nginx/error.log",
        "systemctl restart rsyslog",
    ] {
        check(quiet, &history(quiet), &[]);
    }
    let found = &run(&history("history -c"))[0];
    assert_eq!(found.subjects[0].value, "db-1/root_bash_history.txt");
    assert_eq!(found.first, None, "a history without stamps");
    assert_eq!(found.evidence[0].line, Some(3));
}

#[test]
fn the_same_command_told_twice_is_one_finding() {
    let rows = join(vec![
        command(action::SUDO, Some(START), 3, "/bin/rm -f /var/log/wtmp"),
        command(action::EXEC, Some(START), 8, "/bin/rm -f /var/log/wtmp"),
    ]);
    let found = run(&rows);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].evidence.len(), 2);
}

#[test]
fn zeroed_records() {
    use Severity::{Low, Medium};
    let (after, before) = (Some(START), Some(START + DAY));
    let wtmp = "db-1/wtmp";
    let wiped = zeroed(wtmp, after, before);
    check("wiped", &wiped, &[(Medium, "cleared", "zeroed-records")]);
    let found = &run(&wiped)[0];
    assert_eq!(
        (found.first, found.last),
        (Some(when(START).ts), Some(when(START + DAY).ts))
    );
    assert_eq!(found.evidence[0].offset, Some(384));
    let crash = join(vec![
        wiped.clone(),
        power(action::BOOT, START + DAY, "utmp", wtmp),
    ]);
    check("a crash", &crash, &[(Low, "cleared", "zeroed-records")]);
    let shut = join(vec![crash, power(action::SHUTDOWN, START, "utmp", wtmp)]);
    check(
        "no crash: it was shut down",
        &shut,
        &[(Medium, "cleared", "zeroed-records")],
    );
    check(
        "slots",
        &zeroed("db-1/utmp", after, before),
        &[(Low, "cleared", "zeroed-records")],
    );
}

fn listed(path: &str, at: i64, target: Option<&str>) -> Rows {
    let mut row = event(action::FILE_MODIFIED, Some(at), 5, path);
    row.path = Some(path.to_owned().into());
    let row = with(row, |to| {
        to.text_if("target", target);
    });
    vec![(row, "mtime-listing", "db-1/ls.txt", "db-1")]
}

#[test]
fn links_and_times_of_change() {
    use Severity::{Low, Medium};
    let null = Some("/dev/null");
    let linked = [(Medium, "cleared", "linked-to-null")];
    check(
        "history",
        &listed("/root/.bash_history", START, null),
        &linked,
    );
    check("lastlog", &listed("/var/log/lastlog", START, null), &linked);
    check(
        "hardening",
        &listed("/root/.mysql_history", START, null),
        &[],
    );
    check(
        "masked",
        &listed("/etc/systemd/system/x.service", START, null),
        &[],
    );
    check("no link", &listed("/root/.bash_history", START, None), &[]);

    let content = || log(SECURE, every(10 * MINUTE, START, START + DAY));
    let listing = |changed: i64, newest: i64| {
        join(vec![
            content(),
            listed("/var/log/secure", START + changed, None),
            listed("/var/log/messages", START + newest, None),
        ])
    };
    let early = [(Low, "time-reversal", "changed-before-content")];
    check("set back", &listing(2 * HOUR, 23 * HOUR), &early);
    check(
        "the listing is older than the rest",
        &listing(2 * HOUR, 2 * HOUR + 5),
        &[],
    );
    check("in time", &listing(DAY, DAY), &[]);
}

#[test]
fn steps_back() {
    use Severity::{Info, Low};
    let straight: Vec<i64> = every(MINUTE, START, START + DAY).collect();
    let mut put_in = straight.clone();
    put_in.splice(1000..1000, (0..5).map(|n| START + 3 * HOUR + n));
    check(
        "lines put in",
        &log(SECURE, put_in.clone()),
        &[(Low, "time-reversal", "step-back")],
    );
    let set = event(
        action::CLOCK_CHANGED,
        Some(START + 1000 * MINUTE),
        1,
        "time reset",
    );
    let set = vec![(set, "authlog", MESSAGES, "db-1")];
    let clock = join(vec![log(SECURE, put_in), set]);
    check(
        "the clock was set",
        &clock,
        &[(Info, "time-reversal", "step-back")],
    );
    let half = straight.len() / 2;
    let (older, newer) = straight.split_at(half);
    let joined = newer.iter().chain(older).copied();
    check(
        "put together",
        &log(SECURE, joined),
        &[(Info, "time-reversal", "step-back")],
    );
    let jitter = straight.iter().zip(0..).map(|(at, n)| at - n % 5 * MINUTE);
    check("writers side by side", &log(SECURE, jitter), &[]);
    let unordered = straight.iter().rev().copied();
    check("newest first", &log(SECURE, unordered), &[]);
    let mut booted = straight;
    booted.splice(700..700, [START, START + 1]);
    let booted = join(vec![
        log(SECURE, booted),
        power(action::BOOT, START + 700 * MINUTE, "utmp", "db-1/wtmp"),
    ]);
    check("a start with the battery's time", &booted, &[]);
}

#[test]
fn the_end_of_summer_time_is_no_step() {
    // 2023-11-05, New York: 01:59:59 EDT, then 01:00:00 EST read as EDT again.
    let change = 1_699_164_000;
    let times =
        every(MINUTE, change - DAY, change).chain(every(MINUTE, change - HOUR + 60, change + DAY));
    let rows = log(SECURE, times);
    assert_eq!(run_in(Tz::America__New_York, &rows), []);
    assert_eq!(
        run_in(Tz::Asia__Kolkata, &rows).len(),
        1,
        "elsewhere it is one"
    );
}

#[test]
fn two_signs_about_one_log_are_high() {
    use Severity::High;
    let end = START + 14 * DAY;
    let times = every(10 * MINUTE, START, end)
        .filter(|at| !(START + 9 * DAY..START + 9 * DAY + 9 * HOUR).contains(at));
    let rows = join(vec![
        log(SECURE, times),
        log(MESSAGES, every(10 * MINUTE, START, end)),
        command(
            action::SHELL_COMMAND,
            None,
            3,
            "sed -i /192.0.2.7/d /var/log/secure",
        ),
    ]);
    check(
        "edited and silent",
        &rows,
        &[
            (High, "cleared", "clearing-command"),
            (High, "gap", "silence"),
        ],
    );
    // The silence is of another log than the one that was cleared.
    let other = join(vec![
        rows.into_iter()
            .filter(|(_, format, ..)| *format != "shell-history")
            .collect(),
        command(action::SHELL_COMMAND, None, 3, "> /var/log/btmp"),
    ]);
    assert!(told(&other).iter().all(|(severity, ..)| *severity < High));
}

#[test]
fn order_of_rows_and_ids() {
    let mut rows = join(vec![
        audit(AUDIT, (0..1000).chain(1060..2000)),
        zeroed("db-1/wtmp", Some(START), None),
        command(action::SHELL_COMMAND, None, 3, "history -c"),
    ]);
    let before = run(&rows);
    rows.reverse();
    assert_eq!(run(&rows), before);
    let ids: std::collections::BTreeSet<&str> = before.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), before.len());
    assert_eq!(run(&Vec::new()), []);
}
