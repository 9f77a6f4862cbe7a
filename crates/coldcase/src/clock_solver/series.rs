//! Artifacts that share a clock: the files of a rotated series of a host.

use std::collections::BTreeMap;

use coldcase_ingest::series_key;

use crate::InputRecord;

/// Host, format and name of a series.
type Name = (Option<String>, Option<&'static str>, String);

/// One series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    /// Its host.
    pub host: Option<String>,
    /// Its format.
    pub format: Option<&'static str>,
    /// Its shortest path.
    pub path: String,
    /// Its inputs, by number.
    pub inputs: Vec<usize>,
    /// Whether any of its times had to be read with an assumed zone.
    pub is_local: bool,
}

impl Series {
    /// What a report calls it.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// All series of a case.
#[derive(Debug, Default)]
pub(crate) struct AllSeries {
    all: Vec<Series>,
    of_input: Vec<usize>,
}

impl AllSeries {
    /// The series of these inputs.
    pub fn of(inputs: &[InputRecord]) -> Self {
        let mut numbers: BTreeMap<Name, usize> = BTreeMap::new();
        let mut series = Self::default();
        for (index, input) in inputs.iter().enumerate() {
            let name = (input.host.clone(), input.format, series_key(&input.path));
            let number = *numbers.entry(name).or_insert(series.all.len());
            series.of_input.push(number);
            let Some(one) = series.all.get_mut(number) else {
                series.all.push(Series {
                    host: input.host.clone(),
                    format: input.format,
                    path: input.path.clone(),
                    inputs: vec![index],
                    is_local: input.assumed > 0,
                });
                continue;
            };
            one.inputs.push(index);
            one.is_local |= input.assumed > 0;
            if (input.path.len(), &input.path) < (one.path.len(), &one.path) {
                one.path.clone_from(&input.path);
            }
        }
        series
    }

    /// The series of an input.
    pub fn of_input(&self, input: usize) -> usize {
        self.of_input.get(input).copied().unwrap_or(usize::MAX)
    }

    /// By number.
    pub fn get(&self, number: usize) -> Option<&Series> {
        self.all.get(number)
    }

    /// All, in order of their first input.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.all.iter().enumerate()
    }

    /// Whether artifacts of one of these formats had to be read with an assumed zone.
    pub fn any_local(&self, formats: &[&str]) -> bool {
        self.all
            .iter()
            .any(|one| one.is_local && one.format.is_some_and(|format| formats.contains(&format)))
    }
}
