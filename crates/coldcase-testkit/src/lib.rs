//! Dev only: a sink that keeps what it gets, formats run over bytes as the program runs them, where files of other
//! projects lie, and estates on which nothing bad happens.

pub mod captures;
pub mod corpora;
pub mod estate;
pub mod families;
pub mod fleet;
pub mod invariants;
mod recorder;
mod run;

pub use recorder::{Recorder, attributes};
pub use run::{clock, ingest, ingest_series, sniff, winner};
