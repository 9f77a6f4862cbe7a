//! A case folder opened again: its timeline and what the case knows beside it.

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, HostFacts};
use coldcase_model::{Findings, SCHEMA, Timestamp};
use coldcase_report::{Lang, Summary};
use coldcase_timeline::{Timeline, TimelineError};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{case_summary, exact_json};

/// Why a case can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SavedCaseError {
    /// There is no such folder.
    #[error("{0}: no such folder; give a folder that `coldcase analyze` wrote")]
    Missing(PathBuf),
    /// It is a folder of something else, or a file.
    #[error(
        "{0}: no case: it holds no case.json; give a folder that `coldcase analyze` wrote, or make one of \
         evidence: `coldcase analyze {0} -o CASE`"
    )]
    NoCase(PathBuf),
    /// A file of it can't be read.
    #[error(
        "{path}: {source}; check that you may read it and that the case is whole, or analyse the evidence again"
    )]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of it is damaged or not of this program.
    #[error(
        "{path}: {reason}; the case is damaged or was made by another version: analyse the evidence again"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// How.
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
        let timeline = folder.join("timeline");
        if !timeline.is_dir() {
            return Err(SavedCaseError::Damaged {
                path: timeline,
                reason: "is not there".to_owned(),
            });
        }
        Ok(Self {
            timeline: Timeline::open(&timeline)?,
            facts,
            case,
            folder: folder.to_owned(),
        })
    }

    /// Its answers and findings, as they were written.
    pub fn findings(&self) -> Result<Findings, SavedCaseError> {
        let json = read_findings(&self.folder)?;
        Findings::deserialize(json).map_err(|error| SavedCaseError::Damaged {
            path: self.folder.join("findings.json"),
            reason: error.to_string(),
        })
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
            Some(lack) => Err(SavedCaseError::Damaged {
                path: self.folder.join("case.json"),
                reason: lack.to_string(),
            }),
        }
    }
}

/// `findings.json` of a case folder.
pub fn read_findings(folder: &Path) -> Result<Value, SavedCaseError> {
    let path = folder.join("findings.json");
    let findings = read_json(&path)?;
    match findings.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => Ok(findings),
        other => Err(SavedCaseError::Damaged {
            path,
            reason: match other {
                Some(other) => format!("its schema is {other}, not {SCHEMA}"),
                None => "it says no schema".to_owned(),
            },
        }),
    }
}

/// A file of a case folder.
pub(crate) fn read_json(path: &Path) -> Result<Value, SavedCaseError> {
    let folder = path.parent().unwrap_or(path);
    if !folder.exists() {
        return Err(SavedCaseError::Missing(folder.to_owned()));
    }
    if !folder.join("case.json").is_file() {
        return Err(SavedCaseError::NoCase(folder.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|source| SavedCaseError::Read {
        path: path.to_owned(),
        source,
    })?;
    exact_json::parse(&text).map_err(|error| SavedCaseError::Damaged {
        path: path.to_owned(),
        reason: format!("not JSON: {error}"),
    })
}
