//! What checkers of a host's integrity say: rkhunter, chkrootkit, and package managers that verify files.

mod chkrootkit;
mod package_verify;
mod rkhunter;

pub use chkrootkit::FORMAT as CHKROOTKIT;
pub use package_verify::FORMAT as PACKAGE_VERIFY;
pub use rkhunter::FORMAT as RKHUNTER;

/// The first absolute path that a text names, without quotes and what follows it.
fn path_in(text: &str) -> Option<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "'\"`()[]<>,;".contains(c));
    words
        .map(|word| word.trim_end_matches([':', '.']))
        .find(|word| word.starts_with('/') && word.len() > 2)
}
