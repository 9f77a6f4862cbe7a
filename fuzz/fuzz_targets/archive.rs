//! Archives and packed files: what comes out stays below the folder for it and within the limits, twice the same.
//! The first byte chooses the name, by which a zip archive is known.

#![no_main]

use std::fs;
use std::path::Path;

use coldcase_evidence::{Bundle, Limits, RATIO_FREE_BYTES, open_within};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    unpacked_bytes: 1 << 20,
    files: 64,
    ratio: 100,
    depth: 2,
};
/// Archives in one another, each of which may come to the limits of the run but for one read too many.
const MOST_BYTES: u64 = 2 << 20;

/// Paths of what came out, and how much there is of it.
fn told(path: &Path) -> Option<(Vec<String>, usize)> {
    let bundle = Bundle::open_within(&[path.to_owned()], &LIMITS).ok()?;
    let mut bytes = 0;
    let real = std::env::temp_dir().canonicalize().ok()?;
    for artifact in &bundle.artifacts {
        if artifact.unreadable.is_none() {
            let disk = artifact.disk.canonicalize().ok()?;
            assert!(disk.starts_with(&real), "{disk:?} is outside");
            assert!(!artifact.disk.is_symlink());
            bytes += artifact.bytes;
        }
    }
    let stored = path.metadata().map_or(0, |metadata| metadata.len());
    assert!(bytes <= MOST_BYTES + stored, "{bytes} bytes");
    assert!(bundle.artifacts.len() <= 2 * 64 + 1);
    let paths = bundle.artifacts.iter().map(|one| one.path.clone());
    Some((paths.collect(), bundle.warnings.len()))
}

fn unpacked(path: &Path) -> (u64, String) {
    let mut opened = open_within(path, &LIMITS, None, None).expect("opens");
    let bytes = std::io::copy(&mut opened.reader, &mut std::io::sink()).expect("never fails");
    (bytes, opened.digest.finish().0)
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let name = if choice % 2 == 0 { "a.zip" } else { "a.tar" };
    let path = std::env::temp_dir().join(format!("coldcase-fuzz-{}-{name}", std::process::id()));
    fs::write(&path, bytes).expect("writes");
    let (read, hash) = unpacked(&path);
    assert!(read <= RATIO_FREE_BYTES + 100 * bytes.len() as u64);
    assert_eq!((read, hash), unpacked(&path));
    assert_eq!(told(&path), told(&path));
});
