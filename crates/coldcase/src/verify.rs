//! Whether evidence is still what a case was made from: its inputs hashed again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use coldcase_evidence::{Bundle, EvidenceError, Limits, open};
use rayon::prelude::*;
use serde_json::Value;

use crate::saved_case::{SavedCaseError, read_json};

/// Why a case can't be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// `case.json` can't be read.
    #[error(transparent)]
    Case(#[from] SavedCaseError),
    /// It does not say where the evidence lay.
    #[error(
        "the case does not say where its evidence lay; say it: `coldcase verify CASE BUNDLE...`"
    )]
    NoBundles,
    /// The evidence can't be opened.
    #[error("{0}; if the evidence was moved, say where it is: `coldcase verify CASE BUNDLE...`")]
    Evidence(#[from] EvidenceError),
}

/// One input that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Its bytes are others.
    Changed(String),
    /// It is gone.
    Missing(String),
    /// It was not there.
    New(String),
    /// It can't be read any more; why.
    Unreadable(String, String),
}

/// What a verification showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Inputs that are as they were.
    pub same: usize,
    /// Inputs that had no hash when the case was made: they could not be read then.
    pub without_hash: usize,
    /// The others, by path.
    pub differences: Vec<Difference>,
}

/// Hashes the inputs of a case again. Without bundles: where the case found them.
pub fn verify(case: &Path, bundles: &[PathBuf]) -> Result<Verified, VerifyError> {
    let json = read_json(&case.join("case.json"))?;
    let known: BTreeMap<&str, Option<&str>> = json
        .get("inputs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|input| {
            let path = input.get("path")?.as_str()?;
            Some((path, input.get("sha256").and_then(Value::as_str)))
        })
        .collect();
    let recorded = json.pointer("/options/bundles").and_then(Value::as_array);
    let recorded = recorded.into_iter().flatten().filter_map(Value::as_str);
    let roots: Vec<PathBuf> = match bundles {
        [] => recorded.map(PathBuf::from).collect(),
        given => given.to_vec(),
    };
    if roots.is_empty() {
        return Err(VerifyError::NoBundles);
    }
    let bundle = Bundle::open_within(&roots, &limits(&json))?;
    let hashes: BTreeMap<&str, io::Result<String>> = bundle
        .artifacts
        .par_iter()
        .map(|artifact| {
            let hash = match &artifact.unreadable {
                Some(reason) => Err(io::Error::other(reason.clone())),
                None => hash(&artifact.disk),
            };
            (artifact.path.as_str(), hash)
        })
        .collect();
    Ok(compare(&known, &hashes))
}

/// The limits that the case was made within; what they left out is no difference.
fn limits(case: &Value) -> Limits {
    let default = Limits::default();
    let said = |name: &str| case.pointer(&format!("/options/limits/{name}"))?.as_u64();
    Limits {
        unpacked_bytes: said("unpacked_bytes").unwrap_or(default.unpacked_bytes),
        files: said("files").unwrap_or(default.files),
        ratio: said("ratio").unwrap_or(default.ratio),
        depth: said("depth")
            .and_then(|depth| usize::try_from(depth).ok())
            .unwrap_or(default.depth),
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let mut opened = open(path)?;
    // Only the packed bytes count: damage of the packing is what it was.
    let _ = opened.reader.read(&mut [0]);
    Ok(opened.digest.finish().0)
}

fn compare(
    known: &BTreeMap<&str, Option<&str>>,
    hashes: &BTreeMap<&str, io::Result<String>>,
) -> Verified {
    let mut verified = Verified {
        same: 0,
        without_hash: 0,
        differences: Vec::new(),
    };
    for (path, expected) in known {
        let path = (*path).to_owned();
        match (expected, hashes.get(path.as_str())) {
            (_, None) => verified.differences.push(Difference::Missing(path)),
            (None, Some(_)) => verified.without_hash += 1,
            (Some(expected), Some(Ok(got))) if expected == got => verified.same += 1,
            (Some(_), Some(Ok(_))) => verified.differences.push(Difference::Changed(path)),
            (Some(_), Some(Err(error))) => {
                let reason = error.to_string();
                verified
                    .differences
                    .push(Difference::Unreadable(path, reason));
            }
        }
    }
    let new = hashes.keys().filter(|path| !known.contains_key(*path));
    let new = new.map(|path| Difference::New((*path).to_owned()));
    verified.differences.extend(new);
    verified.differences.sort();
    verified
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_differ() {
        let known = BTreeMap::from([
            ("same", Some("1")),
            ("changed", Some("1")),
            ("gone", Some("1")),
            ("pipe", None),
            ("locked", Some("1")),
        ]);
        let hashes = BTreeMap::from([
            ("same", Ok("1".to_owned())),
            ("changed", Ok("2".to_owned())),
            ("pipe", Err(io::Error::other("a pipe"))),
            ("locked", Err(io::Error::other("no"))),
            ("new", Ok("1".to_owned())),
        ]);
        let got = compare(&known, &hashes);
        let name = |text: &str| text.to_owned();
        let expected = [
            Difference::Changed(name("changed")),
            Difference::Missing(name("gone")),
            Difference::New(name("new")),
            Difference::Unreadable(name("locked"), name("no")),
        ];
        assert_eq!(got.differences, expected);
        assert_eq!((got.same, got.without_hash), (1, 1));
    }
}
