//! Tests of `k8s-audit`.

use coldcase_model::{Counts, Event};

use super::*;

#[derive(Default)]
struct Kept {
    events: Vec<Event<'static>>,
    counts: Counts,
    warned: usize,
}

impl Sink for Kept {
    fn event(&mut self, event: &Event<'_>) {
        self.events.push(event.clone().into_owned());
    }
    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }
    fn skip(&mut self, _: Place, _: &'static str) {
        self.counts.skipped += 1;
    }
    fn warn(&mut self, _: Place, _: String) {
        self.warned += 1;
    }
}

fn read(files: &[&str]) -> Vec<Kept> {
    let mut kept: Vec<Kept> = files.iter().map(|_| Kept::default()).collect();
    let mut parts = Vec::new();
    for (text, kept) in files.iter().zip(&mut kept) {
        let mut input = Input {
            path: "audit.log",
            host: None,
            reader: Box::new(text.as_bytes()),
            clock: &Clock::UNKNOWN,
            cores: crate::Cores::ONE,
        };
        let leftover = ingest(&mut input, kept).expect("reads").expect("leftover");
        parts.push(crate::Part {
            path: "audit.log",
            leftover,
            sink: kept,
        });
    }
    stages::join(parts);
    kept
}

fn entry(id: &str, stage: &str, more: &str) -> String {
    format!(
        "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"auditID\":\"{id}\",\"stage\":\"{stage}\",\
         \"requestURI\":\"/api/v1/namespaces/a/pods/b/exec?command=id&container=c\",\"verb\":\"create\",\
         \"user\":{{\"username\":\"jo\"}},\"objectRef\":{{\"resource\":\"pods\",\"namespace\":\"a\",\"name\":\"b\",\
         \"subresource\":\"exec\"}}{more}}}\n"
    )
}

#[test]
fn a_request_is_told_once() {
    let check = |files: &[String], expected: &[&[u64]]| {
        let texts: Vec<&str> = files.iter().map(String::as_str).collect();
        let got: Vec<Vec<u64>> = read(&texts)
            .iter()
            .map(|kept| kept.events.iter().filter_map(|event| event.line).collect())
            .collect();
        assert_eq!(got, expected);
    };
    let (received, started, complete) = (
        entry("1", "RequestReceived", ""),
        entry("1", "ResponseStarted", ""),
        entry("1", "ResponseComplete", ""),
    );
    check(&[format!("{received}{started}{complete}")], &[&[3]]);
    check(&[format!("{received}{started}")], &[&[2]]);
    check(&[format!("{complete}{received}")], &[&[1]]);
    check(&[received.clone(), complete.clone()], &[&[], &[1]]);
    check(&[complete.clone(), received.clone()], &[&[1], &[]]);
    check(&[received.clone(), started], &[&[], &[1]]);
    check(&[received.clone(), received], &[&[1], &[1]]);
    // A client may choose the id: two completions are two requests.
    check(&[format!("{complete}{complete}")], &[&[1, 2]]);
}

#[test]
fn cut_lines_are_read_as_far_as_they_go() {
    let line = entry("1", "ResponseComplete", ",\"requestObject\":{\"a\":1}");
    for end in 0..line.len() {
        let kept = read(&[line.get(..end).expect("ASCII")]).remove(0);
        let known = kept.counts.used == 1;
        assert_eq!(kept.events.len(), usize::from(known));
        assert_eq!(kept.counts.records(), u64::from(end > 0), "{end}");
    }
    let cut = line.split("requestObject").next().expect("a part");
    let kept = read(&[cut]).remove(0);
    let event = kept.events.first().expect("known");
    assert_eq!(
        (event.command.as_deref(), event.container.as_deref()),
        (Some("id"), Some("c"))
    );
    assert_eq!(kept.warned, 1);
}

#[test]
fn carriers_come_off() {
    let line = entry("1", "ResponseComplete", "");
    let check = |text: &str, expected: usize| {
        assert_eq!(read(&[text]).remove(0).events.len(), expected, "{text}");
    };
    check(
        &format!("2023-05-10T01:02:03.000000001Z stdout F {line}"),
        1,
    );
    let docker = serde_json::json!({"log": line, "stream": "stdout"});
    check(&docker.to_string(), 1);
    check(&format!("\u{feff}{line}"), 1);
    check("{\"kind\":\"Event\"}\n", 0);
    check("x\n{}\n", 0);
    let item = line.trim_end();
    check(
        &format!(
            "{{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"items\":[{item},{item}]}}"
        ),
        2,
    );
    check(
        &format!("{line}{{\"kind\":\"EventList\",\"items\":[{item},{item}]}}"),
        3,
    );
    check(&format!("[\n {item},\n {item}\n]\n"), 2);
}
