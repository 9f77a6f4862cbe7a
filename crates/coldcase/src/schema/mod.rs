//! JSON Schema (draft 2020-12) of what a case folder holds, for those who read it with programs of their own. Words
//! that come from registries and enums (severities, subjects, formats, correlators) are taken from there. Fields that
//! are not named may be added; those that are named keep their meaning until the schema number changes.

mod case;
mod facts;
mod findings;

use serde_json::{Map, Value, json};

pub use case::case;
pub use findings::findings;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// An object whose fields are all there.
fn object(fields: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), kind.clone()))
        .collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn time_or_null() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn share() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 1 })
}

/// The same with words about it.
fn said(kind: &Value, about: &str) -> Value {
    let mut kind = kind.clone();
    if let Some(kind) = kind.as_object_mut() {
        kind.insert("description".to_owned(), about.into());
    }
    kind
}
