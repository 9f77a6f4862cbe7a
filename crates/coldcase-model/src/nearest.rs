//! Which known word a mistyped one was probably meant to be: letters to insert, delete, replace or swap with their neighbour
//! are counted.

use strsim::osa_distance;

/// The known word nearest to this one, if any is near: a third of its letters may differ. Of equally near ones the
/// first counts.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = word.to_lowercase();
    let limit = typed.chars().count().div_ceil(3).min(4);
    let mut best: Option<(usize, &str)> = None;
    for one in known {
        let lower = one.to_lowercase();
        let apart = osa_distance(&typed, &lower);
        // A word that only lacks its beginning or end is meant, however long it is.
        let part =
            typed.chars().count() >= 3 && (lower.starts_with(&typed) || lower.ends_with(&typed));
        let apart = if part { apart.min(limit) } else { apart };
        if apart <= limit && best.is_none_or(|(least, _)| apart < least) {
            best = Some((apart, one));
        }
    }
    best.map(|(_, one)| one)
}

/// Whether a word is another one with a slip: one letter of four may differ.
pub fn is_slip(word: &str, known: &str) -> bool {
    word != known && osa_distance(word, known) <= word.chars().count() / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found_and_nothing_is_guessed() {
        let known = [
            "src_ip",
            "dst_ip",
            "user",
            "command",
            "ssh-auth",
            "docker-inspect",
        ];
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(nearest(word, known), expected, "{word}");
        };
        check("srcip", Some("src_ip"));
        check("SRC_IP", Some("src_ip"));
        check("usre", Some("user"));
        check("ssh_auth", Some("ssh-auth"));
        check("inspect", Some("docker-inspect"));
        check("kubernetes", None);
        check("xy", None);
        check("", None);
    }

    #[test]
    fn a_slip_is_no_other_word() {
        for (word, known, expected) in [
            ("sucesses", "successes", true),
            ("first", "last", false),
            ("src_ip", "dst_ip", false),
            ("user", "user", false),
            ("", "a", false),
        ] {
            assert_eq!(is_slip(word, known), expected, "{word}");
        }
    }
}
