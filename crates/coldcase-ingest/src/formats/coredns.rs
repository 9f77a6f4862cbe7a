//! The log of CoreDNS: what clients asked, as the plugin `log` writes it, and the lines around it.
//!
//! A query line is the plugin's common format, with or without what its versions and their carriers put
//! around it:
//!
//! ```text
//! [INFO] 10.244.6.2:33562 - 56151 "A IN example.com. udp 57 false 512" NXDOMAIN qr,aa,rd 150 0.000428946s
//! 172.17.0.18:41675 - [07/Sep/2018:15:29:11 +0000] 59925 "A IN example.com. udp 54 false 512" NOERROR qr,rd 106 66.6µs
//! ```
//!
//! Read are: the client with port (IPv6 in brackets or not; before 1.1 without port and id), the id, the
//! question (type, class, name, transport, size, DNSSEC wanted, buffer size), response code, header
//! flags, response size, duration (`0.0004s`, `1.2ms`, `66.6µs`, `1m0.5s`), and what the combined format or metadata
//! add after it. Escapes in names are brought into the one form that captures have here (`\DDD`).
//!
//! Around a line may stand, in this order and each once or twice: docker's json-file object, containerd's and
//! CRI-O's `TIME stdout F `, `[pod/NAME/CONTAINER] ` of `kubectl logs --prefix`, a stamp of `kubectl logs
//! --timestamps` or of CoreDNS itself (`2019-03-06T08:55:28.903Z`, any offset; before 1.2 `2018/09/07 15:29:04`, which
//! has no zone), or any words before the level (`stern`, `docker compose`, the journal).
//!
//! Rows: one `dns-query` a query line, at the moment the line was written (the question came `duration_ns`
//! earlier); `attributes`: `id`, `size`, `response_size`, `duration_ns`, `flags`, `dnssec_ok`, `buffer_size`, `class`
//! where it is not IN, and `server`, the pod that logged, where prefix or path name it. The forms of names: types
//! that older versions print as `TYPE65` get their name.
//!
//! A line of `plugin/errors` (`2 example.com. A: read udp 10.244.3.7:53123->10.20.0.2:53: i/o timeout`) is a `dns-query` with `error` and
//! `upstream` (whom the server asked) and without `src_ip`: the address before the arrow is the server's own. With the plugin
//! `log` on, the same question has a query line too. A line of a format that the Corefile made up
//! (`log . "{remote} {name} {type}"`) is a `dns-query` where one name with its final dot, one type and a client, transport or response code
//! stand in it; what stands there twice is left unknown. Lines of other plugins and of klog are `log` rows; banners,
//! zones served and the running configuration's hash are counted as skipped.
//!
//! Limits: CoreDNS since 1.5 writes no time of its own; without a carrier's stamp the rows have none, only
//! their order. Year-less stamps of syslog or klog in a line are not read. The client is who CoreDNS saw: behind some
//! CNIs the node or a gateway, not the pod.
//!
//! Source: CoreDNS plugin/log (README, log.go), plugin/errors, request and `github.com/miekg/dns`.

use coldcase_model::{Attributes, Event, Place, Sink, action};

use crate::{Clock, Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

mod carrier;
mod custom;
mod query;

use carrier::Carried;
use query::Query;

/// The format.
pub static FORMAT: Format = Format {
    id: "coredns",
    title: "CoreDNS query log",
    source: include_str!("coredns.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines that are looked at to recognise the format.
const SNIFFED_LINES: usize = 200;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut seen, mut own, mut queries, mut custom) = (0_usize, 0_usize, 0_usize, 0_usize);
    for line in probe.lines().take(SNIFFED_LINES) {
        let Ok(text) = std::str::from_utf8(line) else {
            continue;
        };
        if text.trim().is_empty() {
            continue;
        }
        seen += 1;
        let carried = carrier::unwrap(text, &Clock::UNKNOWN);
        if Query::parse(carried.body()).is_some() {
            queries += 1;
        } else if carried
            .level
            .is_some_and(|_| carried.message.starts_with("plugin/"))
            || carried.message.starts_with("CoreDNS-")
        {
            own += 1;
        } else if custom_query(&carried).is_some() {
            custom += 1;
        }
    }
    match (queries, own) {
        (0, 0) if custom * 2 > seen => Sniff::Weak,
        (0, 0) => Sniff::No,
        // A log of many containers has other lines in between, and other readers.
        _ if (queries + own) * 10 < seen => Sniff::Weak,
        (0, _) => Sniff::Likely,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let server = carrier::server_of_path(input.path);
    let mut lines = Lines::new(&mut input.reader);
    while let Some(line) = lines.next_line()? {
        read_line(&line, server, input.clock, sink);
    }
    Ok(None)
}

fn read_line(line: &Line<'_>, server: Option<&str>, clock: &Clock, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    if line.cut {
        return sink.skip(place, "line longer than 1 MiB");
    }
    let Ok(text) = std::str::from_utf8(line.bytes) else {
        return sink.skip(place, "not text");
    };
    if text.bytes().any(|byte| byte == 0) {
        return sink.skip(place, "not text");
    }
    if text.trim().is_empty() {
        return sink.skip(place, "blank line");
    }
    let carried = carrier::unwrap(text, clock);
    let server = carried.server.as_deref().or(server);
    let body = carried.body();
    if let Some(query) = Query::parse(body) {
        sink.event(&query_event(&query, &carried, server, line.number, clock));
    } else if !line.ended && body.contains(" - ") && body.contains('"') {
        return sink.skip(place, "query line cut at the end of the file");
    } else if query::resembles(body) {
        return sink.skip(place, "damaged query line");
    } else if let Some(failure) = failure_of(&carried) {
        sink.event(&failure_event(&failure, &carried, server, line.number));
    } else if let Some(reason) = custom::start_up(body) {
        return sink.skip(place, reason);
    } else if let Some(query) = custom_query(&carried) {
        sink.event(&query_event(&query, &carried, server, line.number, clock));
    } else {
        sink.event(&log_event(&carried, server, line.number));
    }
    sink.used(1);
}

/// A failure that `plugin/errors` tells of.
fn failure_of<'c>(carried: &'c Carried<'_>) -> Option<query::Failure<'c>> {
    query::failure(carried.message.strip_prefix("plugin/errors: ")?)
}

/// Only at this level and without a plugin's name does the plugin `log` write.
fn custom_query<'c>(carried: &'c Carried<'_>) -> Option<Query<'c>> {
    let may_be = carried.level == Some("INFO") && !carried.message.starts_with("plugin/");
    may_be.then(|| custom::query(carried.body()))?
}

/// A question that failed: who asked it, the line does not say.
fn failure_event<'e>(
    failure: &query::Failure<'e>,
    carried: &'e Carried<'_>,
    server: Option<&str>,
    line: u64,
) -> Event<'e> {
    let mut attributes = Attributes::new();
    attributes
        .text("error", failure.error)
        .text_if("upstream", custom::upstream(failure.error))
        .text_if("level", carried.level)
        .text("plugin", "errors")
        .text_if("server", server);
    Event {
        when: carried.when,
        domain: Some(failure.domain.clone()),
        query_type: Some(failure.qtype.clone()),
        attributes: attributes.finish().map(Into::into),
        message: Some(carried.body().trim().into()),
        line: Some(line),
        ..Event::new(action::DNS_QUERY)
    }
}

fn query_event<'e>(
    query: &'e Query<'_>,
    carried: &'e Carried<'_>,
    server: Option<&str>,
    line: u64,
    clock: &Clock,
) -> Event<'e> {
    let mut attributes = Attributes::new();
    attributes
        .number_if("id", query.id)
        .number_if("size", query.size)
        .number_if("response_size", query.response_size)
        .number_if("duration_ns", query.duration_ns)
        .text_if("flags", query.flags);
    if let Some(wanted) = query.dnssec_ok {
        attributes.flag("dnssec_ok", wanted);
    }
    attributes.number_if("buffer_size", query.buffer_size);
    if !matches!(query.class, "" | "IN") {
        attributes.text("class", query.class);
    }
    attributes.text_if("server", server);
    let message = carried.body().trim();
    Event {
        when: carried.when.or_else(|| query.when(clock)),
        src_ip: query.client.clone(),
        src_port: query.port,
        protocol: query.protocol,
        domain: Some(query.domain.clone()),
        query_type: Some(query.qtype.clone()),
        response_code: query.response_code.clone(),
        attributes: attributes.finish().map(Into::into),
        message: Some(message.into()),
        line: Some(line),
        ..Event::new(action::DNS_QUERY)
    }
}

fn log_event<'e>(carried: &'e Carried<'_>, server: Option<&str>, line: u64) -> Event<'e> {
    let mut attributes = Attributes::new();
    attributes.text("program", "coredns");
    attributes.text_if(
        "level",
        carried.level.or(custom::klog_level(carried.body())),
    );
    let mut event = Event {
        when: carried.when,
        message: Some(carried.body().into()),
        line: Some(line),
        ..Event::new(action::LOG)
    };
    let plugin = carried.message.strip_prefix("plugin/");
    if let Some((plugin, _)) = plugin.and_then(|rest| rest.split_once(": ")) {
        attributes.text("plugin", plugin);
    }
    attributes.text_if("server", server);
    event.attributes = attributes.finish().map(Into::into);
    event
}

#[cfg(test)]
mod tests;
