//! A rotated series put together: what one file leaves at its edges, and how the next one goes on.
//!
//! Files are ordered by their first packet, never by name: a ring that wrapped has its newest file in
//! the middle. The packets of a file's first two milliseconds are read again here, after the end of
//! the file before, because copies of one packet may stand on both sides; all else that crosses an edge
//! is a sum or a stream that can be continued.

use coldcase_model::{Event, Place as SinkPlace, Precision, Sink, Timestamp};
use coldcase_wire::capture::Packet;

use super::copies::WINDOW;
use super::decoded::Decoded;
use super::engine::{Edge, Engine, Outlets, skip_lost};
use super::flow::SECOND;
use super::summary::{self, End, FEWEST_BY_SOURCE, FEWEST_ON_DESTINATION};
use crate::Part;

/// How much of a file's beginning is read again at the join: twice the time in which copies come.
const HEAD: i64 = 2 * WINDOW;

/// Most packets and bytes of it.
const MOST_HEAD_PACKETS: usize = 4096;
const MOST_HEAD_BYTES: usize = 1 << 20;

/// Open flows that a file hands on, the most recent ones: 4 MB a file.
const MOST_TAILS: usize = 1 << 15;

/// Unanswered attempts without a row that a file hands on.
const MOST_UNLISTED_TAILS: usize = 1 << 13;

/// Different addresses a side that a file of a series hands on exactly: what fits 2^16 slots, and more
/// where the file is large, one for so many packets.
const LEAST_EXACT: usize = 7 << 13;
const PACKETS_AN_EXACT: u64 = 8;

/// A gap is worth a warning from this length on, and from ten times the time that a file usually spans:
/// then a ring was restarted and old files remained, or capturing paused.
const GAP: i64 = 60 * SECOND;
const GAP_IN_SPANS: i64 = 10;

/// Files that overlap by more than this were written by two captures at once, not by one that rotates.
const OVERLAP: i64 = SECOND;

/// What a file leaves for the join of its series.
pub(super) struct FileState {
    engine: Engine,
    head: Vec<HeadPacket>,
    head_bytes: usize,
    reads_head: bool,
    first: i64,
    last: i64,
    packets: u64,
    precision: Precision,
}

/// A packet of the file's beginning as it stood.
struct HeadPacket {
    packet: Packet<'static>,
    data: Vec<u8>,
}

struct One<'a>(&'a mut dyn Sink);

impl Outlets for One<'_> {
    fn of(&mut self, _file: u32) -> &mut dyn Sink {
        self.0
    }
}

impl FileState {
    /// A file that begins with this packet; pcapng may hold several interfaces.
    pub(super) fn new(first: &Decoded, several_interfaces: bool) -> Self {
        let mut engine = Engine::new(Some(first.at));
        engine.several = several_interfaces;
        Self {
            engine,
            head: Vec::new(),
            head_bytes: 0,
            reads_head: true,
            first: first.at,
            last: first.at,
            packets: 0,
            precision: first.precision,
        }
    }

    /// Prepares for the next packets.
    pub(super) fn look_ahead<'p>(&self, packets: impl Iterator<Item = &'p Decoded>) {
        if self.engine.is_large() {
            packets.for_each(|packet| self.engine.look_ahead(packet));
        }
    }

    /// Reads the next packet, which lies in this piece of the capture.
    pub(super) fn packet(&mut self, packet: &Decoded, piece: &[u8], sink: &mut dyn Sink) {
        self.packets += 1;
        self.last = self.last.max(packet.at);
        if self.reads_head && !self.keep(packet, piece) {
            self.reads_head = false;
        }
        if !self.reads_head {
            self.engine.packet(packet, piece, &mut One(sink));
        }
    }

    /// Keeps a packet of the file's beginning; whether it is one.
    fn keep(&mut self, packet: &Decoded, piece: &[u8]) -> bool {
        let data = packet.data.bytes(piece);
        let near = packet.at.saturating_sub(self.first).saturating_abs() <= HEAD;
        self.head_bytes += data.len();
        if !near || self.head.len() >= MOST_HEAD_PACKETS || self.head_bytes > MOST_HEAD_BYTES {
            return false;
        }
        if !self.engine.sights(packet) {
            return false;
        }
        self.head.push(HeadPacket {
            packet: packet.apart(),
            data: data.to_vec(),
        });
        true
    }

    /// The file ended: what has to wait for the join is cut down to its limits.
    pub(super) fn end(&mut self, sink: &mut dyn Sink) {
        let engine = &mut self.engine;
        engine.http.end(sink);
        let out = &mut One(sink);
        let mut open = engine.table.drain();
        if open.len() > MOST_TAILS {
            let recent = open.len() - MOST_TAILS;
            open.sort_by_key(|flow| (flow.last, flow.first, flow.origin, flow.key));
            for mut flow in open.drain(..recent) {
                if flow.is_head() && flow.syn > 0 {
                    engine.attempts.begin(&flow);
                }
                flow.set_head(false);
                engine.finish(flow, out);
            }
        }
        engine.edges.extend(open.into_iter().map(|flow| Edge {
            flow,
            open: true,
            listed: true,
        }));
        let waiting = engine.half_open.drain(MOST_UNLISTED_TAILS);
        engine.edges.extend(waiting.into_iter().map(|flow| Edge {
            flow,
            open: true,
            listed: false,
        }));
        let edges = &mut engine.edges;
        edges.sort_unstable_by_key(|edge| (edge.flow.first, edge.flow.origin, edge.flow.key));
        edges.shrink_to_fit();
        let more = usize::try_from(self.packets / PACKETS_AN_EXACT).unwrap_or(usize::MAX);
        engine.attempts.hand_on(LEAST_EXACT.max(more));
        let used = engine.take_used();
        sink.used(used);
    }
}

impl Engine {
    /// Takes note of a packet of the beginning, so that later copies of it are known; whether the
    /// capture has copies at all.
    fn sights(&mut self, packet: &Decoded) -> bool {
        let Ok(inner) = &packet.segment else {
            return true;
        };
        match inner.sighting(packet.at) {
            Some(sighting) => {
                self.copies.judge(&sighting);
                true
            }
            None => false,
        }
    }

    /// Goes on with the following file.
    fn absorb(&mut self, next: Self, only_head: bool, out: &mut dyn Outlets) {
        let file = self.file;
        let mut next = next;
        next.attempts.in_file(file);
        self.attempts.merge(next.attempts);
        for mut edge in next.edges {
            edge.flow.origin = edge.flow.origin.in_file(file);
            self.edge(edge, out);
        }
        next.streams.in_file(file);
        self.join_streams(next.streams, out);
        next.fragments.in_file(file);
        let mut lost = Vec::new();
        for (key, whole) in self.fragments.absorb(next.fragments, &mut lost) {
            self.whole(&key, &whole, out);
        }
        skip_lost(&mut lost, out);
        if !only_head {
            self.copies = next.copies;
        }
        self.now = self.now.max(next.now);
        self.expire(out);
    }

    fn edge(&mut self, edge: Edge, out: &mut dyn Outlets) {
        let Edge {
            mut flow,
            open,
            listed,
        } = edge;
        let was_head = flow.is_head();
        flow.set_head(false);
        let before = match self.table.find(&flow.key) {
            Some(handle) => self.table.remove(handle).map(|flow| (flow, true)),
            None => self.half_open.take(&flow.key).map(|flow| (flow, false)),
        };
        let mut listed = listed;
        match before {
            Some((mut old, old_listed)) if was_head && old.continues_as(&flow) => {
                let status = old.status();
                let repeated = flow.syn;
                old.append(&flow);
                self.attempts.continued(status, &old, repeated);
                listed = old_listed || !old.is_pending();
                flow = old;
            }
            before => {
                if let Some((old, true)) = before {
                    self.finish(old, out);
                }
                if was_head && flow.syn > 0 {
                    self.attempts.begin(&flow);
                }
            }
        }
        match (open, listed) {
            (true, true) => self.insert(flow, out),
            (true, false) => self.wait(&flow),
            (false, true) => self.finish(flow, out),
            (false, false) => {}
        }
    }

    /// No file follows: all that is open ends.
    fn close(&mut self, out: &mut dyn Outlets) {
        for flow in self.table.drain() {
            self.finish(flow, out);
        }
        self.half_open = super::half_open::HalfOpen::new();
        self.streams = super::dns_streams::Streams::default();
        let mut lost = Vec::new();
        self.fragments.clear(&mut lost);
        skip_lost(&mut lost, out);
    }

    fn sum_up(&mut self, precision: Precision, out: &mut dyn Outlets) {
        let emit = &mut |file: u32, event: &Event<'_>| out.of(file).event(event);
        for side in self.attempts.sources(FEWEST_BY_SOURCE) {
            summary::row(End::Source, side, precision, emit);
        }
        for side in self.attempts.destinations(FEWEST_ON_DESTINATION) {
            summary::row(End::Destination, side, precision, emit);
        }
    }
}

/// Receives what belongs to no file; there is none such.
struct Nowhere;

impl Sink for Nowhere {
    fn event(&mut self, _event: &Event<'_>) {}
    fn used(&mut self, _count: u64) {}
    fn skip(&mut self, _place: SinkPlace, _reason: &'static str) {}
    fn warn(&mut self, _place: SinkPlace, _warning: String) {}
}

/// Joins the files of a series.
pub(super) fn join(parts: Vec<Part<'_>>) {
    let mut files: Vec<(Box<FileState>, &str, &mut dyn Sink)> = Vec::new();
    for part in parts {
        if let Ok(state) = part.leftover.downcast::<FileState>() {
            files.push((state, part.path, part.sink));
        }
    }
    files.sort_by(|one, other| {
        let key = |file: &(Box<FileState>, &str, &mut dyn Sink)| (file.0.first, file.0.last);
        key(one).cmp(&key(other)).then(one.1.cmp(other.1))
    });
    let Some(precision) = files.first().map(|file| file.0.precision) else {
        return;
    };
    warn_of_gaps(&mut files);
    let mut states = Vec::with_capacity(files.len());
    let mut sinks = Sinks(Vec::with_capacity(files.len()), Nowhere);
    for (state, _, sink) in files {
        states.push(state);
        sinks.0.push(sink);
    }
    let mut engine = Engine::new(None);
    let mut last = i64::MIN;
    for (number, state) in states.into_iter().enumerate() {
        engine.file = u32::try_from(number).unwrap_or(u32::MAX);
        if last.saturating_sub(state.first) > OVERLAP {
            engine.close(&mut sinks);
        }
        last = last.max(state.last);
        let state = *state;
        engine.several = state.engine.several;
        for head in &state.head {
            let packet = head.decoded(engine.several);
            engine.packet(&packet, &head.data, &mut sinks);
        }
        let used = engine.take_used();
        sinks.of(engine.file).used(used);
        engine.absorb(state.engine, state.reads_head, &mut sinks);
        let used = engine.take_used();
        sinks.of(engine.file).used(used);
    }
    engine.close(&mut sinks);
    engine.sum_up(precision, &mut sinks);
}

struct Sinks<'a>(Vec<&'a mut dyn Sink>, Nowhere);

impl Outlets for Sinks<'_> {
    fn of(&mut self, file: u32) -> &mut dyn Sink {
        match self.0.get_mut(file as usize) {
            Some(sink) => *sink,
            None => &mut self.1,
        }
    }
}

impl HeadPacket {
    fn decoded(&self, several: bool) -> Decoded {
        let packet = Packet {
            data: &self.data,
            ..self.packet
        };
        Decoded::of(&packet, &self.data, several)
    }
}

/// Says where the series does not go on without a break.
fn warn_of_gaps(files: &mut [(Box<FileState>, &str, &mut dyn Sink)]) {
    let mut spans: Vec<i64> = files
        .iter()
        .map(|file| file.0.last.saturating_sub(file.0.first))
        .collect();
    spans.sort_unstable();
    let usual = spans.get(spans.len() / 2).copied().unwrap_or(0);
    let least = GAP.max(usual.saturating_mul(GAP_IN_SPANS));
    let mut before: Option<(i64, String)> = None;
    for (state, path, sink) in files {
        if let Some((last, path)) = &before {
            let gap = state.first.saturating_sub(*last);
            let seconds = gap.saturating_abs() / SECOND;
            let (first, last) = (Timestamp(state.first), Timestamp(*last));
            if gap > least {
                sink.warn(
                    SinkPlace::Whole,
                    format!("begins at {first}, {seconds} s after the end of {path} ({last}): nothing was captured between, or files of the ring are missing"),
                );
            } else if gap < -OVERLAP {
                sink.warn(
                    SinkPlace::Whole,
                    format!("begins at {first}, {seconds} s before the end of {path} ({last}): another capture of the same series name, not joined with it"),
                );
            }
        }
        let end = before.map_or(state.last, |(last, _)| last.max(state.last));
        before = Some((end, (*path).to_owned()));
    }
}
