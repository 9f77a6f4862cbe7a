//! The elements of a JSON artifact as values: what else stands there is skipped and told.

use std::io::Read;

use coldcase_model::{Place, Sink};
use serde_json::Value;

use super::{Damage, Elements, Piece, parse};
use crate::IngestError;

/// Hands over each element with its line. `of_empty_list`: the warning where a list holds nothing.
pub fn each_value(
    reader: impl Read,
    sink: &mut dyn Sink,
    of_empty_list: Option<&str>,
    mut take: impl FnMut(&Value, u64, &mut dyn Sink),
) -> Result<(), IngestError> {
    let mut elements = Elements::new(reader);
    while let Some(piece) = elements.next_piece() {
        match piece {
            Piece::Element { line, bytes } => match parse(bytes) {
                Ok(value) => take(&value, line, sink),
                Err(error) => {
                    let place = Place::Line(line);
                    sink.skip(place, "a JSON element that is not well-formed");
                    sink.warn(place, format!("element left out: {error}"));
                }
            },
            Piece::EmptyList { line } => {
                if let Some(warning) = of_empty_list {
                    sink.warn(Place::Line(line), warning.to_owned());
                }
            }
            Piece::Text { line, .. } => sink.skip(Place::Line(line), "a line that is no JSON"),
            Piece::Damaged { line, damage } => {
                if damage != Damage::UnclosedList {
                    sink.skip(Place::Line(line), damage.as_str());
                }
                sink.warn(Place::Line(line), damage.as_str().to_owned());
            }
        }
    }
    match elements.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
