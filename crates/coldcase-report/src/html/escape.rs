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

/// A name with its middle left out, so that it keeps its head and its tail.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let keep = most.saturating_sub(1);
    let tail = keep * 2 / 5;
    let head: String = text.chars().take(keep - tail).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{head}…{end}")
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
