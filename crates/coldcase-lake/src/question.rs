//! A fleet question: an SQL file whose comments say what it asks, what it reads and in which steps, so that each engine
//! can run it: here slice by slice, on DuckDB or Spark over whole tables.
//!
//! ```sql
//! -- title: One line
//! -- about: what it asks, for people; may go on over several lines
//! -- parameter: most_hosts = 2    what it bounds
//! -- reads: hosts(case_name, host, host_group)
//! -- step: seen, of each sightings(case_name, host, entity), split by entity
//! SELECT ...
//! -- step: answer
//! SELECT ...
//! ```
//!
//! `of each T(columns)`: the step's rows are those of its SQL over slices of `T`, one after the other; it may only filter,
//! and sum up what later steps sum up again. `split by C`: rows may be taken some values of `C` at a time; this step and
//! all after it are then run once for each share. The last step is the answer. `:name` stands for a parameter.

use std::collections::BTreeMap;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its id: the file's name.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it asks, for people.
    pub about: String,
    /// What can be set.
    pub parameters: Vec<Parameter>,
    /// Tables that are read as a whole, with their columns.
    pub reads: Vec<(&'static str, Vec<&'static str>)>,
    /// In order; the last is the answer.
    pub steps: Vec<Step>,
    /// The whole file.
    pub text: &'static str,
}

/// Something to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `:name` in the SQL.
    pub name: &'static str,
    /// Where nothing is set.
    pub default: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Name of its rows for later steps.
    pub name: &'static str,
    /// The table whose slices it runs over, and the columns it needs.
    pub each: Option<(&'static str, Vec<&'static str>)>,
    /// The column by which that table may be split.
    pub split_by: Option<&'static str>,
    /// Its SQL.
    pub sql: String,
}

/// What a question's file or its parameters lack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// A line that is none of those above.
    #[error("{id}: line {line}: {what}")]
    Line {
        /// Of which question.
        id: &'static str,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A parameter that the question doesn't have.
    #[error("{id}: no parameter {name}; it has {known}")]
    Parameter {
        /// Of which question.
        id: &'static str,
        /// As given.
        name: String,
        /// Those it has.
        known: String,
    },
}

impl Question {
    /// Reads a question's file.
    pub fn parse(id: &'static str, text: &'static str) -> Result<Self, QuestionError> {
        let mut question = Self {
            id,
            title: "",
            about: String::new(),
            parameters: Vec::new(),
            reads: Vec::new(),
            steps: Vec::new(),
            text,
        };
        let mut is_about = false;
        for (number, line) in text.lines().enumerate() {
            let wrong = |what| QuestionError::Line {
                id,
                line: number + 1,
                what,
            };
            let Some(said) = line.strip_prefix("-- ") else {
                is_about = false;
                match question.steps.last_mut() {
                    Some(step) => {
                        step.sql.push_str(line);
                        step.sql.push('\n');
                    }
                    None if line.trim().is_empty() => {}
                    None => return Err(wrong("SQL before the first step")),
                }
                continue;
            };
            if let Some(title) = said.strip_prefix("title: ") {
                question.title = title.trim();
            } else if let Some(about) = said.strip_prefix("about: ") {
                question.about.push_str(about.trim());
                is_about = true;
                continue;
            } else if let Some(parameter) = said.strip_prefix("parameter: ") {
                let parsed = parameter_of(parameter);
                question
                    .parameters
                    .push(parsed.ok_or_else(|| wrong("no parameter"))?);
            } else if let Some(read) = said.strip_prefix("reads: ") {
                let parsed = columns_of(read);
                question
                    .reads
                    .push(parsed.ok_or_else(|| wrong("no table(columns)"))?);
            } else if let Some(step) = said.strip_prefix("step: ") {
                question
                    .steps
                    .push(step_of(step).ok_or_else(|| wrong("no step"))?);
            } else if is_about {
                question.about.push(' ');
                question.about.push_str(said.trim());
                continue;
            }
            is_about = false;
        }
        Ok(question)
    }

    /// The question with its parameters filled in.
    pub fn with(&self, set: &BTreeMap<String, String>) -> Result<Self, QuestionError> {
        let known = |name: &String| self.parameters.iter().any(|one| one.name == name);
        if let Some(name) = set.keys().find(|name| !known(name)) {
            let known: Vec<&str> = self.parameters.iter().map(|one| one.name).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(QuestionError::Parameter {
                id: self.id,
                name: name.clone(),
                known,
            });
        }
        let mut filled = self.clone();
        let mut parameters: Vec<&Parameter> = self.parameters.iter().collect();
        // A longer name may begin with a shorter one.
        parameters.sort_by_key(|parameter| std::cmp::Reverse(parameter.name.len()));
        for step in &mut filled.steps {
            for parameter in &parameters {
                let value = set
                    .get(parameter.name)
                    .map_or(parameter.default, String::as_str);
                let value = match value.parse::<i64>() {
                    Ok(number) if !parameter.is_text() => number.to_string(),
                    _ => format!("'{}'", value.replace('\'', "''")),
                };
                step.sql = step.sql.replace(&format!(":{}", parameter.name), &value);
            }
        }
        Ok(filled)
    }
}

impl Parameter {
    fn is_text(&self) -> bool {
        self.default.parse::<i64>().is_err()
    }
}

/// `most_hosts = 2    what it bounds`
fn parameter_of(text: &'static str) -> Option<Parameter> {
    let (name, rest) = text.split_once('=')?;
    let (default, about) = rest.trim().split_once("  ")?;
    let default = default.trim();
    Some(Parameter {
        name: name.trim(),
        default: if default == "''" { "" } else { default },
        about: about.trim(),
    })
}

/// `hosts(case_name, host)`
fn columns_of(text: &'static str) -> Option<(&'static str, Vec<&'static str>)> {
    let (table, columns) = text.trim().strip_suffix(')')?.split_once('(')?;
    Some((table.trim(), columns.split(',').map(str::trim).collect()))
}

/// `seen, of each sightings(case_name, entity), split by entity`
fn step_of(text: &'static str) -> Option<Step> {
    let (text, split_by) = match text.split_once(", split by ") {
        Some((text, column)) => (text, Some(column.trim())),
        None => (text, None),
    };
    let (name, each) = match text.split_once(", of each ") {
        Some((name, each)) => (name, Some(columns_of(each)?)),
        None => (text, None),
    };
    Some(Step {
        name: name.trim(),
        each,
        split_by,
        sql: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
-- title: A question
-- about: What is asked
-- in two lines.
-- parameter: most = 2  a bound
-- parameter: name = ''  a name
-- reads: hosts(case_name, host)
-- step: seen, of each sightings(host, entity), split by entity
SELECT host, entity FROM sightings WHERE events < :most
-- a remark in SQL
-- step: answer
SELECT * FROM seen WHERE entity = :name
";

    #[test]
    fn a_file_is_read_and_filled_in() {
        let question = Question::parse("q", TEXT).expect("a question");
        assert_eq!(question.title, "A question");
        assert_eq!(question.about, "What is asked in two lines.");
        assert_eq!(question.reads, [("hosts", vec!["case_name", "host"])]);
        let [seen, answer] = &question.steps[..] else {
            panic!("two steps: {:?}", question.steps)
        };
        assert_eq!(seen.each, Some(("sightings", vec!["host", "entity"])));
        assert_eq!((seen.split_by, answer.split_by), (Some("entity"), None));
        let set = [("name".to_owned(), "o'neil".to_owned())].into();
        let filled = question.with(&set).expect("filled");
        assert!(filled.steps[0].sql.contains("events < 2"));
        assert!(filled.steps[1].sql.contains("entity = 'o''neil'"));
        let error = question.with(&[("mots".to_owned(), "1".to_owned())].into());
        assert!(
            error
                .expect_err("unknown")
                .to_string()
                .contains("most, name")
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error = Question::parse("q", "-- title: t\nSELECT 1\n").expect_err("no step");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
