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

/// For Markdown, within a line or a table cell.
pub fn for_markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in for_terminal(text).chars() {
        if matches!(
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
        ) {
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
        assert_eq!(for_csv("=1+1"), "'=1+1");
        assert_eq!(for_csv("plain"), "plain");
    }
}
