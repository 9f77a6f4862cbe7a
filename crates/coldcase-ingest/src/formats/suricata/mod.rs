//! Logs of Suricata, and Snort's alerts in the same one-line form. Each format has a file here with its page.

mod eve;
mod eve_alert;
mod eve_dns;
mod eve_flow;
mod eve_other;
mod fast;

pub use eve::FORMAT as EVE;
pub use fast::FORMAT as FAST;

use crate::{Probe, Sniff};

/// Sure where most of the first lines are the format's own.
fn most_lines(probe: &Probe<'_>, looked_at: usize, is_own: impl Fn(&str) -> bool) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut lines, mut own) = (0, 0);
    for line in probe.lines().take(looked_at) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        lines += 1;
        own += usize::from(is_own(&String::from_utf8_lossy(line)));
    }
    match own * 2 > lines {
        true => Sniff::Sure,
        false => Sniff::No,
    }
}
