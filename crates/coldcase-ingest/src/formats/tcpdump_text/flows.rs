//! Packets of one pair of endpoints made into one row.

use std::collections::HashMap;

use coldcase_model::{Attributes, Event, Place, Sink, Timestamp, When, action, outcome};

use super::packet::Endpoint;
use super::tcp_text::TcpText;

/// Flows held at once (about 300 bytes each). Beyond it the older half is written out; a later packet of
/// theirs begins a new row.
const MAX_FLOWS: usize = 65_536;

/// One packet as the flows see it.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub source: &'a Endpoint,
    pub destination: &'a Endpoint,
    pub when: Option<When>,
    pub line: u64,
    /// Bytes of the IP packet, or of the payload where that alone is shown.
    pub bytes: Option<u64>,
    pub interface: Option<&'a str>,
    /// What TCP says; `None` for UDP.
    pub tcp: Option<TcpText<'a>>,
}

/// Endpoints in order, and whether it is TCP.
type Key = (Endpoint, Endpoint, bool);

#[derive(Debug, Default, Clone, Copy)]
struct Traffic {
    packets: i64,
    bytes: i64,
}

#[derive(Debug, Default)]
struct Flow {
    /// Place in the order of beginnings.
    began: u64,
    /// Number of the last packet that it took, over all flows.
    touched: u64,
    line: u64,
    first: Option<When>,
    last: Option<Timestamp>,
    /// Whether the key's first endpoint is the client; `None` until something shows it.
    client_is_first: Option<bool>,
    opener_is_first: bool,
    from_first: Traffic,
    from_second: Traffic,
    bytes_known: bool,
    flags_known: bool,
    isn: Option<u32>,
    syn: u32,
    synack: u32,
    fin: u32,
    rst: u32,
    answered: bool,
    interface: Option<Box<str>>,
}

/// All open flows of an artifact.
#[derive(Debug, Default)]
pub(super) struct Flows {
    open: HashMap<Key, Flow>,
    packets: u64,
    began: u64,
    warned: bool,
}

impl Flows {
    /// Adds a packet to its flow. A SYN of another initial sequence number begins a new one.
    pub fn add(&mut self, seen: &Seen<'_>, sink: &mut dyn Sink) {
        let first_is_source = seen.source <= seen.destination;
        let (first, second) = match first_is_source {
            true => (seen.source.clone(), seen.destination.clone()),
            false => (seen.destination.clone(), seen.source.clone()),
        };
        let key = (first, second, seen.tcp.is_some());
        let reopened = self
            .open
            .get(&key)
            .is_some_and(|flow| flow.is_reopened_by(seen));
        if reopened && let Some(flow) = self.open.remove(&key) {
            flow.write(&key, sink);
        }
        if self.open.len() >= MAX_FLOWS && !self.open.contains_key(&key) {
            self.make_room(sink, seen.line);
        }
        self.packets += 1;
        let began = &mut self.began;
        let flow = self.open.entry(key).or_insert_with(|| {
            *began += 1;
            Flow {
                began: *began,
                line: seen.line,
                first: seen.when,
                opener_is_first: first_is_source,
                interface: seen.interface.map(Into::into),
                ..Flow::default()
            }
        });
        flow.touched = self.packets;
        flow.add(seen, first_is_source);
    }

    /// Writes all flows, in the order in which they began.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        let mut flows: Vec<_> = self.open.drain().collect();
        flows.sort_unstable_by_key(|(_, flow)| flow.began);
        for (key, flow) in flows {
            flow.write(&key, sink);
        }
    }

    fn make_room(&mut self, sink: &mut dyn Sink, line: u64) {
        if !self.warned {
            self.warned = true;
            let warning = format!(
                "more than {MAX_FLOWS} flows at once: long ones have several rows from here on"
            );
            sink.warn(Place::Line(line), warning);
        }
        let mut touched: Vec<_> = self.open.values().map(|flow| flow.touched).collect();
        let half = touched.len() / 2;
        let (_, middle, _) = touched.select_nth_unstable(half);
        let middle = *middle;
        let mut old: Vec<_> = self
            .open
            .extract_if(|_, flow| flow.touched < middle)
            .collect();
        old.sort_unstable_by_key(|(_, flow)| flow.began);
        for (key, flow) in old {
            flow.write(&key, sink);
        }
    }
}

impl Flow {
    fn is_reopened_by(&self, seen: &Seen<'_>) -> bool {
        let Some(tcp) = seen.tcp.filter(|tcp| tcp.syn && !tcp.ack) else {
            return false;
        };
        match (self.isn, tcp.sequence) {
            (Some(old), Some(new)) => old != new,
            _ => self.fin > 0 || self.rst > 0 || self.answered,
        }
    }

    fn add(&mut self, seen: &Seen<'_>, from_first: bool) {
        let traffic = match from_first {
            true => &mut self.from_first,
            false => &mut self.from_second,
        };
        traffic.packets += 1;
        if let Some(bytes) = seen.bytes.and_then(|bytes| i64::try_from(bytes).ok()) {
            traffic.bytes = traffic.bytes.saturating_add(bytes);
            self.bytes_known = true;
        }
        let at = seen.when.map(|when| when.ts);
        self.last = self.last.max(at);
        let Some(tcp) = seen.tcp else {
            return;
        };
        self.flags_known |= tcp.flags_shown;
        self.fin += u32::from(tcp.fin);
        self.rst += u32::from(tcp.rst);
        match (tcp.syn, tcp.ack) {
            (true, false) => {
                self.syn += 1;
                self.client_is_first = Some(from_first);
                self.isn = self.isn.or(tcp.sequence);
            }
            (true, true) => {
                self.synack += 1;
                self.answered = true;
                self.client_is_first.get_or_insert(!from_first);
            }
            // The client goes on: it was answered, though the answer was not captured.
            (false, _) if self.syn > 0 && !tcp.rst && self.client_is_first == Some(from_first) => {
                self.answered = true;
            }
            _ => {}
        }
    }

    /// Whether the key's first endpoint is the client: who sent the SYN; of UDP the first sender; else
    /// the side with the higher port.
    fn client_is_first(&self, key: &Key) -> bool {
        let (first, second, tcp) = key;
        match self.client_is_first {
            Some(known) => known,
            None if *tcp && first.port != second.port => first.port > second.port,
            None => self.opener_is_first,
        }
    }

    fn write(&self, key: &Key, sink: &mut dyn Sink) {
        let (first, second, tcp) = key;
        let (client, server, out, back) = match self.client_is_first(key) {
            true => (first, second, self.from_first, self.from_second),
            false => (second, first, self.from_second, self.from_first),
        };
        let (state, outcome) = match (self.syn + self.synack > 0, self.answered) {
            _ if !tcp || !self.flags_known => (None, None),
            (false, _) => (Some("midstream"), None),
            (true, true) => (Some("established"), Some(outcome::SUCCESS)),
            (true, false) if self.rst > 0 => (Some("refused"), Some(outcome::FAILURE)),
            (true, false) => (Some("half-open"), Some(outcome::FAILURE)),
        };
        let mut attributes = Attributes::new();
        attributes.text_if("state", state);
        if *tcp && self.flags_known {
            attributes
                .number("syn", self.syn)
                .number("synack", self.synack)
                .number("fin", self.fin)
                .number("rst", self.rst);
        }
        attributes
            .number("packets_out", out.packets)
            .number("packets_in", back.packets);
        if self.bytes_known {
            attributes
                .number("bytes_out", out.bytes)
                .number("bytes_in", back.bytes);
        }
        attributes
            .number_if("isn", self.isn)
            .text_if("interface", self.interface.as_deref())
            .text_if("src_name", client.name())
            .text_if("dst_name", server.name());
        let protocol = if *tcp { "tcp" } else { "udp" };
        let packets = out.packets + back.packets;
        let message = format!(
            "{protocol} {client} > {server}: {}{packets} packet{}",
            state.map(|state| format!("{state}, ")).unwrap_or_default(),
            if packets == 1 { "" } else { "s" }
        );
        let action = match tcp {
            true => action::TCP_FLOW,
            false => action::UDP_FLOW,
        };
        sink.event(&Event {
            when: self.first,
            ts_end: self.last,
            outcome,
            src_ip: client.ip().map(Into::into),
            src_port: client.port,
            dst_ip: server.ip().map(Into::into),
            dst_port: server.port,
            protocol: Some(protocol),
            packets: Some(packets),
            bytes: self
                .bytes_known
                .then_some(out.bytes.saturating_add(back.bytes)),
            attributes: attributes.finish().map(Into::into),
            message: Some(message.into()),
            line: Some(self.line),
            ..Event::new(action)
        });
    }
}
