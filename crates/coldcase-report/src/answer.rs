//! The rows of a query as CSV, JSON or a table for a terminal. What doesn't fit a terminal is wrapped, and where
//! columns are too many for it, each row is shown as lines of `column  value`; nothing is cut.

use std::io::{self, Write};

use coldcase_timeline::sql::{Answer, Cell};
use serde_json::{Map, Value};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::{Style, for_csv, for_terminal};

/// Blanks between columns.
const BETWEEN: usize = 2;
/// A wrapped column is not made narrower than this.
const NARROWEST: usize = 16;

/// CSV with a head line; cells that a spreadsheet would take for formulas are made text.
pub fn answer_csv(answer: &Answer, out: impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(answer.columns().into_iter().map(for_csv))?;
    for row in 0..answer.rows() {
        let cells = answer.row(row).map(|cell| match cell {
            Cell::Text(text) => for_csv(&text),
            other => other.to_string(),
        });
        writer.write_record(cells)?;
    }
    writer.flush()
}

/// One JSON array with an object a row, one a line; nulls are kept.
pub fn answer_json(answer: &Answer, mut out: impl Write) -> io::Result<()> {
    let names = answer.columns();
    out.write_all(b"[")?;
    for row in 0..answer.rows() {
        out.write_all(if row == 0 { b"\n" } else { b",\n" })?;
        let cells = answer.row(row).map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Text(text) => Value::String(text),
            Cell::Whole(number) => i64::try_from(number)
                .map(Value::from)
                .or_else(|_| u64::try_from(number).map(Value::from))
                .unwrap_or_else(|_| Value::String(number.to_string())),
            Cell::Number(number) => Value::from(number),
            Cell::Truth(truth) => Value::Bool(truth),
            Cell::Time(at) => Value::String(at.to_string()),
        });
        let names = names.iter().map(|name| (*name).to_owned());
        let object: Map<String, Value> = names.zip(cells).collect();
        serde_json::to_writer(&mut out, &object)?;
    }
    out.write_all(if answer.rows() == 0 { b"]\n" } else { b"\n]\n" })?;
    out.flush()
}

/// A table for people, at most `width` columns wide where that is given.
pub fn answer_table(
    answer: &Answer,
    width: Option<usize>,
    style: Style,
    mut out: impl Write,
) -> io::Result<()> {
    let names: Vec<String> = answer.columns().into_iter().map(for_terminal).collect();
    let mut widths: Vec<usize> = names.iter().map(|name| name.width()).collect();
    for row in 0..answer.rows() {
        for (widest, cell) in widths.iter_mut().zip(answer.row(row)) {
            *widest = (*widest).max(shown(&cell).width());
        }
    }
    if let Some(width) = width {
        let heads: Vec<usize> = names.iter().map(|name| name.width()).collect();
        if !narrow(&mut widths, &heads, answer, width) {
            return records(answer, &names, style, out);
        }
    }
    let right: Vec<bool> = (0..names.len()).map(|at| answer.is_number(at)).collect();
    let mut line = |cells: &[String], style: Option<Style>| -> io::Result<()> {
        for text in set(cells, &widths, &right) {
            let text = text.trim_end();
            match style {
                Some(style) => writeln!(out, "{}", style.paint("1", text))?,
                None => writeln!(out, "{text}")?,
            }
        }
        Ok(())
    };
    line(&names, Some(style))?;
    line(
        &widths
            .iter()
            .map(|width| "-".repeat(*width))
            .collect::<Vec<_>>(),
        None,
    )?;
    for row in 0..answer.rows() {
        line(
            &answer.row(row).map(|cell| shown(&cell)).collect::<Vec<_>>(),
            None,
        )?;
    }
    writeln!(out, "{}", count(answer.rows()))?;
    out.flush()
}

fn count(rows: usize) -> String {
    format!("({rows} {})", if rows == 1 { "row" } else { "rows" })
}

fn shown(cell: &Cell) -> String {
    for_terminal(&cell.to_string())
}

/// Makes the widest text columns narrower until all fit; whether they do.
fn narrow(widths: &mut [usize], heads: &[usize], answer: &Answer, width: usize) -> bool {
    let gaps = BETWEEN * widths.len().saturating_sub(1);
    loop {
        let all: usize = widths.iter().sum::<usize>() + gaps;
        let Some(over) = all.checked_sub(width).filter(|over| *over > 0) else {
            return true;
        };
        let columns = widths.iter_mut().zip(heads).enumerate();
        let wide = columns.filter(|(at, (width, head))| {
            !answer.is_number(*at) && **width > NARROWEST.max(**head)
        });
        let Some((_, (widest, head))) = wide.max_by_key(|(at, (width, _))| (**width, *at)) else {
            return false;
        };
        // Half of what is too much at a time, so that two long columns share it.
        let step = over.div_ceil(2);
        *widest = widest.saturating_sub(step).max(NARROWEST.max(*head));
    }
}

/// A row of cells as lines of text, long cells wrapped.
fn set(cells: &[String], widths: &[usize], right: &[bool]) -> Vec<String> {
    let columns: Vec<Vec<String>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| wrap(cell, *width))
        .collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(1);
    let line = |at: usize| {
        let mut out = String::new();
        let set = columns.iter().zip(widths).zip(right).enumerate();
        for (index, ((column, width), right)) in set {
            let text = column.get(at).map_or("", String::as_str);
            let blanks = " ".repeat(width.saturating_sub(text.width()));
            if index > 0 {
                out.push_str(&" ".repeat(BETWEEN));
            }
            if *right {
                out.push_str(&blanks);
                out.push_str(text);
            } else {
                out.push_str(text);
                out.push_str(&blanks);
            }
        }
        out
    };
    (0..height).map(line).collect()
}

/// Breaks a text into pieces of this width, at blanks where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide > width && used > 0 {
            let rest = match line.rfind(' ').filter(|at| *at * 2 > line.len()) {
                Some(at) if character != ' ' => line.split_off(at).trim_start().to_owned(),
                _ => String::new(),
            };
            lines.push(std::mem::replace(&mut line, rest).trim_end().to_owned());
            used = line.width();
        }
        line.push(character);
        used += wide;
    }
    lines.push(line);
    lines
}

/// Each row as lines of `column  value`; columns that hold nothing are left out of a row.
fn records(answer: &Answer, names: &[String], style: Style, mut out: impl Write) -> io::Result<()> {
    let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
    for row in 0..answer.rows() {
        writeln!(out, "{}", style.paint("2", &format!("-- {}", row + 1)))?;
        for (name, cell) in names.iter().zip(answer.row(row)) {
            if cell != Cell::Null {
                let blanks = " ".repeat(widest.saturating_sub(name.width()) + BETWEEN);
                writeln!(out, "{}{blanks}{}", style.paint("1", name), shown(&cell))?;
            }
        }
    }
    writeln!(out, "{}", count(answer.rows()))?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_are_wrapped_and_nothing_is_lost() {
        let check = |text: &str, width: usize, expected: &[&str]| {
            assert_eq!(wrap(text, width), expected, "{text}");
        };
        check("", 4, &[""]);
        check("abcd", 4, &["abcd"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("the quick brown fox", 10, &["the quick", "brown fox"]);
        check("日本語", 4, &["日本", "語"]);
    }
}
