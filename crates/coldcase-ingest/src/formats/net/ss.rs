//! # ss: sockets as iproute2 lists them
//!
//! The tables of `ss` with any of `-a -l -n -t -u -x -w -0 -p -e -o -i -m -H -O -4 -6` (`ss -antp`, `ss -tulpen`,
//! `ss -anp`) and the summary of `ss -s`, of iproute2 since 2.6; several may stand in one file.
//!
//! **Recognised** by the header (`Recv-Q Send-Q Local Address:Port Peer Address:Port`), without one (`-H`) by rows that
//! begin with a state of ss, two numbers and two ends; a summary by its line `TCP: 6 (estab 1, ...`.
//!
//!     State   Recv-Q Send-Q Local Address:Port   Peer Address:Port Process
//!     LISTEN  0      128          0.0.0.0:22          0.0.0.0:*     users:(("sshd",pid=1042,fd=3))
//!     ESTAB   0      36         192.0.2.7:22     198.51.100.5:33201 users:(("sshd",pid=29650,fd=3))
//!
//! **Rows**: one `socket-listed` a socket at the moment of collection; `pid` and `command` of its first owner, all of
//! them in `processes`; of the summary `metric` rows (`ss_tcp_estab`, `ss_udp_total`). Indented lines (`-i`, `-m`, a table
//! wrapped by a narrow terminal) belong to the row above; of them `timer`, `uid`, `ino`, `cgroup`, `bytes_sent`,
//! `bytes_acked` and `bytes_received` are kept. Unix sockets have `unix_path` and `peer_inode`, netlink sockets `channel`, packet
//! sockets `interface`. A port shown as a name becomes its number where the name is common, an end that is no address
//! stays in `local_text` and `peer_text`.
//!
//! - `*` for an address is any IPv4 address up to iproute2 4.16 and any of both families later. Which one is told by
//!   the other rows (`0.0.0.0:22` or `:::22`) or the header's `Process`; otherwise `listen` keeps the `*`.
//! - Without the column Netid the protocol is told by states that only TCP has, by UNCONN, or by the flags in a command
//!   line or in the file's name; otherwise it is unknown.
//! - `no_owner` is set for LISTEN, ESTAB and SYN-SENT without a process, and only where the output shows the owner of a
//!   port below 1024, or owners and no port below 1024 without one: run by an ordinary user, ss hides the others'.
//!
//! **Times**: none in the text; rows have the moment of collection. **Limits**: `-E` (events), `-K`, `-b` filters' text and TIPC are
//! not understood; of more than 65,536 sockets before the first owner none gets `no_owner`; 64 owners a socket.
//!
//! Sources: ss(8), iproute2 `misc/ss.c`.

mod row;
mod summary;

use std::io::Read;

use coldcase_model::{Place, Sink};

use super::endpoint::{Endpoint, Star};
use super::plain::{Reader, clean, other_line, probe_lines, read_lines, settled};
use super::socket::{Socket, Sockets};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "ss",
    title: "sockets: ss, its tables and summary",
    source: include_str!("ss.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at for the shape of a table.
const MAX_PROBED: usize = 200;

/// Whether a line is the head of a table.
fn is_header(text: &str) -> bool {
    text.contains("Recv-Q")
        && text.contains("Send-Q")
        && text.contains("Address:Port")
        && !text.contains("Proto ")
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut rows, mut others) = (0, 0);
    for (index, text) in probe_lines(probe).take(MAX_PROBED).enumerate() {
        if is_header(&text) {
            return if index <= 20 {
                Sniff::Sure
            } else {
                Sniff::Likely
            };
        }
        if summary::is_first(&text) && index <= 20 {
            return Sniff::Sure;
        }
        match row::read(&text, false, &Guess::default()).is_some() {
            true => rows += 1,
            false if text.starts_with([' ', '\t']) && rows > 0 => {}
            false => others += 1,
        }
    }
    match rows > 0 && rows >= others * 3 {
        true => Sniff::Likely,
        false => Sniff::No,
    }
}

/// What the beginning of an artifact tells about all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guess {
    /// The protocol where no column names it.
    protocol: Option<&'static str>,
    star: Star,
}

impl Guess {
    fn of(head: &[u8], path: &str) -> Self {
        let mut guess = Self::default();
        let mut states = None;
        for line in head.split(|byte| *byte == b'\n').take(4096) {
            let text = clean(line);
            if is_header(&text) && text.contains("Process") {
                guess.star = Star::V6;
            }
            guess.protocol = guess.protocol.or_else(|| protocol_of_command(&text));
            let mut words = text.split_ascii_whitespace();
            let first = words.next().unwrap_or_default();
            if row::TCP_STATES.contains(&first) {
                states = Some("tcp");
            } else if first == "UNCONN" && states.is_none() {
                states = Some("udp");
            }
            if guess.star == Star::Unknown {
                guess.star = star_of(&text);
            }
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        guess.protocol = states
            .or(guess.protocol)
            .or_else(|| protocol_of_command(&name.replace(['_', '.', '-'], " ")));
        guess
    }
}

/// What a row tells of the meaning of `*`.
fn star_of(text: &str) -> Star {
    let mut ends = text
        .split_ascii_whitespace()
        .filter(|word| word.contains(':'));
    match (ends.next(), ends.next()) {
        (Some(local), Some(peer)) => {
            let is_any = |end: &str| end.starts_with("0.0.0.0:") || end.starts_with("0.0.0.0%");
            let is_v4 = || {
                Endpoint::parse(local, Star::Unknown).is_some_and(|end| {
                    end.ip.is_some_and(|ip| !ip.contains(':')) && !local.starts_with('[')
                })
            };
            match () {
                () if is_any(local) || is_any(peer) => Star::V6,
                () if local.starts_with(":::") || (peer == "*:*" && is_v4()) => Star::V4,
                () => Star::Unknown,
            }
        }
        _ => Star::Unknown,
    }
}

/// The one protocol that the flags of a command ask for: `ss -antp`.
fn protocol_of_command(text: &str) -> Option<&'static str> {
    let mut words = text.split_ascii_whitespace().skip_while(|word| {
        let bare = word.rsplit('/').next().unwrap_or(word);
        bare != "ss"
    });
    words.next()?;
    let (mut tcp, mut udp, mut other) = (false, false, false);
    for word in words.take(4) {
        match word {
            "--tcp" => tcp = true,
            "--udp" => udp = true,
            _ => {
                let flags = word.trim_start_matches('-');
                if !flags
                    .bytes()
                    .all(|flag| b"antuplewxioemH46O".contains(&flag))
                {
                    break;
                }
                tcp |= flags.contains('t');
                udp |= flags.contains('u');
                other |= flags.contains(['x', 'w']);
            }
        }
    }
    match (tcp, udp, other) {
        (true, false, false) => Some("tcp"),
        (false, true, false) => Some("udp"),
        _ => None,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut rest = std::mem::replace(&mut input.reader, Box::new(std::io::empty()));
    let mut head = Vec::new();
    let cause = (&mut rest).take(64 << 10).read_to_end(&mut head);
    let mut reader = Table {
        clock: input.clock,
        guess: Guess::of(&head, input.path),
        sockets: Sockets::default(),
        pending: None,
        has_state: true,
        padded: false,
        any: false,
    };
    let mut whole = Input {
        path: input.path,
        host: input.host,
        reader: Box::new(std::io::Cursor::new(head).chain(rest)),
        clock: input.clock,
        cores: input.cores,
    };
    let read = read_lines(&mut whole, &mut reader, sink);
    match cause {
        Ok(_) => read,
        Err(error) => read.and(Err(error.into())),
    }
}

/// What of the text behind the ends can be believed: a list of owners shows by itself where it was cut.
fn whole(text: &str, ended: bool) -> &str {
    match ended || text.ends_with([')', '>', ' ']) || text.contains("users:(") {
        true => text,
        false => settled(text, false),
    }
}

struct Table<'a> {
    clock: &'a Clock,
    guess: Guess,
    sockets: Sockets,
    /// The last row: lines that belong to it may follow.
    pending: Option<Socket>,
    has_state: bool,
    /// Whether something stood behind the peer in the row before.
    padded: bool,
    any: bool,
}

impl Table<'_> {
    fn settle(&mut self, sink: &mut dyn Sink) {
        if let Some(mut socket) = self.pending.take() {
            socket.owner_missing = socket.owners.is_empty();
            self.sockets.push(socket, self.clock, sink);
        }
    }
}

impl Reader for Table<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        if is_header(text) {
            self.settle(sink);
            self.sockets.finish(self.clock, sink);
            self.has_state = text.contains("State");
            sink.used(1);
            return;
        }
        if let Some((mut socket, rest)) = row::read(text, !self.has_state, &self.guess) {
            if !ended && self.padded && rest.is_empty() && !text.ends_with(' ') {
                sink.skip(place, "a cut row");
                sink.warn(place, "the file ends inside of a row".to_owned());
                return;
            }
            self.settle(sink);
            self.padded = !rest.is_empty() || text.ends_with(' ');
            socket.line = number;
            row::describe(&mut socket, whole(rest, ended));
            self.pending = Some(socket);
            self.any = true;
            sink.used(1);
            return;
        }
        if summary::line(number, text, self.clock, sink) {
            self.any = true;
            return;
        }
        match &mut self.pending {
            Some(socket) if text.starts_with([' ', '\t']) => {
                row::describe(socket, whole(text, ended));
                sink.used(1);
            }
            _ => {
                self.settle(sink);
                if let Some(protocol) = protocol_of_command(text) {
                    self.guess.protocol = Some(protocol);
                }
                sink.skip(place, other_line(text));
            }
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.settle(sink);
        self.sockets.finish(self.clock, sink);
        if !self.any {
            sink.warn(Place::Whole, "no row of a socket in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
