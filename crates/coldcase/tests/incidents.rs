//! The recorded incidents of `testdata/incidents`, checked by the command that CI runs: `coldcase check`.

use std::path::Path;
use std::process::Command;

#[test]
fn incidents_are_answered_as_expected() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    // Another build of the program may be named here; elsewhere it is the one under test.
    let program =
        std::env::var_os("COLDCASE_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_coldcase").into());
    let output = Command::new(program)
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
