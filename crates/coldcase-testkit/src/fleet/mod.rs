//! A fleet made up host by host: what a case of each holds, and what was planted in which. The same for the same seed.
//!
//! Hosts are web, db and node servers that are alike within their group, and a bastion that logs into all of them. Some
//! have what an intruder brought ([`Truth`]), and beside each plant stands what looks alike and is none.

mod everyday;
mod planted;
mod rows;

use coldcase_model::{Event, Timestamp};
use serde_json::{Value, json};

pub use planted::{BEACON, DOMAIN, Thing, Truth};
pub use rows::Made;

/// 2026-03-02T00:00:00Z, when the fleet's logs begin.
const BEGIN_NS: i64 = 1_772_409_600_000_000_000;
/// Days that the logs cover.
const DAYS: i64 = 10;
pub(crate) const SECOND_NS: i64 = 1_000_000_000;
pub(crate) const HOUR_NS: i64 = 3_600 * SECOND_NS;
pub(crate) const DAY_NS: i64 = 24 * HOUR_NS;

/// How a fleet is made.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    /// Hosts: a hundred at least, so that the planted ones are few.
    pub hosts: usize,
    /// Events of each host, roughly.
    pub events: usize,
    /// Another one gives another fleet.
    pub seed: u64,
}

/// A host of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its place in the fleet, from 0: the bastion.
    pub index: usize,
    /// Its name, which is its case's too.
    pub name: String,
    /// Its address.
    pub address: String,
}

/// One event of a host, and the format and file that it is from.
pub struct Emitted<'e> {
    /// The event.
    pub event: Event<'e>,
    /// Id of the format.
    pub format: &'static str,
    /// Path in the bundle.
    pub file: String,
}

impl Fleet {
    /// The host at a place.
    pub fn host(&self, index: usize) -> Host {
        let role = match index % 5 {
            _ if index == 0 => "bastion",
            3 => "db",
            4 => "node",
            _ => "web",
        };
        Host {
            index,
            name: format!("{role}-{index:05}"),
            address: format!(
                "10.{}.{}.{}",
                20 + index / 62_500,
                index / 250 % 250,
                index % 250 + 1
            ),
        }
    }

    /// What was planted where.
    pub fn truth(&self) -> Truth {
        Truth::of(self)
    }

    /// Gives all events of a host, and what its case says beside them.
    pub fn make(&self, host: &Host, emit: &mut dyn FnMut(Emitted<'_>)) -> Made {
        let mut rows = rows::Rows::new(host, emit);
        let truth = self.truth();
        everyday::make(self, host, &truth, &mut rows);
        planted::make(&truth, host, &mut rows);
        rows.finish(planted::findings(&truth, host))
    }
}

impl Made {
    /// `case.json`, with what a lake reads of it.
    pub fn case_json(&self, host: &Host) -> Value {
        let end = Timestamp(BEGIN_NS + DAYS * DAY_NS).to_string();
        json!({
            "tool": { "name": "coldcase", "version": "0" },
            "options": {},
            "timezone": "UTC",
            "timezone_rests_on": "case.toml",
            "collected_at": end,
            "hosts": [{ "name": host.name, "addresses": [host.address], "timezone": "UTC" }],
            "clocks": [],
            "clock_notes": [],
            "coverage": self.coverage,
            "missing": [],
            "warnings": [],
            "inputs": self.inputs,
        })
    }

    /// `findings.json`.
    pub fn findings_json(&self) -> Value {
        json!({ "schema": coldcase_model::SCHEMA, "conclusions": [], "findings": self.findings })
    }
}
