//! What a caller may set.

use std::path::PathBuf;

use chrono_tz::Tz;
use coldcase_evidence::Limits;
use coldcase_model::Timestamp;
use coldcase_report::Lang;

/// What a caller may set beside the paths of the evidence.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Zone of local-time logs where the bundle says nothing.
    pub timezone: Option<Tz>,
    /// Newest moment that the evidence can show, where `case.toml` does not say.
    pub collected_at: Option<Timestamp>,
    /// Files of indicators.
    pub iocs: Vec<PathBuf>,
    /// Threads; all cores where it is not set (docs/adr/0014). Who makes several cases at once gives each its own: in one
    /// pool a thread that waits for one case would begin with another.
    pub threads: Option<usize>,
    /// Ids of formats and correlators to run; empty: all.
    pub only: Vec<String>,
    /// The language of reports.
    pub lang: Lang,
    /// How far archives and packed files are unpacked.
    pub limits: Limits,
    /// Whether a case in the place of the new one gives what it read of inputs that have not changed.
    pub incremental: bool,
}
