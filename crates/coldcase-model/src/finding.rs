//! What correlators state and conclusions join: `findings.json` is [`Findings`] as serde writes it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::words::{Word, word, words};
use crate::{Observable, Timestamp};

/// The version of `findings.json`.
pub const SCHEMA: &str = "coldcase.findings/1";

/// How much a finding matters. High is earned: evidence without an incident reaches medium at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// All, least first.
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The word in `findings.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == name)
    }
}

/// A record that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// The input's path in the bundle.
    pub file: String,
    /// Line of a text artifact, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Byte offset in a binary artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// When.
    pub ts: Option<Timestamp>,
    /// What the record says, one line.
    pub text: String,
}

/// What one correlator states about some subjects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable: from correlator and subjects, see [`stable_id`].
    pub id: String,
    /// Id of the correlator.
    #[serde(deserialize_with = "word")]
    pub correlator: Word,
    /// One line.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// 0 to 1.
    pub confidence: f64,
    /// First and last moment concerned.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// What it is about.
    pub subjects: Vec<Observable>,
    /// The facts that CONTRACT fixes for the correlator; unknown is null.
    pub facts: Map<String, Value>,
    /// ATT&CK techniques.
    #[serde(deserialize_with = "words")]
    pub attack: Vec<Word>,
    /// Decisive records, at most 20.
    pub evidence: Vec<EvidenceRecord>,
    /// What it means and what to look at next.
    pub text: String,
}

/// An answer that rests on findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conclusion {
    /// `login-cause`, `dns-origin`, `flood-source`, `way-in`.
    #[serde(deserialize_with = "word")]
    pub kind: Word,
    /// What is asked about.
    pub about: Observable,
    /// The question in words; names its subject.
    pub question: String,
    /// The answer.
    pub answer: Observable,
    /// Others that fit as well.
    pub candidates: Vec<Observable>,
    /// 0 to 1.
    pub confidence: f64,
    /// Ids of the findings it rests on.
    pub because: Vec<String>,
    /// In plain sentences, with what the evidence could not show.
    pub text: String,
}

/// `findings.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// [`SCHEMA`].
    #[serde(deserialize_with = "word")]
    pub schema: Word,
    /// Answers first.
    pub conclusions: Vec<Conclusion>,
    /// Most severe first, then by correlator and id.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// Puts findings and conclusions into their fixed order.
    pub fn new(mut conclusions: Vec<Conclusion>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            (b.severity, a.correlator, &a.id).cmp(&(a.severity, b.correlator, &b.id))
        });
        conclusions
            .sort_by(|a, b| (a.kind, &a.about, &a.answer).cmp(&(b.kind, &b.about, &b.answer)));
        Self {
            schema: SCHEMA,
            conclusions,
            findings,
        }
    }
}

/// The id of a finding: FNV-1a (64 bit) of correlator and subjects, so that it stays from run to run.
/// `distinct` tells apart findings of one correlator about the same subjects (a kind, a port).
pub fn stable_id(correlator: &str, subjects: &[Observable], distinct: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    feed(correlator);
    for subject in subjects {
        feed(&format!("{:?}", subject.kind));
        feed(&subject.value);
    }
    feed(distinct);
    format!("{correlator}-{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObservableType;

    #[test]
    fn findings_are_read_back_as_they_were() {
        let finding = Finding {
            id: "scan-1".into(),
            correlator: "scan",
            title: "t".into(),
            severity: Severity::High,
            confidence: 0.5,
            first: Some(Timestamp(1)),
            last: None,
            subjects: vec![Observable::new(ObservableType::Ip, "10.0.0.1")],
            facts: [("src_ip".to_owned(), Value::from("10.0.0.1"))]
                .into_iter()
                .collect(),
            attack: vec!["T1046"],
            evidence: vec![EvidenceRecord {
                file: "f".into(),
                line: None,
                offset: Some(7),
                ts: Some(Timestamp(1)),
                text: "x".into(),
            }],
            text: "x".into(),
        };
        let findings = Findings::new(Vec::new(), vec![finding]);
        let text = serde_json::to_string(&findings).expect("JSON");
        let back: Findings = serde_json::from_str(&text).expect("findings");
        assert_eq!(back, findings);
    }

    #[test]
    fn ids_tell_subjects_apart_and_stay() {
        let ip = |value: &str| vec![Observable::new(ObservableType::Ip, value)];
        assert_eq!(
            stable_id("scan", &ip("10.0.0.1"), ""),
            stable_id("scan", &ip("10.0.0.1"), "")
        );
        assert_ne!(
            stable_id("scan", &ip("10.0.0.1"), ""),
            stable_id("scan", &ip("10.0.0.2"), "")
        );
        assert_ne!(
            stable_id("scan", &ip("10.0.0.1"), ""),
            stable_id("scan", &ip("10.0.0.1"), "vertical")
        );
    }
}
