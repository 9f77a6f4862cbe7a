//! Failures that a success soon after makes harmless.

use std::collections::BTreeSet;

use super::Login;

/// Seconds within which the same account, let in from the same source, mends a failure: a person who mistyped, or a
/// client with an old password and a good key. A job that tries passwords comes back minutes later, or under another account.
pub(crate) const MENDED_SECONDS: i64 = 120;
/// Failures that one success mends: sshd itself cuts a connection after 6. More are guesses.
pub(crate) const MOST_MENDED: usize = 6;

/// Failures that a success of the same account soon after makes harmless, by their place among the logins of one source
/// on one host, which are in order of time.
pub(crate) fn mended(logins: &[Login]) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    for (index, login) in logins.iter().enumerate() {
        let Some(ts) = login.ts().filter(|_| login.success) else {
            continue;
        };
        let soon = |(_, other): &(usize, &Login)| {
            let apart = other.ts().map(|before| ts.saturating_sub(before));
            apart.is_some_and(|apart| apart <= MENDED_SECONDS * 1_000_000_000)
        };
        let earlier = logins.iter().enumerate().take(index).rev().take_while(soon);
        let own = earlier.filter(|(_, other)| other.user == login.user);
        let failed: Vec<usize> = own
            .take_while(|(_, other)| !other.success)
            .map(|(place, _)| place)
            .collect();
        if failed.len() <= MOST_MENDED {
            places.extend(failed);
        }
    }
    places
}
