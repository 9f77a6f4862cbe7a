//! The incidents of a corpus: folders with `expected.json` or with a bundle, at any depth.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The expectations of an incident.
pub(super) const EXPECTED: &str = "expected.json";
/// Names of the evidence of an incident.
const BUNDLES: [&str; 7] = [
    "bundle",
    "bundle.tar",
    "bundle.tar.gz",
    "bundle.tgz",
    "bundle.tar.zst",
    "bundle.tar.xz",
    "bundle.zip",
];
/// Folders within folders, before a corpus is taken for one without end.
const DEEPEST: usize = 32;

/// An incident of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Incident {
    /// Its path in the corpus; the corpus's own name where it is the incident.
    pub name: String,
    pub folder: PathBuf,
}

impl Incident {
    pub(super) fn expected(&self) -> PathBuf {
        self.folder.join(EXPECTED)
    }

    /// Its evidence.
    pub(super) fn bundle(&self) -> Result<PathBuf, String> {
        let mut found = BUNDLES.iter().map(|name| self.folder.join(name));
        let mut found = found.by_ref().filter(|path| path.exists());
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(one), Some(other)) => Err(format!(
                "holds two bundles, {} and {}; keep one",
                one.display(),
                other.display()
            )),
            (None, _) => Err(format!(
                "holds no evidence; put it there as {}",
                BUNDLES.join(", ")
            )),
        }
    }
}

/// All incidents below a folder, in order of name.
pub(super) fn incidents(corpus: &Path) -> io::Result<Vec<Incident>> {
    let mut found = Vec::new();
    let mut entered = BTreeSet::new();
    let mut open = vec![(corpus.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        // A link may lead back up: each real folder is entered once.
        if depth > DEEPEST || !entered.insert(folder.canonicalize()?) {
            continue;
        }
        let mut below = Vec::new();
        let mut is_incident = false;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name == EXPECTED || BUNDLES.contains(&name.as_str()) {
                is_incident = true;
            } else if path.is_dir() && !name.starts_with('.') {
                below.push((path, depth + 1));
            }
        }
        if is_incident {
            found.push(Incident {
                name: name(&folder, corpus),
                folder,
            });
        } else {
            open.append(&mut below);
        }
    }
    found.sort();
    Ok(found)
}

fn name(folder: &Path, corpus: &Path) -> String {
    let inside = folder.strip_prefix(corpus).unwrap_or(folder);
    if inside.as_os_str().is_empty() {
        let whole = corpus.canonicalize().unwrap_or_else(|_| corpus.to_owned());
        let own = whole
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        return own.unwrap_or_else(|| corpus.display().to_string());
    }
    inside.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_found_at_any_depth() {
        let root = tempfile::TempDir::new().expect("a folder");
        for folder in ["a/bundle/bundle", "b/c/d", "b/.git/bundle", "empty", "z"] {
            fs::create_dir_all(root.path().join(folder)).expect("folders");
        }
        for file in ["b/c/d/expected.json", "z/bundle.zip", "z/bundle.tar"] {
            fs::write(root.path().join(file), "").expect("writes");
        }
        let all = incidents(root.path()).expect("a corpus");
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b/c/d", "z"]);
        let bundles: Vec<bool> = all.iter().map(|one| one.bundle().is_ok()).collect();
        assert_eq!(bundles, [true, false, false]);
        let one = incidents(&root.path().join("a")).expect("a corpus");
        assert_eq!(one.first().map(|one| one.name.as_str()), Some("a"));
        assert!(incidents(&root.path().join("nowhere")).is_err());
    }
}
