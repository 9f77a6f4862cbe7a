//! Case folders of a made-up fleet, written directly: as `analyze` would leave them, without evidence.

use std::fs;
use std::path::{Path, PathBuf};

use coldcase_testkit::fleet::{Fleet, Host};
use coldcase_timeline::{Batch, DatasetWriter, Origin};

/// Writes the case folder of a host below `folder` and gives its path.
pub fn write_case(fleet: &Fleet, host: &Host, folder: &Path) -> PathBuf {
    let case = folder.join(&host.name);
    fs::create_dir_all(case.join("timeline")).expect("a folder");
    let writer = DatasetWriter::create(&case.join("timeline")).expect("a dataset");
    let mut batch = Batch::default();
    let made = fleet.make(host, &mut |emitted| {
        let origin = Origin {
            host: Some(&host.name),
            format: emitted.format,
            file: &emitted.file,
        };
        batch.push(&emitted.event, origin);
    });
    writer.hand_over(batch).expect("a batch");
    writer.finish().expect("a dataset");
    for (name, json) in [
        ("case.json", made.case_json(host)),
        ("findings.json", made.findings_json()),
    ] {
        let text = serde_json::to_string_pretty(&json).expect("JSON");
        fs::write(case.join(name), text + "\n").expect("a file");
    }
    case
}

/// Writes all case folders of a fleet.
#[allow(dead_code, reason = "not every test makes a whole fleet")]
pub fn write_cases(fleet: &Fleet, folder: &Path) -> Vec<PathBuf> {
    (0..fleet.hosts)
        .map(|index| write_case(fleet, &fleet.host(index), folder))
        .collect()
}
