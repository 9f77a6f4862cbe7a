//! SQL functions beside the engine's own: a way into JSON columns (`json_value`), local time (`local_time`), and
//! whether an address lies in a network (`in_network`).

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use chrono::SecondsFormat;
use chrono_tz::Tz;
use coldcase_model::Timestamp;
use ipnet::IpNet;
use polars::prelude::{
    BaseColumnUdf, BooleanChunked, Column, DataType, Field, IntoColumn as _, NewChunkedArray as _,
    PolarsError, PolarsResult, Schema, StringChunked, UserDefinedFunction,
};
use polars::sql::{FunctionOptions, FunctionRegistry};
use serde_json::Value;

/// Names, arguments and meaning, for help and messages.
pub const FUNCTIONS: [(&str, &str); 3] = [
    (
        "json_value(text, path)",
        "what stands at a path of a JSON text, as text: 'exit_code', 'answers[0].data', or a JSON pointer '/a/b'; null where nothing does",
    ),
    (
        "local_time(ts, zone)",
        "a time in a zone, as text: 2023-03-29T00:00:05+08:00",
    ),
    (
        "in_network(address, network)",
        "whether an address lies in a network: '10.0.0.0/8'",
    ),
];

// One of each: the engine takes two calls for the same only if they call the same object.
static JSON_VALUE: LazyLock<UserDefinedFunction> =
    LazyLock::new(|| function("json_value", DataType::String, json_value));
static LOCAL_TIME: LazyLock<UserDefinedFunction> =
    LazyLock::new(|| function("local_time", DataType::String, local_time));
static IN_NETWORK: LazyLock<UserDefinedFunction> =
    LazyLock::new(|| function("in_network", DataType::Boolean, in_network));

pub(super) struct Functions;

impl FunctionRegistry for Functions {
    fn register(&mut self, name: &str, _: UserDefinedFunction) -> PolarsResult<()> {
        Err(failed(format!("{name}: no more functions can be added")))
    }

    fn get_udf(&self, name: &str) -> PolarsResult<Option<UserDefinedFunction>> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "json_value" => Some(JSON_VALUE.clone()),
            "local_time" => Some(LOCAL_TIME.clone()),
            "in_network" => Some(IN_NETWORK.clone()),
            _ => None,
        })
    }

    fn contains(&self, name: &str) -> bool {
        matches!(self.get_udf(name), Ok(Some(_)))
    }
}

pub(super) fn registry() -> Arc<dyn FunctionRegistry> {
    Arc::new(Functions)
}

fn function(
    name: &'static str,
    kind: DataType,
    work: fn(&[Column]) -> PolarsResult<Column>,
) -> UserDefinedFunction {
    let field = move |_: &Schema, fields: &[Field]| {
        let name = fields
            .first()
            .map_or_else(|| name.into(), |one| one.name().clone());
        Ok(Field::new(name, kind.clone()))
    };
    let call = move |columns: &mut [Column]| work(columns);
    let mut function = UserDefinedFunction::new(name.into(), BaseColumnUdf::new(call, field));
    function.options = FunctionOptions::elementwise(); // so that a filter of it is applied part by part
    function
}

fn failed(text: String) -> PolarsError {
    PolarsError::ComputeError(text.into())
}

/// The two arguments: a column, and a text that is the same for all rows.
fn arguments<'a>(columns: &'a [Column], usage: &str) -> PolarsResult<(&'a Column, &'a str)> {
    let [column, constant] = columns else {
        return Err(failed(format!("give it two arguments: {usage}")));
    };
    let mut texts = constant
        .str()
        .map(|texts| texts.iter())
        .into_iter()
        .flatten();
    let first = texts.next().flatten();
    // A text of the query comes once, or once a row.
    first
        .filter(|_| texts.all(|text| text == first))
        .map(|text| (column, text))
        .ok_or_else(|| failed(format!("its second argument is one text: {usage}")))
}

fn json_value(columns: &[Column]) -> PolarsResult<Column> {
    let (column, path) = arguments(columns, "json_value(attributes, 'exit_code')")?;
    let pointer = pointer(path);
    let cells = column.str()?.iter().map(|text| {
        let value: Value = serde_json::from_str(text?).ok()?;
        match value.pointer(&pointer)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    });
    let name = column.name().clone();
    Ok(StringChunked::from_iter_options(name, cells).into_column())
}

/// `$.a.b[0]`, `a.b[0]` and `/a/b/0` as a JSON pointer.
fn pointer(path: &str) -> String {
    if path.starts_with('/') || path.is_empty() {
        return path.to_owned();
    }
    let path = path.strip_prefix('$').unwrap_or(path);
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps
        .map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")))
        .collect()
}

fn local_time(columns: &[Column]) -> PolarsResult<Column> {
    let (column, zone) = arguments(columns, "local_time(ts, 'Asia/Shanghai')")?;
    let zone: Tz = zone.parse().map_err(|_| {
        failed(format!(
            "{zone}: no such zone; use an IANA name like Asia/Shanghai"
        ))
    })?;
    let micros = super::answer::micros(column)
        .ok_or_else(|| failed("local_time takes a time, like the column ts".to_owned()))?;
    let cells = micros.into_iter().map(|us| {
        let at = Timestamp(us?.checked_mul(1_000)?).to_utc();
        let at = at.with_timezone(&zone);
        Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    });
    let name = column.name().clone();
    Ok(StringChunked::from_iter_options(name, cells).into_column())
}

fn in_network(columns: &[Column]) -> PolarsResult<Column> {
    let (column, network) = arguments(columns, "in_network(src_ip, '10.0.0.0/8')")?;
    let parsed = network
        .parse::<IpNet>()
        .or_else(|_| network.parse::<IpAddr>().map(IpNet::from));
    let network = parsed.map_err(|_| {
        failed(format!(
            "{network}: no network; write it like 10.0.0.0/8 or fd00::/8"
        ))
    })?;
    let cells = column.str()?.iter().map(|text| {
        let address: IpAddr = text?.parse().ok()?;
        Some(network.contains(&address))
    });
    let name = column.name().clone();
    Ok(BooleanChunked::from_iter_options(name, cells).into_column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_pointers() {
        let check = |path: &str, expected: &str| assert_eq!(pointer(path), expected, "{path}");
        check("exit_code", "/exit_code");
        check("$.a.b[0]", "/a/b/0");
        check("answers[0].data", "/answers/0/data");
        check("/a.b/c", "/a.b/c");
        check("a/b", "/a~1b");
        check("", "");
    }
}
