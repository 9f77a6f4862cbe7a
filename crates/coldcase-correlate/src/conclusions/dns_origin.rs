//! Which client asked for a bad domain: one answer a client, from the findings of `dns-origin`.

use coldcase_model::{Conclusion, Finding, Observable, ObservableType};
use coldcase_timeline::TimelineError;
use serde_json::Value;

use crate::{CaseFacts, View};

/// An answer for each client. One that asked from two addresses is one answer.
pub(super) fn conclude(
    _: &View<'_>,
    _: &CaseFacts,
    findings: &[Finding],
) -> Result<Vec<Conclusion>, TimelineError> {
    let mut asked: Vec<Conclusion> = findings
        .iter()
        .filter(|finding| finding.correlator == "dns-origin")
        .filter_map(conclusion)
        .collect();
    asked.sort_by(|a, b| (&a.about, &a.answer, &a.because).cmp(&(&b.about, &b.answer, &b.because)));
    let mut answers: Vec<Conclusion> = Vec::new();
    for one in asked {
        match answers.last_mut() {
            Some(same) if (&same.about, &same.answer) == (&one.about, &one.answer) => {
                same.confidence = same.confidence.max(one.confidence);
                same.because.extend(one.because);
                same.text = format!("{} {}", same.text, one.text);
            }
            _ => answers.push(one),
        }
    }
    Ok(answers)
}

fn conclusion(finding: &Finding) -> Option<Conclusion> {
    let domain = finding.facts.get("domain")?.as_str()?;
    let answer = observable(finding.facts.get("client")?)?;
    let candidates = finding.facts.get("candidates").and_then(Value::as_array);
    let candidates = candidates.into_iter().flatten().filter_map(observable);
    Some(Conclusion {
        kind: "dns-origin",
        about: Observable::new(ObservableType::Domain, domain),
        question: format!("which client asked for {domain}"),
        answer,
        candidates: candidates.collect(),
        confidence: finding.confidence,
        because: vec![finding.id.clone()],
        text: format!("{}. {}", finding.title, finding.text),
    })
}

/// An observable as facts hold it.
fn observable(value: &Value) -> Option<Observable> {
    let kind = match value.get("type")?.as_str()? {
        "pod" => ObservableType::Pod,
        "container" => ObservableType::Container,
        "host" => ObservableType::Host,
        _ => ObservableType::Unknown,
    };
    Some(Observable::new(kind, value.get("value")?.as_str()?))
}
