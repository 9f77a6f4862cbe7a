//! Whether a record's text says what the cells of its row say.

use coldcase_timeline::Selection;
use serde_json::Value;

/// Cells that a record's own text says.
const TOLD: [&str; 11] = [
    "src_ip",
    "dst_ip",
    "user",
    "domain",
    "container",
    "image",
    "pod",
    "namespace",
    "path",
    "exe",
    "command",
];

/// What else a cell may rest on than the record's own lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elsewhere {
    /// Another place of the same file: a heading, the pod's sandbox.
    File,
    /// The path of the file.
    Path,
}

/// Cells that do, by format.
const FROM_ELSEWHERE: [(&str, &str, Elsewhere); 8] = [
    // The sandbox or a sibling in its network namespace has it; `ip_source` says so.
    ("docker-inspect", "src_ip", Elsewhere::File),
    // Sums name the host's own end, which stands in the lines above.
    ("iftop", "src_ip", Elsewhere::File),
    // `# /usr/lib/systemd/system/docker.service` above the unit.
    ("unit-file", "path", Elsewhere::File),
    ("crontab", "path", Elsewhere::Path),
    ("crontab", "user", Elsewhere::Path),
    ("script", "path", Elsewhere::Path),
    ("shell-history", "path", Elsewhere::Path),
    ("shell-history", "user", Elsewhere::Path),
];

fn elsewhere(format: &str, column: &str) -> Option<Elsewhere> {
    let found = FROM_ELSEWHERE
        .iter()
        .find(|(of, cell, _)| *of == format && *cell == column);
    found.map(|(_, _, place)| *place)
}

/// The record at a row's place.
pub struct Record<'a> {
    /// Its lines.
    pub text: &'a str,
    /// Whether the file ends with it, and the record perhaps does not.
    pub cut: bool,
    /// The whole file.
    pub file: &'a [u8],
}

/// Whether the record says what the row says; `ts` is the file's own time.
pub fn said(
    rows: &Selection,
    row: usize,
    ts: Option<i64>,
    record: &Record<'_>,
) -> Result<(), String> {
    let text = record.text;
    let format = rows.text("format", row).unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    for column in TOLD {
        let Some(cell) = rows.text(column, row) else {
            continue;
        };
        let here = match elsewhere(format, column) {
            _ if says(column, cell, text, &lower) => true,
            Some(Elsewhere::File) => holds(record.file, cell),
            Some(Elsewhere::Path) => {
                let name = cell.rsplit('/').next().unwrap_or(cell);
                rows.text("file", row)
                    .is_some_and(|file| file.contains(name))
            }
            None => record.cut,
        };
        if !here {
            return Err(format!("{column} {cell:?} is not in {}", shown(text)));
        }
    }
    for column in ["pid", "src_port", "dst_port"] {
        let cell = match column {
            "pid" => rows.long(column, row),
            _ => rows.int(column, row).map(i64::from),
        };
        let Some(cell) = cell else {
            continue;
        };
        if !record.cut
            && !text.contains(&cell.to_string())
            && !in_hex(&lower, &format!("{cell:04x}"))
        {
            return Err(format!("{column} {cell} is not in {}", shown(text)));
        }
    }
    time(rows, row, ts, text)
}

fn says(column: &str, cell: &str, text: &str, lower: &str) -> bool {
    match column {
        "src_ip" | "dst_ip" => {
            text.contains(cell) || hex_address(cell).is_some_and(|hex| in_hex(lower, &hex))
        }
        "domain" => lower.contains(cell),
        // Words of a command stand there, whatever stands between them; quotes and escapes are the writer's.
        "image" => cell.split([':', '@']).all(|part| text.contains(part)),
        "command" => cell
            .split([' ', '"', '\'', '\\', '\n', '\t', '|', ';', '&'])
            .take(12)
            .all(|word| {
                let word = word.trim_matches(['\'', '"']);
                text.contains(word)
                    || in_hex(lower, &hex(word))
                    || text.contains(&word.replace('/', "\\/"))
            }),
        // A folder stands in a heading above.
        "path" => {
            let name = cell
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or(cell);
            text.contains(cell) || text.contains(name) || in_hex(lower, &hex(cell))
        }
        _ => text.contains(cell) || in_hex(lower, &hex(cell)),
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len().max(1))
        .any(|window| window == text.as_bytes())
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_address(cell: &str) -> Option<String> {
    Some(match cell.parse().ok()? {
        std::net::IpAddr::V4(v4) => hex_bytes(&v4.octets()),
        std::net::IpAddr::V6(v6) => hex_bytes(&v6.octets()),
    })
}

fn hex_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn in_hex(lower: &str, hex: &str) -> bool {
    hex.len() >= 4 && lower.contains(hex)
}

/// The second of the minute stands in every local time; epochs stand as they are.
fn time(rows: &Selection, row: usize, ts: Option<i64>, text: &str) -> Result<(), String> {
    let exact = !matches!(rows.text("ts_precision", row), Some("min" | "day") | None);
    let own = rows.text("ts_basis", row) != Some("collected");
    let Some(ts) = ts.filter(|_| exact && own) else {
        return Ok(());
    };
    let seconds = ts.div_euclid(1_000_000_000);
    let of_minute = format!(":{:02}", seconds.rem_euclid(60));
    if text.contains(&of_minute) || text.contains(&seconds.to_string()) {
        return Ok(());
    }
    Err(format!(
        "the time {} is not in {}",
        coldcase_model::Timestamp(ts),
        shown(text)
    ))
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(300).collect();
    Value::from(short).to_string()
}
