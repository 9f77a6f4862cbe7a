//! Dice that fall alike for the same seed on every machine (SplitMix64).

/// A seeded sequence.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one part of an estate: parts don't disturb each other.
    pub fn new(seed: u64, part: &str) -> Self {
        let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
        for byte in part.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        Self(state)
    }

    /// 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to below `end`.
    pub fn between(&mut self, least: i64, end: i64) -> i64 {
        let width = u64::try_from(end.saturating_sub(least)).unwrap_or(1).max(1);
        least + i64::try_from(self.roll() % width).unwrap_or(0)
    }

    /// Whether something happens that happens `percent` times in a hundred.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 100) < percent
    }

    /// One of these.
    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        let count = i64::try_from(items.len()).unwrap_or(0);
        let index = usize::try_from(self.between(0, count)).unwrap_or(0);
        items.get(index).copied().unwrap_or_default()
    }

    /// So many characters of an alphabet.
    pub fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let count = i64::try_from(letters.len()).unwrap_or(0);
        let letter = |_| {
            let index = usize::try_from(self.between(0, count)).unwrap_or(0);
            letters.get(index).copied().unwrap_or('x')
        };
        (0..length).map(letter).collect()
    }

    /// So many hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        self.text("0123456789abcdef", digits)
    }

    /// A port that clients call from.
    pub fn client_port(&mut self) -> u16 {
        u16::try_from(self.between(32_768, 60_999)).unwrap_or(40_000)
    }

    /// An address in the internet, of ranges that are no documentation ranges nor private.
    pub fn internet(&mut self) -> String {
        let first = self.pick(&["23", "34", "52", "81", "93", "104", "151", "185"]);
        format!(
            "{first}.{}.{}.{}",
            self.between(1, 255),
            self.between(0, 256),
            self.between(1, 255)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_parts_differ() {
        let rolls = |seed, part| Dice::new(seed, part).text("abcdef", 40);
        assert_eq!(rolls(1, "a"), rolls(1, "a"));
        assert_ne!(rolls(1, "a"), rolls(1, "b"));
        assert_ne!(rolls(1, "a"), rolls(2, "a"));
    }
}
