//! Rows whose text holds a word: a filter for the columns of a selection.

use coldcase_timeline::polars::prelude::{
    BooleanChunked, DataType, Expr, Field, IntoColumn as _, col,
};

/// Whether a text column holds this word. Null holds nothing.
pub(in crate::correlators) fn holding(column: &str, word: &'static str) -> Expr {
    let test = move |texts: coldcase_timeline::polars::prelude::Column| {
        let held: BooleanChunked = texts
            .str()?
            .iter()
            .map(|text| text.is_some_and(|text| text.contains(word)))
            .collect();
        Ok(held.with_name(texts.name().clone()).into_column())
    };
    col(column.to_owned()).map(test, |_, field| {
        Ok(Field::new(field.name().clone(), DataType::Boolean))
    })
}
