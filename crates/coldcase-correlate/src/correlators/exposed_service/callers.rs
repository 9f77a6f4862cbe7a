//! Who used a service: completed sessions with data, requests that were answered. Who only knocked (SYN, then RST) is no caller.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{action, outcome};
use coldcase_timeline::polars::prelude::{NamedFrom as _, Series, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::holding::holding;
use crate::CaseFacts;
use crate::facts::is_internal;

/// Bytes a packet of headers alone has at most: an IPv4 or IPv6 header with TCP's and its options of a SYN. A direction
/// with more than this a packet carried data.
pub(super) const HEADER_BYTES: i64 = 60;
/// Requests that change something, kept a caller as evidence.
const MOST_ORDERS: usize = 8;
/// Callers that are told apart for one service; the rest is counted.
const MOST_CALLERS: usize = 1_024;
/// A caller that was there from the start of the capture, over at least this share of it in per cent, with so many requests, is
/// a habit of the estate and no visitor.
pub(super) const HABIT: (i64, i64, usize) = (10, 50, 10);

/// Which addresses are outside of the estate, and which callers an engine knew before.
pub(in crate::correlators) struct Outside<'a> {
    facts: &'a CaseFacts,
    /// Addresses that hosts have, whatever says so.
    own: BTreeMap<String, BTreeSet<String>>,
    /// First request of each caller to an engine.
    first_calls: BTreeMap<String, i64>,
    /// First request of all to an engine.
    first_seen: Option<i64>,
}

impl<'a> Outside<'a> {
    pub fn of(timeline: &Timeline, facts: &'a CaseFacts) -> Result<Self, TimelineError> {
        let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for host in &facts.hosts {
            own.entry(host.name.clone())
                .or_default()
                .extend(host.addresses.iter().cloned());
        }
        tell_own(timeline, &mut own)?;
        let calls =
            timeline.select_where(&[action::HTTP_REQUEST], &["src_ip", "attributes"], |rows| {
                rows.filter(holding("attributes", "/containers/"))
            })?;
        let mut first_calls: BTreeMap<String, i64> = BTreeMap::new();
        for row in 0..calls.rows() {
            if let (Some(from), Some(at)) = (calls.text("src_ip", row), calls.long("ts_ns", row)) {
                let first = first_calls.entry(from.to_owned()).or_insert(at);
                *first = at.min(*first);
            }
        }
        let first_seen = first_calls.values().min().copied();
        Ok(Self {
            facts,
            own,
            first_calls,
            first_seen,
        })
    }

    /// Whether an address is of a host of the case.
    pub fn is_own(&self, address: &str) -> bool {
        self.facts.host_with(address).is_some()
            || self
                .own
                .values()
                .any(|addresses| addresses.contains(address))
    }

    /// Whether an address is neither of an inner network nor of a host of the case.
    pub fn is_outside(&self, address: &str) -> bool {
        !is_internal(address) && !self.is_own(address)
    }

    /// Whether a caller was first seen just before, while others were seen at least so long before.
    pub fn is_new(&self, from: &str, at: i64, before_ns: i64) -> bool {
        let first = self
            .first_calls
            .get(from)
            .is_some_and(|first| at.saturating_sub(*first) < before_ns);
        let watched = self
            .first_seen
            .is_some_and(|seen| at.saturating_sub(seen) >= before_ns);
        first && watched
    }

    /// Which host has an address that was called; `seen_on` is the host whose evidence says so.
    pub(in crate::correlators) fn host_of<'h>(
        &'h self,
        address: &str,
        seen_on: &'h str,
    ) -> Option<&'h str> {
        let known = |host: &str| {
            self.own
                .get(host)
                .is_some_and(|addresses| addresses.contains(address))
        };
        if known(seen_on) {
            return Some(seen_on);
        }
        let mut others = self
            .own
            .iter()
            .filter(|(_, addresses)| addresses.contains(address));
        if let Some((host, _)) = others.next() {
            return Some(host);
        }
        // Lists of addresses may be short: one of a kind (inner or not) of which none is listed is taken for the host's own,
        // as its own evidence saw it called.
        let alike = |known: &String| is_internal(known) == is_internal(address);
        let listed = self.own.get(seen_on);
        (!listed.is_some_and(|listed| listed.iter().any(alike))).then_some(seen_on)
    }
}

/// Addresses that hosts' own lists say they have: of interfaces, and local ends of sockets.
fn tell_own(
    timeline: &Timeline,
    own: &mut BTreeMap<String, BTreeSet<String>>,
) -> Result<(), TimelineError> {
    let rows = timeline.select(
        &[action::INTERFACE_LISTED, action::SOCKET_LISTED],
        &["host", "src_ip", "attributes"],
    )?;
    for row in 0..rows.rows() {
        let of_host = own
            .entry(rows.text("host", row).unwrap_or_default().to_owned())
            .or_default();
        of_host.extend(rows.text("src_ip", row).map(str::to_owned));
        if rows.text("action", row) == Some(action::SOCKET_LISTED) {
            continue;
        }
        let told: Value = serde_json::from_str(rows.text("attributes", row).unwrap_or("{}"))
            .unwrap_or(Value::Null);
        let listed = told
            .get("addresses")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let bare = listed.filter_map(|one| one.as_str()?.split('/').next());
        of_host.extend(bare.map(str::to_owned));
    }
    for addresses in own.values_mut() {
        addresses.retain(|address| !address.starts_with("127.") && address != "::1");
    }
    Ok(())
}

/// How one address used a service.
#[derive(Debug, Clone, Default)]
pub(super) struct Use {
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub requests: usize,
    /// Requests that change something.
    pub orders: usize,
    pub sessions: usize,
    /// Rows that show it: the first, and the orders.
    pub rows: Vec<usize>,
    pub shown: Vec<String>,
}

/// Who used which service: by host, port and caller.
pub(super) struct Callers {
    pub rows: Selection,
    uses: BTreeMap<(String, i32), BTreeMap<String, Use>>,
    /// First and last moment of all that was seen of a host's port.
    spans: BTreeMap<(String, i32), (i64, i64)>,
    /// Requests to what is an engine's API by their paths, whoever listens: host, address and port, and which engine's.
    pub engines: BTreeSet<(String, String, i32, &'static str)>,
}

impl Callers {
    /// All uses of these ports, and of what is an engine's API by its paths.
    pub fn of(
        timeline: &Timeline,
        outside: &Outside<'_>,
        ports: &BTreeSet<i32>,
    ) -> Result<Self, TimelineError> {
        let rows = select(timeline, ports)?;
        let mut callers = Self {
            rows,
            uses: BTreeMap::new(),
            spans: BTreeMap::new(),
            engines: BTreeSet::new(),
        };
        for row in 0..callers.rows.rows() {
            callers.tell(row, outside);
        }
        Ok(callers)
    }

    /// How each caller used a port of a host.
    pub fn of_port(&self, host: &str, port: i32) -> BTreeMap<&str, &Use> {
        let uses = self
            .uses
            .get(&(host.to_owned(), port))
            .into_iter()
            .flatten();
        uses.map(|(from, used)| (from.as_str(), used)).collect()
    }

    /// Whether a caller's use is a habit: there from the start, and often.
    pub fn is_habit(&self, host: &str, port: i32, used: &Use) -> bool {
        let Some(((start, end), (first, last))) = self
            .spans
            .get(&(host.to_owned(), port))
            .copied()
            .zip(used.first.zip(used.last))
        else {
            return false;
        };
        let (early, share, often) = HABIT;
        let whole = end.saturating_sub(start).max(1) / 100;
        let from_start = first.saturating_sub(start) <= whole.saturating_mul(early);
        let lasting = last.saturating_sub(first) >= whole.saturating_mul(share);
        whole > 0 && from_start && lasting && used.requests.max(used.sessions) >= often
    }

    fn tell(&mut self, row: usize, outside: &Outside<'_>) {
        let rows = &self.rows;
        let told: Value = serde_json::from_str(rows.text("attributes", row).unwrap_or("{}"))
            .unwrap_or(Value::Null);
        let word = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = rows.text("action", row).unwrap_or_default();
        // A table of sockets shows the host's own end first; a flow shows the client first.
        let listed = kind == action::SOCKET_LISTED;
        let (from, to, port) = if listed {
            ("dst_ip", "src_ip", "src_port")
        } else {
            ("src_ip", "dst_ip", "dst_port")
        };
        let (Some(from), Some(to), Some(port)) = (
            rows.text(from, row),
            rows.text(to, row),
            rows.int(port, row),
        ) else {
            return;
        };
        let seen_on = rows.text("host", row).unwrap_or_default();
        let host = if listed {
            Some(seen_on)
        } else {
            outside.host_of(to, seen_on)
        };
        let Some(host) = host.map(str::to_owned) else {
            return;
        };
        if from == to
            || outside.own.get(&host).is_some_and(|own| own.contains(from))
            || from.starts_with("127.")
            || from == "::1"
        {
            return;
        }
        let request = kind == action::HTTP_REQUEST;
        let used = match kind {
            action::HTTP_REQUEST => rows.text("outcome", row) != Some(outcome::FAILURE),
            action::TCP_FLOW => carried_data(&told),
            action::FLOW_LISTED => {
                word("state") == "ESTABLISHED"
                    && told.get("unreplied").and_then(Value::as_bool) != Some(true)
            }
            _ => word("state").starts_with("ESTAB"),
        };
        let at = rows.long("ts_ns", row);
        let key = (host, port);
        if let Some(at) = at {
            let span = self.spans.entry(key.clone()).or_insert((at, at));
            *span = (span.0.min(at), span.1.max(at));
        }
        if !used {
            return;
        }
        if request && is_engine_path(word("uri")) {
            let engine = if word("uri").contains("/libpod/") {
                "podman"
            } else {
                "docker"
            };
            self.engines
                .insert((key.0.clone(), to.to_owned(), port, engine));
        }
        let of_port = self.uses.entry(key).or_default();
        if of_port.len() >= MOST_CALLERS && !of_port.contains_key(from) {
            return;
        }
        let of_caller = of_port.entry(from.to_owned()).or_default();
        // A snapshot shows that there is a session, not since when.
        let snapshot = matches!(kind, action::SOCKET_LISTED | action::FLOW_LISTED);
        let began = at.filter(|_| !snapshot);
        of_caller.first = of_caller.first.into_iter().chain(began).min();
        of_caller.last = of_caller.last.max(at);
        let order = request && !matches!(word("method"), "GET" | "HEAD" | "OPTIONS" | "");
        of_caller.requests += usize::from(request);
        of_caller.orders += usize::from(order);
        of_caller.sessions += usize::from(!request);
        if of_caller.rows.is_empty() || (order && of_caller.rows.len() < MOST_ORDERS) {
            of_caller.rows.push(row);
        }
        if order && of_caller.shown.len() < MOST_ORDERS {
            of_caller
                .shown
                .push(format!("{} {}", word("method"), word("uri")));
        }
    }
}

fn select(timeline: &Timeline, ports: &BTreeSet<i32>) -> Result<Selection, TimelineError> {
    let actions = [
        action::HTTP_REQUEST,
        action::TCP_FLOW,
        action::FLOW_LISTED,
        action::SOCKET_LISTED,
    ];
    let columns = [
        "host",
        "outcome",
        "src_ip",
        "dst_ip",
        "src_port",
        "dst_port",
        "attributes",
        "message",
    ];
    let ports = Series::new("ports".into(), ports.iter().copied().collect::<Vec<i32>>());
    timeline.select_where(&actions, &columns, |rows| {
        let of = |name: &str| col(name).is_in(lit(ports.clone()).implode(true), false);
        let listed = col("action").eq(lit(action::SOCKET_LISTED));
        let flow = col("action").eq(lit(action::TCP_FLOW));
        let failed = col("outcome")
            .eq(lit(outcome::FAILURE))
            .fill_null(lit(false));
        // Sockets that listen have no peer; attempts that failed are most of what a scan leaves.
        let peer = col("dst_ip").is_not_null();
        let request = col("action").eq(lit(action::HTTP_REQUEST));
        let engine = holding("attributes", "/containers/");
        let called = of("dst_port")
            .and(flow.and(failed).not())
            .or(request.and(engine));
        rows.filter(
            listed
                .clone()
                .and(of("src_port"))
                .and(peer)
                .or(listed.not().and(called)),
        )
    })
}

/// Whether a flow carried data from the server, or where only the client's direction was captured, from the client.
fn carried_data(told: &Value) -> bool {
    let number = |name: &str| told.get(name).and_then(Value::as_i64);
    let more = |bytes: &str, packets: &str| {
        number(bytes)
            .zip(number(packets))
            .is_some_and(|(bytes, packets)| bytes > packets.saturating_mul(HEADER_BYTES))
    };
    if let Some(payload) = number("payload_in") {
        return payload > 0;
    }
    match number("packets_in") {
        Some(0) => more("bytes_out", "packets_out"),
        _ => more("bytes_in", "packets_in"),
    }
}

/// Paths of docker's and podman's API that nothing else has.
fn is_engine_path(uri: &str) -> bool {
    let path = uri.split('?').next().unwrap_or(uri);
    let versioned = path
        .strip_prefix("/v1.")
        .or_else(|| path.strip_prefix("/v2."))
        .or_else(|| path.strip_prefix("/v3."))
        .or_else(|| path.strip_prefix("/v4."));
    let below = versioned.map_or(path, |rest| {
        rest.trim_start_matches(|one: char| one.is_ascii_digit() || one == '.')
    });
    let below = below.strip_prefix("/libpod").unwrap_or(below);
    (below.starts_with("/containers/")
        && (below.ends_with("/create")
            || below.ends_with("/json")
            || below.ends_with("/start")
            || below.ends_with("/exec")))
        && (versioned.is_some() || below.ends_with("/create") || below.ends_with("/json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sessions_with_data_are_told_from_knocks() {
        let flow = |packets_out: i64, bytes_out: i64, packets_in: i64, bytes_in: i64| {
            carried_data(
                &json!({"packets_out": packets_out, "bytes_out": bytes_out, "packets_in": packets_in, "bytes_in": bytes_in}),
            )
        };
        assert!(flow(6, 346, 4, 534), "a request and its answer");
        assert!(!flow(2, 84, 1, 44), "SYN, SYN-ACK, RST");
        assert!(!flow(4, 216, 3, 164), "connected and closed");
        assert!(flow(6, 900, 0, 0), "one direction captured");
        assert!(!flow(1, 60, 0, 0), "a SYN alone");
        assert!(
            carried_data(&json!({"payload_in": 300})) && !carried_data(&json!({"payload_in": 0}))
        );
    }

    #[test]
    fn paths_of_engines() {
        for path in [
            "/v1.24/containers/json",
            "/containers/create?name=x",
            "/v4.0.0/libpod/containers/create",
            "/v1.41/containers/ab/exec",
        ] {
            assert!(is_engine_path(path), "{path}");
        }
        for path in [
            "/api/containers/list",
            "/shop/containers/json",
            "/_ping",
            "/containers/",
        ] {
            assert!(!is_engine_path(path), "{path}");
        }
    }
}
