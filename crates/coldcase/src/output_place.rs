//! Where output would really land, so that evidence is never written to: links and `..` are followed as the
//! system would once the missing folders are made.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::incremental::STATE_FILE;

/// Links followed in one path before it is taken as it stands; Linux itself gives up at 40.
const MOST_LINKS: usize = 40;

/// Names in a case folder that a run writes; what else lies there is not its own.
pub(crate) const WRITTEN: [&str; 6] = [
    "timeline",
    "findings.json",
    "case.json",
    "report.html",
    "report.md",
    STATE_FILE,
];

/// Whether this output, or what a run writes below it, would lie inside one of these canonical paths.
pub(crate) fn is_inside(roots: &[PathBuf], output: &Path) -> bool {
    let below = WRITTEN.iter().map(|name| output.join(name));
    std::iter::once(output.to_owned()).chain(below).any(|path| {
        let real = resolve(&path);
        roots.iter().any(|root| real.starts_with(root))
    })
}

/// The absolute path without links and `..`; parts that don't exist yet stay as they are named.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut open = parts(&whole);
    let mut real = PathBuf::new();
    let mut links = 0;
    while let Some(part) = open.pop_front() {
        match part {
            Part::Root => real = PathBuf::from("/"),
            Part::Up => {
                real.pop();
            }
            Part::Name(name) => {
                real.push(name);
                let Ok(target) = fs::read_link(&real) else {
                    continue;
                };
                if links < MOST_LINKS {
                    links += 1;
                    real.pop();
                    let mut rest = parts(&target);
                    rest.append(&mut open);
                    open = rest;
                }
            }
        }
    }
    real
}

enum Part {
    Root,
    Up,
    Name(OsString),
}

fn parts(path: &Path) -> VecDeque<Part> {
    path.components()
        .filter_map(|component| match component {
            Component::RootDir => Some(Part::Root),
            Component::ParentDir => Some(Part::Up),
            Component::Normal(name) => Some(Part::Name(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn links_and_steps_up_are_followed_even_where_nothing_is_yet() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let at = folder.path().canonicalize().expect("a real path");
        let root = at.join("evidence");
        fs::create_dir(&root).expect("a folder");
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(at.join(target), at.join(name)).expect("a link");
        };
        link("evidence", "into");
        link("evidence/later.csv", "dangling.csv");
        link("round", "round");
        fs::create_dir(at.join("case")).expect("a folder");
        link("evidence", "case/timeline");
        let check = |output: &str, inside: bool| {
            let got = is_inside(std::slice::from_ref(&root), &at.join(output));
            assert_eq!(got, inside, "{output}");
        };
        check("evidence", true);
        check("evidence/a/b", true);
        check("into/a", true);
        check("none/../evidence/a", true);
        check("none/../../missing/../evidence", false);
        check("dangling.csv", true);
        check("case", true);
        check("evidence-2", false);
        check("evidence/../out", false);
        check("round/a", false);
        check(".", false);
    }
}
