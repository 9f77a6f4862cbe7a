//! What says of a whole host that something hides there: libraries put into every program, and tools that look for rootkits.

use std::collections::BTreeSet;

use coldcase_model::{EvidenceRecord, Severity, action};
use coldcase_timeline::{Timeline, TimelineError};

use super::Hidden;
use crate::evidence::record;
use crate::mining::base_name;
use crate::processes::{attributes, is_tmp_path};

/// Libraries that are preloaded for good reasons, by the start of their names: auditing, allocators, agents, architecture.
const ORDINARY: [&str; 12] = [
    "libsnoopy",
    "libjemalloc",
    "libtcmalloc",
    "libmimalloc",
    "liboneagentproc",
    "libarmmem",
    "libkeepalive",
    "libeatmydata",
    "libfaketime",
    "libproxychains",
    "libtsocks",
    "libcofi_rpi",
];
/// Rootkits of user space, by what their libraries are called.
const ROOTKITS: [&str; 10] = [
    "processhider",
    "prochider",
    "libhide",
    "jynx",
    "azazel",
    "vlany",
    "beurk",
    "bdvl",
    "libncom",
    "symbiote",
];

/// A library that is loaded into every program of a host.
struct Preload {
    host: Option<String>,
    path: String,
    record: EvidenceRecord,
}

impl Preload {
    fn is_rootkit(&self) -> bool {
        let lower = self.path.to_ascii_lowercase();
        ROOTKITS.iter().any(|name| lower.contains(name))
    }

    fn is_out_of_place(&self) -> bool {
        is_tmp_path(&self.path) || self.path.contains("/.")
    }
}

/// What is known of whole hosts.
pub(super) struct Hints {
    preloads: Vec<Preload>,
    /// Hosts of which chkrootkit says that processes hide there.
    told: Vec<(Option<String>, EvidenceRecord)>,
}

impl Hints {
    /// Reads them from the timeline.
    pub fn read(timeline: &Timeline) -> Result<Self, TimelineError> {
        let rows = timeline.select(&[action::PRELOAD_LISTED], &["host", "path"])?;
        let host =
            |rows: &coldcase_timeline::Selection, row| rows.text("host", row).map(str::to_owned);
        let mut seen = BTreeSet::new();
        let mut preloads = Vec::new();
        for row in 0..rows.rows() {
            let Some(path) = rows.text("path", row) else {
                continue;
            };
            let name = base_name(path);
            let is_ordinary = ORDINARY.iter().any(|start| name.starts_with(start));
            let one = Preload {
                host: host(&rows, row),
                path: path.to_owned(),
                record: record(&rows, row),
            };
            if (!is_ordinary || one.is_out_of_place())
                && seen.insert((one.host.clone(), one.path.clone()))
            {
                preloads.push(one);
            }
        }
        let rows = timeline.select(&[action::ALERT], &["host", "format", "attributes"])?;
        let tells = |row: usize| {
            let json = attributes(&rows, row);
            let signature = json.get("signature").and_then(serde_json::Value::as_str);
            rows.text("format", row) == Some("chkrootkit")
                && signature.is_some_and(|text| {
                    text.contains("process hidden") || text.contains("processes hidden")
                })
        };
        let told = (0..rows.rows()).filter(|row| tells(*row));
        let told = told
            .map(|row| (host(&rows, row), record(&rows, row)))
            .collect();
        Ok(Self { preloads, told })
    }

    /// Adds what is known of the host to something hidden there.
    pub fn weigh(&self, hidden: &mut Hidden) {
        let host = hidden.host.clone();
        for one in self.preloads.iter().filter(|one| one.host == host) {
            hidden.add("ld-preload", 2);
            hidden.records.push(one.record.clone());
        }
        for (_, record) in self.told.iter().filter(|(of, _)| *of == host) {
            hidden.add("hidden-process", 1);
            hidden.records.push(record.clone());
        }
    }

    /// The libraries themselves. `hosts`: where something else hides.
    pub fn of_their_own(&self, hosts: &BTreeSet<Option<String>>) -> Vec<Hidden> {
        let found = self.preloads.iter().map(|one| {
            let mut hidden = Hidden::new(one.host.as_deref(), &one.path);
            hidden.path = Some(one.path.clone());
            hidden.least = Severity::Medium;
            hidden.add("ld-preload", if one.is_rootkit() { 2 } else { 0 });
            if one.is_out_of_place() {
                hidden.add("tmp-path", 1);
            }
            if hosts.contains(&one.host) {
                hidden.add("hidden-process", 2);
            }
            hidden.records.push(one.record.clone());
            hidden.compared = format!(
                "/etc/ld.so.preload puts {} into every program that starts, so that what `ps`, `ls` and `ss` show on this host may be filtered.",
                one.path
            );
            hidden
        });
        found.collect()
    }
}
