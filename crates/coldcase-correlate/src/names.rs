//! Texts by number, where millions of rows name a few.

use coldcase_timeline::polars::prelude::PlHashMap;

/// Names held once; number 0 is the empty one.
#[derive(Debug)]
pub(crate) struct Names {
    all: Vec<Box<str>>,
    known: PlHashMap<Box<str>, u32>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            all: vec!["".into()],
            known: [("".into(), 0)].into_iter().collect(),
        }
    }
}

impl Names {
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(0);
        self.all.push(name.into());
        self.known.insert(name.into(), number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let at = usize::try_from(number).ok();
        at.and_then(|at| self.all.get(at)).map_or("", |name| name)
    }

    /// All, by number.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|name| &**name)
    }
}
