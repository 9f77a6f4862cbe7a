//! Captures: pcap and pcapng files of tcpdump, Wireshark, dumpcap and their like, rotated or not.
//!
//! Recognised by their magic numbers: pcap in both byte orders with microseconds or nanoseconds,
//! the modified form with longer record headers, and pcapng with any number of interfaces and sections.
//! Link types, tunnels and damage are `coldcase_wire`'s. Times are UTC in the file itself.
//!
//! What comes out:
//! - `dns-query` and `dns-answer`, one row a message, of port 53, mDNS (5353) and LLMNR (5355),
//!   over UDP and TCP; fragments are put together first, streams followed over segments. A UDP packet that
//!   has such a row is in no `udp-flow`. Where a snap length cut the message, the question is read if its
//!   name is whole. `interface` is the number of the interface that saw the packet first, `before_translation`
//!   the addresses it had on another one (a service address, a masquerade).
//! - `tcp-flow` and `udp-flow`. A flow ends after 300 s of silence, 120 s for UDP, 60 s for an attempt
//!   that nothing answered and for a closed connection, or when a SYN with another initial sequence
//!   number takes its place. `bytes` are those of the IP packets. Without a SYN in the capture a flow
//!   is `midstream`, not a new connection; `"payload": "absent"` says that a snap length cut payloads.
//! - `tcp-attempts` and `tcp-attempts-on`, one row a source with at least 8 attempts and a destination
//!   with at least 64, over the whole series. A SYN sent again (same 5-tuple and initial sequence number)
//!   is no further attempt. An attempt is answered by a SYN-ACK or when its client goes on; refused by
//!   a RST of the server or an ICMP message that quotes it (`unreachable`).
//!
//! - `http-request`, one row a request head in clear text on any port: Docker's API on 2375, the kubelet's and API
//!   servers' where they speak without TLS. `outcome` and `status_code` are the answer's, where the same file holds it. Of
//!   a container's creation the row has its image, command, mounts and, from the answer, its `id`. At most
//!   200,000 requests a file have rows.
//!
//! A capture of all interfaces sees a packet on each that it crosses: these copies count once.
//!
//! Limits, so that a flood fits into memory. After 64 unanswered attempts of a source, 1,024 on a
//! destination or 65,536 in all, in one file, further ones have a `tcp-flow` row only if something answers
//! them; `listed` says how many have one. Different addresses are counted exactly up to 57,344 a file (one
//! more for 8 packets each, up to 1,048,576) and sampled beyond, to about 0.5 %: then `exact` is false. Of
//! more than 114,688 sources or destinations (7,168 where a file is handed on to its series) those with few
//! attempts are dropped; `missed_at_most` bounds what a row may lack. Not put together are flows beyond
//! 32,768 that cross the edge of two files.
//!
//! Files of a series are ordered by their first packet. Gaps and overlaps are warned of; files that
//! overlap were written by several captures and are not put together.

use coldcase_model::{Place, Sink};
use coldcase_wire::capture::{Loss, is_capture};

use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

mod address;
mod attempts;
mod copies;
mod decoded;
mod dns_rows;
mod dns_streams;
mod engine;
mod flow;
mod flow_row;
mod flow_table;
mod fragments;
mod half_open;
mod http_rows;
mod pending;
mod pieces;
mod series;
mod side;
mod summary;
mod tally;
mod tcp;

use pieces::{Found, Piece, Walk};
use series::FileState;

/// The format.
pub static FORMAT: Format = Format {
    id: "pcap",
    title: "captures: pcap and pcapng",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: Some(series::join),
};

/// Losses warned of one by one; of more only the sum is told.
const MOST_LOSSES: u64 = 20;

/// Packets whose lookups are prepared at a time: what they bring fits into the processor's inner caches.
const AHEAD: usize = 32;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if is_capture(probe.head) {
        Sniff::Sure
    } else {
        Sniff::No
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reading = Reading::default();
    let mut outcome = Ok(());
    let mut walk = Walk::new(&mut input.reader);
    input.cores.in_step(
        |piece| walk.next(piece),
        |piece: &mut Piece| {
            if outcome.is_ok() {
                outcome = reading.take(piece, sink);
            }
        },
    );
    outcome?;
    Ok(reading.end(sink))
}

#[derive(Default)]
struct Reading {
    file: Option<Box<FileState>>,
    losses: u64,
    lost_bytes: u64,
}

impl Reading {
    /// Takes what a piece of the capture holds.
    fn take(&mut self, piece: &mut Piece, sink: &mut dyn Sink) -> Result<(), IngestError> {
        let mut found = std::mem::take(&mut piece.found);
        for some in found.chunks_mut(AHEAD) {
            if let Some(file) = &self.file {
                file.look_ahead(some.iter().filter_map(Found::packet));
            }
            for found in some {
                self.take_one(found, piece, sink)?;
            }
        }
        piece.found = found;
        Ok(())
    }

    fn take_one(
        &mut self,
        found: &mut Found,
        piece: &Piece,
        sink: &mut dyn Sink,
    ) -> Result<(), IngestError> {
        match found {
            Found::Packet(packet) => {
                let file = self
                    .file
                    .get_or_insert_with(|| Box::new(FileState::new(packet, piece.pcapng)));
                file.packet(packet, piece.bytes(), sink);
            }
            Found::Loss(loss) => self.lose(loss, sink),
            Found::Failed(error) => {
                let error = std::mem::replace(error, std::io::ErrorKind::Other.into());
                if self.file.is_none() {
                    return Err(error.into());
                }
                let warning = format!("reading ended early: {error}; what was read is used");
                sink.warn(Place::Whole, warning);
            }
            Found::Stuck(error) if self.file.is_none() => {
                return Err(IngestError::Damaged(std::mem::take(error)));
            }
            Found::Stuck(error) => sink.warn(Place::Whole, std::mem::take(error)),
        }
        Ok(())
    }

    fn lose(&mut self, loss: &Loss, sink: &mut dyn Sink) {
        self.losses += 1;
        self.lost_bytes = self.lost_bytes.saturating_add(loss.bytes);
        let place = Place::Offset(loss.offset);
        sink.skip(place, loss.what);
        if self.losses <= MOST_LOSSES {
            let warning = format!("{} bytes lost: {}", loss.bytes, loss.what);
            sink.warn(place, warning);
        }
    }

    fn end(self, sink: &mut dyn Sink) -> Option<Leftover> {
        if self.losses > MOST_LOSSES {
            let (losses, bytes) = (self.losses, self.lost_bytes);
            let warning = format!("{losses} places damaged in all, {bytes} bytes lost");
            sink.warn(Place::Whole, warning);
        }
        let mut file = self.file?;
        file.end(sink);
        Some(file)
    }
}
