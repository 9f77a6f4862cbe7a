//! Containers that nobody of the estate would have started.
//!
//! A container is joined over all that tells of it (inspect, tables of docker, podman, crictl and nerdctl, events, requests to the
//! engine's API in captures, the audit log of Kubernetes) and weighed by reasons of four groups:
//!
//! | group | reasons with their weight |
//! | --- | --- |
//! | origin of the image | `unofficial-image` 1: no official image, no widely used publisher, none that the estate had a week before; `untagged-image` 1: neither tag nor digest as written; `new-image` 1: it came to the host within a day before the container, while most others are a week older. The last two weigh only with the first, or with a maker from outside. |
//! | power over the host | `host-mount` 2 where all of `/` can be written, 1 where it can be read or a telling folder (`/etc`, `/root`, `/proc`, jobs, keys, ...) can be written; `docker-socket`, `privileged`, `host-namespace` (pid or ipc; the network alone weighs nothing), `added-capability` (those that make it the host's master) 1 each |
//! | purpose | `miner-command` 4: in its command, in a process of it, in a collected script that it runs; `indicator` 4; `miner-image` 3; `download-and-run` 2; `host-escape` 2: `chroot` into a mounted root, `nsenter` of process 1; `tmp-path` 1; `high-cpu` 1 |
//! | maker | `remote-created` 2: made through the API from outside (1: from inside, by a caller not seen in the hour before that made at most three); `remote-exec` 2 |
//!
//! **Severity.** High needs groups that have no benign reading together: a miner's command or an indicator with a weight of another
//! group; a maker from outside with power over the host, a download that is run, or a new image that nobody knows; or all of `/`
//! writable with an escape and a download. 3 points are medium, 2 are low; an unknown image is told of (low) only where it is new.
//! Well-known agents (node-exporter, CNI, log shippers, portainer, dind) that only have power over the host are info, unless
//! they were made from outside; other containers of usual images with nothing but power are low at 3 points. A week is the age of what is established: incidents are found sooner, and estates change more slowly.
//!
//! **Which processes are in a container** is known by the container's id in their cgroup, by descent from its first process, or, in
//! lists without parents, as the pids right behind the first one's that started within two minutes.
//!
//! **Not seen**: what an image holds; commands that a shell typed into the container later; images that an intruder gave an official
//! name by a local tag. A pod that a controller makes from a template is told of with the template's request, not again.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Severity, action};
use coldcase_timeline::{Selection, TimelineError};
use serde_json::{Value, json};

use crate::correlators::exposed_service::callers::Outside;
use crate::{CaseFacts, Correlator, View};

mod commands;
mod gather;
mod images;
mod known_bad;
mod mounts;
mod pods;
mod processes;
mod publishers;
mod reasons;
mod statement;

use gather::{Container, attributes, texts};
use images::{Estate, ImageName, Sight};
use reasons::{Context, Group, Weighed};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "suspicious-container",
    title: "containers that nobody of the estate would have started",
    source: include_str!("suspicious_container.rs"),
    rests_on: &[],
    run,
};

/// Points of reasons that have a benign reading each, but seldom all together.
const MEDIUM_POINTS: u32 = 3;
/// Points below which nothing is told.
const LOW_POINTS: u32 = 2;
/// Containers told of one by one, the worst first: a host that makes thousands a day has one reason for all.
const MOST_TOLD: usize = 200;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let rows = gather::select(timeline)?;
    let outside = Outside::of(timeline, facts)?;
    let containers = gather::containers(&rows, &outside);
    let sights = sights(&rows, &containers);
    let estate = Estate::of(&sights, configured(&rows));
    let processes = processes::Processes::from(timeline)?;
    let bad = known_bad::KnownBad::of(&facts.indicators);
    let mut context = Context {
        estate: &estate,
        processes: &processes,
        bad: &bad,
        outside: &outside,
        firsts: BTreeMap::new(),
        made: BTreeMap::new(),
    };
    for container in &containers {
        let firsts = context.firsts.entry(container.host.as_str()).or_default();
        firsts.extend(container.pid);
        for from in container
            .creators
            .iter()
            .filter_map(|request| request.from.as_deref())
        {
            *context.made.entry(from).or_default() += 1;
        }
    }
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for container in &containers {
        *names
            .entry((&container.host, container.called()))
            .or_default() += 1;
    }
    let mut told: Vec<(u32, Finding)> = Vec::new();
    for container in containers.iter().filter(|one| !one.called().is_empty()) {
        let mut weighed = reasons::weigh(container, &context);
        if let Some(severity) = severity(&weighed) {
            if severity < Severity::Medium {
                weighed.keep_weighty();
            }
            let shared = names
                .get(&(container.host.as_str(), container.called()))
                .is_some_and(|many| *many > 1);
            told.push((
                weighed.points(),
                statement::finding(&rows, &processes, container, &weighed, severity, shared),
            ));
        }
    }
    told.sort_by(|(a, x), (b, y)| (y.severity, b, &x.id).cmp(&(x.severity, a, &y.id)));
    told.truncate(MOST_TOLD);
    Ok(told.into_iter().map(|(_, finding)| finding).collect())
}

/// Hosts with a container that was surely not the estate's own: another correlator's reason to look at their engines.
pub(super) fn hosts_with_intruders(
    timeline: &View<'_>,
    facts: &CaseFacts,
) -> Result<BTreeSet<String>, TimelineError> {
    let found = timeline.found_by(&CORRELATOR, facts)?;
    let high = found
        .iter()
        .filter(|finding| finding.severity >= Severity::High);
    let host = |finding: &Finding| Some(finding.facts.get("host")?.as_str()?.to_owned());
    Ok(high.filter_map(host).collect())
}

/// How much reasons weigh together; nothing where they are not worth a finding.
fn severity(weighed: &Weighed<'_>) -> Option<Severity> {
    let (points, groups) = (weighed.points(), weighed.groups());
    let certain =
        weighed.has("miner-command") || weighed.has("indicator") || weighed.has("miner-image");
    let other_group = groups.iter().any(|group| *group != Group::Purpose);
    let powerful = groups.contains(&Group::Power)
        || weighed.has("download-and-run")
        || weighed.has("host-escape");
    let unknown_image = weighed.has("unofficial-image") && weighed.has("new-image");
    let from_outside = weighed.made_by.is_some() && (powerful || unknown_image);
    let takes_host =
        weighed.has("host-escape") && weighed.has("download-and-run") && weighed.has("host-mount");
    if (certain && other_group) || from_outside || takes_host {
        return Some(Severity::High);
    }
    let only_power = groups.iter().all(|group| *group == Group::Power);
    if weighed.is_agent && only_power {
        return (points >= LOW_POINTS).then_some(Severity::Info);
    }
    if weighed.is_usual && only_power {
        return (points >= MEDIUM_POINTS).then_some(Severity::Low);
    }
    match points {
        MEDIUM_POINTS.. => Some(Severity::Medium),
        LOW_POINTS => Some(Severity::Low),
        _ => None,
    }
}

/// When each image was first on each host, as far as anything tells: of containers their creation, of pulls their moment.
fn sights(rows: &Selection, containers: &[Container]) -> Vec<Sight> {
    let mut sights = Vec::new();
    let mut see = |host: &str, image: &str, at: Option<i64>| {
        if let Some(image) = ImageName::of(image) {
            let sight = Sight {
                host: host.to_owned(),
                repository: image.repository(),
                publisher: image.publisher(),
                at,
            };
            sights.push(sight);
        }
    };
    for container in containers {
        let image = container.image.as_deref().unwrap_or_default();
        see(
            &container.host,
            image,
            container.created.map(|(_, latest)| latest),
        );
    }
    for row in 0..rows.rows() {
        let (host, image) = (
            rows.text("host", row).unwrap_or_default(),
            rows.text("image", row).unwrap_or_default(),
        );
        let told = || attributes(rows, row);
        match rows.text("action", row).unwrap_or_default() {
            action::IMAGE_CHANGED => {
                let event = told()
                    .get("event")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                if matches!(
                    event.as_deref(),
                    Some("pull" | "load" | "import" | "build" | "tag")
                ) {
                    see(host, image, rows.long("ts_ns", row));
                }
            }
            action::IMAGE_CREATED => {
                let told = told();
                let tagged = told.get("tagged").and_then(Value::as_str);
                let tagged = tagged
                    .and_then(coldcase_model::Timestamp::parse_rfc3339)
                    .map(coldcase_model::Timestamp::nanos);
                for name in texts(&told, "repo_tags")
                    .iter()
                    .filter(|_| tagged.is_some())
                {
                    see(host, name, tagged);
                }
            }
            action::HTTP_REQUEST => see(host, image, rows.long("ts_ns", row)),
            _ => {}
        }
    }
    sights
}

/// Registries that the engines' configuration names: mirrors, and those without TLS, which are an estate's own.
fn configured(rows: &Selection) -> BTreeSet<String> {
    let engines =
        (0..rows.rows()).filter(|row| rows.text("action", *row) == Some(action::ENGINE_LISTED));
    let named = engines.flat_map(|row| {
        let told = attributes(rows, row);
        [
            texts(&told, "insecure_registries"),
            texts(&told, "registries"),
        ]
        .concat()
    });
    let bare = named.map(|name| {
        name.rsplit("://")
            .next()
            .unwrap_or(&name)
            .trim_end_matches('/')
            .to_lowercase()
    });
    bare.filter(|name| !name.contains('/') && name != "index.docker.io")
        .collect()
}

/// The thresholds, as a finding shows them.
fn thresholds() -> Value {
    json!({
        "medium_points": MEDIUM_POINTS,
        "low_points": LOW_POINTS,
        "established_days": images::ESTABLISHED_NS / 86_400_000_000_000,
    })
}
