//! How far a command goes over lines: quotes, continuations, here-documents and blocks of a shell.

/// Longest tag of a here-document that is believed.
const LONGEST_TAG: usize = 64;

/// Where the reading of a command stands after some lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Open {
    quote: Option<u8>,
    blocks: u32,
    tag: Option<String>,
    /// The last line ended in a backslash.
    pub backslash: bool,
    operator: bool,
}

impl Open {
    /// Whether the shell would wait for another line before it runs anything.
    pub fn waits(&self) -> bool {
        self.blocks > 0 || self.operator || self.is_one_word()
    }

    /// Whether the next line still belongs to a word or here-document of this one.
    pub fn is_one_word(&self) -> bool {
        self.quote.is_some() || self.tag.is_some() || self.backslash
    }

    /// The next line.
    pub fn line(&mut self, line: &str) {
        if let Some(tag) = &self.tag {
            if line.trim() == tag {
                self.tag = None;
            }
            return;
        }
        let mut scan = Scan {
            open: self,
            // The first word of a line is a command's, also after a backslash: blocks need no more.
            at_command: true,
            tag: None,
        };
        scan.run(line);
        let tag = scan.tag;
        self.tag = tag;
        let bare = line.trim_end();
        self.operator = self.quote.is_none()
            && (bare.ends_with("&&") || bare.ends_with('|'))
            && !bare.trim_start().starts_with('#');
    }
}

struct Scan<'a> {
    open: &'a mut Open,
    at_command: bool,
    tag: Option<String>,
}

impl Scan<'_> {
    fn run(&mut self, line: &str) {
        let bytes = line.as_bytes();
        let (mut at, mut word) = (0, 0..0);
        self.open.backslash = false;
        while let Some(byte) = bytes.get(at).copied() {
            at += 1;
            match (self.open.quote, byte) {
                (Some(b'\''), b'\'') | (Some(b'"'), b'"') | (Some(b'`'), b'`') => {
                    self.open.quote = None
                }
                (Some(b'\''), _) => {}
                (_, b'\\') => {
                    self.open.backslash = at == bytes.len();
                    at += 1;
                }
                (Some(_), _) => {}
                (None, b'\'' | b'"' | b'`') => self.open.quote = Some(byte),
                (None, b'#') if word.is_empty() => break,
                (None, b'<') if bytes.get(at) == Some(&b'<') => {
                    at = self.redirection(line, at + 1);
                }
                (None, b' ' | b'\t' | b';' | b'&' | b'|' | b'(' | b')') => {
                    self.word(line.get(word.clone()).unwrap_or_default());
                    if !matches!(byte, b' ' | b'\t') {
                        self.at_command = true;
                    }
                    word = at..at;
                    continue;
                }
                _ => {}
            }
            word = if word.is_empty() {
                at - 1..at
            } else {
                word.start..at
            };
        }
        self.word(line.get(word).unwrap_or_default());
    }

    /// A word without quotes; only where a command begins may it be one of the shell's own.
    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if !std::mem::take(&mut self.at_command) {
            return;
        }
        match word {
            "if" | "for" | "while" | "until" | "select" | "case" | "{" => {
                self.open.blocks += 1;
                self.at_command = matches!(word, "if" | "while" | "until" | "{");
            }
            "fi" | "done" | "esac" | "}" => self.open.blocks = self.open.blocks.saturating_sub(1),
            "then" | "do" | "else" | "!" | "time" => self.at_command = true,
            _ => {}
        }
    }

    /// After `<<`: takes the tag of a here-document; `<<<` is a word.
    fn redirection(&mut self, line: &str, at: usize) -> usize {
        let rest = line.get(at..).unwrap_or_default();
        if rest.starts_with('<') {
            return at + 1;
        }
        let bare = rest
            .trim_start_matches('-')
            .trim_start()
            .trim_start_matches(['\'', '"', '\\']);
        let end = bare
            .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.!".contains(c)))
            .unwrap_or(bare.len());
        let tag = bare.get(..end).unwrap_or_default();
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '!');
        if is_tag && tag.len() <= LONGEST_TAG && self.tag.is_none() {
            self.tag = Some(tag.to_owned());
        }
        let quote = bare
            .get(end..)
            .is_some_and(|after| after.starts_with(['\'', '"']));
        at + (rest.len() - bare.len()) + end + usize::from(quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines, and after which the shell waits for more.
    fn check(lines: &[(&str, bool)]) {
        let mut open = Open::default();
        for (line, waits) in lines {
            open.line(line);
            assert_eq!(open.waits(), *waits, "{line}");
        }
    }

    #[test]
    fn commands_end_where_the_shell_ends_them() {
        check(&[("ls -la", false), ("echo 'a", true), ("b'", false)]);
        check(&[("a \\", true), ("b", false)]);
        check(&[("cat <<'EOF' > /x", true), ("it's", true), ("EOF", false)]);
        check(&[("cat <<-EOF", true), ("\tEOF", false)]);
        check(&[("grep x <<< y", false)]);
        check(&[
            ("for i in 1 2; do", true),
            ("echo $i", true),
            ("done", false),
        ]);
        check(&[("if [ -f x ]; then y; fi", false)]);
        check(&[("while true; do ssh h; done &", false)]);
        check(&[("f() {", true), ("  echo }", true), ("}", false)]);
        check(&[
            ("# don't", false),
            ("echo if", false),
            ("ps | \\", true),
            ("wc", false),
        ]);
        check(&[("ps |", true), ("wc", false)]);
        check(&[("echo \"it's\"", false), ("echo \\'", false)]);
    }
}
