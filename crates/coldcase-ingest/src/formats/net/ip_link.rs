//! # ip-link: network interfaces, their addresses and counters
//!
//! `ip -s link`, `ip -s -d link`, `ip addr`, also with `-o` and `-br`; `ifconfig -a` of net-tools 1 and 2 and of BusyBox; `/proc/net/dev`.
//!
//! **Recognised** by heads like `2: eth0: <BROADCAST,UP> mtu 1500`, `eth0: flags=4163<UP>  mtu 1500`, `eth0  Link encap:Ethernet`, `Inter-|   Receive`,
//! or by rows of the brief and one-line forms.
//!
//!     2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq master br0 state UP mode DEFAULT group default qlen 1000
//!         link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff
//!         inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0
//!         RX: bytes  packets  errors  dropped overrun mcast
//!         1234567    1234     0       0       0       0
//!
//! **Rows**: one `interface-listed` an interface at the moment of collection: `src_ip` its first address (one that is not link-local, if it has any),
//! all `addresses` with their prefix, `mac`, `state`, `mtu`, `master`, counters of both directions; `packets` and `bytes` are their sums.
//! `promiscuous` where the flags say so. `state` is as shown, else UP or DOWN by the flags.
//!
//! **Times**: none in the text. **Limits**: `-j` and `-h` (human-readable counters stay unknown) are not read, of VLANs and tunnels only `link` (what it is upon).
//!
//! Sources: ip-link(8), ip-address(8), iproute2 `ip/ipaddress.c`, net-tools `lib/interface.c`, Linux `net/core/net-procfs.c`.

mod ifconfig;
mod ip;

use coldcase_model::{Place, Sink};

pub use ip::is_mac;

use super::interface::Interface;
use super::plain::{Reader, other_line, probe_lines, read_lines, settled};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "ip-link",
    title: "network interfaces: ip link, ip addr, ifconfig, /proc/net/dev",
    source: include_str!("ip_link.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut heads, mut brief, mut others) = (0, 0, 0);
    for text in probe_lines(probe).take(100) {
        match () {
            () if is_proc_header(&text) => return Sniff::Sure,
            () if ip::head(&text).is_some() || ifconfig::head(&text).is_some() => heads += 1,
            () if ip::one_line(&text).is_some() || ip::brief(&text).is_some() => brief += 1,
            () if proc_row(&text).is_some() => brief += 1,
            () if text.starts_with([' ', '\t']) && heads > 0 => {}
            () => others += 1,
        }
    }
    match () {
        () if heads > 0 && heads >= others => Sniff::Sure,
        () if brief > 0 && brief > others => Sniff::Likely,
        () => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Interfaces {
        clock: input.clock,
        open: None,
        any: false,
    };
    read_lines(input, &mut reader, sink)
}

fn is_proc_header(text: &str) -> bool {
    text.starts_with("Inter-|") && text.contains("Receive")
}

/// A row of `/proc/net/dev`: a name, eight counters received, eight sent.
fn proc_row(text: &str) -> Option<Interface> {
    let (name, rest) = text.trim_start().rsplit_once(':')?;
    let mut numbers = [0_i64; 16];
    let mut words = rest.split_ascii_whitespace();
    for slot in &mut numbers {
        *slot = words.next()?.parse().ok()?;
    }
    if words.next().is_some() || name.is_empty() || name.contains([' ', '\t']) {
        return None;
    }
    let mut interface = Interface::named(name);
    let [received, packets, errors, dropped, ..] = numbers;
    interface.rx.bytes = Some(received);
    interface.rx.packets = Some(packets);
    interface.rx.errors = Some(errors);
    interface.rx.dropped = Some(dropped);
    let [_, _, _, _, _, _, _, _, sent, packets, errors, dropped, ..] = numbers;
    interface.tx.bytes = Some(sent);
    interface.tx.packets = Some(packets);
    interface.tx.errors = Some(errors);
    interface.tx.dropped = Some(dropped);
    Some(interface)
}

/// Who the lines below a head belong to.
enum Open {
    Ip(ip::Block),
    Ifconfig(Interface),
}

struct Interfaces<'a> {
    clock: &'a Clock,
    open: Option<(u64, Open)>,
    any: bool,
}

impl Interfaces<'_> {
    fn settle(&mut self, sink: &mut dyn Sink) {
        if let Some((line, open)) = self.open.take() {
            let interface = match open {
                Open::Ip(block) => block.interface,
                Open::Ifconfig(interface) => interface,
            };
            interface.emit(line, self.clock, sink);
            self.any = true;
        }
    }

    fn enter(&mut self, number: u64, open: Open, sink: &mut dyn Sink) {
        self.settle(sink);
        self.open = Some((number, open));
        sink.used(1);
    }
}

impl Reader for Interfaces<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let text = settled(text, ended);
        if let Some(block) = ip::head(text) {
            return self.enter(number, Open::Ip(block), sink);
        }
        if let Some(interface) = ifconfig::head(text) {
            return self.enter(number, Open::Ifconfig(interface), sink);
        }
        if let Some((name, address)) = ip::one_line(text) {
            // `ip -o addr` gives a line for each address.
            match &mut self.open {
                Some((_, Open::Ip(block))) if block.interface.name == name => {
                    block.interface.add_address(address);
                    return sink.used(1);
                }
                _ => {
                    let mut block = ip::Block::named(name);
                    block.interface.add_address(address);
                    return self.enter(number, Open::Ip(block), sink);
                }
            }
        }
        if let Some(interface) = ip::brief(text).or_else(|| proc_row(text)) {
            self.settle(sink);
            interface.emit(number, self.clock, sink);
            self.any = true;
            return sink.used(1);
        }
        match &mut self.open {
            Some((_, Open::Ip(block))) if text.starts_with([' ', '\t']) => block.below(text),
            Some((_, Open::Ifconfig(interface))) if text.starts_with([' ', '\t']) => {
                ifconfig::below(interface, text);
            }
            _ => {
                self.settle(sink);
                if is_proc_header(text) || text.contains("|bytes ") {
                    return sink.used(1);
                }
                return sink.skip(Place::Line(number), other_line(text));
            }
        }
        sink.used(1);
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.settle(sink);
        if !self.any {
            sink.warn(Place::Whole, "no interface in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
