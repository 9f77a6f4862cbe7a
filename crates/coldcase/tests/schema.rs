//! The published schemas: `docs/schema/*.json` are what `coldcase schema` prints (`COLDCASE_BLESS=1` writes them
//! anew), the cases of the recorded incidents follow them, hold nothing that they don't name, and what breaks them is
//! seen.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use coldcase_model::Timestamp;
use program::program;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn coldcase(arguments: &[&str]) -> String {
    let mut command = program();
    let output = command.args(arguments).output().expect("the program runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn schema(of: &str) -> Value {
    serde_json::from_str(&coldcase(&["schema", of])).expect("JSON")
}

/// What of a value doesn't follow a schema: the words of draft 2020-12 that ours use; any other word is an error.
/// `strict`: fields that `properties` doesn't name are told as well.
struct Check<'a> {
    root: &'a Value,
    strict: bool,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn of(schema: &Value, value: &Value, strict: bool) -> Vec<String> {
        let mut check = Check {
            root: schema,
            strict,
            wrong: Vec::new(),
        };
        check.value(schema, value, "");
        check.wrong
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut check = Check {
            root: self.root,
            strict: false,
            wrong: Vec::new(),
        };
        check.value(schema, value, "");
        check.wrong.is_empty()
    }

    fn wrong(&mut self, at: &str, why: impl std::fmt::Display) {
        self.wrong.push(format!("{at}: {why}"));
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = schema.as_object().expect("a schema is an object");
        for (word, says) in schema {
            match word.as_str() {
                "$schema" | "$defs" | "title" | "description" | "then" | "items" => {}
                "properties" | "additionalProperties" => {}
                "$ref" => {
                    let pointer = says.as_str().expect("a reference").trim_start_matches('#');
                    let named = self
                        .root
                        .pointer(pointer)
                        .expect("what it refers to")
                        .clone();
                    self.value(&named, value, at);
                }
                "const" if value != says => self.wrong(at, format!("{value} is not {says}")),
                "enum" if !says.as_array().expect("a list").contains(value) => {
                    self.wrong(at, format!("{value} is none of {says}"));
                }
                "type" if !has_type(says, value) => self.wrong(at, format!("{value} is no {says}")),
                "minimum" if value.as_f64() < says.as_f64() => self.wrong(at, "is too small"),
                "maximum" if value.as_f64() > says.as_f64() => self.wrong(at, "is too great"),
                "maxItems" if value.as_array().map(|all| all.len() as u64) > says.as_u64() => {
                    self.wrong(at, "has too many");
                }
                "pattern" => self.pattern(says, value, at),
                "format" => self.format(says, value, at),
                "required" => self.required(says, value, at),
                "allOf" => {
                    for one in says.as_array().expect("a list") {
                        self.value(one, value, at);
                    }
                }
                "if" => {
                    if self.fits(says, value) {
                        self.value(&schema["then"], value, at);
                    }
                }
                "const" | "enum" | "type" | "minimum" | "maximum" | "maxItems" => {}
                other => panic!("{other}: this check doesn't know the word"),
            }
        }
        self.inside(schema, value, at);
    }

    fn pattern(&mut self, says: &Value, value: &Value, at: &str) {
        let pattern = regex::Regex::new(says.as_str().expect("a pattern")).expect("a pattern");
        if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
            self.wrong(at, format!("{value} doesn't match {says}"));
        }
    }

    fn format(&mut self, says: &Value, value: &Value, at: &str) {
        assert_eq!(says, "date-time");
        let text = value.as_str();
        if text.is_some_and(|text| !text.ends_with('Z') || Timestamp::parse_rfc3339(text).is_none())
        {
            self.wrong(at, format!("{value} is no time in UTC"));
        }
    }

    fn required(&mut self, says: &Value, value: &Value, at: &str) {
        let Some(object) = value.as_object() else {
            return;
        };
        for name in says.as_array().expect("a list") {
            let name = name.as_str().expect("a name");
            if !object.contains_key(name) {
                self.wrong(at, format!("{name} is missing"));
            }
        }
    }

    fn inside(&mut self, schema: &Map<String, Value>, value: &Value, at: &str) {
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (index, one) in values.iter().enumerate() {
                self.value(items, one, &format!("{at}/{index}"));
            }
        }
        let Some(object) = value.as_object() else {
            return;
        };
        let named = schema.get("properties").and_then(Value::as_object);
        for (name, one) in object {
            let at = format!("{at}/{name}");
            match (
                named.and_then(|named| named.get(name)),
                schema.get("additionalProperties"),
            ) {
                (Some(schema), _) | (None, Some(schema)) => self.value(schema, one, &at),
                // A condition names only what it is about.
                (None, None) if self.strict && schema.contains_key("type") && named.is_some() => {
                    self.wrong(
                        &at,
                        "the schema doesn't name it; add it below crates/coldcase/src/schema",
                    );
                }
                (None, None) => {}
            }
        }
    }
}

fn has_type(says: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        other => panic!("{other:?} is no type"),
    };
    says.as_array()
        .map_or_else(|| is(says), |names| names.iter().any(is))
}

#[test]
fn the_published_schemas_are_what_the_program_prints() {
    for of in ["findings", "case"] {
        let path = root().join(format!("docs/schema/{of}.json"));
        let printed = coldcase(&["schema", of]);
        if std::env::var_os("COLDCASE_BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("docs");
            fs::write(&path, &printed).expect("a writable docs folder");
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == printed,
            "docs/schema/{of}.json differs; COLDCASE_BLESS=1 writes it anew"
        );
        assert_eq!(
            schema(of)["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
    }
}

#[test]
fn the_recorded_incidents_follow_the_schemas() {
    let schemas = [("findings", schema("findings")), ("case", schema("case"))];
    let mut seen = 0;
    for entry in fs::read_dir(root().join("testdata/incidents")).expect("incidents") {
        let incident = entry.expect("an entry").path();
        let bundle = incident.join("bundle.tar.gz");
        let folder = TempDir::new().expect("a folder");
        let case = folder.path().join("case");
        coldcase(&[
            "analyze",
            "-q",
            &bundle.to_string_lossy(),
            "-o",
            &case.to_string_lossy(),
        ]);
        for (name, schema) in &schemas {
            let text = fs::read(case.join(format!("{name}.json"))).expect("a file");
            let value = serde_json::from_slice(&text).expect("JSON");
            let wrong = Check::of(schema, &value, true);
            let wrong: Vec<&String> = wrong.iter().take(10).collect();
            assert!(
                wrong.is_empty(),
                "{}: {name}.json: {wrong:#?}",
                incident.display()
            );
        }
        seen += 1;
    }
    assert!(seen >= 9, "{seen} incidents");
}

#[test]
fn what_breaks_the_schema_is_seen() {
    let schema = schema("findings");
    let good = json!({
        "schema": "coldcase.findings/1",
        "conclusions": [{
            "kind": "way-in", "about": {"type": "process", "value": "x[1]"}, "question": "q",
            "answer": {"type": "service", "value": "docker"}, "candidates": [], "confidence": 0.9,
            "because": ["a"], "text": "t",
        }],
        "findings": [{
            "id": "scan-0", "correlator": "scan", "title": "t", "severity": "low", "confidence": 1.0,
            "first": "2023-03-28T16:00:04Z", "last": null, "subjects": [{"type": "ip", "value": "10.0.0.1"}],
            "facts": {"src_ip": null, "kind": "vertical", "dst_count": 1, "port_count": 9}, "attack": ["T1046"],
            "evidence": [{"file": "a", "line": 1, "ts": null, "text": "x"}], "text": "t",
        }],
    });
    assert_eq!(Check::of(&schema, &good, true), Vec::<String>::new());
    let breaks: [(&str, Value); 9] = [
        ("/schema", json!("coldcase.findings/2")),
        ("/conclusions/0/kind", json!("guess")),
        ("/conclusions/0/confidence", json!(1.5)),
        ("/findings/0/severity", json!("worst")),
        ("/findings/0/first", json!("yesterday")),
        ("/findings/0/subjects/0/type", json!("planet")),
        (
            "/findings/0/facts",
            json!({"src_ip": null, "kind": "vertical"}),
        ),
        ("/findings/0/facts/dst_count", json!("many")),
        (
            "/findings/0/evidence/0",
            json!({"file": "a", "line": 0, "ts": null, "text": "x"}),
        ),
    ];
    for (pointer, value) in breaks {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = value;
        assert!(!Check::of(&schema, &bad, false).is_empty(), "{pointer}");
    }
}
