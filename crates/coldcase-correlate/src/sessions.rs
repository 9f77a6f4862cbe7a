//! Logins in rows: what correlators over sshd's decisions share.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{action, outcome};
use coldcase_timeline::polars::prelude::{NULL, col, lit, when};
use coldcase_timeline::{Selection, Timeline, TimelineError};

/// One decision of sshd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Login<'a> {
    /// Row in the selection.
    pub row: usize,
    /// When, in nanoseconds; unknown in a log whose year nothing gives.
    pub ts: Option<i64>,
    /// Whether it let in.
    pub success: bool,
    /// The account.
    pub user: &'a str,
    /// Identity of the connection: process and port of one host.
    pub connection: (i64, i32),
    /// The log that says so.
    file: &'a str,
}

impl Login<'_> {
    /// Whether another log of the host says the same: a syslog that writes authpriv into two files, or the
    /// journal beside syslog.
    fn is_copy_of(&self, other: &Self) -> bool {
        let said = |login: &Self| (login.success, login.connection);
        self.is_near(other)
            && said(self) == said(other)
            && self.user == other.user
            && self.file != other.file
    }

    fn is_near(&self, other: &Self) -> bool {
        let apart = self.ts.zip(other.ts).map(|(a, b)| a.abs_diff(b));
        apart.is_some_and(|apart| apart <= COPY_NS)
    }
}

/// Seconds within which the same account, let in from the same source, mends a failure: a person who mistyped, or a
/// client with an old password and a good key. A job that tries passwords comes back minutes later, or under another account.
pub(crate) const MENDED_SECONDS: i64 = 120;
/// Failures that one success mends: sshd itself cuts a connection after 6. More are guesses.
pub(crate) const MOST_MENDED: usize = 6;

/// Rows of failures that a success of the same account soon after makes harmless. `logins` are those of one source on one
/// host, in order of time.
pub(crate) fn mended(logins: &[Login<'_>]) -> BTreeSet<usize> {
    let mut rows = BTreeSet::new();
    for (index, login) in logins.iter().enumerate() {
        let Some(ts) = login.ts.filter(|_| login.success) else {
            continue;
        };
        let soon = |other: &&Login<'_>| {
            let apart = other.ts.map(|before| ts.saturating_sub(before));
            apart.is_some_and(|apart| apart <= MENDED_SECONDS * 1_000_000_000)
        };
        let earlier = logins.iter().take(index).rev().take_while(soon);
        let own = earlier.filter(|other| other.user == login.user);
        let failed: Vec<usize> = own
            .take_while(|other| !other.success)
            .map(|other| other.row)
            .collect();
        if failed.len() <= MOST_MENDED {
            rows.extend(failed);
        }
    }
    rows
}

/// The same record in two logs has times that differ by their precision and by the way between the writers.
const COPY_NS: u64 = 2_000_000_000;

/// Logins by source address and host logged into, each in time order; undated ones last, in order of line.
pub(crate) type LoginsBySource<'a> = BTreeMap<(&'a str, &'a str), Vec<Login<'a>>>;

/// The rows that [`by_source`] reads. `attributes` are those of successes alone, and no messages: a log of a
/// brute force has millions of failures.
pub(crate) fn select(timeline: &Timeline) -> Result<Selection, TimelineError> {
    let columns = [
        "host",
        "src_ip",
        "src_port",
        "user",
        "pid",
        "outcome",
        "attributes",
        "ts_basis",
    ];
    timeline.select_where(&[action::SSH_LOGIN], &columns, |rows| {
        let success = col("outcome").eq(lit(outcome::SUCCESS));
        rows.with_column(
            when(success)
                .then(col("attributes"))
                .otherwise(lit(NULL))
                .alias("attributes"),
        )
    })
}

/// Groups logins that have a source.
pub(crate) fn by_source(rows: &Selection) -> LoginsBySource<'_> {
    let mut groups: LoginsBySource<'_> = BTreeMap::new();
    // Only where logs of several files tell of a source can one be a copy of another.
    let mut in_several: BTreeMap<(&str, &str), (&str, bool)> = BTreeMap::new();
    let (times, sources, hosts) = (
        rows.longs("ts_ns"),
        rows.texts("src_ip"),
        rows.texts("host"),
    );
    let (users, outcomes) = (rows.texts("user"), rows.texts("outcome"));
    let files = rows.texts("file");
    let (pids, ports) = (rows.longs("pid"), rows.ints("src_port"));
    for row in 0..rows.rows() {
        let Some(&Some(source)) = sources.get(row) else {
            continue;
        };
        let ts = times.get(row).copied().flatten();
        let host = hosts.get(row).copied().flatten().unwrap_or_default();
        let connection = (
            pids.get(row).copied().flatten().unwrap_or(-1),
            ports.get(row).copied().flatten().unwrap_or(-1),
        );
        let success = outcomes.get(row).copied().flatten() == Some(outcome::SUCCESS);
        let user = users.get(row).copied().flatten().unwrap_or_default();
        let file = files.get(row).copied().flatten().unwrap_or_default();
        let login = Login {
            row,
            ts,
            success,
            user,
            connection,
            file,
        };
        let (first_file, several) = in_several.entry((source, host)).or_insert((file, false));
        *several |= *first_file != file;
        let group = groups.entry((source, host)).or_default();
        let near = group.iter().rev().take_while(|other| login.is_near(other));
        let is_copy = *several && near.into_iter().any(|other| login.is_copy_of(other));
        if !is_copy {
            group.push(login);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logins as (seconds, let in, account); the failures that are mended, by their place.
    fn check(logins: &[(i64, bool, &str)], expected: &[usize]) {
        let logins: Vec<Login<'_>> = logins
            .iter()
            .enumerate()
            .map(|(row, (second, success, user))| Login {
                row,
                ts: Some(second * 1_000_000_000),
                success: *success,
                user,
                connection: (i64::try_from(row).expect("few"), 0),
                file: "secure",
            })
            .collect();
        let rows: Vec<usize> = mended(&logins).into_iter().collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_success_of_the_same_account_soon_after_mends() {
        check(
            &[(0, false, "ann"), (9, false, "ann"), (20, true, "ann")],
            &[0, 1],
        );
        check(&[(0, false, "ann"), (20, true, "bob")], &[]);
        check(&[(0, false, "ann"), (121, true, "ann")], &[]);
        // Another success between: the first failure belonged to that.
        check(
            &[(0, false, "ann"), (5, true, "ann"), (10, true, "ann")],
            &[0],
        );
        // Others come in by the same translated address meanwhile.
        check(
            &[(0, false, "ann"), (5, true, "bob"), (10, true, "ann")],
            &[0],
        );
    }

    #[test]
    fn a_run_of_guesses_is_not_mended() {
        let mut logins: Vec<(i64, bool, &str)> = (0..7).map(|at| (at * 5, false, "root")).collect();
        logins.push((40, true, "root"));
        check(&logins, &[]);
    }
}
