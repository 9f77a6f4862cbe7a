//! The end of the terminal summary: what was read, what was lost or assumed, what clocks rest on, what was not collected.

use crate::InputLine;
use crate::lang::{put, told};

use super::Screen;

/// Things about clocks that get a line each.
const MOST_CLOCKS: usize = 4;
/// Things not collected that get a line each.
const MOST_MISSING: usize = 3;
/// Files with warnings that get a line each.
const MOST_WARNED: usize = 5;
/// Files named that were not recognised.
const MOST_UNKNOWN: usize = 6;

impl Screen<'_> {
    pub(super) fn bottom(&self, out: &mut String) {
        self.read(out);
        self.warnings(out);
        let (words, summary) = (self.words, self.summary);
        let lists = [
            (&summary.clocks, MOST_CLOCKS, words.clock, words.more_clocks),
            (
                &summary.missing,
                MOST_MISSING,
                words.not_collected,
                words.more_missing,
            ),
        ];
        for (all, most, one, more) in lists {
            for line in all.iter().take(most) {
                let said = put(one, &[&told::note(line, summary.lang)]);
                self.lines(out, "", &said, None);
            }
            self.more(out, more, all.len().saturating_sub(most));
        }
        self.lines(out, "", &put(words.case, &[&summary.case]), None);
    }

    fn read(&self, out: &mut String) {
        let (words, summary) = (self.words, self.summary);
        let unknown = summary.inputs.iter().filter(|input| input.format.is_none());
        let unknown: Vec<&str> = unknown.map(|input| input.path.as_str()).collect();
        let skipped: u64 = summary.inputs.iter().map(|input| input.skipped).sum();
        let counts = [
            (summary.inputs.len() - unknown.len()).to_string(),
            summary.inputs.len().to_string(),
            summary.events.to_string(),
            skipped.to_string(),
            summary.zone.to_string(),
            told::zone_source(summary.zone_source, summary.lang).into_owned(),
        ];
        let said = put(words.read, &counts.each_ref().map(String::as_str));
        self.lines(out, "", &said, None);
        if !unknown.is_empty() {
            let mut names: Vec<&str> = unknown.iter().copied().take(MOST_UNKNOWN).collect();
            if unknown.len() > names.len() {
                names.push("...");
            }
            let said = put(words.not_recognised, &[&names.join(", ")]);
            self.lines(out, "", &said, None);
        }
    }

    fn warnings(&self, out: &mut String) {
        let summary = self.summary;
        let warned: Vec<&InputLine> = summary
            .inputs
            .iter()
            .filter(|input| !input.warnings.is_empty())
            .collect();
        for input in warned.iter().take(MOST_WARNED) {
            let warning = input.warnings.first().map_or("", String::as_str);
            let warning = told::note(warning, summary.lang);
            self.warning(out, &format!("{}: {warning}", input.path));
        }
        let more = warned.len().saturating_sub(MOST_WARNED);
        self.more(out, self.words.more_warnings, more);
        for warning in &summary.warnings {
            self.warning(out, &told::note(warning, summary.lang));
        }
    }

    fn warning(&self, out: &mut String, text: &str) {
        let word = format!("{} ", self.words.warning);
        let mut said = String::new();
        self.lines(&mut said, &word, text, None);
        out.push_str(&said.replacen(
            self.words.warning,
            &self.style.paint("33", self.words.warning),
            1,
        ));
    }

    fn more(&self, out: &mut String, words: &str, count: usize) {
        if count > 0 {
            self.lines(out, "", &put(words, &[&count.to_string()]), None);
        }
    }
}
