//! What the records say that findings rest on: read for those that are shown, of the cases that they are of.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_lake::{Lake, LakeError, State, texts_of};
use coldcase_model::Finding;

/// A record's place: file with its case, line, offset.
type Place = (String, Option<u64>, Option<u64>);

/// Puts the records' texts into the findings' evidence.
pub(super) fn add_texts(
    lake: &Lake,
    state: &State,
    question: &str,
    findings: &mut [Finding],
) -> Result<(), LakeError> {
    let (table, columns) = match question {
        "lateral" => ("timeline", ["file", "line", "offset", "message"]),
        "windows" | "beacons" | "floods" => {
            ("evidence", ["file", "line_number", "byte_offset", "text"])
        }
        _ => ("sightings", ["file", "line_number", "byte_offset", "text"]),
    };
    let mut wanted: BTreeMap<Place, Option<String>> = BTreeMap::new();
    for record in findings.iter().flat_map(|finding| &finding.evidence) {
        wanted.insert((record.file.clone(), record.line, record.offset), None);
    }
    let cases: BTreeSet<&String> = state
        .cases
        .keys()
        .filter(|case| begins_with(&wanted, &format!("{case}/")))
        .collect();
    texts_of(
        lake,
        state,
        table,
        columns,
        &cases,
        |case, file, line, offset, text| {
            let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
            let (line, offset) = (number(line), number(offset));
            let place = (
                format!("{case}/{file}"),
                line,
                offset.filter(|_| line.is_none()),
            );
            if let Some(known) = wanted.get_mut(&place) {
                // Of several rows at one place the first in order of their texts speaks, whatever order they are read in.
                let is_first = known.as_deref().is_none_or(|known| text < known);
                if is_first {
                    *known = Some(text.to_owned());
                }
            }
        },
    )?;
    for record in findings
        .iter_mut()
        .flat_map(|finding| &mut finding.evidence)
    {
        let place = (record.file.clone(), record.line, record.offset);
        if let Some(Some(text)) = wanted.get(&place) {
            record.text.clone_from(text);
        }
    }
    Ok(())
}

fn begins_with(wanted: &BTreeMap<Place, Option<String>>, head: &str) -> bool {
    let from = (head.to_owned(), None, None);
    let next = wanted.range(from..).next();
    next.is_some_and(|((file, _, _), _)| file.starts_with(head))
}
