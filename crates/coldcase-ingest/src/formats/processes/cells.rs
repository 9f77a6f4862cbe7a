//! Cells of tables of processes: what they must look like, and what they say.

use std::borrow::Cow;

use super::clock_text::{seconds, started};
use super::columns::Field;
use super::row::{Process, container_of_cgroup};
use crate::Clock;

/// Whether a cell has the shape of its column.
pub fn fits(field: Field, cell: &str) -> bool {
    let dash = cell == "-";
    match field {
        Field::Pid | Field::Ppid | Field::Tid | Field::Threads => {
            cell.bytes().all(|byte| byte.is_ascii_digit()) && cell.len() <= 10
        }
        Field::Cpu | Field::Memory => dash || number_of(cell).is_some(),
        Field::Vsz | Field::Rss | Field::Size => dash || size_of(cell).is_some(),
        Field::State => {
            cell.len() <= 8
                && cell.starts_with(|first: char| "RSDTtZXxIWKPLNCU-".contains(first))
                && cell
                    .bytes()
                    .skip(1)
                    .all(|byte| b"WwKP<NLsl+EOBJ ".contains(&byte))
        }
        Field::Time => {
            dash || seconds(cell).is_some() || cell.bytes().all(|byte| byte.is_ascii_digit())
        }
        Field::User | Field::Uid => !cell.contains('/') && cell.len() <= 64,
        _ => true,
    }
}

/// Puts a cell where it belongs; pages of memory, which have no cell of their own, aside.
pub fn take<'a>(
    process: &mut Process<'a>,
    field: Field,
    cell: &'a str,
    pages: &mut Option<i64>,
    clock: &Clock,
) {
    let known = || (!matches!(cell, "-" | "?" | "")).then_some(Cow::Borrowed(cell));
    let integer = || cell.parse::<i64>().ok();
    match field {
        Field::User => process.user = process.user.take().or_else(known),
        Field::Uid if process.user.is_none() => process.user = known(),
        Field::Pid => process.pid = process.pid.or_else(integer),
        Field::Ppid => process.ppid = integer(),
        Field::Tid => process.tid = integer(),
        Field::Cpu => process.cpu_percent = process.cpu_percent.or_else(|| number_of(cell)),
        Field::Memory => process.memory_percent = number_of(cell),
        Field::Vsz => process.vsz_bytes = size_of(cell),
        Field::Rss => process.rss_bytes = size_of(cell),
        Field::Size => *pages = size_of(cell),
        Field::Tty => process.tty = known(),
        Field::State => process.state = known(),
        Field::Start => {
            process.started = started(cell, clock);
            process.started_text = known();
        }
        Field::Elapsed => process.elapsed_seconds = seconds(cell).or_else(integer),
        Field::Time => process.cpu_seconds = seconds(cell).or_else(integer),
        Field::Command => {
            let shown = without_tree(cell);
            let shown = (!matches!(shown, "" | "-")).then_some(Cow::Borrowed(shown));
            // Of two such columns the first is the short name.
            let before = std::mem::replace(&mut process.command, shown);
            process.comm = before.or(process.comm.take());
        }
        Field::Exe => process.exe = known(),
        Field::Threads => process.threads = integer(),
        Field::Cgroup => {
            process.container_id = container_of_cgroup(cell).map(Cow::Borrowed);
            process.cgroup = known();
        }
        Field::NetNs => process.netns = integer(),
        Field::Label => process.more.extend(known().map(|label| ("label", label))),
        Field::Container => process.container_id = known(),
        Field::Uid | Field::Other => {}
    }
}

/// A number with a point or the locale's comma, and perhaps a `%`.
pub fn number_of(cell: &str) -> Option<f64> {
    let cell = cell.strip_suffix('%').unwrap_or(cell);
    let is_number = cell.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && cell
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
    let number = is_number.then(|| cell.replace(',', ".").parse::<f64>().ok())??;
    number.is_finite().then_some(number)
}

/// Bytes of a size in KiB, or with a unit of 1024: `35116`, `14.1g`, `1,2g`, `512m`.
fn size_of(cell: &str) -> Option<i64> {
    let (number, unit) = match cell.bytes().last()? {
        b'k' | b'K' => (cell.get(..cell.len() - 1)?, 1_i64 << 10),
        b'm' | b'M' => (cell.get(..cell.len() - 1)?, 1 << 20),
        b'g' | b'G' => (cell.get(..cell.len() - 1)?, 1 << 30),
        b't' | b'T' => (cell.get(..cell.len() - 1)?, 1 << 40),
        b'p' | b'P' => (cell.get(..cell.len() - 1)?, 1 << 50),
        _ => (cell, 1 << 10),
    };
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(part) || part.len() > 4 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let mut bytes = whole.checked_mul(unit)?;
    if !part.is_empty() {
        let scale = 10_i64.checked_pow(u32::try_from(part.len()).ok()?)?;
        bytes = bytes.checked_add(part.parse::<i64>().ok()?.checked_mul(unit)? / scale)?;
    }
    Some(bytes)
}

/// A command without the branches that `--forest` and top's `V` draw before it.
fn without_tree(command: &str) -> &str {
    let branch = command
        .find(|sign| !matches!(sign, ' ' | '|'))
        .and_then(|start| command.get(start..));
    match branch.and_then(|rest| rest.strip_prefix("\\_ ").or(rest.strip_prefix("`- "))) {
        Some(rest) => rest.trim_start(),
        None => command.trim_start(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares() {
        let size =
            |text: &str, expected: Option<i64>| assert_eq!(size_of(text), expected, "{text}");
        size("35116", Some(35_958_784));
        size("1.5g", Some(1_610_612_736));
        size("1,5m", Some(1_572_864));
        size("0", Some(0));
        size("g", None);
        size("-", None);
        size("99999999999999999999", None);
        let share =
            |text: &str, expected: Option<f64>| assert_eq!(number_of(text), expected, "{text}");
        share("99,3", Some(99.3));
        share("0%", Some(0.0));
        share("395", Some(395.0));
        share("x", None);
    }

    #[test]
    fn branches_are_taken_off() {
        let check = |text: &str, expected: &str| assert_eq!(without_tree(text), expected);
        check(" \\_ nginx: worker", "nginx: worker");
        check("  |   \\_ sh -c a | b", "sh -c a | b");
        check("   `- sh", "sh");
        check("sh", "sh");
        check("", "");
    }
}
