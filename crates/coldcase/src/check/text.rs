//! Results for a person: each incident on a line, below it what is not as expected, what came nearest and
//! how that differs.

use std::fmt::Write as _;

use coldcase_report::for_terminal;

use super::compare::Expectation;
use super::{Checked, Verdict};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Only what is not as expected.
    Failures,
    /// A line for each incident, too.
    Incidents,
    /// All expectations, too.
    Expectations,
}

/// Results for a person.
pub fn text(checked: &[Checked], detail: Detail) -> String {
    let mut out = String::new();
    for incident in checked {
        one(&mut out, incident, detail);
    }
    if detail == Detail::Failures {
        return out;
    }
    let count = |verdict: Verdict| {
        checked
            .iter()
            .filter(|one| one.verdict() == verdict)
            .count()
    };
    let _ = writeln!(
        out,
        "{} incidents: {} as expected, {} different, {} not checked",
        checked.len(),
        count(Verdict::AsExpected),
        count(Verdict::Different),
        count(Verdict::NotChecked)
    );
    out
}

fn one(out: &mut String, incident: &Checked, detail: Detail) {
    let name = for_terminal(&incident.name);
    match &incident.result {
        Err(error) => {
            let _ = writeln!(out, "ERROR {name}: {}", for_terminal(error));
        }
        Ok(all) => {
            let failed = all.iter().filter(|one| one.failure.is_some()).count();
            if failed > 0 {
                let _ = writeln!(
                    out,
                    "FAIL  {name}: {failed} of {} not as expected",
                    all.len()
                );
            } else if detail != Detail::Failures {
                let _ = writeln!(out, "ok    {name}: {} as expected", all.len());
            }
            for one in all {
                if one.failure.is_some() {
                    let _ = write!(out, "\n{}\n", indented(&lines(one)));
                } else if detail == Detail::Expectations {
                    let _ = writeln!(out, "        ok {}", for_terminal(&one.name));
                }
            }
        }
    }
    if incident.verdict() == Verdict::Different {
        for warning in &incident.warnings {
            let _ = writeln!(out, "      bundle: {}", for_terminal(warning));
        }
    }
    for change in &incident.blessed {
        let _ = writeln!(out, "      blessed: {}", for_terminal(change));
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("        {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// An expectation that is not met, in lines.
pub(super) fn lines(one: &Expectation) -> String {
    let Some(failure) = &one.failure else {
        return for_terminal(&one.name);
    };
    let mut out = format!(
        "{}: {}\n",
        for_terminal(&one.name),
        for_terminal(&failure.message)
    );
    if let Some(why) = &one.why {
        let _ = writeln!(out, "  why       {}", for_terminal(why));
    }
    labelled(&mut out, "expected", &failure.expected);
    labelled(&mut out, "nearest", failure.nearest.as_slice());
    labelled(&mut out, "differs", &failure.differs);
    out
}

fn labelled(out: &mut String, label: &str, lines: &[String]) {
    let mut label = label;
    for line in lines {
        let _ = writeln!(out, "  {label:<9} {}", for_terminal(line));
        label = "";
    }
}
