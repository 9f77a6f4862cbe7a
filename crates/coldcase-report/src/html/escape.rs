//! Evidence text for HTML: escaped, control and direction marks made visible, cut to what a person reads.

use crate::for_terminal;

/// Longest text in a cell, in characters.
const LONGEST: usize = 400;

/// Evidence text for a place between tags or in a quoted attribute; what is longer than a cell is cut and said to be.
pub(crate) fn escape(text: &str) -> String {
    let (shown, is_cut) = cut(text, LONGEST);
    let mut safe = marked(shown);
    if is_cut {
        safe.push_str(" … (cut)");
    }
    safe
}

/// The first characters of a text, and whether there are more.
pub(crate) fn cut(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), true),
        None => (text, false),
    }
}

/// Escaped, whatever its length.
pub(crate) fn marked(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in for_terminal(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A name with its middle left out, so that it keeps its head and its tail. Control and direction marks are shown
/// before the letters are counted; a Chinese one is as wide as two others.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let (head, is_cut) = cut(text, most.saturating_mul(2).max(LONGEST));
    let end: String = if is_cut {
        let tail: Vec<char> = text.chars().rev().take(most).collect();
        tail.into_iter().rev().collect()
    } else {
        String::new()
    };
    let letters: Vec<char> = for_terminal(&format!("{head}{end}")).chars().collect();
    let wide = |letter: &char| if *letter >= '\u{2e80}' { 2 } else { 1 };
    if letters.iter().map(wide).sum::<usize>() <= most && !is_cut {
        return letters.into_iter().collect();
    }
    let keep = most.saturating_sub(1);
    let fitting = |letters: &mut dyn Iterator<Item = &char>, room: usize| {
        let mut used = 0;
        letters
            .take_while(|letter| {
                used += wide(letter);
                used <= room
            })
            .count()
    };
    let tail = fitting(&mut letters.iter().rev(), keep * 2 / 5);
    let head = fitting(&mut letters.iter(), keep - keep * 2 / 5);
    let head: String = letters.iter().take(head).collect();
    let tail: String = letters.iter().skip(letters.len() - tail).collect();
    format!("{head}…{tail}")
}

/// JSON for a data block: no `<` in it, so that nothing can end the block; direction marks stay escaped.
pub(crate) fn json_block(value: &serde_json::Value) -> String {
    let mut safe = String::new();
    for character in value.to_string().chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_head_and_tail() {
        assert_eq!(shorten("short", 10), "short");
        let name = shorten("k8s_remote-executor_ocloud_e63d645d_0", 16);
        assert!(name.starts_with("k8s_") && name.ends_with("_0"), "{name}");
        assert_eq!(name.chars().count(), 16);
        assert_eq!(shorten("一二三四五六七八九十", 9), "一二…十");
        assert_eq!(shorten("a\u{202e}b", 20), "a\\u{202e}b");
        assert!(shorten(&"x".repeat(1 << 20), 30).len() < 40);
    }

    #[test]
    fn a_data_block_cannot_be_ended() {
        let value = serde_json::json!("</script><!--\u{2028}");
        let block = json_block(&value);
        assert!(!block.contains('<') && !block.contains('\u{2028}'));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&block).ok(),
            Some(value)
        );
    }
}
