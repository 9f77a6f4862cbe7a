//! Which client asked for a bad domain: one answer a client, from the findings of `dns-origin`.

use coldcase_model::{Conclusion, Finding, Observable, ObservableType};
use serde_json::Value;

/// An answer for each client.
pub(super) fn conclude(findings: &[Finding]) -> Vec<Conclusion> {
    let asked = findings
        .iter()
        .filter(|finding| finding.correlator == "dns-origin");
    asked.filter_map(conclusion).collect()
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
