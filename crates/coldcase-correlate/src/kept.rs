//! Sorting out rows of a part while it is read, by tests that columns can't express.

use coldcase_timeline::polars::prelude::{
    BooleanChunked, DataFrame, IntoLazy as _, LazyFrame, NewChunkedArray as _,
};

/// The rows whose text in a column passes the test.
pub(crate) fn keep_texts(rows: LazyFrame, column: &str, test: impl Fn(&str) -> bool) -> LazyFrame {
    keep_rows(rows, |frame| {
        let texts = frame.column(column).ok()?.str().ok()?;
        Some(texts.iter().map(|text| text.is_some_and(&test)).collect())
    })
}

/// The rows for which the mask holds. Without a mask all are kept; whoever reads them tests again.
pub(crate) fn keep_rows(
    rows: LazyFrame,
    mask: impl Fn(&DataFrame) -> Option<Vec<bool>>,
) -> LazyFrame {
    let unread = rows.clone();
    let Ok(frame) = rows.collect() else {
        return unread;
    };
    let kept = mask(&frame).and_then(|mask| {
        let mask = BooleanChunked::from_slice("kept".into(), &mask);
        frame.filter(&mask).ok()
    });
    kept.unwrap_or(frame).lazy()
}
