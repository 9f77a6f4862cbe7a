//! A timeline of events as a run makes one, in a folder of its own.

use coldcase_timeline::{Batch, DatasetWriter, Timeline};
use tempfile::TempDir;

/// A timeline of what is pushed, and its folder, which has to last as long.
pub fn timeline(push: impl FnOnce(&mut Batch)) -> (TempDir, Timeline) {
    let folder = TempDir::new().expect("a folder");
    let writer = DatasetWriter::create(folder.path()).expect("a writer");
    let mut batch = Batch::default();
    push(&mut batch);
    writer.hand_over(batch).expect("handed over");
    let timeline = Timeline::of_parts(writer.finish().expect("finished"));
    (folder, timeline)
}
