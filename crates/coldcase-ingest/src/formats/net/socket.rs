//! A socket as a row of the timeline, and the question whether its lack of an owner means anything.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action};

use super::endpoint::Endpoint;
use crate::Clock;

/// Rows held until it is known whether the tool could see everyone's processes. A host in a flood has some
/// hundred thousand sockets, of which those in TIME-WAIT come late.
const MAX_HELD: usize = 1 << 16;

/// Owners kept of one socket; a pre-forked server has some hundred.
pub const MAX_OWNERS: usize = 64;

/// A process that holds a socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// Program as shown; may be empty.
    pub name: String,
    /// Its process.
    pub pid: Option<i64>,
    /// File descriptor.
    pub fd: Option<i64>,
}

/// One socket.
#[derive(Debug, Clone, Default)]
pub struct Socket {
    /// Line at which it stands.
    pub line: u64,
    /// `tcp`, `udp`, `unix`, ...
    pub protocol: Option<&'static str>,
    /// In ss's words.
    pub state: Option<String>,
    /// The host's end.
    pub local: Endpoint,
    /// The other end.
    pub peer: Endpoint,
    /// Bytes not yet read, or connections not yet accepted.
    pub recv_queue: Option<i64>,
    /// Bytes not yet acknowledged, or the backlog.
    pub send_queue: Option<i64>,
    /// Processes that hold it.
    pub owners: Vec<Owner>,
    /// Whether the tool says that it found none.
    pub owner_missing: bool,
    /// Account.
    pub user: Option<String>,
    /// Inode; 0 is none.
    pub inode: Option<i64>,
    /// Interface it is bound to.
    pub interface: Option<String>,
    /// Path of a unix socket.
    pub unix_path: Option<String>,
    /// Further texts.
    pub more: Vec<(&'static str, String)>,
    /// Further numbers.
    pub counts: Vec<(&'static str, i64)>,
}

impl Socket {
    fn is_internet(&self) -> bool {
        matches!(
            self.protocol,
            Some("tcp" | "udp" | "dccp" | "sctp" | "mptcp") | None
        )
    }

    /// Whether a socket of this state has a process: those of closed connections live on without.
    fn needs_owner(&self) -> bool {
        matches!(self.state.as_deref(), Some("LISTEN" | "ESTAB" | "SYN-SENT"))
            && self.is_internet()
            && self.inode != Some(0)
    }

    /// Whether it listens where only root may.
    fn is_privileged(&self) -> bool {
        self.local.port.is_some_and(|port| port < 1024) && self.needs_owner()
    }

    fn is_listening(&self) -> bool {
        match self.state.as_deref() {
            Some("LISTEN") => self.is_internet(),
            Some("UNCONN") => self.protocol == Some("udp") && self.peer.is_open(),
            _ => false,
        }
    }

    fn attributes(&self, no_owner: bool) -> Option<String> {
        let mut attributes = Attributes::with_capacity(128);
        attributes.text_if("state", self.state.as_deref());
        if self.is_listening() {
            attributes.text("listen", &self.local.shown());
        }
        attributes
            .number_if("recv_queue", self.recv_queue)
            .number_if("send_queue", self.send_queue)
            .number_if("inode", self.inode.filter(|inode| *inode != 0))
            .number_if("fd", self.owners.first().and_then(|owner| owner.fd));
        if self.owners.len() > 1 {
            attributes.texts("processes", self.owners.iter().map(described));
        }
        attributes.text_if("interface", self.interface.as_deref());
        if no_owner {
            attributes.flag("no_owner", true);
        }
        attributes
            .text_if("unix_path", self.unix_path.as_deref())
            .text_if("local_text", self.local.text.as_deref())
            .text_if("peer_text", self.peer.text.as_deref());
        for (key, text) in &self.more {
            attributes.text(key, text);
        }
        for (key, number) in &self.counts {
            attributes.number(key, *number);
        }
        attributes.finish()
    }

    fn message(&self) -> String {
        let mut message = self.protocol.unwrap_or("socket").to_owned();
        let mut word = |word: &str| {
            message.push(' ');
            message.push_str(word);
        };
        word(self.state.as_deref().unwrap_or("listed"));
        match &self.unix_path {
            Some(path) => word(path),
            None if self.protocol == Some("unix") || self.protocol == Some("netlink") => {}
            None => {
                word(&self.local.shown());
                if !self.peer.is_open() {
                    word("peer");
                    word(&self.peer.shown());
                }
            }
        }
        if let Some(owner) = self.owners.first() {
            word(&described(owner));
        }
        message
    }

    fn emit(&self, no_owner: bool, clock: &Clock, sink: &mut dyn Sink) {
        let owner = self.owners.first();
        let mut event = Event::new(action::SOCKET_LISTED);
        event.when = clock.collected();
        event.line = Some(self.line);
        event.protocol = self.protocol;
        event.src_ip = self.local.ip.as_deref().map(Cow::Borrowed);
        event.src_port = self.local.port;
        event.dst_ip = self.peer.ip.as_deref().map(Cow::Borrowed);
        event.dst_port = self.peer.port;
        event.pid = owner.and_then(|owner| owner.pid);
        event.user = self.user.as_deref().map(Cow::Borrowed);
        event.command = owner
            .map(|owner| owner.name.as_str())
            .filter(|name| !name.is_empty())
            .map(Cow::Borrowed);
        event.attributes = self.attributes(no_owner).map(Cow::Owned);
        event.message = Some(self.message().into());
        sink.event(&event);
    }
}

/// `name[pid]`.
fn described(owner: &Owner) -> String {
    match owner.pid {
        Some(pid) => format!("{}[{pid}]", owner.name),
        None => owner.name.clone(),
    }
}

/// Whether the tool saw the processes of all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Not yet known: rows are held.
    Open,
    /// It shows an owner of a port that only root may take.
    All,
    /// It says that it could not.
    Some,
}

/// Rows on their way to the sink. That a socket has no owner is told only where the tool saw those of all
/// users, which may be known as late as at the output's end.
#[derive(Debug)]
pub struct Sockets {
    held: Vec<Socket>,
    sight: Sight,
    owner_seen: bool,
    privileged_without: bool,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            sight: Sight::Open,
            owner_seen: false,
            privileged_without: false,
        }
    }
}

impl Sockets {
    /// Takes a row.
    pub fn push(&mut self, socket: Socket, clock: &Clock, sink: &mut dyn Sink) {
        if socket.needs_owner() {
            let has_owner = !socket.owners.is_empty();
            self.owner_seen |= has_owner;
            self.privileged_without |= socket.is_privileged() && socket.owner_missing;
            if has_owner && socket.is_privileged() && self.sight == Sight::Open {
                self.sight = Sight::All;
            }
        }
        self.held.push(socket);
        if self.sight != Sight::Open {
            self.flush(self.sight == Sight::All, clock, sink);
        } else if self.held.len() >= MAX_HELD {
            self.flush(false, clock, sink);
        }
    }

    /// The tool says that it could not see all processes.
    pub fn deny(&mut self) {
        self.sight = Sight::Some;
    }

    /// The output ends, or another begins: the next starts with nothing known.
    pub fn finish(&mut self, clock: &Clock, sink: &mut dyn Sink) {
        let sees = match self.sight {
            Sight::All => true,
            Sight::Some => false,
            Sight::Open => self.owner_seen && !self.privileged_without,
        };
        self.flush(sees, clock, sink);
        *self = Self::default();
    }

    fn flush(&mut self, sees_all: bool, clock: &Clock, sink: &mut dyn Sink) {
        for socket in self.held.drain(..) {
            let no_owner = sees_all && socket.owner_missing && socket.needs_owner();
            socket.emit(no_owner, clock, sink);
        }
    }
}
