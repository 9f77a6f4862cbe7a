//! The whole road as a library: [`analyze`] takes paths of evidence and gives a case; [`write_case`] writes it, and
//! [`query`] asks a written one in SQL. The binary adds arguments, progress and exit codes.
//!
//! # A worked example
//!
//! A folder with one host's auth.log, in which somebody tries passwords until one fits:
//!
//! ```
//! use std::{fs, sync::Arc};
//!
//! use coldcase::{Options, analyze, query, write_case};
//! use coldcase_model::Timestamp;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let host = folder.path().join("evidence/db-07");
//! fs::create_dir_all(&host)?;
//! let mut log = String::new();
//! for second in 0..40 {
//!     log += &format!("May  7 03:00:{second:02} db sshd[{}]: Failed password for root from 192.0.2.9 port 4{second:03} ssh2\n", 100 + second);
//! }
//! log += "May  7 03:01:00 db sshd[999]: Accepted password for root from 192.0.2.9 port 5000 ssh2\n";
//! fs::write(host.join("auth.log"), log)?;
//!
//! // The log has neither zone nor year: say what the evidence doesn't.
//! let options = Options {
//!     timezone: Some(chrono_tz::Asia::Shanghai),
//!     collected_at: Timestamp::parse_rfc3339("2023-05-12T10:20:00+08:00"),
//!     ..Options::default()
//! };
//! let case = folder.path().join("case");
//! let analysis = analyze(&[folder.path().join("evidence")], &case, &options, Arc::new(()))?;
//! write_case(&analysis, &case, &options)?;
//!
//! for conclusion in &analysis.findings.conclusions {
//!     println!("{} {}", conclusion.question, conclusion.answer.value);
//! }
//! for finding in &analysis.findings.findings {
//!     println!("{} {}", finding.severity.as_str(), finding.title);
//!     for record in &finding.evidence {
//!         println!("  {}:{} {}", record.file, record.line.unwrap_or(0), record.text);
//!     }
//! }
//! let guessed = analysis.findings.findings.iter().find(|one| one.correlator == "ssh-auth");
//! assert_eq!(guessed.map(|one| one.facts["pattern"].clone()), Some("brute-force-success".into()));
//!
//! // The same case, asked again later.
//! let answer = query(&case, "SELECT outcome, count(*) AS n FROM timeline GROUP BY outcome")?;
//! for row in 0..answer.rows() {
//!     let cells: Vec<String> = answer.row(row).map(|cell| cell.to_string()).collect();
//!     println!("{}", cells.join(" "));
//! }
//! assert_eq!(answer.rows(), 2);
//! # Ok(())
//! # }
//! ```

mod alerts;
mod artifact_sink;
mod case;
mod case_files;
mod case_place;
mod case_summary;
pub mod check;
mod clock_solver;
mod clocks;
mod coverage;
mod exact_json;
pub mod fleet;
mod host_facts;
mod ingest;
pub mod lake;
mod missing;
mod options;
mod output_place;
mod plan;
mod query;
mod readings;
mod recognise;
mod reports;
mod saved_case;
pub mod schema;
mod swap;
mod verify;

pub use artifact_sink::SkipCount;
pub use case::{Analysis, CaseError, analyze, ingest_only, make_case};
pub use case_files::{summary, write_case};
pub use case_place::replace_file;
pub use host_facts::BundleFacts;
pub use ingest::{InputRecord, Progress};
pub use options::Options;
pub use query::{QueryError, query};
pub use reports::{ReportError, batch, report, write_post_mortem};
pub use saved_case::{SavedCase, SavedCaseError, read_findings};
pub use verify::{Difference, Verified, VerifyError, verify};
