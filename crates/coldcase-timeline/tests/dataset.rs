//! What goes into the dataset comes out of it: types, nulls, order, several parts.

use coldcase_model::{Event, Precision, Timestamp, When, action};
use coldcase_timeline::{Batch, COLUMNS, ColumnType, DatasetWriter, Origin, Timeline};
use polars::prelude::{DataType, TimeUnit, TimeZone, col, lit};

fn event(seconds: Option<i64>, line: u64) -> Event<'static> {
    let when = seconds
        .and_then(Timestamp::from_seconds)
        .map(|ts| When::recorded(ts, Precision::S));
    Event {
        when,
        line: Some(line),
        src_ip: Some("10.0.0.1".into()),
        dst_port: Some(22),
        ..Event::new(action::SSH_LOGIN)
    }
}

fn dataset(batches: Vec<Vec<(Event<'static>, &str)>>) -> (tempfile::TempDir, Timeline) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let writer = DatasetWriter::create(folder.path()).expect("a writer");
    for rows in batches {
        let mut batch = Batch::default();
        for (event, file) in &rows {
            batch.push(
                event,
                Origin {
                    host: Some("h"),
                    format: "authlog",
                    file,
                },
            );
        }
        writer.hand_over(batch).expect("handed over");
    }
    writer.finish().expect("finished");
    let timeline = Timeline::open(folder.path()).expect("opens");
    (folder, timeline)
}

#[test]
fn columns_have_the_contract_s_names_order_and_types() {
    let (_folder, timeline) = dataset(vec![vec![(event(Some(1), 1), "a")]]);
    let frame = timeline.frames().next().expect("a part").expect("reads");
    let expected: Vec<(&str, DataType)> = COLUMNS
        .iter()
        .map(|(name, kind)| {
            let kind = match kind {
                ColumnType::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
                ColumnType::Text => DataType::String,
                ColumnType::Long => DataType::Int64,
                ColumnType::Int => DataType::Int32,
            };
            (*name, kind)
        })
        .collect();
    let got: Vec<_> = frame
        .schema()
        .iter()
        .map(|(name, kind)| (name.to_string(), kind.clone()))
        .collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect();
    assert_eq!(got, expected);
}

#[test]
fn selections_are_in_total_order_with_undated_rows_last() {
    let (_folder, timeline) = dataset(vec![
        vec![
            (event(None, 1), "a"),
            (event(Some(20), 2), "a"),
            (event(Some(10), 3), "b"),
        ],
        vec![(event(Some(10), 9), "a"), (event(Some(10), 4), "a")],
    ]);
    let rows = timeline
        .select(&[action::SSH_LOGIN], &["src_ip", "dst_port"])
        .expect("selects");
    assert_eq!(
        rows.longs("line"),
        [Some(4), Some(9), Some(3), Some(2), Some(1)]
    );
    assert_eq!(rows.text("src_ip", 0), Some("10.0.0.1"));
    assert_eq!(rows.int("dst_port", 4), Some(22));
    assert_eq!(rows.text("user", 0), None);
    assert_eq!(rows.text("src_ip", 99), None);
}

#[test]
fn filters_see_the_columns_asked_for() {
    let (_folder, timeline) = dataset(vec![vec![
        (event(Some(1), 1), "a"),
        (event(Some(2), 2), "a"),
    ]]);
    let late = timeline.select_where(&[action::SSH_LOGIN], &["src_ip"], |rows| {
        rows.filter(col("line").gt(lit(1i64)))
    });
    assert_eq!(late.expect("selects").rows(), 1);
    let none = timeline
        .select(&[action::DNS_QUERY], &["src_ip"])
        .expect("selects");
    assert_eq!((none.rows(), none.text("src_ip", 0)), (0, None));
}

#[test]
fn rows_of_a_file_are_taken_out_and_added_anew() {
    // One part of both files, one of one alone.
    let many: Vec<_> = (0..70_000)
        .map(|line| (event(Some(5), line), "b"))
        .collect();
    let (folder, timeline) = dataset(vec![
        vec![(event(Some(1), 1), "a"), (event(Some(2), 1), "b")],
        many,
    ]);
    assert_eq!((timeline.parts().len(), timeline.rows()), (2, 70_002));
    let rest = timeline
        .without_files(&std::collections::BTreeSet::from(["b"]))
        .expect("rewritten");
    assert_eq!((rest.parts().len(), rest.rows()), (1, 1));
    let writer = DatasetWriter::append(folder.path(), &rest);
    let mut batch = Batch::default();
    let origin = Origin {
        host: None,
        format: "authlog",
        file: "b",
    };
    batch.push(&event(Some(3), 1), origin);
    writer.hand_over(batch).expect("handed over");
    let whole = Timeline::of_parts(writer.finish().expect("finished"));
    let opened = Timeline::open(folder.path()).expect("opens");
    for timeline in [whole, opened] {
        let rows = timeline.all().expect("rows");
        let times = [Some(1_000_000_000), Some(3_000_000_000)];
        assert_eq!(rows.longs("ts_ns"), times);
        assert_eq!(rows.texts("file"), [Some("a"), Some("b")]);
    }
}

#[test]
fn a_dataset_may_lose_all_its_rows() {
    let (folder, timeline) = dataset(vec![vec![(event(Some(1), 1), "a")]]);
    let none = timeline
        .without_files(&std::collections::BTreeSet::from(["a"]))
        .expect("rewritten");
    let writer = DatasetWriter::append(folder.path(), &none);
    let parts = writer.finish().expect("finished");
    assert_eq!(Timeline::of_parts(parts).rows(), 0);
    assert_eq!(Timeline::open(folder.path()).expect("opens").rows(), 0);
}
