//! # conntrack: the kernel's table of connections
//!
//! `conntrack -L` (`-o extended`, `-o id`, `-o timestamp`), the events of `conntrack -E`, and `/proc/net/nf_conntrack` or
//! `/proc/net/ip_conntrack` of old kernels.
//!
//! **Recognised** by lines with a protocol's name and number and the fields `src=`, `dst=` twice.
//!
//!     tcp      6 431999 ESTABLISHED src=10.0.0.5 dst=192.0.2.9 sport=41000 dport=443 packets=10 bytes=1200 src=192.0.2.9 dst=198.51.100.1 sport=443 dport=41000 packets=8 bytes=9000 [ASSURED] mark=0 use=1
//!     ipv4     2 udp      17 29 src=10.0.0.5 dst=10.0.0.2 sport=53411 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.5 sport=53 dport=53411 use=1
//!
//! **Rows**: one `flow-listed` an entry; `src_*` and `dst_*` as its first packet had them, `reply_src` and `reply_dst` as the answer has
//! them (where they differ from the mirrored ones, the address was translated: `translated`). `packets` and `bytes` of both directions
//! and each alone, where the kernel counts. `state` as written (`ESTABLISHED`); `unreplied`, `assured`; `timeout_seconds` left;
//! `event` (new, update, destroy) of `-E`.
//!
//! **Times**: entries have the moment of collection; lines that begin with `[1681148160.123456]` that time. Other stamps
//! (`-o ktimestamp`) are not read. **Limits**: `-o xml` is not read. Sources: conntrack(8), Linux `nf_conntrack_standalone.c`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, action, canonical_ip};

use super::plain::{Reader, other_line, probe_lines, read_lines, settled};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "conntrack",
    title: "the kernel's table of connections: conntrack, nf_conntrack",
    source: include_str!("conntrack.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut entries, mut others) = (0, 0);
    for text in probe_lines(probe).take(100) {
        match Entry::read(&text) {
            Some(entry) if entry.reply.is_some() => entries += 1,
            _ => others += 1,
        }
    }
    match entries {
        0 => Sniff::No,
        _ if entries > others => Sniff::Sure,
        _ => Sniff::Weak,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Entries { clock: input.clock };
    read_lines(input, &mut reader, sink)
}

struct Entries<'a> {
    clock: &'a Clock,
}

impl Reader for Entries<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        match Entry::read(settled(text, ended)) {
            Some(entry) if entry.reply.is_some() || ended => {
                entry.emit(number, self.clock, sink);
                sink.used(1);
            }
            Some(_) => {
                sink.skip(place, "a cut row");
                sink.warn(place, "the file ends inside of a row".to_owned());
            }
            None if text.contains("flow entries have been shown") => {
                sink.skip(place, "a note of the tool");
            }
            None => sink.skip(place, other_line(text)),
        }
    }

    fn finish(&mut self, _sink: &mut dyn Sink) {}
}

/// One direction of an entry.
#[derive(Debug, Default, Clone, Copy)]
struct Tuple<'a> {
    src: &'a str,
    dst: &'a str,
    sport: Option<u16>,
    dport: Option<u16>,
    packets: Option<i64>,
    bytes: Option<i64>,
}

#[derive(Debug, Default)]
struct Entry<'a> {
    at: Option<Timestamp>,
    event: Option<&'static str>,
    protocol: Option<&'static str>,
    protocol_text: &'a str,
    state: Option<&'a str>,
    timeout: Option<i64>,
    original: Tuple<'a>,
    reply: Option<Tuple<'a>>,
    unreplied: bool,
    assured: bool,
    mark: Option<&'a str>,
    zone: Option<&'a str>,
}

fn protocol(text: &str) -> Option<&'static str> {
    Some(match text {
        "tcp" => "tcp",
        "udp" => "udp",
        "icmp" => "icmp",
        "icmpv6" | "ipv6-icmp" => "icmp6",
        "udplite" => "udplite",
        "sctp" => "sctp",
        "dccp" => "dccp",
        "gre" => "gre",
        "igmp" => "igmp",
        "esp" => "esp",
        "ipip" => "ipip",
        _ => return None,
    })
}

impl<'a> Entry<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut entry = Self::default();
        let mut words = text.split_ascii_whitespace().take(80).peekable();
        while let Some(mark) = words.next_if(|word| word.starts_with('[')) {
            let bare = mark.trim_matches(['[', ']']);
            match bare {
                "NEW" => entry.event = Some("new"),
                "UPDATE" => entry.event = Some("update"),
                "DESTROY" => entry.event = Some("destroy"),
                _ => entry.at = Some(stamp(bare)?),
            }
        }
        if words
            .next_if(|word| matches!(*word, "ipv4" | "ipv6"))
            .is_some()
        {
            words.next()?.parse::<u8>().ok()?;
        }
        entry.protocol_text = words.next()?;
        entry.protocol = protocol(entry.protocol_text);
        let is_known = entry.protocol.is_some() || entry.protocol_text == "unknown";
        words.next()?.parse::<u8>().ok().filter(|_| is_known)?;
        if let Some(timeout) = words.next_if(|word| word.parse::<i64>().is_ok()) {
            entry.timeout = timeout.parse().ok();
        }
        entry.state = words.next_if(|word| !word.contains('=') && !word.starts_with('['));
        for word in words {
            entry.field(word);
        }
        let is_address = |text: &str| canonical_ip(text).is_some();
        let is_whole = is_address(entry.original.src) && is_address(entry.original.dst);
        entry.reply = entry
            .reply
            .filter(|reply| !reply.src.is_empty() && !reply.dst.is_empty());
        is_whole.then_some(entry)
    }

    fn field(&mut self, word: &'a str) {
        match word {
            "[UNREPLIED]" => return self.unreplied = true,
            "[ASSURED]" => return self.assured = true,
            _ => {}
        }
        let Some((key, value)) = word.split_once('=') else {
            return;
        };
        if key == "src" && !self.original.src.is_empty() && self.reply.is_none() {
            self.reply = Some(Tuple::default());
        }
        let tuple = self.reply.as_mut().unwrap_or(&mut self.original);
        match key {
            "src" => tuple.src = value,
            "dst" => tuple.dst = value,
            "sport" => tuple.sport = value.parse().ok(),
            "dport" => tuple.dport = value.parse().ok(),
            "packets" => tuple.packets = value.parse().ok(),
            "bytes" => tuple.bytes = value.parse().ok(),
            "mark" if value != "0" => self.mark = Some(value),
            "zone" if value != "0" => self.zone = Some(value),
            _ => {}
        }
    }

    fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let original = &self.original;
        let both = |a: Option<i64>, b: Option<i64>| a?.checked_add(b?);
        let src = canonical_ip(original.src);
        let dst = canonical_ip(original.dst);
        let mut event = Event::new(action::FLOW_LISTED);
        event.when = match self.at {
            Some(at) => Some(clock.recorded(at, Precision::Us)),
            None => clock.collected(),
        };
        event.line = Some(line);
        event.protocol = self.protocol;
        event.src_port = original.sport;
        event.dst_port = original.dport;
        event.packets = both(original.packets, self.reply.and_then(|reply| reply.packets));
        event.bytes = both(original.bytes, self.reply.and_then(|reply| reply.bytes));
        event.attributes = self.attributes().map(Cow::Owned);
        let message = format!(
            "{} {} {} to {}",
            self.protocol_text,
            self.state.unwrap_or("entry"),
            end(original.src, original.sport),
            end(original.dst, original.dport),
        );
        event.message = Some(message.into());
        event.src_ip = src;
        event.dst_ip = dst;
        sink.event(&event);
    }

    fn attributes(&self) -> Option<String> {
        let mut attributes = Attributes::with_capacity(192);
        attributes.text_if("state", self.state);
        if let Some(reply) = &self.reply {
            attributes
                .text("reply_src", &end(reply.src, reply.sport))
                .text("reply_dst", &end(reply.dst, reply.dport));
            let original = &self.original;
            let ends = |tuple: &Tuple<'_>| (tuple.src.to_owned(), tuple.sport);
            let far = (original.dst.to_owned(), original.dport);
            let near = (reply.dst.to_owned(), reply.dport);
            let has_ports = original.sport.is_some() && reply.sport.is_some();
            let differs = ends(reply) != far || ends(original) != near;
            if differs && (has_ports || reply.src != original.dst || reply.dst != original.src) {
                attributes.flag("translated", true);
            }
        }
        let reply = self.reply.unwrap_or_default();
        attributes
            .number_if("packets_out", self.original.packets)
            .number_if("bytes_out", self.original.bytes)
            .number_if("packets_in", reply.packets)
            .number_if("bytes_in", reply.bytes)
            .number_if("timeout_seconds", self.timeout);
        for (key, value) in [("unreplied", self.unreplied), ("assured", self.assured)] {
            if value {
                attributes.flag(key, true);
            }
        }
        attributes
            .text_if("event", self.event)
            .text_if("mark", self.mark)
            .text_if("zone", self.zone);
        attributes.finish()
    }
}

/// `address:port`.
fn end(address: &str, port: Option<u16>) -> String {
    let address = canonical_ip(address).unwrap_or(Cow::Borrowed(address));
    match port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.into_owned(),
    }
}

/// `1681148160.123456`.
fn stamp(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.')?;
    let micros: u32 = fraction.get(..6)?.parse().ok()?;
    Timestamp::from_parts(seconds.parse().ok()?, micros.checked_mul(1000)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, check_attributes, sniffed};
    use super::*;

    const TCP: &str = "tcp      6 431999 ESTABLISHED src=10.0.0.5 dst=192.0.2.9 sport=41000 dport=443 packets=10 bytes=1200 src=192.0.2.9 dst=198.51.100.1 sport=443 dport=41000 packets=8 bytes=9000 [ASSURED] mark=0 use=1\n";

    #[test]
    fn entries_of_all_kinds() {
        let text = format!(
            "{TCP}ipv4     2 udp      17 29 src=10.0.0.5 dst=10.0.0.2 sport=53411 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.5 sport=53 dport=53411 use=1\n\
             ipv6     10 icmpv6   58 29 src=2001:0db8:0000:0000:0000:0000:0000:0001 dst=fe80::1 type=128 code=0 id=1 src=fe80::1 dst=2001:db8::1 type=129 code=0 id=1 use=2\n\
             [1681148160.123456]\t[DESTROY] tcp      6 src=10.0.0.5 dst=192.0.2.9 sport=1 dport=2 src=192.0.2.9 dst=10.0.0.5 sport=2 dport=1\n\
             conntrack v1.4.4 (conntrack-tools): 3 flow entries have been shown.\n"
        );
        check(
            &FORMAT,
            &text,
            &[
                "tcp ESTABLISHED 10.0.0.5:41000 to 192.0.2.9:443",
                "udp entry 10.0.0.5:53411 to 10.0.0.2:53",
                "icmpv6 entry 2001:db8::1 to fe80::1",
                "tcp entry 10.0.0.5:1 to 192.0.2.9:2",
            ],
        );
        assert_eq!(sniffed(&FORMAT, "x", &text), Sniff::Sure);
    }

    #[test]
    fn translation_shows_in_the_reply() {
        check_attributes(
            &FORMAT,
            TCP,
            &[
                "{\"state\":\"ESTABLISHED\",\"reply_src\":\"192.0.2.9:443\",\"reply_dst\":\"198.51.100.1:41000\",\"translated\":true,\
               \"packets_out\":10,\"bytes_out\":1200,\"packets_in\":8,\"bytes_in\":9000,\"timeout_seconds\":431999,\"assured\":true}",
            ],
        );
    }

    #[test]
    fn what_is_no_entry() {
        let no = |text: &str| assert_eq!(sniffed(&FORMAT, "nf_conntrack", text), Sniff::No);
        no(
            "tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      1/sshd\n",
        );
        no("Apr 1 kernel: IN=eth0 SRC=1.2.3.4 DST=5.6.7.8 PROTO=TCP SPT=1 DPT=2\n");
    }
}
