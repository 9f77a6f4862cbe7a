//! A command line as simple commands and their words, as a shell reads it: quotes, separators, redirections. Variables
//! and patterns stay as they are written.

/// A line's simple commands as words; quotes are taken off, redirections stand as words of their own.
pub(super) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = line.chars().peekable();
    let end_word = |word: &mut Option<String>, found: &mut Vec<Vec<String>>| {
        if let (Some(word), Some(last)) = (word.take(), found.last_mut()) {
            last.push(word);
        }
    };
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some('"') | None, '\\') => word
                .get_or_insert_default()
                .extend(characters.next().filter(|next| *next != '\n')),
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => {
                while characters.next_if(|next| *next != '\n').is_some() {}
            }
            (None, '>') => {
                // `2>` and `&>`: what goes there is output all the same.
                word.take_if(|word| {
                    word.chars()
                        .all(|digit| digit.is_ascii_digit() || digit == '&')
                });
                end_word(&mut word, &mut found);
                let appends = characters.next_if_eq(&'>').is_some();
                characters.next_if_eq(&'|');
                let to_descriptor = characters.next_if_eq(&'&').is_some();
                let sign = if appends || to_descriptor { ">>" } else { ">" };
                word = Some(sign.to_owned());
                end_word(&mut word, &mut found);
            }
            (None, '<') => {
                end_word(&mut word, &mut found);
                word = Some("<".to_owned());
                end_word(&mut word, &mut found);
            }
            (None, '&') if characters.peek() == Some(&'>') => end_word(&mut word, &mut found),
            (None, ';' | '|' | '&' | '\n' | '(' | ')' | '`') => {
                end_word(&mut word, &mut found);
                found.push(Vec::new());
            }
            (None, space) if space.is_whitespace() => end_word(&mut word, &mut found),
            (None, other) => word.get_or_insert_default().push(other),
        }
    }
    end_word(&mut word, &mut found);
    found.retain(|words| !words.is_empty());
    found
}

/// A program's name without its folder.
pub(super) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Words from the program on: without `sudo`, `nohup` and the like, and without assignments before it.
pub(super) fn bare(words: &[String]) -> &[String] {
    const WRAPPERS: [&str; 11] = [
        "sudo", "nohup", "env", "exec", "command", "builtin", "then", "do", "else", "time", "if",
    ];
    let is_program = |word: &&String| {
        let assigns = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        });
        let is_option = word.starts_with('-');
        !(WRAPPERS.contains(&program(word)) || assigns || is_option || *word == "{" || *word == "!")
    };
    let start = words
        .iter()
        .position(|word| is_program(&word))
        .unwrap_or(words.len());
    words.get(start..).unwrap_or_default()
}

/// What `sh -c` runs.
pub(super) fn inner_shell(words: &[String]) -> Option<String> {
    let words = bare(words);
    let name = program(words.first()?);
    if name == "eval" {
        return Some(words.get(1..)?.join(" "));
    }
    if !matches!(name, "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "su") {
        return None;
    }
    let flag = words
        .iter()
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'))?;
    words.get(flag + 1).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_line() {
        let check =
            |line: &str, expected: &[&[&str]]| assert_eq!(commands(line), expected, "{line}");
        check("a 'b c' \"d\\\"e\" f\\ g", &[&["a", "b c", "d\"e", "f g"]]);
        check(
            "a;b&&c||d|e&f",
            &[&["a"], &["b"], &["c"], &["d"], &["e"], &["f"]],
        );
        check(
            "a>x 2>y >>z 2>&1",
            &[&["a", ">", "x", ">", "y", ">>", "z", ">>", "1"]],
        );
        check("a &>x", &[&["a", ">", "x"]]);
        check("a # b", &[&["a"]]);
        check("a#b ''", &[&["a#b", ""]]);
        check("", &[]);
    }

    #[test]
    fn what_is_run_behind_others() {
        let check = |line: &str, expected: Option<&str>| {
            let words = commands(line).remove(0);
            assert_eq!(
                bare(&words).first().map(|word| program(word)),
                expected,
                "{line}"
            );
        };
        check("sudo -n /bin/rm x", Some("rm"));
        check("FOO=1 env BAR=2 nohup rm x", Some("rm"));
        check("then rm x", Some("rm"));
        check("sudo", None);
        assert_eq!(
            inner_shell(&commands("bash -lc 'a b'").remove(0)).as_deref(),
            Some("a b")
        );
        assert_eq!(
            inner_shell(&commands("eval a b").remove(0)).as_deref(),
            Some("a b")
        );
        assert_eq!(inner_shell(&commands("bash script").remove(0)), None);
    }
}
