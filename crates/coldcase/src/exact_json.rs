//! JSON read back number for number: serde_json's own reading of decimal fractions may be off in the last
//! digit, and a report made again from a case must not be.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Error, Map, Number, Value};

/// Objects and lists within each other, before a text is taken for hostile.
const DEEPEST: usize = 64;

/// The value that a text holds.
pub(crate) fn parse(text: &str) -> Result<Value, Error> {
    value(serde_json::from_str(text)?, 0)
}

/// An object's fields in their order.
struct Fields<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(InOrder)
    }
}

fn value(raw: &RawValue, depth: usize) -> Result<Value, Error> {
    let text = raw.get();
    if depth > DEEPEST {
        return Err(Error::custom("nested too deeply"));
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            let Fields(fields) = serde_json::from_str(text)?;
            let fields = fields.into_iter();
            let fields = fields.map(|(name, raw)| Ok((name, value(raw, depth + 1)?)));
            Ok(Value::Object(fields.collect::<Result<Map<_, _>, Error>>()?))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|raw| value(raw, depth + 1));
            Ok(Value::Array(items.collect::<Result<_, Error>>()?))
        }
        Some(b'-' | b'0'..=b'9') if text.contains(['.', 'e', 'E']) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            let number = number.ok_or_else(|| Error::custom("a number beyond all bounds"));
            number.map(Value::Number)
        }
        _ => serde_json::from_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_as_it_was() {
        // Numbers of all sizes, by a multiplicative generator.
        let mut state = 88_172_645_463_325_252u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let number = f64::from_bits(state);
            if !number.is_finite() {
                continue;
            }
            let text = serde_json::to_string(&serde_json::json!({"a": [number]})).expect("JSON");
            let back = parse(&text).expect("JSON");
            assert_eq!(serde_json::to_string(&back).expect("JSON"), text);
        }
    }

    #[test]
    fn order_and_kinds_are_kept_and_wrong_texts_refused() {
        let text = "{\"b\":1,\"a\":[null,true,\"x\\n\",-3,{}],\"c\":18446744073709551615}";
        let back = parse(text).expect("JSON");
        assert_eq!(serde_json::to_string(&back).expect("JSON"), text);
        for wrong in [
            "",
            "{",
            "{\"a\":1e999}",
            &"[".repeat(100),
            &("[".repeat(100) + &"]".repeat(100)),
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
