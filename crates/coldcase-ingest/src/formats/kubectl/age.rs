//! Ages as kubectl shows them: `43h`, `2d3h`, `140d`, `3y12d`, `6m21s`. Units that it left out are not known,
//! so that an age has a coarseness.

/// An age and its smallest unit, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// As shown: the true age is this or up to a unit more.
    pub seconds: i64,
    /// The smallest unit shown.
    pub unit_seconds: i64,
}

impl Age {
    /// Reads an age; `<invalid>`, `<unknown>` and all else is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut age: Option<Self> = None;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: i64 = rest.get(..digits)?.parse().ok()?;
            let unit_seconds = match rest.as_bytes().get(digits)? {
                b's' => 1,
                b'm' => 60,
                b'h' => 3_600,
                b'd' => 86_400,
                b'y' => 365 * 86_400,
                _ => return None,
            };
            let before = age.map_or(0, |age| age.seconds);
            if age.is_some_and(|age| age.unit_seconds <= unit_seconds) {
                return None;
            }
            age = Some(Self {
                seconds: number.checked_mul(unit_seconds)?.checked_add(before)?,
                unit_seconds,
            });
            rest = rest.get(digits + 1..)?;
        }
        age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_their_coarseness() {
        let check = |text: &str, expected: Option<(i64, i64)>| {
            let got = Age::parse(text).map(|age| (age.seconds, age.unit_seconds));
            assert_eq!(got, expected, "{text}");
        };
        check("43h", Some((154_800, 3_600)));
        check("2d3h", Some((183_600, 3_600)));
        check("140d", Some((12_096_000, 86_400)));
        check("3y12d", Some((95_644_800, 86_400)));
        check("5m12s", Some((312, 1)));
        check("0s", Some((0, 1)));
        check("<invalid>", None);
        check("", None);
        check("3d4d", None);
        check("12", None);
        check("99999999999999999999y", None);
        check("9223372036854775807d", None);
    }
}
