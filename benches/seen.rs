//! A format over bytes in memory, whose events are looked at and not kept, as a column builder would.

use std::hint::black_box;

use coldcase_ingest::{Format, Input, Part};
use coldcase_model::{Event, Place, Sink};

#[derive(Default)]
struct Seen(u64);

impl Sink for Seen {
    fn event(&mut self, event: &Event<'_>) {
        black_box(event);
        self.0 += 1;
    }

    fn used(&mut self, _count: u64) {}

    fn skip(&mut self, _place: Place, _reason: &'static str) {}

    fn warn(&mut self, _place: Place, _warning: String) {}
}

/// Reads one artifact, its leftover too: how many events it tells.
pub fn read(format: &Format, input: &mut Input<'_>) -> u64 {
    let mut sink = Seen::default();
    let path = input.path;
    let leftover = (format.ingest)(input, &mut sink).expect("an artifact that is readable");
    if let (Some(join), Some(leftover)) = (format.join, leftover) {
        join(vec![Part {
            path,
            leftover,
            sink: &mut sink,
        }]);
    }
    sink.0
}
