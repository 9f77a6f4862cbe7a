//! The moments of a file's rows in a few bytes each: runs of rows as differences from one to the next.

use crate::packed::{get, put, signed, unsigned};

/// One row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// Line, or offset.
    pub place: u64,
    pub ts: i64,
}

/// Rows of one file, a run for each part that holds some.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    runs: Vec<Run>,
    count: usize,
}

/// Rows in order of place and time.
#[derive(Debug, Clone)]
struct Run {
    first: u64,
    last: u64,
    /// Nanoseconds that all times are multiples of.
    unit: i64,
    /// Of each row, how far place and time are from the row before.
    steps: Vec<u8>,
}

/// What stamps are cut to.
const UNITS: [i64; 3] = [1_000_000_000, 1_000_000, 1_000];

impl Rows {
    /// Takes in the rows of a part.
    pub fn add(&mut self, mut rows: Vec<At>) {
        // Stable, since that is quick where rows are in order already.
        rows.sort();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return;
        };
        let is_multiple = |unit: &&i64| rows.iter().all(|row| row.ts % **unit == 0);
        let unit = UNITS.iter().find(is_multiple).copied().unwrap_or(1);
        let mut run = Run {
            first: first.place,
            last: last.place,
            unit,
            steps: Vec::with_capacity(rows.len() * 3),
        };
        let mut before = At::default();
        for row in &rows {
            let time = (row.ts / unit).wrapping_sub(before.ts / unit);
            put(&mut run.steps, row.place - before.place);
            put(&mut run.steps, unsigned(time));
            before = *row;
        }
        run.steps.shrink_to_fit();
        self.count += rows.len();
        self.runs.push(run);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Calls back for each row, in order of place and time.
    pub fn each(&self, mut take: impl FnMut(At)) {
        let mut runs: Vec<&Run> = self.runs.iter().collect();
        runs.sort_by_key(|run| (run.first, run.last));
        // Runs whose places overlap are put together, mostly those of one batch of rows.
        let mut rows: Vec<At> = Vec::new();
        let mut last = 0;
        for run in runs {
            if run.first > last {
                rows.sort();
                rows.drain(..).for_each(&mut take);
            }
            run.read(&mut rows);
            last = last.max(run.last);
        }
        rows.sort();
        rows.into_iter().for_each(take);
    }
}

impl Run {
    fn read(&self, rows: &mut Vec<At>) {
        let mut steps = &*self.steps;
        let (mut place, mut time) = (0u64, 0i64);
        while let (Some(further), Some(later)) = (get(&mut steps), get(&mut steps)) {
            place = place.wrapping_add(further);
            time = time.wrapping_add(signed(later));
            let ts = time.wrapping_mul(self.unit);
            rows.push(At { place, ts });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_in_order() {
        const SECOND: i64 = 1_000_000_000;
        let at = |place: u64, ts: i64| At { place, ts };
        let parts = [
            vec![at(3, 5 * SECOND), at(1, 4 * SECOND), at(2, -SECOND)],
            vec![at(2, 7), at(u64::MAX, i64::MIN), at(0, i64::MAX)],
            vec![],
            vec![at(9, 1_500_000), at(9, -3_000_000)],
            vec![at(400, 12_000), at(401, 1 << 62), at(500, 12_000)],
        ];
        let mut rows = Rows::default();
        parts.iter().for_each(|part| rows.add(part.clone()));
        let mut expected = parts.concat();
        expected.sort();
        let mut got = Vec::new();
        rows.each(|row| got.push(row));
        assert_eq!(got, expected);
        assert_eq!(rows.count(), expected.len());
    }

    #[test]
    fn a_row_of_a_log_takes_few_bytes() {
        let mut rows = Rows::default();
        let lines = 1..=10_000;
        let stamp = |line: u64| 1_700_000_000_000_000_000 + line.cast_signed() / 3 * 1_000_000_000;
        rows.add(
            lines
                .map(|line| At {
                    place: line,
                    ts: stamp(line),
                })
                .collect(),
        );
        let taken: usize = rows.runs.iter().map(|run| run.steps.len()).sum();
        assert!(taken < 21_000, "{taken}");
    }
}
