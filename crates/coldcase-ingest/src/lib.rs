//! Artifact in, events out: the registry of formats and what they share (lines, local times, years of
//! year-less logs, places of a rotated series). A format never sees a correlator, nor another format.

#![allow(
    rustdoc::invalid_rust_codeblocks,
    reason = "what a format's page shows indented is a sample of the artifact"
)]

mod cores;
pub mod formats;
mod json;
mod lines;
mod local_time;
mod registry;
mod scan;
mod services;
mod syslog;
mod table;
mod terminal_text;
pub mod years;

pub use cores::Cores;
pub use lines::{Line, Lines, MAX_LINE};
pub use local_time::{Clock, Zone, ZoneSource};
pub use registry::{
    Format, IngestError, Input, Leftover, Part, Probe, ProbeLine, Sniff, series_key,
};
