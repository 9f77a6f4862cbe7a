//! # hosts-file: names and addresses that a host knows by itself
//!
//! `/etc/hosts`, `getent hosts`: one `name-listed` a name, at the moment of collection. A line here goes before DNS.
//!
//! ```text
//! 127.0.0.1   localhost localhost.localdomain
//! 10.20.8.41  k8s-node-14 node14   # rack 3
//! ```
//!
//! Recognised by lines of an address and names, with `localhost` among them or by the name (`hosts`, `etc_hosts.txt`), or a command line above.
//!
//! Cells: `src_ip` the address, `domain` the name, `path` the file on its host where the bundle kept that.
//!
//! Limits: lists of blocked names (0.0.0.0) are read as they are, each name a row.
//!
//! Source: hosts(5).

use coldcase_model::{Event, Place, Sink, action, canonical_domain, canonical_ip};

use crate::formats::collected_text::{
    COMMENT, CUT, FRAME, TextLine, each_line, frame, is_lost, original_path, sample,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "hosts-file",
    title: "names and addresses: /etc/hosts",
    source: include_str!("hosts.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// The address and the names of a line.
fn parse(line: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    let bare = line.split('#').next()?;
    let mut words = bare.split_ascii_whitespace();
    let address = words.next()?;
    let bare = address.split('%').next()?;
    canonical_ip(bare)?;
    let is_name = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && name.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let fits = words.clone().count() > 0 && words.clone().all(is_name);
    fits.then_some((bare, words))
}

fn is_named(path: &str) -> bool {
    let name = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let name = name.trim_end_matches(".txt");
    name == "hosts"
        || name.ends_with("etc_hosts")
        || name.ends_with("etc-hosts")
        || name.starts_with("hosts.")
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut rows, mut others, mut local) = (0_usize, 0_usize, 0_usize);
    let mut named = is_named(probe.path);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(rows, others, sample.len() - index, 9) {
            return Sniff::No;
        }
        if let Some(frame) = frame(line) {
            named |= frame.path.is_some_and(is_named);
        } else if !line.trim_start().starts_with('#') {
            match parse(line) {
                Some((address, mut names)) => {
                    rows += 1;
                    let local_name =
                        names.any(|name| name.starts_with("localhost") || name.starts_with("ip6-"));
                    local += usize::from(
                        local_name
                            && matches!(address, "127.0.0.1" | "::1" | "fe00::0" | "ff02::1"),
                    );
                }
                None => others += 1,
            }
        }
    }
    if rows == 0 || rows * 10 < (rows + others) * 9 {
        return Sniff::No;
    }
    match (local, named) {
        (0, false) => Sniff::No,
        (0, true) => Sniff::Likely,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let (clock, path) = (input.clock, original_path(input.path));
    each_line(input, sink, |text, sink| {
        if !text.text.trim().is_empty() {
            line(text, path, clock, sink);
        }
    })?;
    Ok(None)
}

fn line(line: &TextLine<'_>, path: &str, clock: &Clock, sink: &mut dyn Sink) {
    let Some((address, names)) = parse(&line.text) else {
        let reason = if frame(&line.text).is_some() {
            FRAME
        } else if line.text.trim_start().starts_with('#') {
            COMMENT
        } else if line.ended {
            "not an address with names"
        } else {
            CUT
        };
        return sink.skip(Place::Line(line.number), reason);
    };
    for name in names {
        sink.event(&Event {
            when: clock.collected(),
            src_ip: canonical_ip(address),
            domain: Some(canonical_domain(name)),
            path: Some(path.into()),
            message: Some(format!("{name} is {address} by the host's own file").into()),
            line: Some(line.number),
            ..Event::new(action::NAME_LISTED)
        });
    }
    sink.used(1);
}
