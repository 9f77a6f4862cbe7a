//! Miners: told, and told from whatever else is busy.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod snapshots;

use coldcase_correlate::IndicatorType;
use coldcase_model::{Severity, action};
use snapshots::{Row, exe, fact, ps, row, run, socket, thread, top, with};

const POOL: &str = "203.0.113.77:3333";
const WEB: &str = "203.0.113.77:443";

/// Severity of the one finding about this pid.
fn severity(more: Vec<Row>, indicators: &[(IndicatorType, &str)], pid: i64) -> Option<Severity> {
    let found = run(&with(more), indicators, "miner");
    let all = found.iter().all(|one| one.facts["pid"] == pid);
    assert!(all && found.len() <= 1, "{found:#?}");
    found.first().map(|finding| finding.severity)
}

fn peer(to: &str) -> Row {
    socket("ss", "ESTAB", "192.0.2.45:40956", to, 2000, "x")
}

#[test]
fn miners_are_told_and_weighed() {
    use Severity::{High, Low, Medium};
    let bad = [(IndicatorType::Ip, "203.0.113.77")];
    let stratum = "/bin/mac -o stratum+tcp://203.0.113.77:5555 -u w -p x";
    let check = |what: &str,
                 more: Vec<Row>,
                 indicators: &[(IndicatorType, &str)],
                 expected: Option<Severity>| {
        assert_eq!(severity(more, indicators, 2000), expected, "{what}");
    };
    check(
        "a miner's command, busy",
        vec![ps(2000, stratum, 97.0)],
        &[],
        Some(High),
    );
    check(
        "a miner's command, idle",
        vec![ps(2000, "/opt/xmrig", 0.1)],
        &[],
        Some(Medium),
    );
    check(
        "a name in brackets, a hidden file, a pool",
        vec![
            ps(2000, "[xfsmond]", 99.0),
            exe(2000, "/usr/bin/.xfsmond", false),
            peer(POOL),
        ],
        &[],
        Some(High),
    );
    check(
        "a name in brackets, a hidden file",
        vec![
            ps(2000, "[xfsmond]", 99.0),
            exe(2000, "/usr/bin/.xfsmond", false),
        ],
        &[],
        Some(High),
    );
    check(
        "busy at an indicator's pool",
        vec![ps(2000, "x", 99.0), peer(POOL)],
        &bad,
        Some(High),
    );
    check(
        "busy at an indicator",
        vec![ps(2000, "x", 99.0), peer(WEB)],
        &bad,
        Some(Medium),
    );
    check(
        "busy at a pool's port",
        vec![ps(2000, "x", 99.0), peer(POOL)],
        &[],
        Some(Medium),
    );
    check(
        "idle at an indicator's pool",
        vec![ps(2000, "x", 1.0), peer(POOL)],
        &bad,
        Some(Medium),
    );
    check(
        "a blank command line",
        vec![ps(2000, "  ", 99.0)],
        &[],
        Some(Medium),
    );
    check(
        "busy, its file in /tmp gone",
        vec![ps(2000, "./x", 99.0), exe(2000, "/tmp/x", true)],
        &[],
        Some(Medium),
    );
    check(
        "busy in /tmp",
        vec![ps(2000, "./x", 99.0), exe(2000, "/tmp/x", false)],
        &[],
        Some(Low),
    );
    check(
        "of kernel threads the name only",
        vec![ps(2000, "[kworker/3:1]", 99.0), peer(WEB)],
        &bad,
        Some(High),
    );
}

#[test]
fn whatever_else_is_busy_is_no_miner() {
    let bad = [(IndicatorType::Ip, "203.0.113.77")];
    let check = |what: &str, more: Vec<Row>| {
        assert_eq!(severity(more, &bad, 2000), None, "{what}");
    };
    let train = "python3 train.py --data /data --workers 4";
    check(
        "a training job",
        vec![
            ps(2000, train, 395.0),
            exe(2000, "/usr/bin/python3.6", false),
        ],
    );
    check(
        "a database with clients",
        vec![
            ps(2000, "/usr/sbin/postgres", 250.0),
            socket("ss", "LISTEN", "0.0.0.0:5432", "", 2000, "postgres"),
            socket(
                "ss",
                "ESTAB",
                "192.0.2.45:5432",
                "198.51.100.9:3333",
                2000,
                "postgres",
            ),
        ],
    );
    check(
        "a program at an inner service on a pool's port",
        vec![
            ps(2000, "java -jar app.jar", 99.0),
            socket(
                "ss",
                "ESTAB",
                "10.0.0.5:40000",
                "10.0.0.9:5555",
                2000,
                "java",
            ),
        ],
    );
    check(
        "who looks for miners",
        vec![ps(2000, "grep --color=auto xmrig", 99.0)],
    );
    check(
        "a thread of the kernel",
        vec![thread(2000, "[kworker/u8:2]")],
    );
    check(
        "a program that an update replaced",
        vec![
            ps(2000, "/usr/bin/java -jar a.jar", 99.0),
            exe(2000, "/usr/bin/java", true),
        ],
    );
    check(
        "a worker with a title in brackets",
        vec![ps(2000, "[celeryd: w1@web-1:MainProcess]", 99.0)],
    );
    check(
        "a client of an indicator that is not busy",
        vec![ps(2000, "curl x", 1.0), peer(WEB)],
    );
}

#[test]
fn what_several_tools_say_is_one_finding() {
    let rows = with(vec![
        ps(2000, "[xfsmond]", 80.0),
        top(2000, "xfsmond", 99.3),
        exe(2000, "/usr/bin/.xfsmond", false),
        socket("netstat", "ESTAB", "192.0.2.45:40956", POOL, 2000, ""),
        socket("lsof", "ESTAB", "192.0.2.45:40956", POOL, 2000, "xfsmond"),
        socket(
            "lsof",
            "ESTAB",
            "192.0.2.45:40000",
            "198.51.100.3:443",
            2000,
            "xfsmond",
        ),
    ]);
    let found = run(&rows, &[(IndicatorType::Cidr, "203.0.113.0/24")], "miner");
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = &found[0];
    assert_eq!(fact(finding, "process"), "xfsmond");
    assert_eq!(fact(finding, "cpu_percent"), "99.3");
    assert_eq!(fact(finding, "remote"), POOL);
    assert_eq!(fact(finding, "exe"), "/usr/bin/.xfsmond");
    assert_eq!(
        fact(finding, "reasons"),
        "[hidden-cmdline,hidden-exe,high-cpu,indicator,pool-port]"
    );
    assert_eq!(finding.subjects[0].value, "xfsmond[2000]");
}

fn container(name: &'static str, id: &str, pid: i64, started: &str) -> Row {
    let attributes = format!(r#"{{"id":"{id}","status":"running","started":"{started}"}}"#);
    row(action::CONTAINER_LISTED, "docker-inspect", &attributes).with(|event| {
        event.container = Some(name.into());
        event.pid = Some(pid);
        event.command = Some("sh /mac.sh".into());
    })
}

#[test]
fn the_container_of_a_miner_is_named_where_it_is_known() {
    let id = "7bca04455c664ed1660cd583b4858f96f4cb3dce628dd5e51c75c28d36d8c081";
    let command = "/bin/mac -o stratum+tcp://203.0.113.77:5555";
    let check = |what: &str, more: Vec<Row>, expected: &str| {
        let found = run(&with(more), &[], "miner");
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(fact(&found[0], "container"), expected, "{what}");
        assert_eq!(fact(&found[0], "remote"), "203.0.113.77:5555", "{what}");
    };
    let early = "2023-02-20T08:59:40.5Z";
    check(
        "started just before",
        vec![ps(2001, command, 97.0), container("evil", id, 2000, early)],
        "evil",
    );
    check(
        "two started just before",
        vec![
            ps(2002, command, 97.0),
            container("evil", id, 2000, early),
            container("good", "ffff04455c66", 2001, early),
        ],
        "null",
    );
    check(
        "started on another day",
        vec![
            ps(2001, command, 97.0),
            container("evil", id, 2000, "2023-02-19T08:59:40Z"),
        ],
        "null",
    );
    let child = ps(2300, command, 97.0).with(|event| event.ppid = Some(2000));
    check(
        "by its parent",
        vec![
            child,
            container("evil", id, 2000, early),
            ps(2000, "sh /mac.sh", 0.0),
        ],
        "evil",
    );
    let group = ps(2300, command, 97.0).with(|event| {
        event.attributes =
            Some(format!(r#"{{"cpu_percent":97.0,"rss_bytes":1,"container_id":"{id}"}}"#).into());
    });
    check(
        "by its control group",
        vec![group, container("evil", &id[..12], 9, early)],
        "evil",
    );
}

#[test]
fn a_script_names_the_miner_that_top_shows() {
    let script = || {
        row(action::SCRIPT_COMMAND, "script", "{}").with(|event| {
            event.command = Some("nohup /bin/mac -o stratum+tcp://203.0.113.77:5555 &".into());
        })
    };
    let check = |cpu: f64, host: &'static str, expected: usize| {
        let rows = vec![top(2000, "mac", cpu), script().on(host)];
        assert_eq!(run(&rows, &[], "miner").len(), expected, "{cpu} {host}");
    };
    check(97.0, snapshots::HOST, 1);
    check(0.0, snapshots::HOST, 0);
    check(97.0, "another", 0);
}

#[test]
fn a_shell_that_starts_a_miner_is_not_another() {
    let command = "xmrig -o stratum+tcp://203.0.113.77:3333";
    let shell = ps(1999, &format!("sh -c {command}"), 0.0);
    assert_eq!(
        severity(vec![shell, ps(2000, command, 99.0)], &[], 2000),
        Some(Severity::High)
    );
}

#[test]
fn numbers_of_other_hosts_containers_and_days_are_not_joined() {
    let busy = || ps(2000, "/usr/bin/app", 99.0);
    let inside = || {
        vec![
            ps(1, "/sbin/tini -- app", 0.0).in_file("ps_in_container"),
            ps(7, "[x]", 99.0).in_file("ps_in_container"),
        ]
    };
    let old = peer(POOL).with(|event| {
        let day = 24 * 3_600_000_000_000;
        let then = coldcase_model::Timestamp(snapshots::NOON - day);
        event.when = Some(coldcase_model::When::recorded(
            then,
            coldcase_model::Precision::S,
        ));
    });
    assert_eq!(
        severity(vec![busy(), peer(POOL).on("another")], &[], 2000),
        None
    );
    assert_eq!(severity(vec![busy(), old], &[], 2000), None);
    // Its own numbers: 7 there is none of the host's, which has ksoftirqd at 9 and the socket's owner at 7.
    let rows = with(
        inside()
            .into_iter()
            .chain([socket("ss", "ESTAB", "192.0.2.45:4", POOL, 7, "y")])
            .collect(),
    );
    let found = run(&rows, &[], "miner");
    assert_eq!(found.len(), 1);
    assert!(
        !fact(&found[0], "reasons").contains("pool-port"),
        "{found:#?}"
    );
}
