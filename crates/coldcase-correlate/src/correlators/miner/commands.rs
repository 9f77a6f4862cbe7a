//! Commands that start miners, as scripts, jobs, units and containers hold them.

use coldcase_model::{EvidenceRecord, action};
use coldcase_timeline::{TextSign, Timeline, TimelineError};

use crate::evidence::record;
use crate::mining::{is_miner_command, program_of};

/// A miner's command that something other than a process holds.
pub(super) struct Started {
    pub host: Option<String>,
    /// The program that it starts.
    pub program: String,
    pub command: String,
    pub record: EvidenceRecord,
}

/// All of them, each command of a host once.
pub(super) fn read(timeline: &Timeline) -> Result<Vec<Started>, TimelineError> {
    let actions = [
        action::SCRIPT_COMMAND,
        action::JOB_LISTED,
        action::SERVICE_DEFINED,
        action::CONTAINER_LISTED,
        action::CONTAINER_CREATED,
        action::CONTAINER_EVENT,
        action::EXEC,
        action::CRON_RUN,
        action::SHELL_COMMAND,
    ];
    // Audit logs hold commands by the million: each part is sorted out where it is read.
    let mining: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["command"], &is_miner_command)]];
    let rows = timeline.select_texts(&actions, &["host", "command"], &mining)?;
    let mut found: Vec<Started> = Vec::new();
    for row in 0..rows.rows() {
        let Some(command) = rows
            .text("command", row)
            .filter(|text| is_miner_command(text))
        else {
            continue;
        };
        let host = rows.text("host", row);
        let known = |one: &Started| one.host.as_deref() == host && one.command == command;
        if !found.iter().any(known) {
            found.push(Started {
                host: host.map(str::to_owned),
                program: program(command).to_owned(),
                command: command.to_owned(),
                record: record(&rows, row),
            });
        }
    }
    Ok(found)
}

/// The program that mines: the first word, or the one behind what only starts it.
fn program(command: &str) -> &str {
    let mut words = command.split_whitespace();
    let starts = |word: &&str| {
        super::STARTERS.contains(&program_of(word)) || word.starts_with('-') || word.contains('=')
    };
    words.find(|word| !starts(word)).map_or("", program_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_behind_what_starts_them() {
        let check =
            |command: &str, expected: &str| assert_eq!(program(command), expected, "{command}");
        check("/bin/mac -o stratum+tcp://a.b:1", "mac");
        check("nohup ./x -o stratum+tcp://a.b:1 &", "x");
        check("A=b sudo -E /opt/xmrig", "xmrig");
        check("sh", "");
    }
}
