//! Records out of a binary file: in step where they are good, found again where bytes were lost or added.

use std::io::{self, Read};

use coldcase_model::{Place, Sink, Timestamp};

use super::layout::{LONGEST, Layout, Looks};
use super::sessions::Sessions;
use crate::Clock;
use crate::formats::logins::login::Wiped;

const CHUNK: usize = 1 << 16;

/// How far the next good record is looked for behind a bad one.
const SEARCHED: usize = 4 * LONGEST;

/// Places of zeroed records that are named one by one.
const MOST_NAMED: u64 = 16;

/// Bytes of the file that were read and not yet used.
struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    /// Of the first byte of the buffer.
    offset: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// Makes sure that this many bytes are there, if the file has them.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while !self.ended && self.buffer.len() - self.at < wanted {
            self.offset += self.at as u64;
            self.buffer.drain(..self.at);
            self.at = 0;
            let limit = u64::try_from(CHUNK.max(wanted)).unwrap_or(u64::MAX);
            let read = (&mut self.reader)
                .take(limit)
                .read_to_end(&mut self.buffer)?;
            self.ended = read == 0;
        }
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    fn offset(&self) -> u64 {
        self.offset + self.at as u64
    }
}

/// Reads all records.
pub fn read(
    reader: impl Read,
    layout: Layout,
    clock: &Clock,
    sessions: &mut Sessions,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let mut window = Window {
        reader,
        buffer: Vec::new(),
        at: 0,
        offset: 0,
        ended: false,
    };
    let size = layout.size();
    let mut zeroed = Zeroed::default();
    let mut lost = Lost::default();
    let mut failure = Ok(());
    loop {
        if let Err(error) = window.fill(SEARCHED + 2 * size) {
            failure = Err(error);
            window.ended = true;
        }
        let offset = window.offset();
        let Some(bytes) = window.rest().get(..size) else {
            zeroed.end(None, sink);
            lost.end(sink);
            tail(window.rest(), offset, size, sink);
            return failure;
        };
        match layout.looks(bytes) {
            Looks::Zeroed => {
                sink.used(1);
                zeroed.add(offset);
            }
            Looks::Good | Looks::Thin => {
                let record = layout.record(bytes, offset, clock);
                let at = record.when.map(|when| when.ts);
                zeroed.end(at, sink);
                zeroed.after = at;
                lost.end(sink);
                sink.used(1);
                sessions.record(record, sink);
            }
            Looks::Bad => {
                zeroed.end(None, sink);
                let passed = next_good(window.rest(), layout);
                lost.add(offset, passed, size, sink);
                window.at += passed;
                continue;
            }
        }
        window.at += size;
    }
}

/// How many bytes lie before the next good record; where none is near, one record.
fn next_good(rest: &[u8], layout: Layout) -> usize {
    let size = layout.size();
    // Compilers put two zeros behind the type: asked for here, where nothing says that a record begins.
    let good = |at: usize| {
        let bytes = rest.get(at..at + size)?;
        let is_one = bytes.get(2..4) == Some(&[0, 0]) && layout.looks(bytes) == Looks::Good;
        is_one.then_some(at)
    };
    if let Some(at) = good(size) {
        return at;
    }
    (1..SEARCHED).find_map(good).unwrap_or(size)
}

/// What is no whole record at the end.
fn tail(rest: &[u8], offset: u64, size: usize, sink: &mut dyn Sink) {
    if !rest.is_empty() {
        let place = Place::Offset(offset);
        let warning = format!(
            "the file ends inside of a record: {} of {size} bytes",
            rest.len()
        );
        sink.skip(place, "cut record");
        sink.warn(place, warning);
    }
}

/// A run of zeroed records.
#[derive(Default)]
struct Zeroed {
    start: u64,
    count: u64,
    /// Time of the record before the run.
    after: Option<Timestamp>,
    runs: u64,
}

impl Zeroed {
    fn add(&mut self, offset: u64) {
        if self.count == 0 {
            self.start = offset;
        }
        self.count += 1;
    }

    /// The run ends before a record of this time.
    fn end(&mut self, before: Option<Timestamp>, sink: &mut dyn Sink) {
        let count = std::mem::take(&mut self.count);
        if count == 0 {
            return;
        }
        let place = Place::Offset(self.start);
        let run = Wiped {
            count,
            after: self.after,
            before,
        };
        sink.event(&run.event(place));
        self.runs += 1;
        if self.runs > MOST_NAMED {
            return;
        }
        sink.warn(place, run.to_string());
        if self.runs == MOST_NAMED {
            let warning = "further zeroed records are counted, not named".to_owned();
            sink.warn(Place::Offset(self.start), warning);
        }
    }
}

/// A run of bytes that are no records.
#[derive(Default)]
struct Lost {
    start: u64,
    bytes: usize,
    runs: u64,
}

impl Lost {
    fn add(&mut self, offset: u64, passed: usize, size: usize, sink: &mut dyn Sink) {
        if self.bytes == 0 {
            self.start = offset;
        }
        self.bytes += passed;
        for record in 0..passed.div_ceil(size) {
            let at = offset + (record * size) as u64;
            let reason = if passed - record * size < size {
                "bytes between records"
            } else {
                "not a login record"
            };
            sink.skip(Place::Offset(at), reason);
        }
    }

    fn end(&mut self, sink: &mut dyn Sink) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes == 0 {
            return;
        }
        self.runs += 1;
        if self.runs <= MOST_NAMED {
            let warning = format!("{bytes} bytes that are no login records were passed over");
            sink.warn(Place::Offset(self.start), warning);
        }
    }
}
