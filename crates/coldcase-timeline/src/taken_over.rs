//! Rows of an earlier dataset taken into a new one, by the files that they came from: parts of nothing else are linked, of
//! others these rows are written anew. The earlier dataset stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::rewrite::write_some;
use crate::select::read_file;
use crate::selection::texts;
use crate::{COLUMNS, PartInfo, Timeline, TimelineError};

/// One part of an earlier dataset: how many rows of which file it holds.
#[derive(Debug)]
pub struct EarlierPart {
    path: PathBuf,
    rows_of: BTreeMap<String, u64>,
    actions: Vec<String>,
}

impl EarlierPart {
    /// Opens a part; an error where it is none.
    pub fn open(path: &Path) -> Result<Self, TimelineError> {
        let frame = read_file(path, &["file", "action"])?;
        let mut rows_of: BTreeMap<String, u64> = BTreeMap::new();
        // Rows next to each other are mostly of one file.
        let mut run: (Option<&str>, u64) = (None, 0);
        for file in texts(&frame, "file") {
            if file == run.0 {
                run.1 += 1;
                continue;
            }
            add(&mut rows_of, run);
            run = (file, 1);
        }
        add(&mut rows_of, run);
        let actions: BTreeSet<&str> = texts(&frame, "action").into_iter().flatten().collect();
        Ok(Self {
            path: path.to_owned(),
            actions: actions.into_iter().map(str::to_owned).collect(),
            rows_of,
        })
    }

    /// How many rows it holds of each file.
    pub fn rows_of(&self) -> &BTreeMap<String, u64> {
        &self.rows_of
    }
}

fn add(rows_of: &mut BTreeMap<String, u64>, (file, rows): (Option<&str>, u64)) {
    if let Some(file) = file.filter(|_| rows > 0) {
        *rows_of.entry(file.to_owned()).or_default() += rows;
    }
}

impl Timeline {
    /// This dataset with the rows of these files from an earlier one: new parts in `folder`, in the order of the earlier
    /// ones, after its own.
    pub fn with_taken_over(
        mut self,
        folder: &Path,
        earlier: &[EarlierPart],
        files: &BTreeSet<&str>,
    ) -> Result<Self, TimelineError> {
        let kept = self.parts.first().map(|part| part.kept.clone());
        let kept = kept.unwrap_or_default();
        let numbers = self.parts.iter().filter_map(|part| {
            let name = part.path.file_stem()?.to_str()?;
            name.strip_prefix("part-")?.parse::<usize>().ok()
        });
        let mut next = numbers.max().map_or(0, |last| last + 1);
        for part in earlier {
            let path = folder.join(format!("part-{next:05}.parquet"));
            let Some((rows, actions)) = take(part, files, &path)? else {
                continue;
            };
            next += 1;
            self.parts.push(PartInfo {
                path,
                rows,
                actions,
                kept: kept.clone(),
            });
        }
        Ok(self)
    }
}

/// Puts a part's rows of these files at this path; how many these are, and of which actions.
fn take(
    part: &EarlierPart,
    files: &BTreeSet<&str>,
    path: &Path,
) -> Result<Option<(usize, Vec<String>)>, TimelineError> {
    let is_wanted = |file: &str| files.contains(file);
    let wanted = part.rows_of.keys().filter(|file| is_wanted(file)).count();
    if wanted == 0 {
        return Ok(None);
    }
    if wanted == part.rows_of.len() {
        // Not every file system links.
        if fs::hard_link(&part.path, path).is_err() {
            fs::copy(&part.path, path).map_err(|source| TimelineError::Io {
                path: path.to_owned(),
                source,
            })?;
        }
        let rows: u64 = part.rows_of.values().sum();
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        return Ok(Some((rows, part.actions.clone())));
    }
    let all: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let frame = read_file(&part.path, &all)?;
    let stays: Vec<bool> = texts(&frame, "file")
        .into_iter()
        .map(|file| file.is_some_and(is_wanted))
        .collect();
    let rows = stays.iter().filter(|stays| **stays).count();
    let actions = write_some(&part.path, frame, &stays, path)?;
    Ok(Some((rows, actions)))
}

#[cfg(test)]
mod tests {
    use coldcase_model::{Event, action};

    use super::*;
    use crate::{Batch, DatasetWriter, Origin};

    fn dataset(folder: &Path, rows: &[(&str, u64)]) -> Timeline {
        let writer = DatasetWriter::create(folder).expect("a writer");
        let mut batch = Batch::default();
        for (file, line) in rows {
            let origin = Origin {
                host: Some("h"),
                format: "authlog",
                file,
            };
            let event = Event {
                line: Some(*line),
                ..Event::new(action::LOG)
            };
            batch.push(&event, origin);
        }
        writer.hand_over(batch).expect("takes it");
        Timeline::of_parts(writer.finish().expect("parts"))
    }

    fn lines(timeline: &Timeline) -> Vec<(String, i64)> {
        let all = timeline.all().expect("rows");
        let row = |row| Some((all.text("file", row)?.to_owned(), all.long("line", row)?));
        (0..all.rows()).filter_map(row).collect()
    }

    #[test]
    fn whole_parts_are_linked_and_others_filtered() {
        let at = tempfile::TempDir::new().expect("a folder");
        let (old, new) = (at.path().join("old"), at.path().join("new"));
        fs::create_dir(&new).expect("a folder");
        let before = dataset(&old, &[("a", 1), ("b", 2), ("a", 3)]);
        let path = before.parts()[0].path.clone();
        let bytes = fs::read(&path).expect("a part");
        let parts = [EarlierPart::open(&path).expect("a part")];
        assert_eq!(
            parts[0].rows_of(),
            &BTreeMap::from([("a".into(), 2), ("b".into(), 1)])
        );
        let check = |files: &[&str], expected: &[(&str, i64)]| {
            let files = files.iter().copied().collect();
            let taken = Timeline::of_parts(Vec::new()).with_taken_over(&new, &parts, &files);
            let taken = taken.expect("rows");
            let expected: Vec<_> = expected.iter().map(|(f, l)| ((*f).into(), *l)).collect();
            assert_eq!(lines(&taken), expected);
            assert_eq!(taken.rows(), expected.len());
            for part in taken.parts() {
                fs::remove_file(&part.path).expect("removes");
            }
            assert_eq!(fs::read(&path).expect("a part"), bytes, "as it was");
        };
        check(&["a", "b"], &[("a", 1), ("a", 3), ("b", 2)]);
        check(&["a", "c"], &[("a", 1), ("a", 3)]);
        check(&["b"], &[("b", 2)]);
        check(&["c"], &[]);
    }

    #[test]
    fn numbers_go_on_and_what_is_no_part_is_an_error() {
        let at = tempfile::TempDir::new().expect("a folder");
        let (old, new) = (at.path().join("old"), at.path().join("new"));
        let before = dataset(&old, &[("a", 1)]);
        let part = EarlierPart::open(&before.parts()[0].path).expect("a part");
        let own = dataset(&new, &[("z", 9)]);
        let both = own.with_taken_over(&new, &[part], &BTreeSet::from(["a"]));
        let both = both.expect("rows");
        assert_eq!(lines(&both), [("a".into(), 1), ("z".into(), 9)]);
        let names: Vec<_> = both.parts().iter().map(|part| &part.path).collect();
        assert_eq!(
            names,
            [
                &new.join("part-00000.parquet"),
                &new.join("part-00001.parquet")
            ]
        );
        fs::write(old.join("part-00001.parquet"), "PAR1").expect("writes");
        assert!(EarlierPart::open(&old.join("part-00001.parquet")).is_err());
    }
}
