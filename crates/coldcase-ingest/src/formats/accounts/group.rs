//! # group: groups and their members
//!
//! `/etc/group`, `/etc/gshadow`, their copies, `getent group`: one `account-listed` a group, at the moment of collection.
//!
//! ```text
//! wheel:x:10:alice,bob
//! docker:!::alice
//! ```
//!
//! Recognised by lines of four fields whose third is a number (group), or whose second is a password and whose third and fourth
//! are lists of names (gshadow, many lines or the name).
//!
//! Cells: no `user`; `attributes`: `group`, `gid`, `members`, `administrators` (gshadow), and where the second field is not `x`
//! `password` (set, locked, none) with `algorithm`. Hashes are never kept. Who has a group as primary one stands in passwd.
//!
//! Source: group(5), gshadow(5).

use coldcase_model::{Attributes, Event, Sink, action};

use super::{fields, is_name, is_number, line, names, password, share, verdict};
use crate::formats::collected_text::each_line;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "group",
    title: "groups and members: /etc/group, /etc/gshadow",
    source: include_str!("group.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Rows without which a gshadow is not told from other lists with colons.
const TELLING_ROWS: usize = 5;

fn sniff(probe: &Probe<'_>) -> Sniff {
    let groups = verdict(share(probe, |line| group(line).is_some()));
    if groups > Sniff::No {
        return groups;
    }
    let (rows, lines) = share(probe, |line| gshadow(line).is_some());
    let named = probe.path.contains("gshadow") || probe.path.contains("g_shadow");
    if rows == lines && (rows >= TELLING_ROWS || (named && rows > 0)) {
        return Sniff::Likely;
    }
    Sniff::No
}

fn is_list(field: &str) -> bool {
    names(field).all(is_name) && !field.contains(' ')
}

fn group(line: &str) -> Option<[&str; 4]> {
    let entry: [&str; 4] = fields(line)?;
    let [name, secret, gid, members] = entry;
    let fits = is_name(name) && is_secret(secret) && is_number(gid) && is_list(members);
    fits.then_some(entry)
}

fn is_secret(field: &str) -> bool {
    matches!(field, "" | "x" | "*" | "!" | "!!" | "!*")
        || field.starts_with(['$', '!'])
        || field.len() == 13
}

fn gshadow(line: &str) -> Option<[&str; 4]> {
    let entry: [&str; 4] = fields(line)?;
    let [name, secret, administrators, members] = entry;
    let fits = is_name(name) && is_secret(secret) && is_list(administrators) && is_list(members);
    fits.then_some(entry)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    each_line(input, sink, |text, sink| {
        line(text, sink, |line| row(line, clock))
    })?;
    Ok(None)
}

fn row<'a>(line: &'a str, clock: &Clock) -> Option<Event<'a>> {
    let numbered = group(line);
    let [name, secret, third, members] = numbered.or_else(|| gshadow(line))?;
    let mut attributes = Attributes::new();
    attributes.text("group", name);
    if numbered.is_some() {
        attributes.number_if("gid", third.parse::<i64>().ok());
    } else if !third.is_empty() {
        attributes.texts("administrators", names(third));
    }
    attributes.texts("members", names(members));
    if secret != "x" {
        password(secret).put(&mut attributes);
    }
    let of = if members.is_empty() {
        "no members"
    } else {
        members
    };
    Some(Event {
        when: clock.collected(),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("group {name}: {of}").into()),
        ..Event::new(action::ACCOUNT_LISTED)
    })
}
