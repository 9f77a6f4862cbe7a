//! # passwd: accounts
//!
//! `/etc/passwd`, its copies (`passwd-`), and `getent passwd`: one `account-listed` an account, at the moment of collection.
//!
//! ```text
//! root:x:0:0:root:/root:/bin/bash
//! alice:x:1000:1000:Alice,,,:/home/alice:/bin/zsh
//! ```
//!
//! Recognised by lines of seven fields, the third and fourth numbers, the sixth a path.
//!
//! Cells: `user`, `path` the home, `command` the shell; `attributes`: `uid`, `gid`, `comment`, and where the second field is not `x`
//! `password` (set, locked, none) with `algorithm` (`$6$`). The hash itself is never kept.
//!
//! Limits: entries of a directory service (`+::::::`) name no account and are skipped.
//!
//! Source: passwd(5), getent(1).

use coldcase_model::{Attributes, Event, action};

use super::{fields, is_name, is_number, line, password, share, verdict};
use crate::formats::collected_text::each_line;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};
use coldcase_model::Sink;

/// The format.
pub static FORMAT: Format = Format {
    id: "passwd",
    title: "accounts: /etc/passwd, getent passwd",
    source: include_str!("passwd.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn sniff(probe: &Probe<'_>) -> Sniff {
    verdict(share(probe, |line| entry(line).is_some()))
}

fn entry(line: &str) -> Option<[&str; 7]> {
    let entry: [&str; 7] = fields(line)?;
    let [name, _, uid, gid, _, home, shell] = entry;
    let is_path = |field: &str| field.is_empty() || field.starts_with('/');
    let fits = is_name(name) && is_number(uid) && is_number(gid) && is_path(home) && is_path(shell);
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
    let [name, secret, uid, gid, comment, home, shell] = entry(line)?;
    let mut attributes = Attributes::new();
    attributes
        .number_if("uid", uid.parse::<i64>().ok())
        .number_if("gid", gid.parse::<i64>().ok())
        .text_if(
            "comment",
            Some(comment).filter(|comment| !comment.is_empty()),
        );
    if secret != "x" {
        password(secret).put(&mut attributes);
    }
    let known = |field: &'a str| (!field.is_empty()).then(|| field.into());
    Some(Event {
        when: clock.collected(),
        user: Some(name.into()),
        path: known(home),
        command: known(shell),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("account {name}, uid {uid}, home {home}, shell {shell}").into()),
        ..Event::new(action::ACCOUNT_LISTED)
    })
}
