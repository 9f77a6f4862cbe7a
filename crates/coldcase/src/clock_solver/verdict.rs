//! What the solver found, as clocks need it, as `case.json` holds it and as reports say it.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use coldcase_ingest::{Zone, ZoneSource};
use serde_json::{Value, json};

use super::series::AllSeries;
use super::solve::{Agreement, Solved, Zones};
use crate::InputRecord;

/// Votes against a zone that was given, beyond those for it, that it takes to doubt it: two more than solve one.
const FEWEST_TO_CONTRADICT: f64 = 5.0;
/// Share of the shared events that must agree on another offset.
const AGREE_TO_CONTRADICT: f64 = 0.9;
/// Share of the votes that the given zone may have beside: a fixed offset is right for half of the year.
const LEFT_TO_CONTRADICT: f64 = 0.9;

/// What came of one series.
#[derive(Debug, Clone)]
pub(crate) struct SeriesClock {
    /// Path of the series' newest file, for reports.
    path: String,
    /// The zone that it was read with.
    read: Zone,
    solved: Solved,
    /// Names of the series that it agrees with.
    with: Vec<String>,
}

/// What came of all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    /// By number of the series.
    series: BTreeMap<usize, SeriesClock>,
    /// The series of each input.
    of_input: Vec<usize>,
    /// Solved zones of hosts, where none is named.
    hosts: BTreeMap<Option<String>, Tz>,
}

impl Verdict {
    pub(super) fn of(zones: Zones, series: &AllSeries, inputs: &[InputRecord]) -> Self {
        let mut verdict = Self {
            series: BTreeMap::new(),
            of_input: (0..inputs.len()).map(|one| series.of_input(one)).collect(),
            hosts: zones.hosts,
        };
        for (number, solved) in zones.series {
            let Some(one) = series.get(number) else {
                continue;
            };
            let input = one.inputs.first().and_then(|index| inputs.get(*index));
            let with = solved
                .agreement
                .iter()
                .flat_map(|agreement| &agreement.with);
            let with = with.filter_map(|other| Some(series.get(*other)?.name().to_owned()));
            let known = SeriesClock {
                path: one.path.clone(),
                read: input.map_or(Zone::UNKNOWN, |input| input.clock.zone),
                with: with.collect(),
                solved,
            };
            verdict.series.insert(number, known);
        }
        verdict
    }

    fn of_input(&self, input: usize) -> Option<&SeriesClock> {
        self.series.get(self.of_input.get(input)?)
    }

    /// The solved zone of an input of this host, where nothing better is known.
    pub fn zone(&self, input: usize, host: Option<&str>) -> Option<Tz> {
        let own = self.of_input(input).map(|series| series.solved.zone);
        own.or_else(|| self.host(host))
    }

    /// The solved zone of a host; of no host's artifacts the one that all hosts share.
    pub fn host(&self, host: Option<&str>) -> Option<Tz> {
        let own = self.hosts.get(&host.map(str::to_owned)).copied();
        own.or_else(|| {
            let zones: BTreeSet<&str> = self.hosts.values().map(|zone| zone.name()).collect();
            let only = zones
                .first()
                .filter(|_| zones.len() == 1 && host.is_none())?;
            only.parse().ok()
        })
    }

    /// The zone of the case, where all hosts whose zone was solved share it.
    pub fn case_zone(&self) -> Option<Zone> {
        let (tz, source) = (self.host(None)?, ZoneSource::Solved);
        Some(Zone { tz, source })
    }

    /// Years to add to those inferred for an input.
    pub fn years(&self, input: usize) -> i32 {
        self.of_input(input).map_or(0, |series| series.solved.years)
    }

    /// What `case.json` says of an input's clock beside its zone.
    pub fn json(&self, input: usize) -> Value {
        let Some(series) = self.of_input(input) else {
            return Value::Null;
        };
        let Some(agreement) = &series.solved.agreement else {
            return Value::Null;
        };
        json!({
            "timezone": series.solved.zone.name(),
            "utc_offset": show_offset(series.solved.offset),
            "against": series.with,
            "events": events(agreement),
            "matched": agreement.matched,
            "of": agreement.of,
            "within_seconds": agreement.within_seconds,
            "ahead_seconds": agreement.ahead_seconds,
            "confidence": agreement.confidence,
            "contradicts": series.contradicts(),
        })
    }

    /// Lines of a report: what solved zones were assumed from.
    pub fn assumed(&self) -> Vec<String> {
        let solved = self.series.values().filter(|one| !one.is_named());
        solved.filter_map(SeriesClock::line).collect()
    }

    /// Lines of a report: zones that were given and that the evidence bears out.
    pub fn confirmed(&self) -> Vec<String> {
        let named = self.series.values().filter(|one| one.is_named());
        let said = named.filter(|one| !one.contradicts());
        said.filter_map(SeriesClock::line).collect()
    }

    /// Zones that were given and that the evidence contradicts.
    pub fn contradictions(&self) -> Vec<String> {
        let doubted = self.series.values().filter(|one| one.contradicts());
        doubted.filter_map(SeriesClock::contradiction).collect()
    }
}

impl SeriesClock {
    fn with(&self) -> String {
        match self.with.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [first, second] => format!("{first} and {second}"),
            [first, second, ..] => format!("{first}, {second} and others"),
        }
    }

    /// Whether case, caller or bundle named its zone.
    fn is_named(&self) -> bool {
        self.read.source < ZoneSource::Solved
    }

    /// Whether the zone that was given can't be right.
    fn contradicts(&self) -> bool {
        self.is_named()
            && self.solved.agreement.as_ref().is_some_and(|agreement| {
                agreement.votes - agreement.votes_as_read >= FEWEST_TO_CONTRADICT
                    && agreement.share() >= AGREE_TO_CONTRADICT
                    && agreement.votes_as_read <= agreement.votes * LEFT_TO_CONTRADICT
            })
    }

    fn counts(agreement: &Agreement) -> String {
        let events = events(agreement);
        format!("{} of {} {events}", agreement.matched, agreement.of)
    }

    fn line(&self) -> Option<String> {
        let agreement = self.solved.agreement.as_ref()?;
        let (zone, with) = (self.solved.zone, self.with());
        let (counts, within) = (Self::counts(agreement), agreement.within_seconds);
        let said = if self.is_named() {
            let (read, source) = (self.read.tz, self.read.source.as_str());
            if read != zone {
                return None;
            }
            format!("zone {read} from {source}, and {counts} shared with {with}")
        } else {
            let zone = show_zone(zone, self.solved.offset);
            if self.solved.is_own {
                format!("zone {zone} assumed from {with}, {counts}")
            } else {
                format!(
                    "zone {zone} assumed from the host's other logs, and {counts} shared with {with}"
                )
            }
        };
        let ahead = match agreement.ahead_seconds {
            -2..=2 => String::new(),
            seconds => format!(
                ", its clock {} s {}",
                seconds.abs(),
                if seconds > 0 { "behind" } else { "ahead" }
            ),
        };
        Some(format!(
            "{}: {said} agree within {within} s{ahead}",
            self.path
        ))
    }

    fn contradiction(&self) -> Option<String> {
        let agreement = self.solved.agreement.as_ref()?;
        Some(format!(
            "{}: zone {} from {}, but {} shared with {} say {}; its times may be wrong: check the zone",
            self.path,
            self.read.tz,
            self.read.source.as_str(),
            Self::counts(agreement),
            self.with(),
            show_zone(self.solved.zone, self.solved.offset),
        ))
    }
}

/// `logins`, `logins and boots`.
fn events(agreement: &Agreement) -> String {
    let words: Vec<&str> = agreement.kinds.iter().map(|kind| kind.plural()).collect();
    match words.as_slice() {
        [but_last @ .., last] if !but_last.is_empty() => {
            format!("{} and {last}", but_last.join(", "))
        }
        _ => words.concat(),
    }
}

/// `UTC+05:30`.
fn show_offset(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A country's zone by name, a bare offset (whose name has the sign of POSIX) as such.
fn show_zone(zone: Tz, offset: i64) -> String {
    if zone.name().starts_with("Etc/") {
        format!("{} ({})", show_offset(offset), zone.name())
    } else {
        zone.name().to_owned()
    }
}
