//! A corpus of recorded incidents as a regression test: each is analysed and compared with its
//! `expected.json` (`docs/check.md`). Incidents run side by side; one that fails never ends the others.

mod bless;
mod compare;
mod contract_facts;
mod corpus;
mod expectation;
mod junit;
mod matcher;
mod text;

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

pub use compare::{Expectation, Failure};
use corpus::Incident;
pub use junit::junit;
pub use text::{Detail, text};

use crate::{Analysis, Options, Progress, analyze};

/// How a corpus is checked.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Incidents side by side; 0 counts as 1.
    pub jobs: usize,
    /// Threads of all of them together; all cores where it is not set.
    pub threads: Option<usize>,
    /// Only the incidents of these names; empty: all.
    pub only: Vec<String>,
    /// Write expectations that what is found meets.
    pub bless: bool,
}

/// Why a corpus can't be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It can't be read.
    #[error("{path}: {source}; give a folder of incidents")]
    Corpus {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds no incident.
    #[error(
        "{0}: holds no incident; one is a folder with a bundle (bundle/, bundle.tar.gz, ...) and expected.json"
    )]
    Empty(PathBuf),
    /// No incident has the name asked for.
    #[error("{name}: the corpus has no such incident{near}")]
    NoSuchIncident {
        /// Which.
        name: String,
        /// The nearest that there is.
        near: String,
    },
}

/// One incident, checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its path in the corpus.
    pub name: String,
    /// Each expectation compared; or why none could be.
    pub result: Result<Vec<Expectation>, String>,
    /// What `bless` changed in `expected.json`.
    pub blessed: Vec<String>,
    /// What was lost of the bundle as a whole.
    pub warnings: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// What became of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All expectations are met.
    AsExpected,
    /// Some are not.
    Different,
    /// They could not be compared.
    NotChecked,
}

impl Checked {
    /// What became of it.
    pub fn verdict(&self) -> Verdict {
        match &self.result {
            Err(_) => Verdict::NotChecked,
            Ok(all) if all.iter().any(|one| one.failure.is_some()) => Verdict::Different,
            Ok(_) => Verdict::AsExpected,
        }
    }
}

/// Checks the incidents of a corpus; results come in order of name. `done` is told of each as it ends, and
/// of how many there are.
pub fn check(
    corpus: &Path,
    options: &CheckOptions,
    done: &(dyn Fn(&str, usize) + Sync),
) -> Result<Vec<Checked>, CheckError> {
    let incidents = chosen(corpus, &options.only)?;
    let jobs = options.jobs.clamp(1, incidents.len());
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let share = (options.threads.unwrap_or_else(cores) / jobs).max(1);
    let (next, checked) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(incident) = incidents.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = check_one(incident, share, options.bless);
                    done(&one.name, incidents.len());
                    checked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(one);
                }
            });
        }
    });
    let mut checked = checked.into_inner().unwrap_or_else(PoisonError::into_inner);
    checked.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(checked)
}

fn chosen(corpus: &Path, only: &[String]) -> Result<Vec<Incident>, CheckError> {
    let mut all = corpus::incidents(corpus).map_err(|source| CheckError::Corpus {
        path: corpus.to_owned(),
        source,
    })?;
    if all.is_empty() {
        return Err(CheckError::Empty(corpus.to_owned()));
    }
    let is = |incident: &Incident, name: &str| {
        incident.name == name || incident.name.rsplit('/').next() == Some(name)
    };
    if let Some(name) = only
        .iter()
        .find(|name| !all.iter().any(|one| is(one, name)))
    {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let near = coldcase_model::nearest(name, names);
        return Err(CheckError::NoSuchIncident {
            name: name.clone(),
            near: near
                .map(|near| format!("; did you mean {near}?"))
                .unwrap_or_default(),
        });
    }
    all.retain(|one| only.is_empty() || only.iter().any(|name| is(one, name)));
    Ok(all)
}

fn check_one(incident: &Incident, threads: usize, bless: bool) -> Checked {
    let began = Instant::now();
    let mut checked = Checked {
        name: incident.name.clone(),
        result: Ok(Vec::new()),
        blessed: Vec::new(),
        warnings: Vec::new(),
        seconds: 0.0,
    };
    let worked = catch_unwind(AssertUnwindSafe(|| {
        compared(incident, threads, bless, &mut checked)
    }));
    checked.result = worked.unwrap_or_else(|_| {
        Err(
            "the analysis panicked: a defect of the program, please report it with this incident"
                .to_owned(),
        )
    });
    checked.seconds = began.elapsed().as_secs_f64();
    checked
}

fn compared(
    incident: &Incident,
    threads: usize,
    bless: bool,
    checked: &mut Checked,
) -> Result<Vec<Expectation>, String> {
    let path = incident.expected();
    let wrong = |reason: String| format!("{}: {reason}", path.display());
    let old = read(&path).map_err(wrong)?;
    if old.is_none() && !bless {
        return Err(wrong(
            "is missing; `--bless` writes it from what is found".to_owned(),
        ));
    }
    let parse = |json: &Value| expectation::parse(json, &incident.folder).map_err(wrong);
    let expected = old.as_ref().map(parse).transpose()?;
    let options = expected.as_ref().map(|expected| expected.options.clone());
    let analysis = analysed(incident, options.unwrap_or_default(), threads)?;
    checked.warnings.clone_from(&analysis.warnings);
    let found = serde_json::to_value(&analysis.findings).map_err(|error| error.to_string())?;
    if !bless {
        return Ok(expected
            .map(|expected| compare::compare(&expected, &found))
            .unwrap_or_default());
    }
    let (new, changes) = bless::bless(old.as_ref().zip(expected.as_ref()), &found);
    if Some(&new) != old.as_ref() {
        write(&path, &new).map_err(|error| wrong(format!("can't be written: {error}")))?;
        checked.blessed = changes;
    }
    Ok(compare::compare(&parse(&new)?, &found))
}

/// The content of an `expected.json`; `None` where there is none.
fn read(path: &Path) -> Result<Option<Value>, String> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("can't be read: {error}")),
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            format!("not JSON: {error}; mend it, or remove it and let `--bless` write it anew")
        }),
    }
}

/// Written beside and renamed: an interrupted run leaves the old expectations.
fn write(path: &Path, json: &Value) -> io::Result<()> {
    let text = serde_json::to_string_pretty(json)? + "\n";
    let beside = path.with_extension("json.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

struct Silent;

impl Progress for Silent {
    fn start(&self, _: u64) {}
    fn read(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}

fn analysed(incident: &Incident, options: Options, threads: usize) -> Result<Analysis, String> {
    let bundle = incident
        .bundle()
        .map_err(|reason| format!("{}: {reason}", incident.folder.display()))?;
    let case = tempfile::TempDir::new()
        .map_err(|error| format!("no temporary folder: {error}; set TMPDIR"))?;
    let options = Options {
        threads: Some(threads),
        ..options
    };
    let path = bundle.display().to_string();
    let analysis = analyze(&[bundle], case.path(), &options, Arc::new(Silent))
        .map_err(|error| error.to_string())?;
    if analysis.inputs.iter().all(|input| input.format.is_none()) {
        return Err(format!(
            "{path}: no file in it is recognised as evidence; is it whole?"
        ));
    }
    Ok(analysis)
}
