//! The logins of some sources, each counted once: what the heat map and the matched series are drawn from.

use std::collections::BTreeSet;

use coldcase_model::{action, outcome};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Timeline, TimelineError};

/// The same decision in two logs of a host has times that differ by their precision.
const COPY_NS: i64 = 2_000_000_000;
/// Logins kept; of a source with more, the later ones are counted by the finding alone.
pub(super) const MOST: usize = 200_000;

/// One decision of sshd.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub ts: i64,
    pub source: String,
    pub host: String,
    pub success: bool,
    /// Process and port of one host.
    pub connection: (i64, i32),
    file: String,
    user: String,
}

/// Dated logins of these sources in order of time; what another log of the host says again is left out.
pub(super) fn read(
    timeline: &Timeline,
    sources: &BTreeSet<String>,
) -> Result<Vec<Login>, TimelineError> {
    let mut found: Vec<Login> = Vec::new();
    let wanted = sources
        .iter()
        .map(|source| col("src_ip").eq(lit(source.as_str())));
    let Some(wanted) = wanted.reduce(|a, b| a.or(b)) else {
        return Ok(found);
    };
    let columns = ["src_ip", "host", "src_port", "pid", "outcome", "user"];
    let rows = timeline.select_where(&[action::SSH_LOGIN], &columns, |rows| {
        rows.filter(wanted.clone())
    })?;
    for row in 0..rows.rows() {
        let Some(ts) = rows.long("ts_ns", row) else {
            continue;
        };
        let text = |name: &str| rows.text(name, row).unwrap_or_default().to_owned();
        let login = Login {
            ts,
            source: text("src_ip"),
            host: text("host"),
            success: rows.text("outcome", row) == Some(outcome::SUCCESS),
            connection: (
                rows.long("pid", row).unwrap_or(-1),
                rows.int("src_port", row).unwrap_or(-1),
            ),
            file: text("file"),
            user: text("user"),
        };
        let mut near = found
            .iter()
            .rev()
            .take_while(|other| ts - other.ts <= COPY_NS);
        if !near.any(|other| login.is_copy_of(other)) {
            found.push(login);
        }
        if found.len() >= MOST {
            break;
        }
    }
    Ok(found)
}

impl Login {
    fn is_copy_of(&self, other: &Self) -> bool {
        self.file != other.file
            && (self.success, self.connection) == (other.success, other.connection)
            && (&self.source, &self.host, &self.user) == (&other.source, &other.host, &other.user)
    }
}
