//! Sessions of remote screens and shells, from flows, tables of sockets, logs and login records; copies joined.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, action, outcome};
use coldcase_timeline::polars::prelude::{Expr, col, lit};
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use serde_json::Value;

use super::came_in;
use super::lines::{self, Caller};
use crate::CaseFacts;
use crate::evidence::record;
use crate::facts::is_internal;

/// Packets each way from which a connection is a session: a look at the banner takes fewer, a login to a screen (version,
/// security, authentication, initialisation, first picture: RFC 6143 7.1) at least so many with the handshake and the end.
pub(super) const PACKETS_OF_A_SESSION: i64 = 10;
/// Nanoseconds within which a session that a log closes again was none: a refused password, a scanner.
const NO_SESSION_NS: i64 = 5_000_000_000;
/// Nanoseconds within which a log's line without a port tells of a captured session.
const SAME_NS: i64 = 60_000_000_000;

/// One session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub service: &'static str,
    pub src: String,
    pub src_port: Option<i32>,
    /// The address reached.
    pub dst: Option<String>,
    pub dst_port: Option<i32>,
    /// The host that the evidence is of.
    pub host: Option<String>,
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// When a table of sockets showed it open.
    pub open_at: Option<i64>,
    pub evidence: EvidenceRecord,
}

/// The service of a port that is made for sessions of people.
pub(super) fn service(port: i32) -> Option<&'static str> {
    match port {
        // TeamViewer, CouchDB and WinRM have ports of their own in VNC's range.
        5938 | 5984..=5986 => None,
        5900..=5999 => Some("vnc"),
        3389 => Some("rdp"),
        23 => Some("telnet"),
        513 => Some("rlogin"),
        6000..=6009 => Some("x11"),
        7070 | 6568 => Some("anydesk"),
        _ => None,
    }
}

fn port_is_remote(column: &str) -> Expr {
    let between = |low: i32, high: i32| {
        col(column)
            .gt_eq(lit(low))
            .and(col(column).lt_eq(lit(high)))
    };
    let single = [3389, 23, 513, 7070, 6568].map(|port| between(port, port));
    let ranges = between(5900, 5999).or(between(6000, 6009));
    single.into_iter().fold(ranges, Expr::or)
}

/// All sessions, each once.
pub(super) fn read(timeline: &Timeline, facts: &CaseFacts) -> Result<Vec<Session>, TimelineError> {
    let mut found = of_flows(timeline, facts)?;
    found.extend(of_sockets(timeline)?);
    let mut by_ends: BTreeMap<_, Session> = BTreeMap::new();
    for session in found {
        let key = (
            session.src.clone(),
            session.src_port,
            session.dst.clone(),
            session.dst_port,
        );
        match by_ends.get_mut(&key) {
            Some(known) => join(known, session),
            None => {
                by_ends.insert(key, session);
            }
        }
    }
    let mut sessions: Vec<Session> = by_ends.into_values().collect();
    for logged in of_logs(timeline)?.into_iter().chain(of_logins(timeline)?) {
        if !sessions.iter().any(|known| tells_of(&logged, known, facts)) {
            sessions.push(logged);
        }
    }
    Ok(sessions)
}

fn join(known: &mut Session, other: Session) {
    let earlier = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
    if known.first.is_none() && other.first.is_some() {
        known.evidence = other.evidence;
    }
    known.first = earlier(known.first, other.first);
    known.last = known.last.max(other.last);
    known.open_at = known.open_at.max(other.open_at);
    known.host = known.host.take().or(other.host);
}

/// Whether a log's line tells of a session that is known already.
fn tells_of(logged: &Session, known: &Session, facts: &CaseFacts) -> bool {
    let place = |session: &Session| {
        let by_address = session
            .dst
            .as_deref()
            .and_then(|address| facts.host_with(address));
        by_address
            .map(|host| host.name.clone())
            .or_else(|| session.host.clone())
    };
    let places = (place(logged), place(known));
    let same_place = places.0 == places.1 || places.1.is_none();
    let same_service = (logged.service, &logged.src) == (known.service, &known.src) && same_place;
    let near = match (logged.first, known.first) {
        (Some(one), Some(other)) => (other.saturating_sub(SAME_NS)
            ..=known.last.unwrap_or(other).saturating_add(SAME_NS))
            .contains(&one),
        _ => logged.src_port.is_some(),
    };
    let ports =
        logged.src_port.is_none() || known.src_port.is_none() || logged.src_port == known.src_port;
    same_service && near && ports
}

fn number(said: &Value, name: &str) -> Option<i64> {
    said.get(name).and_then(Value::as_i64)
}

fn of_flows(timeline: &Timeline, facts: &CaseFacts) -> Result<Vec<Session>, TimelineError> {
    let columns = [
        "host",
        "src_ip",
        "src_port",
        "dst_ip",
        "dst_port",
        "packets",
        "ts_end",
        "outcome",
        "attributes",
        "message",
    ];
    let rows = timeline.select_where(&[action::TCP_FLOW], &columns, |rows| {
        rows.filter(port_is_remote("dst_port"))
    })?;
    let ends = rows.end_micros();
    let session = |row: usize| {
        let dst = rows.text("dst_ip", row)?;
        let ours = is_internal(dst) || facts.host_with(dst).is_some();
        if !ours || !carries(&rows, row) {
            return None;
        }
        let port = rows.int("dst_port", row)?;
        let first = rows.long("ts_ns", row);
        let end = ends
            .get(row)
            .copied()
            .flatten()
            .map(|us| us.saturating_mul(1000));
        Some(Session {
            service: service(port)?,
            src: rows.text("src_ip", row)?.to_owned(),
            src_port: rows.int("src_port", row),
            dst: Some(dst.to_owned()),
            dst_port: Some(port),
            host: None, // the capture's host need not be the one reached
            first,
            last: end.or(first),
            open_at: None,
            evidence: record(&rows, row),
        })
    };
    Ok((0..rows.rows()).filter_map(session).collect())
}

/// Whether enough went both ways, or one way where only that was captured.
fn carries(rows: &Selection, row: usize) -> bool {
    let said = rows
        .text("attributes", row)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let said = said.unwrap_or(Value::Null);
    if rows.text("outcome", row) == Some(outcome::FAILURE) {
        return false;
    }
    let enough = |packets: i64| packets >= PACKETS_OF_A_SESSION;
    match (number(&said, "packets_out"), number(&said, "packets_in")) {
        (Some(out), Some(0)) => enough(out),
        (Some(0), Some(back)) => enough(back),
        (Some(out), Some(back)) => enough(out) && enough(back),
        _ => rows
            .long("packets", row)
            .is_some_and(|packets| packets >= 2 * PACKETS_OF_A_SESSION),
    }
}

fn of_sockets(timeline: &Timeline) -> Result<Vec<Session>, TimelineError> {
    let columns = [
        "host",
        "src_ip",
        "src_port",
        "dst_ip",
        "dst_port",
        "attributes",
        "message",
    ];
    let rows = timeline.select_where(&[action::SOCKET_LISTED], &columns, |rows| {
        rows.filter(port_is_remote("src_port"))
    })?;
    let session = |row: usize| {
        let said: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
        let (port, peer_port) = (rows.int("src_port", row)?, rows.int("dst_port", row)?);
        // Behind a port below 1024 sits a server: then the local port is a client's.
        let is_server = peer_port > 1023 && service(peer_port).is_none();
        let on = said.get("state").and_then(Value::as_str) == Some("ESTAB");
        if !on || !is_server {
            return None;
        }
        Some(Session {
            service: service(port)?,
            src: rows.text("dst_ip", row)?.to_owned(),
            src_port: Some(peer_port),
            dst: rows.text("src_ip", row).map(str::to_owned),
            dst_port: Some(port),
            host: rows.text("host", row).map(str::to_owned),
            first: None,
            last: None,
            open_at: rows.long("ts_ns", row),
            evidence: record(&rows, row),
        })
    };
    Ok((0..rows.rows()).filter_map(session).collect())
}

/// A line of a log that tells of a caller.
struct Told {
    at: Option<i64>,
    host: Option<String>,
    caller: Caller,
    evidence: EvidenceRecord,
}

fn of_logs(timeline: &Timeline) -> Result<Vec<Session>, TimelineError> {
    let tells = |message: &str| lines::caller(message).is_some();
    let telling: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["message"], &tells)]];
    let rows = timeline.select_texts(&[action::LOG], &["host", "message"], &telling)?;
    let lines = (0..rows.rows()).filter_map(|row| {
        Some(Told {
            caller: lines::caller(rows.text("message", row)?)?,
            at: rows.long("ts_ns", row),
            host: rows.text("host", row).map(str::to_owned),
            evidence: record(&rows, row),
        })
    });
    let mut told: Vec<Told> = lines.collect();
    told.sort_by(|a, b| (a.at, &a.evidence).cmp(&(b.at, &b.evidence)));
    let mut open: Vec<Session> = Vec::new();
    let mut seen = BTreeSet::new();
    for one in told {
        let port = one.caller.port.map(i32::from);
        if one.caller.left {
            close(&mut open, &one);
            continue;
        }
        // The same line in two logs.
        let second = one.at.map(|ns| ns / 1_000_000_000);
        let key = (one.host.clone(), one.caller.address.clone(), port, second);
        if seen.insert(key) {
            open.push(Session {
                service: one.caller.service,
                src: one.caller.address,
                src_port: port,
                dst: None,
                dst_port: None,
                host: one.host,
                first: one.at,
                last: one.at,
                open_at: None,
                evidence: one.evidence,
            });
        }
    }
    Ok(open)
}

/// Ends the session that a line says is over; one that hardly lasted was none.
fn close(open: &mut Vec<Session>, told: &Told) {
    let port = told.caller.port.map(i32::from);
    let same = |one: &Session| {
        one.host == told.host && one.src == told.caller.address && one.src_port == port
    };
    let Some(place) = open.iter().rposition(same) else {
        return;
    };
    let Some(session) = open.get_mut(place) else {
        return;
    };
    session.last = told.at.max(session.last);
    let lasted = session
        .last
        .zip(session.first)
        .map(|(last, first)| last.saturating_sub(first));
    if lasted.is_some_and(|lasted| lasted < NO_SESSION_NS) {
        open.remove(place);
    }
}

/// Logins of services other than ssh that name an address.
fn of_logins(timeline: &Timeline) -> Result<Vec<Session>, TimelineError> {
    let columns = [
        "host",
        "src_ip",
        "outcome",
        "ts_end",
        "attributes",
        "message",
    ];
    let rows = came_in(timeline, &columns)?;
    let ends = rows.end_micros();
    let session = |row: usize| {
        let said: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let service = login_service(text("service").or(text("program"))?)?;
        let first = rows.long("ts_ns", row);
        let end = ends
            .get(row)
            .copied()
            .flatten()
            .map(|us| us.saturating_mul(1000));
        Some(Session {
            service,
            src: rows.text("src_ip", row)?.to_owned(),
            src_port: None,
            dst: None,
            dst_port: None,
            host: rows.text("host", row).map(str::to_owned),
            first,
            last: end.or(first),
            open_at: None,
            evidence: record(&rows, row),
        })
    };
    Ok((0..rows.rows()).filter_map(session).collect())
}

/// The service behind the name that PAM or a log has for it.
fn login_service(name: &str) -> Option<&'static str> {
    match name {
        "xrdp-sesman" | "xrdp" => Some("rdp"),
        "remote" | "telnetd" | "in.telnetd" | "login" => Some("telnet"),
        "rlogin" | "in.rlogind" | "rsh" => Some("rlogin"),
        "x11vnc" | "vncserver" | "vino" | "vnc" => Some("vnc"),
        _ => None,
    }
}
