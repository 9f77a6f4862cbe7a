//! Which ended container explains why a suspicious series ended.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::Severity;

use super::activity::{Origin, Series};
use super::lives::{Life, Moment};

/// Clocks of two hosts differ, and a first login comes a moment after its start.
const SLACK_NS: i64 = 300 * 1_000_000_000;
/// Of more containers than these that fit one series none stands out: the host went down, or was emptied.
pub(super) const MOST_CANDIDATES: usize = 5;

/// One container that ran through a series and ended where the series did.
#[derive(Debug)]
pub(super) struct Fit {
    pub life: usize,
    pub series: usize,
    pub severity: Severity,
    /// What takes from it, in words.
    pub reservations: Vec<String>,
    /// How many containers fit this series.
    pub candidates: usize,
}

/// What lies behind all questions.
pub(super) struct Scene<'a> {
    pub lives: &'a [Life<'a>],
    pub series: &'a [Series],
    pub origins: &'a [Origin],
    /// Pods that a cluster's table shows running with all their containers.
    pub running_pods: &'a BTreeSet<String>,
}

/// All fits, those of one series weighed against each other.
pub(super) fn all(scene: &Scene<'_>) -> Vec<Fit> {
    let mut fits: Vec<Fit> = Vec::new();
    for (index, series) in scene.series.iter().enumerate() {
        let own: Vec<Found> = (0..scene.lives.len())
            .filter_map(|life| one(scene, life, index, series))
            .collect();
        let any_in_time = own.iter().any(|found| !found.late && !found.replaced);
        let candidates = own.iter().filter(|found| !found.replaced).count();
        fits.extend(own.into_iter().map(|found| {
            let behind = found.late && any_in_time;
            let weak = found.weak || found.replaced || behind || candidates > MOST_CANDIDATES;
            let severity = if weak {
                Severity::Low
            } else {
                Severity::Medium
            };
            Fit {
                life: found.life,
                series: index,
                severity,
                reservations: found.reservations,
                candidates,
            }
        }));
    }
    fits
}

struct Found {
    life: usize,
    late: bool,
    weak: bool,
    replaced: bool,
    reservations: Vec<String>,
}

fn one(scene: &Scene<'_>, index: usize, of: usize, series: &Series) -> Option<Found> {
    let life = scene.lives.get(index)?;
    let origin = scene.origins.get(of)?;
    if life.runs || life.sandbox || !ran_there(scene, life, origin, series) {
        return None;
    }
    let mut found = Found {
        life: index,
        late: false,
        weak: false,
        replaced: false,
        reservations: Vec::new(),
    };
    let mut reserve = |text: &str| found.reservations.push(text.to_owned());
    if *origin == Origin::Unknown {
        reserve(
            "nothing in the evidence says whose address the source is; this host is the only other one with containers",
        );
    }
    if let Begun::Perhaps(why) = begun(scene.lives, life, series)? {
        reserve(why);
    }
    match ending(life.ended?, series)? {
        Ending::InTime => {}
        Ending::Coarse => reserve("its end is known as an age only, which may lie outside"),
        Ending::Anywhere => {
            found.weak = true;
            reserve(
                "its end is known too coarsely to tell whether it lies between the last login and the next ones due",
            );
        }
        Ending::Late => {
            found.late = true;
            reserve(
                "it outlived the next logins due, though not the longest pause that they ever made",
            );
        }
    }
    if !series.has_ended() {
        found.weak = true;
        reserve("the evidence ends before logins were due again: that they ended is not shown");
    }
    if !series.is_long() {
        found.weak = true;
        reserve("the logins came on too few days to tell what ran through them");
    }
    match goes_on(scene, life, series) {
        GoesOn::Same => return None,
        GoesOn::OtherImage(name) => {
            found.replaced = true;
            found
                .reservations
                .push(format!("{name} runs on in its place, from another image"));
        }
        GoesOn::No => {}
    }
    Some(found)
}

/// Whether it ran where the series came from.
fn ran_there(scene: &Scene<'_>, life: &Life<'_>, origin: &Origin, series: &Series) -> bool {
    match origin {
        Origin::Host(host) => life.place() == Some(host.as_str()),
        Origin::Pods(pods) => life.pod.as_ref().is_some_and(|pod| pods.contains(pod)),
        Origin::Containers(names) => names.contains(life.name),
        Origin::Unknown => {
            let places: BTreeSet<Option<&str>> = scene
                .lives
                .iter()
                .map(Life::place)
                .filter(|place| *place != Some(series.target.as_str()))
                .collect();
            places.len() == 1 && places.contains(&life.place())
        }
    }
}

enum Ending {
    InTime,
    Coarse,
    Anywhere,
    Late,
}

/// Where an end lies; nothing where the series ended at another time.
fn ending(end: Moment, series: &Series) -> Option<Ending> {
    let from = series.last.saturating_sub(SLACK_NS);
    let until = series.due.saturating_add(SLACK_NS);
    let after_pause = series.due_after_pause.saturating_add(SLACK_NS);
    if end.latest < from || end.earliest > after_pause {
        return None;
    }
    if end.earliest >= from && end.latest <= until {
        return Some(Ending::InTime);
    }
    let width = end.latest - end.earliest;
    let middle = end.earliest + width / 2;
    Some(
        if width <= until - from && (from..=until).contains(&middle) {
            Ending::Coarse
        } else if end.earliest > until && end.latest <= after_pause {
            Ending::Late
        } else {
            Ending::Anywhere
        },
    )
}

enum Begun {
    Surely,
    Perhaps(&'static str),
}

/// Whether it, or the attempts before it, ran since before the first login; nothing where it can't have.
fn begun(lives: &[Life<'_>], life: &Life<'_>, series: &Series) -> Option<Begun> {
    let limit = series.first.saturating_add(SLACK_NS);
    let before = |moment: Option<Moment>| moment.is_some_and(|at| at.latest <= limit);
    let perhaps = |moment: Option<Moment>| moment.is_some_and(|at| at.earliest <= limit);
    // The kubelet makes a new container for each attempt: one that was created was started at once.
    let once = life.started.is_none() && life.pod.is_some() && before(life.created);
    if before(life.started) || once {
        return Some(Begun::Surely);
    }
    let same_pod =
        |other: &&Life<'_>| life.uid.is_some() && other.uid == life.uid && other.host == life.host;
    let mut family = lives.iter().filter(same_pod);
    let earlier = |other: &Life<'_>| {
        other.workload == life.workload && other.attempt < life.attempt && before(other.started)
    };
    let again = life.attempt.unwrap_or(0) > 0 || life.restarts.unwrap_or(0) > 0;
    if family.clone().any(earlier) {
        Some(Begun::Perhaps(
            "it is a later attempt of one that ran since before the first login",
        ))
    } else if again && family.any(|other| other.sandbox && before(other.started)) {
        Some(Begun::Perhaps(
            "it was restarted since the first login, in a pod that is older",
        ))
    } else if life.pod.is_none() && before(life.created) {
        Some(Begun::Perhaps(match life.started {
            Some(_) => "it was created before the first login and started again since",
            None => {
                "it was created before the first login, but when it was started last is not known"
            }
        }))
    } else if life.started.is_none_or(|at| !at.is_exact()) && perhaps(life.started.or(life.created))
    {
        Some(Begun::Perhaps(
            "its start is known too coarsely to be sure that it lies before the first login",
        ))
    } else {
        None
    }
}

enum GoesOn {
    No,
    Same,
    OtherImage(String),
}

/// Whether the same program ran on at that place beyond the moment when logins were due.
fn goes_on(scene: &Scene<'_>, life: &Life<'_>, series: &Series) -> GoesOn {
    let outlives = |other: &&Life<'_>| {
        let there = other.started.or(other.created);
        let in_time = there.is_none_or(|at| at.earliest <= series.due);
        let beyond = other.runs
            || other.restarting
            || other.ended.is_some_and(|end| end.latest > series.due);
        in_time && beyond
    };
    let mut others: Vec<&Life<'_>> = scene
        .lives
        .iter()
        .filter(|other| !std::ptr::eq(*other, life) && !other.sandbox)
        .filter(|other| other.workload == life.workload && other.place() == life.place())
        .filter(outlives)
        .collect();
    if others.is_empty() {
        let runs = life
            .pod
            .as_ref()
            .is_some_and(|pod| scene.running_pods.contains(pod));
        return if runs { GoesOn::Same } else { GoesOn::No };
    }
    if others
        .iter()
        .any(|other| same_image(other.image, life.image))
    {
        return GoesOn::Same;
    }
    others.sort_by_key(|other| other.name);
    let name = others.first().map_or("", |other| other.name);
    GoesOn::OtherImage(name.to_owned())
}

/// Whether two images are one, as far as they are shown: listings leave tags and digests out.
pub(super) fn same_image(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
        _ => true,
    }
}

/// The fits of each container, by its index.
pub(super) fn by_life(fits: Vec<Fit>) -> BTreeMap<usize, Vec<Fit>> {
    let mut found: BTreeMap<usize, Vec<Fit>> = BTreeMap::new();
    for fit in fits {
        found.entry(fit.life).or_default().push(fit);
    }
    for fits in found.values_mut() {
        fits.sort_by_key(|fit| {
            (
                std::cmp::Reverse(fit.severity),
                fit.reservations.len(),
                fit.series,
            )
        });
    }
    found
}
