//! A capture in pieces: records walked and packets decoded, so that another thread may read the next piece while
//! one is used. A record that a piece's end cuts goes to the next piece.

use std::io::Read;

use coldcase_wire::capture::{Decoder, Loss, Step};

use super::decoded::Decoded;

/// How pcapng begins, in both byte orders.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Bytes of a piece: it is hashed, walked and used while it is in the processor's cache.
const PIECE: usize = 256 << 10;

/// Most bytes held for one record: larger than any snap length (libpcap's greatest is 256 KiB; pcapng
/// blocks with many options stay below).
const MOST_HELD: usize = 16 << 20;

/// What a capture holds, in order.
pub(super) enum Found {
    /// A packet.
    Packet(Decoded),
    /// Bytes that could not be read.
    Loss(Loss),
    /// Reading failed; what was read before is used.
    Failed(std::io::Error),
    /// No further step is possible.
    Stuck(String),
}

impl Found {
    /// The packet, if it is one.
    pub(super) fn packet(&self) -> Option<&Decoded> {
        match self {
            Self::Packet(packet) => Some(packet),
            _ => None,
        }
    }
}

/// A piece of the capture.
#[derive(Default)]
pub(super) struct Piece {
    /// Its bytes; those behind `end` are room.
    bytes: Vec<u8>,
    end: usize,
    /// What was found in it.
    pub(super) found: Vec<Found>,
    /// Whether the capture is pcapng.
    pub(super) pcapng: bool,
}

impl Piece {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }
}

/// Walks a capture.
pub(super) struct Walk<R> {
    reader: R,
    decoder: Decoder,
    /// Bytes of a record that goes on in the next piece.
    rest: Vec<u8>,
    /// How many bytes the next step needs.
    wanted: usize,
    pcapng: Option<bool>,
    at_end: bool,
    is_over: bool,
}

impl<R: Read> Walk<R> {
    /// At the beginning.
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            decoder: Decoder::new(),
            rest: Vec::new(),
            wanted: PCAPNG.len(),
            pcapng: None,
            at_end: false,
            is_over: false,
        }
    }

    /// Fills a piece; whether there was one.
    pub(super) fn next(&mut self, piece: &mut Piece) -> bool {
        piece.found.clear();
        if self.is_over {
            return false;
        }
        if let Err(error) = self.fill(piece) {
            piece.found.push(Found::Failed(error));
        }
        let begins = || piece.bytes().starts_with(&PCAPNG);
        piece.pcapng = *self.pcapng.get_or_insert_with(begins);
        let used = self.take_all(piece);
        self.rest.clear();
        let rest = piece.bytes().get(used..).unwrap_or_default();
        self.rest.extend_from_slice(rest);
        true
    }

    /// Takes what is whole in the piece; how many bytes that is.
    fn take_all(&mut self, piece: &mut Piece) -> usize {
        let Piece {
            bytes,
            end,
            found,
            pcapng,
        } = piece;
        let bytes = bytes.get(..*end).unwrap_or_default();
        let mut used = 0_usize;
        loop {
            let unread = bytes.get(used..).unwrap_or_default();
            let consumed = match self.decoder.next(unread, self.at_end) {
                Ok(Step::Packet { packet, consumed }) => {
                    found.push(Found::Packet(Decoded::of(&packet, bytes, *pcapng)));
                    consumed
                }
                Ok(Step::Skip { consumed }) => consumed,
                Ok(Step::Loss { consumed, loss }) => {
                    found.push(Found::Loss(loss));
                    consumed
                }
                Ok(Step::NeedMore { at_least }) => {
                    self.wanted = at_least;
                    return used;
                }
                Ok(Step::End) => {
                    self.is_over = true;
                    return used;
                }
                Err(error) => {
                    found.push(Found::Stuck(error.to_string()));
                    self.is_over = true;
                    return used;
                }
            };
            used = used.saturating_add(consumed).min(bytes.len());
        }
    }

    /// Reads what the next step needs, and as much as a piece holds.
    fn fill(&mut self, piece: &mut Piece) -> std::io::Result<()> {
        let held = self.rest.len();
        let wanted = self.wanted.max(held + 1);
        let too_long = wanted > MOST_HELD;
        let room = match too_long {
            true => held,
            false => wanted.max(PIECE),
        };
        if piece.bytes.len() < room {
            // Fresh zeroed memory costs nothing until it is touched.
            piece.bytes = vec![0; room];
        }
        if let Some(start) = piece.bytes.get_mut(..held) {
            start.copy_from_slice(&self.rest);
        }
        piece.end = held;
        self.at_end |= too_long;
        while piece.end < wanted && !self.at_end {
            let room = piece.bytes.get_mut(piece.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.at_end = true,
                Ok(read) => piece.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.at_end = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}
