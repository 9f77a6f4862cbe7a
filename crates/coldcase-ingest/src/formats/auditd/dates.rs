//! Whether a file's interpreted dates have the month or the day first: looked for in its first MiB.

use std::io::{self, Cursor, Read};

use chrono::NaiveDate;
use coldcase_model::{Place, Sink};
use memchr::memmem;

use super::prefix::{DateOrder, date_parts};
use crate::Clock;

/// How much of the file is looked at.
const SURVEYED: u64 = 1 << 20;

/// Dates by either reading.
#[derive(Default)]
struct Seen {
    month_first: Option<(NaiveDate, NaiveDate)>,
    day_first: Option<(NaiveDate, NaiveDate)>,
    ambiguous: bool,
    must: Option<DateOrder>,
}

/// Decides, and gives a reader of the whole content again. Only files with interpreted times are looked
/// through: their first stamp shows it.
pub fn survey<'r>(
    reader: &'r mut (dyn Read + Send + 'r),
    clock: &Clock,
    sink: &mut dyn Sink,
) -> io::Result<(DateOrder, impl Read + 'r)> {
    let mut head = Vec::new();
    let mut start = [0u8; 4096];
    // An error here comes again, or its place is found, when the lines are read.
    let filled = fill(reader, &mut start);
    head.extend_from_slice(start.get(..filled).unwrap_or_default());
    let mut order = DateOrder::MonthFirst;
    if dates(&head).next().is_some() {
        let _ = reader.take(SURVEYED).read_to_end(&mut head);
        let (decided, assumed) = decide(&head, clock);
        order = decided;
        if assumed {
            let order = match order {
                DateOrder::MonthFirst => "the month",
                DateOrder::DayFirst => "the day",
            };
            let warning = format!("dates could be read two ways: {order} was taken to stand first");
            sink.warn(Place::Whole, warning);
        }
    }
    Ok((order, Cursor::new(head).chain(reader)))
}

fn fill(reader: &mut dyn Read, start: &mut [u8]) -> usize {
    let mut filled = 0;
    while let Some(room) = start.get_mut(filled..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    filled
}

/// The dates of interpreted stamps that have no dots or dashes.
fn dates(text: &[u8]) -> impl Iterator<Item = [u64; 3]> {
    memmem::find_iter(text, b"audit(").filter_map(|at| {
        let inner = text.get(at + b"audit(".len()..)?;
        let inner = inner.get(..12).unwrap_or(inner);
        let end = inner.iter().position(|byte| *byte == b' ')?;
        let (parts, separator) = date_parts(inner.get(..end)?)?;
        (separator != b'.' && parts.first().is_some_and(|first| *first <= 31)).then_some(parts)
    })
}

/// The order, and whether it had to be assumed.
fn decide(head: &[u8], clock: &Clock) -> (DateOrder, bool) {
    let mut seen = Seen::default();
    for [first, second, year] in dates(head) {
        if first > 12 {
            seen.must = Some(DateOrder::DayFirst);
        } else if second > 12 {
            seen.must = Some(DateOrder::MonthFirst);
        } else {
            seen.ambiguous |= first != second;
            widen(&mut seen.month_first, year, first, second);
            widen(&mut seen.day_first, year, second, first);
        }
    }
    if let Some(order) = seen.must {
        return (order, false);
    }
    let newest = clock.collected_at.map(|at| clock.zone.local(at).date());
    let too_new = |span: Option<(NaiveDate, NaiveDate)>| match (span, newest) {
        (Some((_, last)), Some(newest)) => last > newest,
        _ => false,
    };
    let days = |span: Option<(NaiveDate, NaiveDate)>| span.map(|(a, b)| (b - a).num_days());
    let month_first = (too_new(seen.month_first), days(seen.month_first));
    let day_first = (too_new(seen.day_first), days(seen.day_first));
    let order = match day_first < month_first {
        true => DateOrder::DayFirst,
        false => DateOrder::MonthFirst,
    };
    (order, seen.ambiguous)
}

fn widen(span: &mut Option<(NaiveDate, NaiveDate)>, year: u64, month: u64, day: u64) {
    let year = if year < 100 { year + 2000 } else { year };
    let date = (|| {
        NaiveDate::from_ymd_opt(
            i32::try_from(year).ok()?,
            u32::try_from(month).ok()?,
            u32::try_from(day).ok()?,
        )
    })();
    let Some(date) = date else { return };
    *span = Some(match *span {
        Some((first, last)) => (first.min(date), last.max(date)),
        None => (date, date),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use coldcase_model::Timestamp;

    #[test]
    fn order_of_day_and_month() {
        let check = |dates: &[&str], collected: Option<&str>, expected: (DateOrder, bool)| {
            let text: String = dates
                .iter()
                .map(|date| format!("type=CWD msg=audit({date} 01:02:03.004:5) : cwd=/\n"))
                .collect();
            let clock = Clock {
                collected_at: collected.and_then(Timestamp::parse_rfc3339),
                ..Clock::UNKNOWN
            };
            assert_eq!(decide(text.as_bytes(), &clock), expected, "{dates:?}");
        };
        use DateOrder::{DayFirst, MonthFirst};
        check(&["05/11/2023"], None, (MonthFirst, true));
        check(&["05/11/2023", "05/13/2023"], None, (MonthFirst, false));
        check(&["05/11/2023", "13/11/2023"], None, (DayFirst, false));
        check(&["05/11/2023", "06/11/2023"], None, (DayFirst, true));
        check(&["05/11/2023", "05/12/2023"], None, (MonthFirst, true));
        check(
            &["05/11/2023"],
            Some("2023-05-12T00:00:00Z"),
            (MonthFirst, true),
        );
        check(
            &["11/05/2023"],
            Some("2023-05-12T00:00:00Z"),
            (DayFirst, true),
        );
        check(&["05/05/2023"], None, (MonthFirst, false));
    }
}
