//! # netstat: sockets as net-tools and BusyBox list them
//!
//! The tables of `netstat -anp`, `-tulpn`, `-plant` with `-W`, `-e`, `-o`, internet sockets and unix sockets, and `netstat -i`.
//!
//! **Recognised** by the heads of the sections (`Proto Recv-Q Send-Q Local Address ...`, `Proto RefCnt Flags ...`, `Iface MTU
//! RX-OK ...`), without them by rows that begin with a protocol, two numbers and two ends.
//!
//!     Active Internet connections (servers and established)
//!     Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
//!     tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      1425/sshd
//!     tcp        0      0 192.0.2.11:22           198.51.100.9:51784      ESTABLISHED 21268/sshd: alice [
//!     Active UNIX domain sockets (servers and established)
//!     Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path
//!     unix  2      [ ACC ]     STREAM     LISTENING     17321    1/systemd            /run/systemd/private
//!
//! **Rows**: one `socket-listed` a socket, `interface-listed` for `-i`, at the moment of collection. States are in ss's words
//! (`ESTABLISHED` is `ESTAB`). `command` is the program as shown, with its blanks; an empty one (`26602/`) is null.
//!
//! - Without `-W` an address of 23 characters with its port may have been cut. An IPv6 address of that length is not
//!   believed: it stays in `local_text` or `peer_text`; BusyBox cuts the port too, so that there it is unknown as well.
//! - Names of hosts stay in `local_text`, `peer_text`; names of services become ports where they are common.
//! - `no_owner` is set for LISTEN, ESTAB and SYN-SENT with `-` for an owner, where the output shows that it saw others'
//!   processes: the owner of a port below 1024, or owners and no port below 1024 without one. After
//!   `(Not all processes could be identified ...)` it is never set.
//!
//! Skipped with a reason: `netstat -s`, `-r`, `-g` (routes are read by `ip-neigh-route`). **Times**: none in the text; rows have the
//! moment of collection.
//!
//! Sources: netstat(8), net-tools `netstat.c`, `statistics.c`, BusyBox `networking/netstat.c`.

mod row;

use coldcase_model::{Place, Sink};

use super::plain::{Reader, other_line, probe_lines, read_lines};
use super::socket::Sockets;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};
use row::Head;

/// The format.
pub static FORMAT: Format = Format {
    id: "netstat",
    title: "sockets: netstat of net-tools and BusyBox",
    source: include_str!("netstat.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

const MAX_PROBED: usize = 200;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut rows, mut others) = (0, 0);
    let mut sections = row::Sections::default();
    for (index, text) in probe_lines(probe).take(MAX_PROBED).enumerate() {
        if let Some(head) = Head::of(&text) {
            if index <= 20 && head != Head::Other {
                return Sniff::Sure;
            }
            sections.enter(&text, head);
        }
        match sections.read(&text).is_some() {
            true => rows += 1,
            false => others += 1,
        }
    }
    match rows > 0 && rows >= others * 3 {
        true => Sniff::Likely,
        false => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Table {
        clock: input.clock,
        sections: row::Sections::default(),
        sockets: Sockets::default(),
        any: false,
    };
    read_lines(input, &mut reader, sink)
}

struct Table<'a> {
    clock: &'a Clock,
    sections: row::Sections,
    sockets: Sockets,
    any: bool,
}

impl Reader for Table<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        if row::is_note(text) {
            self.sockets.deny();
            return sink.skip(place, "a note of the tool");
        }
        if let Some(head) = Head::of(text) {
            // A second table of internet sockets is another output: what the first showed says nothing of it.
            if head == Head::Internet && self.sections.seen_internet() {
                self.sockets.finish(self.clock, sink);
            }
            self.sections.enter(text, head);
            return sink.used(1);
        }
        if row::is_title(text) {
            return sink.skip(place, "the title of a table");
        }
        if !ended && self.sections.is_cut(text) {
            sink.skip(place, "a cut row");
            return sink.warn(place, "the file ends inside of a row".to_owned());
        }
        match self.sections.read(text) {
            Some(row::Row::Socket(mut socket)) => {
                socket.line = number;
                self.sockets.push(*socket, self.clock, sink);
            }
            Some(row::Row::Interface(interface)) => interface.emit(number, self.clock, sink),
            None => return sink.skip(place, self.sections.reason().unwrap_or(other_line(text))),
        }
        self.any = true;
        sink.used(1);
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.sockets.finish(self.clock, sink);
        if !self.any {
            sink.warn(Place::Whole, "no row of a socket in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
