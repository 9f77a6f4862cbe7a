//! A case folder opened again: its timeline and what the case knows beside it.

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, HostFacts};
use coldcase_model::Timestamp;
use coldcase_model::{Findings, SCHEMA};
use coldcase_report::{Lang, Summary};
use coldcase_timeline::{Timeline, TimelineError};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{case_summary, exact_json};

/// Why a case can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SavedCaseError {
    /// A file of it can't be read.
    #[error("{path}: {reason}; give a folder that `coldcase analyze` wrote")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Its timeline can't be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
}

/// A case folder opened again.
pub struct SavedCase {
    /// Its timeline.
    pub timeline: Timeline,
    /// Hosts, zone and moment of collection; indicators and coverage are not kept.
    pub facts: CaseFacts,
    /// `case.json`.
    pub case: Value,
    folder: PathBuf,
}

impl SavedCase {
    /// Opens a case folder.
    pub fn open(folder: &Path) -> Result<Self, SavedCaseError> {
        let case = read_json(&folder.join("case.json"))?;
        let zone = |value: Option<&Value>| -> Tz {
            let name = value.and_then(Value::as_str);
            name.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
        };
        let hosts = case.get("hosts").and_then(Value::as_array);
        let hosts: Vec<HostFacts> = hosts
            .into_iter()
            .flatten()
            .filter_map(|host| {
                let addresses = host.get("addresses")?.as_array()?.iter();
                let addresses = addresses.filter_map(Value::as_str).map(str::to_owned);
                Some(HostFacts {
                    name: host.get("name")?.as_str()?.to_owned(),
                    addresses: addresses.collect(),
                    zone: zone(host.get("timezone")),
                })
            })
            .collect();
        let collected = case.get("collected_at").and_then(Value::as_str);
        let facts = CaseFacts {
            zone: case_summary::zone(&case)
                .or_else(|| hosts.first().map(|host| host.zone))
                .unwrap_or(Tz::UTC),
            hosts,
            collected_at: collected.and_then(Timestamp::parse_rfc3339),
            indicators: Vec::new(),
            coverage: Vec::new(),
            skews: Vec::new(),
        };
        Ok(Self {
            timeline: Timeline::open(&folder.join("timeline"))?,
            facts,
            case,
            folder: folder.to_owned(),
        })
    }

    /// Its answers and findings, as they were written.
    pub fn findings(&self) -> Result<Findings, SavedCaseError> {
        let path = self.folder.join("findings.json");
        let failed = |reason: String| SavedCaseError::File {
            path: path.clone(),
            reason,
        };
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let json = exact_json::parse(&text).map_err(|error| failed(error.to_string()))?;
        let findings = Findings::deserialize(json).map_err(|error| failed(error.to_string()))?;
        if findings.schema == SCHEMA {
            Ok(findings)
        } else {
            let reason = format!("is of schema {}, not {SCHEMA}", findings.schema);
            Err(failed(reason))
        }
    }

    /// What its reports are made from.
    pub fn summary<'f>(
        &self,
        findings: &'f Findings,
        lang: Lang,
    ) -> Result<Summary<'f>, SavedCaseError> {
        match case_summary::lacks(&self.case) {
            None => Ok(case_summary::summary(
                &self.case,
                findings,
                &self.folder,
                lang,
            )),
            Some(lack) => Err(SavedCaseError::File {
                path: self.folder.join("case.json"),
                reason: format!("{lack}: it is damaged or of another version; analyse again"),
            }),
        }
    }
}

/// A file of a case folder.
pub(crate) fn read_json(path: &Path) -> Result<Value, SavedCaseError> {
    let failed = |reason: String| SavedCaseError::File {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}
