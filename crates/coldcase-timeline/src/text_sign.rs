//! Sorting out rows of a part by their texts before any cell is spelled out: one that repeats is looked at once.

use polars::prelude::IdxSize;

use crate::part_cells::Texts;
use crate::part_column::PartColumn;
use crate::select::part_columns;
use crate::{PartInfo, TimelineError};

/// What a row may be known by.
pub struct TextSign<'t> {
    /// The actions whose rows it may be seen in.
    pub of: &'t dyn Fn(&str) -> bool,
    /// A text in one of these columns
    pub columns: &'t [&'t str],
    /// that is one of these.
    pub is: &'t dyn Fn(&str) -> bool,
}

impl<'t> TextSign<'t> {
    /// A text of any action's rows.
    pub fn of_all(columns: &'t [&'t str], is: &'t dyn Fn(&str) -> bool) -> Self {
        let of = &|_: &str| true;
        Self { of, columns, is }
    }

    /// All rows of these actions.
    pub fn whole(of: &'t dyn Fn(&str) -> bool) -> Self {
        Self {
            of,
            columns: &["action"],
            is: &|_| true,
        }
    }
}

/// Those of a part's rows that one of the signs is seen in; `None` stands for all rows.
pub(crate) fn rows_with(
    part: &PartInfo,
    rows: Option<Vec<IdxSize>>,
    signs: &[TextSign<'_>],
) -> Result<Vec<IdxSize>, TimelineError> {
    let actions = part_columns(part, &["action"])?;
    let columns: Result<Vec<Vec<PartColumn>>, TimelineError> = signs
        .iter()
        .map(|sign| {
            let is_seen = part.actions.iter().any(|action| (sign.of)(action));
            let columns = if is_seen { sign.columns } else { &[] };
            part_columns(part, columns)
        })
        .collect();
    let columns = columns?;
    let mut tested: Vec<Tested<'_>> = signs
        .iter()
        .zip(&columns)
        .map(|(sign, columns)| Tested {
            of: Verdicts::of(actions.first(), sign.of),
            columns: columns
                .iter()
                .map(|column| Verdicts::of(Some(column), sign.is))
                .collect(),
        })
        .collect();
    let mut has_sign = |row: IdxSize| {
        let row = row as usize;
        tested.iter_mut().any(|sign| {
            let mut columns = sign.columns.iter_mut();
            sign.of.at(row) && columns.any(|column| column.at(row))
        })
    };
    Ok(match rows {
        Some(mut rows) => {
            rows.retain(|row| has_sign(*row));
            rows
        }
        None => {
            let rows = 0..IdxSize::try_from(part.rows).unwrap_or(IdxSize::MAX);
            rows.filter(|row| has_sign(*row)).collect()
        }
    })
}

/// A sign's columns.
struct Tested<'a> {
    of: Verdicts<'a>,
    columns: Vec<Verdicts<'a>>,
}

/// What a test says of a column's texts.
struct Verdicts<'a> {
    texts: Texts<'a>,
    test: &'a dyn Fn(&str) -> bool,
    /// Of texts that repeat, by number.
    known: Vec<Option<bool>>,
}

impl<'a> Verdicts<'a> {
    fn of(column: Option<&'a PartColumn>, test: &'a dyn Fn(&str) -> bool) -> Self {
        let texts = Texts::of(column.unwrap_or(&PartColumn::Nulls));
        let known = vec![None; texts.words()];
        Self { texts, test, known }
    }

    fn at(&mut self, row: usize) -> bool {
        let test = |text: Option<&str>| text.is_some_and(self.test);
        match self
            .texts
            .word(row)
            .and_then(|word| self.known.get_mut(word))
        {
            Some(Some(known)) => *known,
            Some(unknown) => *unknown.insert(test(self.texts.at(row))),
            None => test(self.texts.at(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use coldcase_model::{Event, action};

    use super::*;
    use crate::{Batch, DatasetWriter, Origin, Timeline};

    /// Rows of two actions, their texts few or many.
    fn timeline(folder: &std::path::Path, different: bool) -> Timeline {
        let writer = DatasetWriter::create(folder).expect("a writer");
        let mut batch = Batch::default();
        for number in 0..2_000u64 {
            let of = if number % 2 == 0 {
                action::LOG
            } else {
                action::EXEC
            };
            let text = if different { number } else { number % 10 };
            let mut event = Event::new(of);
            event.message = Some(format!("says {text}").into());
            event.command = (number % 4 == 1).then(|| format!("runs {text}").into());
            event.line = Some(number);
            let origin = Origin {
                host: Some("h"),
                format: "app-log",
                file: "h/log",
            };
            batch.push(&event, origin);
        }
        writer.hand_over(batch).expect("handed over");
        Timeline::of_parts(writer.finish().expect("parts"))
    }

    #[test]
    fn rows_are_found_by_their_signs() {
        let folder = tempfile::tempdir().expect("a folder");
        for different in [false, true] {
            let timeline = timeline(&folder.path().join(different.to_string()), different);
            let ends = |text: &str| text.ends_with('5');
            let is_log = |action: &str| action == action::LOG;
            let is_exec = |action: &str| action == action::EXEC;
            let lines = |tests: &[&[TextSign<'_>]]| -> Vec<i64> {
                let actions = [action::LOG, action::EXEC];
                let rows = timeline.select_texts(&actions, &["message"], tests);
                rows.expect("rows")
                    .longs("line")
                    .into_iter()
                    .flatten()
                    .collect()
            };
            let by_command: Vec<i64> = (0..2_000).filter(|n| n % 4 == 1 && n % 10 == 5).collect();
            assert_eq!(
                lines(&[&[TextSign::of_all(&["command"], &ends)]]),
                by_command
            );
            let texts = TextSign::of_all(&["message", "command"], &ends);
            let by_either: Vec<i64> = (0..2_000).filter(|n| n % 10 == 5).collect();
            assert_eq!(lines(&[&[texts]]), by_either);
            let of_log = TextSign {
                of: &is_log,
                columns: &["message"],
                is: &ends,
            };
            assert_eq!(lines(&[&[of_log]]), Vec::<i64>::new());
            let execs = TextSign::whole(&is_exec);
            let of_log = TextSign {
                of: &is_log,
                columns: &["message"],
                is: &|text| text.ends_with('4'),
            };
            let either: Vec<i64> = (0..2_000).filter(|n| n % 2 == 1 || n % 10 == 4).collect();
            assert_eq!(lines(&[&[execs, of_log]]), either);
            let both: [&[TextSign<'_>]; 2] = [
                &[TextSign::of_all(&["message"], &ends)],
                &[TextSign::of_all(&["command"], &ends)],
            ];
            assert_eq!(lines(&both), by_command);
        }
    }

    #[test]
    fn a_text_that_repeats_is_looked_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let timeline = timeline(folder.path(), false);
        let asked = RefCell::new(Vec::new());
        let is = |text: &str| {
            asked.borrow_mut().push(text.to_owned());
            false
        };
        let tests: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["message"], &is)]];
        let rows = timeline.select_texts(&[action::LOG], &["message"], &tests);
        assert_eq!(rows.expect("rows").rows(), 0);
        assert!(asked.borrow().len() <= 5 * timeline.parts().len());
    }
}
