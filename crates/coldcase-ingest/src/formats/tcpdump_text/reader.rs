//! Lines put together to packets, and packets to events.

use std::collections::HashMap;

use coldcase_model::{Attributes, Event, Place, Sink, Timestamp, When, action};
use serde_json::Value;

use super::content::{Content, without_checksum};
use super::copies::{self, Copies};
use super::dns_text::DnsText;
use super::flows::{Flows, Seen};
use super::packet::{Addressed, Endpoint, Head, IpInfo, ip_info, ip_part, split_at_text};
use super::stamp::{self, Dates, DayCount, Stamp};
use crate::{Clock, Line};

/// Questions remembered in each of two generations, to name what an answer without `-vv` answers.
const MAX_ASKED: usize = 32_768;

/// How far into a line its stamp may reach, behind the packet's number.
const STAMP_END: usize = 64;

/// Longest message of an event, in bytes.
const MAX_MESSAGE: usize = 512;

/// What the first line of a packet gives.
#[derive(Debug, Clone)]
struct Context {
    line: u64,
    when: Option<When>,
    tick: Option<i64>,
    device: Option<u64>,
    interface: Option<String>,
}

/// A packet whose text goes on in the next line.
#[derive(Debug)]
struct Pending {
    context: Context,
    info: IpInfo,
    /// The outer packet of a tunnel, should the inner one not be readable.
    outer: Option<(IpInfo, String)>,
    /// Whether the inner packet's head is still to come, not only its addresses.
    wants_head: bool,
}

impl Pending {
    /// Whether a line is the rest of this packet.
    fn goes_on_in(&self, text: &str) -> bool {
        if self.wants_head {
            let inner = !text.starts_with([' ', '\t']) && text.contains(", ethertype ");
            return text.starts_with("\tIP") || inner;
        }
        text.starts_with("    ") && split_at_text(text, " > ", 1).is_some()
    }
}

type Asked = HashMap<(Endpoint, Endpoint, u16), (Option<String>, Option<String>)>;

/// Reads the lines of one artifact.
pub(super) struct Reader<'a> {
    clock: &'a Clock,
    dates: Option<Dates>,
    count: DayCount,
    sink: &'a mut dyn Sink,
    pending: Option<Pending>,
    flows: Flows,
    copies: Copies,
    asked: Asked,
    asked_before: Asked,
}

impl<'a> Reader<'a> {
    pub fn new(clock: &'a Clock, dates: Option<Dates>, sink: &'a mut dyn Sink) -> Self {
        Self {
            clock,
            dates,
            count: DayCount::default(),
            sink,
            pending: None,
            flows: Flows::default(),
            copies: Copies::default(),
            asked: Asked::new(),
            asked_before: Asked::new(),
        }
    }

    /// The next line.
    pub fn line(&mut self, line: &Line<'_>) {
        let lossy;
        let text = match std::str::from_utf8(line.bytes) {
            Ok(text) => text,
            Err(_) => {
                lossy = line.text();
                lossy.as_ref()
            }
        };
        let head = Head::parse(text);
        if let Some(pending) = self.pending.take() {
            let unstamped = head.is_none_or(|head| head.stamp == Stamp::Absent);
            if unstamped && pending.goes_on_in(text) {
                return self.go_on(pending, text);
            }
            self.settle(pending);
        }
        match head {
            Some(head) => self.head(&head, line.number),
            None => self.sink.skip(Place::Line(line.number), reason(text)),
        }
    }

    /// Writes what is still open.
    pub fn finish(mut self) {
        if let Some(pending) = self.pending.take() {
            self.settle(pending);
        }
        self.copies.finish(self.sink);
        self.flows.finish(self.sink);
    }

    fn head(&mut self, head: &Head<'_>, line: u64) {
        let day = match head.stamp {
            Stamp::TimeOfDay(ns, _) => self.count.step(ns),
            _ => 0,
        };
        let Some(ip) = head.ip else {
            return self.sink.skip(Place::Line(line), "not an IP packet");
        };
        let context = Context {
            line,
            when: self.when(head.stamp, day),
            tick: stamp::tick(head.stamp, day),
            device: copies::device(head),
            interface: head.interface.map(Into::into),
        };
        let (info, rest) = ip_info(ip);
        if info.shown && rest.is_empty() {
            self.pending = Some(Pending {
                context,
                info,
                outer: None,
                wants_head: false,
            });
            return;
        }
        self.packet(context, info, rest);
    }

    fn when(&self, stamp: Stamp, day: i64) -> Option<When> {
        match stamp {
            Stamp::Absent => None,
            Stamp::TimeOfDay(ns, precision) => self.dates?.when(day, ns, precision, self.clock),
            Stamp::Epoch(ns, precision) => Some(self.clock.recorded(Timestamp(ns), precision)),
            Stamp::Dated(local, precision) => self.clock.local(local, precision),
        }
    }

    fn go_on(&mut self, pending: Pending, text: &str) {
        if !pending.wants_head {
            return self.packet_or_outer(pending, text.trim_start());
        }
        let Some(ip) = ip_part(text.trim_start()) else {
            return self.settle(pending);
        };
        let (info, rest) = ip_info(ip);
        let inner = Pending {
            info,
            wants_head: false,
            ..pending
        };
        if info.shown && rest.is_empty() {
            self.pending = Some(inner);
        } else {
            self.packet_or_outer(inner, rest);
        }
    }

    /// The inner packet of a tunnel where it is readable, else the outer one.
    fn packet_or_outer(&mut self, pending: Pending, text: &str) {
        let readable = pending.outer.is_none()
            || Addressed::parse(text)
                .and_then(|packet| Content::of(&pending.info, &packet))
                .is_some();
        if !readable {
            return self.settle(pending);
        }
        self.packet(pending.context, pending.info, text);
    }

    /// A packet whose next line did not come.
    fn settle(&mut self, pending: Pending) {
        match pending.outer {
            Some((info, outer)) => match Addressed::parse(&outer) {
                Some(packet) => self.take(&pending.context, &info, &packet),
                None => self.sink.skip(
                    Place::Line(pending.context.line),
                    "addresses not understood",
                ),
            },
            None => self.sink.skip(
                Place::Line(pending.context.line),
                "packet without its second line",
            ),
        }
    }

    fn packet(&mut self, context: Context, info: IpInfo, text: &str) {
        let Some(packet) = Addressed::parse(text) else {
            return self
                .sink
                .skip(Place::Line(context.line), "addresses not understood");
        };
        let payload = without_checksum(packet.payload).0;
        let tunnel = ["Geneve, ", "VXLAN, ", "OTV, ", "GREv"]
            .iter()
            .any(|tunnel| payload.starts_with(tunnel));
        if tunnel {
            let on_line = [": IP ", ": IP6 "]
                .iter()
                .filter_map(|marker| Some((payload.find(marker)?, marker.len())))
                .min();
            let inner = on_line.and_then(|(at, length)| payload.get(at + length..));
            if let Some(inner) = inner {
                let (inner_info, inner) = ip_info(inner);
                let pending = Pending {
                    context,
                    info: inner_info,
                    outer: Some((info, text.to_owned())),
                    wants_head: false,
                };
                return self.packet_or_outer(pending, inner);
            }
            if !payload.starts_with("GREv") {
                self.pending = Some(Pending {
                    context,
                    info,
                    outer: Some((info, text.to_owned())),
                    wants_head: true,
                });
                return;
            }
        }
        self.take(&context, &info, &packet);
    }

    /// Makes events of one packet.
    fn take(&mut self, context: &Context, info: &IpInfo, packet: &Addressed<'_>) {
        let Some(content) = Content::of(info, packet) else {
            return self
                .sink
                .skip(Place::Line(context.line), "neither TCP nor UDP");
        };
        self.sink.used(1);
        self.copies.forget(context.tick, self.sink);
        let key = copies::key(info, packet, content.text);
        let identified = content.dns.is_some() || info.id.is_some_and(|id| id != 0);
        if self
            .copies
            .is_copy(key, context.tick, context.device, identified)
        {
            return;
        }
        if content.dns.is_none() || content.tcp.is_some() {
            let seen = Seen {
                source: &packet.source,
                destination: &packet.destination,
                when: context.when,
                line: context.line,
                bytes: info.length.or(content.length),
                interface: context.interface.as_deref(),
                tcp: content.tcp,
            };
            self.flows.add(&seen, self.sink);
        }
        let waiting = content
            .dns
            .as_ref()
            .map(|dns| Box::new(self.dns_event(context, packet, &content, dns)));
        self.copies
            .remember(key, context.tick, context.device, waiting);
    }

    fn dns_event(
        &mut self,
        context: &Context,
        packet: &Addressed<'_>,
        content: &Content<'_>,
        dns: &DnsText<'_>,
    ) -> (Event<'static>, Attributes) {
        let mut attributes = Attributes::new();
        attributes.number("id", dns.id);
        attributes.text_if("operation", dns.operation);
        if dns.response && !dns.answers.is_empty() {
            attributes.value("answers", &Value::Array(dns.answers.clone()));
        }
        attributes
            .text_if("interface", context.interface.as_deref())
            .text_if("src_name", packet.source.name())
            .text_if("dst_name", packet.destination.name());
        if dns.cut {
            attributes.flag("cut", true);
        }
        let mut domain = dns.domain.clone();
        let mut query_type = dns.qtype.as_deref().map(str::to_owned);
        if dns.response {
            if query_type.is_none() {
                (domain, query_type) = self.question_of(packet, dns.id);
            }
            domain =
                domain.or_else(|| Some(dns.answers.first()?.get("name")?.as_str()?.to_owned()));
        } else {
            self.remember_question(packet, dns.id, &domain, &query_type);
        }
        let text = shortened(content.text);
        let event = Event {
            when: context.when,
            src_ip: packet.source.ip().map(Into::into),
            src_port: packet.source.port,
            dst_ip: packet.destination.ip().map(Into::into),
            dst_port: packet.destination.port,
            protocol: Some(if content.tcp.is_some() { "tcp" } else { "udp" }),
            domain: domain.map(Into::into),
            query_type: query_type.map(Into::into),
            response_code: dns.response_code.clone(),
            message: Some(format!("{} > {}: {text}", packet.source, packet.destination).into()),
            line: Some(context.line),
            ..Event::new(match dns.response {
                true => action::DNS_ANSWER,
                false => action::DNS_QUERY,
            })
        };
        (event, attributes)
    }

    fn remember_question(
        &mut self,
        packet: &Addressed<'_>,
        id: u16,
        domain: &Option<String>,
        query_type: &Option<String>,
    ) {
        if self.asked.len() >= MAX_ASKED {
            self.asked_before = std::mem::take(&mut self.asked);
        }
        let key = (packet.source.clone(), packet.destination.clone(), id);
        self.asked.insert(key, (domain.clone(), query_type.clone()));
    }

    fn question_of(&self, packet: &Addressed<'_>, id: u16) -> (Option<String>, Option<String>) {
        let key = (packet.destination.clone(), packet.source.clone(), id);
        let asked = self.asked.get(&key).or_else(|| self.asked_before.get(&key));
        asked.cloned().unwrap_or_default()
    }
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// Why a line that begins no packet is not read.
fn reason(text: &str) -> &'static str {
    if text.trim().is_empty() {
        "blank line"
    } else if text.trim_start().starts_with("0x") {
        "hex dump"
    } else if text.starts_with([' ', '\t']) {
        "details of a packet's payload"
    } else if is_own_message(text) {
        "message of tcpdump"
    } else {
        "no packet's line"
    }
}

/// Whether tcpdump says this of itself.
pub(super) fn is_own_message(text: &str) -> bool {
    const OWN: [&str; 8] = [
        "tcpdump: ",
        "listening on ",
        "reading from file ",
        "dropped privs",
        "packets captured",
        "packets received by filter",
        "packets dropped by",
        "packet captured",
    ];
    OWN.iter().any(|own| text.contains(own))
}

/// The last time of day in some lines, for dating; whether there was any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Survey {
    count: DayCount,
    pub times_of_day: bool,
}

impl Survey {
    pub fn line(&mut self, line: &[u8]) {
        if line.starts_with(b"\t") {
            return;
        }
        let text = String::from_utf8_lossy(line.get(..STAMP_END).unwrap_or(line));
        if let Some(Head {
            stamp: Stamp::TimeOfDay(ns, _),
            ..
        }) = Head::parse(&text)
        {
            self.times_of_day = true;
            self.count.step(ns);
        }
    }

    pub fn dates(&self, clock: &Clock) -> Option<Dates> {
        Dates::ending(self.count, clock)
    }
}
