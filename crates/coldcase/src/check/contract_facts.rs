//! The facts of each correlator that decide whether two findings say the same, as the contract fixes them.
//! Scores, p-values and lists of surroundings are left out: they move with every change of a threshold.

/// The facts of one correlator.
pub(super) struct Facts {
    /// Its id.
    pub correlator: &'static str,
    /// What the finding is about: one that differs here is another finding.
    pub about: &'static [&'static str],
    /// What it states.
    pub stated: &'static [&'static str],
}

const fn facts(
    correlator: &'static str,
    about: &'static [&'static str],
    stated: &'static [&'static str],
) -> Facts {
    Facts {
        correlator,
        about,
        stated,
    }
}

/// In the order of the contract.
pub(super) const ALL: [Facts; 19] = [
    facts(
        "first-seen",
        &["entity_type", "entity"],
        &["first", "last", "count"],
    ),
    facts(
        "periodic-window",
        &["entity", "action"],
        &[
            "timezone",
            "window_start",
            "window_end",
            "days_active",
            "days_span",
            "events",
            "events_in_window",
        ],
    ),
    facts(
        "beacon",
        &["src", "dst", "dst_port"],
        &["period_seconds", "events"],
    ),
    facts(
        "dns-origin",
        &["domain", "client_ip"],
        &[
            "indicator",
            "client",
            "candidates",
            "queries",
            "query_types",
            "first",
            "last",
        ],
    ),
    facts(
        "dns-anomaly",
        &["kind", "client_ip", "domain"],
        &["queries"],
    ),
    facts(
        "syn-flood",
        &["src_ip", "kind"],
        &[
            "dst_count",
            "dst_ports",
            "syns",
            "answered_ratio",
            "first",
            "last",
            "peak_pps",
        ],
    ),
    facts("scan", &["src_ip", "kind"], &["dst_count", "port_count"]),
    facts(
        "ssh-auth",
        &["src_ip", "host"],
        &["pattern", "failures", "successes", "users", "first", "last"],
    ),
    facts(
        "series-match",
        &["effect", "cause"],
        &["matched", "precision", "recall", "lag_seconds"],
    ),
    facts(
        "container-exit",
        &["container"],
        &[
            "image",
            "pod",
            "exit_code",
            "oom_killed",
            "started_at",
            "finished_at",
        ],
    ),
    facts(
        "suspicious-container",
        &["container"],
        &["image", "command", "reasons"],
    ),
    facts(
        "exposed-service",
        &["service", "listen"],
        &["process", "callers"],
    ),
    facts(
        "miner",
        &["process", "pid"],
        &["cpu_percent", "remote", "reasons"],
    ),
    facts(
        "remote-access",
        &["service", "src_ip", "dst"],
        &["sessions", "first", "last"],
    ),
    facts(
        "top-talker",
        &["host", "device"],
        &["bytes_per_second", "share", "first", "last"],
    ),
    facts(
        "indicator",
        &["indicator"],
        &["indicator_type", "hits", "first", "last", "where"],
    ),
    facts("hidden-process", &["pid", "remote"], &["reasons"]),
    facts("persistence", &["kind", "path"], &["command", "reasons"]),
    facts("log-tampering", &["kind", "log"], &["first", "last"]),
];

/// The facts of this correlator, where the contract has it.
pub(super) fn of(correlator: &str) -> Option<&'static Facts> {
    ALL.iter().find(|facts| facts.correlator == correlator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_correlator_has_its_facts() {
        for correlator in coldcase_correlate::correlators::ALL {
            assert!(of(correlator.id).is_some(), "{}", correlator.id);
        }
    }
}
