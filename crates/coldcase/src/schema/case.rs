//! `case.json`.

use serde_json::{Value, json};

use super::{DRAFT, count, list, object, said, share, text, text_or_null, time, time_or_null};

/// The JSON Schema of `case.json`.
pub fn case() -> Value {
    let mut schema = object(&[
        ("tool", object(&[("name", text()), ("version", text())])),
        ("options", options()),
        (
            "collected_at",
            said(&time_or_null(), "newest moment that the evidence can show"),
        ),
        ("collected_at_rests_on", text_or_null()),
        (
            "timezone",
            said(&text(), "zone of the case: that of times in its reports"),
        ),
        ("timezone_rests_on", text()),
        ("hosts", list(&host())),
        ("clocks", list(&clock())),
        (
            "clock_notes",
            said(
                &list(&text()),
                "what a reader should know of the clocks, in sentences",
            ),
        ),
        ("skews", list(&skew())),
        ("steps", list(&step())),
        ("coverage", list(&coverage())),
        ("missing", list(&missing())),
        ("indicators", said(&count(), "how many were looked for")),
        ("warnings", list(&text())),
        ("inputs", list(&input())),
    ]);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), DRAFT.into());
        schema.insert("title".to_owned(), "case.json of coldcase".into());
    }
    schema
}

fn options() -> Value {
    object(&[
        ("bundles", said(&list(&text()), "where the evidence lay")),
        ("timezone", text_or_null()),
        ("collected_at", time_or_null()),
        ("ioc", list(&text())),
        ("only", list(&text())),
        (
            "limits",
            object(&[
                (
                    "unpacked_bytes",
                    said(&count(), "bytes that archives may unpack to"),
                ),
                ("files", said(&count(), "files of an archive")),
                ("ratio", said(&count(), "unpacked bytes to a stored one")),
                ("depth", said(&count(), "archives within archives")),
            ]),
        ),
    ])
}

fn host() -> Value {
    object(&[
        ("name", text()),
        ("addresses", list(&text())),
        ("timezone", said(&text(), "IANA name")),
        ("kernel", text_or_null()),
        ("os", text_or_null()),
        ("machine_id", text_or_null()),
        ("boot", time_or_null()),
    ])
}

fn clock() -> Value {
    let mut measured = object(&[
        ("timezone", text()),
        ("utc_offset", text()),
        ("against", list(&text())),
        ("events", text()),
        ("matched", count()),
        ("of", count()),
        ("within_seconds", json!({ "type": "number" })),
        ("ahead_seconds", json!({ "type": "number" })),
        ("confidence", share()),
        ("contradicts", json!({ "type": "boolean" })),
    ]);
    if let Some(measured) = measured.as_object_mut() {
        measured.insert("type".to_owned(), json!(["object", "null"]));
    }
    object(&[
        ("path", text()),
        ("timezone", text()),
        ("rests_on", text()),
        (
            "offset_seconds",
            said(
                &json!({ "type": "number" }),
                "added to the clock to be right",
            ),
        ),
        ("first_year", json!({ "type": ["integer", "null"] })),
        (
            "measured",
            said(&measured, "what events shared with other sources show"),
        ),
    ])
}

fn skew() -> Value {
    object(&[
        ("host", text()),
        ("against", text()),
        ("offset_seconds", json!({ "type": "number" })),
        ("spread_seconds", json!({ "type": "number" })),
        ("pairs", count()),
        ("rests_on", text()),
    ])
}

fn step() -> Value {
    object(&[
        ("host", text_or_null()),
        ("file", text()),
        ("line", json!({ "type": ["integer", "null"] })),
        ("before", time_or_null()),
        ("after", time_or_null()),
        ("seconds", json!({ "type": ["number", "null"] })),
        ("kind", json!({ "enum": ["told", "seen"] })),
    ])
}

fn coverage() -> Value {
    object(&[
        ("host", text_or_null()),
        ("format", format()),
        (
            "spans",
            list(&object(&[("first", time()), ("last", time())])),
        ),
        ("gaps", list(&object(&[("from", time()), ("to", time())]))),
    ])
}

fn missing() -> Value {
    object(&[
        ("host", text_or_null()),
        ("what", text()),
        ("would_tell", text()),
    ])
}

fn input() -> Value {
    let skip = object(&[("count", count()), ("first", text())]);
    object(&[
        ("path", said(&text(), "in the bundle")),
        ("bytes", count()),
        (
            "sha256",
            json!({ "type": ["string", "null"], "pattern": "^[0-9a-f]{64}$" }),
        ),
        ("format", format()),
        ("host", text_or_null()),
        ("records", count()),
        ("skipped", count()),
        ("events", count()),
        ("first", time_or_null()),
        ("last", time_or_null()),
        ("warnings", list(&text())),
        (
            "skip_reasons",
            json!({ "type": "object", "additionalProperties": skip }),
        ),
    ])
}

fn format() -> Value {
    said(
        &text_or_null(),
        "an id of `coldcase formats`; `case` and `indicators`: the bundle's own; null: not recognised",
    )
}
