//! Audit events out of interleaved, unordered, late and divided records.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test over lines that it writes itself"
)]

use coldcase_ingest::{Clock, Format, formats};
use coldcase_model::Event;
use coldcase_testkit::{Recorder, ingest, ingest_series};

fn format() -> &'static Format {
    formats::by_id("auditd").unwrap()
}

fn read(text: &str) -> Recorder {
    ingest(format(), "audit.log", text.as_bytes(), &Clock::UNKNOWN)
}

/// The four records of an execve at a time in ms.
fn exec(ms: u64, serial: u64) -> Vec<String> {
    let id = format!("msg=audit({}.{:03}:{serial})", ms / 1000, ms % 1000);
    vec![
        format!(
            "type=SYSCALL {id}: arch=c000003e syscall=59 success=yes exit=0 a0=1 items=1 ppid=1 pid={serial} uid=0 comm=\"p{serial}\" exe=\"/bin/p{serial}\" key=\"k\"\n"
        ),
        format!("type=EXECVE {id}: argc=2 a0=\"p{serial}\" a1=\"x\"\n"),
        format!("type=CWD {id}: cwd=\"/d{serial}\"\n"),
        format!("type=PATH {id}: item=0 name=\"/bin/p{serial}\" inode=1 nametype=NORMAL\n"),
    ]
}

/// Rows without their places, in a fixed order.
fn shown<'e>(events: impl IntoIterator<Item = &'e Event<'static>>) -> Vec<String> {
    let mut shown: Vec<String> = events
        .into_iter()
        .map(|event| {
            let event = Event {
                line: None,
                ..event.clone()
            };
            format!("{event:?}")
        })
        .collect();
    shown.sort();
    shown
}

fn is_late(event: &Event<'_>) -> bool {
    event
        .attributes
        .as_deref()
        .unwrap()
        .contains("\"late\":true")
}

#[test]
fn any_order_of_records_gives_the_same_events() {
    let ordered: Vec<String> = (0..8)
        .flat_map(|at| exec(1_683_800_000_000 + at * 3, 100 + at))
        .collect();
    let expected = shown(&read(&ordered.concat()).events);
    assert_eq!(expected.len(), 8);
    for step in [3, 5, 7, 9, 11, 13, 15] {
        let order = (0..ordered.len()).map(|at| at * step % ordered.len());
        let mixed: String = order.map(|at| ordered[at].as_str()).collect();
        assert_eq!(shown(&read(&mixed).events), expected, "step {step}");
    }
}

#[test]
fn a_series_cut_anywhere_gives_the_same_events() {
    let mut lines: Vec<String> = (0..6)
        .flat_map(|at| exec(1_683_800_000_000 + at * 700, 100 + at))
        .collect();
    lines.swap(4, 7);
    lines.insert(9, "type=USER_LOGIN msg=audit(1683800001.000:900): pid=1 uid=0 msg='op=login id=0 exe=\"/usr/sbin/sshd\" addr=192.0.2.1 res=success'\n".into());
    let expected = shown(&read(&lines.concat()).events);
    assert_eq!(expected.len(), 7);
    for first in 0..=lines.len() {
        for second in first..=lines.len() {
            let parts = [&lines[..first], &lines[first..second], &lines[second..]];
            let texts: Vec<String> = parts.iter().map(|part| part.concat()).collect();
            // Rotation numbers count backwards: audit.log is the newest.
            let series = [
                ("audit.log", texts[2].as_bytes()),
                ("audit.log.1", texts[1].as_bytes()),
                ("audit.log.2", texts[0].as_bytes()),
            ];
            let recorders = ingest_series(format(), &series, &Clock::UNKNOWN);
            let events = recorders.iter().flat_map(|recorder| &recorder.events);
            assert_eq!(shown(events), expected, "cut at {first} and {second}");
            for (recorder, part) in recorders.iter().zip([parts[2], parts[1], parts[0]]) {
                assert_eq!(recorder.counts.used, part.len() as u64);
            }
        }
    }
}

#[test]
fn an_event_stands_where_it_began() {
    let records = exec(1_683_800_000_000, 7);
    let older = format!(
        "{}{}",
        exec(1_683_799_990_000, 6).concat(),
        records[..2].concat()
    );
    let newer = records[2..].concat();
    let series = [
        ("audit.log", newer.as_bytes()),
        ("audit.log.1", older.as_bytes()),
    ];
    let recorders = ingest_series(format(), &series, &Clock::UNKNOWN);
    assert_eq!(recorders[0].events.len(), 0);
    let lines: Vec<_> = recorders[1].events.iter().map(|event| event.line).collect();
    assert_eq!(lines, [Some(1), Some(5)]);
}

#[test]
fn late_records_are_rows_of_their_own() {
    let records = exec(1_683_800_000_000, 7);
    let later: String = (0..20)
        .flat_map(|at| exec(1_683_800_010_000 + at, 100 + at))
        .collect();
    let recorder = read(&format!(
        "{}{later}{}{}",
        records[..2].concat(),
        records[2],
        records[3]
    ));
    assert_eq!(recorder.events.len(), 22);
    let late: Vec<_> = recorder
        .events
        .iter()
        .filter(|event| is_late(event))
        .collect();
    assert_eq!(late.len(), 1);
    assert_eq!(recorder.warnings.len(), 1);
    assert_eq!((recorder.counts.used, recorder.counts.skipped), (84, 0));
}

#[test]
fn what_waits_is_bounded() {
    // Events that never end, all at once, and one event that never stops growing.
    let mut text = String::new();
    for serial in 0..2000 {
        text.push_str(&exec(1_683_800_000_000, 5000 + serial)[0]);
    }
    assert_eq!(read(&text).events.len(), 2000);
    let argument = "A".repeat(8000);
    let mut text = exec(1_683_800_000_000, 7).concat();
    for part in 0..100 {
        text.push_str(&format!(
            "type=EXECVE msg=audit(1683800000.000:7): a2[{part}]=\"{argument}\"\n"
        ));
    }
    let recorder = read(&text);
    assert_eq!(recorder.events.len(), 1);
    assert!(recorder.counts.skipped > 50 && recorder.counts.records() == 104);
    let command = recorder.events[0].command.as_deref().unwrap();
    assert!(command.len() <= 64 << 10);
    let attributes = recorder.events[0].attributes.as_deref().unwrap();
    assert!(attributes.contains("\"command_cut\":true"));
}

#[test]
fn nodes_with_the_same_serial_are_different_events() {
    let mut lines = Vec::new();
    for record in exec(1_683_800_000_000, 7) {
        lines.push(format!("node=a {record}"));
        lines.push(format!("node=b {record}"));
    }
    assert_eq!(read(&lines.concat()).events.len(), 2);
}

#[test]
fn the_end_of_an_event_closes_it_at_once() {
    let records = exec(1_683_800_000_000, 7);
    let eoe = "type=EOE msg=audit(1683800000.000:7): \n";
    let recorder = read(&format!("{}{eoe}{eoe}", records.concat()));
    assert_eq!(recorder.events.len(), 1);
    assert_eq!(recorder.counts.used, 6);
    assert!(read(eoe).events.is_empty());
}

#[test]
fn no_cut_of_a_log_panics() {
    let text = exec(1_683_800_000_000, 7).concat();
    for end in 0..text.len() {
        read(&text[..end]);
        read(&text[end..]);
    }
}
