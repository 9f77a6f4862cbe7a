//! Frames of a case's rows in the shape that the lake keeps: with the case's name, split by hosts, in order.

use coldcase_timeline::polars::prelude::{
    BooleanChunked, ChunkFull as _, Column, DataFrame, IntoColumn as _, NewChunkedArray as _,
    PolarsResult, SortMultipleOptions, StringChunked,
};

/// Names as the last column.
pub(crate) fn with_case(mut frame: DataFrame, case: &str) -> PolarsResult<DataFrame> {
    let names = StringChunked::full("case_name".into(), case, frame.height());
    frame.with_column(names.into_column())?;
    Ok(frame)
}

/// Rows by host, then in the timeline's order.
pub(crate) fn by_host_and_time(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let keys = ["host", "ts_ns", "file", "line", "offset", "action"];
    let nulls_last = keys.map(|name| name == "ts_ns").to_vec();
    let options = SortMultipleOptions::default()
        .with_nulls_last_multi(nulls_last)
        .with_maintain_order(true);
    frame.sort(keys, options)
}

/// Hosts that a frame has rows of, null among them, in order.
pub(crate) fn hosts(frame: &DataFrame) -> Vec<Option<String>> {
    let mut hosts: Vec<Option<&str>> = Vec::new();
    for host in texts(frame, "host") {
        if hosts.last() != Some(&host) {
            hosts.push(host);
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
        .into_iter()
        .map(|host| host.map(str::to_owned))
        .collect()
}

/// Rows whose cell passes.
pub(crate) fn rows_where(
    frame: &DataFrame,
    column: &str,
    passes: impl Fn(Option<&str>) -> bool,
) -> PolarsResult<DataFrame> {
    let kept: Vec<bool> = texts(frame, column).into_iter().map(passes).collect();
    frame.filter(&BooleanChunked::from_slice("kept".into(), &kept))
}

/// A text column.
pub(crate) fn texts<'f>(frame: &'f DataFrame, name: &str) -> Vec<Option<&'f str>> {
    frame.column(name).and_then(Column::str).map_or_else(
        |_| vec![None; frame.height()],
        |cells| cells.iter().collect(),
    )
}
