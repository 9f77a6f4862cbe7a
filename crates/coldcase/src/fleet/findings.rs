//! Rows of the fleet's answers as findings.

use coldcase_lake::AnswerTable;
use coldcase_model::{Finding, Observable, ObservableType, Severity, interned, stable_id};
use serde_json::{Map, Value, json};

use super::chains::{self, chains};
use super::grouped::{Row, by, hosts, names, records, severity, span};

/// Hosts that a title names.
const NAMED: usize = 3;
/// Kinds of entity, most telling first.
const TELLING: [&str; 12] = [
    "key",
    "preload",
    "unit",
    "cron",
    "image",
    "exe",
    "job",
    "hash",
    "port",
    "domain",
    "address",
    "login-source",
];

/// The findings of a question, most telling first.
pub(super) fn of(question: &str, table: &AnswerTable) -> Vec<Finding> {
    match question {
        "first-seen" => first_seen(table),
        "rare" => rare(table),
        "lateral" => lateral(table),
        "indicators" => indicators(table),
        "windows" => windows(table),
        "beacons" => beacons(table),
        "floods" => floods(table),
        "coverage" => coverage(table),
        _ => Vec::new(),
    }
}

/// What a finding of each question has of its own.
struct Told<'t> {
    correlator: &'static str,
    distinct: String,
    title: String,
    text: String,
    severity: Severity,
    confidence: f64,
    subjects: Vec<Observable>,
    facts: Value,
    rows: &'t [Row<'t>],
    last: &'static str,
}

fn finding(told: Told<'_>) -> Finding {
    let (first, last) = span(told.rows, told.last);
    let facts = match told.facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    };
    Finding {
        id: stable_id(told.correlator, &told.subjects, &told.distinct),
        correlator: interned(told.correlator),
        title: told.title,
        severity: told.severity,
        confidence: told.confidence,
        first,
        last,
        subjects: told.subjects,
        facts,
        attack: Vec::new(),
        evidence: records(told.rows),
        text: told.text,
    }
}

fn observable(kind: &str, value: &str) -> Option<Observable> {
    let kind = match kind {
        "image" => ObservableType::Image,
        "exe" | "preload" | "hash" | "key" => ObservableType::File,
        "domain" => ObservableType::Domain,
        "address" | "login-source" | "ip" => ObservableType::Ip,
        "unit" | "cron" | "job" | "port" => ObservableType::Service,
        _ => return None,
    };
    Some(Observable::new(kind, value))
}

fn host(row: Row<'_>) -> Observable {
    Observable::new(ObservableType::Host, row.text("machine"))
}

fn telling(kind: &str) -> usize {
    let place = TELLING.iter().position(|one| *one == kind);
    place.unwrap_or(TELLING.len())
}

fn first_seen(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| {
        let kind = row.text("entity_type");
        (
            telling(kind),
            std::cmp::Reverse(row.count("hosts")),
            kind,
            row.text("entity"),
        )
    });
    let made = groups.into_iter().filter_map(|((_, _, kind, entity), mut rows)| {
        rows.sort_by_key(|row| row.count("nth"));
        let first = *rows.first()?;
        let count = first.count("hosts");
        let dated = first.time("first_ns");
        let (title, text) = match dated {
            Some(at) => (
                format!("{kind} {entity} is on {count} hosts, first on {}", first.text("machine")),
                format!(
                    "The first record of it in the fleet is of {at} on {}; then {}. Look at what else happened on {} \
                     just before. A host whose logs begin later may have had it earlier.",
                    first.text("machine"),
                    names(rows.get(1..).unwrap_or_default(), 5),
                    first.text("machine")
                ),
            ),
            None => (
                format!("{kind} {entity} is on {count} hosts"),
                format!(
                    "Only snapshots show it, on {}: where it was first can't be told from them. Look for the times of \
                     its files, and for logs of these hosts.",
                    names(&rows, 5)
                ),
            ),
        };
        let mut subjects = vec![host(first)];
        subjects.extend(observable(kind, entity));
        Some(finding(Told {
            correlator: "fleet-first-seen",
            distinct: format!("{kind} {entity}"),
            title,
            text,
            severity: Severity::Low,
            confidence: 0.8,
            subjects,
            facts: json!({
                "entity_type": kind,
                "entity": entity,
                "hosts": count,
                "patient_zero": dated.map(|_| first.text("machine")),
                "first": dated,
                "seen_on": hosts(&rows),
            }),
            rows: &rows,
            last: "first_ns",
        }))
    });
    made.collect()
}

fn rare(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| {
        let kind = row.text("entity_type");
        (
            telling(kind),
            row.text("host_group"),
            kind,
            row.text("entity"),
        )
    });
    let made = groups.into_iter().filter_map(|((_, group, kind, entity), rows)| {
        let first = *rows.first()?;
        let (count, alike) = (first.count("hosts"), first.count("hosts_in_group"));
        let mut subjects: Vec<Observable> = rows.iter().map(|row| host(*row)).collect();
        subjects.extend(observable(kind, entity));
        Some(finding(Told {
            correlator: "fleet-rare",
            distinct: format!("{kind} {entity} {group}"),
            title: format!("{kind} {entity}: on {} alone of {alike} hosts {group}", names(&rows, NAMED)),
            text: format!(
                "{count} of the {alike} hosts of this group that show a {kind} have it. Machines that should be alike \
                 and are not were changed by hand, by a broken roll-out, or by somebody else: ask who put it there."
            ),
            severity: Severity::Low,
            confidence: 0.5,
            subjects,
            facts: json!({
                "entity_type": kind,
                "entity": entity,
                "host_group": group,
                "hosts": count,
                "hosts_in_group": alike,
                "seen_on": hosts(&rows),
            }),
            rows: &rows,
            last: "first_ns",
        }))
    });
    made.collect()
}

fn lateral(table: &AnswerTable) -> Vec<Finding> {
    let made = chains(table).into_iter().map(|chain| {
        let on = chains::hosts(&chain);
        let hops = chain.iter().map(|row| {
            json!({
                "source": row.text("source"),
                "target": row.text("target"),
                "user": row.text("account"),
                "src_ip": row.text("src_ip"),
                "first": row.time("first_ns"),
                "logins": row.count("logins"),
            })
        });
        let hops: Vec<Value> = hops.collect();
        let subjects = on.iter().map(|name| Observable::new(ObservableType::Host, *name));
        finding(Told {
            correlator: "fleet-lateral",
            distinct: on.join(" "),
            title: format!("logins follow each other: {}", on.join(" > ")),
            text: "Each login came from the address of the host before, after somebody had logged in there. Each is the \
                   first of its kind between these hosts. Ask whose work it is; if nobody's, begin at the first \
                   host. Logins without a log that was collected are missing from the chain."
                .to_owned(),
            severity: Severity::Medium,
            confidence: 0.6,
            subjects: subjects.collect(),
            facts: json!({ "hosts": on, "hops": hops }),
            rows: &chain,
            last: "first_ns",
        })
    });
    made.collect()
}

fn indicators(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| (row.text("kind"), row.text("value")));
    let made = groups.into_iter().filter_map(|((kind, value), mut rows)| {
        rows.sort_by_key(|row| (row.long("first_ns").unwrap_or(i64::MAX), row.text("machine")));
        let first = *rows.first()?;
        let events: i64 = rows.iter().map(|row| row.count("events")).sum();
        Some(finding(Told {
            correlator: "fleet-indicators",
            distinct: format!("{kind} {value}"),
            title: format!("{kind} {value} is on {} hosts: {}", rows.len(), names(&rows, NAMED)),
            text: format!(
                "{events} records of an indicator that you gave. The first is on {}. See the cases of these hosts for \
                 what asked or connected.",
                first.text("machine")
            ),
            severity: Severity::Medium,
            confidence: 0.9,
            subjects: observable(kind, value).into_iter().chain([host(first)]).collect(),
            facts: json!({
                "indicator": value,
                "indicator_type": kind,
                "hosts": rows.len(),
                "hits": events,
                "seen_on": hosts(&rows),
            }),
            rows: &rows,
            last: "first_ns",
        }))
    });
    let mut made: Vec<Finding> = made.collect();
    made.sort_by_key(|finding| {
        std::cmp::Reverse(finding.facts.get("hosts").and_then(Value::as_u64))
    });
    made
}

fn windows(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| {
        (
            row.text("action"),
            row.text("zone"),
            row.text("window_start"),
            row.text("window_end"),
        )
    });
    let made = groups.into_iter().map(|((action, zone, start, end), rows)| {
        finding(Told {
            correlator: "fleet-windows",
            distinct: format!("{action} {zone} {start} {end}"),
            title: format!("{action} only between {start} and {end} {zone} on {}", names(&rows, NAMED)),
            text: "The same hours on several hosts come from one schedule: of a job, a person, or a program that was put \
                   on all of them. See each host's finding for what acts in it."
                .to_owned(),
            severity: severity(&rows),
            confidence: 0.7,
            subjects: rows.iter().map(|row| host(*row)).collect(),
            facts: json!({
                "action": action,
                "timezone": zone,
                "window_start": start,
                "window_end": end,
                "hosts": rows.first().map(|row| row.count("hosts")),
                "entities": rows.iter().map(|row| row.text("entity")).collect::<Vec<_>>(),
                "seen_on": hosts(&rows),
            }),
            rows: &rows,
            last: "last_ns",
        })
    });
    made.collect()
}

fn beacons(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| (row.text("destination"), row.text("port")));
    let made = groups.into_iter().map(|((destination, port), rows)| {
        let periods: Vec<&str> = rows.iter().map(|row| row.text("period_seconds")).collect();
        let count = rows.first().map_or(0, |row| row.count("hosts"));
        finding(Told {
            correlator: "fleet-beacons",
            distinct: format!("{destination} {port}"),
            title: format!("{count} hosts call {destination} port {port} at regular intervals: {}", names(&rows, NAMED)),
            text: "What several hosts call like clockwork is a service of the fleet, or who commands them. Ask what \
                   listens there and whose it is."
                .to_owned(),
            severity: severity(&rows),
            confidence: 0.7,
            subjects: vec![Observable::new(ObservableType::Ip, destination)],
            facts: json!({
                "dst": destination,
                "dst_port": port.parse::<i64>().ok(),
                "hosts": count,
                "period_seconds": periods,
                "seen_on": hosts(&rows),
            }),
            rows: &rows,
            last: "last_ns",
        })
    });
    made.collect()
}

fn floods(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| (row.long("day_ns"), row.text("kind")));
    let made = groups.into_iter().map(|((day, kind), rows)| {
        let count = rows.first().map_or(0, |row| row.count("hosts"));
        finding(Told {
            correlator: "fleet-floods",
            distinct: format!("{day:?} {kind}"),
            title: format!("{count} hosts flooded on the same day ({kind}): {}", names(&rows, NAMED)),
            text: "Hosts that flood on the same day in the same way were given one order. Look for what they have in \
                   common and others have not: `coldcase fleet LAKE first-seen rare`."
                .to_owned(),
            severity: severity(&rows),
            confidence: 0.7,
            subjects: rows.iter().map(|row| host(*row)).collect(),
            facts: json!({
                "kind": kind,
                "hosts": count,
                "participants": rows.iter().map(|row| json!({
                    "host": row.text("machine"),
                    "case": row.text("case_name"),
                    "src_ip": row.text("src_ip"),
                    "syns": row.text("syns").parse::<i64>().ok(),
                    "first": row.time("first_ns"),
                    "last": row.time("last_ns"),
                })).collect::<Vec<_>>(),
            }),
            rows: &rows,
            last: "last_ns",
        })
    });
    made.collect()
}

fn coverage(table: &AnswerTable) -> Vec<Finding> {
    let groups = by(table, |row| {
        let kind = row.text("kind");
        (
            std::cmp::Reverse(kind),
            row.text("host_group"),
            row.text("format"),
            row.text("address"),
        )
    });
    let made = groups.into_iter().map(|((kind, group, format, address), rows)| {
        let kind = kind.0;
        let names = names(&rows, NAMED);
        let (title, text) = match kind {
            "lacks-format" => (
                format!("{format} is missing on {} hosts {group}: {names}", rows.len()),
                "Most hosts of this group have it. What happened there and would stand in it is in no answer: collect it."
                    .to_owned(),
            ),
            "gap" => (
                format!("{format} is silent for a while on {names}"),
                "A host that was off, a log that was cut, or nothing to log: see each case's coverage.".to_owned(),
            ),
            _ => (
                format!("{address} logged in on {names}, and no host of the lake has this address"),
                "Somebody came from a machine that was not collected. Find out which it is and collect it.".to_owned(),
            ),
        };
        let severity = if kind == "not-collected" { Severity::Low } else { Severity::Info };
        let mut subjects: Vec<Observable> = rows.iter().map(|row| host(*row)).collect();
        if !address.is_empty() {
            subjects.insert(0, Observable::new(ObservableType::Ip, address));
        }
        finding(Told {
            correlator: "fleet-coverage",
            distinct: format!("{kind} {group} {format} {address}"),
            title,
            text,
            severity,
            confidence: 0.9,
            subjects,
            facts: json!({
                "kind": kind,
                "host_group": Some(group).filter(|group| !group.is_empty()),
                "format": Some(format).filter(|format| !format.is_empty()),
                "address": Some(address).filter(|address| !address.is_empty()),
                "hosts": rows.first().map(|row| row.count("hosts")),
                "seen_on": hosts(&rows),
            }),
            rows: &rows,
            last: "last_ns",
        })
    });
    made.collect()
}
