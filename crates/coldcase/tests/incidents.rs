//! The recorded incidents of `testdata/incidents`, checked by the command that CI runs: `coldcase check`.

mod program;

use program::program;
use std::path::Path;

#[test]
fn incidents_are_answered_as_expected() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    // Another build of the program may be named here; elsewhere it is the one under test.
    let output = program()
        .arg("check")
        .arg(corpus)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.lines().count() >= 10,
        "all incidents are checked: {text}"
    );
}
