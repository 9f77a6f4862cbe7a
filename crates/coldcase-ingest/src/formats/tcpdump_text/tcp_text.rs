//! A TCP segment as tcpdump prints it: `Flags [S.], seq 1, ack 2, win 3, length 0`; `tcp 0` with `-q`;
//! `S 1:1(0) ack 2 win 3` before version 4.

/// What one TCP text says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TcpText<'a> {
    /// Whether flags are shown (`-q` hides them).
    pub flags_shown: bool,
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    /// The first sequence number; relative ones are small, that of a SYN is absolute.
    pub sequence: Option<u32>,
    /// Bytes of payload.
    pub length: Option<u64>,
    /// What tcpdump's decoders make of the payload.
    pub decoded: &'a str,
}

impl<'a> TcpText<'a> {
    /// The segment in a payload's text; `None` where it is no TCP.
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("Flags [") {
            let (flags, rest) = rest.split_once(']')?;
            let mut segment = Self::of_flags(flags, flags.contains('.'))?;
            segment.sequence = after(rest, ", seq ").and_then(number);
            if let Some(length) = after(rest, ", length ") {
                segment.length = number(length);
                let digits = length.trim_start_matches(|digit: char| digit.is_ascii_digit());
                segment.decoded = digits.strip_prefix(' ').unwrap_or_default();
            }
            return Some(segment);
        }
        if let Some(length) = text.strip_prefix("tcp ") {
            let segment = Self {
                length: Some(number(length)?),
                ..Self::default()
            };
            return Some(segment);
        }
        Self::before_version_4(text)
    }

    /// `P 1:59(58) ack 1 win 100`, `. ack 1 win 100`
    fn before_version_4(text: &'a str) -> Option<Self> {
        let (flags, rest) = text.split_once(' ')?;
        if flags.len() > 4 {
            return None;
        }
        let ack = rest.starts_with("ack ") || rest.contains(" ack ");
        let mut segment = Self::of_flags(flags, ack)?;
        if let Some((numbers, after)) = rest.split_once('(') {
            let (first, last) = numbers.split_once(':')?;
            last.parse::<u32>().ok()?;
            segment.sequence = Some(first.parse().ok()?);
            segment.length = number(after);
        } else if rest.starts_with("ack ") || rest.starts_with("win ") {
            segment.length = Some(0);
        } else {
            return None;
        }
        Some(segment)
    }

    fn of_flags(flags: &str, ack: bool) -> Option<Self> {
        let known = |flag: char| "SFRPUEWe.".contains(flag);
        let none = flags == "none";
        if flags.is_empty() || !(none || flags.chars().all(known)) {
            return None;
        }
        Some(Self {
            flags_shown: true,
            syn: !none && flags.contains('S'),
            ack,
            fin: !none && flags.contains('F'),
            rst: !none && flags.contains('R'),
            ..Self::default()
        })
    }
}

fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.split_once(word).map(|(_, rest)| rest)
}

/// The number at the beginning.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_all_versions() {
        let check = |text: &str, expected: &str| {
            let got = TcpText::parse(text).map(|segment| {
                let flag = |set: bool, name: char| if set { name } else { '-' };
                format!(
                    "{}{}{}{} {:?} {:?} {}",
                    flag(segment.syn, 'S'),
                    flag(segment.ack, 'A'),
                    flag(segment.fin, 'F'),
                    flag(segment.rst, 'R'),
                    segment.sequence,
                    segment.length,
                    segment.decoded
                )
            });
            assert_eq!(
                got.as_deref().unwrap_or("none").trim_end(),
                expected,
                "{text}"
            );
        };
        check(
            "Flags [S], cksum 0x0c41 (correct), seq 603899916, win 64240, options [mss 1460], length 0",
            "S--- Some(603899916) Some(0)",
        );
        check(
            "Flags [R.], seq 1:59, ack 2, win 5, length 58 [|tcp]",
            "-A-R Some(1) Some(58) [|tcp]",
        );
        check(
            "Flags [P.], seq 1:59, length 58 17+ A? a. (56)",
            "-A-- Some(1) Some(58) 17+ A? a. (56)",
        );
        check("Flags [none], win 5, length 0", "---- None Some(0)");
        check("tcp 17", "---- None Some(17)");
        check(
            "S 12:12(0) ack 5 win 100 <mss 1460>",
            "SA-- Some(12) Some(0)",
        );
        check("P 1:59(58) ack 1 win 100", "-A-- Some(1) Some(58)");
        check(". ack 1 win 100", "-A-- None Some(0)");
        check("S tower to heaven", "none");
        check("UDP, length 5", "none");
        check("Flags [S", "none");
    }
}
