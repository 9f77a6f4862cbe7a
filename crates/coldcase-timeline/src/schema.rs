//! The timeline's columns: names, order and types, as others read them.

/// Type of a column; DuckDB, Spark and polars read each alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Timestamp in microseconds, UTC.
    Time,
    /// UTF-8 text.
    Text,
    /// 64-bit signed number.
    Long,
    /// 32-bit signed number.
    Int,
}

use ColumnType::{Int, Long, Text, Time};

/// All columns in order.
pub const COLUMNS: [(&str, ColumnType); 34] = [
    ("ts", Time),
    ("ts_ns", Long),
    ("ts_end", Time),
    ("ts_precision", Text),
    ("ts_basis", Text),
    ("host", Text),
    ("format", Text),
    ("action", Text),
    ("outcome", Text),
    ("src_ip", Text),
    ("dst_ip", Text),
    ("src_port", Int),
    ("dst_port", Int),
    ("protocol", Text),
    ("packets", Long),
    ("bytes", Long),
    ("user", Text),
    ("pid", Long),
    ("ppid", Long),
    ("exe", Text),
    ("command", Text),
    ("path", Text),
    ("container", Text),
    ("image", Text),
    ("pod", Text),
    ("namespace", Text),
    ("domain", Text),
    ("query_type", Text),
    ("response_code", Text),
    ("attributes", Text),
    ("message", Text),
    ("file", Text),
    ("line", Long),
    ("offset", Long),
];
