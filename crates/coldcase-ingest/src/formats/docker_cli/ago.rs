//! Ages as docker, podman, crictl and nerdctl show them: `3 weeks ago`, `About an hour ago`, `Less than a second
//! ago`. All use go-units' `HumanDuration`, which keeps one unit; `hours` are rounded, the others cut.

/// An age and its unit, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// As shown.
    pub seconds: i64,
    /// How coarse it is.
    pub unit_seconds: i64,
}

impl Age {
    /// The age that a text begins with and what follows it (without `ago`).
    pub fn read(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        let fixed = [
            ("Less than a second", 0, 1),
            ("About a minute", 60, 60),
            ("About an hour", 3_600, 3_600),
        ];
        for (words, seconds, unit_seconds) in fixed {
            if let Some(rest) = text.strip_prefix(words) {
                let age = Self {
                    seconds,
                    unit_seconds,
                };
                return Some((age, behind(rest)));
            }
        }
        let (number, rest) = text.split_once(' ')?;
        let number: i64 = number.parse().ok()?;
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let (unit, rest) = rest.split_at_checked(length)?;
        let unit_seconds = match unit.strip_suffix('s').unwrap_or(unit) {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 7 * 86_400,
            "month" => 30 * 86_400,
            "year" => 365 * 86_400,
            _ => return None,
        };
        let age = Self {
            seconds: number.checked_mul(unit_seconds)?,
            unit_seconds,
        };
        Some((age, behind(rest)))
    }

    /// The age that a whole text is.
    pub fn of(text: &str) -> Option<Self> {
        match Self::read(text)? {
            (age, "") => Some(age),
            _ => None,
        }
    }
}

fn behind(rest: &str) -> &str {
    let rest = rest.trim_start();
    rest.strip_prefix("ago").unwrap_or(rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let check = |text: &str, expected: Option<(i64, i64)>| {
            let got = Age::of(text).map(|age| (age.seconds, age.unit_seconds));
            assert_eq!(got, expected, "{text}");
        };
        check("3 weeks ago", Some((1_814_400, 604_800)));
        check("About an hour ago", Some((3_600, 3_600)));
        check("About a minute", Some((60, 60)));
        check("Less than a second ago", Some((0, 1)));
        check("1 second ago", Some((1, 1)));
        check("1 day ago", Some((86_400, 86_400)));
        check("2 years ago", Some((63_072_000, 31_536_000)));
        check("N/A", None);
        check("2 moons ago", None);
        check("99999999999999999 years", None);
        assert_eq!(
            Age::read("2 hours (healthy)").map(|(_, rest)| rest),
            Some("(healthy)")
        );
    }
}
