//! A network interface as a row of the timeline.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};

use crate::Clock;

/// Addresses kept of one interface; a load balancer's loopback may have thousands.
const MAX_ADDRESSES: usize = 64;

/// One interface; what is unknown stays so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Addresses, with prefix where shown.
    pub addresses: Vec<String>,
    /// Hardware address.
    pub mac: Option<String>,
    /// `UP`, `DOWN`, `UNKNOWN`.
    pub state: Option<String>,
    /// Largest packet.
    pub mtu: Option<i64>,
    /// The bridge or bond that it is in.
    pub master: Option<String>,
    /// What was received.
    pub rx: Counters,
    /// What was sent.
    pub tx: Counters,
    /// Further texts.
    pub more: Vec<(&'static str, String)>,
    /// Further marks.
    pub marks: Vec<&'static str>,
}

/// Counters of one direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes.
    pub bytes: Option<i64>,
    /// Packets.
    pub packets: Option<i64>,
    /// Dropped packets.
    pub dropped: Option<i64>,
    /// Errors.
    pub errors: Option<i64>,
}

impl Interface {
    /// An interface of this name.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Adds an address with its prefix.
    pub fn add_address(&mut self, text: &str) {
        if self.addresses.len() < MAX_ADDRESSES && !self.addresses.iter().any(|one| one == text) {
            self.addresses.push(text.to_owned());
        }
    }

    /// A row of `netstat -i` below these columns.
    pub fn of_netstat(columns: &[String], text: &str) -> Option<Self> {
        let cells: Vec<&str> = text.split_ascii_whitespace().take(20).collect();
        // An interface without statistics: `eth0:1  1500  - no statistics available -  BMRU`.
        let mut interface = Self::named(cells.first()?);
        let cell = |name: &str| {
            let at = columns.iter().position(|column| column == name)?;
            cells.get(at)?.parse::<i64>().ok()
        };
        interface.mtu = Some(cell("MTU")?);
        if cells.len() != columns.len() {
            return text.contains("no statistics").then_some(interface);
        }
        interface.rx.packets = Some(cell("RX-OK")?);
        interface.rx.errors = cell("RX-ERR");
        interface.rx.dropped = cell("RX-DRP");
        interface.tx.packets = cell("TX-OK");
        interface.tx.errors = cell("TX-ERR");
        interface.tx.dropped = cell("TX-DRP");
        let flags = cells.last()?;
        let state = if flags.contains('U') { "UP" } else { "DOWN" };
        interface.state = Some(state.to_owned());
        Some(interface)
    }

    fn attributes(&self) -> Option<String> {
        let mut attributes = Attributes::with_capacity(192);
        attributes.text("interface", &self.name);
        if !self.addresses.is_empty() {
            attributes.texts("addresses", &self.addresses);
        }
        attributes
            .text_if("mac", self.mac.as_deref())
            .text_if("state", self.state.as_deref())
            .number_if("mtu", self.mtu)
            .number_if("rx_bytes", self.rx.bytes)
            .number_if("rx_packets", self.rx.packets)
            .number_if("rx_dropped", self.rx.dropped)
            .number_if("rx_errors", self.rx.errors)
            .number_if("tx_bytes", self.tx.bytes)
            .number_if("tx_packets", self.tx.packets)
            .number_if("tx_dropped", self.tx.dropped)
            .number_if("tx_errors", self.tx.errors)
            .text_if("master", self.master.as_deref());
        for (key, text) in &self.more {
            attributes.text(key, text);
        }
        for key in &self.marks {
            attributes.flag(key, true);
        }
        attributes.finish()
    }

    /// The first address, one that is not link-local if there is any.
    fn main_address(&self) -> Option<Cow<'_, str>> {
        let bare = |address: &str| address.split('/').next().unwrap_or_default().to_owned();
        let mut all = self
            .addresses
            .iter()
            .filter(|one| canonical_ip(&bare(one)).is_some());
        let first = all.clone().next();
        let chosen = all.find(|one| !one.starts_with("fe80:")).or(first)?;
        canonical_ip(chosen.split('/').next()?)
    }

    fn message(&self) -> String {
        let mut message = format!("interface {}", self.name);
        let address = self.main_address();
        for part in [self.state.as_deref(), address.as_deref()]
            .into_iter()
            .flatten()
        {
            message.push(' ');
            message.push_str(part);
        }
        if let (Some(received), Some(sent)) = (self.rx.bytes, self.tx.bytes) {
            message.push_str(&format!(" received {received} B sent {sent} B"));
        }
        message
    }

    /// Hands the row to the sink.
    pub fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let both = |a: Option<i64>, b: Option<i64>| a?.checked_add(b?);
        let mut event = Event::new(action::INTERFACE_LISTED);
        event.when = clock.collected();
        event.line = Some(line);
        event.src_ip = self.main_address();
        event.packets = both(self.rx.packets, self.tx.packets);
        event.bytes = both(self.rx.bytes, self.tx.bytes);
        event.attributes = self.attributes().map(Cow::Owned);
        event.message = Some(self.message().into());
        sink.event(&event);
    }
}
