//! Who held an address, and when.

mod timeline;

use coldcase_correlate::{Fit, Identities, Resolution};

use timeline::{Row, at, container, facts, lease, node, pod};

const IP: &str = "10.1.1.7";
const HOUR: i64 = 3_600;

fn identities(rows: &[Row]) -> Identities {
    let (_folder, timeline) = timeline::timeline(rows);
    Identities::from(&timeline, &facts(&[], &[("bastion", "10.9.0.9")])).expect("reads")
}

/// `holder fit`, or `? candidate, candidate`.
fn said(found: &Resolution) -> String {
    match &found.best {
        Some(best) => format!("{} {:?}", best.observable.value, best.fit),
        None => {
            let names = found.candidates.iter();
            let names: Vec<&str> = names.map(|one| one.observable.value.as_str()).collect();
            format!("? {}", names.join(", "))
        }
    }
}

fn check(name: &str, rows: &[Row], address: &str, span: Option<(f64, f64)>, expected: &str) {
    let (from, to) = span.map_or((None, None), |(from, to)| (Some(at(from)), Some(at(to))));
    let found = identities(rows).at(address, from, to);
    assert_eq!(said(&found), expected, "{name}");
}

fn sandbox(name: &str, started: f64, finished: Option<f64>) -> Row {
    container("k8s_POD", Some(name), IP, started, finished, 10)
}

#[test]
fn nobody_is_known() {
    check("no rows", &[], IP, None, "? ");
    let rows = [pod("a/b", "10.1.1.8", "Running", HOUR, "n", 2)];
    check("another address", &rows, IP, Some((0.0, 1.0)), "? ");
}

#[test]
fn hosts_own_their_addresses_and_pods_in_their_network_do_not() {
    check("case.toml", &[], "10.9.0.9", None, "bastion Exact");
    let shared = [
        node("n1", "10.9.1.1", 2),
        pod(
            "kube-system/kube-proxy-1",
            "10.9.1.1",
            "Running",
            HOUR,
            "n1",
            3,
        ),
    ];
    check("node", &shared, "10.9.1.1", Some((0.0, 1.0)), "n1 Exact");
    // No list of nodes: two pods at one address on one node share the node's.
    let pods = [
        pod(
            "kube-system/kube-proxy-1",
            "10.9.1.1",
            "Running",
            HOUR * 5,
            "n1",
            3,
        ),
        pod(
            "monitoring/node-exporter-1",
            "10.9.1.1",
            "Running",
            HOUR * 5,
            "n1",
            4,
        ),
    ];
    check("two pods", &pods, "10.9.1.1", Some((0.0, 1.0)), "n1 Exact");
    check(
        "one pod",
        &pods[..1],
        "10.9.1.1",
        Some((0.0, 1.0)),
        "kube-system/kube-proxy-1 Listed",
    );
}

#[test]
fn engines_times_beat_lists() {
    let rows = [
        sandbox("batch/job", -100.0, Some(100.0)),
        pod("prod/web", IP, "Running", 50 * HOUR, "n1", 3),
        pod("batch/old", IP, "Completed", 23 * HOUR, "n1", 4),
    ];
    check("inside", &rows, IP, Some((0.0, 50.0)), "batch/job Exact");
    check("after", &rows, IP, Some((200.0, 300.0)), "prod/web Listed");
    check(
        "only weak",
        &rows[2..],
        IP,
        Some((0.0, 1.0)),
        "batch/old Weak",
    );
    // Given back at most a minute after its end.
    check(
        "at the edge",
        &rows[..1],
        IP,
        Some((0.0, 130.0)),
        "batch/job Possible",
    );
    check("beyond", &rows[..1], IP, Some((0.0, 200.0)), "? ");
}

#[test]
fn without_a_time_all_that_ever_held_it_count() {
    let rows = [
        sandbox("batch/job", -100.0, Some(100.0)),
        pod("prod/web", IP, "Running", 50 * HOUR, "n1", 3),
        pod("batch/old", IP, "Completed", 23 * HOUR, "n1", 4),
    ];
    check("two", &rows, IP, None, "? batch/job, prod/web");
    check("one", &rows[1..], IP, None, "prod/web Possible");
}

#[test]
fn ages_are_as_coarse_as_they_are_shown() {
    // Listed an hour after noon with an age of 30 minutes: created between 12:29 and 12:30.
    let rows = [pod("prod/web", IP, "Running", HOUR / 2, "n1", 3)];
    check(
        "surely",
        &rows,
        IP,
        Some((1_800.0, 1_801.0)),
        "prod/web Listed",
    );
    check(
        "perhaps",
        &rows,
        IP,
        Some((1_750.0, 1_801.0)),
        "prod/web Possible",
    );
    check("not yet", &rows, IP, Some((1_700.0, 1_801.0)), "? ");
    // After the list was made it may be gone.
    check(
        "later",
        &rows,
        IP,
        Some((1_800.0, 3_700.0)),
        "prod/web Possible",
    );
}

#[test]
fn a_lease_ends_what_came_before() {
    let old = pod("batch/old", IP, "Completed", 23 * HOUR, "n1", 4);
    let now = pod("prod/web", IP, "Running", 50 * HOUR, "n1", 3);
    let rows = [old.clone(), now.clone(), lease(IP, 900.0)];
    // The pod is older than its lease: its node was restarted, say.
    check("before", &rows, IP, Some((0.0, 10.0)), "batch/old Weak");
    check(
        "since",
        &rows,
        IP,
        Some((1_000.0, 1_100.0)),
        "prod/web Listed",
    );
    check(
        "without",
        &[old, now],
        IP,
        Some((0.0, 10.0)),
        "prod/web Listed",
    );
}

#[test]
fn a_container_is_known_by_its_host_where_addresses_repeat() {
    let of = |name, host| container(name, None, "172.17.0.2", -100.0, None, 10).on(host);
    let rows = [of("web", "a"), of("db", "b")];
    let found = identities(&rows);
    let span = (Some(at(0.0)), Some(at(1.0)));
    assert_eq!(said(&found.at("172.17.0.2", span.0, span.1)), "? db, web");
    let on = |host| said(&found.at_on("172.17.0.2", span.0, span.1, Some(host)));
    assert_eq!(on("a"), "web Exact");
    assert_eq!(on("b"), "db Exact");
}

#[test]
fn sources_of_one_holder_join() {
    let rows = [
        sandbox("prod/web", -100.0, None),
        pod("prod/web", IP, "Running", HOUR + 100, "n1", 3),
    ];
    let found = identities(&rows).at(IP, Some(at(0.0)), Some(at(1.0)));
    let best = found.best.expect("a holder");
    assert_eq!(
        (best.fit, best.start, best.end),
        (Fit::Exact, Some(at(-100.0)), None)
    );
    assert_eq!(
        best.source,
        "docker-inspect inspect.json:10; kubectl-pods pods.txt:3"
    );
    assert_eq!(best.namespace.as_deref(), Some("prod"));
    assert_eq!(best.rows.len(), 2);
    assert!(found.lesser.is_empty() && found.others.is_empty());
}

#[test]
fn who_else_had_it_is_told() {
    let rows = [
        sandbox("batch/import", -500.0, Some(-300.0)),
        sandbox("batch/export", -200.0, Some(100.0)),
        pod("batch/old", IP, "Completed", 23 * HOUR, "n1", 4),
    ];
    let found = identities(&rows).at(IP, Some(at(0.0)), Some(at(1.0)));
    assert_eq!(said(&found), "batch/export Exact");
    let names = |all: &[coldcase_correlate::Holder]| -> Vec<String> {
        all.iter().map(|one| one.observable.value.clone()).collect()
    };
    assert_eq!(names(&found.lesser), ["batch/old"]);
    assert_eq!(names(&found.others), ["batch/import"]);
}
