//! Causes of login series: matched, missed for good reason, and near misses.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
#![allow(clippy::cast_precision_loss, reason = "seconds of tests are small")]

mod chinese;
mod dataset;

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, Coverage, HostFacts};
use coldcase_model::{
    Basis, Event, Finding, Findings, Precision, Severity, Timestamp, When, action, outcome,
};
use coldcase_timeline::Origin;
use serde_json::Value;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2024-03-01T00:00:00Z.
const START: i64 = 1_709_251_200;

/// A row, with where it is from.
#[derive(Clone)]
struct Row {
    event: Event<'static>,
    host: &'static str,
    format: &'static str,
    file: String,
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % below
    }
}

/// Moments in nanoseconds: `a_night` of each of so many nights, between midnight and four.
fn nights(days: i64, a_night: i64, seed: u64) -> Vec<i64> {
    let mut dice = Dice(seed);
    let mut times: Vec<i64> = (0..days)
        .flat_map(|day| {
            let times: Vec<i64> = (0..a_night)
                .map(|_| (START + day * DAY) * SECOND + dice.roll(4 * HOUR * 1000) * 1_000_000)
                .collect();
            times
        })
        .collect();
    times.sort_unstable();
    times
}

fn row(
    action: &'static str,
    ts: i64,
    host: &'static str,
    format: &'static str,
    file: &str,
    line: usize,
) -> Row {
    let precision = if ts % SECOND == 0 {
        Precision::S
    } else {
        Precision::Ms
    };
    let event = Event {
        when: Some(When::recorded(Timestamp(ts), precision)),
        line: Some(u64::try_from(line).expect("small") + 1),
        ..Event::new(action)
    };
    Row {
        event,
        host,
        format,
        file: file.to_owned(),
    }
}

/// A login at `db`, its time cut to the second, in a log whose zone was assumed.
fn login(ts: i64, from: &'static str, success: bool, line: usize) -> Row {
    let cut = ts.div_euclid(SECOND) * SECOND;
    let mut row = row(action::SSH_LOGIN, cut, "db", "authlog", "db/secure", line);
    row.event.when = Some(When {
        basis: Basis::ZoneAssumed,
        ..When::recorded(Timestamp(cut), Precision::S)
    });
    row.event.outcome = Some(if success {
        outcome::SUCCESS
    } else {
        outcome::FAILURE
    });
    row.event.src_ip = Some(from.into());
    row.event.src_port = Some(u16::try_from(1024 + line % 60_000).expect("a port"));
    row.event.user = Some("root".into());
    row.event.pid = Some(i64::try_from(line).expect("small") + 1000);
    row.event.message = Some(format!("sshd: password for root from {from}").into());
    row
}

/// A line in a container's log.
fn line(ts: i64, container: &'static str, message: String, line: usize) -> Row {
    let mut row = row(
        action::LOG,
        ts,
        "node",
        "container-log",
        &format!("node/{container}.log"),
        line,
    );
    row.event.container = Some(container.into());
    row.event.message = Some(message.into());
    row
}

/// Logins after these moments by a lag of 0.2 to 1.6 s and `more`; every third fails.
fn logins(causes: &[i64], more: i64) -> Vec<Row> {
    let mut dice = Dice(7);
    let made = causes.iter().enumerate().map(|(at, cause)| {
        let lag = (200 + dice.roll(1400)) * 1_000_000;
        login(cause + lag + more * SECOND, "10.0.0.4", at % 3 != 0, at)
    });
    made.collect()
}

/// Lines of a dispatcher that names its target.
fn dispatches(times: &[i64], container: &'static str, target: &str) -> Vec<Row> {
    let users = ["root", "ops"];
    let lines = times.iter().enumerate().map(|(at, ts)| {
        let (user, thread) = (users[at % 2], at % 8);
        let message = format!("INFO [dispatch-{thread}] Dispatcher: dispatch task={at} target={target}:22 user={user} cmd=\"check {at}\"");
        line(*ts, container, message, at)
    });
    lines.collect()
}

/// What lies beside: a sync every ten minutes, a log that writes all night, a report each night that names the target.
fn decoys(days: i64) -> Vec<Row> {
    let mut dice = Dice(99);
    let mut rows = Vec::new();
    for at in 0..days * 144 {
        let ts = (START + at * 600 + 5) * SECOND + dice.roll(900) * 1_000_000;
        rows.push(line(
            ts,
            "config-sync",
            format!("sync done peer=10.0.0.{} took={at}ms", at % 9),
            rows.len(),
        ));
    }
    for at in 0..days * 300 {
        let (day, slot) = (at / 300, at % 300);
        let ts = (START + day * DAY + slot * 50) * SECOND + dice.roll(50_000) * 1_000_000;
        rows.push(line(
            ts,
            "chatty",
            format!("GET /health 200 {at}"),
            rows.len(),
        ));
    }
    for at in 0..days * 24 {
        let (day, part) = (at / 24, at % 24);
        let ts = (START + day * DAY + part * 600 + 30) * SECOND + dice.roll(900) * 1_000_000;
        rows.push(line(
            ts,
            "report",
            format!("part {part}: SELECT on 10.0.0.9:3306 rows={at}"),
            rows.len(),
        ));
    }
    rows
}

fn facts(rows: &[Row], zone: Tz) -> CaseFacts {
    let host = |name: &str, address: &str| HostFacts {
        name: name.to_owned(),
        addresses: vec![address.to_owned()],
        zone,
    };
    let times = || {
        rows.iter()
            .filter(|row| row.host == "db")
            .filter_map(|row| row.event.when)
    };
    let day = Timestamp::from_seconds(START + 200 * DAY).expect("in range");
    let coverage = times().map(|when| when.ts).min().map(|first| Coverage {
        host: Some("db".into()),
        format: "authlog".into(),
        file: "db/secure".into(),
        first: Timestamp(first.nanos() - DAY * SECOND),
        last: day,
    });
    CaseFacts {
        hosts: vec![host("db", "10.0.0.9"), host("node", "10.0.0.4")],
        zone,
        collected_at: None,
        indicators: Vec::new(),
        coverage: coverage.into_iter().collect(),
        skews: Vec::new(),
    }
}

fn run_with(rows: &[Row], facts: &CaseFacts, only: &[&str]) -> Findings {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for row in rows {
            let origin = Origin {
                host: Some(row.host),
                format: row.format,
                file: &row.file,
            };
            batch.push(&row.event, origin);
        }
    });
    let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
    chinese::run(&timeline, facts, &only).expect("runs")
}

fn matches(parts: &[Vec<Row>]) -> Vec<Finding> {
    let rows: Vec<Row> = parts.concat();
    run_with(&rows, &facts(&rows, Tz::UTC), &["series-match"]).findings
}

fn value<'a>(finding: &'a Finding, fact: &str) -> &'a Value {
    finding.facts.get(fact).unwrap_or(&Value::Null)
}

fn cause(finding: &Finding) -> (&str, &str) {
    let cause = value(finding, "cause");
    (
        cause["type"].as_str().expect("a type"),
        cause["value"].as_str().expect("a name"),
    )
}

fn number(finding: &Finding, fact: &str) -> f64 {
    value(finding, fact).as_f64().unwrap_or(f64::NAN)
}

#[test]
fn a_dispatcher_is_found_among_decoys() {
    let times = nights(20, 10, 1);
    let elsewhere = nights(20, 2, 2);
    let other = dispatches(&elsewhere, "runner", "10.0.0.77");
    let found = matches(&[
        logins(&times, 0),
        dispatches(&times, "runner", "10.0.0.9"),
        other,
        decoys(20),
    ]);
    assert_eq!(found.len(), 1, "{found:#?}");
    let found = &found[0];
    assert_eq!(found.severity, Severity::High, "{found:#?}");
    assert_eq!(cause(found), ("container", "runner"));
    assert_eq!(value(found, "effect")["events"], 200);
    assert_eq!(value(found, "matched"), 200);
    assert_eq!(
        (number(found, "precision"), number(found, "recall")),
        (1.0, 1.0)
    );
    assert_eq!(value(found, "other_targets"), 40);
    assert!(
        (number(found, "lag_seconds") - 0.9).abs() < 0.4,
        "{found:#?}"
    );
    assert!(number(found, "p_value") < 1e-6 && number(found, "p_value") > 0.0);
    assert_eq!(found.evidence.len(), 20);
    for pair in found.evidence.chunks(2) {
        assert!(
            pair[0].text.contains("dispatch task") && pair[1].text.contains("password"),
            "{pair:?}"
        );
    }
}

#[test]
fn decoys_alone_explain_nothing() {
    let found = matches(&[logins(&nights(20, 10, 1), 0), decoys(20)]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn clocks_and_zones_that_are_off() {
    let times = nights(20, 10, 1);
    for (what, off, zone, lag) in [
        ("a clock three minutes fast", 180, 0, 181.0),
        ("a clock two minutes slow", -120, 0, -119.0),
        ("eight hours", 8 * HOUR, 8 * HOUR, 0.9),
        ("five and a half", 5 * HOUR + 1800, 5 * HOUR + 1800, 0.9),
        (
            "five and three quarters, the other way",
            -5 * HOUR - 2700,
            -5 * HOUR - 2700,
            0.9,
        ),
        ("a zone, and half a minute", -3 * HOUR + 30, -3 * HOUR, 30.9),
    ] {
        let found = matches(&[
            logins(&times, off),
            dispatches(&times, "runner", "10.0.0.9"),
            decoys(20),
        ]);
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(value(&found[0], "matched"), 200, "{what}");
        assert_eq!(value(&found[0], "zone_error_seconds"), zone, "{what}");
        assert!(
            (number(&found[0], "lag_seconds") - lag).abs() < 0.5,
            "{what}: {found:#?}"
        );
        assert_eq!(found[0].text.contains("another zone"), zone != 0, "{what}");
    }
}

#[test]
fn recorded_times_know_no_zone_errors() {
    let times = nights(20, 10, 1);
    let mut effect = logins(&times, 8 * HOUR);
    for row in &mut effect {
        let when = row.event.when.expect("dated");
        row.event.when = Some(When {
            basis: Basis::Recorded,
            ..when
        });
    }
    let found = matches(&[effect, dispatches(&times, "runner", "10.0.0.9")]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn one_log_changed_to_summer_time_alone() {
    let times = nights(20, 10, 1);
    let mut effect = logins(&times[..120], 0);
    effect.extend(logins(&times, HOUR).split_off(120));
    let found = matches(&[effect, dispatches(&times, "runner", "10.0.0.9")]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(number(&found[0], "matched") >= 198.0, "{found:#?}");
    assert!(
        (number(&found[0], "lag_seconds") - 0.9).abs() < 0.6,
        "{found:#?}"
    );
    assert!(found[0].text.contains("summer time"), "{found:#?}");
}

#[test]
fn what_stays_unexplained_is_counted() {
    let times = nights(20, 10, 1);
    let mut effect = logins(&times, 0);
    for (at, ts) in nights(20, 1, 5).into_iter().enumerate() {
        effect.push(login(ts, "10.0.0.4", true, 900 + at));
    }
    let mut cause = dispatches(&times, "runner", "10.0.0.9");
    cause.extend(dispatches(&nights(20, 2, 6), "runner", "10.0.0.9"));
    let found = matches(&[effect, cause]);
    let found = &found[0];
    assert_eq!(value(found, "effect")["events"], 220);
    let missed = number(found, "matched");
    assert!((200.0..204.0).contains(&missed), "{found:#?}");
    assert_eq!(
        value(found, "unmatched_effect")["count"].as_f64(),
        Some(220.0 - missed)
    );
    assert_eq!(
        value(found, "unmatched_cause")["count"].as_f64(),
        Some(240.0 - missed)
    );
    assert!(
        value(found, "unmatched_effect")["samples"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
}

#[test]
fn a_line_that_names_no_target_and_varies_in_a_word() {
    let times = nights(20, 10, 1);
    let jobs = ["disk", "memory", "backup", "users", "packages"];
    let lines = times.iter().enumerate().map(|(at, ts)| {
        line(
            *ts,
            "runner",
            format!("worker {at} starts check {} now", jobs[at % 5]),
            at,
        )
    });
    let found = matches(&[logins(&times, 0), lines.collect(), decoys(20)]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (cause(&found[0]).1, value(&found[0], "matched")),
        ("runner", &Value::from(200))
    );
    assert_eq!(value(&found[0], "names_target"), false);
}

#[test]
fn two_logs_that_match_alike_are_rivals() {
    let times = nights(20, 10, 1);
    let beside: Vec<i64> = times.iter().map(|ts| ts - 300_000_000).collect();
    let rows = [
        logins(&times, 0),
        dispatches(&times, "runner", "10.0.0.9"),
        dispatches(&beside, "proxy", "10.0.0.9"),
    ];
    let mut found = matches(&rows);
    found.sort_by_key(|one| cause(one).1.to_owned());
    let names: Vec<&str> = found.iter().map(|one| cause(one).1).collect();
    assert_eq!(names, ["proxy", "runner"]);
    for one in &found {
        assert_eq!(
            (one.severity, value(one, "fits_alone")),
            (Severity::Medium, &Value::from(false))
        );
    }
    let rows = rows.concat();
    let all = run_with(&rows, &facts(&rows, Tz::UTC), &["series-match", "ssh-auth"]);
    let conclusion = &all.conclusions[0];
    assert_eq!(
        conclusion.answer.kind,
        coldcase_model::ObservableType::Unknown
    );
    assert_eq!(conclusion.candidates.len(), 2, "{conclusion:#?}");
}

#[test]
fn a_log_collected_twice_is_one() {
    let times = nights(20, 10, 1);
    let cause = dispatches(&times, "runner", "10.0.0.9");
    let again: Vec<Row> = cause
        .iter()
        .map(|row| {
            let mut copy = row.clone();
            copy.event.container = None;
            copy.file = "node/all.txt".to_owned();
            copy.format = "app-log";
            copy
        })
        .collect();
    let twice: Vec<Row> = cause
        .iter()
        .map(|row| Row {
            file: "node/runner.log.1".to_owned(),
            ..row.clone()
        })
        .collect();
    for (what, copy) in [("of an unknown container", again), ("of the same", twice)] {
        let found = matches(&[logins(&times, 0), cause.clone(), copy]);
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(cause_events(&found[0]), ("runner", 200), "{what}");
        assert_eq!(found[0].severity, Severity::High, "{what}");
    }
}

fn cause_events(finding: &Finding) -> (&str, u64) {
    let cause = value(finding, "cause");
    (
        cause["value"].as_str().expect("a name"),
        cause["events"].as_u64().expect("a number"),
    )
}

#[test]
fn processes_and_jobs_of_the_host() {
    let times = nights(20, 10, 1);
    let connects = times.iter().enumerate().map(|(at, ts)| {
        let mut row = row(action::CONNECT, *ts, "node", "auditd", "node/audit.log", at);
        row.event.dst_ip = Some("10.0.0.9".into());
        row.event.dst_port = Some(22);
        row.event.pid = Some(4321);
        row.event.attributes = Some(r#"{"comm":"java"}"#.into());
        row.event.message = Some("connect 10.0.0.9:22".into());
        row
    });
    let runs = times.iter().enumerate().map(|(at, ts)| {
        let mut row = row(action::EXEC, *ts, "node", "auditd", "node/audit.log", at);
        row.event.exe = Some("/usr/bin/ssh".into());
        row.event.command = Some(format!("ssh -o BatchMode=yes root@10.0.0.9 check {at}").into());
        row.event.pid = Some(i64::try_from(at).expect("small") + 5000);
        row.event.attributes = Some(r#"{"comm":"ssh"}"#.into());
        row
    });
    for (what, rows, expected) in [
        (
            "connections of one process",
            connects.collect::<Vec<Row>>(),
            "java[4321]",
        ),
        ("executions", runs.collect(), "ssh"),
    ] {
        let found = matches(&[logins(&times, 0), rows, decoys(20)]);
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(cause(&found[0]), ("process", expected), "{what}");
        assert_eq!(value(&found[0], "matched"), 200, "{what}");
        assert_eq!(found[0].severity, Severity::High, "{what}");
    }
}

/// Runs of cron each night at these minutes past midnight, and logins two seconds after.
fn scheduled(
    days: i64,
    minutes: &[i64],
    command: &'static str,
    fail: bool,
) -> (Vec<Row>, Vec<Row>) {
    let (mut runs, mut effect) = (Vec::new(), Vec::new());
    for (at, (day, minute)) in (0..days)
        .flat_map(|day| minutes.iter().map(move |m| (day, m)))
        .enumerate()
    {
        let ts = (START + day * DAY + minute * 60 + 1) * SECOND;
        let mut run = row(action::CRON_RUN, ts, "node", "authlog", "node/cron", at);
        run.event.command = Some(command.into());
        run.event.user = Some("root".into());
        run.event.message = Some(format!("CROND: (root) CMD ({command})").into());
        runs.push(run);
        effect.push(login(ts + 2 * SECOND, "10.0.0.4", !fail || at % 3 != 0, at));
    }
    (runs, effect)
}

#[test]
fn a_schedule_is_no_proof_and_no_alarm() {
    let twenty: Vec<i64> = (0..12).map(|step| step * 20).collect();
    for (what, minutes, command, fail, expected) in [
        (
            "the backup at two",
            vec![120],
            "/usr/bin/rsync -a /data backup@db:/srv",
            false,
            Some(Severity::Info),
        ),
        (
            "a job that says nothing of logins",
            vec![120],
            "/opt/report.sh",
            false,
            None,
        ),
        (
            "a job that fails, by its command",
            twenty.clone(),
            "ssh root@10.0.0.9 /opt/check.sh",
            true,
            Some(Severity::Medium),
        ),
        (
            "a job that fails, unnamed",
            twenty,
            "/opt/check.sh",
            true,
            None,
        ),
    ] {
        let (runs, effect) = scheduled(30, &minutes, command, fail);
        let found = matches(&[runs, effect]);
        let severities: Vec<Severity> = found.iter().map(|one| one.severity).collect();
        assert_eq!(
            severities,
            expected.into_iter().collect::<Vec<_>>(),
            "{what}: {found:#?}"
        );
        for one in &found {
            assert!(number(one, "p_value") > 1e-4, "{what}: {one:#?}");
        }
    }
}

#[test]
fn a_dispatcher_that_only_succeeds_is_noted() {
    let times = nights(20, 10, 1);
    let effect: Vec<Row> = times
        .iter()
        .enumerate()
        .map(|(at, ts)| login(ts + SECOND, "10.0.0.4", true, at))
        .collect();
    let rows = [effect, dispatches(&times, "ansible", "db")].concat();
    let all = run_with(
        &rows,
        &facts(&rows, Tz::UTC),
        &["series-match", "ssh-auth", "periodic-window"],
    );
    let found: Vec<&Finding> = all
        .findings
        .iter()
        .filter(|one| one.correlator == "series-match")
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Info, "{found:#?}");
    assert!(all.conclusions.is_empty(), "{:#?}", all.conclusions);
}

#[test]
fn a_cause_on_another_host_than_the_sources_is_none() {
    let times = nights(20, 10, 1);
    let mut cause = dispatches(&times, "runner", "10.0.0.9");
    for row in &mut cause {
        row.host = "elsewhere";
    }
    let found = matches(&[logins(&times, 0), cause, decoys(20)]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn on_one_host_nothing_comes_before_its_cause() {
    let times = nights(20, 10, 1);
    let after: Vec<i64> = times.iter().map(|ts| ts + 30 * SECOND).collect();
    let mut effect = logins(&times, 0);
    for row in &mut effect {
        row.event.src_ip = Some("127.0.0.1".into());
    }
    let mut cause = dispatches(&after, "watcher", "10.0.0.9");
    for row in &mut cause {
        row.host = "db";
    }
    let found = matches(&[effect, cause]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn rows_in_any_order_give_the_same() {
    let times = nights(12, 10, 1);
    let rows = [
        logins(&times, 0),
        dispatches(&times, "runner", "10.0.0.9"),
        decoys(12),
    ]
    .concat();
    let facts = facts(&rows, Tz::UTC);
    let ids = ["series-match", "ssh-auth", "periodic-window"];
    let one = run_with(&rows, &facts, &ids);
    let turned: Vec<Row> = rows.iter().rev().cloned().collect();
    assert_eq!(one, run_with(&turned, &facts, &ids));
    assert_eq!(one.conclusions[0].answer.value, "runner");
    assert_eq!(one.conclusions[0].candidates, []);
}

#[test]
fn conclusions_reconcile_counts() {
    let times = nights(20, 10, 1);
    let other = dispatches(&nights(20, 2, 2), "runner", "10.0.0.77");
    let rows = [
        logins(&times, 0),
        dispatches(&times, "runner", "10.0.0.9"),
        other,
    ]
    .concat();
    let facts = facts(&rows, Tz::UTC);
    let all = run_with(
        &rows,
        &facts,
        &["series-match", "ssh-auth", "periodic-window"],
    );
    assert_eq!(all.conclusions.len(), 1);
    let conclusion = &all.conclusions[0];
    assert_eq!(conclusion.kind, "login-cause");
    assert_eq!(
        conclusion.question,
        "what caused the ssh logins from 10.0.0.4"
    );
    assert!(
        (0.9..=0.97).contains(&conclusion.confidence),
        "{conclusion:#?}"
    );
    for said in [
        "200 of 200 logins",
        "40 more records",
        "there is no audit log of node",
        "docker inspect",
    ] {
        assert!(
            conclusion.text.contains(said),
            "{said}: {}",
            conclusion.text
        );
    }
    assert_eq!(conclusion.because.len(), 3, "{conclusion:#?}");
}
