//! Ids and other words that the program itself makes: borrowed for as long as it runs, also where they are
//! read back from a case.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Deserializer};

/// An id or another word of the program. The alias keeps serde from borrowing it from the text that it reads.
pub type Word = &'static str;

static KNOWN: OnceLock<Mutex<BTreeSet<Word>>> = OnceLock::new();

/// The word, kept for as long as the program runs; each is kept once.
pub fn interned(word: &str) -> Word {
    let known = KNOWN.get_or_init(Mutex::default);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = known.get(word) {
        return kept;
    }
    let kept: Word = Box::leak(word.into());
    known.insert(kept);
    kept
}

pub(crate) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    Ok(interned(&String::deserialize(from)?))
}

pub(crate) fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Word>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    Ok(words.iter().map(|word| interned(word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_once() {
        let one = interned(&String::from("scan"));
        assert!(std::ptr::eq(one, interned(&String::from("scan"))));
        assert_ne!(one, interned("scam"));
    }
}
