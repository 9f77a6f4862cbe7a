//! The bundle as collected: which files it holds, which host each is from, what `case.toml` says, what
//! indicators came with it; every file hashed as it is read, compressed ones opened by content.
//! Nothing here writes to the bundle, and nothing here knows a format of evidence.

mod archive;
mod artifact;
mod bundle;
mod case_file;
mod error;
mod hosts;
mod indicators;
mod limits;
mod open;
mod stored;
mod walk;
mod work_folder;
mod xz;

pub use artifact::Artifact;
pub use bundle::Bundle;
pub use case_file::{CaseFile, HostSpec, parse_zone};
pub use error::EvidenceError;
pub use indicators::{Indicator, IndicatorType, parse_indicators};
pub use limits::{Limits, RATIO_FREE_BYTES};
use open::is_packed;
pub use open::{Opened, open, open_within, peek_within, read_head};
pub use stored::{Digest, OnBytes};
pub use work_folder::WorkFolder;
