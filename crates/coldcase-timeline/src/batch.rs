//! Events in columns, not yet sorted: what an ingest task fills and a dataset seals.

use coldcase_model::Event;
use polars::prelude::{
    Column, DataFrame, IntoColumn, NamedFrom, NewChunkedArray, PlSmallStr, PolarsResult, Series,
    StringChunked, TimeUnit, TimeZone,
};
use polars::prelude::{Int64Chunked, IntoSeries};

use crate::text_column::TextColumn;

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
#[derive(Debug, Default)]
pub struct Batch {
    ts_ns: Vec<Option<i64>>,
    ts_end_us: Vec<Option<i64>>,
    ts_precision: Vec<Option<&'static str>>,
    ts_basis: Vec<Option<&'static str>>,
    host: TextColumn,
    format: TextColumn,
    action: Vec<&'static str>,
    outcome: Vec<Option<&'static str>>,
    src_ip: TextColumn,
    dst_ip: TextColumn,
    src_port: Vec<Option<i32>>,
    dst_port: Vec<Option<i32>>,
    protocol: Vec<Option<&'static str>>,
    packets: Vec<Option<i64>>,
    bytes: Vec<Option<i64>>,
    user: TextColumn,
    pid: Vec<Option<i64>>,
    ppid: Vec<Option<i64>>,
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
    line: Vec<Option<i64>>,
    offset: Vec<Option<i64>>,
}

impl Batch {
    /// Rows held.
    pub fn rows(&self) -> usize {
        self.action.len()
    }

    /// Bytes of text and cells held, roughly: for the limit at which a batch is sealed.
    pub fn size(&self) -> usize {
        let texts = self
            .texts()
            .iter()
            .map(|(_, column)| column.size())
            .sum::<usize>();
        texts + self.rows() * 200
    }

    /// Adds one row.
    pub fn push(&mut self, event: &Event<'_>, origin: Origin<'_>) {
        self.ts_ns.push(event.when.map(|when| when.ts.nanos()));
        self.ts_end_us.push(event.ts_end.map(|end| end.micros()));
        self.ts_precision
            .push(event.when.map(|when| when.precision.as_str()));
        self.ts_basis
            .push(event.when.map(|when| when.basis.as_str()));
        self.host.push(event.host.as_deref().or(origin.host));
        self.format.push(Some(origin.format));
        self.action.push(event.action);
        self.outcome.push(event.outcome);
        self.src_ip.push(event.src_ip.as_deref());
        self.dst_ip.push(event.dst_ip.as_deref());
        self.src_port.push(event.src_port.map(i32::from));
        self.dst_port.push(event.dst_port.map(i32::from));
        self.protocol.push(event.protocol);
        self.packets.push(event.packets);
        self.bytes.push(event.bytes);
        self.user.push(event.user.as_deref());
        self.pid.push(event.pid);
        self.ppid.push(event.ppid);
        self.exe.push(event.exe.as_deref());
        self.command.push(event.command.as_deref());
        self.path.push(event.path.as_deref());
        self.container.push(event.container.as_deref());
        self.image.push(event.image.as_deref());
        self.pod.push(event.pod.as_deref());
        self.namespace.push(event.namespace.as_deref());
        self.domain.push(event.domain.as_deref());
        self.query_type.push(event.query_type.as_deref());
        self.response_code.push(event.response_code.as_deref());
        self.attributes.push(event.attributes.as_deref());
        self.message.push(event.message.as_deref());
        self.file.push(Some(origin.file));
        self.line
            .push(event.line.and_then(|line| i64::try_from(line).ok()));
        self.offset
            .push(event.offset.and_then(|offset| i64::try_from(offset).ok()));
    }

    /// Takes over the rows of another batch.
    pub fn append(&mut self, mut other: Self) {
        self.ts_ns.append(&mut other.ts_ns);
        self.ts_end_us.append(&mut other.ts_end_us);
        self.ts_precision.append(&mut other.ts_precision);
        self.ts_basis.append(&mut other.ts_basis);
        self.action.append(&mut other.action);
        self.outcome.append(&mut other.outcome);
        self.src_port.append(&mut other.src_port);
        self.dst_port.append(&mut other.dst_port);
        self.protocol.append(&mut other.protocol);
        self.packets.append(&mut other.packets);
        self.bytes.append(&mut other.bytes);
        self.pid.append(&mut other.pid);
        self.ppid.append(&mut other.ppid);
        self.line.append(&mut other.line);
        self.offset.append(&mut other.offset);
        for (mine, (_, theirs)) in self.texts_mut().into_iter().zip(other.texts()) {
            mine.append(theirs);
        }
    }

    fn texts(&self) -> [(&'static str, &TextColumn); 18] {
        [
            ("host", &self.host),
            ("format", &self.format),
            ("src_ip", &self.src_ip),
            ("dst_ip", &self.dst_ip),
            ("user", &self.user),
            ("exe", &self.exe),
            ("command", &self.command),
            ("path", &self.path),
            ("container", &self.container),
            ("image", &self.image),
            ("pod", &self.pod),
            ("namespace", &self.namespace),
            ("domain", &self.domain),
            ("query_type", &self.query_type),
            ("response_code", &self.response_code),
            ("attributes", &self.attributes),
            ("message", &self.message),
            ("file", &self.file),
        ]
    }

    fn texts_mut(&mut self) -> [&mut TextColumn; 18] {
        [
            &mut self.host,
            &mut self.format,
            &mut self.src_ip,
            &mut self.dst_ip,
            &mut self.user,
            &mut self.exe,
            &mut self.command,
            &mut self.path,
            &mut self.container,
            &mut self.image,
            &mut self.pod,
            &mut self.namespace,
            &mut self.domain,
            &mut self.query_type,
            &mut self.response_code,
            &mut self.attributes,
            &mut self.message,
            &mut self.file,
        ]
    }

    /// Rows in the timeline's total order: time (unknown last), file, line, offset, and as they came.
    fn order(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.rows()).collect();
        let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
        rows.sort_by(|&a, &b| {
            let time = |row| cell(&self.ts_ns, row).map_or((1, 0), |ns| (0, ns));
            let place = |row| (cell(&self.line, row), cell(&self.offset, row));
            time(a)
                .cmp(&time(b))
                .then_with(|| self.file.get(a).cmp(&self.file.get(b)))
                .then_with(|| place(a).cmp(&place(b)))
        });
        rows
    }

    /// The batch as a sorted frame of the contract's columns.
    pub fn into_frame(self) -> PolarsResult<DataFrame> {
        let order = self.order();
        let longs = |name: &str, values: &[Option<i64>]| -> Column {
            let cells: Vec<Option<i64>> = order
                .iter()
                .map(|&row| values.get(row).copied().flatten())
                .collect();
            Series::new(name.into(), cells).into_column()
        };
        let ints = |name: &str, values: &[Option<i32>]| -> Column {
            let cells: Vec<Option<i32>> = order
                .iter()
                .map(|&row| values.get(row).copied().flatten())
                .collect();
            Series::new(name.into(), cells).into_column()
        };
        let words = |name: &str, values: &[Option<&'static str>]| -> Column {
            let cells = order.iter().map(|&row| values.get(row).copied().flatten());
            StringChunked::from_iter_options(name.into(), cells).into_column()
        };
        let texts = |name: &str, values: &TextColumn| -> Column {
            StringChunked::from_iter_options(name.into(), order.iter().map(|&row| values.get(row)))
                .into_column()
        };
        let times = |name: &str, micros: &mut dyn Iterator<Item = Option<i64>>| -> Column {
            let cells = Int64Chunked::from_iter_options(PlSmallStr::from(name), micros);
            cells
                .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
                .into_series()
                .into_column()
        };
        let micros = |row: &usize| {
            self.ts_ns
                .get(*row)
                .copied()
                .flatten()
                .map(|ns| ns.div_euclid(1_000))
        };
        let ends = |row: &usize| self.ts_end_us.get(*row).copied().flatten();
        let actions: Vec<Option<&'static str>> =
            self.action.iter().map(|action| Some(*action)).collect();
        let columns = vec![
            times("ts", &mut order.iter().map(micros)),
            longs("ts_ns", &self.ts_ns),
            times("ts_end", &mut order.iter().map(ends)),
            words("ts_precision", &self.ts_precision),
            words("ts_basis", &self.ts_basis),
            texts("host", &self.host),
            texts("format", &self.format),
            words("action", &actions),
            words("outcome", &self.outcome),
            texts("src_ip", &self.src_ip),
            texts("dst_ip", &self.dst_ip),
            ints("src_port", &self.src_port),
            ints("dst_port", &self.dst_port),
            words("protocol", &self.protocol),
            longs("packets", &self.packets),
            longs("bytes", &self.bytes),
            texts("user", &self.user),
            longs("pid", &self.pid),
            longs("ppid", &self.ppid),
            texts("exe", &self.exe),
            texts("command", &self.command),
            texts("path", &self.path),
            texts("container", &self.container),
            texts("image", &self.image),
            texts("pod", &self.pod),
            texts("namespace", &self.namespace),
            texts("domain", &self.domain),
            texts("query_type", &self.query_type),
            texts("response_code", &self.response_code),
            texts("attributes", &self.attributes),
            texts("message", &self.message),
            texts("file", &self.file),
            longs("line", &self.line),
            longs("offset", &self.offset),
        ];
        DataFrame::new(order.len(), columns)
    }

    /// Which actions occur, sorted.
    pub(crate) fn actions(&self) -> Vec<&'static str> {
        let mut actions = self.action.clone();
        actions.sort_unstable();
        actions.dedup();
        actions
    }
}
