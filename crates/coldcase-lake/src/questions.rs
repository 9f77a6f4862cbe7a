//! The fleet's questions.

use crate::{Question, QuestionError};

/// Ids and files, in the order in which they are asked.
const FILES: [(&str, &str); 8] = [
    ("indicators", include_str!("../queries/indicators.sql")),
    ("first-seen", include_str!("../queries/first-seen.sql")),
    ("lateral", include_str!("../queries/lateral.sql")),
    ("rare", include_str!("../queries/rare.sql")),
    ("beacons", include_str!("../queries/beacons.sql")),
    ("floods", include_str!("../queries/floods.sql")),
    ("windows", include_str!("../queries/windows.sql")),
    ("coverage", include_str!("../queries/coverage.sql")),
];

/// All questions.
pub fn questions() -> Result<Vec<Question>, QuestionError> {
    let files = FILES.iter();
    files.map(|(id, text)| Question::parse(id, text)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::table;

    #[test]
    fn every_question_is_told_and_reads_what_there_is() {
        for question in questions().expect("questions") {
            assert!(
                !question.title.is_empty() && question.about.ends_with('.'),
                "{}",
                question.id
            );
            let each = question.steps.iter().filter_map(|step| step.each.as_ref());
            for (name, columns) in question.reads.iter().chain(each) {
                let known = table(name).expect(name).schema();
                for column in columns {
                    assert!(
                        known.get(column).is_some(),
                        "{}: {name}.{column}",
                        question.id
                    );
                }
            }
            assert_eq!(question.steps.last().map(|step| step.name), Some("answer"));
            let names: BTreeSet<&str> = question.steps.iter().map(|step| step.name).collect();
            assert_eq!(
                names.len(),
                question.steps.len(),
                "{}: a step's name once",
                question.id
            );
            let filled = question.with(&BTreeMap::new()).expect("filled in");
            let left = filled.steps.iter().find(|step| step.sql.contains(" :"));
            assert_eq!(left, None, "{}: all parameters are known", question.id);
        }
    }
}
