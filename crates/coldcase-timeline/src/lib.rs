//! The timeline as columns: a batch that events are pushed into, a Parquet dataset that batches are
//! sealed to, and selections of it for correlators and exports. This is the only crate whose API
//! names polars types. Schema: CONTRACT's columns, in its order ([`COLUMNS`]).

mod batch;
mod column;
mod dataset;
mod error;
mod filter;
mod kept_columns;
mod order;
mod part_cells;
mod part_column;
mod part_rows;
mod rewrite;
mod schema;
mod select;
mod selection;
pub mod sql;
mod taken_over;
mod text_sign;
mod threads;
mod words;
mod write;

pub use batch::{Batch, Origin};
pub use dataset::{DatasetWriter, PartInfo};
pub use error::TimelineError;
pub use filter::Filter;
pub use part_cells::{PartCells, Run};
pub use polars;
pub use schema::{COLUMNS, ColumnType};
pub use select::{RowPlace, Timeline};
pub use selection::Selection;
pub use taken_over::EarlierPart;
pub use text_sign::TextSign;
pub use threads::threads;
