//! Reports made again from case folders: `report.html` and `report.md` of one, `batch.html` and `batch.md`
//! over several.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use coldcase_model::Timestamp;
use coldcase_report::batch::{
    Batch, BatchCase, Sightings, batch_html, batch_markdown, sightings, sought,
};
use coldcase_report::{Beside, Charts, Lang, post_mortem};
use coldcase_timeline::TimelineError;
use serde_json::Value;

use crate::case_files::pages;
use crate::output_place;
use crate::{SavedCase, SavedCaseError};

/// Why reports can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A case can't be read.
    #[error(transparent)]
    Case(#[from] SavedCaseError),
    /// Its timeline can't be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// A case is given twice.
    #[error("{0}: given twice; name each case once")]
    Twice(PathBuf),
    /// The report would lie inside the evidence.
    #[error(
        "{0}: lies inside the evidence of a case, which is never written to; choose another folder with -o"
    )]
    OutputInside(PathBuf),
    /// A post-mortem is there, and people may have written in it.
    #[error(
        "{0}: is there already and may hold what people wrote; move it, or name another file with -o"
    )]
    Edited(PathBuf),
    /// Writing failed.
    #[error("{path}: can't be written: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes `report.html` and `report.md` of a case into its folder again.
pub fn report(case: &Path, lang: Lang) -> Result<(), ReportError> {
    let saved = SavedCase::open(case)?;
    let findings = saved.findings()?;
    let summary = saved.summary(&findings, lang)?;
    let charts = Charts::of(&saved.timeline, &findings, coverage(&saved))?;
    for (name, text) in pages(&summary, &charts) {
        write(case, name, &text)?;
    }
    Ok(())
}

/// Writes the post-mortem of a case to a file, by default `post-mortem.md` in its folder. A file that is there is left as
/// it is: people finish this one by hand. Gives where it lies.
pub fn write_post_mortem(
    case: &Path,
    output: Option<&Path>,
    lang: Lang,
) -> Result<PathBuf, ReportError> {
    let saved = SavedCase::open(case)?;
    let path = output.map_or_else(|| case.join("post-mortem.md"), Path::to_owned);
    refuse_inside(&saved, &path)?;
    let findings = saved.findings()?;
    let summary = saved.summary(&findings, lang)?;
    let collected = saved.case.get("collected_at").and_then(Value::as_str);
    let beside = Beside {
        coverage: coverage(&saved),
        collected_at: collected.and_then(Timestamp::parse_rfc3339),
    };
    let text = post_mortem(&summary, beside);
    let failed = |source| ReportError::Write {
        path: path.clone(),
        source,
    };
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    match made {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(|source| {
            // Half of it is of no use, and would stand in the way of the next.
            let _ = fs::remove_file(&path);
            failed(source)
        })?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_same = fs::read(&path).is_ok_and(|there| there == text.as_bytes());
            if !is_same {
                return Err(ReportError::Edited(path));
            }
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(path)
}

fn coverage(saved: &SavedCase) -> &[Value] {
    let coverage = saved.case.get("coverage").and_then(Value::as_array);
    coverage.map_or(&[][..], Vec::as_slice)
}

/// Writes `batch.html` and `batch.md` over these cases into a folder, which is made if need be. Gives the
/// batch.
pub fn batch(cases: &[PathBuf], output: &Path, lang: Lang) -> Result<Batch, ReportError> {
    let mut opened = Vec::new();
    let mut real = Vec::new();
    for folder in cases {
        let saved = SavedCase::open(folder)?;
        refuse_inside(&saved, output)?;
        let path = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        if real.contains(&path) {
            return Err(ReportError::Twice(folder.clone()));
        }
        opened.push(batch_case(&saved, &path, lang)?);
        real.push(path);
    }
    name_apart(&mut opened);
    let sought = sought(&opened);
    for (case, folder) in opened.iter_mut().zip(cases) {
        case.sightings = sightings(&SavedCase::open(folder)?.timeline, &sought)?;
    }
    let batch = Batch::new(opened, lang);
    fs::create_dir_all(output).map_err(|source| ReportError::Write {
        path: output.to_owned(),
        source,
    })?;
    write(output, "batch.html", &batch_html(&batch))?;
    write(output, "batch.md", &batch_markdown(&batch))?;
    Ok(batch)
}

fn batch_case(saved: &SavedCase, folder: &Path, lang: Lang) -> Result<BatchCase, ReportError> {
    let findings = saved.findings()?;
    let inputs = saved.summary(&findings, lang)?.inputs;
    let hosts = saved.facts.hosts.iter();
    Ok(BatchCase {
        name: String::new(),
        folder: folder.to_owned(),
        inputs,
        hosts: hosts
            .map(|host| (host.name.clone(), host.addresses.clone()))
            .collect(),
        collected_at: saved.facts.collected_at,
        sightings: Sightings::new(),
        findings,
    })
}

/// Names each case by the last parts of its path, as many as tell all apart.
fn name_apart(cases: &mut [BatchCase]) {
    let most = cases
        .iter()
        .map(|case| case.folder.components().count())
        .max()
        .unwrap_or(1);
    for parts in 1..=most {
        for case in cases.iter_mut() {
            let all: Vec<_> = case.folder.components().collect();
            let last = all
                .get(all.len().saturating_sub(parts)..)
                .unwrap_or_default();
            case.name = last.iter().collect::<PathBuf>().display().to_string();
        }
        let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() == cases.len() {
            return;
        }
    }
}

fn refuse_inside(saved: &SavedCase, output: &Path) -> Result<(), ReportError> {
    let bundles = saved
        .case
        .pointer("/options/bundles")
        .and_then(|all| all.as_array());
    let roots = bundles
        .into_iter()
        .flatten()
        .filter_map(|path| path.as_str());
    let roots: Vec<PathBuf> = roots.map(PathBuf::from).collect();
    if output_place::is_inside(&roots, output) {
        return Err(ReportError::OutputInside(output.to_owned()));
    }
    Ok(())
}

/// Written beside and renamed: an interrupted run leaves the old report.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), ReportError> {
    let (path, beside) = (folder.join(name), folder.join(format!("{name}.new")));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path));
    written.map_err(|source| {
        // What was not written whole is of no use to anyone.
        let _ = fs::remove_file(&beside);
        ReportError::Write { path, source }
    })
}
