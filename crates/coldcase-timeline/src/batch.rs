//! Events in columns, not yet sorted: what an ingest task fills and a dataset seals.

use std::collections::BTreeSet;

use coldcase_model::Event;
use polars::prelude::{
    ChunkApply as _, Column, DataFrame, Int32Type, Int64Chunked, Int64Type, IntoColumn as _,
    IntoSeries as _, PolarsResult, TimeUnit, TimeZone,
};

use crate::COLUMNS;
use crate::column::{NumberColumn, TextColumn};

/// Where a batch's next events are from: the sink knows, the event doesn't.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The artifact's host.
    pub host: Option<&'a str>,
    /// Id of the format.
    pub format: &'a str,
    /// The artifact's path in the bundle.
    pub file: &'a str,
}

/// Events in columns.
#[derive(Default)]
pub struct Batch {
    rows: usize,
    size: usize,
    actions: BTreeSet<&'static str>,
    last_action: &'static str,
    ts_ns: NumberColumn<Int64Type>,
    ts_end_us: NumberColumn<Int64Type>,
    ts_precision: TextColumn,
    ts_basis: TextColumn,
    host: TextColumn,
    format: TextColumn,
    action: TextColumn,
    outcome: TextColumn,
    src_ip: TextColumn,
    dst_ip: TextColumn,
    src_port: NumberColumn<Int32Type>,
    dst_port: NumberColumn<Int32Type>,
    protocol: TextColumn,
    packets: NumberColumn<Int64Type>,
    bytes: NumberColumn<Int64Type>,
    user: TextColumn,
    pid: NumberColumn<Int64Type>,
    ppid: NumberColumn<Int64Type>,
    exe: TextColumn,
    command: TextColumn,
    path: TextColumn,
    container: TextColumn,
    image: TextColumn,
    pod: TextColumn,
    namespace: TextColumn,
    domain: TextColumn,
    query_type: TextColumn,
    response_code: TextColumn,
    attributes: TextColumn,
    message: TextColumn,
    file: TextColumn,
    line: NumberColumn<Int64Type>,
    offset: NumberColumn<Int64Type>,
}

impl Batch {
    /// Rows held.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of text and cells held, roughly: for the limit at which a batch is sealed.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Which actions occur, sorted.
    pub fn actions(&self) -> Vec<&'static str> {
        self.actions.iter().copied().collect()
    }

    /// Adds one row.
    pub fn push(&mut self, event: &Event<'_>, origin: Origin<'_>) {
        let row = self.rows;
        if self.last_action != event.action {
            self.actions.insert(event.action);
            self.last_action = event.action;
        }
        let long = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
        let (when, end) = (event.when, event.ts_end);
        let numbers = self.ts_ns.push(row, when.map(|when| when.ts.nanos()))
            + self.ts_end_us.push(row, end.map(|end| end.micros()))
            + self.src_port.push(row, event.src_port.map(i32::from))
            + self.dst_port.push(row, event.dst_port.map(i32::from))
            + self.packets.push(row, event.packets)
            + self.bytes.push(row, event.bytes)
            + self.pid.push(row, event.pid)
            + self.ppid.push(row, event.ppid)
            + self.line.push(row, long(event.line))
            + self.offset.push(row, long(event.offset));
        let host = event.host.as_deref().or(origin.host);
        let words = self
            .ts_precision
            .push(row, when.map(|when| when.precision.as_str()))
            + self
                .ts_basis
                .push(row, when.map(|when| when.basis.as_str()))
            + self.host.push(row, host)
            + self.format.push(row, Some(origin.format))
            + self.action.push(row, Some(event.action))
            + self.outcome.push(row, event.outcome)
            + self.protocol.push(row, event.protocol)
            + self.file.push(row, Some(origin.file));
        let texts = self.src_ip.push(row, event.src_ip.as_deref())
            + self.dst_ip.push(row, event.dst_ip.as_deref())
            + self.user.push(row, event.user.as_deref())
            + self.exe.push(row, event.exe.as_deref())
            + self.command.push(row, event.command.as_deref())
            + self.path.push(row, event.path.as_deref())
            + self.container.push(row, event.container.as_deref())
            + self.image.push(row, event.image.as_deref())
            + self.pod.push(row, event.pod.as_deref())
            + self.namespace.push(row, event.namespace.as_deref())
            + self.domain.push(row, event.domain.as_deref())
            + self.query_type.push(row, event.query_type.as_deref())
            + self.response_code.push(row, event.response_code.as_deref())
            + self.attributes.push(row, event.attributes.as_deref())
            + self.message.push(row, event.message.as_deref());
        self.rows += 1;
        self.size += numbers + words + texts;
    }

    /// The batch as a frame of the contract's columns, rows as they came.
    pub fn into_frame(self) -> PolarsResult<DataFrame> {
        let rows = self.rows;
        let times = |name: &'static str, micros: Int64Chunked| -> Column {
            let times = micros.with_name(name.into());
            let times = times.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
            times.into_series().into_column()
        };
        let ts_ns = self.ts_ns.finish("ts_ns", rows);
        let micros = ts_ns.apply_values(|nanos| nanos.div_euclid(1_000));
        let columns = vec![
            times("ts", micros),
            ts_ns.into_column(),
            times("ts_end", self.ts_end_us.finish("ts_end", rows)),
            self.ts_precision.finish("ts_precision", rows).into_column(),
            self.ts_basis.finish("ts_basis", rows).into_column(),
            self.host.finish("host", rows).into_column(),
            self.format.finish("format", rows).into_column(),
            self.action.finish("action", rows).into_column(),
            self.outcome.finish("outcome", rows).into_column(),
            self.src_ip.finish("src_ip", rows).into_column(),
            self.dst_ip.finish("dst_ip", rows).into_column(),
            self.src_port.finish("src_port", rows).into_column(),
            self.dst_port.finish("dst_port", rows).into_column(),
            self.protocol.finish("protocol", rows).into_column(),
            self.packets.finish("packets", rows).into_column(),
            self.bytes.finish("bytes", rows).into_column(),
            self.user.finish("user", rows).into_column(),
            self.pid.finish("pid", rows).into_column(),
            self.ppid.finish("ppid", rows).into_column(),
            self.exe.finish("exe", rows).into_column(),
            self.command.finish("command", rows).into_column(),
            self.path.finish("path", rows).into_column(),
            self.container.finish("container", rows).into_column(),
            self.image.finish("image", rows).into_column(),
            self.pod.finish("pod", rows).into_column(),
            self.namespace.finish("namespace", rows).into_column(),
            self.domain.finish("domain", rows).into_column(),
            self.query_type.finish("query_type", rows).into_column(),
            self.response_code
                .finish("response_code", rows)
                .into_column(),
            self.attributes.finish("attributes", rows).into_column(),
            self.message.finish("message", rows).into_column(),
            self.file.finish("file", rows).into_column(),
            self.line.finish("line", rows).into_column(),
            self.offset.finish("offset", rows).into_column(),
        ];
        debug_assert_eq!(columns.len(), COLUMNS.len());
        DataFrame::new(rows, columns)
    }
}
