//! Years of rows that run from the newest to the oldest and have none.

use chrono::{Datelike, NaiveDateTime, TimeDelta};

use super::stamp::Stamp;

/// How far a row may lie beyond its neighbour or its bound: clocks are set, zones differ by up to a day.
const SLACK: TimeDelta = TimeDelta::days(2);

/// Years that are tried: a weekday comes back to its date within eleven, a 29 February's within forty.
const TRIED: i32 = 40;

/// The local time of each row, where a year can be told: bounded by the newest time that the output can show, and by
/// that at which its database begins. Of two readings that differ the one counts that lies nearer to its bound.
pub fn settle(
    stamps: &[Stamp],
    newest: Option<NaiveDateTime>,
    begins: Option<NaiveDateTime>,
) -> Vec<Option<NaiveDateTime>> {
    let from_above = newest.map(|bound| walk(stamps.iter(), bound, -1));
    let from_below = begins.map(|bound| {
        let mut locals = walk(stamps.iter().rev(), bound, 1);
        locals.reverse();
        locals
    });
    let first = |locals: &[Option<NaiveDateTime>]| locals.iter().find_map(|local| *local);
    let last = |locals: &[Option<NaiveDateTime>]| locals.iter().rev().find_map(|local| *local);
    match (from_above, from_below) {
        (Some(above), Some(below)) => {
            let bounds = newest.zip(begins);
            let gaps = bounds.and_then(|(newest, begins)| {
                let later = first(&below)?;
                let early = last(&above)?;
                // What would be after the collection, or before the beginning, is no reading.
                let below_fits = later <= newest + SLACK;
                let above_fits = early >= begins - SLACK;
                let (above_gap, below_gap) = (newest - first(&above)?, last(&below)? - begins);
                Some(match (above_fits, below_fits) {
                    (true, false) => true,
                    (false, true) => false,
                    _ => above_gap < below_gap,
                })
            });
            if gaps == Some(true) { above } else { below }
        }
        (Some(locals), None) | (None, Some(locals)) => locals,
        (None, None) => stamps
            .iter()
            .map(|stamp| stamp.in_year(stamp.year?))
            .collect(),
    }
}

/// Year by year away from the bound.
fn walk<'s>(
    stamps: impl Iterator<Item = &'s Stamp>,
    bound: NaiveDateTime,
    step: i32,
) -> Vec<Option<NaiveDateTime>> {
    let mut bound = bound;
    let locals = stamps.map(|stamp| {
        let local = match stamp.year {
            Some(year) => stamp.in_year(year),
            None => nearest(stamp, bound, step),
        };
        if let Some(local) = local {
            bound = local;
        }
        local
    });
    locals.collect()
}

/// The year nearest to the bound in which the stamp lies on this side of it and has its weekday.
pub fn nearest(stamp: &Stamp, bound: NaiveDateTime, step: i32) -> Option<NaiveDateTime> {
    let slack = SLACK * step;
    let start = bound.checked_sub_signed(slack)?;
    (0..TRIED).find_map(|tried| {
        let local = stamp.in_year(start.year().checked_add(tried * step)?)?;
        let lies = if step < 0 {
            local <= start
        } else {
            local >= start
        };
        lies.then_some(local)
    })
}

#[cfg(test)]
mod tests {
    use super::super::stamp;
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().expect("a time")
    }

    fn check(newest: Option<&str>, begins: Option<&str>, rows: &[(&str, Option<i32>)]) {
        let stamps: Vec<_> = rows
            .iter()
            .map(|(text, _)| stamp::read(text, 0).expect("a stamp").0)
            .collect();
        let got: Vec<_> = settle(&stamps, newest.map(at), begins.map(at))
            .iter()
            .map(|local| local.map(|local| local.year()))
            .collect();
        let expected: Vec<_> = rows.iter().map(|(_, year)| *year).collect();
        assert_eq!(got, expected, "{rows:?}");
    }

    #[test]
    fn years_step_back_from_the_collection() {
        let rows = [
            ("Fri May 12 09:45", Some(2023)),
            ("Mon Jan  2 09:45", Some(2023)),
            ("Sat Dec 31 09:45", Some(2022)),
            ("Fri Dec 31 09:45", Some(2021)),
        ];
        check(Some("2023-05-12T10:20:00"), None, &rows);
        // A clock that was set back by some minutes between two rows is no year.
        let rows = [
            ("Fri May 12 09:45", Some(2023)),
            ("Fri May 12 09:50", Some(2023)),
            ("Thu May 11 09:50", Some(2023)),
        ];
        check(Some("2023-05-12T09:30:00"), None, &rows);
    }

    #[test]
    fn years_step_on_from_the_beginning() {
        let rows = [
            ("Fri Feb 28 13:49", Some(2020)),
            ("Mon Dec 16 11:15", Some(2019)),
            ("Thu Aug 15 10:57", Some(2019)),
        ];
        check(None, Some("2019-08-15T10:57:06"), &rows);
        // Collected long after: what is nearer to its bound counts.
        check(
            Some("2026-05-01T00:00:00"),
            Some("2019-08-15T10:57:06"),
            &rows,
        );
        // `last -n 1` of a database that begins long before.
        let rows = [("Fri May 12 09:45", Some(2023))];
        check(
            Some("2023-05-12T10:20:00"),
            Some("2017-01-04T00:00:00"),
            &rows,
        );
    }

    #[test]
    fn what_nothing_dates() {
        check(
            None,
            None,
            &[
                ("Fri May 12 09:45", None),
                ("Fri May 12 09:45:11 2023", Some(2023)),
            ],
        );
    }
}
