//! log2timeline's CSV (`l2t_csv` of Plaso): 17 columns, version 2, times in UTC.

use std::io::{self, Write};

use coldcase_timeline::Selection;
use serde_json::Value;

use super::Row;
use crate::for_csv;

const HEAD: [&str; 17] = [
    "date",
    "time",
    "timezone",
    "MACB",
    "source",
    "sourcetype",
    "type",
    "user",
    "host",
    "short",
    "desc",
    "version",
    "filename",
    "inode",
    "notes",
    "format",
    "extra",
];
/// Characters of a message that stand in `short`.
const SHORT: usize = 80;
/// What stands where nothing is known.
const NOTHING: &str = "-";
/// Columns that have no column of their own there.
const EXTRA: [&str; 14] = [
    "outcome",
    "src_ip",
    "dst_ip",
    "protocol",
    "exe",
    "command",
    "container",
    "image",
    "pod",
    "namespace",
    "domain",
    "query_type",
    "response_code",
    "path",
];

/// Rows without a time have `00/00/0000` and `--:--:--`, as Plaso writes them.
pub(super) fn csv(rows: &Selection, out: impl Write) -> io::Result<usize> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEAD)?;
    for at in 0..rows.rows() {
        writer.write_record(cells(&Row::of(rows, at)))?;
    }
    writer.flush()?;
    Ok(rows.rows())
}

fn cells(row: &Row<'_>) -> [String; 17] {
    let text = |name: &str| row.text(name).map_or_else(|| NOTHING.to_owned(), for_csv);
    let when = row.at().map(|at| at.to_utc());
    let show = |shape: &str, nothing: &str| {
        when.map_or_else(|| nothing.to_owned(), |at| at.format(shape).to_string())
    };
    let action = row.text("action").unwrap_or_default();
    let macb = match action {
        "file-modified" => "M...",
        "file-accessed" => ".A..",
        "file-changed" => "..C.",
        "file-created" | "container-created" | "image-created" => "...B",
        _ => "....",
    };
    let source = match action {
        _ if action.starts_with("file-") => "FILE",
        _ if action.starts_with("dns-") || action.ends_with("-flow") => "NET",
        _ => "LOG",
    };
    let message = row.text("message").unwrap_or(action);
    let short: String = message.chars().take(SHORT).collect();
    let place = |name: &str| Some(format!("{name} {}", row.long(name)?));
    let inode = row.attributes.get("inode").map(Value::to_string);
    let basis = [row.text("ts_basis"), row.text("ts_precision")];
    let notes: Vec<String> = [place("line"), place("offset")]
        .into_iter()
        .flatten()
        .chain(basis.into_iter().flatten().map(str::to_owned))
        .collect();
    [
        show("%m/%d/%Y", "00/00/0000"),
        show("%H:%M:%S", "--:--:--"),
        "UTC".to_owned(),
        macb.to_owned(),
        source.to_owned(),
        text("format"),
        action.to_owned(),
        text("user"),
        text("host"),
        for_csv(&short),
        for_csv(message),
        "2".to_owned(),
        text("file"),
        inode.map_or_else(
            || NOTHING.to_owned(),
            |inode| for_csv(inode.trim_matches('"')),
        ),
        notes.join(", "),
        format!("coldcase/{}", row.text("format").unwrap_or_default()),
        for_csv(&extra(row)),
    ]
}

/// `name: value; ...` of what has no column of its own.
fn extra(row: &Row<'_>) -> String {
    let texts = EXTRA
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", row.text(name)?)));
    let ports = ["src_port", "dst_port"];
    let ports = ports
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", row.port(name)?)));
    let longs = ["packets", "bytes", "pid", "ppid"];
    let longs = longs
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", row.long(name)?)));
    let attributes = row.attributes.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    });
    let all = texts.chain(ports).chain(longs).chain(attributes);
    all.collect::<Vec<_>>().join("; ")
}
