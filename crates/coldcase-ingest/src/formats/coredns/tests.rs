//! Tests of `coredns`.

use coldcase_model::{Counts, Event, Place};

use super::*;

#[derive(Default)]
struct Kept {
    events: Vec<Event<'static>>,
    counts: Counts,
    reasons: Vec<&'static str>,
}

impl Sink for Kept {
    fn event(&mut self, event: &Event<'_>) {
        self.events.push(event.clone().into_owned());
    }
    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }
    fn skip(&mut self, _: Place, reason: &'static str) {
        self.counts.skipped += 1;
        self.reasons.push(reason);
    }
    fn warn(&mut self, _: Place, _: String) {}
}

fn check(text: &[u8], actions: &[&str], reasons: &[&str]) {
    let mut kept = Kept::default();
    let mut input = Input {
        path: "coredns.log",
        host: None,
        reader: Box::new(text),
        clock: &Clock::UNKNOWN,
        cores: crate::Cores::ONE,
    };
    assert!(ingest(&mut input, &mut kept).is_ok());
    let got: Vec<_> = kept.events.iter().map(|event| event.action).collect();
    assert_eq!(got, actions);
    assert_eq!(kept.reasons, reasons);
}

const QUERY: &str = "[INFO] 10.0.0.1:53 - 7 \"A IN x. udp 57 false 512\" NOERROR qr 9 1ms";

#[test]
fn each_line_counts_once() {
    check(QUERY.as_bytes(), &["dns-query"], &[]);
    check(b"", &[], &[]);
    check(
        b".:53\n\nCoreDNS-1.9.3\nReloading\n",
        &["log"],
        &["start-up line", "blank line", "start-up line"],
    );
    check(
        b"[ERROR] plugin/errors: 2 x. A: read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout\n",
        &["dns-query"],
        &[],
    );
    check(b"[INFO] 10.0.0.1 x.example. A\n", &["dns-query"], &[]);
    check(b"\xff\n\0\n", &[], &["not text", "not text"]);
    check(
        b"[INFO] 10.0.0.1:53 - 7 \"A IN x. udp 5",
        &[],
        &["query line cut at the end of the file"],
    );
    check(
        b"[INFO] 10.0.0.1:53 - 7 \"A IN x. udp 5[INFO] x\n",
        &[],
        &["damaged query line"],
    );
}

#[test]
fn every_cut_of_a_line_is_read_without_harm() {
    for end in 0..QUERY.len() {
        let mut kept = Kept::default();
        let mut input = Input {
            path: "",
            host: None,
            reader: Box::new(QUERY.as_bytes().get(..end).unwrap_or_default()),
            clock: &Clock::UNKNOWN,
            cores: crate::Cores::ONE,
        };
        assert!(ingest(&mut input, &mut kept).is_ok());
        assert_eq!(kept.counts.records(), u64::from(end > 0));
    }
}
