//! A fleet's questions asked of a lake, and their answers as findings in the contract's form: with host lists, and with
//! records as evidence, whose file is `CASE/path in the bundle`.

mod chains;
mod evidence;
mod findings;
mod grouped;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_evidence::{IndicatorType, parse_indicators};
use coldcase_lake::{AnswerTable, Lake, LakeError, Limits, Question, QuestionError, ask};
use coldcase_model::{Finding, Findings};
use coldcase_timeline::sql::Cells;

/// Findings that a question gives at most; its table has all rows.
const MOST_FINDINGS: usize = 200;

/// Why a fleet's questions can't be answered.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The lake can't be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A question or a parameter isn't there.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// No such question.
    #[error("{name}: no such question{}; there are {known}", near.as_ref().map_or_else(String::new, |near| format!(", did you mean {near}?")))]
    Unknown {
        /// As asked.
        name: String,
        /// Written alike.
        near: Option<String>,
        /// All.
        known: String,
    },
    /// The sweep has nothing to look for.
    #[error(
        "the question `indicators` needs an indicator file: name one with --ioc FILE, or leave the question out"
    )]
    NoIndicators,
    /// An indicator file can't be read.
    #[error("{path}: {reason}")]
    Indicators {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct FleetOptions {
    /// Ids of questions; all where none is named.
    pub questions: Vec<String>,
    /// Indicator files.
    pub iocs: Vec<PathBuf>,
    /// Parameters, for the questions that have them.
    pub set: BTreeMap<String, String>,
    /// Bounds of memory.
    pub limits: Limits,
}

/// The answer to one question.
pub struct FleetAnswer {
    /// As asked.
    pub question: Question,
    /// All rows.
    pub table: AnswerTable,
    /// What they say, most telling first.
    pub findings: Vec<Finding>,
    /// Findings that are not among them, for there are too many.
    pub more: usize,
}

/// Answers to several questions.
pub struct FleetReport {
    /// In the order in which they were asked.
    pub answers: Vec<FleetAnswer>,
    /// Cases in the lake.
    pub cases: usize,
    /// Indicators that can't be looked for in a lake: networks and URLs.
    pub not_swept: usize,
}

impl FleetReport {
    /// All findings, as `findings.json` has them.
    pub fn findings(&self) -> Findings {
        let all = self
            .answers
            .iter()
            .flat_map(|answer| answer.findings.clone());
        Findings::new(Vec::new(), all.collect())
    }
}

/// Asks a lake.
pub fn fleet(root: &Path, options: &FleetOptions) -> Result<FleetReport, FleetError> {
    let lake = Lake::open(root)?;
    let state = lake.state()?;
    let asked = chosen(options)?;
    let (indicators, not_swept) = indicators(&options.iocs)?;
    let mut answers = Vec::new();
    for question in asked {
        let given = if question.id == "indicators" {
            if options.iocs.is_empty() {
                if options.questions.is_empty() {
                    continue;
                }
                return Err(FleetError::NoIndicators);
            }
            vec![("indicators", indicators.clone())]
        } else {
            Vec::new()
        };
        let table = ask(&lake, &state, &question, given, options.limits)?;
        let mut findings = findings::of(question.id, &table);
        let more = findings.len().saturating_sub(MOST_FINDINGS);
        findings.truncate(MOST_FINDINGS);
        evidence::add_texts(&lake, &state, question.id, &mut findings)?;
        answers.push(FleetAnswer {
            question,
            table,
            findings,
            more,
        });
    }
    Ok(FleetReport {
        answers,
        cases: state.cases.len(),
        not_swept,
    })
}

/// The questions that are asked, their parameters filled in.
fn chosen(options: &FleetOptions) -> Result<Vec<Question>, FleetError> {
    let all = coldcase_lake::questions()?;
    let mut asked = Vec::new();
    if options.questions.is_empty() {
        asked.clone_from(&all);
    }
    for name in &options.questions {
        let known = all.iter().find(|question| question.id == name);
        let known = known.ok_or_else(|| FleetError::Unknown {
            name: name.clone(),
            near: coldcase_model::nearest(name, all.iter().map(|one| one.id)).map(str::to_owned),
            known: all.iter().map(|one| one.id).collect::<Vec<_>>().join(", "),
        })?;
        asked.push(known.clone());
    }
    for name in options.set.keys() {
        let has = |question: &Question| question.parameters.iter().any(|one| one.name == name);
        if let Some(last) = asked.last().filter(|_| !asked.iter().any(has)) {
            // Says which parameters there are.
            last.with(&[(name.clone(), String::new())].into())?;
        }
    }
    let filled = asked.iter().map(|question| {
        let own = options.set.iter();
        let own = own.filter(|(name, _)| question.parameters.iter().any(|one| one.name == **name));
        question.with(
            &own.map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    });
    Ok(filled.collect::<Result<_, _>>()?)
}

type Columns = Vec<(&'static str, Cells)>;

/// Indicators as a table, and how many can't be part of it.
fn indicators(files: &[PathBuf]) -> Result<(Columns, usize), FleetError> {
    let (mut kinds, mut values, mut not_swept) = (Vec::new(), Vec::new(), 0);
    let mut all = Vec::new();
    for path in files {
        let failed = |reason: String| FleetError::Indicators {
            path: path.clone(),
            reason,
        };
        let bytes = fs::read(path).map_err(|error| {
            failed(format!(
                "can't be read: {error}; name an indicator file that exists"
            ))
        })?;
        let parsed = parse_indicators(&String::from_utf8_lossy(&bytes));
        if parsed.is_empty() {
            let reason = "holds no indicator; give one domain, address or hash a line";
            return Err(failed(reason.to_owned()));
        }
        all.extend(parsed);
    }
    all.sort();
    all.dedup();
    for indicator in all {
        let kind = match indicator.kind {
            IndicatorType::Domain => "domain",
            IndicatorType::Ip => "ip",
            IndicatorType::Hash => "hash",
            IndicatorType::Cidr | IndicatorType::Url => {
                not_swept += 1;
                continue;
            }
        };
        kinds.push(Some(kind.to_owned()));
        values.push(Some(indicator.value));
    }
    Ok((
        vec![("kind", Cells::Text(kinds)), ("value", Cells::Text(values))],
        not_swept,
    ))
}
