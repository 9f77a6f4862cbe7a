//! Heads and rows of netstat's tables.

use super::super::endpoint::{Endpoint, Star};
use super::super::interface::Interface;
use super::super::socket::{Owner, Socket};

/// Width of an address column without `-W`.
const NARROW: usize = 23;

/// What the table at hand lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Head {
    /// No head seen: internet sockets, if the rows fit.
    #[default]
    None,
    Internet,
    Unix,
    Interfaces,
    /// A table that is not read here.
    Other,
}

impl Head {
    /// What a line is the head of.
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(8).collect();
        let first = words.first().copied()?;
        let second = words.get(1).copied().unwrap_or_default();
        match (first, second) {
            ("Proto", "Recv-Q") if text.contains("Send-Q") => Some(Self::Internet),
            // Translated heads keep the first word.
            ("Proto", "RefCnt" | "RefZäh") => Some(Self::Unix),
            ("Iface", "MTU") if text.contains("RX-OK") => Some(Self::Interfaces),
            ("Destination", "Gateway" | "Next") | ("Interface", "RefCnt") => Some(Self::Other),
            ("Ip:" | "IcmpMsg:" | "Tcp:" | "Udp:" | "TcpExt:", "") => Some(Self::Other),
            _ => None,
        }
    }
}

/// `Active Internet connections (servers and established)` and the like.
pub fn is_title(text: &str) -> bool {
    let starts = [
        "Active Internet connections",
        "Active UNIX domain sockets",
        "Active Bluetooth",
        "Kernel Interface table",
        "Aktive Internetverbindungen",
        "Aktive Sockets in der UNIX",
        "Connexions Internet actives",
        "Sockets du domaine UNIX",
        "激活",
        "活跃",
    ];
    starts.iter().any(|start| text.starts_with(start))
}

/// The note of net-tools and BusyBox that they were not run by root, and its second line.
pub fn is_note(text: &str) -> bool {
    [
        "(Not all processes could be identified",
        " will not be shown, you would have to be root",
        "(No info could be read for \"-p\"",
        "netstat: showing only processes with your user ID",
        "(Es konnten nicht alle Prozesse identifiziert",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

/// What a row gave.
pub enum Row {
    Socket(Box<Socket>),
    Interface(Box<Interface>),
}

/// The columns of the table at hand.
#[derive(Debug, Default)]
pub struct Sections {
    head: Head,
    has_user: bool,
    has_owner: bool,
    has_timer: bool,
    /// Whether the columns are wide enough that nothing is cut.
    is_wide: bool,
    internet: bool,
    interface_columns: Vec<String>,
    width: usize,
}

impl Sections {
    /// A new table begins.
    pub fn enter(&mut self, text: &str, head: Head) {
        self.head = head;
        self.internet |= head == Head::Internet;
        self.has_user = text.contains("User");
        self.has_owner = text.contains("PID/Program") || text.contains("PID/Programm");
        self.has_timer = text.trim_end().ends_with("Timer");
        let place = |name: &str| text.find(name);
        // net-tools and BusyBox widen the columns with the addresses.
        self.is_wide = match (place("Local Address"), place("Foreign Address")) {
            (Some(local), Some(foreign)) => foreign.saturating_sub(local) > NARROW + 2,
            _ => false,
        };
        self.width = text.trim_end().len();
        self.interface_columns = match head {
            Head::Interfaces => text
                .split_ascii_whitespace()
                .take(16)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
    }

    /// Whether internet sockets were listed before.
    pub fn seen_internet(&self) -> bool {
        self.internet
    }

    /// Why rows of the table at hand are not read.
    pub fn reason(&self) -> Option<&'static str> {
        (self.head == Head::Other).then_some("a row of a table that is not of sockets")
    }

    /// Whether a line without an end stops short of its last column.
    pub fn is_cut(&self, text: &str) -> bool {
        let last = match self.head {
            Head::Internet if self.has_timer => "Timer".len(),
            Head::Internet if self.has_owner => "PID/Program name".len(),
            Head::Internet => "State".len(),
            _ => return false,
        };
        self.width > 0 && text.len() <= self.width.saturating_sub(last)
    }

    /// Reads a row.
    pub fn read(&mut self, text: &str) -> Option<Row> {
        match self.head {
            Head::Other => None,
            Head::Interfaces => {
                let read = Interface::of_netstat(&self.interface_columns, text)?;
                Some(Row::Interface(Box::new(read)))
            }
            Head::Unix => self.unix(text).map(|row| Row::Socket(Box::new(row))),
            Head::Internet | Head::None => self
                .internet(text)
                .or_else(|| self.unix(text))
                .map(|row| Row::Socket(Box::new(row))),
        }
    }

    fn internet(&mut self, text: &str) -> Option<Socket> {
        let (proto, rest) = word(text);
        let protocol = protocol(proto)?;
        let (recv, rest) = word(rest);
        let (send, rest) = word(rest);
        let (local, rest) = word(rest);
        let (peer, rest) = word(rest);
        let mut socket = Socket {
            protocol: Some(protocol),
            recv_queue: Some(recv.parse().ok()?),
            send_queue: Some(send.parse().ok()?),
            ..Socket::default()
        };
        self.is_wide |= local.len() > NARROW || peer.len() > NARROW;
        let is_six = proto.ends_with('6');
        socket.local = self.end(local, is_six)?;
        socket.peer = self.end(peer, is_six)?;
        if protocol == "raw" {
            for (end, text) in [(&mut socket.local, local), (&mut socket.peer, peer)] {
                end.port = None;
                end.text = (!text.ends_with(":*")).then(|| text.to_owned());
            }
        }
        let (shown, behind) = word(rest);
        let rest = match state(shown) {
            Some(state) => {
                socket.state = Some(state.to_owned());
                behind
            }
            // UDP shows no state for a socket without a peer.
            None if matches!(protocol, "udp" | "raw" | "udplite") => {
                socket.state = Some("UNCONN".to_owned());
                rest
            }
            None if is_word_of_state(shown) => {
                socket.state = Some(shown.to_owned());
                behind
            }
            None => rest,
        };
        self.tail(&mut socket, rest);
        Some(socket)
    }

    /// `[User Inode] [PID/Program] [Timer]`.
    fn tail(&self, socket: &mut Socket, rest: &str) {
        let mut rest = rest.trim();
        let (first, behind) = word(rest);
        let (second, behind_both) = word(behind);
        let is_guess = self.head == Head::None && !is_owner(first) && !second.is_empty();
        if (self.has_user || is_guess)
            && let Ok(inode) = second.parse()
        {
            socket.user = Some(first.to_owned());
            socket.inode = Some(inode);
            rest = behind_both.trim();
        }
        if let Some((before, timer)) = split_timer(rest) {
            socket.more.push(("timer", timer.to_owned()));
            rest = before;
        }
        if self.has_owner || is_owner(rest) {
            self.owner(socket, rest);
        }
    }

    fn owner(&self, socket: &mut Socket, text: &str) {
        let text = text.trim();
        if text == "-" {
            socket.owner_missing = true;
            return;
        }
        let (pid, name) = match text.split_once('/') {
            Some((pid, name)) if pid.parse::<i64>().is_ok() => (pid.parse().ok(), name),
            _ => match text.parse() {
                Ok(pid) => (Some(pid), ""),
                Err(_) => (None, text),
            },
        };
        if pid.is_some() || !name.is_empty() {
            socket.owners.push(Owner {
                name: name.trim().to_owned(),
                pid,
                fd: None,
            });
        }
    }

    fn end(&self, text: &str, is_six: bool) -> Option<Endpoint> {
        if !text.contains(':') {
            return None;
        }
        let mut end = Endpoint::parse(text, Star::V4)?;
        // As wide as the column: the address may have been cut. IPv4 never needs so much.
        let may_be_cut = !self.is_wide && text.len() == NARROW;
        let colons = text.bytes().filter(|byte| *byte == b':').count();
        if may_be_cut && colons > 1 {
            end.ip = None;
            end.text = Some(text.to_owned());
            // BusyBox, which calls IPv6 rows `tcp`, cuts the port as well.
            if !is_six {
                end.port = None;
            }
        }
        Some(end)
    }

    /// `unix  2      [ ACC ]     STREAM     LISTENING     17321    1/systemd            /run/systemd/private`.
    fn unix(&self, text: &str) -> Option<Socket> {
        let rest = text.strip_prefix("unix ")?;
        let (references, rest) = word(rest);
        references.parse::<i64>().ok()?;
        let (_, rest) = rest.split_once('[')?.1.split_once(']')?;
        let (kind, rest) = word(rest);
        let (mut shown, mut behind) = word(rest);
        let mut socket = Socket {
            protocol: Some("unix"),
            ..Socket::default()
        };
        if shown.parse::<i64>().is_err() {
            socket.state = Some(unix_state(shown).to_owned());
            (shown, behind) = word(behind);
        } else {
            socket.state = Some("UNCONN".to_owned());
        }
        socket.inode = Some(shown.parse().ok()?);
        socket.more.push(("type", kind.to_ascii_lowercase()));
        let mut path = behind.trim();
        if self.has_owner || (self.head != Head::Unix && is_owner(path)) {
            // The owner's column is 20 wide, a program's name may hold blanks.
            let column = behind.trim_start();
            let end = match column.char_indices().nth(20) {
                Some((end, ' ')) => end,
                _ => column.find("  ").unwrap_or(column.len()),
            };
            let (owner, rest) = column.split_at_checked(end)?;
            self.owner(&mut socket, owner);
            path = rest.trim();
        }
        if !path.is_empty() {
            socket.unix_path = Some(path.to_owned());
        }
        Some(socket)
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn protocol(text: &str) -> Option<&'static str> {
    Some(match text {
        "tcp" | "tcp6" => "tcp",
        "udp" | "udp6" => "udp",
        "raw" | "raw6" => "raw",
        "udplite" | "udplite6" | "udpl" | "udpl6" => "udplite",
        "sctp" | "sctp6" => "sctp",
        "dccp" | "dccp6" => "dccp",
        _ => return None,
    })
}

/// A state in ss's words.
fn state(text: &str) -> Option<&'static str> {
    Some(match text {
        "ESTABLISHED" | "VERBUNDEN" | "ÉTABLI" | "ETABLI" | "CONECTADO" => "ESTAB",
        "LISTEN" | "LISTENING" | "LAUSCHEN" | "ÉCOUTE" => "LISTEN",
        "SYN_SENT" => "SYN-SENT",
        "SYN_RECV" | "SYN_RCVD" => "SYN-RECV",
        "FIN_WAIT1" => "FIN-WAIT-1",
        "FIN_WAIT2" => "FIN-WAIT-2",
        "TIME_WAIT" => "TIME-WAIT",
        "CLOSE" | "7" => "UNCONN",
        "CLOSE_WAIT" => "CLOSE-WAIT",
        "LAST_ACK" => "LAST-ACK",
        "CLOSING" => "CLOSING",
        "1" => "ESTAB",
        _ => return None,
    })
}

fn unix_state(text: &str) -> &str {
    match text {
        "LISTENING" => "LISTEN",
        "CONNECTED" => "ESTAB",
        "CONNECTING" => "SYN-SENT",
        "DISCONNECTING" => "CLOSING",
        "FREE" => "UNCONN",
        other => other,
    }
}

/// A state in words that are not known here: a translation.
fn is_word_of_state(text: &str) -> bool {
    text.chars().count() >= 3
        && text
            .chars()
            .all(|letter| letter.is_uppercase() || letter == '_' || !letter.is_ascii())
}

/// `-` or `1425/sshd`.
fn is_owner(text: &str) -> bool {
    text == "-"
        || text.starts_with("- ")
        || text.split_once('/').is_some_and(|(pid, _)| {
            !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// Splits `off (0.00/0/0)` from a row's end.
fn split_timer(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end();
    let open = text.strip_suffix(')')?.rfind(" (")?;
    let before = text.get(..open)?.trim_end();
    let start = before.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let name = before.get(start..)?;
    let is_timer = matches!(name, "off" | "on" | "keepalive" | "timewait" | "probe")
        || name.starts_with("unkn-");
    is_timer.then(|| Some((before.get(..start)?, text.get(start..)?)))?
}
