//! Command lines: EXECVE records (`a0=`, `a1=`, long arguments in pieces over several records) and
//! PROCTITLE (arguments with NULs between) joined to one line that a shell would read back.

use std::borrow::Cow;

use super::fields::Field;
use super::values::{Value, number, show};

/// Longest command line kept, in bytes: the kernel's own limit is 2 MiB, what is longer than this is
/// data, not something that a person reads.
pub const MAX_COMMAND: usize = 64 << 10;

/// One argument, or a piece of one.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    index: u32,
    part: u32,
    value: Value<'a>,
}

/// The arguments of one event's EXECVE records, in any order.
#[derive(Debug, Default)]
pub struct Arguments<'a> {
    pieces: Vec<Piece<'a>>,
    argc: Option<i64>,
}

impl<'a> Arguments<'a> {
    /// Takes a field of an EXECVE record.
    pub fn take(&mut self, field: &Field<'a>) {
        if field.key == b"argc" {
            self.argc = field.value.number();
            return;
        }
        let Some(rest) = field.key.strip_prefix(b"a") else {
            return;
        };
        let (index, part) = match rest.iter().position(|byte| *byte == b'[') {
            Some(at) => {
                let (index, part) = rest.split_at(at);
                let part = part
                    .strip_prefix(b"[")
                    .and_then(|part| part.strip_suffix(b"]"));
                (index, part.and_then(number))
            }
            None => (rest, Some(0)),
        };
        let index = number(index).and_then(|index| u32::try_from(index).ok());
        let part = part.and_then(|part| u32::try_from(part).ok());
        if let (Some(index), Some(part)) = (index, part) {
            self.pieces.push(Piece {
                index,
                part,
                value: field.value,
            });
        }
    }

    /// Whether there is an argument.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Writes the command line; tells whether something is missing: arguments that no record holds, or
    /// what [`MAX_COMMAND`] cut.
    pub fn join(&mut self, line: &mut String) -> bool {
        line.clear();
        let order = |piece: &Piece<'_>| (piece.index, piece.part);
        if !self.pieces.is_sorted_by_key(order) {
            self.pieces.sort_by_key(order);
        }
        let mut arguments = 0i64;
        let mut rest = self.pieces.as_slice();
        while let Some(first) = rest.first() {
            let pieces = rest
                .iter()
                .take_while(|piece| piece.index == first.index)
                .count();
            let (argument, after) = rest.split_at(pieces);
            if line.len() > MAX_COMMAND {
                break;
            }
            if arguments > 0 {
                line.push(' ');
            }
            arguments += 1;
            match argument {
                [only] => push_quoted(line, &decode(only.value)),
                pieces => {
                    let whole: Vec<u8> = pieces
                        .iter()
                        .flat_map(|piece| piece.value.bytes().into_owned())
                        .collect();
                    push_quoted(line, &show(&whole));
                }
            }
            rest = after;
        }
        let missing = self.argc.is_some_and(|argc| argc > arguments) || !rest.is_empty();
        cap(line) || missing
    }
}

fn decode(value: Value<'_>) -> Cow<'_, str> {
    match value.bytes() {
        Cow::Borrowed(bytes) => show(bytes),
        Cow::Owned(bytes) => Cow::Owned(show(&bytes).into_owned()),
    }
}

/// Writes the command line of a process title. The kernel keeps its first 128 bytes.
pub fn join_title(title: Value<'_>, line: &mut String) -> bool {
    line.clear();
    let bytes = title.bytes();
    if !bytes.contains(&0) {
        // One word, or a title that the process wrote itself (`sshd: root [priv]`): as it is.
        line.push_str(&show(&bytes));
        return cap(line) || bytes.len() >= 128;
    }
    let end = bytes.iter().rposition(|byte| *byte != 0);
    let used = bytes.get(..end.map_or(0, |end| end + 1)).unwrap_or(&bytes);
    for (index, argument) in used.split(|byte| *byte == 0).enumerate() {
        if index > 0 {
            line.push(' ');
        }
        push_quoted(line, &show(argument));
    }
    cap(line) || bytes.len() >= 128
}

fn cap(line: &mut String) -> bool {
    let cut = line.len() > MAX_COMMAND;
    if cut {
        let end = line.floor_char_boundary(MAX_COMMAND);
        line.truncate(end);
    }
    cut
}

/// An argument as a shell would need it written.
fn push_quoted(line: &mut String, argument: &str) {
    let bare = |byte: u8| {
        matches!(
            byte,
            b'a'..=b'z' | b'A'..=b'Z' | b'+'..=b':' | b'_' | b'@' | b'%' | b'=' | b'^' | b'~'
                | b'{' | b'}' | b'[' | b']' | 0x80..
        )
    };
    if !argument.is_empty() && argument.bytes().all(bare) {
        line.push_str(argument);
        return;
    }
    line.push('\'');
    for (index, run) in argument.split('\'').enumerate() {
        if index > 0 {
            line.push_str("'\\''");
        }
        line.push_str(run);
    }
    line.push('\'');
}

#[cfg(test)]
mod tests {
    use super::super::fields::Fields;
    use super::super::values::Form;
    use super::*;

    fn join(records: &[&str]) -> (String, bool) {
        let mut arguments = Arguments::default();
        for record in records {
            Fields::raw(record.as_bytes()).for_each(|field| arguments.take(&field));
        }
        let mut line = String::new();
        let missing = arguments.join(&mut line);
        (line, missing)
    }

    #[test]
    fn arguments_become_a_line() {
        let check = |records: &[&str], expected: &str, missing: bool| {
            assert_eq!(join(records), (expected.to_owned(), missing));
        };
        check(&["argc=3 a0=\"ls\" a1=\"-l\" a2=\"/x\""], "ls -l /x", false);
        check(
            &["argc=3 a0=\"sh\" a1=\"-c\" a2=6563686F206869"],
            "sh -c 'echo hi'",
            false,
        );
        check(&["argc=2 a0=\"x\" a1=\"\""], "x ''", false);
        check(&["argc=2 a0=\"x\" a1=\"it's\""], "x 'it'\\''s'", false);
        check(&["argc=3 a0=\"x\""], "x", true);
        check(&["a1=\"b\"", "argc=2 a0=\"a\""], "a b", false);
        check(
            &["argc=2 a0=\"a\" a1_len=8 a1[0]=6162", "a1[1]=6364"],
            "a abcd",
            false,
        );
        check(
            &["a1[1]=6364", "argc=2 a0=\"a\" a1_len=8 a1[0]=6162"],
            "a abcd",
            false,
        );
        check(&["argc=0 a0=\"whoami\""], "whoami", false);
        check(&["argc=1 a0=FF"], "\u{fffd}", false);
        check(&["argc=1 a99999999999=1 a[=2 ax=3"], "", true);
    }

    #[test]
    fn a_long_line_is_cut() {
        let record = format!("argc=2 a0=\"x\" a1=\"{}\"", "é".repeat(MAX_COMMAND));
        let (line, missing) = join(&[&record]);
        assert!(missing && line.len() <= MAX_COMMAND && line.len() > MAX_COMMAND - 4);
    }

    #[test]
    fn titles() {
        let check = |raw: &str, form: Form, expected: &str| {
            let mut line = String::new();
            let raw = raw.as_bytes();
            join_title(Value { raw, form }, &mut line);
            assert_eq!(line, expected);
        };
        check("6E63002D6C002D700035", Form::Bare, "nc -l -p 5");
        check("6E6300610062000000", Form::Bare, "nc a b");
        check(
            "737368643A20726F6F74205B707269765D",
            Form::Bare,
            "sshd: root [priv]",
        );
        check("whoami", Form::Quoted, "whoami");
    }
}
