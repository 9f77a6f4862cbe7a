//! Packets in, rows out: the state that a capture's packets build up, one packet after another.

use coldcase_model::{Place as SinkPlace, Sink};
use coldcase_wire::packet::{self, Transport, Udp};

use super::address::{FlowKey, Origin, TCP, UDP};
use super::attempts::Attempts;
use super::copies::{Copies, Seen};
use super::decoded::{Carried, Decoded};
use super::dns_rows::{DnsRows, Envelope, is_dns_port};
use super::dns_streams::Streams;
use super::flow::{Flow, Step, TIMEOUT_UDP, flag};
use super::flow_table::FlowTable;
use super::fragments::{DatagramKey, Fragments, Piece, Whole};
use super::half_open::HalfOpen;
use super::http_rows::HttpRows;

/// Flows near a file's beginning that wait for the join, because the file before may hold their first
/// part: 4 MB a file. What is more is taken for new.
const MOST_HEADS: usize = 1 << 15;

/// Of these, connection attempts without a row of their own.
const MOST_UNLISTED_HEADS: usize = 1 << 12;

/// Entries of tables, some 100 bytes each, that a processor's cache holds.
const MOST_CACHED: usize = 1 << 12;

const SKIP_OTHER: &str = "neither TCP nor UDP";
const SKIP_CUT: &str = "cut before its ports";
const SKIP_FRAGMENT: &str = "fragment of a datagram that is not whole";

/// Sinks of a series by the number of the file.
pub(super) trait Outlets {
    /// The sink of this file.
    fn of(&mut self, file: u32) -> &mut dyn Sink;
}

/// A flow at the edge of its file.
pub(super) struct Edge {
    /// The flow.
    pub(super) flow: Flow,
    /// Whether it was open at the file's end.
    pub(super) open: bool,
    /// Whether it gets a row of its own should nothing answer it.
    pub(super) listed: bool,
}

/// The state.
pub(super) struct Engine {
    pub(super) copies: Copies,
    pub(super) fragments: Fragments,
    pub(super) table: FlowTable,
    pub(super) half_open: HalfOpen,
    pub(super) streams: Streams,
    pub(super) attempts: Attempts,
    /// Flows that ended and wait for the join.
    pub(super) edges: Vec<Edge>,
    /// Number of the file that is being read.
    pub(super) file: u32,
    /// Whether the file may hold several interfaces without naming them in its packets (pcapng).
    pub(super) several: bool,
    /// The capture's time: never moved by a single stray stamp.
    pub(super) now: i64,
    before: i64,
    /// Flows that wait for the join.
    pub(super) heads: Heads,
    /// Writes the rows of DNS messages.
    pub(super) rows: DnsRows,
    /// Writes the rows of HTTP requests.
    pub(super) http: HttpRows,
    ended: Vec<Flow>,
    lost: Vec<Origin>,
    used: u64,
}

/// Marks flows that may continue one of the file before.
#[derive(Default)]
pub(super) struct Heads {
    joins_from: Option<i64>,
    listed: usize,
    unlisted: usize,
}

impl Heads {
    /// Marks a flow that begins within `reach` of the file's beginning.
    pub(super) fn mark(&mut self, flow: &mut Flow, reach: i64, listed: bool) {
        let near = |from: i64| flow.first.saturating_sub(from) <= reach;
        if !self.joins_from.is_some_and(near) {
            return;
        }
        let (held, most) = if listed {
            (&mut self.listed, MOST_HEADS)
        } else {
            (&mut self.unlisted, MOST_UNLISTED_HEADS)
        };
        if *held < most {
            *held += 1;
            flow.set_head(true);
        }
    }
}

/// What of a packet lies below its transport.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// When, where, and between whom; ports are not known.
    pub(super) envelope: Envelope,
    pub(super) packets: u32,
    bytes: u64,
}

impl Engine {
    /// Without any packet seen.
    pub(super) fn new(joins_from: Option<i64>) -> Self {
        Self {
            copies: Copies::default(),
            fragments: Fragments::default(),
            table: FlowTable::new(),
            half_open: HalfOpen::new(),
            streams: Streams::default(),
            attempts: Attempts::default(),
            edges: Vec::new(),
            file: 0,
            several: false,
            now: i64::MIN,
            before: i64::MIN,
            heads: Heads {
                joins_from,
                ..Heads::default()
            },
            rows: DnsRows::default(),
            http: HttpRows::default(),
            ended: Vec::new(),
            lost: Vec::new(),
            used: 0,
        }
    }

    /// Reads one packet of this piece of the capture.
    pub(super) fn packet(&mut self, packet: &Decoded, piece: &[u8], out: &mut dyn Outlets) {
        self.advance(packet.at, out);
        let inner = match &packet.segment {
            Ok(inner) => inner,
            Err(unread) => {
                let place = SinkPlace::Offset(packet.offset);
                out.of(self.file).skip(place, unread.as_str());
                return;
            }
        };
        let before = match inner.sighting(packet.at) {
            Some(sighting) => match self.copies.judge(&sighting) {
                Seen::Copy => {
                    self.used += 1;
                    return;
                }
                Seen::Translated(from, to) => Some((from, to)),
                Seen::First => None,
            },
            None => None,
        };
        let envelope = Envelope {
            at: packet.at,
            precision: packet.precision,
            origin: Origin::here(packet.offset).in_file(self.file),
            source: (inner.source, 0),
            destination: (inner.destination, 0),
            interface: inner.interface,
            before,
        };
        let frame = Frame {
            envelope,
            packets: 1,
            bytes: u64::from(inner.ip_len),
        };
        if let Carried::Fragment(place, id, protocol, bytes) = inner.carried {
            let key = DatagramKey {
                source: inner.source,
                destination: inner.destination,
                id,
                protocol,
            };
            let piece = Piece {
                offset: usize::try_from(place.offset).unwrap_or(usize::MAX),
                bytes: bytes.bytes(piece),
                more: place.more,
                ip_bytes: frame.bytes,
                envelope,
            };
            self.fragment(key, &piece, out);
        } else {
            self.transport(&frame, &inner.carried.transport(piece), out);
        }
    }

    /// Looks at what a packet's segment will be looked up in, so that it is in the processor's cache by then: the lookups
    /// of many packets wait for memory at the same time, where those of one wait one after the other.
    pub(super) fn look_ahead(&self, packet: &Decoded) {
        let Ok(inner) = &packet.segment else {
            return;
        };
        let Carried::Tcp { ports, flags, .. } = inner.carried else {
            return;
        };
        let source = (inner.source, ports.0);
        let destination = (inner.destination, ports.1);
        let (key, _) = FlowKey::of(source, destination, TCP);
        self.half_open.look(&key);
        if flags & (flag::SYN | flag::RST) != 0 {
            self.attempts.look(inner.source, inner.destination);
        }
    }

    /// Whether the tables are larger than the processor's cache.
    pub(super) fn is_large(&self) -> bool {
        self.half_open.len() + self.attempts.len() >= MOST_CACHED
    }

    /// Moves the time on; what has been silent for too long ends.
    pub(super) fn advance(&mut self, at: i64, out: &mut dyn Outlets) {
        let steady = at.min(self.before);
        self.before = at;
        if steady <= self.now {
            return;
        }
        let new_second = steady >> 30 != self.now >> 30;
        self.now = steady;
        if new_second {
            self.expire(out);
        }
    }

    pub(super) fn expire(&mut self, out: &mut dyn Outlets) {
        let mut ended = std::mem::take(&mut self.ended);
        self.table.expire(self.now, &mut ended);
        for flow in ended.drain(..) {
            self.finish(flow, out);
        }
        self.half_open.expire(self.now, &mut ended);
        for flow in ended.drain(..) {
            self.forget(flow);
        }
        self.ended = ended;
    }

    fn fragment(&mut self, key: DatagramKey, piece: &Piece<'_>, out: &mut dyn Outlets) {
        let mut lost = std::mem::take(&mut self.lost);
        let head = self.heads.joins_from.is_some_and(|from| {
            piece.envelope.at.saturating_sub(from) <= super::fragments::TIMEOUT
        });
        let whole = self.fragments.add(key, piece, head, &mut lost);
        skip_lost(&mut lost, out);
        self.lost = lost;
        if let Some(whole) = whole {
            self.whole(&key, &whole, out);
        }
    }

    /// Reads a datagram that was put together.
    pub(super) fn whole(&mut self, key: &DatagramKey, whole: &Whole, out: &mut dyn Outlets) {
        let frame = Frame {
            envelope: whole.envelope,
            packets: whole.packets,
            bytes: whole.ip_bytes,
        };
        let transport = packet::transport_of_reassembled(key.protocol, &whole.bytes);
        self.transport(&frame, &transport, out);
    }

    fn transport(&mut self, frame: &Frame, transport: &Transport<'_>, out: &mut dyn Outlets) {
        match transport {
            Transport::Tcp(tcp) => {
                self.tcp(frame, tcp, out);
                self.used += u64::from(frame.packets);
            }
            Transport::Udp(udp) => {
                self.udp(frame, udp, out);
                self.used += u64::from(frame.packets);
            }
            Transport::Icmp(icmp) if self.icmp(frame, icmp, out) => {
                self.used += u64::from(frame.packets);
            }
            Transport::Icmp(_) | Transport::Other => skip(frame, SKIP_OTHER, out),
            Transport::Cut => skip(frame, SKIP_CUT, out),
            Transport::Fragment(_) => skip(frame, SKIP_FRAGMENT, out),
        }
    }

    fn udp(&mut self, frame: &Frame, udp: &Udp<'_>, out: &mut dyn Outlets) {
        let envelope = frame.envelope.with_ports(udp.src_port, udp.dst_port);
        if is_dns_port(udp.src_port, udp.dst_port) {
            let sink = out.of(envelope.origin.file());
            let cut = is_cut(udp.payload, udp.payload_len);
            if self.rows.write(udp.payload, cut, &envelope, "udp", sink) {
                return;
            }
        }
        let (key, from_a) = FlowKey::of(envelope.source, envelope.destination, UDP);
        let step = Step {
            flags: 0,
            seq: 0,
            ack: 0,
            data: true,
            cut: is_cut(udp.payload, udp.payload_len),
            ..step(frame, from_a)
        };
        if let Some(handle) = self.table.find(&key) {
            if let Some(flow) = self.table.get_mut(handle)
                && flow.continues_with(&step)
            {
                flow.add(&step);
                return;
            }
            if let Some(old) = self.table.remove(handle) {
                self.finish(old, out);
            }
        }
        let mut flow = Flow::begin(key, &step);
        self.heads.mark(&mut flow, TIMEOUT_UDP, true);
        self.insert(flow, out);
    }

    /// Puts a flow into the table; one that has to make room ends.
    pub(super) fn insert(&mut self, flow: Flow, out: &mut dyn Outlets) {
        if let Some(evicted) = self.table.insert(flow) {
            self.finish(evicted, out);
        }
    }

    /// Puts an attempt without a row of its own into the compact table.
    pub(super) fn wait(&mut self, flow: &Flow) {
        let mut ended = std::mem::take(&mut self.ended);
        self.half_open.insert(flow, &mut ended);
        for flow in ended.drain(..) {
            self.forget(flow);
        }
        self.ended = ended;
    }

    /// A flow is over: its row, or its place at the file's edge.
    pub(super) fn finish(&mut self, flow: Flow, out: &mut dyn Outlets) {
        if flow.is_head() {
            self.edges.push(Edge {
                flow,
                open: false,
                listed: true,
            });
            return;
        }
        if flow.syn > 0 {
            self.attempts.list(&flow);
        }
        let sink = out.of(flow.origin.file());
        flow.row(&mut |event| sink.event(event));
    }

    /// An attempt without a row is over: it is counted already, or will be at the join.
    pub(super) fn forget(&mut self, flow: Flow) {
        if flow.is_head() {
            self.edges.push(Edge {
                flow,
                open: false,
                listed: false,
            });
        }
    }

    /// The packets used since the last call.
    pub(super) fn take_used(&mut self) -> u64 {
        std::mem::take(&mut self.used)
    }
}

/// What a packet of this frame adds to its flow, flags left out.
pub(super) fn step(frame: &Frame, from_a: bool) -> Step {
    Step {
        at: frame.envelope.at,
        precision: frame.envelope.precision,
        origin: frame.envelope.origin,
        from_a,
        packets: frame.packets,
        bytes: frame.bytes,
        flags: 0,
        seq: 0,
        ack: 0,
        data: false,
        cut: false,
    }
}

/// Whether less was captured than sent.
pub(super) fn is_cut(payload: &[u8], sent: u32) -> bool {
    (payload.len() as u64) < u64::from(sent)
}

fn skip(frame: &Frame, reason: &'static str, out: &mut dyn Outlets) {
    let origin = frame.envelope.origin;
    for _ in 0..frame.packets {
        let place = SinkPlace::Offset(origin.offset());
        out.of(origin.file()).skip(place, reason);
    }
}

/// Counts fragments whose datagram was given up.
pub(super) fn skip_lost(lost: &mut Vec<Origin>, out: &mut dyn Outlets) {
    for origin in lost.drain(..) {
        let place = SinkPlace::Offset(origin.offset());
        out.of(origin.file()).skip(place, SKIP_FRAGMENT);
    }
}
