//! # resolv-conf: whom a host asks for names
//!
//! `/etc/resolv.conf`: one `service-defined` a directive, at the moment of collection.
//!
//! ```text
//! nameserver 10.96.0.10
//! search default.svc.cluster.local svc.cluster.local
//! options ndots:5
//! ```
//!
//! Recognised by lines that all are directives of the resolver, a `nameserver` among them.
//!
//! Cells: `path`, `dst_ip` the server of a `nameserver`; `attributes`: `unit` "resolv.conf", `directive`, `value`.
//!
//! Source: resolv.conf(5).

use coldcase_model::{Attributes, Event, Place, Sink, action, canonical_ip};

use crate::formats::collected_text::{
    COMMENT, CUT, FRAME, TextLine, each_line, frame, original_path, sample,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "resolv-conf",
    title: "whom a host asks for names: /etc/resolv.conf",
    source: include_str!("resolver.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn parse(line: &str) -> Option<(&str, &str)> {
    let (directive, value) = line.trim().split_once([' ', '\t'])?;
    let value = value.split([';', '#']).next().unwrap_or_default().trim();
    let fits = match directive {
        "nameserver" => canonical_ip(value.split('%').next().unwrap_or_default()).is_some(),
        "search" | "domain" | "options" | "sortlist" | "lookup" | "family" => !value.is_empty(),
        _ => false,
    };
    fits.then_some((directive, value))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with(['#', ';'])
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut servers, mut others) = (0_usize, 0_usize);
    for line in sample(probe) {
        match parse(line) {
            Some((directive, _)) => servers += usize::from(directive == "nameserver"),
            None if is_comment(line) || frame(line).is_some() => {}
            None => others += 1,
        }
    }
    match (servers, others) {
        (0, _) => Sniff::No,
        (_, 0) => Sniff::Sure,
        _ if others < servers => Sniff::Likely,
        _ => Sniff::No,
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
    let Some((directive, value)) = parse(&line.text) else {
        let reason = if frame(&line.text).is_some() {
            FRAME
        } else if is_comment(&line.text) {
            COMMENT
        } else if line.ended {
            "not a directive of the resolver"
        } else {
            CUT
        };
        return sink.skip(Place::Line(line.number), reason);
    };
    let mut attributes = Attributes::new();
    attributes
        .text("unit", "resolv.conf")
        .text("directive", directive)
        .text("value", value);
    let server = value.split('%').next().unwrap_or_default();
    sink.event(&Event {
        when: clock.collected(),
        dst_ip: canonical_ip(server).filter(|_| directive == "nameserver"),
        path: Some(path.into()),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("{directive} {value}").into()),
        line: Some(line.number),
        ..Event::new(action::SERVICE_DEFINED)
    });
    sink.used(1);
}
