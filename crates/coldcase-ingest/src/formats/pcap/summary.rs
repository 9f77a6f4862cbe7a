//! Rows that sum up a series' connection attempts: `tcp-attempts` and `tcp-attempts-on`.

use coldcase_model::{Attributes, Event, Precision, Timestamp, When, action};
use serde_json::{Value, json};

use super::flow::SECOND;
use super::side::{Side, Sums};

/// Fewest attempts of a source that are summed up: below, its `tcp-flow` rows say it all.
pub(super) const FEWEST_BY_SOURCE: u32 = 8;

/// Fewest attempts on a destination that are summed up: a busy service, or someone's target.
pub(super) const FEWEST_ON_DESTINATION: u32 = 64;

/// Most ports listed with their counts.
const MOST_PORTS: usize = 16;

/// Most destinations listed with their counts.
const MOST_DESTINATIONS: usize = 8;

/// Fewest attempts whose course over time is told.
const FEWEST_WITH_RATE: u32 = 1_000;

/// Most steps of that course.
const MOST_STEPS: i64 = 120;

/// Which end a summary is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Attempts by a source.
    Source,
    /// Attempts on a destination.
    Destination,
}

/// The row of one side, handed to `emit`; nothing for a side without attempts.
pub(super) fn row(
    end: End,
    side: &mut Side,
    precision: Precision,
    emit: &mut dyn FnMut(u32, &Event<'_>),
) {
    let Some((first, origin)) = side.first() else {
        return;
    };
    let last = side.last;
    let packets = i64::from(side.attempts) + i64::from(side.retransmitted);
    let text = side.address.text();
    let (attributes, action, message) = match end {
        End::Source => (
            by_source(side),
            action::TCP_ATTEMPTS,
            format!("{text} attempted {} connections", side.attempts),
        ),
        End::Destination => (
            on_destination(side),
            action::TCP_ATTEMPTS_ON,
            format!("{} connections attempted to {text}", side.attempts),
        ),
    };
    let message = format!(
        "{message}, {} answered, {} refused",
        side.completed, side.refused
    );
    let (source, destination) = match end {
        End::Source => (Some(text.into()), None),
        End::Destination => (None, Some(text.into())),
    };
    emit(
        origin.file(),
        &Event {
            when: Some(When::recorded(Timestamp(first), precision)),
            ts_end: Some(Timestamp(last)),
            src_ip: source,
            dst_ip: destination,
            protocol: Some("tcp"),
            packets: Some(packets),
            attributes: attributes.finish().map(Into::into),
            message: Some(message.into()),
            offset: Some(origin.offset()),
            ..Event::new(action)
        },
    );
}

fn by_source(side: &mut Side) -> Attributes {
    let mut attributes = counts(side);
    let (missed, listed, attempts) = (side.missed, side.listed, side.attempts);
    let sums = side.sums();
    attributes
        .number("destinations", sums.peers.distinct())
        .flag("exact", sums.peers.is_exact() && missed == 0);
    add_ports(&mut attributes, sums);
    attributes.number("source_ports", sums.source_ports.len());
    let top = sums.peers.top(MOST_DESTINATIONS);
    let top = top.iter().map(|(peer, count)| json!([peer.text(), count]));
    attributes.value("top_destinations", &Value::Array(top.collect()));
    add_peak(&mut attributes, sums, attempts);
    attributes.number("listed", listed);
    add_missed(&mut attributes, missed);
    attributes
}

fn on_destination(side: &mut Side) -> Attributes {
    let mut attributes = counts(side);
    let (missed, listed, attempts) = (side.missed, side.listed, side.attempts);
    let sums = side.sums();
    attributes
        .number("sources", sums.peers.distinct())
        .flag("exact", sums.peers.is_exact() && missed == 0);
    let entropy = (sums.peers.prefix_entropy() * 1000.0).round() / 1000.0;
    attributes.value("source_entropy", &json!(entropy));
    add_ports(&mut attributes, sums);
    add_peak(&mut attributes, sums, attempts);
    attributes
        .number("single_attempt_sources", sums.peers.single())
        .number("listed", listed);
    add_missed(&mut attributes, missed);
    attributes
}

fn counts(side: &Side) -> Attributes {
    let mut attributes = Attributes::new();
    attributes
        .number("attempts", side.attempts)
        .number("completed", side.completed)
        .number("refused", side.refused);
    if side.unreachable > 0 {
        attributes.number("unreachable", side.unreachable);
    }
    attributes.number("retransmitted", side.retransmitted);
    attributes
}

fn add_ports(attributes: &mut Attributes, sums: &Sums) {
    let mut ports: Vec<(u16, u32)> = sums.ports.iter().map(|(port, n)| (*port, *n)).collect();
    ports.sort_unstable_by_key(|(port, count)| (std::cmp::Reverse(*count), *port));
    attributes.number("port_count", ports.len() as u64);
    let ports = ports.iter().take(MOST_PORTS);
    let ports = ports.map(|(port, count)| json!([port, count]));
    attributes.value("ports", &Value::Array(ports.collect()));
}

fn add_peak(attributes: &mut Attributes, sums: &Sums, attempts: u32) {
    if let Some((second, count)) = sums.seconds.peak() {
        let at = Timestamp(second.saturating_mul(SECOND));
        attributes
            .number("peak_per_second", count)
            .text("peak_at", &at.to_string());
    }
    add_rate(attributes, sums, attempts);
}

/// How the attempts of a crowd went over time; not where seconds were dropped from the bounded list.
fn add_rate(attributes: &mut Attributes, sums: &Sums, attempts: u32) {
    let steps = sums
        .seconds
        .steps(MOST_STEPS)
        .filter(|_| attempts >= FEWEST_WITH_RATE);
    let Some((first, step, counts)) = steps else {
        return;
    };
    if counts.iter().sum::<u64>() == u64::from(attempts) {
        let from = Timestamp(first.saturating_mul(SECOND));
        attributes
            .text("rate_from", &from.to_string())
            .value("rate_step_seconds", &json!(step))
            .value("rate", &json!(counts));
    }
}

fn add_missed(attributes: &mut Attributes, missed: u32) {
    if missed > 0 {
        attributes.number("missed_at_most", missed);
    }
}
