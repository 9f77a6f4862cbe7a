//! What a rhythm weighs, and how it is told.

use coldcase_model::{Finding, Observable, ObservableType, Severity, action};
use serde_json::{Value, json};

use super::remote::{Remark, Remotes};
use super::series::Survey;
use super::{FALSE_DISCOVERIES, Periodic};
use crate::{CaseFacts, Draft, is_internal};

/// Sources that are few: one, or one and its neighbour.
const FEW_SOURCES: usize = 2;
/// How long a rhythm must last to be more than a visit, in nanoseconds.
const LONG_NS: i64 = 3_600_000_000_000;
/// Or which share of the time that the evidence of that format covers.
const LONG_SHARE: f64 = 0.8;
/// Ports of services that are spoken to by the clock all over the internet.
const USUAL_PORTS: [i32; 33] = [
    22, 25, 53, 80, 110, 123, 143, 179, 389, 443, 465, 500, 514, 587, 636, 853, 873, 993, 995,
    1194, 1514, 3478, 4317, 4318, 4500, 5222, 5228, 5671, 6514, 8883, 10051, 19302, 51820,
];

/// What speaks for a beacon beyond its rhythm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// The destination is in the internet.
    pub external: bool,
    /// Hardly anybody else talks to it.
    pub few_sources: bool,
    pub long_lived: bool,
    /// No well-known service has the port.
    pub unusual_port: bool,
    /// HTTP to an address instead of a name.
    pub bare_address: bool,
    pub known_bad: bool,
    /// Something is odd about who holds a socket to it.
    pub odd_socket: bool,
}

impl Signs {
    /// The severity that these earn.
    pub fn severity(self) -> Severity {
        let suspicious = self.external
            && self.few_sources
            && self.long_lived
            && (self.unusual_port || self.bare_address);
        match () {
            () if self.known_bad || (suspicious && self.odd_socket) => Severity::High,
            () if suspicious => Severity::Medium,
            () if self.external => Severity::Low,
            () => Severity::Info,
        }
    }

    fn words(self) -> Vec<&'static str> {
        let all = [
            (self.external, "external"),
            (self.few_sources, "few-sources"),
            (self.long_lived, "long-lived"),
            (self.unusual_port, "unusual-port"),
            (self.bare_address, "bare-address"),
            (self.known_bad, "indicator"),
        ];
        let said = all.into_iter().filter(|(holds, _)| *holds);
        said.map(|(_, word)| word).collect()
    }
}

/// What findings are made from.
pub(super) struct Told<'a> {
    pub survey: &'a Survey,
    pub remotes: &'a Remotes,
    pub facts: &'a CaseFacts,
    /// Periodic pairs inside the estate.
    pub inside: usize,
}

impl Told<'_> {
    fn signs(&self, one: &Periodic) -> Signs {
        let sources = self.survey.sources.get(&one.key.dst);
        let external = !is_internal(&one.key.dst);
        let lasts = one.counted.last - one.counted.first;
        let covered = self.covered_ns(one);
        let is_http = one.key.action == action::HTTP_REQUEST;
        Signs {
            external,
            few_sources: sources.is_none_or(|known| known.len() <= FEW_SOURCES),
            long_lived: lasts >= LONG_NS
                || covered.is_some_and(|ns| lasts as f64 >= LONG_SHARE * ns as f64),
            unusual_port: one.key.port > 0 && !USUAL_PORTS.contains(&one.key.port),
            bare_address: is_http && one.counted.domain.as_deref().is_some_and(is_address),
            known_bad: self.known_bad(one).is_some(),
            odd_socket: external && self.socket(one).is_some(),
        }
    }

    fn known_bad(&self, one: &Periodic) -> Option<&Remark> {
        self.remotes.known_bad(&one.key.dst)
    }

    fn socket(&self, one: &Periodic) -> Option<&Remark> {
        self.remotes.socket(&one.key.dst, one.key.port)
    }

    /// How long the artifacts of its host and format cover.
    fn covered_ns(&self, one: &Periodic) -> Option<i64> {
        let same = self.facts.coverage.iter().filter(|span| {
            span.host.as_deref().unwrap_or_default() == one.key.host
                && span.format == one.key.format
        });
        let (firsts, lasts): (Vec<i64>, Vec<i64>) = same
            .map(|span| (span.first.nanos(), span.last.nanos()))
            .unzip();
        Some(lasts.into_iter().max()? - firsts.into_iter().min()?)
    }

    /// The finding of one pair.
    pub fn finding(&self, one: &Periodic) -> Finding {
        let signs = self.signs(one);
        let severity = signs.severity();
        let remarks: Vec<&Remark> = self
            .known_bad(one)
            .into_iter()
            .chain(self.socket(one))
            .collect();
        let mut reasons: Vec<Value> = signs.words().into_iter().map(Value::from).collect();
        if let Some(socket) = self.socket(one) {
            reasons.push(socket.word.into());
        }
        let rhythm = &one.rhythm;
        let confidence = 0.5 + 0.45 * rhythm.score();
        let draft = Draft::new("beacon", subjects(one), &one.key.port.to_string())
            .says(self.title(one), self.text(one, severity, &remarks))
            .weighs(severity, confidence)
            .spans(Some(one.counted.first), Some(one.counted.last))
            .fact("src", one.src.clone())
            .fact("dst", one.key.dst.as_str())
            .fact("dst_port", (one.key.port >= 0).then_some(one.key.port))
            .fact("period_seconds", seconds(rhythm.period))
            .fact("jitter_seconds", seconds(rhythm.jitter))
            .fact("events", rhythm.beats)
            .fact("score", digits(rhythm.score()))
            .fact("p_value", rhythm.p_value)
            .fact("connections", one.counted.events)
            .fact("present", digits(rhythm.present))
            .fact("clock_locked", rhythm.clock_locked)
            .fact("reasons", reasons)
            .fact(
                "process",
                (!one.key.exe.is_empty()).then_some(one.key.exe.as_str()),
            )
            .fact("domain", one.counted.domain.clone())
            .fact("thresholds", thresholds());
        let draft = match severity >= Severity::Medium {
            true => draft.attack(&["T1071", "T1029"]),
            false => draft,
        };
        let mut finding = draft.finish();
        finding.evidence = one.evidence.clone();
        let said = remarks.iter().filter_map(|remark| remark.record.clone());
        finding.evidence.extend(said);
        finding
    }

    fn title(&self, one: &Periodic) -> String {
        let who = one.src.as_deref().unwrap_or(&one.key.host);
        format!(
            "{who} connects to {} every {}",
            end(one),
            span(one.rhythm.period)
        )
    }

    fn text(&self, one: &Periodic, severity: Severity, remarks: &[&Remark]) -> String {
        let rhythm = &one.rhythm;
        let clock = match rhythm.clock_locked {
            true => "by the clock",
            false => "after a pause",
        };
        let mut text = format!(
            "{} beats in {}, each {clock}, {} off on average, {:.0} % of those due came. ",
            rhythm.beats,
            span((one.counted.last - one.counted.first) as f64),
            span(rhythm.jitter),
            rhythm.present * 100.0
        );
        for remark in remarks {
            text.push_str(&format!("Note: {}. ", remark.text));
        }
        text.push_str(&match severity {
            Severity::Info => format!(
                "Probes, scrapes and agents do this all day; {} pairs inside the estate are periodic, at most the most regular are told.",
                self.inside
            ),
            Severity::Low => "Updates, time, telemetry and monitoring do this too, and nothing else speaks against it.".to_owned(),
            Severity::Medium => format!(
                "Few talk to this destination and no well-known service has the port; a licence server or a vendor's agent would \
                 look the same. Find the process: `ss -antp dst {}`, then its parent and start.",
                one.key.dst
            ),
            _ => format!(
                "This is how an implant calls home. Before anything is switched off: `ss -antp dst {}`, the process's memory and \
                 its executable, and who else ever reached the address.",
                one.key.dst
            ),
        });
        text
    }
}

fn subjects(one: &Periodic) -> Vec<Observable> {
    let source = match &one.src {
        Some(src) => Observable::new(ObservableType::Ip, src),
        None => Observable::new(ObservableType::Host, &one.key.host),
    };
    vec![source, Observable::new(ObservableType::Ip, &one.key.dst)]
}

fn end(one: &Periodic) -> String {
    match (one.key.port, one.key.dst.contains(':')) {
        (..0, _) => one.key.dst.clone(),
        (port, false) => format!("{}:{port}", one.key.dst),
        (port, true) => format!("[{}]:{port}", one.key.dst),
    }
}

/// Whether a Host header holds an address.
fn is_address(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>().is_ok()
}

fn thresholds() -> Value {
    json!({
        "least_beats": super::rhythm::LEAST_BEATS,
        "least_period_seconds": super::rhythm::LEAST_PERIOD / 1e9,
        "false_discovery_rate": FALSE_DISCOVERIES,
        "few_sources": FEW_SOURCES,
        "long_seconds": LONG_NS / 1_000_000_000,
        "long_share_of_coverage": LONG_SHARE,
    })
}

fn digits(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn seconds(nanos: f64) -> f64 {
    digits(nanos / 1e9)
}

/// A length of time for people.
fn span(nanos: f64) -> String {
    match nanos / 1e9 {
        seconds if seconds < 0.95 => format!("{:.0} ms", seconds * 1e3),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds if seconds < 7200.0 => format!("{:.1} min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// All that matters, and of the rest the best: findings come best first.
pub(super) fn most_telling(all: Vec<Finding>, internal: usize, low: usize) -> Vec<Finding> {
    let (mut infos, mut lows) = (0, 0);
    let told = all.into_iter().filter(|finding| match finding.severity {
        Severity::Info => {
            infos += 1;
            infos <= internal
        }
        Severity::Low => {
            lows += 1;
            lows <= low
        }
        _ => true,
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_is_earned() {
        let all = Signs {
            external: true,
            few_sources: true,
            long_lived: true,
            unusual_port: true,
            bare_address: false,
            known_bad: false,
            odd_socket: true,
        };
        let check = |signs: Signs, expected| assert_eq!(signs.severity(), expected, "{signs:?}");
        check(all, Severity::High);
        check(
            Signs {
                odd_socket: false,
                ..all
            },
            Severity::Medium,
        );
        check(
            Signs {
                unusual_port: false,
                ..all
            },
            Severity::Low,
        );
        check(
            Signs {
                few_sources: false,
                ..all
            },
            Severity::Low,
        );
        check(
            Signs {
                long_lived: false,
                ..all
            },
            Severity::Low,
        );
        check(
            Signs {
                external: false,
                ..all
            },
            Severity::Info,
        );
        check(
            Signs {
                unusual_port: false,
                bare_address: true,
                odd_socket: false,
                ..all
            },
            Severity::Medium,
        );
        check(
            Signs {
                known_bad: true,
                ..Signs::default()
            },
            Severity::High,
        );
    }

    #[test]
    fn spans_for_people() {
        assert_eq!(span(3e8), "300 ms");
        assert_eq!(span(30e9), "30.0 s");
        assert_eq!(span(600e9), "10.0 min");
        assert_eq!(span(86_400e9), "24.0 h");
    }
}
