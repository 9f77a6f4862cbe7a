//! Lease files of the CNI plugin `host-local`: one a handed-out address, named by it and written when it
//! was handed out (`/var/lib/cni/networks/cbr0/10.244.3.7`).
//!
//! The file is there while the address is held. So whoever holds the address when the folder is listed has
//! held it since the file's time, and whoever held it before that had given it back by then.

use coldcase_model::{action, canonical_ip};
use coldcase_timeline::{Timeline, TimelineError};

use super::interval::Interval;

/// The plugin runs before the sandbox counts as started, and clocks are read in different places.
const SLACK_NS: i64 = 60_000_000_000;

/// An address was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub address: String,
    /// Between these moments.
    pub earliest: i64,
    pub latest: i64,
}

impl Lease {
    /// Cuts the intervals of its address to what the lease allows.
    pub fn cut(&self, intervals: &mut [Interval]) {
        for one in intervals
            .iter_mut()
            .filter(|one| one.observable.kind != coldcase_model::ObservableType::Host)
        {
            if one.is_present() && one.ends.earliest >= self.latest {
                one.begins.earliest = one.begins.earliest.max(self.earliest - SLACK_NS);
                one.begins.latest = one.begins.latest.max(self.latest.min(one.ends.earliest));
            } else if one.begins.latest < self.earliest {
                one.ends.latest = one.ends.latest.min(self.latest);
                one.ends.earliest = one.ends.earliest.min(one.ends.latest);
            }
        }
    }
}

/// All leases that listings show.
pub(super) fn read(timeline: &Timeline) -> Result<Vec<Lease>, TimelineError> {
    let rows = timeline.select(&[action::FILE_MODIFIED], &["path", "ts_precision"])?;
    let mut leases = Vec::new();
    for row in 0..rows.rows() {
        let (Some(path), Some(at)) = (rows.text("path", row), rows.long("ts_ns", row)) else {
            continue;
        };
        let Some(address) = leased(path, rows.text("file", row).unwrap_or_default()) else {
            continue;
        };
        let latest = at.saturating_add(span_ns(rows.text("ts_precision", row)));
        leases.push(Lease {
            address,
            earliest: at,
            latest,
        });
    }
    leases.sort_by(|a, b| (&a.address, a.latest).cmp(&(&b.address, b.latest)));
    // Of several listings the newest lease is the one that holds.
    leases.reverse();
    leases.dedup_by(|older, newer| older.address == newer.address);
    leases.reverse();
    Ok(leases)
}

/// The address whose lease this file is. A listing without its folder's name tells by its own.
fn leased(path: &str, listing: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if !name.bytes().any(|byte| byte == b'.' || byte == b':') {
        return None;
    }
    let address = canonical_ip(name)?;
    let is_lease = if folder.is_empty() || folder == "." {
        let listing = listing.to_ascii_lowercase();
        listing.contains("cni") || listing.contains("host-local")
    } else {
        folder.contains("cni/networks/") || folder.ends_with("cni/networks")
    };
    is_lease.then(|| address.into_owned())
}

fn span_ns(precision: Option<&str>) -> i64 {
    match precision {
        Some("day") => 86_400_000_000_000,
        Some("min") => 60_000_000_000,
        Some("s") => 1_000_000_000,
        _ => 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::leased;

    #[test]
    fn lease_files_are_told_by_folder_or_listing() {
        let check = |path: &str, listing: &str, expected: Option<&str>| {
            assert_eq!(
                leased(path, listing).as_deref(),
                expected,
                "{path} {listing}"
            );
        };
        check(
            "/var/lib/cni/networks/cbr0/10.1.2.3",
            "find.txt",
            Some("10.1.2.3"),
        );
        check(
            "10.1.2.3",
            "n/ls_var_lib_cni_networks_cbr0.txt",
            Some("10.1.2.3"),
        );
        check(
            "/var/lib/cni/networks/cbr0/fd00::7",
            "find.txt",
            Some("fd00::7"),
        );
        check(
            "/var/lib/cni/networks/cbr0/last_reserved_ip.0",
            "cni.txt",
            None,
        );
        check("/srv/backups/10.1.2.3", "cni.txt", None);
        check("10.1.2.3", "ls_srv.txt", None);
    }
}
