//! DNS over TCP (RFC 1035 section 4.2.2, RFC 7766): messages with a length before each, in a stream that
//! arrives in segments.
//!
//! Segments may come twice, out of order within limits, or not at all: after a hole the stream is taken
//! up again at a segment that begins with a message. A stream that begins in mid-flow is taken up the
//! same way; what came before is kept, as the file before may hold the beginning.

use coldcase_wire::dns;

use super::address::{FlowKey, Map, Origin};
use super::dns_rows::Envelope;

/// Most streams followed at a time; when there are more, the half that was silent longest is let go.
const MOST_STREAMS: usize = 4096;

/// Most bytes of one stream that wait: a whole message of greatest length and as much out of order.
const MOST_WAITING: usize = 1 << 17;

/// Most segments of one stream that wait for an earlier one.
const MOST_SEGMENTS: usize = 64;

/// One segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    /// Sequence number of the first byte.
    pub(super) seq: u32,
    /// The bytes that were captured.
    pub(super) bytes: &'a [u8],
    /// How many were sent.
    pub(super) length: u32,
    /// Whose it is.
    pub(super) envelope: Envelope,
}

/// Where messages go, with whether the capture cut them; whether they are DNS.
pub(super) type Emit<'a> = dyn FnMut(&[u8], bool, &Envelope) -> bool + 'a;

struct Waiting {
    seq: u32,
    bytes: Vec<u8>,
    envelope: Envelope,
}

#[derive(Default)]
struct Stream {
    /// Sequence number of the next byte; unknown before the stream is taken up.
    next: Option<u32>,
    /// Bytes of a message that is not whole yet.
    pending: Vec<u8>,
    /// Segments after a hole.
    later: Vec<Waiting>,
    /// Segments from before the stream was taken up.
    head: Vec<Waiting>,
    /// Whether it is no DNS.
    foreign: bool,
    touched: i64,
}

/// Direction of a stream: its flow, and whether the sender is the key's `a`.
type Direction = (FlowKey, bool);

/// All streams.
#[derive(Default)]
pub(super) struct Streams {
    held: Map<Direction, Stream>,
}

impl Streams {
    /// A SYN or SYN-ACK: the stream begins after its sequence number.
    pub(super) fn begin(&mut self, direction: Direction, seq: u32, at: i64) {
        let next = Some(seq.wrapping_add(1));
        let stream = self.stream(direction, at);
        if stream.next != next || !stream.pending.is_empty() {
            *stream = Stream {
                next,
                touched: at,
                ..Stream::default()
            };
        }
    }

    /// A segment with a payload.
    pub(super) fn feed(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        emit: &mut Emit<'_>,
    ) {
        let stream = self.stream(direction, segment.envelope.at);
        stream.feed(segment, emit);
    }

    /// The connection ended.
    pub(super) fn end(&mut self, direction: Direction) {
        if self
            .held
            .get(&direction)
            .is_some_and(|held| held.later.is_empty() && held.head.is_empty())
        {
            self.held.remove(&direction);
        }
    }

    fn stream(&mut self, direction: Direction, at: i64) -> &mut Stream {
        if self.held.len() >= MOST_STREAMS && !self.held.contains_key(&direction) {
            let mut touched: Vec<i64> = self.held.values().map(|held| held.touched).collect();
            let (_, median, _) = touched.select_nth_unstable(MOST_STREAMS / 2);
            let median = *median;
            self.held.retain(|_, held| held.touched > median);
        }
        let stream = self.held.entry(direction).or_default();
        stream.touched = at;
        stream
    }

    /// Gives all places the number of their file.
    pub(super) fn in_file(&mut self, file: u32) {
        for stream in self.held.values_mut() {
            for waiting in stream.later.iter_mut().chain(&mut stream.head) {
                let origin: &mut Origin = &mut waiting.envelope.origin;
                *origin = origin.in_file(file);
            }
        }
    }

    /// Goes on with the streams of the following file.
    pub(super) fn absorb(&mut self, next: Self, emit: &mut Emit<'_>) {
        let mut streams: Vec<(Direction, Stream)> = next.held.into_iter().collect();
        streams.sort_unstable_by_key(|(direction, _)| *direction);
        for (direction, mut theirs) in streams {
            let ours = self.stream(direction, theirs.touched);
            for waiting in std::mem::take(&mut theirs.head) {
                if ours.next.is_some() {
                    ours.feed(&waiting.segment(), emit);
                }
            }
            if theirs.next.is_some() || theirs.foreign {
                *ours = theirs;
            }
        }
    }
}

impl Waiting {
    fn of(segment: &Segment<'_>) -> Self {
        Self {
            seq: segment.seq,
            bytes: segment.bytes.to_vec(),
            envelope: segment.envelope,
        }
    }

    fn segment(&self) -> Segment<'_> {
        Segment {
            seq: self.seq,
            bytes: &self.bytes,
            length: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            envelope: self.envelope,
        }
    }
}

impl Stream {
    fn feed(&mut self, segment: &Segment<'_>, emit: &mut Emit<'_>) {
        if self.foreign || segment.bytes.is_empty() {
            return;
        }
        let Some(next) = self.next.or_else(|| begins_message(segment)) else {
            if fits(&self.head, segment) {
                self.head.push(Waiting::of(segment));
            }
            return;
        };
        self.next = Some(next);
        let ahead = segment.seq.wrapping_sub(next);
        if ahead == 0 {
            self.take(segment.bytes, segment, emit);
        } else if ahead > u32::MAX / 2 {
            let known = usize::try_from(next.wrapping_sub(segment.seq)).unwrap_or(usize::MAX);
            match segment.bytes.get(known..) {
                Some(new) if !new.is_empty() => self.take(new, segment, emit),
                _ => return,
            }
        } else if fits(&self.later, segment) {
            self.later.push(Waiting::of(segment));
            return;
        } else {
            self.skip_hole(segment, emit);
            return;
        }
        self.take_later(emit);
    }

    /// Takes the stream's next bytes, the last ones of their segment.
    fn take(&mut self, bytes: &[u8], segment: &Segment<'_>, emit: &mut Emit<'_>) {
        let envelope = &segment.envelope;
        let lost = segment
            .length
            .saturating_sub(u32::try_from(segment.bytes.len()).unwrap_or(0));
        let taken = u32::try_from(bytes.len()).unwrap_or(0).saturating_add(lost);
        self.next = self.next.map(|next| next.wrapping_add(taken));
        let rest = if self.pending.is_empty() {
            match messages(bytes, envelope, emit) {
                Some(rest) => rest.to_vec(),
                None => return self.forget(),
            }
        } else {
            self.pending.extend_from_slice(bytes);
            let pending = std::mem::take(&mut self.pending);
            match messages(&pending, envelope, emit) {
                Some(rest) if rest.len() == pending.len() => pending,
                Some(rest) => rest.to_vec(),
                None => return self.forget(),
            }
        };
        self.pending = rest;
        if lost > 0 {
            self.take_cut(lost, envelope, emit);
        }
    }

    /// The capture cut the segment: its last message is read as far as it goes, and the stream is
    /// followed on if that message ended with the segment.
    fn take_cut(&mut self, lost: u32, envelope: &Envelope, emit: &mut Emit<'_>) {
        let pending = std::mem::take(&mut self.pending);
        let Some((length, message)) = pending.split_first_chunk::<2>() else {
            self.next = None;
            return;
        };
        emit(message, true, envelope);
        let missing = u32::from(u16::from_be_bytes(*length));
        let missing = missing.saturating_sub(u32::try_from(message.len()).unwrap_or(0));
        if missing != lost {
            self.next = None;
        }
    }

    fn take_later(&mut self, emit: &mut Emit<'_>) {
        while let Some(next) = self.next {
            let fits = |waiting: &Waiting| {
                let ahead = waiting.seq.wrapping_sub(next);
                ahead == 0 || ahead > u32::MAX / 2
            };
            let Some(place) = self.later.iter().position(fits) else {
                return;
            };
            let waiting = self.later.swap_remove(place);
            let known = next.wrapping_sub(waiting.seq) as usize;
            if let Some(new) = waiting.bytes.get(known..).filter(|new| !new.is_empty()) {
                self.take(new, &waiting.segment(), emit);
            }
        }
    }

    /// What is missing will not come: the stream is taken up at the next segment that begins a message.
    fn skip_hole(&mut self, segment: &Segment<'_>, emit: &mut Emit<'_>) {
        let start = self.next.unwrap_or(0);
        self.next = None;
        self.pending.clear();
        let mut later = std::mem::take(&mut self.later);
        later.push(Waiting::of(segment));
        later.sort_by_key(|waiting| waiting.seq.wrapping_sub(start));
        for waiting in later {
            let segment = waiting.segment();
            if self.next.is_some() || begins_message(&segment).is_some() {
                self.feed(&segment, emit);
            }
        }
    }

    fn forget(&mut self) {
        *self = Self {
            foreign: true,
            touched: self.touched,
            head: std::mem::take(&mut self.head),
            ..Self::default()
        };
    }
}

fn fits(waiting: &[Waiting], segment: &Segment<'_>) -> bool {
    let held: usize = waiting.iter().map(|waiting| waiting.bytes.len()).sum();
    waiting.len() < MOST_SEGMENTS
        && held + segment.bytes.len() <= MOST_WAITING
        && segment.bytes.len() as u64 == u64::from(segment.length)
}

/// The segment's sequence number if a message begins with it.
fn begins_message(segment: &Segment<'_>) -> Option<u32> {
    let (length, message) = segment.bytes.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let message = message.get(..length).unwrap_or(message);
    (length >= 12 && dns::looks_like_dns(message)).then_some(segment.seq)
}

/// Hands on the messages that are whole; what is left after them, or nothing where this is no DNS.
fn messages<'a>(mut bytes: &'a [u8], envelope: &Envelope, emit: &mut Emit<'_>) -> Option<&'a [u8]> {
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(message) = rest.get(..length) else {
            break;
        };
        if !emit(message, false, envelope) {
            return None;
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "streams made here")]

    use std::net::Ipv4Addr;

    use coldcase_model::Precision;

    use super::super::address::{Addr, TCP};
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            at: 0,
            precision: Precision::Us,
            origin: Origin::here(0),
            source: (Addr::from(Ipv4Addr::new(10, 0, 0, 1)), 50_000),
            destination: (Addr::from(Ipv4Addr::new(10, 0, 0, 2)), 53),
            interface: None,
            before: None,
        }
    }

    fn message(id: u8) -> Vec<u8> {
        let mut message = vec![0, 19, 0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        message.extend([1, b'a', 0, 0, 1, 0, 1]);
        message
    }

    fn direction() -> Direction {
        let envelope = envelope();
        FlowKey::of(envelope.source, envelope.destination, TCP)
    }

    fn feed(streams: &mut Streams, seq: u32, bytes: &[u8], ids: &mut Vec<u8>) {
        let segment = Segment {
            seq,
            bytes,
            length: u32::try_from(bytes.len()).expect("short"),
            envelope: envelope(),
        };
        streams.feed(direction(), &segment, &mut |message, _, _| {
            ids.push(message[1]);
            dns::looks_like_dns(message)
        });
    }

    /// The stream of messages 1 to 4 (84 bytes after sequence number 100), in segments of these places.
    fn check(begins: bool, segments: &[(usize, usize)], expected: &[u8]) {
        let stream: Vec<u8> = (1..=4).flat_map(message).collect();
        let mut streams = Streams::default();
        let mut ids = Vec::new();
        if begins {
            streams.begin(direction(), 99, 0);
        }
        for (from, to) in segments {
            let seq = 100 + u32::try_from(*from).expect("short");
            feed(&mut streams, seq, &stream[*from..*to], &mut ids);
        }
        assert_eq!(ids, expected, "{segments:?}");
    }

    #[test]
    fn messages_come_whole_whatever_the_segments() {
        check(true, &[(0, 84)], &[1, 2, 3, 4]);
        check(true, &[(0, 1), (1, 2), (2, 30), (30, 84)], &[1, 2, 3, 4]);
        check(
            true,
            &[(0, 21), (42, 63), (21, 42), (63, 84)],
            &[1, 2, 3, 4],
        );
        check(true, &[(0, 30), (0, 30), (10, 50), (50, 84)], &[1, 2, 3, 4]);
        check(true, &[(30, 84), (10, 30), (0, 10)], &[1, 2, 3, 4]);
    }

    #[test]
    fn a_stream_without_its_beginning_is_taken_up_at_a_message() {
        check(false, &[(21, 42), (42, 84)], &[2, 3, 4]);
        check(false, &[(5, 21), (21, 42), (42, 84)], &[2, 3, 4]);
        check(false, &[(5, 30)], &[]);
    }

    #[test]
    fn the_file_before_holds_the_beginning() {
        let stream: Vec<u8> = (1..=4).flat_map(message).collect();
        let (mut first, mut second) = (Streams::default(), Streams::default());
        let mut ids = Vec::new();
        first.begin(direction(), 99, 0);
        feed(&mut first, 100, &stream[..30], &mut ids);
        feed(&mut second, 130, &stream[30..50], &mut ids);
        feed(&mut second, 150, &stream[50..], &mut ids);
        assert_eq!(ids, [1]);
        first.absorb(second, &mut |message, _, _| {
            ids.push(message[1]);
            true
        });
        assert_eq!(ids, [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_no_dns_is_let_go() {
        let mut streams = Streams::default();
        let mut ids = Vec::new();
        streams.begin(direction(), 99, 0);
        feed(
            &mut streams,
            100,
            b"\x00\x10GET / HTTP/1.1\r\n\r\n",
            &mut ids,
        );
        feed(&mut streams, 120, &message(1), &mut ids);
        assert_eq!(ids.len(), 1);
    }
}
