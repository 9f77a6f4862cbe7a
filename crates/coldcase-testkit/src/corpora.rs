//! Where files of other projects and the recorded incidents lie, for the tests that read them. They are not part of the
//! project: where they are absent, nothing is tested.

use std::fs;
use std::path::{Path, PathBuf};

/// The files of other projects: `COLDCASE_CORPORA`, or the folder `shared/corpora` beside the project.
pub fn corpora() -> Option<PathBuf> {
    present("corpora", root())
}

/// The recorded incidents: `COLDCASE_INCIDENTS`, or the folder `incidents` beside the corpora.
pub fn incidents() -> Option<PathBuf> {
    let given = std::env::var_os("COLDCASE_INCIDENTS").map(PathBuf::from);
    present(
        "incidents",
        given.unwrap_or_else(|| root().join("../incidents")),
    )
}

fn root() -> PathBuf {
    std::env::var_os("COLDCASE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    )
}

#[allow(
    clippy::print_stdout,
    reason = "a test that tests nothing says so where its table would stand"
)]
fn present(name: &str, folder: PathBuf) -> Option<PathBuf> {
    if folder.is_dir() {
        return Some(folder);
    }
    println!("{name} absent: skipped");
    None
}

/// The files below a folder, sorted; none where it is absent.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}
