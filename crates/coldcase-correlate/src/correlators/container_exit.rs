//! Which containers ended, and what their end means.
//!
//! Listings (`docker ps`, `inspect`, crictl, podman, `kubectl`), the engine's events, its lines in the host's
//! logs and the kernel's out-of-memory lines are joined into one life a container: starts, ends, exit code,
//! attempts. Two questions are asked of those that ended.
//!
//! **Does its end explain why suspicious logins ended?** For every series of logins that `periodic-window` or
//! `ssh-auth` call suspicious (medium or more): the series ended between its last login and the moment when it
//! would have begun again. With a window of the day that is the next window's opening, plus the delay by which
//! nine of ten windows had begun; without one the longest pause between two logins, an hour to a day. A container of
//! the host, pod or container whose address the source is, that ran since before the first login (5 minutes of
//! slack for clocks) and ended in that gap is a candidate: **medium**. The reasoning stands in `why`, also
//! whether an audit log recorded connections while it still ran. It is **low** where something takes from it:
//! its end is known only as "2 days ago" and may lie outside; it ended later, within the longest pause the series
//! ever made, while another fits better; the log ends before the next window; logins came on fewer than 3 days; more
//! than 5 containers fit (a host that went down); another image runs in its place. What runs on as a next
//! attempt, a replica or a new pod of the same workload and image on the same host is no candidate: the logins would have gone on.
//! Never high: what its log says decides, see `series-match`.
//!
//! **Did it end in an odd way?** **Low**: killed or failed within 60 s of its start again and again (3 ends within an hour, 5 restarts, or
//! a start long after its creation); killed for memory without a next attempt; an exit code other than 0 without a next attempt.
//! Info: killed for memory, and a next attempt runs. Nothing is said of an exit with 0, of a stop
//! (143, 130, a `stop` or SIGTERM in the engine's events), of a failure after which the same workload ran again, of pause
//! containers, of throw-away containers that were removed, of 5 or more that ended in one minute (the host or its engine went
//! down), or of what ended over 30 days before the collection. Alike ends of one image on one host are told once.
//!
//! Not seen: containers removed before the evidence was collected, where no events tell of them; ends that an engine forgot
//! after a restart. Exit code 137 alone doesn't tell a stop from a kill.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity, Timestamp, action};
use coldcase_timeline::{Selection, TimelineError};
use serde_json::{Value, json};

use crate::correlators::{periodic_window, ssh_auth};
use crate::evidence::time_fact;
use crate::{CaseFacts, Correlator, Draft, View};

mod activity;
mod fits;
mod lives;
mod odd;
mod workload;

use activity::{Origin, Series};
use fits::{Fit, Scene};
use lives::{Life, Moment};
use odd::Oddity;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "container-exit",
    title: "which containers ended, and what their end means",
    source: include_str!("container_exit.rs"),
    rests_on: &[&periodic_window::CORRELATOR, &ssh_auth::CORRELATOR],
    run,
};

/// Odd ends told of one by one, latest first; a cluster in trouble has thousands.
const MOST_ODD: usize = 30;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let rows = lives::select(timeline)?;
    let logs = lives::select_logs(timeline)?;
    let lives = lives::read(&rows, &logs);
    let mut found = Vec::new();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    if lives.iter().any(|life| !life.runs && life.ended.is_some()) {
        let case = Case {
            timeline,
            facts,
            rows: &rows,
            logs: &logs,
            lives: &lives,
        };
        for (index, finding) in case.explanations()? {
            told.insert(index);
            found.push(finding);
        }
    }
    found.extend(oddities(&rows, &logs, &lives, facts, &told));
    Ok(found)
}

struct Case<'a> {
    timeline: &'a View<'a>,
    facts: &'a CaseFacts,
    rows: &'a Selection,
    logs: &'a Selection,
    lives: &'a [Life<'a>],
}

impl Case<'_> {
    /// Findings of containers whose end explains a series, by their index.
    fn explanations(&self) -> Result<Vec<(usize, Finding)>, TimelineError> {
        let series = activity::suspicious(self.timeline, self.facts)?;
        if series.is_empty() {
            return Ok(Vec::new());
        }
        let identities = &self.timeline.identities;
        let origin = |series: &Series| activity::origin(series, identities, self.facts);
        let origins: Vec<Origin> = series.iter().map(origin).collect();
        let running_pods = running_pods(self.rows);
        let scene = Scene {
            lives: self.lives,
            series: &series,
            origins: &origins,
            running_pods: &running_pods,
        };
        let mut watched: BTreeMap<String, Option<(Selection, i64)>> = BTreeMap::new();
        let mut found = Vec::new();
        for (index, fits) in fits::by_life(fits::all(&scene)) {
            let (Some(life), Some(best)) = (self.lives.get(index), fits.first()) else {
                continue;
            };
            let Some(explained) = series.get(best.series) else {
                continue;
            };
            let place = life.place().unwrap_or_default().to_owned();
            if !watched.contains_key(&place) {
                let from = activity::watched_from(self.timeline, &place)?;
                watched.insert(place.clone(), from);
            }
            let audit = watched.get(&place).and_then(Option::as_ref);
            let draft = self.explanation(index, &fits, &series, audit);
            let Some(draft) = draft else { continue };
            let mut draft = draft.rests_on(self.rows, decisive(life));
            draft = draft.rests_on_logins(&self.timeline.logins, &explained.ends);
            if let Some((rows, _)) = audit {
                draft = draft.rests_on(rows, &[0]);
            }
            found.push((index, draft.rests_on(self.logs, &life.log_rows).finish()));
        }
        Ok(found)
    }

    fn explanation(
        &self,
        index: usize,
        fits: &[Fit],
        series: &[Series],
        audit: Option<&(Selection, i64)>,
    ) -> Option<Draft> {
        let (life, best) = (self.lives.get(index)?, fits.first()?);
        let explained = series.get(best.series)?;
        let why = why(life, best, explained, audit.map(|(_, from)| *from));
        let explains: Vec<Value> = fits
            .iter()
            .filter_map(|fit| series.get(fit.series))
            .map(|one| json!({"src_ip": one.source, "host": one.target, "events": one.logins}))
            .collect();
        let mut reasons = vec!["ran-through-all", "ended-before-next"];
        if audit.is_some_and(|(_, from)| *from > explained.last) {
            reasons.push("unseen-by-audit");
        }
        let confidence = match best.severity {
            Severity::Medium => 0.75,
            _ => 0.4,
        };
        let doubts = best.reservations.len() + best.candidates.saturating_sub(1);
        let confidence = (confidence - 0.1 * doubts as f64).max(0.2);
        let title = format!(
            "{} ran through all logins from {} and ended before they were due again",
            life.name, explained.source
        );
        let text = format!(
            "{why} Running through and ending in time is no proof: match its log with the logins by time and count (series-match), look at \
             its image, its configuration and who changed or stopped it. {}",
            look(life)
        );
        let draft = stated(self.lives, index, why)
            .says(title, text)
            .weighs(best.severity, confidence)
            .fact("reasons", reasons)
            .fact("explains", explains)
            .fact("candidates", best.candidates)
            .fact(
                "thresholds",
                json!({"most_candidates": fits::MOST_CANDIDATES,
                       "due": time_fact(Some(explained.due)),
                       "due_after_longest_pause": time_fact(Some(explained.due_after_pause))}),
            );
        Some(draft)
    }
}

/// What speaks for it and against it, in sentences.
fn why(life: &Life<'_>, fit: &Fit, series: &Series, audit: Option<i64>) -> String {
    let target = if series.target.is_empty() {
        "a host"
    } else {
        &series.target
    };
    let window = series.window.as_ref();
    let window = window.map_or(String::new(), |window| format!(", {window}"));
    let mut why = format!(
        "It ran from {} to {}: through all {} logins from {} into {target} on {} days ({} to {}{window}), and ended before \
         they were due again at {}.",
        shown(life.started.or(life.created)),
        shown(life.ended),
        series.logins,
        series.source,
        series.days,
        seconds(series.first),
        seconds(series.last),
        seconds(series.due),
    );
    if series.has_ended() {
        why.push_str(" None came since.");
    }
    if let (Some(from), Some(ended)) = (audit, Moment::fact(life.ended)) {
        if from > ended {
            why.push_str(&format!(
                " The audit log there records connections only from {} on, after its end: it could not show them.",
                seconds(from)
            ));
        } else if from > series.last {
            why.push_str(&format!(
                " The audit log there records connections from {} on, after the last login: while this container still ran none was due.",
                seconds(from)
            ));
        } else {
            why.push_str(" The audit log there recorded connections while logins still came: it must show who made them.");
        }
    }
    if fit.candidates > 1 {
        why.push_str(&format!(" {} containers fit alike.", fit.candidates));
    }
    for reservation in &fit.reservations {
        why.push_str(&format!(" Against it: {reservation}."));
    }
    why
}

fn seconds(ns: i64) -> String {
    Timestamp(ns - ns.rem_euclid(1_000_000_000)).to_string()
}

fn shown(moment: Option<Moment>) -> String {
    match moment {
        None => "an unknown time".to_owned(),
        Some(moment) if moment.is_exact() => seconds(moment.earliest),
        Some(moment) => format!(
            "some time between {} and {}",
            seconds(moment.earliest),
            seconds(moment.latest)
        ),
    }
}

fn look(life: &Life<'_>) -> String {
    match &life.pod {
        Some(pod) => {
            let (namespace, name) = pod.rsplit_once('/').unwrap_or(("default", pod));
            format!(
                "Next: `docker inspect {}` or `crictl inspect`, its log below /var/log/pods, and `kubectl -n {namespace} describe pod {name}`.",
                life.name
            )
        }
        None => format!(
            "Next: `docker inspect {0}`, `docker logs -t {0}`, and `docker diff {0}` before anybody removes it.",
            life.name
        ),
    }
}

/// Pods that a cluster's table shows running with all their containers.
fn running_pods(rows: &Selection) -> BTreeSet<String> {
    let runs = |row: &usize| {
        let json = lives::attributes(rows, *row);
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
        let all = text("ready")
            .split_once('/')
            .is_some_and(|(up, of)| up == of);
        rows.text("action", *row) == Some(action::POD_LISTED) && text("status") == "Running" && all
    };
    (0..rows.rows())
        .filter(runs)
        .filter_map(|row| lives::pod_name(rows, row))
        .collect()
}

/// A finding with its subjects and the facts that all findings of this correlator have.
fn stated(lives: &[Life<'_>], index: usize, why: String) -> Draft {
    let Some(life) = lives.get(index) else {
        return Draft::new("container-exit", Vec::new(), "");
    };
    let mut subjects = vec![Observable::new(ObservableType::Container, life.name)];
    if let Some(pod) = &life.pod {
        subjects.push(Observable::new(ObservableType::Pod, pod.as_str()));
    }
    let is_namesake = |other: &&Life<'_>| other.name == life.name && other.pod == life.pod;
    let earlier = lives.iter().take(index).filter(is_namesake).count();
    let (started, ended) = (Moment::fact(life.started), Moment::fact(life.ended));
    Draft::new("container-exit", subjects, &earlier.to_string())
        .spans(started, ended)
        .fact("container", life.name)
        .fact("image", life.image.map(str::to_owned))
        .fact("pod", life.pod.clone())
        .fact("exit_code", life.exit_code)
        .fact("oom_killed", life.oom_killed)
        .fact("started_at", time_fact(started))
        .fact("finished_at", time_fact(ended))
        .fact("why", why)
        .fact("host", life.host.map(str::to_owned))
}

/// The rows of a life, its ends last.
fn decisive<'a>(life: &'a Life<'_>) -> &'a [usize] {
    let shown = life.rows.len().saturating_sub(8);
    life.rows.get(shown..).unwrap_or_default()
}

fn oddities(
    rows: &Selection,
    logs: &Selection,
    lives: &[Life<'_>],
    facts: &CaseFacts,
    told: &BTreeSet<usize>,
) -> Vec<Finding> {
    let collected = facts.collected_at.map(Timestamp::nanos);
    let odd = (0..lives.len())
        .filter(|index| !told.contains(index))
        .filter_map(|index| Some((index, odd::judge(lives, index, collected)?)))
        .collect();
    let mut odd = odd::group(lives, odd);
    let ended = |index: usize| {
        let life = lives.get(index);
        life.and_then(|life| life.ended).map(|at| at.latest)
    };
    odd.sort_by(|(a, x, _), (b, y, _)| (y.severity, ended(*b), a).cmp(&(x.severity, ended(*a), b)));
    odd.truncate(MOST_ODD);
    odd.into_iter()
        .filter_map(|(index, oddity, alike)| {
            let life = lives.get(index)?;
            let draft = oddity_finding(lives, index, &oddity, alike)?;
            let draft = draft.rests_on(rows, decisive(life));
            Some(draft.rests_on(logs, &life.log_rows).finish())
        })
        .collect()
}

fn oddity_finding(
    lives: &[Life<'_>],
    index: usize,
    oddity: &Oddity,
    alike: usize,
) -> Option<Draft> {
    let life = lives.get(index)?;
    let title = match oddity.reason {
        "restart-loop" => format!("{} does not stay up", life.name),
        "oom-killed" => format!("{} was killed for memory", life.name),
        _ => format!("{} failed and was not started again", life.name),
    };
    let others = match alike {
        0 | 1 => String::new(),
        alike => {
            format!(" {alike} containers of this image on the host ended so; this is the latest.")
        }
    };
    let text = format!(
        "The container ended at {}: {}.{others} By itself this is an everyday failure; it matters if it happened while something else took the host's CPU or memory. {}",
        shown(life.ended),
        oddity.why,
        look(life)
    );
    let draft = stated(lives, index, oddity.why.clone())
        .says(title, text)
        .weighs(oddity.severity, 0.6)
        .fact("reasons", vec![oddity.reason])
        .fact("alike", alike)
        .fact(
            "thresholds",
            json!({"short_run_seconds": odd::SHORT_RUN_NS / 1_000_000_000,
                   "loop_ends_an_hour": odd::LOOP_ENDS,
                   "recent_days": odd::RECENT_DAYS}),
        );
    Some(draft)
}
