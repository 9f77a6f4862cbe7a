//! The post-mortem's timeline: the records that its key findings rest on, each once, in order of time.

use std::collections::BTreeMap;

use coldcase_model::{EvidenceRecord, Finding, Timestamp};

/// Of each finding so many of its first and so many of its last records.
pub(super) const ENDS: usize = 3;
/// Rows of the table.
const MOST: usize = 200;

/// A record, and the key findings (by number, from 1) that cite it.
pub(super) struct Moment<'f> {
    pub record: &'f EvidenceRecord,
    pub cited_by: Vec<usize>,
}

/// The moments in order, undated ones last; and how many more the table has no room for.
pub(super) fn moments<'f>(key: &[&'f Finding]) -> (Vec<Moment<'f>>, usize) {
    let mut all: BTreeMap<Place<'f>, Moment<'f>> = BTreeMap::new();
    for (number, finding) in (1..).zip(key) {
        for record in ends(&finding.evidence) {
            let moment = all.entry(place(record)).or_insert_with(|| Moment {
                record,
                cited_by: Vec::new(),
            });
            if !moment.cited_by.contains(&number) {
                moment.cited_by.push(number);
            }
        }
    }
    let more = all.len().saturating_sub(MOST);
    // Where there are too many, those of the gravest findings stay: key findings stand in that order.
    let mut ranked: Vec<(Option<usize>, Place<'f>)> = all
        .iter()
        .map(|(place, moment)| (moment.cited_by.iter().min().copied(), *place))
        .collect();
    ranked.sort();
    for (_, place) in ranked.iter().skip(MOST) {
        all.remove(place);
    }
    (all.into_values().collect(), more)
}

/// In order of time; records without one last.
type Place<'f> = (bool, Option<Timestamp>, &'f str, Option<u64>, Option<u64>);

fn place(record: &EvidenceRecord) -> Place<'_> {
    (
        record.ts.is_none(),
        record.ts,
        &record.file,
        record.line,
        record.offset,
    )
}

/// The first and last of a finding's records by time.
fn ends(records: &[EvidenceRecord]) -> impl Iterator<Item = &EvidenceRecord> {
    let mut sorted: Vec<&EvidenceRecord> = records.iter().collect();
    sorted.sort_by_key(|record| place(record));
    let count = sorted.len();
    let kept = sorted.into_iter().enumerate();
    kept.filter(move |(index, _)| *index < ENDS || index + ENDS >= count)
        .map(|(_, record)| record)
}

#[cfg(test)]
mod tests {
    use coldcase_model::{Observable, ObservableType, Severity};

    use super::*;

    fn record(second: Option<i64>, line: u64) -> EvidenceRecord {
        EvidenceRecord {
            file: "f".into(),
            line: Some(line),
            offset: None,
            ts: second.and_then(Timestamp::from_seconds),
            text: String::new(),
        }
    }

    fn finding(evidence: Vec<EvidenceRecord>) -> Finding {
        Finding {
            id: "scan-1".into(),
            correlator: "scan",
            title: String::new(),
            severity: Severity::High,
            confidence: 1.0,
            first: None,
            last: None,
            subjects: vec![Observable::new(ObservableType::Ip, "a")],
            facts: serde_json::Map::new(),
            attack: vec![],
            evidence,
            text: String::new(),
        }
    }

    #[test]
    fn records_stand_once_and_in_order() {
        let one = finding(vec![
            record(Some(9), 2),
            record(None, 1),
            record(Some(3), 7),
        ]);
        let two = finding(vec![record(Some(9), 2), record(Some(1), 4)]);
        let (all, more) = moments(&[&one, &two]);
        let found: Vec<(Option<u64>, Vec<usize>)> = all
            .iter()
            .map(|moment| (moment.record.line, moment.cited_by.clone()))
            .collect();
        let expected = [(4, vec![2]), (7, vec![1]), (2, vec![1, 2]), (1, vec![1])];
        assert_eq!(found, expected.map(|(line, by)| (Some(line), by)));
        assert_eq!(more, 0);
    }

    #[test]
    fn of_many_records_the_ends_stay() {
        let one = finding(
            (0..20_u32)
                .map(|at| record(Some(i64::from(at)), u64::from(at)))
                .collect(),
        );
        let (all, _) = moments(&[&one]);
        let lines: Vec<Option<u64>> = all.iter().map(|moment| moment.record.line).collect();
        assert_eq!(lines, [0, 1, 2, 17, 18, 19].map(Some));
    }

    #[test]
    fn the_gravest_stay_where_there_is_no_room() {
        let many: Vec<Finding> = (0..100_i64)
            .map(|at| {
                finding(
                    (0..6)
                        .map(|step| record(Some(1_000 - at), (at * 10 + step).unsigned_abs()))
                        .collect(),
                )
            })
            .collect();
        let (all, more) = moments(&many.iter().collect::<Vec<_>>());
        assert_eq!((all.len(), more), (200, 400));
        assert!(
            all.iter()
                .all(|moment| moment.cited_by.iter().all(|by| *by <= 34))
        );
        assert!(all.is_sorted_by_key(|moment| moment.record.ts));
    }
}
