//! What systemd says of units, of the clock and of going down. A line that names a unit's description alone has it in
//! `description`; since version 250 the unit's name stands before it.
//!
//! Sources: `src/core/unit.c`, `src/core/job.c`, `src/core/service.c`, `src/shutdown/shutdown.c` of systemd 219 to 255.

use coldcase_model::{action, outcome};

use super::row::Row;

/// Endings of units' names.
const KINDS: [&str; 11] = [
    ".service",
    ".socket",
    ".timer",
    ".target",
    ".mount",
    ".automount",
    ".swap",
    ".path",
    ".slice",
    ".scope",
    ".device",
];

/// Fills the row of a manager's message; `None` where its wording is none of these.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    if message.starts_with("Time has been changed") {
        row.set(action::CLOCK_CHANGED, None)
            .text("program", "systemd");
        return Some(());
    }
    if message == "Shutting down." {
        row.set(action::SHUTDOWN, None).text("program", "systemd");
        return Some(());
    }
    if let Some((unit, rest)) = message.split_once(": ")
        && is_unit(unit)
    {
        return of_unit(unit, rest, row);
    }
    if let Some(rest) = message.strip_prefix("Unit ") {
        let unit = rest.strip_suffix(" entered failed state.")?;
        row.unit = Some(unit);
        row.text("program", "systemd").text("result", "failed");
        return Some(());
    }
    let failed = message.strip_prefix("Failed to start ");
    let (what, name) = match failed {
        Some(name) => ("", name),
        None => message.split_once(' ')?,
    };
    let name = match name.split_once(". See '") {
        Some((name, _)) => name,
        None => name.trim_end_matches('.'),
    };
    let (action, result) = match what {
        "Started" | "Finished" => (action::SERVICE_STARTED, Some(outcome::SUCCESS)),
        "" if failed.is_some() => (action::SERVICE_STARTED, Some(outcome::FAILURE)),
        "Stopped" => (action::SERVICE_STOPPED, None),
        "Starting" | "Stopping" => (action::LOG, None),
        _ => return None,
    };
    if name.starts_with("Session ") || name.starts_with("session-") || name.starts_with("target ") {
        return None;
    }
    row.set(action, result).text("program", "systemd");
    match name.split_once(" - ") {
        Some((unit, description)) if is_unit(unit) => {
            row.unit = Some(unit);
            row.text("description", description);
        }
        _ if is_unit(name) => row.unit = Some(name),
        _ => drop(row.text("description", name)),
    }
    Some(())
}

/// `docker.service: Main process exited, code=killed, status=9/KILL`, `docker.service: Failed with result 'signal'.`,
/// `docker.service: Deactivated successfully.`, before version 246 `Succeeded.`
fn of_unit<'a>(unit: &'a str, rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    row.unit = Some(unit);
    row.text("program", "systemd");
    if let Some(result) = rest
        .strip_prefix("Main process exited, ")
        .or_else(|| rest.strip_prefix("main process exited, "))
    {
        row.set(action::SERVICE_STOPPED, None);
        row.text("result", result);
    } else if let Some(result) = rest.strip_prefix("Failed with result '") {
        row.text("result", result.trim_end_matches(['.', '\'']));
    } else if unit.ends_with(".service")
        && matches!(rest, "Deactivated successfully." | "Succeeded.")
    {
        row.set(action::SERVICE_STOPPED, None);
        row.text("result", "success");
    }
    Some(())
}

fn is_unit(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:\\".contains(&byte);
    KINDS.iter().any(|kind| name.ends_with(kind)) && name.bytes().all(plain)
}

/// `Powering off.`, `Rebooting.`: the last words of `systemd-shutdown`.
pub fn shutdown(message: &str, row: &mut Row<'_>) -> Option<()> {
    let starts = ["Powering off", "Rebooting", "Halting system"];
    if !starts.iter().any(|start| message.starts_with(start)) {
        return None;
    }
    row.set(action::SHUTDOWN, None)
        .text("program", "systemd-shutdown");
    Some(())
}
