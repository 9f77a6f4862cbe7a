//! `report.html` in a real browser: the reports of all recorded incidents, a large one, and one made of hostile evidence.
//! Nothing leaves the page, nothing of the evidence runs, keys, filters, sorting, the zone and the zoom work.
//!
//! Where no browser is installed the tests say so and pass; `COLDCASE_BROWSER` names one that lies elsewhere.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{program, succeeded};
use serde_json::Value;
use tempfile::TempDir;

#[path = "browser/devtools.rs"]
mod devtools;
#[path = "browser/hostile.rs"]
mod hostile;

use devtools::Browser;

const CHECKS: &str = include_str!("browser/checks.js");
/// Largest page of a typical case.
const LARGEST: u64 = 3_000_000;

fn browser() -> Option<Browser> {
    let program = devtools::installed();
    if program.is_none() {
        let said = "report.html was not opened: no chromium is installed, and COLDCASE_BROWSER names none\n";
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).expect("stderr");
    }
    program.map(|program| Browser::start(&program))
}

fn analyze(bundle: &Path, case: &Path, lang: &str) {
    let mut command = program();
    command.arg("analyze").arg(bundle).arg("-o").arg(case);
    let output = command.args(["-q", "--lang", lang]).output().expect("runs");
    succeeded(&output);
}

/// What holds of every page, wide and narrow.
fn check(browser: &mut Browser, page: &Path, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let size = fs::metadata(page).expect("a report").len();
    if size >= LARGEST {
        wrong.push(format!("{size} bytes"));
    }
    for (width, height) in [(380, 800), (1280, 900)] {
        browser.open(page, width, height);
        let found = browser.value(CHECKS);
        let found = found.as_array().expect("a list").iter();
        wrong.extend(found.map(|one| format!("{width} wide: {one}")));
        wrong.extend(
            browser
                .seen
                .drain(..)
                .map(|one| format!("{width} wide: {one}")),
        );
    }
    wrong
        .into_iter()
        .map(|one| format!("{name}: {one}"))
        .collect()
}

fn text(browser: &mut Browser, expression: &str) -> String {
    browser
        .value(expression)
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

const SHOWN_FINDINGS: &str =
    "[...document.querySelectorAll('details.finding')].filter((one) => !one.hidden).length";

/// Keys, filter, sorting, zone, zoom and links of the page that is open.
fn use_it(browser: &mut Browser, findings: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let count = findings["findings"].as_array().expect("findings").len();
    expect(
        browser.value(SHOWN_FINDINGS) == count,
        "all findings are shown",
    );
    let answers = findings["conclusions"]
        .as_array()
        .expect("conclusions")
        .len();
    let told = browser.value("document.querySelectorAll('.answer').length");
    expect(told == answers.max(1), "all answers are shown");

    if count > 0 {
        browser.press("/");
        browser.write("nothing has this text");
        expect(
            browser.value(SHOWN_FINDINGS) == 0,
            "the filter hides what does not match",
        );
        browser.value("document.activeElement.value = ''; document.activeElement.dispatchEvent(new Event('input'))");
        expect(
            browser.value(SHOWN_FINDINGS) == count,
            "an empty filter shows all",
        );
        let correlator = findings["findings"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        browser.write(&correlator);
        expect(browser.value(SHOWN_FINDINGS) == 1, "the filter finds by id");
        browser.value("document.activeElement.value = ''; document.activeElement.dispatchEvent(new Event('input'))");
        browser.value(
            "document.querySelectorAll('details.rest').forEach((one) => { one.open = true; })",
        );
        browser.press("Escape");
        browser.press("j");
        expect(
            browser.value("document.activeElement.tagName") == "SUMMARY",
            "j goes to a finding",
        );
        let was = browser.value("document.activeElement.parentElement.open");
        browser.press("Enter");
        expect(
            browser.value("document.activeElement.parentElement.open") != was,
            "Enter opens and closes it",
        );
    }
    sorting(browser, &mut expect);
    switches(browser, &mut expect);
    zoom(browser, &mut expect);
    links(browser, &mut expect);
    wrong
}

fn sorting(browser: &mut Browser, expect: &mut dyn FnMut(bool, &str)) {
    let names = "[...document.querySelectorAll('#inputs tbody tr')].map((row) => row.cells[0].textContent.toLowerCase())";
    browser.value("document.querySelector('#inputs th button').click()");
    let up = browser.value(names);
    let mut sorted: Vec<String> = serde_json::from_value(up.clone()).expect("texts");
    sorted.sort();
    expect(
        up == serde_json::json!(sorted),
        "a click on a heading sorts",
    );
    browser.value("document.querySelector('#inputs th button').click()");
    sorted.reverse();
    expect(
        browser.value(names) == serde_json::json!(sorted),
        "another one turns it round",
    );
    let direction = browser.value("document.querySelector('#inputs th').getAttribute('aria-sort')");
    expect(
        direction == "descending",
        "the heading says how it is sorted",
    );
    browser.value("document.querySelector('#inputs').closest('section').querySelector('.tools button').click()");
    expect(
        !text(browser, "document.getElementById('said').textContent").is_empty(),
        "copying says that it did",
    );
}

fn switches(browser: &mut Browser, expect: &mut dyn FnMut(bool, &str)) {
    let time = "(document.querySelector('main time') || { innerText: '' }).innerText";
    let zone = "document.documentElement.dataset.zone";
    let (was, before) = (text(browser, zone), text(browser, time));
    browser.press("z");
    let (is, after) = (text(browser, zone), text(browser, time));
    if was == "local" {
        expect(
            is == "utc" && (before.is_empty() || after.ends_with('Z')),
            "z shows UTC",
        );
        expect(
            before.is_empty() || before != after,
            "times follow the switch",
        );
    } else {
        expect(
            is == was,
            "where the zone is UTC there is nothing to switch",
        );
    }
    browser.press("z");
    expect(text(browser, time) == before, "z switches back");
    let colour = "getComputedStyle(document.body).backgroundColor";
    let was = text(browser, colour);
    browser.press("t");
    expect(text(browser, colour) != was, "t switches light and dark");
    browser.press("?");
    expect(
        browser.value("document.getElementById('help').hidden") == false,
        "? shows the keys",
    );
    browser.press("Escape");
    expect(
        browser.value("document.getElementById('help').hidden") == true,
        "Escape hides them",
    );
}

fn zoom(browser: &mut Browser, expect: &mut dyn FnMut(bool, &str)) {
    let shown = "(document.getElementById('shown') || { textContent: '' }).textContent";
    let first = text(browser, shown);
    if first.is_empty() {
        return;
    }
    browser.value("document.querySelector('.lanes-main').focus()");
    browser.press("+");
    let nearer = text(browser, shown);
    expect(nearer != first, "+ zooms");
    browser.press("ArrowRight");
    expect(text(browser, shown) != nearer, "an arrow moves");
    browser.press("a");
    let all = text(browser, shown);
    let place = browser.value("(() => { const svg = document.querySelector('svg.lanes'); svg.scrollIntoView({ block: 'start' }); window.scrollBy(0, -80); const box = svg.getBoundingClientRect(); return [box.left, box.top, box.width]; })()");
    let [left, top, width] = [0, 1, 2].map(|index| place[index].as_f64().expect("a number"));
    browser.drag(
        (left + width * 0.5, top + 12.0),
        (left + width * 0.8, top + 12.0),
    );
    expect(text(browser, shown) != all, "dragging zooms");
    browser.value("document.querySelector('.lanes-main').focus()");
    browser.press("0");
    expect(
        text(browser, shown) == first,
        "0 goes back to what the findings speak of",
    );
    let rows = "document.querySelectorAll('#events-rows tbody tr').length";
    let events = browser.value(rows).as_u64().unwrap_or(0);
    expect(events > 0, "events are listed");
    browser.value("(() => { const box = document.querySelector('#events input[type=search]'); box.value = 'no event says this'; box.dispatchEvent(new Event('input')); })()");
    expect(browser.value(rows) == 0, "events are filtered");
    browser.value("(() => { const box = document.querySelector('#events input[type=search]'); box.value = ''; box.dispatchEvent(new Event('input')); })()");
    expect(browser.value(rows) == events, "and come back");
}

/// A claim leads to what it rests on, which opens.
fn links(browser: &mut Browser, expect: &mut dyn FnMut(bool, &str)) {
    let has = browser.value("!!document.querySelector('.part.proof a.ref')");
    if has == true {
        browser.value("document.querySelector('.part.proof a.ref').click()");
        let seen = browser.value("new Promise((done) => setTimeout(() => { const target = document.getElementById(location.hash.slice(1)); const box = target.getBoundingClientRect(); done(box.height > 0 && box.top < window.innerHeight && box.bottom > 0); }, 50))");
        expect(seen == true, "a claim's link shows its record");
    }
    let proven = browser.value("(() => { const parts = [...document.querySelectorAll('.part.proof')]; return parts.every((part) => part.querySelector('a.ref')); })()");
    expect(proven == true, "every answer's reasons have links");
}

fn incidents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    let entries = fs::read_dir(root).expect("incidents");
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.retain(|path| path.join("bundle.tar.gz").exists());
    folders.sort();
    assert!(folders.len() >= 9, "the incidents are found");
    folders
}

#[test]
fn reports_of_all_incidents_work() {
    let Some(mut browser) = browser() else { return };
    let cases = TempDir::new().expect("a folder");
    let mut wrong = Vec::new();
    for (index, incident) in incidents().iter().enumerate() {
        let name = incident
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let case = cases.path().join(&name);
        let lang = if index % 2 == 0 { "en" } else { "zh" };
        analyze(&incident.join("bundle.tar.gz"), &case, lang);
        let page = case.join("report.html");
        wrong.extend(check(&mut browser, &page, &name));
        let findings = fs::read(case.join("findings.json")).expect("findings");
        let findings = serde_json::from_slice(&findings).expect("JSON");
        let used = use_it(&mut browser, &findings);
        wrong.extend(used.into_iter().map(|one| format!("{name}: not so: {one}")));
        wrong.extend(
            browser
                .seen
                .drain(..)
                .map(|one| format!("{name}, used: {one}")),
        );
        let spoken = text(&mut browser, "document.documentElement.lang");
        if !spoken.starts_with(lang) {
            wrong.push(format!("{name}: speaks {spoken}, asked for {lang}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_evidence_does_nothing() {
    let Some(mut browser) = browser() else { return };
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("evidence");
    hostile::bundle(&bundle);
    let case = folder.path().join("case");
    analyze(&bundle, &case, "en");
    let mut wrong = check(&mut browser, &case.join("report.html"), "as analysed");
    let words = text(&mut browser, "document.documentElement.textContent");
    assert!(
        words.contains("<script>"),
        "the evidence is in the page, as text"
    );
    let page = folder.path().join("made.html");
    hostile::page(&bundle, &folder.path().join("made"), &page);
    wrong.extend(check(&mut browser, &page, "hostile in every field"));
    for figure in hostile::DRAWINGS {
        let drawn = browser.value(&format!("document.querySelectorAll('{figure}').length"));
        assert!(
            drawn.as_u64() > Some(0),
            "{figure} is drawn of hostile names"
        );
    }
    browser.value("for (const one of document.querySelectorAll('details')) one.open = true; for (const one of document.querySelectorAll('button')) one.click(); for (const one of document.querySelectorAll('main a')) one.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));");
    assert_eq!(browser.value("typeof window.owned"), "undefined");
    wrong.append(&mut browser.seen);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_hundred_thousand_events_are_sampled_and_said_to_be() {
    let Some(mut browser) = browser() else { return };
    let folder = TempDir::new().expect("a folder");
    let host = folder.path().join("evidence/db-07");
    fs::create_dir_all(&host).expect("folders");
    let mut log = String::new();
    for index in 0..100_000_u32 {
        let (day, second) = (1 + index / 4_000, (index % 4_000) * 21);
        let clock = format!(
            "{:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        log.push_str(&format!(
            "May {day:2} {clock} db CRON[{index}]: (root) CMD (/usr/local/bin/job {index})\n"
        ));
    }
    fs::write(host.join("syslog"), log).expect("writes");
    let toml = "timezone = \"Asia/Kolkata\"\ncollected_at = \"2023-05-27T10:20:00+05:30\"\n";
    fs::write(folder.path().join("evidence/case.toml"), toml).expect("writes");
    let case = folder.path().join("case");
    analyze(&folder.path().join("evidence"), &case, "en");
    let wrong = check(&mut browser, &case.join("report.html"), "large");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let said = text(
        &mut browser,
        "document.querySelector('#events p').textContent",
    );
    assert!(said.contains("of 100,000 events"), "{said}");
    // The lanes count everything, though the page holds a sample.
    let counted =
        browser.value("data.lanes.lanes[0].whole.reduce((sum, step) => sum + step[1], 0)");
    assert_eq!(counted, 100_000);
    let sampled = browser
        .value("data.lanes.events.length")
        .as_u64()
        .expect("a number");
    assert!((100..=3_000).contains(&sampled), "{sampled}");
    // The sample is of all days, not of the first.
    let days = browser
        .value("new Set(data.lanes.events.map((event) => Math.floor(event[0] / 86400))).size");
    assert!(days.as_u64() >= Some(20), "{days}");
}
