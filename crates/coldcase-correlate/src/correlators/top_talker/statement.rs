//! A talker as a finding: severity, facts, words.

use coldcase_model::{Finding, Observable, ObservableType, Severity, Timestamp};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::{Value, json};

use super::device::Direction;
use super::meters::Measured;
use super::surge::RATIO;
use super::{
    BULK, LEAST_BYTES_PER_SECOND, LONELY_DESTINATIONS, LONGER_THAN_JOBS, ONE_WAY, SECOND, Talker,
};
use crate::evidence::time_fact;
use crate::{CaseFacts, Draft};

fn severity(talker: &Talker<'_>) -> Severity {
    let Some(surge) = talker.surge else {
        return Severity::Info;
    };
    let lasts = !surge.ended || surge.last.saturating_sub(surge.first) / SECOND >= LONGER_THAN_JOBS;
    let big = talker.bytes_per_second >= LEAST_BYTES_PER_SECOND;
    if big && !talker.daily && (lasts || talker.flood) {
        Severity::Medium
    } else {
        Severity::Low
    }
}

pub(super) fn finding(
    timeline: &Timeline,
    talker: &Talker<'_>,
    facts: &CaseFacts,
) -> Result<Finding, TimelineError> {
    let series = talker.series;
    let mut subjects = vec![Observable::new(ObservableType::Host, &series.host)];
    let owner = series
        .address
        .as_deref()
        .and_then(|address| facts.host_with(address));
    subjects.extend(owner.map(|host| Observable::new(ObservableType::Host, &host.name)));
    subjects.extend(
        series
            .device
            .as_ref()
            .map(|device| Observable::new(ObservableType::Device, device)),
    );
    subjects.dedup();
    let level = severity(talker);
    let (title, text) = words(talker);
    let begin = talker
        .surge
        .map_or(String::new(), |surge| surge.first.to_string());
    let distinct = format!("{:?} {} {begin}", series.group, series.labels);
    let direction = series.group.direction.map(name_of);
    let mut finding = Draft::new("top-talker", subjects, &distinct)
        .says(title, text)
        .weighs(level, if series.unit_told { 0.9 } else { 0.8 })
        .spans(Some(talker.first), Some(talker.last))
        .fact("host", series.host.as_str())
        .fact("device", series.device.clone())
        .fact("bytes_per_second", talker.bytes_per_second.round())
        .fact("share", talker.share)
        .fact("first", time_fact(Some(talker.first)))
        .fact("last", time_fact(Some(talker.last)))
        .fact("share_of_physical", talker.share_of_physical)
        .fact("direction", direction)
        .fact("surge", talker.surge.is_some())
        .fact("ended", talker.surge.map(|surge| surge.ended))
        .fact(
            "baseline_bytes_per_second",
            talker.surge.map(|surge| surge.baseline.round()),
        )
        .fact(
            "metric",
            (!series.group.metric.is_empty()).then(|| series.group.metric.clone()),
        )
        .fact("source", "metrics")
        .fact("thresholds", thresholds())
        .finish();
    finding.evidence = series.records(timeline, &moments(talker))?;
    Ok(finding)
}

fn thresholds() -> Value {
    json!({"times_baseline": RATIO, "share_of_physical": BULK, "bytes_per_second": LEAST_BYTES_PER_SECOND,
           "job_seconds": LONGER_THAN_JOBS})
}

fn name_of(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

/// The last sample before, the first ones, the highest and the last of the time concerned.
fn moments(talker: &Talker<'_>) -> Vec<i64> {
    let rates = &talker.series.rates;
    let before = rates.iter().rev().find(|(ts, _)| *ts < talker.first);
    let inside: Vec<_> = rates
        .iter()
        .filter(|(ts, _)| (talker.first..=talker.last).contains(ts))
        .collect();
    let highest = inside
        .iter()
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let mut moments: Vec<i64> = before.map(|one| one.0).into_iter().collect();
    moments.extend(inside.iter().take(2).map(|one| one.0));
    moments.extend(highest.map(|one| one.0));
    moments.extend(inside.last().map(|one| one.0));
    moments
}

/// Bytes a second as people say them.
fn shown(bytes_per_second: f64) -> String {
    let steps = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
    let step = steps.iter().find(|(size, _)| bytes_per_second >= *size);
    step.map_or_else(
        || format!("{bytes_per_second:.0} B/s"),
        |(size, unit)| format!("{:.1} {unit}", bytes_per_second / size),
    )
}

fn words(talker: &Talker<'_>) -> (String, String) {
    let series = talker.series;
    let device = series
        .device
        .as_ref()
        .map_or(String::new(), |device| format!(" {device}"));
    let does = match series.group.direction {
        Some(Direction::Out) => "sends",
        Some(Direction::In) => "receives",
        None => "carries",
    };
    let rate = shown(talker.bytes_per_second);
    let part = talker.share.map_or(String::new(), |share| {
        format!(", {:.0} % of what this metric counts", share * 100.0)
    });
    let unit = if series.unit_told {
        ""
    } else {
        " No name says the unit: bytes a second are assumed."
    };
    let who = format!("{}{device}", series.host);
    let Some(surge) = talker.surge else {
        let title = format!("{who} {does} the most: {rate}");
        let text = format!(
            "{rate}{part}, without a jump: the link's usual load, from which an unusual one is to be told.{unit}"
        );
        return (title, text);
    };
    let times = surge.level / surge.baseline.max(1.0);
    let since = Timestamp(surge.first);
    let title = format!("{who} {does} {rate} since {since}, {times:.0} times what it did before");
    let course = if surge.ended {
        format!(
            "It ended by itself at {}, as backups, copies and image pulls do.",
            Timestamp(surge.last)
        )
    } else {
        "It was still on when the metrics end; backups and migrations begin so too, but end."
            .to_owned()
    };
    let daily = if talker.daily {
        " It comes at the same hour of other days: a job."
    } else {
        ""
    };
    let flood = if talker.flood {
        " A flood of connection attempts was captured at that time: see syn-flood."
    } else {
        ""
    };
    let text = format!(
        "From {} to {rate}{part}. {course}{daily}{flood}{unit} Look at who sends behind it: `iftop -nNPt -s 10`, `ss -ntp`, `tcpdump -nn -c 1000` on that device.",
        shown(surge.baseline)
    );
    (title, text)
}

/// Whether traffic goes one way only, to many.
fn is_lonely(one: &Measured) -> bool {
    let alone = one
        .sender
        .as_ref()
        .is_some_and(|(_, alone)| *alone >= LONELY_DESTINATIONS);
    alone && one.bytes_per_second >= ONE_WAY * one.back
}

pub(super) fn of_meter(one: &Measured) -> Finding {
    let lonely = is_lonely(one);
    let mut subjects = vec![Observable::new(ObservableType::Host, &one.host)];
    subjects.extend(
        one.device
            .as_ref()
            .map(|device| Observable::new(ObservableType::Device, device)),
    );
    let device = one.device.as_deref().unwrap_or("a device");
    let does = if one.direction == Direction::Out {
        "sends"
    } else {
        "receives"
    };
    let title = format!(
        "{} {does} {} through {device} ({})",
        one.host,
        shown(one.bytes_per_second),
        one.tool
    );
    let sender = one.sender.as_ref().map_or(String::new(), |(address, _)| {
        format!(" Most of it is sent by {address}.")
    });
    let judged = if lonely {
        let alone = one.sender.as_ref().map_or(0, |(_, alone)| *alone);
        format!(
            "{} go the other way, and {alone} of the busiest destinations return nothing at all: no TCP transfer is that lonely. \
             Look at which process sends: `ss -ntp state syn-sent`, `ss -0 -np`; where none does, raw sockets or a hidden process.",
            shown(one.back)
        )
    } else {
        format!(
            "{} go the other way. One moment has no before: compare with metrics, or with the same command on another day.",
            shown(one.back)
        )
    };
    let mut finding = Draft::new("top-talker", subjects, one.tool)
        .says(title, format!("{judged}{sender}"))
        .weighs(if lonely { Severity::Medium } else { Severity::Info }, 0.8)
        .spans(one.first, one.last)
        .fact("host", one.host.as_str())
        .fact("device", one.device.clone())
        .fact("bytes_per_second", one.bytes_per_second.round())
        .fact("share", Value::Null)
        .fact("first", time_fact(one.first))
        .fact("last", time_fact(one.last))
        .fact("direction", name_of(one.direction))
        .fact("back_bytes_per_second", one.back.round())
        .fact("one_way", lonely)
        .fact("src_ip", one.sender.as_ref().map(|(address, _)| address.clone()))
        .fact("source", one.tool)
        .fact("thresholds", json!({"bytes_per_second": LEAST_BYTES_PER_SECOND, "one_way": ONE_WAY, "lonely_destinations": LONELY_DESTINATIONS}))
        .finish();
    finding.evidence = one.evidence.clone();
    finding
}
