//! What log daemons say of themselves: starts, ends, reopened files, and messages that they dropped. Where a log has a gap,
//! these tell whether logging stood still. `logging` is started, stopped or reopened; `lost` how many messages were dropped.

use super::row::Row;

/// Fills the row of a log daemon's message; `None` where it is about something else.
pub fn read(program: &str, message: &str, row: &mut Row<'_>) -> Option<()> {
    let (state, lost) = (state(program, message), lost(message));
    if state.is_none() && lost.is_none() {
        return None;
    }
    row.text("program", program)
        .text("logging", state.unwrap_or_default());
    row.attributes.number_if("lost", lost);
    if let Some((_, signal)) = message.split_once("exiting on signal ") {
        row.text("signal", signal.trim_end_matches('.'));
    }
    Some(())
}

fn state(program: &str, message: &str) -> Option<&'static str> {
    let said = match message.strip_prefix("[origin ") {
        Some(rest) => rest.split_once("] ").map(|(_, said)| said)?,
        None => message,
    };
    if said.contains("exiting on signal") {
        return Some("stopped");
    }
    if program == "systemd-journald" || program == "systemd-journal" {
        return match said {
            "Journal started" => Some("started"),
            "Journal stopped" => Some("stopped"),
            _ => None,
        };
    }
    let version = said.starts_with("syslogd ") && said.trim_end_matches('.').ends_with(": restart");
    let starts = ["syslog-ng starting up", "syslogd started", "(re)start"];
    if version
        || said == "start"
        || said == "restart"
        || starts.iter().any(|start| said.starts_with(start))
    {
        return Some("started");
    }
    let stops = ["syslog-ng shutting down", "exiting"];
    if stops.iter().any(|stop| said.starts_with(stop)) {
        return Some("stopped");
    }
    let reopened =
        said.contains("was HUPed") || said.starts_with("Configuration reload request received");
    reopened.then_some("reopened")
}

/// `imjournal: 120 messages lost due to rate-limiting`, `Suppressed 12 messages from app.service`.
fn lost(message: &str) -> Option<u64> {
    let (before, _) = message
        .split_once(" messages lost due to rate-limiting")
        .or_else(|| {
            message
                .split_once(" messages from ")
                .filter(|_| message.starts_with("Suppressed "))
        })?;
    before.rsplit(' ').next()?.parse().ok()
}
