//! Timeline in, findings out. A correlator states facts from the timeline and the case's facts; it never
//! opens a file. Conclusions join findings into answers.

mod attempts;
mod conclusions;
pub mod correlators;
mod evidence;
mod facts;
mod identity;
mod indicators;
mod logins;
mod mining;
mod names;
mod packed;
mod processes;
mod registry;
mod time_of_day;
mod view;

pub use evidence::Draft;
pub use facts::{
    CaseFacts, Coverage, HostFacts, Indicator, IndicatorType, Skew, is_internal, merge_spans,
};
pub use identity::{Fit, Holder, Identities, Resolution};
pub use registry::{CorrelateError, Correlator, run};
pub use view::View;
