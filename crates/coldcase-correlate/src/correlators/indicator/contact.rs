//! What a row that holds an indicator says of the contact.

use coldcase_model::{action, outcome};
use serde_json::Value;

use crate::mining::program_of;

/// How much a row says, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contact {
    /// It is in a list, a rule, a log's text.
    Named,
    /// It was tried, and nothing came back.
    Failed,
    /// Something holds it to use it.
    Seen,
    /// It answered, or got in.
    Answered,
}

impl Contact {
    /// Its word in facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Failed => "failed",
            Self::Seen => "seen",
            Self::Answered => "answered",
        }
    }
}

/// What of a row decides.
pub(super) struct Row<'a> {
    pub action: &'a str,
    pub outcome: Option<&'a str>,
    pub response_code: Option<&'a str>,
    pub command: Option<&'a str>,
    pub attributes: Option<&'a str>,
    /// The indicator is in the cells for addresses and names, not only in text.
    pub in_cells: bool,
}

/// Commands that fetch or connect; others of a shell's history mostly look for an address or block it.
const FETCHERS: [&str; 12] = [
    "curl", "wget", "nc", "ncat", "socat", "ssh", "scp", "sftp", "ftp", "git", "docker", "python",
];

/// What a row says.
pub(super) fn contact(row: &Row<'_>) -> Contact {
    let by_outcome = |otherwise| match row.outcome {
        Some(outcome::SUCCESS) => Contact::Answered,
        Some(outcome::FAILURE) => Contact::Failed,
        _ => otherwise,
    };
    match row.action {
        action::TCP_FLOW | action::UDP_FLOW => by_outcome(Contact::Seen),
        action::TCP_ATTEMPTS | action::TCP_ATTEMPTS_ON => Contact::Failed,
        action::SOCKET_LISTED | action::FLOW_LISTED => by_state(row),
        action::DNS_QUERY if row.in_cells => match row.response_code {
            Some("NOERROR") => Contact::Answered,
            _ => Contact::Failed,
        },
        action::DNS_ANSWER if row.in_cells => by_answers(row),
        action::HTTP_REQUEST | action::API_REQUEST => by_outcome(Contact::Answered),
        action::SSH_LOGIN | action::LOGIN => by_outcome(Contact::Failed),
        action::CONNECT => by_outcome(Contact::Seen),
        action::SSH_DISCONNECT | action::SSH_INVALID_USER => Contact::Failed,
        action::SSH_SESSION_OPENED | action::SESSION_OPENED => Contact::Answered,
        action::SHELL_COMMAND => match row.command.map(program_of) {
            Some(program) if FETCHERS.iter().any(|known| program.starts_with(known)) => {
                Contact::Seen
            }
            _ => Contact::Named,
        },
        action::PROCESS_LISTED
        | action::EXEC
        | action::CRON_RUN
        | action::JOB_LISTED
        | action::SERVICE_DEFINED
        | action::SCRIPT_COMMAND
        | action::CONTAINER_LISTED
        | action::CONTAINER_CREATED
        | action::CONTAINER_STARTED
        | action::CONTAINER_EVENT
        | action::IMAGE_CREATED
        | action::IMAGE_LISTED
        | action::IMAGE_CHANGED
        | action::POD_LISTED
        | action::FILE_HASHED => Contact::Seen,
        _ => Contact::Named,
    }
}

fn by_state(row: &Row<'_>) -> Contact {
    let json = parsed(row);
    let state = json
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let unreplied = json.get("unreplied").and_then(Value::as_bool) == Some(true);
    match state {
        _ if unreplied => Contact::Failed,
        "SYN-SENT" | "SYN_SENT" | "SYN-RECV" | "SYN_RECV" => Contact::Failed,
        "ESTAB" | "ESTABLISHED" | "FIN-WAIT-1" | "FIN-WAIT-2" | "CLOSE-WAIT" | "LAST-ACK"
        | "CLOSING" | "TIME-WAIT" | "TIME_WAIT" | "ASSURED" => Contact::Answered,
        _ => Contact::Seen,
    }
}

/// An answer that leads nowhere is none: no address, or one that sinkholes and filters give.
fn by_answers(row: &Row<'_>) -> Contact {
    let is_nowhere =
        |data: &str| matches!(data, "0.0.0.0" | "::" | "::1") || data.starts_with("127.");
    let json = parsed(row);
    let answers = json.get("answers").and_then(Value::as_array);
    let mut data = answers
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("data")?.as_str());
    match row.response_code {
        Some("NOERROR") | None if data.any(|one| !is_nowhere(one)) => Contact::Answered,
        _ => Contact::Failed,
    }
}

fn parsed(row: &Row<'_>) -> Value {
    serde_json::from_str(row.attributes.unwrap_or("{}")).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_how_far_it_went() {
        let check = |action: &str,
                     outcome: Option<&str>,
                     code: Option<&str>,
                     attributes: &str,
                     expected: Contact| {
            let row = Row {
                action,
                outcome,
                response_code: code,
                command: None,
                attributes: Some(attributes),
                in_cells: true,
            };
            assert_eq!(contact(&row), expected, "{action} {outcome:?} {attributes}");
        };
        check(
            action::TCP_FLOW,
            Some("success"),
            None,
            "{}",
            Contact::Answered,
        );
        check(
            action::TCP_FLOW,
            Some("failure"),
            None,
            "{}",
            Contact::Failed,
        );
        check(action::UDP_FLOW, None, None, "{}", Contact::Seen);
        check(
            action::SOCKET_LISTED,
            None,
            None,
            r#"{"state":"ESTAB"}"#,
            Contact::Answered,
        );
        check(
            action::SOCKET_LISTED,
            None,
            None,
            r#"{"state":"SYN-SENT"}"#,
            Contact::Failed,
        );
        check(action::DNS_QUERY, None, None, "{}", Contact::Failed);
        check(
            action::DNS_QUERY,
            None,
            Some("NXDOMAIN"),
            "{}",
            Contact::Failed,
        );
        let answer = |data: &str| {
            format!(r#"{{"answers":[{{"name":"a","type":"A","data":"{data}","ttl":1}}]}}"#)
        };
        check(
            action::DNS_ANSWER,
            None,
            Some("NOERROR"),
            &answer("203.0.113.1"),
            Contact::Answered,
        );
        check(
            action::DNS_ANSWER,
            None,
            Some("NOERROR"),
            &answer("0.0.0.0"),
            Contact::Failed,
        );
        check(
            action::DNS_ANSWER,
            None,
            Some("NXDOMAIN"),
            "{}",
            Contact::Failed,
        );
        check(
            action::SSH_LOGIN,
            Some("failure"),
            None,
            "{}",
            Contact::Failed,
        );
        check(action::FIREWALL_RULE, None, None, "{}", Contact::Named);
        check(action::SHELL_COMMAND, None, None, "{}", Contact::Named);
        check(action::FILE_HASHED, None, None, "{}", Contact::Seen);
    }
}
