//! Ends of containers: what explains that logins ended, what is odd, and what only looks like it.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod dataset;

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, Coverage, HostFacts};
use coldcase_model::{
    Attributes, Basis, Event, Finding, Precision, Severity, Timestamp, When, action, outcome,
};
use coldcase_timeline::Origin;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2023-03-01T00:00:00 in Shanghai.
const START: i64 = 1_677_600_000;
const NIGHTS: i64 = 20;
/// Noon after the night in which nothing came any more.
const COLLECTED: i64 = START + NIGHTS * DAY + 12 * HOUR;

fn when(at: i64) -> Option<When> {
    Timestamp::from_seconds(at).map(|ts| When::recorded(ts, Precision::S))
}

fn collected(at: i64) -> Option<When> {
    when(at).map(|when| When {
        basis: Basis::Collected,
        ..when
    })
}

/// Where a row is from.
#[derive(Clone, Copy)]
struct From {
    host: &'static str,
    format: &'static str,
}

const INSPECT: From = From {
    host: "node",
    format: "docker-inspect",
};
const PS: From = From {
    host: "node",
    format: "docker-ps",
};
const AUTH: From = From {
    host: "db",
    format: "authlog",
};
const AUDIT: From = From {
    host: "node",
    format: "auditd",
};
const SYSLOG: From = From {
    host: "node",
    format: "authlog",
};

type Rows = Vec<(From, Event<'static>)>;

/// Every night from midnight to four, a login every 20 minutes; every third fails.
fn nightly(source: &'static str) -> Rows {
    let mut rows = Vec::new();
    for night in 0..NIGHTS {
        for turn in 0..12 {
            let at = START + night * DAY + turn * 1200 + (night * 7 + turn * 31) % 90;
            let success = (night + turn) % 3 != 0;
            let event = Event {
                when: when(at),
                outcome: Some(if success {
                    outcome::SUCCESS
                } else {
                    outcome::FAILURE
                }),
                src_ip: Some(source.into()),
                src_port: Some(u16::try_from(1024 + at % 60_000).expect("a port")),
                user: Some("root".into()),
                pid: Some(at),
                ..Event::new(action::SSH_LOGIN)
            };
            rows.push((AUTH, event));
        }
    }
    rows
}

/// A container as `docker inspect` shows it. Times are seconds.
#[derive(Clone)]
struct Container {
    id: u64,
    name: String,
    image: &'static str,
    started: i64,
    finished: Option<i64>,
    code: i64,
    oom: bool,
    restarts: i64,
    created: Option<i64>,
}

fn container(id: u64, name: &str, started: i64, finished: Option<i64>) -> Container {
    Container {
        id,
        name: name.to_owned(),
        image: "registry/app:1",
        started,
        finished,
        code: 137,
        oom: false,
        restarts: 0,
        created: None,
    }
}

/// A container of a pod.
fn kubelet(
    id: u64,
    member: &str,
    pod: &str,
    attempt: u8,
    started: i64,
    finished: Option<i64>,
) -> Container {
    container(
        id,
        &format!("k8s_{member}_{pod}_prod_uid-{pod}_{attempt}"),
        started,
        finished,
    )
}

fn pod_of(name: &str) -> Option<String> {
    Some(name.strip_prefix("k8s_")?.split('_').nth(1)?.to_owned())
}

impl Container {
    fn id(&self) -> String {
        format!("{:012x}{:052x}", self.id + 0xab_c000_0000, self.id)
    }

    fn event(
        &self,
        action: &'static str,
        at: Option<When>,
        attributes: Attributes,
    ) -> Event<'static> {
        let pod = pod_of(&self.name);
        Event {
            when: at,
            container: Some(self.name.clone().into()),
            image: Some(self.image.into()),
            namespace: pod.is_some().then(|| "prod".into()),
            pod: pod.map(Into::into),
            attributes: attributes.finish().map(Into::into),
            line: Some(self.id * 100),
            message: Some(format!("{action} {}", self.name).into()),
            ..Event::new(action)
        }
    }

    fn rows(&self) -> Rows {
        let text = |at: i64| Timestamp::from_seconds(at).expect("in range").to_string();
        let id = |attributes: &mut Attributes| {
            attributes.text("id", &self.id());
        };
        let mut listed = Attributes::new();
        id(&mut listed);
        listed
            .number("restart_count", self.restarts)
            .text(
                "status",
                if self.finished.is_some() {
                    "exited"
                } else {
                    "running"
                },
            )
            .text("created", &text(self.created.unwrap_or(self.started - 1)))
            .text("started", &text(self.started));
        if let Some(finished) = self.finished {
            listed
                .text("finished", &text(finished))
                .number("exit_code", self.code)
                .flag("oom_killed", self.oom);
        }
        let mut rows = vec![(
            INSPECT,
            self.event(action::CONTAINER_LISTED, collected(COLLECTED), listed),
        )];
        let mut begun = Attributes::new();
        id(&mut begun);
        rows.push((
            INSPECT,
            self.event(action::CONTAINER_STARTED, when(self.started), begun),
        ));
        if let Some(finished) = self.finished {
            let mut ended = Attributes::new();
            id(&mut ended);
            ended
                .number("exit_code", self.code)
                .flag("oom_killed", self.oom);
            rows.push((
                INSPECT,
                self.event(action::CONTAINER_EXITED, when(finished), ended),
            ));
        }
        rows
    }

    /// As `docker ps -a` alone shows it: ages.
    fn ps(&self) -> Rows {
        let mut listed = Attributes::new();
        let unit = |age: i64| match age {
            ..HOUR => 60,
            HOUR..172_800 => HOUR,
            _ => DAY,
        };
        let age = COLLECTED - self.started;
        listed
            .text("id", &self.id()[..12])
            .text(
                "state",
                if self.finished.is_some() {
                    "exited"
                } else {
                    "running"
                },
            )
            .number("age_seconds", age - age % unit(age))
            .number("age_unit_seconds", unit(age));
        if let Some(finished) = self.finished {
            let age = COLLECTED - finished;
            listed
                .number("exit_code", self.code)
                .number("finished_age_seconds", age - age % unit(age))
                .number("finished_age_unit_seconds", unit(age));
        }
        vec![(
            PS,
            self.event(action::CONTAINER_LISTED, collected(COLLECTED), listed),
        )]
    }
}

fn find(rows: &[(From, Event<'static>)]) -> Vec<Finding> {
    find_with(rows, &["10.0.0.41"])
}

fn find_with(rows: &[(From, Event<'static>)], node: &[&str]) -> Vec<Finding> {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for ((from, event), line) in rows.iter().zip(1..) {
            let event = Event {
                line: Some(line),
                ..event.clone()
            };
            let file = format!("{}/{}", from.host, from.format);
            batch.push(
                &event,
                Origin {
                    host: Some(from.host),
                    format: from.format,
                    file: &file,
                },
            );
        }
    });
    let host = |name: &str, addresses: &[&str]| HostFacts {
        name: name.into(),
        addresses: addresses.iter().map(|one| (*one).to_owned()).collect(),
        zone: Tz::Asia__Shanghai,
    };
    let second = |at| Timestamp::from_seconds(at).expect("in range");
    let facts = CaseFacts {
        skews: Vec::new(),
        hosts: vec![host("db", &["10.0.0.9"]), host("node", node)],
        zone: Tz::Asia__Shanghai,
        collected_at: Some(second(COLLECTED)),
        indicators: Vec::new(),
        coverage: vec![Coverage {
            host: Some("db".into()),
            format: "authlog".into(),
            file: "db/authlog".into(),
            first: second(START - DAY),
            last: second(COLLECTED - 60),
        }],
    };
    let only = ["container-exit".to_owned()];
    chinese::run(&timeline, &facts, &only)
        .expect("runs")
        .findings
}

/// Name and severity of each finding, in order of names.
fn told(rows: &[(From, Event<'static>)]) -> Vec<(String, Severity)> {
    let mut told: Vec<_> = find(rows)
        .into_iter()
        .map(|one| {
            (
                one.facts["container"].as_str().expect("a name").to_owned(),
                one.severity,
            )
        })
        .collect();
    told.sort();
    told
}

/// Long before the first night, and the evening before the night in which nothing came.
const BEFORE: i64 = START - 20 * DAY;
const EVENING: i64 = START + NIGHTS * DAY - 13 * 60;

fn with_logins(containers: &[Container]) -> Rows {
    let mut rows = nightly("10.0.0.41");
    rows.extend(containers.iter().flat_map(Container::rows));
    rows
}

#[test]
fn what_ran_through_all_nights_and_ended_before_the_next_is_named() {
    let culprit = kubelet(
        1,
        "executor",
        "executor-6599af73c4-tccvx",
        0,
        BEFORE,
        Some(EVENING),
    );
    let bystander = kubelet(2, "shop", "shop-8b78ecde6-d2x7w", 0, BEFORE, None);
    let mut rows = with_logins(&[culprit.clone(), bystander]);
    let watch = Event {
        when: when(EVENING + 180),
        dst_ip: Some("10.0.0.3".into()),
        ..Event::new(action::CONNECT)
    };
    rows.push((AUDIT, watch));
    let found = find(&rows);
    assert_eq!(found.len(), 1, "{found:?}");
    let facts = &found[0].facts;
    assert_eq!(found[0].severity, Severity::Medium);
    assert_eq!(facts["container"], culprit.name);
    assert_eq!(facts["pod"], "prod/executor-6599af73c4-tccvx");
    assert_eq!(facts["exit_code"], 137);
    assert_eq!(facts["started_at"], "2023-02-08T16:00:00Z");
    assert_eq!(facts["finished_at"], "2023-03-20T15:47:00Z");
    assert_eq!(facts["explains"][0]["src_ip"], "10.0.0.41");
    let why = facts["why"].as_str().expect("words");
    assert!(
        why.contains("only from 2023-03-20T15:50:00Z on, after its end"),
        "{why}"
    );
}

#[test]
fn near_misses_are_not_named() {
    let shop = |attempt, from, to| {
        kubelet(
            u64::from(attempt) + 5,
            "shop",
            "shop-8b78ecde6-d2x7w",
            attempt,
            from,
            to,
        )
    };
    let cases: &[(&str, &[Container])] = &[
        (
            "ended nights before the last",
            &[Container {
                code: 0,
                ..kubelet(1, "a", "a-0", 0, BEFORE, Some(START + 9 * DAY + 12 * HOUR))
            }],
        ),
        (
            "was created that evening",
            &[Container {
                code: 0,
                ..kubelet(1, "a", "a-0", 0, EVENING - 400, Some(EVENING))
            }],
        ),
        (
            "outlived the night that was due",
            &[Container {
                code: 0,
                ..kubelet(
                    1,
                    "a",
                    "a-0",
                    0,
                    BEFORE,
                    Some(START + NIGHTS * DAY + 2 * HOUR),
                )
            }],
        ),
        ("still runs", &[kubelet(1, "a", "a-0", 0, BEFORE, None)]),
        (
            "is a pause container",
            &[kubelet(1, "POD", "a-0", 0, BEFORE, Some(EVENING))],
        ),
        (
            "its next attempt runs",
            &[
                shop(0, BEFORE, Some(EVENING - HOUR)),
                shop(1, EVENING - HOUR + 5, None),
            ],
        ),
        (
            "a rollout put another in its place",
            &[
                shop(0, BEFORE, Some(EVENING - HOUR)),
                kubelet(
                    9,
                    "shop",
                    "shop-7c0ffee11a-qq7vz",
                    0,
                    EVENING - HOUR - 20,
                    None,
                ),
            ],
        ),
        (
            "a replica runs on",
            &[
                Container {
                    code: 143,
                    ..shop(0, BEFORE, Some(EVENING - HOUR))
                },
                kubelet(9, "shop", "shop-8b78ecde6-zzz7w", 0, BEFORE, None),
            ],
        ),
    ];
    for (what, containers) in cases {
        let found = told(&with_logins(containers));
        assert!(found.is_empty(), "{what}: {found:?}");
    }
}

#[test]
fn one_that_another_image_replaced_is_low() {
    let old = kubelet(1, "shop", "shop-8b78ecde6-d2x7w", 0, BEFORE, Some(EVENING));
    let new = Container {
        image: "registry/app:2",
        ..kubelet(2, "shop", "shop-7c0ffee11a-qq7vz", 0, EVENING, None)
    };
    let found = told(&with_logins(&[old.clone(), new]));
    assert_eq!(found, [(old.name, Severity::Low)]);
}

#[test]
fn a_host_that_went_down_names_nobody() {
    let all: Vec<Container> = (1..9)
        .map(|id| container(id, &format!("service{id}x"), BEFORE, Some(EVENING)))
        .collect();
    let found = told(&with_logins(&all));
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|(_, severity)| *severity == Severity::Low),
        "{found:?}"
    );
}

#[test]
fn without_suspicious_logins_or_elsewhere_a_stop_is_nothing() {
    let stopped = Container {
        code: 143,
        ..container(1, "executor", BEFORE, Some(EVENING))
    };
    assert!(told(&stopped.rows()).is_empty());
    // The logins come from an address of another host.
    let mut rows = nightly("10.0.0.77");
    rows.extend(stopped.rows());
    let host_of_77 = find_with(&rows, &["10.0.0.41"]);
    let low = host_of_77.iter().all(|one| {
        one.facts["why"]
            .as_str()
            .is_some_and(|why| why.contains("whose address"))
    });
    assert!(low, "only as an assumption: {host_of_77:?}");
}

#[test]
fn ages_of_a_listing_are_enough_where_they_are_exact_enough() {
    // "Exited (137) 12 hours ago": between 11 and 13 hours, so about midnight.
    let culprit = container(1, "executor", BEFORE, Some(EVENING));
    let mut rows = nightly("10.0.0.41");
    rows.extend(culprit.ps());
    let found = find(&rows);
    assert_eq!(
        (found.len(), found[0].severity),
        (1, Severity::Medium),
        "{found:?}"
    );
    assert!(
        found[0].facts["finished_at"].is_null(),
        "an age is no moment"
    );
    assert_eq!(found[0].facts["exit_code"], 137);
    // "Exited (137) 3 days ago" may be before the last night.
    let coarse = container(1, "executor", BEFORE, Some(COLLECTED - 3 * DAY - 60));
    let mut rows = nightly("10.0.0.41");
    rows.extend(coarse.ps());
    assert!(
        told(&rows)
            .iter()
            .all(|(_, severity)| *severity == Severity::Low)
    );
}

#[test]
fn a_second_attempt_counts_with_the_first() {
    let pod = "executor-6599af73c4-tccvx";
    let first = kubelet(
        1,
        "executor",
        pod,
        0,
        BEFORE,
        Some(START + 5 * DAY + 12 * HOUR),
    );
    let second = kubelet(
        2,
        "executor",
        pod,
        1,
        START + 5 * DAY + 12 * HOUR + 10,
        Some(EVENING),
    );
    let found = told(&with_logins(&[first, second.clone()]));
    assert_eq!(found, [(second.name, Severity::Medium)]);
}

fn oddity(container: &Container) -> Option<(Severity, String)> {
    let found = find(&container.rows());
    found.first().map(|one| {
        (
            one.severity,
            one.facts["reasons"][0]
                .as_str()
                .expect("a reason")
                .to_owned(),
        )
    })
}

#[test]
fn odd_ends_are_low_and_ordinary_ones_nothing() {
    let base = || container(1, "job", COLLECTED - 5 * HOUR, Some(COLLECTED - 3 * HOUR));
    let check = |what: &str, one: Container, expected: Option<&str>| {
        let expected = expected.map(|reason| (Severity::Low, reason.to_owned()));
        assert_eq!(oddity(&one), expected, "{what}");
    };
    check(
        "killed for memory",
        Container {
            oom: true,
            ..base()
        },
        Some("oom-killed"),
    );
    check(
        "failed",
        Container { code: 1, ..base() },
        Some("no-next-attempt"),
    );
    check("killed", base(), Some("no-next-attempt"));
    check("done", Container { code: 0, ..base() }, None);
    check(
        "stopped",
        Container {
            code: 143,
            ..base()
        },
        None,
    );
    check(
        "long ago",
        container(1, "job", COLLECTED - 90 * DAY, Some(COLLECTED - 80 * DAY)),
        None,
    );
    let short = Container {
        created: Some(COLLECTED - DAY),
        ..container(1, "job", COLLECTED - HOUR, Some(COLLECTED - HOUR + 7))
    };
    check("seconds after a later start", short, Some("restart-loop"));
}

#[test]
fn ends_in_the_engine_s_log_make_a_loop() {
    let app = Container {
        created: Some(COLLECTED - 3 * HOUR),
        ..container(1, "app", COLLECTED - HOUR, Some(COLLECTED - HOUR + 8))
    };
    let mut rows = app.rows();
    for minutes in [20, 12, 6] {
        let mut attributes = Attributes::new();
        attributes
            .text("program", "dockerd")
            .text("msg", "ignoring event")
            .text("container_id", &app.id());
        rows.push((
            SYSLOG,
            Event {
                when: when(COLLECTED - HOUR - minutes * 60),
                message: Some("dockerd: level=info msg=\"ignoring event\"".into()),
                attributes: attributes.finish().map(Into::into),
                ..Event::new(action::LOG)
            },
        ));
    }
    let found = find(&rows);
    assert_eq!(found.len(), 1, "{found:?}");
    let why = found[0].facts["why"].as_str().expect("words");
    assert!(
        why.contains("8.0 s after its start, 4 ends within 20 min"),
        "{why}"
    );
    assert_eq!(found[0].severity, Severity::Low);
}

#[test]
fn many_that_fail_alike_are_told_once() {
    let all: Vec<Container> = (1..40)
        .map(|id| Container {
            code: 1,
            ..container(
                id,
                &format!("runner{id}x"),
                COLLECTED - 9 * HOUR,
                Some(COLLECTED - HOUR * 8 + i64::try_from(id).expect("small") * 200),
            )
        })
        .collect();
    let rows: Rows = all.iter().flat_map(Container::rows).collect();
    let found = find(&rows);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].facts["alike"], 39);
}
