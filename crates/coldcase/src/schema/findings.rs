//! `findings.json`.

use coldcase_correlate::correlators;
use coldcase_model::{ObservableType, SCHEMA, Severity};
use serde_json::{Value, json};

use super::{DRAFT, count, facts, list, object, said, share, text, time_or_null};

/// The JSON Schema of `findings.json`.
pub fn findings() -> Value {
    let mut schema = object(&[
        ("schema", json!({ "const": SCHEMA })),
        (
            "conclusions",
            list(&json!({ "$ref": "#/$defs/conclusion" })),
        ),
        ("findings", list(&json!({ "$ref": "#/$defs/finding" }))),
    ]);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), DRAFT.into());
        schema.insert("title".to_owned(), "findings.json of coldcase".into());
        schema.insert(
            "$defs".to_owned(),
            json!({
                "conclusion": conclusion(),
                "finding": finding(),
                "observable": observable(),
                "record": record(),
            }),
        );
    }
    schema
}

fn observable() -> Value {
    let kinds = ObservableType::ALL.map(ObservableType::as_str);
    object(&[("type", json!({ "enum": kinds })), ("value", text())])
}

fn conclusion() -> Value {
    let one = json!({ "$ref": "#/$defs/observable" });
    object(&[
        (
            "kind",
            json!({ "enum": ["login-cause", "dns-origin", "flood-source", "way-in"] }),
        ),
        ("about", one.clone()),
        ("question", text()),
        ("answer", one.clone()),
        (
            "candidates",
            said(&list(&one), "others that fit as well as the answer"),
        ),
        ("confidence", share()),
        (
            "because",
            said(&list(&text()), "ids of the findings that it rests on"),
        ),
        ("text", text()),
    ])
}

fn finding() -> Value {
    let ids: Vec<&str> = correlators::ALL.iter().map(|one| one.id).collect();
    let mut finding = object(&[
        (
            "id",
            said(&text(), "stable: from the correlator and the subjects"),
        ),
        ("correlator", json!({ "enum": ids })),
        ("title", text()),
        (
            "severity",
            json!({ "enum": Severity::ALL.map(Severity::as_str) }),
        ),
        ("confidence", share()),
        ("first", time_or_null()),
        ("last", time_or_null()),
        ("subjects", list(&json!({ "$ref": "#/$defs/observable" }))),
        (
            "facts",
            json!({
                "type": "object",
                "description": "what each correlator promises; a fact that the evidence does not give is null",
            }),
        ),
        (
            "attack",
            list(&json!({ "type": "string", "pattern": "^T[0-9]{4}(\\.[0-9]{3})?$" })),
        ),
        (
            "evidence",
            json!({ "type": "array", "items": { "$ref": "#/$defs/record" }, "maxItems": 20 }),
        ),
        ("text", text()),
    ]);
    if let Some(finding) = finding.as_object_mut() {
        finding.insert("allOf".to_owned(), facts::by_correlator().into());
    }
    finding
}

fn record() -> Value {
    let mut record = object(&[
        ("file", said(&text(), "the input's path in the bundle")),
        ("ts", time_or_null()),
        ("text", text()),
    ]);
    let line = json!({ "type": "integer", "minimum": 1 });
    let optional = [
        ("line", said(&line, "of a text artifact, from 1")),
        ("offset", said(&count(), "in bytes, of a binary artifact")),
    ];
    if let Some(properties) = record.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(optional.map(|(name, kind)| (name.to_owned(), kind)));
    }
    record
}
