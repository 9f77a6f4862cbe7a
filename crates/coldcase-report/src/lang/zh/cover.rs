//! A text cut into parts, and parts put together so that forms fit as much of it as can be: a name may hold what looks like
//! the end of a sentence.

/// Parts that one form may hold.
const MOST: usize = 6;
/// Parts of a text; what has more is no sentence of ours.
const MOST_PARTS: usize = 400;

/// Where a part begins and ends in its text.
pub(super) type Part = (usize, usize);

/// A text's sentences: they end where a blank follows a full stop outside of commands.
pub(super) fn sentences(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut start, mut is_command, mut ends) = (0, false, false);
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() && ends && !is_command {
            parts.push((start, at));
            start = at + letter.len_utf8();
        }
        is_command ^= letter == '`';
        ends = matches!(letter, '.' | '?' | '!');
    }
    parts.push((start, text.len()));
    parts
}

/// The parts of a list.
pub(super) fn separated(text: &str, separator: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, found) in text.match_indices(separator) {
        parts.push((start, at));
        start = at + found.len();
    }
    parts.push((start, text.len()));
    parts
}

/// The parts, put together where that fits forms better, each with what is said of it by its best form. All of the text is in
/// them, in order.
pub(super) fn cover<'t>(
    text: &'t str,
    parts: &[Part],
    best: impl Fn(&str) -> Option<(usize, String)>,
) -> Vec<(&'t str, Option<String>)> {
    let between = |begin: usize, end: usize| -> &'t str {
        let ends = parts
            .get(begin)
            .zip(end.checked_sub(1).and_then(|last| parts.get(last)));
        ends.and_then(|((start, _), (_, stop))| text.get(*start..*stop))
            .unwrap_or_default()
    };
    if parts.len() > MOST_PARTS {
        return vec![(text, None)];
    }
    // Of the first so many parts: letters that forms fit, where the last group begins, and what is said of it.
    let mut fits: Vec<(usize, usize, Option<String>)> = vec![(0, 0, None)];
    for end in 1..=parts.len() {
        let mut chosen = (fits.last().map_or(0, |one| one.0), end - 1, None);
        for begin in (end.saturating_sub(MOST)..end).rev() {
            let Some((weight, said)) = best(between(begin, end)) else {
                continue;
            };
            let weight = fits.get(begin).map_or(0, |one| one.0) + weight;
            // A part alone that any text fits is still said; but nothing is swallowed that no form speaks of.
            let is_alone = begin + 1 == end && chosen.2.is_none() && weight == chosen.0;
            if weight > chosen.0 || is_alone {
                chosen = (weight, begin, Some(said));
            }
        }
        fits.push(chosen);
    }
    let mut found = Vec::new();
    let mut end = parts.len();
    while let Some((_, begin, said)) = fits.get_mut(end).filter(|_| end > 0) {
        found.push((between(*begin, end), said.take()));
        end = *begin;
    }
    found.reverse();
    found.retain(|(text, _)| !text.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_together_where_that_fits_better() {
        let check = |text: &str, forms: &[&str], expected: &[(&str, bool)]| {
            let best = |part: &str| forms.contains(&part).then(|| (part.len(), String::new()));
            let found = cover(text, &sentences(text), best);
            let found: Vec<(&str, bool)> = found
                .iter()
                .map(|(part, said)| (*part, said.is_some()))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "A b. c d. E.",
            &["A b.", "c d.", "E."],
            &[("A b.", true), ("c d.", true), ("E.", true)],
        );
        check(
            "A b. c d. E.",
            &["A b. c d.", "c d."],
            &[("A b. c d.", true), ("E.", false)],
        );
        check(
            "A `b. c` d. E",
            &["E"],
            &[("A `b. c` d.", false), ("E", true)],
        );
        check("", &[], &[]);
    }

    #[test]
    fn lists_are_cut_at_their_separator() {
        let text = "a, b (1, 2), c";
        let parts: Vec<&str> = separated(text, ", ")
            .iter()
            .filter_map(|(from, to)| text.get(*from..*to))
            .collect();
        assert_eq!(parts, ["a", "b (1", "2)", "c"]);
    }
}
