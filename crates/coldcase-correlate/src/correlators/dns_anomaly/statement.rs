//! How anomalies are told.

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use serde_json::{Value, json};

use super::failures::{Burst, Generated, LEAST_BURST, LEAST_RANDOM, OVER_USUAL, RANDOM_SHARE};
use super::shown::Shown;
use super::survey::Survey;
use super::tunnel::{CLEAR_SIGNS, LEAST_BYTES, LEAST_NAMES, LEAST_SIGNS, Tunnel};
use crate::identity::Identities;
use crate::{CaseFacts, Draft, IndicatorType};

/// All signs of a tunnel.
const ALL_SIGNS: usize = 6;

/// What findings are made from.
pub(super) struct Told<'a> {
    pub survey: &'a Survey,
    pub identities: &'a Identities,
    pub facts: &'a CaseFacts,
}

impl Told<'_> {
    /// A tunnel.
    pub fn tunnel(&self, one: &Tunnel, shown: Shown) -> Finding {
        let client = shown
            .sender
            .as_deref()
            .unwrap_or(self.survey.text(one.client));
        let domain = self.survey.text(one.domain);
        let known_bad = self.is_known_bad(domain, &shown.names);
        let severity = match one.signs.len() {
            _ if known_bad => Severity::High,
            ALL_SIGNS if one.far_too_much => Severity::High,
            CLEAR_SIGNS.. => Severity::Medium,
            _ => Severity::Low,
        };
        let score = one.signs.len() as f64 / ALL_SIGNS as f64;
        let mut reasons: Vec<&str> = one.signs.iter().copied().collect();
        if known_bad {
            reasons.push("indicator");
        }
        let title = format!("{client} puts data into names below {domain}");
        let text = format!(
            "About {:.0} distinct names below {domain}, {:.1} kB of data in their labels on the fullest day, {:.0} % of the questions for types that \
             carry data ({}). Virus scanners, mail filters and content networks put hashes into names too, below domains of their makers: \
             see whose {domain} is. Then look at what runs on {client} and what it sent: `coldcase whois CASE {client}`.",
            one.names,
            one.bytes / 1000.0,
            one.data_type_share * 100.0,
            reasons.join(", ")
        );
        let thresholds = json!({
            "least_bytes_a_day": LEAST_BYTES,
            "least_names": LEAST_NAMES,
            "least_signs": LEAST_SIGNS,
            "signs_of_medium": CLEAR_SIGNS,
        });
        let mut finding = self
            .draft("tunnel", client, Some(domain), (one.first, one.last))
            .says(title, text)
            .weighs(severity, 0.4 + 0.5 * score)
            .fact("queries", one.queries)
            .fact("score", digits(score))
            .fact("names", one.names)
            .fact("bytes_a_day", one.bytes.round())
            .fact("reasons", reasons)
            .fact("thresholds", thresholds)
            .attack(&["T1071.004", "T1048"])
            .finish();
        finding.evidence = shown.records;
        finding
    }

    /// Generated names.
    pub fn generated(&self, one: &Generated, shown: Shown) -> Finding {
        let client = shown
            .sender
            .as_deref()
            .unwrap_or(self.survey.text(one.client));
        let known_bad = shown.names.iter().any(|name| self.is_known_bad(name, &[]));
        let severity = if known_bad {
            Severity::High
        } else {
            Severity::Medium
        };
        let title = format!(
            "{client} tries {:.0} domains that look generated and do not exist",
            one.in_all
        );
        let text = format!(
            "{:.0} such domains within an hour, {:.0} % of all that it failed to find then, such as {}. Malware does so to find its server; a mail \
             filter that looks up senders of spam, or a crawler, may look alike. Look for the one name of this kind that was answered, \
             and for the process: `coldcase whois CASE {client}`.",
            one.in_hour,
            one.share * 100.0,
            shown.names.first().map_or("?", String::as_str),
        );
        let thresholds = json!({"least_in_an_hour": LEAST_RANDOM, "least_share": RANDOM_SHARE});
        let mut finding = self
            .draft("dga", client, None, (one.first, one.last))
            .says(title, text)
            .weighs(severity, 0.5 + 0.4 * one.share)
            .fact("queries", one.in_all)
            .fact("score", digits(one.share))
            .fact("examples", shown.names)
            .fact("thresholds", thresholds)
            .attack(&["T1568.002"])
            .finish();
        finding.evidence = shown.records;
        finding
    }

    /// A storm of failures.
    pub fn burst(&self, one: &Burst, shown: Shown, domain: Option<&str>) -> Finding {
        let client = self.survey.text(one.client);
        let title = format!(
            "{client} asks for {} names that do not exist, {} in five minutes",
            one.failures, one.peak
        );
        let below = domain.map_or(String::new(), |domain| format!(" Most are below {domain}."));
        let text = format!(
            "Its usual number in five minutes is {}.{below} Search suffixes, a service that went away and retries do this, so do a list of names \
             being tried and malware that lost its server: look at the names.",
            one.usual
        );
        let thresholds =
            json!({"least_in_five_minutes": LEAST_BURST, "times_the_usual": OVER_USUAL});
        let score = 1.0 - one.usual as f64 / one.peak as f64;
        let mut finding = self
            .draft(
                "nxdomain-burst",
                client,
                domain,
                (Some(one.first), Some(one.last)),
            )
            .says(title, text)
            .weighs(Severity::Low, 0.6)
            .fact("queries", one.failures)
            .fact("score", digits(score))
            .fact("peak", one.peak)
            .fact("usual", one.usual)
            .fact("thresholds", thresholds)
            .finish();
        finding.evidence = shown.records;
        finding
    }

    fn draft(
        &self,
        kind: &str,
        client: &str,
        domain: Option<&str>,
        (first, last): (Option<i64>, Option<i64>),
    ) -> Draft {
        let mut subjects = vec![Observable::new(ObservableType::Ip, client)];
        subjects.extend(domain.map(|domain| Observable::new(ObservableType::Domain, domain)));
        let held = self.identities.at(client, first, last);
        let holder = held.best.map(|best| best.observable);
        let holder = holder.and_then(|one| serde_json::to_value(one).ok());
        Draft::new("dns-anomaly", subjects, kind)
            .spans(first, last)
            .fact("kind", kind)
            .fact("client_ip", client)
            .fact("domain", domain)
            .fact("client", holder.unwrap_or(Value::Null))
    }

    /// Whether an indicator means this domain, or any of these names.
    fn is_known_bad(&self, domain: &str, names: &[String]) -> bool {
        let bad = self.facts.indicators.iter();
        let mut bad = bad.filter(|one| one.kind == IndicatorType::Domain);
        let means = |bad: &str, name: &str| name == bad || super::names::is_below(name, bad);
        bad.any(|one| means(&one.value, domain) || names.iter().any(|name| means(&one.value, name)))
    }
}

fn digits(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
