//! Results as JUnit XML: an incident is a test suite, an expectation a test case. Written so that both the
//! schema of Ant's reports and that of Jenkins hold.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::Checked;
use super::text::lines;

/// Results as JUnit XML; `at` is when the run began.
pub fn junit(checked: &[Checked], at: DateTime<Utc>) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, incident) in checked.iter().enumerate() {
        suite(&mut out, id, incident, at);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, id: usize, incident: &Checked, at: DateTime<Utc>) {
    let (tests, failures, errors) = match &incident.result {
        Ok(all) => {
            let failed = all.iter().filter(|one| one.failure.is_some()).count();
            (all.len(), failed, 0)
        }
        Err(_) => (1, 0, 1),
    };
    let name = escape(&incident.name);
    let _ = writeln!(
        out,
        "  <testsuite id=\"{id}\" package=\"coldcase\" name=\"{name}\" timestamp=\"{}\" hostname=\"localhost\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{:.3}\">\n    <properties/>",
        at.format("%Y-%m-%dT%H:%M:%S"),
        incident.seconds
    );
    let case = |out: &mut String, test: &str, rest: &str| {
        let test = escape(test);
        let _ = writeln!(
            out,
            "    <testcase name=\"{test}\" classname=\"{name}\" time=\"0.000\"{rest}"
        );
    };
    match &incident.result {
        Err(error) => {
            let message = escape(error);
            let rest = format!(
                "><error type=\"analysis\" message=\"{message}\">{message}</error></testcase>"
            );
            case(out, "analysis", &rest);
        }
        Ok(all) => {
            for one in all {
                let rest = match &one.failure {
                    None => "/>".to_owned(),
                    Some(failure) => format!(
                        "><failure type=\"difference\" message=\"{}\">{}</failure></testcase>",
                        escape(&failure.message),
                        escape(&lines(one))
                    ),
                };
                case(out, &one.name, &rest);
            }
        }
    }
    out.push_str("    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

/// Text for content and quoted attributes. Characters that XML 1.0 can't hold are left out.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\n' | '\t' => safe.push(character),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_can_not_break_out() {
        assert_eq!(
            escape("a\u{0}\u{1b}[1m<b>&\"'\u{ffff}"),
            "a[1m&lt;b&gt;&amp;&quot;&apos;"
        );
    }
}
