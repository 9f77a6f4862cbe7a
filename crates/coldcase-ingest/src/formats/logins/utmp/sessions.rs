//! Records to rows. A login waits for its logout, so that both are one row; what is still open at the end of a file
//! goes on in the next one of its series.

use std::collections::BTreeMap;

use coldcase_model::{Event, Place, Sink, Timestamp, When};

use super::record::{Record, Tells, kind};
use crate::Part;
use crate::formats::logins::login::{Change, Ended, Login, logout, remark};
use crate::formats::logins::peer::Peer;

/// Sessions that may be open at once; a host has no more terminals. Beyond it the first by name are let go.
const MOST_OPEN: usize = 1 << 16;

/// What may end sessions of an earlier file; more is not kept.
const MOST_EDGES: usize = 1 << 16;

/// A login whose end has not come yet.
struct Session {
    login: Login<'static>,
    place: Place,
}

impl Session {
    fn emit(self, ended: Option<Ended>, end: Option<Timestamp>, sink: &mut (impl Sink + ?Sized)) {
        let began = self.login.when.map(|when| when.ts);
        // A logout before its login is a clock's doing: the end stays unknown.
        let end = end.filter(|end| began.is_none_or(|began| *end >= began));
        let login = Login {
            ended,
            end,
            ..self.login
        };
        sink.event(&login.event(self.place));
    }
}

/// What at the beginning of a file may end sessions of the file before.
enum Edge {
    /// A logout without a login; its own row, if none is found.
    Logout {
        tty: String,
        row: Box<Event<'static>>,
    },
    /// The host went down or came up: all sessions before end.
    All { down: bool, at: Option<Timestamp> },
    /// A login on a terminal.
    Taken { tty: String },
}

/// What one file leaves for its series.
pub struct Left {
    first: Option<Timestamp>,
    open: BTreeMap<String, Session>,
    edges: Vec<Edge>,
}

/// The records of one file in their order.
pub struct Sessions {
    tells: Tells,
    first: Option<Timestamp>,
    open: BTreeMap<String, Session>,
    /// Terminals of whose earlier user this file has told.
    seen: BTreeMap<String, ()>,
    /// Terminals on which a prompt waits.
    waiting: BTreeMap<String, i64>,
    /// Whether a boot or shutdown has ended all that came before.
    bounded: bool,
    edges: Vec<Edge>,
    old_time: Option<(Place, Option<When>)>,
}

impl Sessions {
    /// Of a file that tells this.
    pub fn new(tells: Tells) -> Self {
        Self {
            tells,
            first: None,
            open: BTreeMap::new(),
            seen: BTreeMap::new(),
            waiting: BTreeMap::new(),
            bounded: false,
            edges: Vec::new(),
            old_time: None,
        }
    }

    /// The next record.
    pub fn record(&mut self, record: Record<'_>, sink: &mut dyn Sink) {
        self.first = self.first.or(record.when.map(|when| when.ts));
        if record.kind != kind::NEW_TIME {
            self.settle_clock(sink);
        }
        match record.kind {
            kind::RUN_LVL => self.run_level(&record, sink),
            kind::BOOT_TIME => {
                self.end_all(false, record.when, sink);
                let change = Change::Boot {
                    kernel: &record.host,
                };
                sink.event(&change.event(record.when, record.place));
            }
            kind::OLD_TIME => self.old_time = Some((record.place, record.when)),
            kind::NEW_TIME => {
                let before = self.old_time.take().and_then(|(_, when)| when);
                let change = Change::Clock {
                    before: before.map(|when| when.ts),
                    after: record.when.map(|when| when.ts),
                };
                sink.event(&change.event(record.when, record.place));
            }
            kind::USER_PROCESS => self.user(record, sink),
            kind::LOGIN_PROCESS if self.tells == Tells::Failures || record.is_failure() => {
                self.user(record, sink);
            }
            kind::LOGIN_PROCESS => {
                self.wait(&record);
                let message = format!("a login prompt waits on {}", record.line);
                sink.event(&remark_of(&record, message));
            }
            kind::DEAD_PROCESS => self.dead(&record, sink),
            kind::INIT_PROCESS => {
                self.wait(&record);
                let message = format!("init started process {} for {}", record.pid, record.line);
                sink.event(&remark_of(&record, message));
            }
            other => {
                let message = match other {
                    kind::EMPTY => format!("an empty record of {}", record.line),
                    _ => format!("an accounting record of {}", record.line),
                };
                sink.event(&remark_of(&record, message));
            }
        }
    }

    /// The end of the file: what is left for its series.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Left {
        self.settle_clock(sink);
        Left {
            first: self.first,
            open: self.open,
            edges: self.edges,
        }
    }

    /// The file could not be read on: how its sessions ended is unknown.
    pub fn abandon(mut self, sink: &mut dyn Sink) {
        self.settle_clock(sink);
        for edge in self.edges {
            if let Edge::Logout { row, .. } = edge {
                sink.event(&row);
            }
        }
        for session in self.open.into_values() {
            session.emit(None, None, sink);
        }
    }

    /// A record of a clock's old time that no new time follows.
    fn settle_clock(&mut self, sink: &mut dyn Sink) {
        if let Some((place, when)) = self.old_time.take() {
            let change = Change::Clock {
                before: when.map(|when| when.ts),
                after: None,
            };
            sink.event(&change.event(when, place));
        }
    }

    fn run_level(&mut self, record: &Record<'_>, sink: &mut dyn Sink) {
        let (level, before) = record.run_levels();
        let change = match level {
            _ if record.user == "shutdown" => Change::Shutdown {
                kernel: &record.host,
            },
            Some(level) => Change::RunLevel { level, before },
            None => {
                let message = "the run level changed".to_owned();
                sink.event(&remark_of(record, message));
                return;
            }
        };
        if change.is_down() {
            self.end_all(true, record.when, sink);
        }
        sink.event(&change.event(record.when, record.place));
    }

    fn user(&mut self, record: Record<'_>, sink: &mut dyn Sink) {
        let failed = record.is_failure();
        let success = match self.tells {
            _ if failed => Some(false),
            Tells::Failures => Some(false),
            Tells::Sessions => Some(true),
            Tells::Unknown => None,
        };
        let login = Login {
            when: record.when,
            success,
            user: record.user,
            tty: record.line,
            peer: Peer::of_record(record.address, record.host),
            pid: (record.pid > 0).then_some(record.pid),
            session: (record.session != 0).then_some(record.session),
            ..Login::default()
        };
        if success != Some(true) {
            sink.event(&login.event(record.place));
            return;
        }
        let session = Session {
            login: login.into_owned(),
            place: record.place,
        };
        let tty = session.login.tty.to_string();
        self.waiting.remove(&tty);
        if let Some(before) = self.open.insert(tty.clone(), session) {
            before.emit(Some(Ended::Gone), None, sink);
        }
        self.see(tty.clone(), Edge::Taken { tty });
        if self.open.len() > MOST_OPEN
            && let Some((_, first)) = self.open.pop_first()
        {
            first.emit(None, None, sink);
        }
    }

    fn dead(&mut self, record: &Record<'_>, sink: &mut dyn Sink) {
        let tty = self.tty_of(record);
        let at = record.when.map(|when| when.ts);
        if let Some(session) = self.open.remove(&tty) {
            session.emit(Some(Ended::Logout), at, sink);
            return;
        }
        if self.waiting.remove(&tty).is_some() {
            let message = format!("process {} on {} ended", record.pid, record.line);
            sink.event(&remark_of(record, message));
            return;
        }
        let pid = (record.pid > 0).then_some(record.pid);
        let exit = (record.exit != 0).then_some(record.exit);
        let row = logout(record.when, &record.user, &tty, pid, exit, record.place);
        if self.bounded || self.seen.contains_key(&tty) || self.edges.len() >= MOST_EDGES {
            sink.event(&row);
            return;
        }
        let row = Box::new(row);
        self.see(tty.clone(), Edge::Logout { tty, row });
    }

    /// The terminal that ended; some writers leave it out, then the process tells.
    fn tty_of(&self, record: &Record<'_>) -> String {
        if !record.line.is_empty() || record.pid <= 0 {
            return record.line.to_string();
        }
        let of_process = |session: &&Session| session.login.pid == Some(record.pid);
        let found = self.open.values().find(of_process);
        found.map_or_else(String::new, |session| session.login.tty.to_string())
    }

    fn wait(&mut self, record: &Record<'_>) {
        if self.waiting.len() < MOST_OPEN {
            self.waiting.insert(record.line.to_string(), record.pid);
        }
    }

    /// Notes the first that this file tells of a terminal's session.
    fn see(&mut self, tty: String, edge: Edge) {
        if self.bounded || self.edges.len() >= MOST_EDGES {
            return;
        }
        if self.seen.insert(tty, ()).is_none() {
            self.edges.push(edge);
        }
    }

    /// Ends the sessions that began before. In utmp a boot may stand behind later logins.
    fn end_all(&mut self, down: bool, when: Option<When>, sink: &mut dyn Sink) {
        let at = when.map(|when| when.ts);
        let (over, open) = split(std::mem::take(&mut self.open), at);
        self.open = open;
        for session in over {
            end_with(session, down, at, sink);
        }
        self.waiting.clear();
        if !self.bounded {
            self.bounded = true;
            self.edges.push(Edge::All { down, at });
        }
    }
}

fn remark_of(record: &Record<'_>, message: String) -> Event<'static> {
    let pid = (record.pid > 0).then_some(record.pid);
    remark(record.when, message, &record.line, pid, record.place)
}

/// A crash's moment is unknown; a shutdown's is not.
fn end_with(session: Session, down: bool, at: Option<Timestamp>, sink: &mut (impl Sink + ?Sized)) {
    match down {
        true => session.emit(Some(Ended::Down), at, sink),
        false => session.emit(Some(Ended::Crash), None, sink),
    }
}

/// Sessions that began up to this moment, and the others.
fn split(
    open: BTreeMap<String, Session>,
    at: Option<Timestamp>,
) -> (Vec<Session>, BTreeMap<String, Session>) {
    let (mut over, mut rest) = (Vec::new(), BTreeMap::new());
    for (tty, session) in open {
        match (session.login.when, at) {
            (Some(when), Some(at)) if when.ts > at => {
                rest.insert(tty, session);
            }
            _ => over.push(session),
        }
    }
    (over, rest)
}

/// Joins the files of a series from the oldest to the newest.
pub fn join(mut parts: Vec<Part<'_>>) {
    let mut files: Vec<(usize, Left)> = Vec::new();
    for (index, part) in parts.iter_mut().enumerate() {
        let leftover = std::mem::replace(&mut part.leftover, Box::new(()));
        if let Ok(left) = leftover.downcast::<Left>() {
            files.push((index, *left));
        }
    }
    files.sort_by_key(|(index, left)| (left.first, *index));
    let mut open: BTreeMap<String, (usize, Session)> = BTreeMap::new();
    for (index, left) in files {
        for edge in left.edges {
            apply(edge, index, &mut open, &mut parts);
        }
        for (tty, session) in left.open {
            if let Some((before, old)) = open.insert(tty, (index, session))
                && let Some(part) = parts.get_mut(before)
            {
                old.emit(Some(Ended::Gone), None, part.sink);
            }
        }
    }
    for (_, (index, session)) in open {
        if let Some(part) = parts.get_mut(index) {
            session.emit(Some(Ended::Still), None, part.sink);
        }
    }
}

fn apply(
    edge: Edge,
    index: usize,
    open: &mut BTreeMap<String, (usize, Session)>,
    parts: &mut [Part<'_>],
) {
    match edge {
        Edge::Logout { tty, row } => match open.remove(&tty) {
            Some((before, session)) => {
                let at = row.when.map(|when| when.ts);
                if let Some(part) = parts.get_mut(before) {
                    session.emit(Some(Ended::Logout), at, part.sink);
                }
            }
            None => {
                if let Some(part) = parts.get_mut(index) {
                    part.sink.event(&row);
                }
            }
        },
        Edge::Taken { tty } => {
            if let Some((before, session)) = open.remove(&tty)
                && let Some(part) = parts.get_mut(before)
            {
                session.emit(Some(Ended::Gone), None, part.sink);
            }
        }
        Edge::All { down, at } => {
            for (_, (before, session)) in std::mem::take(open) {
                if let Some(part) = parts.get_mut(before) {
                    end_with(session, down, at, part.sink);
                }
            }
        }
    }
}
