//! Answers of the HTTP API, whole and damaged.

use super::super::testing::{messages, read_bytes, sniffed};
use super::*;

fn check(text: &str, expected: &[&str], skipped: &[&str]) {
    let read = read_bytes(&FORMAT, text.as_bytes());
    assert_eq!(messages(&read), expected, "{text}");
    let reasons: Vec<&str> = read.skips.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, skipped, "{text}");
}

fn answer(kind: &str, result: &str) -> String {
    format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"{kind}\",\"result\":{result}}}}}")
}

#[test]
fn results_of_all_kinds() {
    let matrix = answer(
        "matrix",
        "[{\"metric\":{\"__name__\":\"up\",\"instance\":\"192.0.2.1:9100\"},\"values\":[[1641889530.123,\"21\"],[1641889531,\"NaN\"]]},{\"metric\":{},\"values\":[]}]",
    );
    check(
        &matrix,
        &[
            "up{instance=\"192.0.2.1:9100\"} 21",
            "up{instance=\"192.0.2.1:9100\"} NaN",
        ],
        &[],
    );
    let event = &read_bytes(&FORMAT, matrix.as_bytes()).events[0];
    assert_eq!(event.src_ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(
        event.when.unwrap().ts.to_string(),
        "2022-01-11T08:25:30.123Z"
    );
    assert_eq!(
        event.attributes.as_deref(),
        Some(
            "{\"metric\":\"up\",\"value\":21,\"labels\":{\"instance\":\"192.0.2.1:9100\"},\"instance\":\"192.0.2.1:9100\"}"
        )
    );
    let vector = answer(
        "vector",
        "[{\"value\":[1,\"2.5\"],\"metric\":{\"a\":\"b\\\"c\"}}]",
    );
    check(&vector, &["metric{a=\"b\"c\"} 2.5"], &[]);
    check(&answer("scalar", "[1641889530,\"7\"]"), &["metric 7"], &[]);
    check(
        &answer("string", "[1641889530,\"x\"]"),
        &[],
        &["a value that is no number"],
    );
    check(
        &answer(
            "streams",
            "[{\"stream\":{\"app\":\"x\"},\"values\":[[\"1641889530123456789\",\"GET /\"]]}]",
        ),
        &["GET /"],
        &[],
    );
    check(
        &answer(
            "vector",
            "[{\"metric\":{\"a\":\"b\"},\"histogram\":[1,{\"count\":\"1\",\"buckets\":[[0,\"1\",\"2\",\"3\"]]}]}]",
        ),
        &[],
        &["native histograms"],
    );
}

#[test]
fn several_answers_and_errors() {
    let one = answer("vector", "[{\"metric\":{\"a\":\"b\"},\"value\":[1,\"2\"]}]");
    let error = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}";
    let text = format!(
        "[root@h ~]# curl localhost\n{one}\n{error}\n[{{\"metric\":{{\"c\":\"d\"}},\"value\":[1,\"3\"]}}]\n"
    );
    check(
        &text,
        &["metric{a=\"b\"} 2", "metric{c=\"d\"} 3"],
        &["a line that is no JSON", "an answer that tells an error"],
    );
    for (text, expected) in [
        (&*text, Sniff::Sure),
        (error, Sniff::Likely),
        ("{\"status\":\"success\",\"data\":[\"a\"]}", Sniff::No),
        ("[{\"metric\":{},\"values\":[]}]", Sniff::Sure),
    ] {
        assert_eq!(sniffed(&FORMAT, "x", text), expected, "{text}");
    }
}

#[test]
fn damage_keeps_what_was_whole() {
    let text = answer(
        "matrix",
        "[{\"metric\":{\"a\":\"b\"},\"values\":[[1,\"2\"],[2,\"3\"]]}]",
    );
    let cut = text.get(..text.len() - 12).unwrap();
    check(
        cut,
        &["metric{a=\"b\"} 2"],
        &["the file ends inside of a JSON document"],
    );
    let broken = text.replace("[2,", "[2;");
    check(
        &format!("{broken}\n{text}"),
        &[
            "metric{a=\"b\"} 2",
            "metric{a=\"b\"} 2",
            "metric{a=\"b\"} 3",
        ],
        &["a JSON document that is not well-formed"],
    );
    let deep = format!("{{\"data\":{}", "[".repeat(100_000));
    check(&deep, &[], &["the file ends inside of a JSON document"]);
}
