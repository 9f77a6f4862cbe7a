//! The contract's columns as CSV and JSON lines, alone or beside Timesketch's.

use std::io::{self, Write};

use coldcase_model::Timestamp;
use coldcase_timeline::{COLUMNS, ColumnType, Selection};
use serde_json::{Map, Value};

use super::Profile;
use crate::for_csv;

/// Longest text that Timesketch's index takes, in bytes.
const TIMESKETCH_LONGEST: usize = 32_766;

/// Gives how many rows were written: Timesketch takes none without a time.
pub(super) fn csv(rows: &Selection, file: impl Write, profile: Profile) -> io::Result<usize> {
    let mut writer = csv::Writer::from_writer(file);
    let extra = ["datetime", "timestamp_desc"];
    let names = COLUMNS.iter().map(|(name, _)| *name);
    match profile {
        Profile::Timesketch => writer.write_record(extra.into_iter().chain(names))?,
        _ => writer.write_record(names)?,
    }
    let mut written = 0;
    let (times, ends) = (rows.longs("ts_ns"), rows.end_micros());
    for row in 0..rows.rows() {
        let ns = times.get(row).copied().flatten();
        let mut cells: Vec<String> = Vec::with_capacity(COLUMNS.len() + 2);
        if profile == Profile::Timesketch {
            let Some(ns) = ns else { continue };
            cells.push(timesketch_time(ns));
            cells.push(for_csv(rows.text("action", row).unwrap_or("event")));
        }
        for (name, kind) in COLUMNS {
            cells.push(match kind {
                ColumnType::Time if name == "ts" => ns.map(micros_text).unwrap_or_default(),
                ColumnType::Time => ends
                    .get(row)
                    .copied()
                    .flatten()
                    .map(|us| Timestamp(us.saturating_mul(1000)).to_string())
                    .unwrap_or_default(),
                ColumnType::Long => rows
                    .long(name, row)
                    .map(|value| value.to_string())
                    .unwrap_or_default(),
                ColumnType::Int => rows
                    .int(name, row)
                    .map(|value| value.to_string())
                    .unwrap_or_default(),
                ColumnType::Text => for_csv(cut(rows.text(name, row).unwrap_or_default(), profile)),
            });
        }
        writer.write_record(&cells)?;
        written += 1;
    }
    writer.flush()?;
    Ok(written)
}

/// Likewise, one JSON object a line; cells that don't apply are left out.
pub(super) fn jsonl(rows: &Selection, mut file: impl Write, profile: Profile) -> io::Result<usize> {
    let mut written = 0;
    let (times, ends) = (rows.longs("ts_ns"), rows.end_micros());
    for row in 0..rows.rows() {
        let ns = times.get(row).copied().flatten();
        let mut object = Map::new();
        if profile == Profile::Timesketch {
            let Some(ns) = ns else { continue };
            object.insert("datetime".into(), timesketch_time(ns).into());
            object.insert("timestamp".into(), (ns.div_euclid(1000)).into());
            object.insert(
                "timestamp_desc".into(),
                rows.text("action", row).unwrap_or("event").into(),
            );
        }
        for (name, kind) in COLUMNS {
            let value = match kind {
                ColumnType::Time if name == "ts" => ns.map(|ns| micros_text(ns).into()),
                ColumnType::Time => ends
                    .get(row)
                    .copied()
                    .flatten()
                    .map(|us| Timestamp(us.saturating_mul(1000)).to_string().into()),
                ColumnType::Long => rows.long(name, row).map(Value::from),
                ColumnType::Int => rows.int(name, row).map(Value::from),
                ColumnType::Text => rows.text(name, row).map(|text| cut(text, profile).into()),
            };
            if let Some(value) = value {
                object.insert(name.into(), value);
            }
        }
        serde_json::to_writer(&mut file, &object)?;
        file.write_all(b"\n")?;
        written += 1;
    }
    file.flush()?;
    Ok(written)
}

/// `ts` is a column of microseconds.
fn micros_text(ns: i64) -> String {
    Timestamp(ns.div_euclid(1000) * 1000).to_string()
}

/// ISO 8601 with an offset, as Timesketch's importer wants it.
fn timesketch_time(ns: i64) -> String {
    Timestamp(ns)
        .to_utc()
        .format("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

fn cut(text: &str, profile: Profile) -> &str {
    if profile != Profile::Timesketch || text.len() <= TIMESKETCH_LONGEST {
        return text;
    }
    let end = (0..=TIMESKETCH_LONGEST)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
