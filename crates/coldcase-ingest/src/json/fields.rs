//! Fields of a JSON object, leniently: what is absent, empty or of another type is unknown.

use serde_json::Value;

/// Most entries taken from a list; what is beyond is not worth a row's length.
const MAX_LIST: usize = 256;

/// An element's text as a value. Bytes that are not UTF-8 become U+FFFD. An error names what is wrong.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).or_else(|error| match std::str::from_utf8(bytes) {
        Ok(_) => Err(error.to_string()),
        Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            serde_json::from_str(&text).map_err(|error| error.to_string())
        }
    })
}

/// The value at this path of member names.
pub fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter()
        .try_fold(value, |value, name| value.as_object()?.get(*name))
}

/// A text that is not empty.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    get(value, path)?
        .as_str()
        .filter(|text| !text.trim().is_empty())
}

/// A whole number, also one written as a text.
pub fn number(value: &Value, path: &[&str]) -> Option<i64> {
    as_number(get(value, path)?)
}

/// The same of a value at hand.
pub fn as_number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// A yes or no.
pub fn flag(value: &Value, path: &[&str]) -> Option<bool> {
    get(value, path)?.as_bool()
}

/// The texts of a list; a single text is a list of one.
pub fn texts<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a str> {
    match get(value, path) {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .take(MAX_LIST)
            .collect(),
        Some(Value::String(one)) if !one.is_empty() => vec![one],
        _ => Vec::new(),
    }
}
