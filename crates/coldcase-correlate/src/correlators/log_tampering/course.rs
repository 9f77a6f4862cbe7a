//! How a log goes through time: one pass over its rows tells what all signs ask.

use std::collections::BTreeMap;

use super::rows::{At, Rows};

/// Programs that write into one log side by side, and daemons that hand over late, differ by less.
pub(super) const JITTER_NS: i64 = 300 * 1_000_000_000;
/// Steps back beyond which a file is not in order of time at all; more are not kept.
pub(super) const MOST_STEPS: usize = 10;
const HOUR_NS: i64 = 3_600_000_000_000;

/// The course of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// The earliest and the latest row of each hour.
    pub hours: BTreeMap<i64, (At, At)>,
    /// Steps back in time, the first [`MOST_STEPS`] and one more.
    pub steps: Vec<Step>,
}

/// A step back in time from one row to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub before: At,
    pub after: At,
    /// The earliest time up to the row before.
    pub start: i64,
}

impl Course {
    pub fn of(rows: &Rows) -> Self {
        let mut course = Self::default();
        let mut open: Option<(i64, (At, At))> = None;
        let mut before: Option<At> = None;
        let mut start = i64::MAX;
        rows.each(|row| {
            if let Some(before) = before
                && before.ts.saturating_sub(row.ts) > JITTER_NS
                && course.steps.len() <= MOST_STEPS
            {
                let after = row;
                course.steps.push(Step {
                    before,
                    after,
                    start,
                });
            }
            start = start.min(row.ts);
            before = Some(row);
            let hour = hour(row.ts);
            match &mut open {
                // Rows mostly follow each other within an hour.
                Some((of, edges)) if *of == hour => widen(edges, (row, row)),
                _ => course.close(open.replace((hour, (row, row)))),
            }
        });
        course.close(open);
        course
    }

    fn close(&mut self, open: Option<(i64, (At, At))>) {
        if let Some((hour, edges)) = open {
            widen(self.hours.entry(hour).or_insert(edges), edges);
        }
    }

    /// From the earliest to the latest row.
    pub fn span(&self) -> Option<i64> {
        let (first, _) = self.hours.values().next()?;
        let (_, last) = self.hours.values().next_back()?;
        Some(last.ts - first.ts)
    }
}

/// By time, then by place.
fn widen(edges: &mut (At, At), more: (At, At)) {
    let key = |row: &At| (row.ts, row.place);
    edges.0 = std::cmp::min_by_key(edges.0, more.0, key);
    edges.1 = std::cmp::max_by_key(edges.1, more.1, key);
}

/// The hour of a moment, since 1970.
pub(super) fn hour(ts: i64) -> i64 {
    ts.div_euclid(HOUR_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(seconds: &[i64]) -> Course {
        let places = seconds.iter().zip(1..);
        let rows = places.map(|(seconds, place)| At {
            place,
            ts: seconds * 1_000_000_000,
        });
        let mut all = Rows::default();
        all.add(rows.collect());
        Course::of(&all)
    }

    #[test]
    fn writers_side_by_side_are_no_steps() {
        assert_eq!(course(&[0, 10, 5, 250, 11, 400]).steps, []);
        let [step] = course(&[7, 1, 400, 99, 400]).steps[..] else {
            panic!("one step");
        };
        assert_eq!((step.before.place, step.after.place), (3, 4));
        assert_eq!(step.start, 1_000_000_000);
    }

    #[test]
    fn steps_are_bounded() {
        let seconds: Vec<i64> = (0..100).map(|row| row % 2 * 1_000).collect();
        assert_eq!(course(&seconds).steps.len(), MOST_STEPS + 1);
    }

    #[test]
    fn hours_have_edges_in_any_order() {
        let course = course(&[3_600, 10, 5, 3_700, 20, 7_199]);
        let edges: Vec<(u64, u64)> = course
            .hours
            .values()
            .map(|(first, last)| (first.place, last.place))
            .collect();
        assert_eq!(edges, [(3, 5), (1, 6)]);
        assert_eq!(course.span(), Some(7_194_000_000_000));
    }
}
