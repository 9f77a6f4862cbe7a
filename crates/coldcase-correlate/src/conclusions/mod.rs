//! Findings joined into answers.

use coldcase_model::{Conclusion, Finding};

use crate::CaseFacts;

mod dns_origin;

/// The conclusions that these findings allow.
pub fn join(findings: &[Finding], _facts: &CaseFacts) -> Vec<Conclusion> {
    dns_origin::conclude(findings)
}
