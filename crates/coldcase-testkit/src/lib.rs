//! Dev only: a sink that keeps what it gets, formats run over bytes as the program runs them, and estates on which nothing
//! bad happens.

pub mod captures;
pub mod estate;
pub mod families;
pub mod fleet;
pub mod invariants;
mod recorder;
mod run;

pub use recorder::Recorder;
pub use run::{ingest, ingest_series, sniff};
