//! Containers' lives against the activity: created, started and exited of those that findings name, and of those that
//! came or went while it lasted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coldcase_model::{Findings, ObservableType, Severity, Timestamp, action};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::charts::is_concluded;
use super::escape::{escape, shorten};
use super::svg::{SECOND, Scale, length, number};
use super::times::both;
use super::{View, svg};

/// Most lives drawn.
const MOST: usize = 16;
/// Most lives kept while reading.
const MOST_KEPT: usize = 50_000;
const DAY: i64 = 86_400 * SECOND;
const WIDTH: f64 = 980.0;
const LEFT: f64 = 250.0;
const ROW: f64 = 20.0;
const TOP: f64 = 46.0;
/// Steps of the activity's strip.
const STEPS: usize = 240;

/// One container's life.
#[derive(Debug, Clone, Default)]
pub(super) struct Life {
    name: String,
    host: String,
    image: String,
    created: BTreeSet<i64>,
    started: BTreeSet<i64>,
    exited: BTreeSet<i64>,
    exit_code: Option<i64>,
}

impl Life {
    fn first(&self) -> Option<i64> {
        self.created.first().or(self.started.first()).copied()
    }

    fn last(&self) -> Option<i64> {
        // Started again after its last exit: it runs.
        let (start, exit) = (self.started.last(), self.exited.last());
        if start > exit { None } else { exit.copied() }
    }
}

/// The lives that are shown, and what else there was.
#[derive(Debug, Clone, Default)]
pub(super) struct Lives {
    shown: Vec<Life>,
    answers: BTreeSet<String>,
    named: BTreeMap<String, String>,
    /// How many there are in all.
    all: usize,
    /// What the lives are seen against: from, to, and its moments.
    activity: Option<(i64, i64)>,
    moments: Vec<i64>,
}

/// Containers that findings or conclusions name, with the finding that does.
fn named(findings: &Findings) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    for finding in &findings.findings {
        let telling = finding.severity >= Severity::Medium
            || finding.correlator == "container-exit"
            || is_concluded(findings, finding);
        for subject in finding
            .subjects
            .iter()
            .filter(|one| telling && one.kind == ObservableType::Container)
        {
            named
                .entry(subject.value.clone())
                .or_insert_with(|| finding.id.clone());
        }
    }
    named
}

/// Lives, where findings name a container; `moments` are of what the conclusions explain.
pub(super) fn of(
    findings: &Findings,
    timeline: &Timeline,
    activity: Option<(i64, i64)>,
    moments: Vec<i64>,
) -> Result<Option<Lives>, TimelineError> {
    let named = named(findings);
    if named.is_empty() {
        return Ok(None);
    }
    let answers = findings
        .conclusions
        .iter()
        .map(|conclusion| &conclusion.answer);
    let answers = answers
        .filter(|answer| answer.kind == ObservableType::Container)
        .map(|answer| answer.value.clone());
    let mut lives: Vec<Life> = read(timeline)?.into_values().collect();
    let all = lives.len();
    // What changed while it lasted may matter; what merely ran through does not.
    let (from, to) = activity.unwrap_or((i64::MAX, i64::MIN));
    let (from, to) = (from.saturating_sub(DAY), to.saturating_add(DAY));
    let changed = |life: &Life| {
        [life.first(), life.last()]
            .into_iter()
            .flatten()
            .any(|at| (from..=to).contains(&at))
    };
    // A pod's sandbox comes and goes with the containers in it.
    let is_sandbox = |life: &Life| life.name.starts_with("k8s_POD_");
    lives.retain(|life| named.contains_key(&life.name) || changed(life) && !is_sandbox(life));
    lives.sort_by(|a, b| {
        (!named.contains_key(&a.name), a.first(), &a.name).cmp(&(
            !named.contains_key(&b.name),
            b.first(),
            &b.name,
        ))
    });
    lives.truncate(MOST);
    Ok((!lives.is_empty()).then(|| Lives {
        shown: lives,
        answers: answers.collect(),
        named,
        all,
        activity,
        moments,
    }))
}

/// By host and name: tables and logs know no more of a container than its name.
fn read(timeline: &Timeline) -> Result<BTreeMap<(String, String), Life>, TimelineError> {
    let actions = [
        action::CONTAINER_CREATED,
        action::CONTAINER_STARTED,
        action::CONTAINER_EXITED,
    ];
    let columns = ["ts_ns", "host", "container", "image", "attributes"];
    let mut lives: BTreeMap<(String, String), Life> = BTreeMap::new();
    timeline.for_each_part(
        &actions,
        &columns,
        |rows| rows,
        |rows| {
            for row in 0..rows.rows() {
                let (Some(name), Some(ts)) = (rows.text("container", row), rows.long("ts_ns", row))
                else {
                    continue;
                };
                let name = name.trim_start_matches('/').to_owned();
                let host = rows.text("host", row).unwrap_or_default().to_owned();
                let attributes: Value =
                    serde_json::from_str(rows.text("attributes", row).unwrap_or_default())
                        .unwrap_or_default();
                if lives.len() >= MOST_KEPT {
                    break;
                }
                let life = lives.entry((host.clone(), name.clone())).or_default();
                (life.name, life.host) = (name, host);
                if let Some(image) = rows.text("image", row).filter(|_| life.image.is_empty()) {
                    image.clone_into(&mut life.image);
                }
                match rows.text("action", row) {
                    Some(action::CONTAINER_CREATED) => {
                        life.created.insert(ts);
                    }
                    Some(action::CONTAINER_STARTED) => {
                        life.started.insert(ts);
                    }
                    _ => {
                        life.exited.insert(ts);
                        life.exit_code = attributes
                            .get("exit_code")
                            .and_then(Value::as_i64)
                            .or(life.exit_code);
                    }
                }
            }
        },
    )?;
    Ok(lives)
}

/// The lives with their caption.
pub(super) fn draw(out: &mut String, lives: &Lives, view: &View<'_>) {
    let Some(scale) = scale(lives) else { return };
    let w = view.words;
    let height = TOP + lives.shown.len() as f64 * ROW + 40.0;
    let _ = write!(
        out,
        "<figure><figcaption><b>{}</b> {}</figcaption>",
        w.lives,
        {
            let told = w
                .lives_shown
                .replacen("{}", &number(lives.shown.len() as u64), 1);
            told.replacen("{}", &number(lives.all as u64), 1)
        }
    );
    svg::open(out, WIDTH, height, w.lives);
    scale.axis(out, 8.0, height - 36.0, view.zone);
    activity(out, lives, &scale, height - 36.0, view);
    for (index, life) in lives.shown.iter().enumerate() {
        one(out, life, lives, TOP + index as f64 * ROW, &scale, view);
    }
    svg::close(out);
    let _ = write!(
        out,
        "<p class=\"legend\"><svg class=\"key short\" viewBox=\"0 0 14 12\" aria-hidden=\"true\"><circle class=\"created\" cx=\"7\" cy=\"6\" r=\"4\"/></svg> {} · <svg class=\"key short\" viewBox=\"0 0 14 12\" aria-hidden=\"true\"><path class=\"started\" d=\"M3 1L11 6L3 11Z\"/></svg> {} · <svg class=\"key short\" viewBox=\"0 0 14 12\" aria-hidden=\"true\"><path class=\"exited\" d=\"M3 2L11 10M11 2L3 10\"/></svg> {}</p></figure>",
        w.created, w.started, w.exited
    );
}

/// The activity with a tenth around it, and all that happened to those named: what began long before is cut.
fn scale(lives: &Lives) -> Option<Scale> {
    let marks = lives.shown.iter().flat_map(|life| {
        life.created
            .iter()
            .copied()
            .chain(life.started.iter().copied())
            .chain(life.exited.iter().copied())
    });
    let (mut from, mut to) = match lives.activity {
        Some(activity) => activity,
        None => (marks.clone().min()?, marks.clone().max()?),
    };
    let margin = ((to - from) / 3).max(600 * SECOND);
    for mark in marks
        .filter(|mark| (from - 2 * margin..=to + 2 * margin).contains(mark))
        .collect::<Vec<_>>()
    {
        (from, to) = (from.min(mark), to.max(mark));
    }
    let margin = ((to - from) / 20).max(60 * SECOND);
    Some(Scale {
        from: from - margin,
        to: to + margin,
        left: LEFT,
        right: WIDTH - 8.0,
    })
}

/// The strip at the top: when what is explained happened, and its span behind all lives.
fn activity(out: &mut String, lives: &Lives, scale: &Scale, bottom: f64, view: &View<'_>) {
    if let Some((first, last)) = lives.activity {
        let _ = write!(
            out,
            "<rect class=\"active\" x=\"{:.1}\" y=\"8\" width=\"{:.1}\" height=\"{:.1}\"/>",
            scale.x(first),
            (scale.x(last) - scale.x(first)).max(1.5),
            bottom - 8.0
        );
    }
    if lives.moments.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<text class=\"label\" x=\"0\" y=\"26\">{}</text>",
        view.words.activity
    );
    let mut steps = vec![0_u64; STEPS];
    let step = ((scale.to - scale.from) / 240).max(1);
    for at in &lives.moments {
        let index = usize::try_from((at - scale.from).div_euclid(step)).unwrap_or(usize::MAX);
        if let Some(count) = steps.get_mut(index) {
            *count += 1;
        }
    }
    let most = steps.iter().copied().max().unwrap_or(1);
    for (index, count) in (0_i64..).zip(&steps).filter(|(_, count)| **count > 0) {
        let height = length(*count, most, 24.0).max(2.0);
        let x = scale.x(scale.from + index * step);
        let _ = write!(
            out,
            "<rect class=\"effect\" x=\"{x:.1}\" y=\"{:.1}\" width=\"2.6\" height=\"{height:.1}\"/>",
            34.0 - height
        );
    }
}

fn one(out: &mut String, life: &Life, lives: &Lives, y: f64, scale: &Scale, view: &View<'_>) {
    let is_answer = lives.answers.contains(&life.name);
    let w = view.words;
    let middle = y + 9.0;
    let class = if is_answer { "name strong" } else { "name" };
    let name = escape(&shorten(&life.name, 33));
    let title = format!(
        "{} · {} · {}",
        escape(&life.name),
        escape(&life.image),
        escape(&life.host)
    );
    let text = format!(
        "<text class=\"{class}\" x=\"0\" y=\"{:.0}\"><title>{title}</title>{name}</text>",
        y + 13.0
    );
    match lives.named.get(&life.name) {
        Some(finding) => {
            let _ = write!(out, "<a href=\"#{}\">{text}</a>", escape(finding));
        }
        None => out.push_str(&text),
    }
    // Each run ends at the exit that follows its start; what lies before the last start is known of its creation alone.
    let mut runs: Vec<(i64, Option<i64>)> = life
        .started
        .iter()
        .map(|start| (*start, life.exited.range(start..).next().copied()))
        .collect();
    if runs.is_empty() {
        runs.extend(life.first().map(|first| (first, life.last())));
    }
    if let Some((first, (start, _))) = life
        .first()
        .zip(runs.first())
        .filter(|(first, (start, _))| first < start)
    {
        let _ = write!(
            out,
            "<path class=\"life unsure\" d=\"M{:.1} {middle:.1}H{:.1}\"/>",
            scale.x(first),
            scale.x(*start)
        );
    }
    for (start, exit) in runs {
        let end = exit.unwrap_or(scale.to);
        let _ = write!(
            out,
            "<path class=\"{}\" d=\"M{:.1} {middle:.1}H{:.1}\"/>",
            if is_answer { "life strong" } else { "life" },
            scale.x(start),
            scale.x(end).max(scale.x(start) + 1.0)
        );
    }
    marks(out, life, middle, scale, view);
    if let Some(end) = life.last().filter(|end| *end < scale.from) {
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{} {}</text>",
            LEFT + 6.0,
            middle + 4.0,
            w.exited,
            both(Timestamp(end), view.zone)
        );
    }
    if life.first().is_some_and(|first| first < scale.from) {
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">‹<title>{} {}</title></text>",
            LEFT - 8.0,
            middle + 4.0,
            w.created,
            life.first()
                .map(|at| both(Timestamp(at), view.zone))
                .unwrap_or_default()
        );
    }
}

fn marks(out: &mut String, life: &Life, y: f64, scale: &Scale, view: &View<'_>) {
    let w = view.words;
    let inside = |at: &&i64| (scale.from..=scale.to).contains(*at);
    let told =
        |word: &str, at: i64| format!("<title>{word} {}</title>", both(Timestamp(at), view.zone));
    for at in life.created.iter().filter(inside) {
        let _ = write!(
            out,
            "<circle class=\"created\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\">{}</circle>",
            scale.x(*at),
            told(w.created, *at)
        );
    }
    for at in life.started.iter().filter(inside) {
        let x = scale.x(*at);
        let _ = write!(
            out,
            "<path class=\"started\" d=\"M{:.1} {:.1}l8 5l-8 5Z\">{}</path>",
            x,
            y - 5.0,
            told(w.started, *at)
        );
    }
    for at in life.exited.iter().filter(inside) {
        let x = scale.x(*at);
        let code = life
            .exit_code
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        let _ = write!(
            out,
            "<path class=\"exited\" d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\">{}</path>",
            x - 4.0,
            y - 4.0,
            told(&format!("{}{code}", w.exited), *at)
        );
    }
}
