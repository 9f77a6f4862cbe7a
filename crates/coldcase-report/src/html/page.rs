//! The page around its parts: head with the policy, bar, sections in the order in which they are needed, data, script.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::escape::{escape, json_block};
use super::lanes::zone_name;
use super::svg::number;
use super::{
    Charts, View, answers, dns_path, flood, heatmap, lifelines, series_drawn, surge, tables, way_in,
};
use crate::Summary;
use crate::lang::{told, words};

const SCRIPT: &str = concat!(
    include_str!("script/page.js"),
    include_str!("script/tables.js"),
    include_str!("script/lanes.js"),
    include_str!("script/start.js")
);
const STYLE: &str = include_str!("style.css");

/// The whole page, from what the case holds and what its drawings show.
pub fn html(summary: &Summary<'_>, charts: &Charts) -> String {
    let view = View {
        summary,
        charts,
        words: words(summary.lang),
        lang: summary.lang,
        zone: summary.zone,
    };
    let mut out = String::new();
    head(&mut out, &view);
    bar(&mut out, &view);
    out.push_str("<main id=\"main\">");
    answers::draw(&mut out, &view);
    timeline(&mut out, &view);
    drawings(&mut out, &view);
    tables::findings(&mut out, &view);
    events(&mut out, &view);
    tables::inputs(&mut out, &view);
    out.push_str("</main>");
    foot(&mut out, &view);
    out
}

/// The hash of an inline script or style, as policies write it.
fn hash(text: &str) -> String {
    format!(
        "'sha256-{}'",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

fn head(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let (script, style) = (hash(SCRIPT), hash(STYLE));
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{}\" data-zone=\"{}\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'\"><meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>coldcase: {}</title><style>{STYLE}</style></head>\n<body>",
        view.lang.tag(),
        if zone_name(view.zone).is_null() {
            "utc"
        } else {
            "local"
        },
        w.title
    );
}

fn bar(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let case = view.summary.case.trim_end_matches('/');
    let case = case.rsplit('/').next().unwrap_or(case);
    let _ = write!(
        out,
        "<a class=\"skip\" href=\"#main\">{}</a><header class=\"bar\"><span class=\"brand\">coldcase</span><span class=\"case\">{}</span><nav><a href=\"#answers\">{}</a><a href=\"#timeline\">{}</a>{}<a href=\"#findings\">{}</a><a href=\"#events\">{}</a><a href=\"#evidence\">{}</a></nav><span class=\"controls\"></span></header>",
        w.skip,
        escape(case),
        w.answers,
        w.timeline,
        if has_drawings(view) {
            format!("<a href=\"#proof\">{}</a>", w.drawings)
        } else {
            String::new()
        },
        w.findings,
        w.events,
        w.evidence
    );
    let zone = w
        .times_in
        .replacen("{}", &escape(view.zone.name()), 1)
        .replacen(
            "{}",
            &escape(&told::zone_source(view.summary.zone_source, view.lang)),
            1,
        );
    let _ = write!(
        out,
        "<p class=\"dim sub\">{} · {zone}</p><noscript><p class=\"dim sub\">{}</p></noscript>",
        w.events_of
            .replacen("{}", &number(view.summary.events), 1)
            .replacen("{}", &number(view.summary.inputs.len() as u64), 1),
        w.no_script
    );
}

fn timeline(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let _ = write!(out, "<section id=\"timeline\"><h2>{}</h2>", w.timeline);
    if view.charts.lanes.is_empty() {
        let _ = write!(out, "<p>{}</p></section>", w.nothing_dated);
        return;
    }
    let _ = write!(
        out,
        "<div id=\"lanes\"></div><p class=\"legend\"><span class=\"swatch density\"></span> {} · <span class=\"swatch covered\"></span> {} · <span class=\"swatch gap\"></span> {} · <span class=\"swatch record\"></span> {} · <span class=\"swatch snapshot\"></span> {}</p><p class=\"legend screen\">{}</p></section>",
        w.density, w.covered, w.gap, w.cited, w.snapshot, w.how_to_zoom
    );
}

fn has_drawings(view: &View<'_>) -> bool {
    let charts = view.charts;
    let way_in = view
        .summary
        .findings
        .conclusions
        .iter()
        .any(|conclusion| conclusion.kind == "way-in");
    way_in
        || charts.lives.is_some()
        || !(charts.heatmaps.is_empty()
            && charts.series.is_empty()
            && charts.paths.is_empty()
            && charts.floods.is_empty()
            && charts.surges.is_empty())
}

/// What eyes see better than words.
fn drawings(out: &mut String, view: &View<'_>) {
    if !has_drawings(view) {
        return;
    }
    let charts = view.charts;
    let _ = write!(
        out,
        "<section id=\"proof\"><h2>{}</h2>",
        view.words.drawings
    );
    charts
        .heatmaps
        .iter()
        .for_each(|map| heatmap::draw(out, map, view));
    charts
        .series
        .iter()
        .for_each(|series| series_drawn::draw(out, series, view));
    charts
        .paths
        .iter()
        .for_each(|path| dns_path::draw(out, path, view));
    surge::draw(out, &charts.surges, &charts.lanes.captured(), view);
    charts
        .floods
        .iter()
        .for_each(|one| flood::draw(out, one, view));
    way_in::draw(out, view.summary.findings, view);
    if let Some(lives) = &charts.lives {
        lifelines::draw(out, lives, view);
    }
    out.push_str("</section>");
}

/// The sample of events; the script fills the table from the data.
fn events(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let lanes = &view.charts.lanes;
    let _ = write!(
        out,
        "<section id=\"events\"><h2>{} <span class=\"dim\">{}</span></h2><p>{}</p><div id=\"events-table\"></div></section>",
        w.events,
        number(lanes.sampled() as u64),
        escape(&lanes.said(view))
    );
    debug_assert!(lanes.sampled() as u64 <= lanes.events());
}

fn foot(out: &mut String, view: &View<'_>) {
    let w = view.words;
    let data = json!({
        "zone": zone_name(view.zone),
        "words": w.of_script(),
        "lanes": view.charts.lanes.data(view),
    });
    let _ = writeln!(
        out,
        "<footer class=\"dim\">{}</footer><script type=\"application/json\" id=\"data\">{}</script><script>{SCRIPT}</script></body></html>",
        w.foot,
        json_block(&data)
    );
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use coldcase_model::{
        Conclusion, EvidenceRecord, Finding, Findings, Observable, ObservableType, Severity,
        Timestamp,
    };
    use serde_json::Value;

    use super::*;
    use crate::Lang;

    #[test]
    fn script_and_style_can_stand_inline() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
        assert!(
            !STYLE.contains("</style") && !STYLE.contains("url(") && !STYLE.contains("@import")
        );
        for reach in [
            "fetch(",
            "XMLHttpRequest",
            "WebSocket",
            "import(",
            "innerHTML",
            "eval(",
            "localStorage",
            "http:",
            "https:",
        ] {
            let found = SCRIPT
                .replace("http://www.w3.org/2000/svg", "")
                .contains(reach);
            assert!(!found, "{reach}");
        }
    }

    #[test]
    fn hostile_evidence_does_nothing() {
        let nasty = format!(
            "</script><script>alert(1)</script>\" onload='x' \u{202e}{}",
            "A".repeat(1 << 20)
        );
        let observable = || Observable::new(ObservableType::Ip, nasty.clone());
        let record = EvidenceRecord {
            file: nasty.clone(),
            line: Some(1),
            offset: None,
            ts: None,
            text: nasty.clone(),
        };
        let finding = Finding {
            id: "scan-1".into(),
            correlator: "scan",
            title: nasty.clone(),
            severity: Severity::High,
            confidence: 1.0,
            first: Some(Timestamp(0)),
            last: Some(Timestamp(1)),
            subjects: vec![observable()],
            facts: [("src_ip".to_owned(), Value::from(nasty.clone()))]
                .into_iter()
                .collect(),
            attack: vec![],
            evidence: vec![record],
            text: nasty.clone(),
        };
        let conclusion = Conclusion {
            kind: "way-in",
            about: observable(),
            question: nasty.clone(),
            answer: observable(),
            candidates: vec![observable()],
            confidence: 0.5,
            because: vec!["scan-1".into()],
            text: nasty.clone(),
        };
        let findings = Findings::new(vec![conclusion], vec![finding]);
        for lang in [Lang::En, Lang::Zh] {
            let summary = Summary {
                findings: &findings,
                inputs: Vec::new(),
                zone: Tz::UTC,
                zone_source: "x",
                events: 1,
                warnings: vec!["<img src=x onerror=y>".into()],
                clocks: vec![nasty.clone()],
                missing: Vec::new(),
                case: nasty.clone(),
                lang,
            };
            let page = html(&summary, &Charts::default());
            let own = page.replace(SCRIPT, "").replace(STYLE, "");
            assert!(own.len() < 120_000, "{}", own.len());
            assert_eq!(own.matches("<script").count(), 2, "data and the page's own");
            assert!(!own.contains("<img") && !own.contains('\u{202e}'));
            assert!(
                !own.contains("http://") && !own.contains("https://"),
                "nothing is loaded"
            );
            assert!(
                own.contains("id=\"scan-1\"")
                    && own.contains(&hash(SCRIPT))
                    && !own.contains("unsafe")
            );
        }
    }

    #[test]
    fn without_findings_the_page_says_so() {
        let findings = Findings::new(Vec::new(), Vec::new());
        let summary = Summary {
            findings: &findings,
            inputs: Vec::new(),
            zone: Tz::Asia__Kolkata,
            zone_source: "case.toml",
            events: 0,
            warnings: Vec::new(),
            clocks: Vec::new(),
            missing: Vec::new(),
            case: "c".into(),
            lang: Lang::En,
        };
        let page = html(&summary, &Charts::default());
        assert!(
            page.contains("Nothing was found that asks for attention"),
            "{page}"
        );
        assert!(page.contains("Nothing here is dated"));
    }
}
