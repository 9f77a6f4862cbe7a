//! Tests of `utmp`: files are made here, record by record.

use coldcase_model::{Counts, Event, Sink};

use super::layout::{Layout, find};
use super::*;
use crate::Clock;

/// Type, pid, terminal, user, host, seconds.
type Made<'a> = (u16, u32, &'a str, &'a str, &'a str, u32);

fn bytes(layout: Layout, record: &Made<'_>) -> Vec<u8> {
    let (kind, pid, line, user, host, seconds) = record;
    let mut bytes = vec![0; layout.size()];
    let mut number = |at: usize, mut value: Vec<u8>| {
        if layout.big {
            value.reverse();
        }
        bytes[at..at + value.len()].copy_from_slice(&value);
    };
    number(0, kind.to_le_bytes().to_vec());
    number(4, pid.to_le_bytes().to_vec());
    match layout.wide {
        true => number(344, u64::from(*seconds).to_le_bytes().to_vec()),
        false => number(340, seconds.to_le_bytes().to_vec()),
    }
    for (at, text) in [(8, line), (44, user), (76, host)] {
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    bytes
}

#[derive(Default)]
struct Kept {
    events: Vec<Event<'static>>,
    counts: Counts,
    warnings: Vec<String>,
}

impl Sink for Kept {
    fn event(&mut self, event: &Event<'_>) {
        self.events.push(event.clone().into_owned());
    }
    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }
    fn skip(&mut self, _: coldcase_model::Place, _: &'static str) {
        self.counts.skipped += 1;
    }
    fn warn(&mut self, _: coldcase_model::Place, warning: String) {
        self.warnings.push(warning);
    }
}

fn kept(name: &str, file: impl Read + Send) -> (Kept, Option<Leftover>, bool) {
    let mut kept = Kept::default();
    let mut input = Input {
        path: name,
        host: None,
        reader: Box::new(file),
        clock: &Clock::UNKNOWN,
        cores: crate::Cores::ONE,
    };
    match ingest(&mut input, &mut kept) {
        Ok(leftover) => (kept, leftover, true),
        Err(_) => (kept, None, false),
    }
}

const ALL: [Layout; 4] = [
    Layout {
        wide: false,
        big: false,
    },
    Layout {
        wide: false,
        big: true,
    },
    Layout {
        wide: true,
        big: false,
    },
    Layout {
        wide: true,
        big: true,
    },
];

const T: u32 = 1_682_900_000;

#[test]
fn each_layout_is_told_by_one_record() {
    for layout in ALL {
        for record in [
            (7, 2001, "pts/0", "dana", "192.0.2.7", T),
            (2, 0, "~", "reboot", "5.14.0", T),
            (6, 3100, "ssh:notty", "", "192.0.2.7", T),
        ] {
            let file = bytes(layout, &record);
            let found = find(&file).map(|found| (found.layout, found.start));
            assert_eq!(found, Some((layout, 0)), "{record:?}");
        }
    }
}

#[test]
fn what_logins_a_file_tells_of() {
    let check = |name: &str, records: &[Made<'_>], expected: Option<&str>| {
        let layout = Layout::default();
        let mut file: Vec<u8> = records
            .iter()
            .flat_map(|made| bytes(layout, made))
            .collect();
        // A boot ends what is open, so that nothing waits for the series.
        if records.len() > 2 {
            file.extend(bytes(layout, &(2, 0, "~", "reboot", "", T + 9)));
        }
        let (kept, leftover, _) = kept(name, file.as_slice());
        let mut outcomes: Vec<_> = kept.events.iter().map(|event| event.outcome).collect();
        if let Some(leftover) = leftover {
            let mut late = Kept::default();
            sessions::join(vec![crate::Part {
                path: name,
                leftover,
                sink: &mut late,
            }]);
            outcomes.extend(late.events.iter().map(|event| event.outcome));
        }
        let first = outcomes.into_iter().next().flatten();
        assert_eq!(first, expected, "{name} {records:?}");
    };
    let on = |line| (7, 1, line, "dana", "", T);
    check(
        "a.bin",
        &[(6, 1, "ssh:notty", "dana", "", T)],
        Some("failure"),
    );
    check(
        "wtmp",
        &[(6, 1, "ssh:notty", "dana", "", T)],
        Some("failure"),
    );
    check(
        "btmp",
        &[on("pts/0"), on("tty1"), on("tty2")],
        Some("success"),
    );
    check("btmp", &[on("tty1")], Some("failure"));
    check("wtmp", &[on("tty1")], Some("success"));
    check("a.bin", &[on("tty1")], None);
    check("a.bin", &[on("pts/0")], Some("success"));
}

#[test]
fn many_records_and_a_reader_that_fails() {
    for layout in ALL {
        let file: Vec<u8> = (0..2_000_u32)
            .flat_map(|index| {
                let kind = if index % 2 == 0 { 7 } else { 8 };
                bytes(layout, &(kind, 5, "pts/0", "dana", "192.0.2.7", T + index))
            })
            .collect();
        let (whole, _, _) = kept("wtmp", file.as_slice());
        assert_eq!((whole.events.len(), whole.counts.used), (1_000, 2_000));
        assert!(whole.events.iter().all(|event| event.ts_end.is_some()));
        let cut = file.get(..layout.size() * 1_001).unwrap_or_default();
        let failing = cut.chain(Failing(Some(std::io::Error::other("lost"))));
        let (part, _, read) = kept("wtmp", failing);
        assert!(!read);
        assert_eq!((part.events.len(), part.counts.used), (501, 1_001));
    }
}

#[test]
fn a_run_of_garbage_is_passed_over_in_time() {
    let layout = Layout::default();
    let mut file = bytes(layout, &(7, 1, "pts/0", "dana", "192.0.2.7", T)).repeat(20);
    file.extend(std::iter::repeat_n([7, 0, 0, 0, 0xff], 100_000).flatten());
    file.extend(bytes(layout, &(2, 0, "~", "reboot", "", T + 5)));
    let (kept, _, read) = kept("wtmp", file.as_slice());
    assert!(read);
    assert_eq!(kept.counts.used, 21);
    assert!(kept.warnings.len() < 4, "{:?}", kept.warnings);
}
