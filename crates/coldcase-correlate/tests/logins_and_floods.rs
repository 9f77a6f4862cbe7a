//! Logins and attempts: each correlator firing, quiet, and near the benign thing that looks alike.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod dataset;

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, Coverage, HostFacts};
use coldcase_model::{
    Attributes, Event, Findings, Precision, Severity, Timestamp, When, action, outcome,
};
use coldcase_timeline::Origin;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2023-03-01T00:00:00 in Shanghai.
const START: i64 = 1_677_600_000;

struct Login {
    at: i64,
    from: &'static str,
    user: &'static str,
    success: bool,
    method: &'static str,
    pid: i64,
}

fn login(at: i64, from: &'static str, user: &'static str, success: bool) -> Login {
    Login {
        at,
        from,
        user,
        success,
        method: "password",
        pid: at,
    }
}

fn event(login: &Login, line: u64) -> Event<'static> {
    let mut attributes = Attributes::new();
    attributes.text("method", login.method);
    let ts = Timestamp::from_seconds(login.at).expect("in range");
    Event {
        when: (login.at != 0).then(|| When::recorded(ts, Precision::S)),
        outcome: Some(if login.success {
            outcome::SUCCESS
        } else {
            outcome::FAILURE
        }),
        src_ip: Some(login.from.into()),
        src_port: Some(u16::try_from(login.pid % 60_000).expect("a port")),
        user: Some(login.user.into()),
        pid: Some(login.pid),
        attributes: attributes.finish().map(Into::into),
        message: Some(
            format!(
                "sshd: {} for {} from {}",
                login.success, login.user, login.from
            )
            .into(),
        ),
        line: Some(line),
        ..Event::new(action::SSH_LOGIN)
    }
}

fn run(events: &[Event<'static>], format: &str, only: &str) -> Findings {
    run_files(events, &["db/log"], format, only)
}

/// Likewise where each of these files says the same.
fn run_files(events: &[Event<'static>], files: &[&str], format: &str, only: &str) -> Findings {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for event in events {
            for file in files {
                batch.push(
                    event,
                    Origin {
                        host: Some("db"),
                        format,
                        file,
                    },
                );
            }
        }
    });
    let times: Vec<Timestamp> = events
        .iter()
        .filter_map(|event| event.when)
        .map(|when| when.ts)
        .collect();
    let span = times
        .iter()
        .min()
        .zip(times.iter().max())
        .map(|(first, last)| Coverage {
            host: Some("db".into()),
            format: format.into(),
            file: "db/log".into(),
            first: *first,
            last: *last,
        });
    let host = HostFacts {
        name: "db".into(),
        addresses: vec!["10.0.0.9".into()],
        zone: Tz::Asia__Shanghai,
    };
    let facts = CaseFacts {
        hosts: vec![host],
        zone: Tz::Asia__Shanghai,
        collected_at: None,
        indicators: Vec::new(),
        coverage: span.into_iter().collect(),
        skews: Vec::new(),
    };
    chinese::run(&timeline, &facts, &[only.to_owned()]).expect("runs")
}

fn logins(logins: &[Login], only: &str) -> Findings {
    let events: Vec<_> = logins
        .iter()
        .zip(1..)
        .map(|(login, line)| event(login, line))
        .collect();
    run(&events, "authlog", only)
}

/// Pattern and severity of the one finding, or nothing.
fn pattern(all: &[Login]) -> Option<(String, Severity)> {
    let found = logins(all, "ssh-auth").findings;
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|finding| {
        (
            finding.facts["pattern"]
                .as_str()
                .expect("a pattern")
                .to_owned(),
            finding.severity,
        )
    })
}

fn guesses(count: i64, from: &'static str) -> Vec<Login> {
    (0..count)
        .map(|index| login(START + index * 5, from, "root", false))
        .collect()
}

#[test]
fn a_guessed_password_is_told_from_noise_and_from_slips() {
    let mut broken = guesses(40, "192.0.2.1");
    broken.push(login(START + 300, "192.0.2.1", "root", true));
    assert_eq!(
        pattern(&broken),
        Some(("brute-force-success".into(), Severity::High))
    );

    assert_eq!(
        pattern(&guesses(4000, "192.0.2.1")),
        Some(("brute-force".into(), Severity::Low))
    );
    assert_eq!(
        pattern(&guesses(40, "10.0.0.7")),
        Some(("brute-force".into(), Severity::Medium))
    );

    // The same address lets somebody in by key: behind NAT that is somebody else.
    let mut by_key = guesses(40, "192.0.2.1");
    by_key.push(Login {
        method: "publickey",
        ..login(START + 300, "192.0.2.1", "ops", true)
    });
    assert_eq!(pattern(&by_key), None);

    // A person mistypes twice on one connection.
    let slip = |at: i64, success| Login {
        pid: 77,
        ..login(at, "10.0.0.7", "chen", success)
    };
    assert_eq!(
        pattern(&[
            slip(START, false),
            slip(START + 3, false),
            slip(START + 6, true)
        ]),
        None
    );
}

#[test]
fn what_two_logs_say_of_one_login_counts_once() {
    let events: Vec<_> = guesses(40, "10.0.0.7")
        .iter()
        .zip(1..)
        .map(|(login, line)| event(login, line))
        .collect();
    let found = run_files(
        &events,
        &["db/messages", "db/secure"],
        "authlog",
        "ssh-auth",
    )
    .findings;
    assert_eq!(found[0].facts["failures"], 40);
}

#[test]
fn a_spray_is_many_accounts_tried_a_few_times() {
    const USERS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let spray: Vec<_> = USERS
        .iter()
        .zip(0..)
        .map(|(user, at)| login(START + at, "192.0.2.1", user, false))
        .collect();
    assert_eq!(pattern(&spray), Some(("spray".into(), Severity::Low)));
}

#[test]
fn a_log_without_years_is_weighed_in_order_of_its_lines() {
    let mut all: Vec<Login> = (0..40)
        .map(|index| Login {
            pid: index,
            ..login(0, "192.0.2.1", "root", false)
        })
        .collect();
    all.push(Login {
        pid: 99,
        ..login(0, "192.0.2.1", "root", true)
    });
    let found = logins(&all, "ssh-auth").findings;
    assert_eq!(found[0].facts["pattern"], "brute-force-success");
    assert!(found[0].first.is_none() && found[0].facts["first"].is_null());
}

/// Every night several logins spread over hours; every third fails.
fn nightly(days: i64, from: &'static str, failing: bool) -> Vec<Login> {
    let one = |day: i64, turn: i64| {
        let at = START + day * DAY + turn * 1500 + (day * 97 + turn * 31) % 600;
        login(at, from, "root", !(failing && (day + turn) % 3 == 0))
    };
    (0..days)
        .flat_map(|day| (0..9).map(move |turn| one(day, turn)))
        .collect()
}

/// A person who works by day, so that the log covers all hours.
fn by_day(days: i64) -> Vec<Login> {
    (0..days * 12)
        .map(|turn| {
            login(
                START + turn * 2 * HOUR + turn % 7 * 300,
                "10.0.0.50",
                "chen",
                true,
            )
        })
        .collect()
}

#[test]
fn a_nightly_window_with_failures_is_high_and_a_backup_is_not() {
    let mut all = nightly(20, "10.0.0.41", true);
    all.extend(by_day(20));
    all.extend((0..20).map(|day| login(START + day * DAY + 2 * HOUR, "10.0.0.30", "backup", true)));
    all.sort_by_key(|login| login.at);
    let found = logins(&all, "periodic-window").findings;
    let of = |entity: &str| {
        found
            .iter()
            .find(|finding| finding.facts["entity"] == entity)
    };
    let night = of("10.0.0.41").expect("the nightly logins");
    assert_eq!(
        (night.severity, night.facts["days_active"].as_u64()),
        (Severity::High, Some(20))
    );
    assert_eq!(
        (&night.facts["window_start"], &night.facts["timezone"]),
        (&"00:00".into(), &"Asia/Shanghai".into())
    );
    assert_eq!(night.facts["events_in_window"], night.facts["events"]);
    assert!(of("10.0.0.30").expect("the backup").severity < Severity::Medium);
    assert!(of("10.0.0.50").is_none(), "all day is no window");
}

#[test]
fn hours_that_the_log_does_not_cover_make_no_window() {
    let found = logins(&nightly(3, "10.0.0.41", true), "periodic-window").findings;
    assert!(found.is_empty(), "three nights say nothing: {found:?}");
}

#[test]
fn a_beginning_after_the_log_s_own_is_told_with_what_changed() {
    let mut events: Vec<_> = by_day(10)
        .iter()
        .zip(1..)
        .map(|(login, line)| event(login, line))
        .collect();
    let first = START + 5 * DAY;
    events.extend((0..20).map(|turn| {
        event(
            &login(first + turn * 60, "10.0.0.41", "root", turn % 2 == 0),
            1000 + turn as u64,
        )
    }));
    let changed = |path: String, at: i64, line: u64| Event {
        when: Timestamp::from_seconds(at).map(|ts| When::recorded(ts, Precision::Min)),
        path: Some(path.into()),
        line: Some(line),
        ..Event::new(action::FILE_MODIFIED)
    };
    events.push(changed("/etc/cron.d/job".into(), first - HOUR, 5000));
    events.extend((0..60u64).map(|file| {
        changed(
            format!("/data/segments/{file}.log"),
            first - 60,
            5001 + file,
        )
    }));
    let found = run(&events, "authlog", "first-seen").findings;
    let told = found
        .iter()
        .find(|finding| finding.facts["entity"] == "10.0.0.41")
        .expect("the new source");
    assert_eq!(told.facts["count"], 20);
    assert_eq!(told.facts["nearby"][0]["value"], "/etc/cron.d/job");
    assert_eq!(told.facts["nearby"][0]["delta_seconds"], -HOUR);
    let old = found
        .iter()
        .find(|finding| finding.facts["entity"] == "10.0.0.50")
        .expect("the old source");
    assert!(old.text.contains("at or before"), "{}", old.text);
}

struct Sum {
    attempts: u64,
    completed: u64,
    peers: u64,
    ports: u64,
    peak: u64,
}

fn sum(address: &str, to: bool, sum: &Sum) -> Event<'static> {
    let ports: Vec<String> = (0..sum.ports.min(16))
        .map(|port| format!("[{},1]", 80 + port))
        .collect();
    let ports: serde_json::Value =
        serde_json::from_str(&format!("[{}]", ports.join(","))).expect("JSON");
    let mut attributes = Attributes::new();
    let peers = if to { "sources" } else { "destinations" };
    attributes
        .number("attempts", sum.attempts)
        .number("completed", sum.completed)
        .number(peers, sum.peers);
    attributes
        .number("port_count", sum.ports)
        .number("peak_per_second", sum.peak)
        .value("ports", &ports);
    attributes
        .number("single_attempt_sources", sum.peers)
        .value("source_entropy", &serde_json::json!(12.0));
    let ts = Timestamp::from_seconds(START).expect("in range");
    let mut event = Event::new(if to {
        action::TCP_ATTEMPTS_ON
    } else {
        action::TCP_ATTEMPTS
    });
    event.when = Some(When::recorded(ts, Precision::Us));
    event.ts_end = Some(ts.plus_seconds(600));
    event.attributes = attributes.finish().map(Into::into);
    event.offset = Some(24);
    let address = Some(address.to_owned().into());
    if to {
        event.dst_ip = address
    } else {
        event.src_ip = address
    }
    event
}

#[test]
fn floods_are_told_from_gateways_crawlers_and_scans() {
    let events = [
        sum(
            "10.0.0.9",
            false,
            &Sum {
                attempts: 15_000,
                completed: 60,
                peers: 14_000,
                ports: 2,
                peak: 500,
            },
        ),
        sum(
            "10.0.0.1",
            false,
            &Sum {
                attempts: 50_000,
                completed: 48_000,
                peers: 9_000,
                ports: 2,
                peak: 900,
            },
        ),
        sum(
            "192.0.2.200",
            false,
            &Sum {
                attempts: 254,
                completed: 32,
                peers: 254,
                ports: 1,
                peak: 30,
            },
        ),
        sum(
            "10.0.0.5",
            false,
            &Sum {
                attempts: 3_000,
                completed: 0,
                peers: 1,
                ports: 1,
                peak: 2,
            },
        ),
        sum(
            "10.0.0.8",
            true,
            &Sum {
                attempts: 90_000,
                completed: 10,
                peers: 88_000,
                ports: 1,
                peak: 4_000,
            },
        ),
        sum(
            "10.0.0.80",
            true,
            &Sum {
                attempts: 90_000,
                completed: 80_000,
                peers: 40_000,
                ports: 1,
                peak: 4_000,
            },
        ),
    ];
    let floods = run(&events, "pcap", "syn-flood").findings;
    let told: Vec<_> = floods
        .iter()
        .map(|one| {
            (
                one.facts["kind"].as_str(),
                one.facts["src_ip"].as_str(),
                one.severity,
            )
        })
        .collect();
    assert!(
        told.contains(&(Some("fan-out"), Some("10.0.0.9"), Severity::High)),
        "{told:?}"
    );
    assert!(
        told.contains(&(Some("spoofed-source"), None, Severity::High)),
        "{told:?}"
    );
    assert_eq!(told.len(), 2, "{told:?}");

    let scans = run(&events, "pcap", "scan").findings;
    let told: Vec<_> = scans
        .iter()
        .map(|one| {
            (
                one.facts["kind"].as_str(),
                one.facts["src_ip"].as_str(),
                one.severity,
            )
        })
        .collect();
    assert_eq!(
        told,
        [(Some("horizontal"), Some("192.0.2.200"), Severity::Low)]
    );
}
