//! The version of a format: a hash of the sources that decide what comes of its artifacts, made when the program is built.

include!(concat!(env!("OUT_DIR"), "/fingerprints.rs"));

/// The version of a format by its id; of what gives no events, that of what all formats share.
pub(super) fn of(format: Option<&str>) -> &'static str {
    let known = FORMATS.iter().find(|(id, _)| Some(*id) == format);
    known.map_or(SHARED, |(_, fingerprint)| fingerprint)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use coldcase_ingest::formats;

    use super::*;

    #[test]
    fn every_format_has_a_version_of_its_own() {
        let mut of_ids: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, _) in FORMATS {
            *of_ids.entry(id).or_default() += 1;
        }
        for format in formats::ALL {
            assert_eq!(of_ids.get(format.id), Some(&1), "{}", format.id);
        }
        assert_eq!(of_ids.len(), formats::ALL.len());
        for id in ["pcap", "auditd", "authlog", "utmp", "kubectl-pods"] {
            assert_ne!(of(Some(id)), SHARED, "{id}");
        }
        assert_ne!(of(Some("pcap")), of(Some("auditd")));
        // Its facts of hosts are for all: the registry hands them on.
        assert_eq!(of(Some("host-info")), SHARED);
        assert_eq!(of(Some("case")), SHARED);
        assert_eq!(of(None), SHARED);
    }

    /// What reading uses of this crate is among the sources that the build hashes.
    #[test]
    fn what_reading_rests_on_is_counted() {
        let build = include_str!("../../build.rs");
        let read = [
            include_str!("../ingest.rs"),
            include_str!("../artifact_sink.rs"),
            include_str!("../coverage.rs"),
            include_str!("records.rs"),
            include_str!("state_file.rs"),
        ];
        // A type that is declared in a file that is counted, and a module of which one file is.
        let exempt = ["InputRecord", "SkipCount", "clock_solver"];
        let mut seen = 0;
        for text in read {
            let own = text.split("#[cfg(test)]").next().unwrap_or(text);
            let lines = own.lines();
            for used in lines.filter_map(|line| line.strip_prefix("use crate::")) {
                let names: Vec<&str> = match used.strip_prefix('{') {
                    Some(list) => list.trim_end_matches("};").split(", ").collect(),
                    None => vec![used.trim_end_matches(';')],
                };
                for name in names {
                    let module = name.split("::").next().unwrap_or(name);
                    let file = format!("\"{module}.rs\"");
                    assert!(
                        exempt.contains(&module) || build.contains(&file),
                        "{module} decides what is read: add it to OWN in build.rs"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 5);
        assert!(build.contains("\"clock_solver/steps.rs\""));
    }
}
