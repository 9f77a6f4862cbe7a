//! The post-mortem on hostile names, and its sentences about ends and gaps.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use chrono_tz::Tz;
use coldcase_model::{EvidenceRecord, Findings, Observable};

use super::*;
use crate::{InputLine, Lang};

/// Markup of every kind that a renderer would obey, and a string too long to read.
fn nasty() -> String {
    let marks = "</td><script>alert(1)</script> [x](javascript:alert) ![i](http://h/i.png) a|b ``` ` ~~~ # * _ www.h.test &lt; \u{202e}\u{1b}[31m\n| new | row |\n# head\n";
    format!("{marks}{}", "A".repeat(1 << 16))
}

fn finding(severity: Severity) -> Finding {
    Finding {
        id: "scan-1".into(),
        correlator: "scan",
        title: nasty(),
        severity,
        confidence: 0.9,
        first: Some(Timestamp(0)),
        last: Some(Timestamp(1)),
        subjects: vec![Observable::new(ObservableType::Container, nasty())],
        facts: serde_json::Map::new(),
        attack: vec![],
        evidence: vec![EvidenceRecord {
            file: nasty(),
            line: Some(1),
            offset: None,
            ts: Some(Timestamp(0)),
            text: nasty(),
        }],
        text: nasty(),
    }
}

fn summary(findings: &Findings, lang: Lang) -> Summary<'_> {
    Summary {
        findings,
        inputs: vec![InputLine {
            path: nasty(),
            bytes: 1,
            sha256: Some("0".repeat(64)),
            format: None,
            host: Some(nasty()),
            records: 1,
            skipped: 1,
            first: None,
            last: Some(Timestamp(9_000_000_000_000)),
            warnings: vec![nasty()],
        }],
        zone: Tz::Asia__Shanghai,
        zone_source: "case.toml",
        events: 1,
        warnings: vec![nasty()],
        clocks: vec![nasty()],
        missing: vec![nasty()],
        case: "c".into(),
        lang,
    }
}

#[test]
fn hostile_names_stay_text() {
    let observable = |kind| Observable::new(kind, nasty());
    let conclusion = Conclusion {
        kind: "way-in",
        about: observable(ObservableType::Process),
        question: nasty(),
        answer: observable(ObservableType::Service),
        candidates: vec![observable(ObservableType::Host)],
        confidence: 0.5,
        because: vec!["scan-1".into()],
        text: format!(
            "{}. Next: `a{}`. Not shown: {}.",
            nasty(),
            "```\nrm",
            nasty()
        ),
    };
    let findings = Findings::new(vec![conclusion], vec![finding(Severity::High)]);
    for lang in [Lang::En, Lang::Zh] {
        let text = post_mortem(&summary(&findings, lang), Beside::default());
        let mut fence: Option<String> = None;
        for line in text.lines().map(str::trim_start) {
            if let Some(open) = &fence {
                if line == open.as_str() {
                    fence = None;
                }
                continue;
            }
            if line.starts_with("```") {
                fence = Some(line.trim_end_matches("sh").to_owned());
                continue;
            }
            // What the renderer sees once escaped letters are gone.
            let bare = bare(line);
            for mark in ["<", "](", "![", "://", "www.", "~~"] {
                assert!(!bare.contains(mark), "{mark} in {line}");
            }
            assert!(!line.contains(['\u{202e}', '\u{1b}']), "{line}");
            assert!(
                !line.starts_with("| new") && !line.starts_with("# head"),
                "{line}"
            );
        }
        assert!(fence.is_none(), "every fence is closed");
    }
}

fn bare(line: &str) -> String {
    let mut out = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
                out.push('x');
            }
            _ => out.push(letter),
        }
    }
    out
}

#[test]
fn without_findings_it_says_so_and_lists_the_evidence() {
    let findings = Findings::new(Vec::new(), vec![finding(Severity::Low)]);
    let text = post_mortem(&summary(&findings, Lang::En), Beside::default());
    assert!(text.contains("Nothing of medium severity or above was found"));
    assert!(text.contains(&"0".repeat(64)) && !text.contains("## Cause"));
}

#[test]
fn how_it_ended_is_told_by_the_files_that_show_it() {
    let mut shown = finding(Severity::High);
    shown.subjects = vec![Observable::new(ObservableType::Ip, "192.0.2.1")];
    let findings = Findings::new(Vec::new(), vec![shown]);
    let mut silent = summary(&findings, Lang::En);
    let beside = Beside::default();
    assert!(post_mortem(&silent, beside).contains("192.0.2.1: its last record is of 1970-01-01T00:00:00Z (1970-01-01T08:00:00+08:00). The files that show it go on until 1970-01-01T02:30:00Z"));
    silent.inputs[0].last = Some(Timestamp(30_000_000_000));
    assert!(post_mortem(&silent, beside).contains("Whether it went on is not known"));
}

#[test]
fn gaps_are_told_where_they_touch_the_incident() {
    let findings = Findings::new(Vec::new(), vec![finding(Severity::High)]);
    let gap = |from: &str, to: &str| serde_json::json!({ "from": from, "to": to });
    let coverage = [serde_json::json!({
        "host": "db", "format": "authlog", "spans": [],
        "gaps": [gap("1970-01-01T00:00:00Z", "1970-01-01T05:00:00Z"), gap("1971-01-01T00:00:00Z", "1971-01-02T00:00:00Z")],
    })];
    let beside = Beside {
        coverage: &coverage,
        collected_at: Timestamp::from_seconds(3_600),
    };
    let text = post_mortem(&summary(&findings, Lang::En), beside);
    assert_eq!(text.matches("nothing from").count(), 1, "{text}");
    assert!(text.contains(
        "| 1970-01-01T01:00:00Z | 1970-01-01T09:00:00+08:00 | the evidence was collected |"
    ));
}
