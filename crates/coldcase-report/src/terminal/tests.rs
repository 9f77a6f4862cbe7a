//! The terminal summary in both languages: commands alone, lines within 80 columns.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use chrono_tz::Tz;
use coldcase_model::{Findings, Observable, ObservableType, Timestamp};
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::{InputLine, Lang};

const CONTAINER: &str = "k8s_ocloud-osppro-remote-executor_ocloud-osppro-remote-executor-6599af73c4-tccvx_ocloud_e63d645d-9e6d-4c1d-8e6b-34aaeb960c70_0";

fn conclusion(text: &str) -> Conclusion {
    let container = Observable::new(ObservableType::Container, CONTAINER);
    Conclusion {
        kind: "login-cause",
        about: Observable::new(ObservableType::Ip, "10.20.8.41"),
        question: "what caused the ssh logins from 10.20.8.41".into(),
        answer: container,
        candidates: Vec::new(),
        confidence: 0.9,
        because: Vec::new(),
        text: text.into(),
    }
}

fn shown(text: &str, lang: Lang) -> String {
    let finding = Finding {
        id: "container-exit-1".into(),
        correlator: "container-exit",
        title: format!("{CONTAINER} failed and was not started again"),
        severity: Severity::Medium,
        confidence: 0.6,
        first: Some(Timestamp(0)),
        last: Some(Timestamp(1)),
        subjects: Vec::new(),
        facts: serde_json::Map::new(),
        attack: vec![],
        evidence: vec![EvidenceRecord {
            file: format!("container_logs/{CONTAINER}.log"),
            line: Some(7),
            offset: None,
            ts: None,
            text: "x".repeat(300),
        }],
        text: "By itself this is an everyday failure; it matters if it happened while something else took the host's CPU or memory.".into(),
    };
    let input = InputLine {
        path: "a/very/long/path/".repeat(12),
        bytes: 1,
        sha256: None,
        format: None,
        host: None,
        records: 0,
        skipped: 0,
        first: None,
        last: None,
        warnings: vec!["cut off".into()],
    };
    let findings = Findings::new(vec![conclusion(text)], vec![finding]);
    let summary = Summary {
        findings: &findings,
        inputs: vec![input],
        zone: Tz::Asia__Shanghai,
        zone_source: "none: UTC assumed",
        events: 1,
        warnings: vec!["\u{1b}[31m b".into()],
        clocks: vec!["a: the clock was set".into()],
        missing: vec![
            "audit.log with its rotations of db-07: which process connected or was executed".into(),
        ],
        case: "/cases/".repeat(20),
        lang,
    };
    terminal(&summary, Style::Plain)
}

#[test]
fn only_commands_to_be_run_stand_alone() {
    let shown = shown(
        "It ran `sh /mac.sh`. Fetch next: `docker logs c; id`; `ss -ntp`. No other host did.",
        Lang::En,
    );
    assert!(
        shown.contains(
            "      - It ran `sh /mac.sh`.\n  Do next\n      - Fetch next:\n          $ docker logs c; id\n          $ ss -ntp\n  \
             Alternatives, and what speaks against it\n      - No other host did.\n"
        ),
        "{shown}"
    );
}

#[test]
fn lines_stay_within_eighty_columns_in_both_languages() {
    let text = format!(
        "10.20.8.41 is k8s-node-14. 560 of 560 logins from 2023-03-28T16:00:05Z to 2023-05-10T19:55:57Z follow a record of container {CONTAINER} one to one, lag 0 to 2 s. No other container was created in the day before the first login. Fetch next, on k8s-node-14: `docker inspect {CONTAINER}`."
    );
    for lang in [Lang::En, Lang::Zh] {
        let shown = shown(&text, lang);
        let wide: Vec<&str> = shown
            .lines()
            .filter(|line| line.width() > 80 && !line.starts_with("          $ "))
            .collect();
        assert!(wide.is_empty(), "{wide:#?}");
        assert!(shown.contains(&format!("$ docker inspect {CONTAINER}\n")));
        let bare: String = shown.split_whitespace().collect();
        assert!(
            bare.matches(CONTAINER).count() >= 4,
            "names stand whole\n{shown}"
        );
        assert!(!shown.contains('\u{1b}'));
    }
}

#[test]
fn the_summary_speaks_chinese() {
    let shown = shown(
        "10.20.8.41 is k8s-node-14. Not shown: no times are in a.log, so that first and last are unknown.",
        Lang::Zh,
    );
    for part in [
        "结论  来自 10.20.8.41 的 ssh 登录由什么引起：",
        "      - 10.20.8.41 就是 k8s-node-14。\n",
        "  证据未能显示的\n",
        "      - 未能显示：a.log 中没有时间，最早与最晚时间未知。\n",
        "中       k8s_ocloud",
        "单独来看这是日常故障",
        "时间按 Asia/Shanghai（无依据：假定为 UTC）",
        "时钟：a：时钟被调整",
        "未采集：db-07 的 audit.log（含轮转文件）：哪个进程发起连接或被执行",
    ] {
        // Lines end anywhere between Chinese letters.
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        assert!(bare(&shown).contains(&bare(part)), "{part}\n{shown}");
    }
    let english = shown
        .split(|letter: char| letter >= '\u{2e80}' || letter.is_whitespace())
        .filter(|word| ["sure", "Read", "warning", "MEDIUM", "to", "Case:"].contains(word));
    assert_eq!(english.count(), 0, "{shown}");
}
