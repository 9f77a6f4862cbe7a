//! The whole road as a library: [`analyze`] takes paths of evidence and gives a case; the binary adds
//! arguments, progress and exit codes.

mod alerts;
mod artifact_sink;
mod case;
mod case_files;
mod case_place;
mod clock_solver;
mod clocks;
mod coverage;
mod host_facts;
mod ingest;
mod missing;
mod options;
mod output_place;
mod plan;
mod readings;
mod saved_case;
mod swap;
mod verify;

pub use artifact_sink::SkipCount;
pub use case::{Analysis, CaseError, analyze, ingest_only, make_case};
pub use case_files::{summary, write_case};
pub use case_place::replace_file;
pub use host_facts::BundleFacts;
pub use ingest::{InputRecord, Progress};
pub use options::Options;
pub use saved_case::{SavedCase, SavedCaseError};
pub use verify::{Difference, Verified, VerifyError, verify};
