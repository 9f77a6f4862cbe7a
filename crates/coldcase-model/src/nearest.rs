//! Which known word a mistyped one was probably meant to be.

/// The known word nearest to this one, if any is near: a third of its letters may differ. Of equally near ones the
/// first counts.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = word.to_lowercase();
    let limit = typed.chars().count().div_ceil(3).min(4);
    let mut best: Option<(usize, &str)> = None;
    for one in known {
        let lower = one.to_lowercase();
        let apart = distance(&typed, &lower);
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

/// Letters to insert, delete, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last: Option<char> = None;
    for (at, letter) in a.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, other) in b.iter().enumerate() {
            let cell =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = cell(&row, column) + usize::from(*other != letter);
            let mut least = replaced
                .min(cell(&row, column + 1) + 1)
                .min(cell(&next, column) + 1);
            let swapped = column > 0 && last == Some(*other) && b.get(column - 1) == Some(&letter);
            if swapped {
                least = least.min(cell(&before, column - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or(0)
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
}
