//! Evidence text made harmless for the place where it is shown.

/// For a terminal: control characters, escapes and bidirectional marks are shown, not obeyed.
pub fn for_terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_direction_mark(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

fn is_direction_mark(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// For Markdown, within a line or a table cell. Addresses of pages stay text: renderers would make links of them.
pub fn for_markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = for_terminal(text);
    for (at, character) in text.char_indices() {
        let (before, after) = text.split_at_checked(at).unwrap_or_default();
        let is_link = match character {
            ':' => after.starts_with("://"),
            '.' => before
                .get(at.saturating_sub(3)..)
                .is_some_and(|w| w.eq_ignore_ascii_case("www")),
            _ => false,
        };
        if is_link
            || matches!(
                character,
                '\\' | '`'
                    | '*'
                    | '_'
                    | '{'
                    | '}'
                    | '['
                    | ']'
                    | '<'
                    | '>'
                    | '#'
                    | '|'
                    | '!'
                    | '~'
                    | '&'
            )
        {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

/// For a CSV cell that a spreadsheet may open: a formula is made text.
pub fn for_csv(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(
            for_terminal("a\u{1b}[31mb\u{202e}c"),
            "a\\u{1b}[31mb\\u{202e}c"
        );
        assert_eq!(for_markdown("<b>|`x`"), "\\<b\\>\\|\\`x\\`");
        assert_eq!(
            for_markdown("curl http://192.0.2.1/a, WWW.example.org, 10.0.0.1:22"),
            "curl http\\://192.0.2.1/a, WWW\\.example.org, 10.0.0.1:22"
        );
        assert_eq!(for_csv("=1+1"), "'=1+1");
        assert_eq!(for_csv("plain"), "plain");
    }
}
