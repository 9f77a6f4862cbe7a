//! The words of coldcase: the timeline's event and its times, provenance, observables, findings and
//! conclusions. No IO, no clock, no randomness; every other crate speaks these types.

mod attributes;
mod event;
mod finding;
mod format_id;
mod nearest;
mod observable;
mod sink;
mod time;
mod words;

pub use attributes::Attributes;
pub use event::{Event, action, outcome};
pub use finding::{Conclusion, EvidenceRecord, Finding, Findings, SCHEMA, Severity, stable_id};
pub use format_id::KnownFormat;
pub use nearest::{is_slip, nearest};
pub use observable::{Observable, ObservableType, canonical_domain, canonical_ip};
pub use sink::{Counts, Place, Sink};
pub use time::{Basis, Precision, Timestamp, When};
pub use words::{Word, interned};
