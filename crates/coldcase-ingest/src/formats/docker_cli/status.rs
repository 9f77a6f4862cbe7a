//! The STATUS and STATE of a container: `Up 8 hours (healthy)`, `Exited (137) 3 hours ago`, `Restarting (1) 5 seconds
//! ago`, `Created`, crictl's `Running` and `CONTAINER_EXITED`, podman's `Exited (0) 3 days ago (Paused)`.

use super::ago::Age;

/// A status taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status<'a> {
    /// `running`, `exited`, `created`, ... as inspect output names it.
    pub state: &'static str,
    /// What stands in parentheses behind Exited and Restarting.
    pub exit_code: Option<i64>,
    /// Since the last end.
    pub finished: Option<Age>,
    /// Since the start.
    pub up: Option<Age>,
    /// `healthy`, `unhealthy`, `starting`.
    pub health: Option<&'a str>,
}

/// Words that a status begins with and what the engine's own state is called.
const STATES: [(&str, &str); 18] = [
    ("Up", "running"),
    ("Running", "running"),
    ("Exited", "exited"),
    ("Exit", "exited"),
    ("Created", "created"),
    ("Restarting", "restarting"),
    ("Removal", "removing"),
    ("Removing", "removing"),
    ("Dead", "dead"),
    ("Paused", "paused"),
    ("Stopped", "exited"),
    ("Stopping", "stopping"),
    ("Initialized", "initialized"),
    ("Configured", "configured"),
    ("Ready", "ready"),
    ("NotReady", "notready"),
    ("ContainerCreating", "creating"),
    ("Unknown", "unknown"),
];

impl<'a> Status<'a> {
    /// Reads a status; `None` for a text that is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let bare = word
            .strip_prefix("CONTAINER_")
            .or_else(|| word.strip_prefix("SANDBOX_"))
            .unwrap_or(word);
        let known = STATES
            .iter()
            .find(|(state, _)| state.eq_ignore_ascii_case(bare));
        let mut status = Self {
            state: known?.1,
            ..Self::default()
        };
        let mut rest = rest.trim();
        if let Some((code, behind)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            status.exit_code = code.parse().ok();
            if status.exit_code.is_some() {
                rest = behind.trim();
            }
        } else if status.state == "exited" && rest.parse::<i64>().is_ok() {
            status.exit_code = rest.parse().ok();
            return Some(status);
        }
        if let Some((age, behind)) = Age::read(rest) {
            match status.state {
                "running" => status.up = Some(age),
                "exited" | "dead" => status.finished = Some(age),
                _ => {}
            }
            rest = behind;
        }
        for note in rest.split(['(', ')']).map(str::trim) {
            match note {
                "Paused" => status.state = "paused",
                "healthy" | "unhealthy" => status.health = Some(note),
                _ => {
                    let health = note.strip_prefix("health: ");
                    status.health = health.or(status.health);
                }
            }
        }
        Some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let check = |text: &str, expected: &str| {
            let got = Status::parse(text).map_or("none".to_owned(), |status| {
                let age =
                    |age: Option<Age>| age.map_or("-".to_owned(), |age| age.seconds.to_string());
                let code = status
                    .exit_code
                    .map_or("-".to_owned(), |code| code.to_string());
                format!(
                    "{} {code} {} {} {}",
                    status.state,
                    age(status.finished),
                    age(status.up),
                    status.health.unwrap_or("-")
                )
            });
            assert_eq!(got, expected, "{text}");
        };
        check("Up 8 hours", "running - - 28800 -");
        check("Up 2 days (healthy)", "running - - 172800 healthy");
        check(
            "Up 3 minutes (health: starting)",
            "running - - 180 starting",
        );
        check("Up About an hour (Paused)", "paused - - 3600 -");
        check("Up 2 hours ago", "running - - 7200 -");
        check("Exited (137) 2 hours ago", "exited 137 7200 - -");
        check("Exited (0) Less than a second ago", "exited 0 0 - -");
        check("Restarting (1) 5 seconds ago", "restarting 1 - - -");
        check("Exit 0", "exited 0 - - -");
        check("Created", "created - - - -");
        check("Removal In Progress", "removing - - - -");
        check("CONTAINER_EXITED", "exited - - - -");
        check("NotReady", "notready - - - -");
        check("0.0.0.0:80->80/tcp", "none");
        check("", "none");
    }
}
