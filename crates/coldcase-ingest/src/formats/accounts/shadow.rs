//! # shadow: whether accounts have a password
//!
//! `/etc/shadow`, its copies, `getent shadow`: one `account-listed` an account, at the moment of collection.
//!
//! ```text
//! root:$6$salt$hash:19450:0:99999:7:::
//! daemon:*:18375:0:99999:7:::
//! ```
//!
//! Recognised by lines of nine fields, the third to the eighth numbers or empty.
//!
//! Cells: `user`; `attributes`: `password` (set, locked, none), `algorithm` (`$6$`, `$y$`, `des`), `changed` and `expires` (dates, UTC). The
//! hash is never kept, nor its salt. A locked password may still hold a hash (`!$6$`): then the algorithm is there.
//!
//! Source: shadow(5), crypt(5).

use chrono::{Days, NaiveDate};
use coldcase_model::{Attributes, Event, Sink, action};

use super::{fields, is_name, is_number, line, password, share, verdict};
use crate::formats::collected_text::each_line;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "shadow",
    title: "accounts' passwords, without the hashes: /etc/shadow",
    source: include_str!("shadow.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn sniff(probe: &Probe<'_>) -> Sniff {
    verdict(share(probe, |line| entry(line).is_some()))
}

fn entry(line: &str) -> Option<[&str; 9]> {
    let entry: [&str; 9] = fields(line)?;
    let [name, secret, times @ .., _] = entry;
    let is_time = |field: &&str| field.is_empty() || is_number(field.trim_start_matches('-'));
    let fits = is_name(name) && !secret.contains([' ', '/']) || secret.starts_with(['$', '!']);
    (fits && is_name(name) && times.iter().all(is_time)).then_some(entry)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    each_line(input, sink, |text, sink| {
        line(text, sink, |line| row(line, clock))
    })?;
    Ok(None)
}

/// The date of a count of days; 0 has another meaning (a change is due).
fn date(days: &str) -> Option<String> {
    let days = days.parse().ok().filter(|days| *days > 0)?;
    let date = NaiveDate::from_ymd_opt(1970, 1, 1)?.checked_add_days(Days::new(days))?;
    Some(date.to_string())
}

fn row<'a>(line: &'a str, clock: &Clock) -> Option<Event<'a>> {
    let [name, secret, changed, _, _, _, _, expires, _] = entry(line)?;
    let secret = password(secret);
    let mut attributes = Attributes::new();
    secret.put(&mut attributes);
    let changed = date(changed);
    attributes
        .text_if("changed", changed.as_deref())
        .text_if("expires", date(expires).as_deref());
    let since = changed
        .map(|date| format!(", changed {date}"))
        .unwrap_or_default();
    Some(Event {
        when: clock.collected(),
        user: Some(name.into()),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("account {name}, password {}{since}", secret.state).into()),
        ..Event::new(action::ACCOUNT_LISTED)
    })
}
