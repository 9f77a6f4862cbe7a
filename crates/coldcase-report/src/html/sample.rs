//! A sample of events that does not depend on the order of parts: those whose places have the lowest hashes.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use coldcase_timeline::{Timeline, TimelineError};

/// Time, line and offset of an event.
pub(super) type Place = (Option<i64>, Option<i64>, Option<i64>);

/// FNV-1a, 64 bit.
pub(super) fn hash_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Mixes the place into the file's hash (the finaliser of splitmix64).
fn mixed(seed: u64, place: Place) -> u64 {
    let bits = |value: Option<i64>| value.map_or(u64::MAX, i64::cast_unsigned);
    let mut hash = seed;
    for part in [bits(place.0), bits(place.1), bits(place.2)] {
        hash = (hash ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
    }
    hash
}

/// The events with the lowest hashes so far, the highest on top; `(part, row)` is where they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Lowest(BinaryHeap<(u64, (usize, usize))>);

impl Lowest {
    pub(super) fn offer(&mut self, most: usize, seed: u64, place: Place, row: (usize, usize)) {
        self.put(most, mixed(seed, place), row);
    }

    /// Takes another's events in.
    pub(super) fn join(&mut self, most: usize, other: Self) {
        for (hash, row) in other.0 {
            self.put(most, hash, row);
        }
    }

    fn put(&mut self, most: usize, hash: u64, row: (usize, usize)) {
        if self.0.len() < most {
            self.0.push((hash, row));
        } else if self.0.peek().is_some_and(|top| hash < top.0) {
            self.0.pop();
            self.0.push((hash, row));
        }
    }

    /// The lowest of them.
    pub(super) fn first(&self, most: usize) -> Vec<(usize, usize)> {
        let mut all: Vec<_> = self.0.iter().copied().collect();
        all.sort_unstable();
        all.into_iter().take(most).map(|(_, row)| row).collect()
    }
}

/// One event of the sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sampled {
    pub ts: Option<i64>,
    file: String,
    line: Option<i64>,
    offset: Option<i64>,
    pub host: String,
    pub format: String,
    pub action: String,
    pub message: Option<String>,
}

impl Sampled {
    /// `file:line`, or `file@offset`.
    pub(super) fn place(&self) -> String {
        match (self.line, self.offset) {
            (Some(line), _) => format!("{}:{line}", self.file),
            (None, Some(offset)) => format!("{}@{offset}", self.file),
            (None, None) => self.file.clone(),
        }
    }
}

/// Reads the chosen rows, in order of time; undated ones last.
pub(super) fn read(
    timeline: &Timeline,
    chosen: &BTreeSet<(usize, usize)>,
    messages: bool,
) -> Result<Vec<Sampled>, TimelineError> {
    let mut by_part: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (part, row) in chosen {
        by_part.entry(*part).or_default().push(*row);
    }
    let mut columns = vec![
        "ts_ns", "file", "line", "offset", "host", "format", "action",
    ];
    if messages {
        columns.push("message");
    }
    let mut sample = Vec::new();
    for (part, rows) in by_part {
        let Some(cells) = timeline.part(part, &columns)? else {
            continue;
        };
        for row in rows {
            let text = |name: &str| cells.text(name, row).unwrap_or_default().to_owned();
            sample.push(Sampled {
                ts: cells.long("ts_ns", row),
                file: text("file"),
                line: cells.long("line", row),
                offset: cells.long("offset", row),
                host: text("host"),
                format: text("format"),
                action: text("action"),
                message: messages.then(|| text("message")),
            });
        }
    }
    sample.sort_by(|a, b| (a.ts.is_none(), a).cmp(&(b.ts.is_none(), b)));
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_same_in_any_order() {
        let offer = |rows: &mut dyn Iterator<Item = usize>| {
            let mut lowest = Lowest::default();
            rows.for_each(|row| {
                lowest.offer(
                    10,
                    hash_of("a/b"),
                    (i64::try_from(row).ok(), None, None),
                    (0, row),
                )
            });
            lowest.first(10)
        };
        let forwards = offer(&mut (0..1_000));
        assert_eq!(forwards, offer(&mut (0..1_000).rev()));
        assert_eq!(forwards.len(), 10);
        assert!(
            forwards.iter().any(|(_, row)| *row > 500),
            "spread over all: {forwards:?}"
        );
    }
}
