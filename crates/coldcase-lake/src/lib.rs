//! Many cases as one lake: a folder of Parquet that polars, DuckDB and Spark read alike (docs/adr/0011, docs/fleet.md).
//!
//! A lake's state is a log of entries, each created as one step: what an entry says is in the lake is there whole, what
//! none says isn't in it. So adders need not know of each other, and one that is killed leaves the lake as it was.
//!
//! In: [`CaseContent`], which whoever knows case folders makes. Out: files, and answers to the fleet's questions
//! ([`ask`]). Deliberately absent: an object store's protocol. A lake is a folder, local, mounted or synced.

mod add;
mod adder;
mod ask;
mod check;
mod content;
mod error;
mod frames;
mod layout;
mod log;
mod pack;
mod parquet;
mod question;
mod questions;
mod remove;
mod sightings;
mod state;
mod tables;
mod texts;

pub use add::{Added, Outcome, add};
pub use ask::{AnswerTable, Limits, Value, ask};
pub use check::{Checked, Trouble, check, clean};
pub use content::{CaseContent, CaseRows, RowDigest};
pub use error::LakeError;
pub use layout::escaped;
pub use pack::{Packed, pack};
pub use question::{Parameter, Question, QuestionError, Step};
pub use questions::questions;
pub use remove::remove;
pub use sightings::host_group;
pub use state::{FileEntry, Lake, State};
pub use tables::{Kind, TABLES, Table, table};
pub use texts::texts_of;
