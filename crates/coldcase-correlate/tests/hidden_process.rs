//! Hidden processes: told, and told from what merely comes and goes.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod snapshots;

use coldcase_correlate::IndicatorType;
use coldcase_model::{Finding, Severity, Timestamp, action};
use snapshots::{Row, exe, fact, number, ps, row, run, socket, thread, with};

const PEER: &str = "203.0.113.66:8443";

fn found(more: Vec<Row>) -> Vec<Finding> {
    run(&with(more), &[], "hidden-process")
}

fn numbers(pids: &[i64]) -> Vec<Row> {
    let ordinary = [1, 2, 9, 12, 700, 810, 811, 900, 950];
    ordinary
        .iter()
        .chain(pids)
        .map(|pid| number(*pid))
        .collect()
}

fn joined(one: Vec<Row>, other: Vec<Row>) -> Vec<Row> {
    one.into_iter().chain(other).collect()
}

#[test]
fn what_ps_lacks_is_weighed_by_what_else_shows_it() {
    use Severity::{High, Low, Medium};
    let check = |what: &str, more: Vec<Row>, expected: Option<Severity>| {
        let found = found(more);
        assert!(found.len() <= 1, "{what}: {found:#?}");
        let got = found
            .first()
            .map(|one| (one.facts["pid"].clone(), one.severity));
        assert_eq!(
            got,
            expected.map(|severity| (3100.into(), severity)),
            "{what}"
        );
    };
    let outside = |name: &str| socket("ss", "ESTAB", "192.0.2.45:38714", PEER, 3100, name);
    check(
        "a list of /proc that is later than ps, and a socket",
        joined(numbers(&[3100, 4008]), vec![outside("x")]),
        Some(High),
    );
    check(
        "a later list of /proc alone",
        numbers(&[3100, 4008]),
        Some(Medium),
    );
    check("an earlier list of /proc alone", numbers(&[3100]), None);
    check("a socket outside alone", vec![outside("x")], Some(Medium));
    check(
        "a socket inside alone",
        vec![socket(
            "ss",
            "ESTAB",
            "192.0.2.45:38714",
            "10.0.0.9:5432",
            3100,
            "x",
        )],
        Some(Low),
    );
    check(
        "a thread of the kernel with a socket",
        vec![outside("kworker/u96:2")],
        Some(High),
    );
    check(
        "two tools show its socket",
        vec![
            outside("x"),
            socket("lsof", "ESTAB", "192.0.2.45:38714", PEER, 3100, "x"),
        ],
        Some(Medium),
    );
    check(
        "two tools, and a file in /tmp that is gone",
        vec![outside("x"), exe(3100, "/tmp/.x", true)],
        Some(High),
    );
}

#[test]
fn facts_name_process_and_peer() {
    let found = found(joined(
        numbers(&[3100, 4008]),
        vec![socket(
            "ss",
            "ESTAB",
            "192.0.2.45:38714",
            PEER,
            3100,
            "kworker/u96:2",
        )],
    ));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(fact(&found[0], "pid"), "3100");
    assert_eq!(fact(&found[0], "remote"), PEER);
    assert_eq!(fact(&found[0], "reasons"), "[kernel-name,missing-in-ps]");
    assert_eq!(fact(&found[0], "host"), snapshots::HOST);
    assert_eq!(found[0].subjects[0].value, "kworker/u96:2[3100]");
}

#[test]
fn what_comes_and_goes_is_not_hidden() {
    let check = |what: &str, more: Vec<Row>| {
        let found = found(more);
        assert!(found.is_empty(), "{what}: {found:#?}");
    };
    check("nothing more", vec![]);
    check("began after ps", numbers(&[4001, 4003, 4008]));
    check(
        "a socket of what began after ps",
        vec![socket("ss", "ESTAB", "192.0.2.45:3", PEER, 4010, "curl")],
    );
    check("only in an earlier list", numbers(&[3999]));
    check(
        "TIME-WAIT has no owner",
        vec![socket(
            "ss",
            "TIME-WAIT",
            "192.0.2.45:443",
            "203.0.113.5:1",
            0,
            "",
        )],
    );
    check(
        "waits to be accepted",
        vec![socket(
            "ss",
            "ESTAB",
            "192.0.2.45:443",
            "203.0.113.5:50000",
            0,
            "",
        )],
    );
    check(
        "NFS of the kernel",
        vec![socket(
            "ss",
            "ESTAB",
            "192.0.2.45:900",
            "203.0.113.5:2049",
            0,
            "",
        )],
    );
    check(
        "inside, without an owner",
        vec![socket(
            "ss",
            "ESTAB",
            "192.0.2.45:50",
            "10.1.2.3:8080",
            0,
            "",
        )],
    );
    check(
        "another tool has the owner",
        vec![
            socket("ss", "ESTAB", "192.0.2.45:50001", PEER, 0, ""),
            socket("lsof", "ESTAB", "192.0.2.45:50001", PEER, 811, "nginx"),
        ],
    );
    check(
        "an update replaced its file",
        vec![exe(900, "/usr/sbin/mysqld", true)],
    );
    check(
        "a container's engine runs from memory",
        vec![
            ps(3000, "runc init", 0.0),
            exe(3000, "/memfd:runc_cloned:/proc/self/exe (deleted)", true),
        ],
    );
    check(
        "threads of the kernel",
        vec![thread(3000, "[kworker/3:2]"), number(3000)],
    );
    check(
        "an allocator for all",
        vec![preload("/usr/lib64/libjemalloc.so.2")],
    );
}

#[test]
fn a_table_that_is_not_whole_proves_nothing() {
    let grep = vec![
        ps(811, "nginx: worker process", 0.1),
        socket("ss", "LISTEN", "0.0.0.0:22", "", 700, "sshd"),
        socket("ss", "ESTAB", "192.0.2.45:38714", PEER, 3100, "x"),
    ];
    assert!(
        run(&grep, &[], "hidden-process").is_empty(),
        "ps aux | grep nginx"
    );
    let user = vec![
        ps(1, "/usr/lib/systemd/systemd", 0.0),
        ps(3000, "-bash", 0.0),
        ps(4000, "ps -u me", 0.0),
    ];
    let sockets = [700, 811, 900, 950]
        .map(|pid| socket("ss", "LISTEN", &format!("0.0.0.0:{pid}"), "", pid, "x"));
    let rows = joined(user, sockets.into());
    assert!(
        run(&rows, &[], "hidden-process").is_empty(),
        "one user's processes"
    );
    // A listing made inside of a container: its numbers are none of the host's.
    let inside: Vec<Row> = [20, 21, 22, 23]
        .map(|pid| socket("netstat", "ESTAB", "172.17.0.2:4000", PEER, pid, "app"))
        .into();
    assert!(found(inside).is_empty(), "sockets of a container");
}

#[test]
fn connections_that_nobody_owns() {
    let one = |format| socket(format, "ESTAB", "192.0.2.45:50001", PEER, 0, "");
    let check = |what: &str, more: Vec<Row>, bad: bool, expected: Severity| {
        let indicators = [(IndicatorType::Ip, "203.0.113.66")];
        let found = run(
            &with(more),
            if bad { &indicators } else { &[] },
            "hidden-process",
        );
        let found: Vec<_> = found
            .iter()
            .filter(|one| one.facts["remote"] == PEER)
            .collect();
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(found[0].severity, expected, "{what}");
        assert!(found[0].facts["pid"].is_null());
        assert!(fact(found[0], "reasons").contains("no-owner-socket"));
    };
    check("one tool", vec![one("ss")], false, Severity::Low);
    check(
        "two tools",
        vec![one("ss"), one("netstat")],
        false,
        Severity::Medium,
    );
    check(
        "to an indicator, by two tools",
        vec![one("ss"), one("netstat")],
        true,
        Severity::High,
    );
    let library = preload("/usr/local/lib/libprocesshider.so");
    check(
        "with a preloaded library, by two tools",
        vec![one("ss"), one("netstat"), library],
        false,
        Severity::High,
    );
}

fn preload(path: &str) -> Row {
    row(action::PRELOAD_LISTED, "ld-preload", "{}")
        .with(|event| event.path = Some(path.to_owned().into()))
}

#[test]
fn preloaded_libraries() {
    let check = |path: &str, more: Vec<Row>, expected: Severity| {
        let found = found(joined(vec![preload(path)], more));
        let library = found.iter().find(|one| one.facts["path"] == path);
        assert_eq!(
            library.map(|one| one.severity),
            Some(expected),
            "{path}: {found:#?}"
        );
    };
    check("/usr/lib/libagent.so", vec![], Severity::Medium);
    check(
        "/usr/local/lib/libprocesshider.so",
        vec![],
        Severity::Medium,
    );
    let nobody = socket("ss", "ESTAB", "192.0.2.45:50001", PEER, 0, "");
    check(
        "/usr/local/lib/libprocesshider.so",
        vec![nobody],
        Severity::High,
    );
    check("/dev/shm/libprocesshider.so", vec![], Severity::High);
}

#[test]
fn processes_that_are_not_what_they_seem() {
    let check = |what: &str, more: Vec<Row>, expected: Severity, reason: &str| {
        let found = found(more);
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(found[0].severity, expected, "{what}");
        assert!(
            fact(&found[0], "reasons").contains(reason),
            "{what}: {found:#?}"
        );
    };
    let peer = || socket("ss", "ESTAB", "192.0.2.45:38714", PEER, 3000, "kworker/1:3");
    check(
        "the kernel's name with memory",
        vec![ps(3000, "[kworker/1:3]", 0.0)],
        Severity::Medium,
        "kernel-name",
    );
    check(
        "and a connection outside",
        vec![ps(3000, "[kworker/1:3]", 0.0), peer()],
        Severity::High,
        "kernel-name",
    );
    check(
        "a deployed file that is gone",
        vec![
            ps(3000, "./server", 0.0),
            exe(3000, "/home/app/server", true),
        ],
        Severity::Low,
        "deleted-exe",
    );
    check(
        "a file in /tmp that is gone",
        vec![ps(3000, "./x", 0.0), exe(3000, "/tmp/x", true)],
        Severity::Medium,
        "tmp-path",
    );
    check(
        "hidden, gone, connected",
        vec![ps(3000, "x", 0.0), exe(3000, "/dev/shm/.x", true), peer()],
        Severity::High,
        "hidden-exe",
    );
}

fn flood(from: &str, attempts: u64) -> Row {
    let attributes = format!(
        r#"{{"attempts":{attempts},"completed":2,"destinations":900,"ports":[[80,{attempts}]],"port_count":1,"peak_per_second":500,"top_destinations":[["198.18.0.1",3]]}}"#
    );
    row(action::TCP_ATTEMPTS, "pcap", &attributes).with(|event| {
        event.src_ip = Some(from.to_owned().into());
        event.ts_end = Some(Timestamp(snapshots::NOON + 60_000_000_000));
    })
}

#[test]
fn floods_that_no_socket_owns() {
    let flooded = found(vec![flood("192.0.2.45", 15_000)]);
    assert_eq!(flooded.len(), 1, "{flooded:#?}");
    assert_eq!(fact(&flooded[0], "reasons"), "[no-owner-socket,raw-socket]");
    assert_eq!(flooded[0].severity, Severity::High);
    assert!(
        found(vec![flood("198.51.100.1", 15_000)]).is_empty(),
        "another host's"
    );
    assert!(found(vec![flood("192.0.2.45", 200)]).is_empty(), "too few");
    let connecting: Vec<Row> = (0..40)
        .map(|port| {
            socket(
                "ss",
                "SYN-SENT",
                &format!("192.0.2.45:{}", 30_000 + port),
                "198.18.0.1:80",
                811,
                "nginx",
            )
        })
        .collect();
    assert!(
        found(joined(vec![flood("192.0.2.45", 15_000)], connecting)).is_empty(),
        "the kernel's own sockets send"
    );
    let hidden = vec![
        flood("192.0.2.45", 15_000),
        socket(
            "ss",
            "ESTAB",
            "192.0.2.45:38714",
            PEER,
            3100,
            "kworker/u96:2",
        ),
    ];
    let together = found(hidden);
    assert_eq!(together.len(), 1, "{together:#?}");
    assert_eq!(
        fact(&together[0], "reasons"),
        "[kernel-name,missing-in-ps,raw-socket]"
    );
}

#[test]
fn processors_that_nothing_keeps_busy() {
    let summary = |busy: f64, load: &str| {
        vec![
            row(
                action::HOST_LISTED,
                "top",
                &format!(r#"{{"load":["{load}","{load}","{load}"]}}"#),
            ),
            row(
                action::HOST_LISTED,
                "top",
                &format!(r#"{{"cpu_busy_percent":{busy}}}"#),
            ),
            snapshots::top(1, "systemd", 0.0),
            snapshots::top_thread(9, "ksoftirqd/0"),
            snapshots::top_thread(21, "ksoftirqd/3"),
            snapshots::top(900, "mysqld", 12.0),
        ]
    };
    let hidden = run(&summary(98.0, "4.02"), &[], "hidden-process");
    assert_eq!(hidden.len(), 1, "{hidden:#?}");
    assert_eq!(hidden[0].severity, Severity::Low);
    assert_eq!(fact(&hidden[0], "reasons"), "[hidden-cpu]");
    assert!(
        run(&summary(98.0, "0.10"), &[], "hidden-process").is_empty(),
        "busy once"
    );
    assert!(
        run(&summary(2.0, "40.0"), &[], "hidden-process").is_empty(),
        "waiting for disks"
    );
}
