//! The lake's tables: columns and types, the same in every file, so that any engine reads all files of a table as one.

use coldcase_timeline::polars::prelude::{DataType, Field, Schema, SchemaRef, TimeUnit, TimeZone};
use coldcase_timeline::{COLUMNS, ColumnType};

/// Type of a column; all are nullable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 64-bit signed number.
    Long,
    /// Number with a fraction.
    Number,
    /// Timestamp in microseconds, UTC.
    Time,
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name, which is its folder's.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Columns beside `case_name`, which is the last of each.
    pub columns: &'static [(&'static str, Kind)],
}

use Kind::{Long, Number, Text, Time};

/// All tables. The timeline's columns are those of a case's timeline.
pub const TABLES: [Table; 11] = [
    Table {
        name: "timeline",
        about: "an event, with the columns of a case's timeline",
        columns: &[],
    },
    Table {
        name: "sightings",
        about: "something that a host has or used: an executable, an image, a cron line, a unit, a key, a listening port, a domain, an address",
        columns: &[
            ("host", Text),
            ("entity_type", Text),
            ("entity", Text),
            ("first_ns", Long),
            ("last_ns", Long),
            ("events", Long),
            ("file", Text),
            ("line_number", Long),
            ("byte_offset", Long),
            ("text", Text),
        ],
    },
    Table {
        name: "hosts",
        about: "a host of a case",
        columns: &[
            ("host", Text),
            ("host_group", Text),
            ("timezone", Text),
            ("machine_id", Text),
            ("os", Text),
            ("kernel", Text),
            ("collected_ns", Long),
            ("events", Long),
        ],
    },
    Table {
        name: "identities",
        about: "who held an address, and when; open ends are null",
        columns: &[
            ("address", Text),
            ("holder_type", Text),
            ("holder", Text),
            ("host", Text),
            ("namespace", Text),
            ("container", Text),
            ("is_local", Long),
            ("start_ns", Long),
            ("end_ns", Long),
            ("source", Text),
        ],
    },
    Table {
        name: "findings",
        about: "a finding",
        columns: &[
            ("id", Text),
            ("correlator", Text),
            ("severity", Text),
            ("severity_rank", Long),
            ("confidence", Number),
            ("title", Text),
            ("first", Time),
            ("last", Time),
            ("first_ns", Long),
            ("last_ns", Long),
            ("host", Text),
            ("subjects", Text),
            ("attack", Text),
            ("facts", Text),
            ("text", Text),
            ("records", Long),
        ],
    },
    Table {
        name: "facts",
        about: "one fact of a finding, as text; lists and objects as JSON",
        columns: &[
            ("finding", Text),
            ("correlator", Text),
            ("name", Text),
            ("value", Text),
        ],
    },
    Table {
        name: "subjects",
        about: "what a finding is about",
        columns: &[
            ("finding", Text),
            ("correlator", Text),
            ("subject_type", Text),
            ("subject", Text),
        ],
    },
    Table {
        name: "evidence",
        about: "a record that a finding rests on",
        columns: &[
            ("finding", Text),
            ("correlator", Text),
            ("ordinal", Long),
            ("ts", Time),
            ("ts_ns", Long),
            ("host", Text),
            ("file", Text),
            ("line_number", Long),
            ("byte_offset", Long),
            ("text", Text),
        ],
    },
    Table {
        name: "conclusions",
        about: "an answer that a case gives",
        columns: &[
            ("kind", Text),
            ("question", Text),
            ("about_type", Text),
            ("about", Text),
            ("answer_type", Text),
            ("answer", Text),
            ("confidence", Number),
            ("candidates", Text),
            ("because", Text),
            ("text", Text),
        ],
    },
    Table {
        name: "inputs",
        about: "a file of the evidence",
        columns: &[
            ("path", Text),
            ("host", Text),
            ("format", Text),
            ("bytes", Long),
            ("sha256", Text),
            ("records", Long),
            ("skipped", Long),
            ("events", Long),
            ("first", Time),
            ("last", Time),
            ("warnings", Text),
        ],
    },
    Table {
        name: "coverage",
        about: "a span that a host's format covers, or a gap in it",
        columns: &[
            ("host", Text),
            ("format", Text),
            ("kind", Text),
            ("first", Time),
            ("last", Time),
            ("first_ns", Long),
            ("last_ns", Long),
        ],
    },
];

/// The table of this name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// Columns and types as the engine has them, `case_name` last.
    pub(crate) fn schema(&self) -> SchemaRef {
        let time = || DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
        let mut schema = Schema::default();
        if self.name == "timeline" {
            for (name, kind) in COLUMNS {
                let kind = match kind {
                    ColumnType::Time => time(),
                    ColumnType::Text => DataType::String,
                    ColumnType::Long => DataType::Int64,
                    ColumnType::Int => DataType::Int32,
                };
                schema.insert(name.into(), kind);
            }
        }
        for (name, kind) in self.columns {
            let kind = match kind {
                Time => time(),
                Text => DataType::String,
                Long => DataType::Int64,
                Number => DataType::Float64,
            };
            schema.insert((*name).into(), kind);
        }
        let case = Field::new("case_name".into(), DataType::String);
        schema.insert(case.name, case.dtype);
        schema.into()
    }

    /// Columns with the names that DuckDB and Spark both have for their types.
    pub fn sql_columns(&self) -> Vec<(String, &'static str)> {
        let columns = self.schema();
        let columns = columns.iter().map(|(name, kind)| {
            let kind = match kind {
                DataType::Int64 => "BIGINT",
                DataType::Int32 => "INT",
                DataType::Float64 => "DOUBLE",
                DataType::Datetime(..) => "TIMESTAMP",
                _ => "STRING",
            };
            (name.to_string(), kind)
        });
        columns.collect()
    }
}
