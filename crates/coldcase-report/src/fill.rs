//! Text in lines of a terminal, by the width that its letters are shown with: Chinese ones take two columns and may be parted
//! anywhere but before closing and behind opening marks. What is too wide for a line is parted at its end.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Marks that no line begins with.
const CLOSING: &str = "。，、；：！？）】》」』〉”’…％·,.;:!?)]}%";
/// Marks that no line ends with.
const OPENING: &str = "（【《「『〈“‘([{";

/// Letters that a line may lack so that a name is parted at a mark.
const NEAR: usize = 24;

/// A text in lines of a terminal that nobody widened, each with its end.
pub fn filled(text: &str) -> String {
    let lines = fill(text, 80).into_iter();
    lines.map(|line| line + "\n").collect()
}

/// A text in lines of at most this width. Nothing is lost but blanks.
pub(crate) fn fill(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        for (index, piece) in pieces(word).into_iter().enumerate() {
            let blank = usize::from(index == 0 && used > 0);
            if used > 0 && used + blank + piece.width() > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else if blank > 0 {
                line.push(' ');
                used += 1;
            }
            for letter in piece.chars() {
                let wide = letter.width().unwrap_or(0);
                if used > 0 && used + wide > width {
                    let rest = part(&mut line);
                    lines.push(std::mem::replace(&mut line, rest));
                    used = line.width();
                }
                line.push(letter);
                used += wide;
            }
        }
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}

/// Cuts a line that one long name fills behind its last mark, where one is near; gives what goes on in the next.
fn part(line: &mut String) -> String {
    let mark = line.rfind(['-', '_', '/', '.', ':', '=', '@', ',']);
    let end = mark.map(|mark| mark + 1);
    match end.filter(|end| *end < line.len() && line.len() - end < NEAR) {
        Some(end) => line.split_off(end),
        None => String::new(),
    }
}

/// A word's parts that a line may end behind.
fn pieces(word: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, letter) in word.char_indices() {
        let parts = before.is_some_and(|before| {
            (is_wide(before) || is_wide(letter))
                && !CLOSING.contains(letter)
                && !OPENING.contains(before)
        });
        if parts {
            found.extend(word.get(start..at));
            start = at;
        }
        before = Some(letter);
    }
    found.extend(word.get(start..));
    found
}

fn is_wide(letter: char) -> bool {
    letter.width() == Some(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_they_are_shown() {
        let check = |text: &str, width: usize, expected: &[&str]| {
            assert_eq!(fill(text, width), expected, "{text}");
            assert!(fill(text, width).iter().all(|line| line.width() <= width));
        };
        check("", 8, &[]);
        check("one two three", 8, &["one two", "three"]);
        check("容器已经结束", 8, &["容器已经", "结束"]);
        check("容器已经。结束", 8, &["容器已", "经。结束"]);
        check(
            "容器（退出码 137）结束",
            10,
            &["容器（退出", "码 137）结", "束"],
        );
        check(
            "来自 10.20.8.41 的登录",
            12,
            &["来自", "10.20.8.41", "的登录"],
        );
        check(
            "k8s_long-name_of-a-container",
            10,
            &["k8s_long-", "name_of-a-", "container"],
        );
        check("0123456789abcdef", 10, &["0123456789", "abcdef"]);
        check("a k8s_long-name", 10, &["a", "k8s_long-", "name"]);
    }

    #[test]
    fn nothing_is_lost() {
        let text = "560 次登录中有 560 次逐一对应容器 k8s_a 的记录，滞后 0 至 2 秒。It ran `sh /mac.sh`. 日本語 한국어";
        for width in 4..60 {
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(bare(&fill(text, width).concat()), bare(text), "{width}");
        }
    }
}
