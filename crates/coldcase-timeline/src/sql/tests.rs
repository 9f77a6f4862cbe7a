//! What a query reads: only the columns that it names, filtered part by part.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::{Column, DataType, NamedFrom as _, Series, TimeUnit, TimeZone};
use polars_io::parquet::write::ParquetWriter;

use super::*;
use crate::PartInfo;

/// Parts that hold nothing but these columns: a query that reads any other fails. `ts` is the one that the engine
/// takes to count rows where a query names none.
fn timeline(folder: &Path, parts: usize) -> Timeline {
    let write = |number: usize| {
        let path = folder.join(format!("part-{number:05}.parquet"));
        let cells = |name: &str, values: [&str; 3]| -> Column {
            Series::new(name.into(), values.as_slice()).into_column()
        };
        let first = i64::try_from(number).expect("a small number");
        let columns = vec![
            Series::new("ts".into(), [first; 3].as_slice())
                .cast(&DataType::Datetime(
                    TimeUnit::Microseconds,
                    Some(TimeZone::UTC),
                ))
                .expect("times")
                .into_column(),
            Series::new("ts_ns".into(), [first, first + 10, first + 20].as_slice()).into_column(),
            cells("action", ["exec", "log", "exec"]),
            cells("host", ["a", "b", "b"]),
            cells("file", ["f", "f", "f"]),
            Series::new("line".into(), [1_i64, 2, 3].as_slice()).into_column(),
            Series::new("offset".into(), [None::<i64>, None, None].as_slice()).into_column(),
        ];
        let mut frame = DataFrame::new(3, columns).expect("a frame");
        let file = std::fs::File::create(&path).expect("a file");
        ParquetWriter::new(file)
            .finish(&mut frame)
            .expect("written");
        PartInfo {
            path,
            rows: 3,
            actions: vec!["exec".to_owned(), "log".to_owned()],
            kept: Arc::default(),
        }
    };
    Timeline::of_parts((0..parts).map(write).collect())
}

fn rows(answer: &Answer) -> Vec<String> {
    let row = |at| -> Vec<String> { answer.row(at).map(|cell| cell.to_string()).collect() };
    (0..answer.rows()).map(|at| row(at).join(" ")).collect()
}

#[test]
fn only_columns_that_a_query_names_are_read() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let timeline = timeline(folder.path(), 3);
    let database = Database::of(&timeline);
    let check = |sql: &str, expected: &[&str]| {
        let answer = database
            .ask(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(rows(&answer), expected, "{sql}");
    };
    check("SELECT count(*) FROM timeline", &["9"]);
    check(
        "SELECT count(*) FROM timeline WHERE action = 'exec'",
        &["6"],
    );
    check(
        "SELECT host, count(*) FROM timeline GROUP BY host",
        &["a 3", "b 6"],
    );
    check(
        "SELECT ts_ns, host FROM timeline LIMIT 4",
        &["0 a", "1 a", "2 a", "10 b"],
    );
    check(
        "SELECT ts_ns FROM (SELECT ts_ns, action FROM timeline LIMIT 4) AS few WHERE action = 'log'",
        &["10"],
    );
    check(
        "SELECT ts_ns FROM timeline WHERE host = 'b' ORDER BY ts_ns DESC LIMIT 2",
        &["22", "21"],
    );
    assert!(database.ask("SELECT * FROM timeline").is_err());
}

#[test]
fn filters_of_our_functions_too_reach_the_parts() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let timeline = timeline(folder.path(), 1);
    let database = Database::of(&timeline);
    for filter in [
        "action = 'exec'",
        "json_value(host, 'x') = '1'",
        "in_network(host, '10.0.0.0/8')",
    ] {
        let mut context = database.context(false).expect("a context");
        let sql = format!("SELECT count(*) FROM timeline WHERE {filter}");
        let plan = context.execute(&sql).expect("a plan");
        let plan = plan.describe_optimized_plan().expect("a plan");
        assert!(
            plan.contains("SELECTION:") && !plan.contains("FILTER"),
            "{filter}: {plan}"
        );
    }
}

#[test]
fn parts_without_the_wanted_actions_are_not_opened() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut timeline = timeline(folder.path(), 2);
    let gone = folder.path().join("part-00001.parquet");
    std::fs::remove_file(gone).expect("removed");
    timeline.parts[1].actions = vec!["dns-query".to_owned()];
    let database = Database::of(&timeline);
    let read = [
        "action = 'exec'",
        "action IN ('exec', 'x') AND file = 'f'",
        "action LIKE 'ex%'",
    ];
    for filter in read {
        let sql = format!("SELECT count(*) FROM timeline WHERE {filter}");
        assert_eq!(
            rows(&database.ask(&sql).expect("an answer")),
            ["2"],
            "{filter}"
        );
    }
    for filter in [
        "action LIKE 'dns%'",
        "action = 'exec' OR host = 'b'",
        "host = 'a'",
    ] {
        let sql = format!("SELECT count(*) FROM timeline WHERE {filter}");
        assert!(database.ask(&sql).is_err(), "{filter}");
    }
}
