//! # sudoers: who may act as whom
//!
//! `/etc/sudoers`, files of `/etc/sudoers.d`, and `sudo -l`: one `account-listed` a rule, alias or default, at the moment of collection.
//!
//! ```text
//! Defaults    secure_path = /sbin:/bin
//! Cmnd_Alias  NET = /sbin/ip, \
//!                   /sbin/iptables
//! root        ALL=(ALL:ALL) ALL
//! %wheel      ALL=(ALL) NOPASSWD: NET
//! ```
//!
//! Recognised by rules (`WHO HOSTS = (AS) COMMANDS`), defaults and aliases that are most of the lines.
//!
//! Cells: `user` where a rule is for one account; `attributes`: `rule` (the line with its continuations), `groups` where it is for a group
//! (`%wheel`). Aliases are not put in place of their names. Includes and comments are skipped; `#1000` at the beginning of a rule is a uid.
//!
//! Source: sudoers(5), sudo(8).

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::is_name;
use crate::formats::collected_text::{
    COMMENT, CUT, FRAME, TextLine, each_line, frame, sample, shown,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "sudoers",
    title: "who may act as whom: sudoers, sudo -l",
    source: include_str!("sudoers.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most bytes of one rule.
const MOST_BYTES: usize = 16 << 10;

/// What a line of sudoers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive<'a> {
    /// A rule for these.
    Rule(&'a str),
    /// Defaults or an alias.
    Setting,
    /// `@includedir /etc/sudoers.d`.
    Include,
}

fn directive(line: &str) -> Option<Directive<'_>> {
    let word = line.split_ascii_whitespace().next()?;
    if matches!(
        word,
        "#includedir" | "@includedir" | "#include" | "@include"
    ) {
        return Some(Directive::Include);
    }
    let rest = line.get(word.len()..)?.trim_start();
    let defaults = word.strip_prefix("Defaults");
    if defaults.is_some_and(|scope| scope.is_empty() || scope.starts_with([':', '@', '>', '!']))
        && !rest.is_empty()
    {
        return Some(Directive::Setting);
    }
    if word.ends_with("_Alias") && rest.contains('=') {
        return Some(Directive::Setting);
    }
    let (left, right) = line.split_once('=')?;
    let left = left.trim_end();
    let (who, hosts) = left.rsplit_once([' ', '\t'])?;
    let (who, right) = (who.trim(), right.trim_start());
    if matches!(
        who,
        "export" | "local" | "declare" | "readonly" | "alias" | "set" | "typeset" | "env"
    ) {
        return None;
    }
    let is_host = !hosts.is_empty()
        && hosts
            .chars()
            .all(|c| c.is_alphanumeric() || "._-,:!%+/".contains(c));
    let starts = right.starts_with(['(', '/', '!']) || right.starts_with("sudoedit") || {
        let word = right
            .split([':', ',', ' ', '\t'])
            .next()
            .unwrap_or_default();
        word.len() > 1
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let is_who = !who.is_empty()
        && who
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .all(|part| {
                let part = part.trim_matches('"').trim_start_matches('!');
                let part = part
                    .strip_prefix("%#")
                    .or_else(|| part.strip_prefix(['%', '+', '#']))
                    .unwrap_or(part);
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_alphanumeric() || "._-@\\$:".contains(c))
            });
    (is_host && starts && is_who).then_some(Directive::Rule(who))
}

/// The account in `User alice may run the following commands on web:`.
fn listed_user(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("User ")?;
    rest.split_once(" may run the following commands")
        .map(|(user, _)| user)
}

/// `    (ALL : ALL) NOPASSWD: ALL` of `sudo -l`.
fn is_listed_rule(line: &str) -> bool {
    line.starts_with([' ', '\t']) && line.trim_start().starts_with('(') && line.contains(')')
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut rules, mut lines, mut telling) = (0_usize, 0_usize, 0_usize);
    let mut continued = false;
    let mut listing = false;
    for line in sample(probe) {
        let goes_on = std::mem::replace(&mut continued, line.trim_end().ends_with('\\'));
        if goes_on {
            continue;
        }
        let found = directive(line);
        if found.is_none() && (line.trim_start().starts_with('#') || frame(line).is_some()) {
            continue;
        }
        listing |=
            listed_user(line).is_some() || line.starts_with("Matching Defaults entries for ");
        lines += 1;
        rules += usize::from(found.is_some() || listing);
        telling += usize::from(match found {
            Some(Directive::Rule(_)) => line.contains("ALL") || line.contains("PASSWD:"),
            Some(Directive::Setting) => line.contains("_Alias") || line.starts_with("Defaults"),
            Some(Directive::Include) => true,
            None => listed_user(line).is_some(),
        });
    }
    match telling {
        0 => Sniff::No,
        _ if rules * 10 < lines * 8 => Sniff::No,
        1 | 2 => Sniff::Likely,
        _ => Sniff::Sure,
    }
}

struct Reader<'a> {
    clock: &'a Clock,
    /// A rule that goes on in the next line: where it began, its lines, its text.
    held: Option<(u64, u64, String)>,
    listed: Option<String>,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Reader {
        clock: input.clock,
        held: None,
        listed: None,
    };
    let read = each_line(input, sink, |line, sink| reader.line(line, sink));
    if let Some((number, lines, text)) = reader.held.take() {
        reader.rule(&text, number, lines, false, sink);
    }
    read.map(|()| None)
}

impl Reader<'_> {
    fn line(&mut self, line: &TextLine<'_>, sink: &mut dyn Sink) {
        let text = line.text.trim_end();
        let (number, lines, whole) = match self.held.take() {
            Some((number, lines, mut held)) => {
                held.push(' ');
                held.push_str(text.trim_start());
                (number, lines + 1, Cow::Owned(held))
            }
            None if text.is_empty() => return,
            None => (line.number, 1, Cow::Borrowed(text)),
        };
        let is_comment = whole.trim_start().starts_with('#') && directive(&whole).is_none();
        match whole.strip_suffix('\\') {
            Some(open) if !is_comment && open.len() < MOST_BYTES => {
                self.held = Some((number, lines, open.trim_end().to_owned()));
            }
            _ => self.rule(&whole, number, lines, line.ended, sink),
        }
    }

    fn rule(&mut self, text: &str, number: u64, lines: u64, ended: bool, sink: &mut dyn Sink) {
        let bare = text.trim();
        if let Some(user) = listed_user(text) {
            self.listed = Some(user.to_owned());
            return sink.used(lines);
        }
        let who = match directive(bare) {
            Some(Directive::Include) => return skip(number, lines, "include of other files", sink),
            Some(Directive::Rule(who)) => Some(who),
            Some(Directive::Setting) => None,
            None if self.listed.is_some() && is_listed_rule(text) => self.listed.as_deref(),
            None => {
                let reason = if frame(bare).is_some() {
                    FRAME
                } else if bare.starts_with('#') {
                    COMMENT
                } else if !ended {
                    CUT
                } else {
                    "not a rule"
                };
                return skip(number, lines, reason, sink);
            }
        };
        let mut attributes = Attributes::new();
        attributes.text("rule", bare);
        let group = who.and_then(|who| who.strip_prefix('%'));
        if let Some(group) = group {
            attributes.texts("groups", [group]);
        }
        sink.event(&Event {
            when: self.clock.collected(),
            user: who.filter(|who| is_name(who)).map(Into::into),
            attributes: attributes.finish().map(Into::into),
            message: Some(shown(bare)),
            line: Some(number),
            ..Event::new(action::ACCOUNT_LISTED)
        });
        sink.used(lines);
    }
}

fn skip(number: u64, lines: u64, reason: &'static str, sink: &mut dyn Sink) {
    for line in number..number + lines {
        sink.skip(Place::Line(line), reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives() {
        let check = |line: &str, expected: Option<Directive<'_>>| {
            assert_eq!(directive(line), expected, "{line}");
        };
        check("root\tALL=(ALL:ALL) ALL", Some(Directive::Rule("root")));
        check(
            "%admin ALL=(ALL) NOPASSWD: ALL",
            Some(Directive::Rule("%admin")),
        );
        check("#1000 ALL = ALL", Some(Directive::Rule("#1000")));
        check(
            "alice, bob web=/sbin/ip",
            Some(Directive::Rule("alice, bob")),
        );
        check("Defaults:alice !requiretty", Some(Directive::Setting));
        check("Cmnd_Alias X = /bin/ls", Some(Directive::Setting));
        check("#includedir /etc/sudoers.d", Some(Directive::Include));
        check("## Allow root to run any commands", None);
        check("PATH=/sbin", None);
        check("export PATH=/sbin:/bin", None);
        check("key = value", None);
        check("Options = a b", None);
    }
}
