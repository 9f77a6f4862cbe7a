//! Findings joined into answers.

use coldcase_model::{Conclusion, Finding};

use crate::CaseFacts;

/// The conclusions that these findings allow.
pub fn join(_findings: &[Finding], _facts: &CaseFacts) -> Vec<Conclusion> {
    Vec::new()
}
