//! Prose at 80 columns. Tables, code and lists keep their lines.

/// Columns of a terminal that nobody widened.
const WIDTH: usize = 80;

/// A text with its paragraphs filled anew; lines that begin with `|`, four blanks or stand between fences stay.
pub fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        let stays = is_code || fence || line.starts_with('|') || line.starts_with("    ");
        is_code ^= fence;
        let begins = line.starts_with("- ") || line.starts_with("# ") || line.starts_with("## ");
        if stays || begins || line.trim().is_empty() {
            flush(&mut paragraph, &mut out);
        }
        if stays || line.trim().is_empty() {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(line.trim());
    }
    flush(&mut paragraph, &mut out);
    out
}

fn flush(paragraph: &mut String, out: &mut String) {
    let indent = if paragraph.starts_with("- ") {
        "  "
    } else {
        ""
    };
    let mut used = 0;
    for word in paragraph.split_whitespace() {
        let wide = word.chars().count();
        if used > 0 && used + 1 + wide > WIDTH {
            out.push('\n');
            out.push_str(indent);
            used = indent.len();
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
    }
    if used > 0 {
        out.push('\n');
    }
    paragraph.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_filled_and_what_has_a_shape_keeps_it() {
        let long = "word ".repeat(30);
        let text = format!(
            "{long}\nmore\n\n- a\n- b\n\n| a | b |\n    code  stays\n```\nx  {long}\n```\n"
        );
        let shown = prose(&text);
        let code = format!("```\nx  {long}\n```\n");
        assert!(
            shown.ends_with(&format!(
                "\n\n- a\n- b\n\n| a | b |\n    code  stays\n{code}"
            )),
            "{shown}"
        );
        let filled = shown.split("\n\n").next().unwrap_or_default();
        assert_eq!(filled.split_whitespace().count(), 31);
        assert!(filled.lines().all(|line| line.len() <= WIDTH), "{filled}");
    }
}
