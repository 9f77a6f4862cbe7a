//! What the evidence says of its hosts before it is read in full: names, zones, addresses, the moment of collection.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use coldcase_evidence::Bundle;
use coldcase_ingest::formats::{Facts, zone_of_link};
use coldcase_model::Timestamp;

use crate::plan::Planned;

/// Facts by host.
#[derive(Debug, Clone, Default)]
pub struct BundleFacts {
    hosts: BTreeMap<String, Facts>,
}

/// Zones of whole hours; of the others only those of today's countries.
const PART_HOURS: [(i32, Tz); 11] = [
    (-34_200, Tz::Pacific__Marquesas),
    (-12_600, Tz::America__St_Johns),
    (12_600, Tz::Asia__Tehran),
    (16_200, Tz::Asia__Kabul),
    (19_800, Tz::Asia__Kolkata),
    (20_700, Tz::Asia__Kathmandu),
    (23_400, Tz::Asia__Yangon),
    (31_500, Tz::Australia__Eucla),
    (34_200, Tz::Australia__Darwin),
    (37_800, Tz::Australia__Lord_Howe),
    (45_900, Tz::Pacific__Chatham),
];

impl BundleFacts {
    /// Gathers the facts of all artifacts by host, and gives hosts that only bear their collection's name the
    /// one that the evidence says.
    pub(crate) fn gather(bundle: &Bundle, planned: &mut [Planned<'_>]) -> Self {
        let mut hosts: BTreeMap<String, Facts> = BTreeMap::new();
        // What a host says of itself counts more than what its logs and listings let guess.
        for own in [true, false] {
            for one in planned.iter() {
                let Some(host) = &one.host else { continue };
                if (one.recognised.id() == Some("host-info")) == own {
                    hosts
                        .entry(host.clone())
                        .or_default()
                        .join(one.facts.clone());
                }
            }
        }
        for one in planned.iter() {
            let target = one.artifact.link_target.as_deref();
            let zone = target
                .filter(|_| one.artifact.path.ends_with("etc/localtime"))
                .and_then(zone_of_link);
            if let (Some(host), Some(zone)) = (&one.host, zone) {
                hosts
                    .entry(host.clone())
                    .or_default()
                    .zone
                    .get_or_insert(zone);
            }
        }
        let named = planned
            .iter()
            .filter(|one| one.recognised.id() == Some("host-info") && one.facts.name.is_some());
        let own: BTreeSet<String> = named.filter_map(|one| one.host.clone()).collect();
        let renamed = renamed(bundle, &hosts, &own);
        for one in planned.iter_mut() {
            if let Some(name) = one.host.as_ref().and_then(|host| renamed.get(host)) {
                one.host = Some(name.clone());
            }
        }
        let hosts = hosts.into_iter().map(|(host, facts)| {
            let name = renamed.get(&host).cloned().unwrap_or(host);
            (name, facts)
        });
        Self {
            hosts: hosts.collect(),
        }
    }

    /// What is known of a host.
    pub fn of(&self, host: &str) -> Option<&Facts> {
        self.hosts.get(host)
    }

    /// The zone of a host's clock; of no host's artifacts the one that all hosts share.
    pub(crate) fn zone(&self, host: Option<&str>) -> Option<Tz> {
        match host {
            Some(host) => zone_of(self.hosts.get(host)?),
            None => {
                let zones: BTreeSet<&str> = self
                    .hosts
                    .values()
                    .filter_map(|facts| Some(zone_of(facts)?.name()))
                    .collect();
                let only = zones.first().filter(|_| zones.len() == 1)?;
                only.parse().ok()
            }
        }
    }

    /// The latest clock that a host told.
    pub(crate) fn collected_at(&self, default: Tz) -> Option<Timestamp> {
        let told = self.hosts.values().flat_map(|facts| {
            let zone = coldcase_ingest::Zone {
                tz: zone_of(facts).unwrap_or(default),
                source: coldcase_ingest::ZoneSource::Bundle,
            };
            let local = facts.local_now.and_then(|local| zone.instant(local));
            [facts.now, local]
        });
        told.flatten().max()
    }
}

/// When a host came up: as it said, or its clock less the time that it was up.
pub(crate) fn boot(facts: &Facts) -> Option<Timestamp> {
    let since = || {
        let up_ns = facts.up_seconds?.checked_mul(1_000_000_000)?;
        let now = facts.now?;
        now.nanos().checked_sub(up_ns).map(Timestamp)
    };
    facts.boot.or_else(since)
}

fn zone_of(facts: &Facts) -> Option<Tz> {
    facts
        .zone
        .or_else(|| facts.offset_seconds.and_then(fixed_zone))
}

/// A zone that always has this offset, or a country's where no such zone is named.
pub(crate) fn fixed_zone(seconds: i32) -> Option<Tz> {
    if seconds % 3_600 == 0 {
        // The names' signs are POSIX's: west is positive.
        let hours = seconds / 3_600;
        let sign = if hours > 0 { '-' } else { '+' };
        return match hours {
            0 => Some(Tz::UTC),
            _ => format!("Etc/GMT{sign}{}", hours.abs()).parse().ok(),
        };
    }
    PART_HOURS
        .iter()
        .find(|(offset, _)| *offset == seconds)
        .map(|(_, zone)| *zone)
}

/// New names; two hosts never get the same.
fn renamed(
    bundle: &Bundle,
    hosts: &BTreeMap<String, Facts>,
    own: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut taken: BTreeSet<&str> = hosts.keys().map(String::as_str).collect();
    let mut renamed = BTreeMap::new();
    for (host, facts) in hosts {
        let Some(name) = facts.name.as_deref() else {
            continue;
        };
        // Of several bundles given by name, only a host's own word counts more than that.
        let counts = bundle.names.len() == 1 || own.contains(host);
        if counts && bundle.is_collection_name(host) && taken.insert(name) {
            renamed.insert(host.clone(), name.to_owned());
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_zones() {
        let check = |seconds: i32, expected: Option<&str>| {
            assert_eq!(fixed_zone(seconds).map(|zone| zone.name()), expected);
        };
        check(28_800, Some("Etc/GMT-8"));
        check(-10_800, Some("Etc/GMT+3"));
        check(0, Some("UTC"));
        check(19_800, Some("Asia/Kolkata"));
        check(60, None);
    }
}
