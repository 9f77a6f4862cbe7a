//! # ip-neigh-route: neighbours and routes
//!
//! Neighbours: `ip neigh`, `arp -an`, `arp -n`, `/proc/net/arp`. Routes: `ip route` (`show table all`, `-6`), `route -n`, `netstat -rn`.
//!
//! **Recognised** by the heads `Address HWtype HWaddress`, `IP address HW type`, `Destination Gateway Genmask`, `Destination Next Hop`, or by rows:
//! `192.0.2.1 dev eth0 lladdr ... REACHABLE`, `? (192.0.2.1) at ... [ether] on eth0`, `default via 192.0.2.1 dev eth0`.
//!
//!     192.0.2.1 dev eth0 lladdr 52:54:00:aa:bb:01 REACHABLE
//!     default via 192.0.2.1 dev eth0 proto dhcp metric 100
//!     10.8.0.0/24 dev tun0 proto kernel scope link src 10.8.0.1
//!
//! **Rows** at the moment of collection: `neighbour-listed` with `src_ip`, `mac`, `interface`, `state` (`REACHABLE`, `FAILED`; `incomplete` of arp), `name` where a name stood for
//! the address; `route-listed` with `dst_ip` the gateway, `src_ip` the source to prefer, `destination` (`default` or a network with its prefix),
//! `interface`, `metric`, `route_protocol`, `scope`, `table`, `kind` (unreachable, blackhole, local, ...), `flags`.
//!
//! Names of networks (`route` without `-n`) stay as shown. **Times**: none in the text. **Limits**: `-j`, `ip rule`. Sources: ip-neighbour(8),
//! ip-route(8), arp(8), route(8), net-tools `lib/inet_gr.c`.

mod neighbour;
mod route;

use coldcase_model::{Place, Sink};

use super::plain::{NO_ROW, Reader, other_line, probe_lines, read_lines, settled};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};
use neighbour::Neighbour;
use route::Route;

/// The format.
pub static FORMAT: Format = Format {
    id: "ip-neigh-route",
    title: "neighbours and routes: ip neigh, arp, ip route, route, netstat -r",
    source: include_str!("ip_neigh_route.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Which table the rows below are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Table {
    /// None: rows tell by themselves.
    #[default]
    None,
    Arp,
    ProcArp,
    Route4,
    /// `netstat -r`, whose columns differ.
    Route4Netstat,
    Route6,
}

impl Table {
    fn of(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(12).collect();
        let starts = |names: &[&str]| words.starts_with(names);
        match () {
            () if starts(&["Address", "HWtype", "HWaddress"]) => Some(Self::Arp),
            () if starts(&["IP", "address", "HW", "type"]) => Some(Self::ProcArp),
            () if starts(&["Destination", "Gateway", "Genmask"]) => {
                Some(match words.get(4).copied() {
                    Some("Metric") => Self::Route4,
                    _ => Self::Route4Netstat,
                })
            }
            () if starts(&["Destination", "Next", "Hop"]) => Some(Self::Route6),
            () => None,
        }
    }
}

/// Lines looked at to recognise the format.
const PROBED: usize = 100;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut rows, mut others) = (0, 0);
    for (index, text) in probe_lines(probe).take(PROBED).enumerate() {
        if index <= 20 && Table::of(&text).is_some() {
            return Sniff::Sure;
        }
        if index > 20 && rows + PROBED.saturating_sub(index) <= others {
            return Sniff::No;
        }
        match () {
            () if Neighbour::free(&text).is_some() || Route::free(&text).is_some() => rows += 1,
            () if Route::hop(&text, "").is_some() || Route::open(&text).is_some() => {}
            () if other_line(&text) != NO_ROW => {}
            () => others += 1,
        }
    }
    match rows > 0 && rows > others {
        true => Sniff::Likely,
        false => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Rows {
        clock: input.clock,
        table: Table::None,
        destination: None,
        any: false,
    };
    read_lines(input, &mut reader, sink)
}

struct Rows<'a> {
    clock: &'a Clock,
    table: Table,
    /// Where the hops go that stand below a route without a gateway.
    destination: Option<String>,
    any: bool,
}

impl Reader for Rows<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        if let Some(table) = Table::of(text) {
            self.table = table;
            return sink.used(1);
        }
        if text.starts_with("Kernel IP") {
            return sink.skip(place, "the title of a table");
        }
        if text.starts_with("Entries: ") {
            return sink.skip(place, "a note of the tool");
        }
        let text = match Neighbour::free(text) {
            // These end in words that are known whole.
            Some(_) => text,
            None => settled(text, ended),
        };
        let neighbour = match self.table {
            Table::Arp => Neighbour::arp(text),
            Table::ProcArp => Neighbour::proc(text),
            _ => None,
        };
        if let Some(neighbour) = neighbour.or_else(|| Neighbour::free(text)) {
            neighbour.emit(number, self.clock, sink);
            self.any = true;
            return sink.used(1);
        }
        let route = match self.table {
            Table::Route4 => Route::four(text, false),
            Table::Route4Netstat => Route::four(text, true),
            Table::Route6 => Route::six(text),
            _ => None,
        };
        let route = route
            .or_else(|| Route::free(text))
            .or_else(|| Route::hop(text, self.destination.as_deref()?));
        match route {
            Some(route) => {
                self.destination = Some(route.destination.clone());
                route.emit(number, self.clock, sink);
                self.any = true;
                sink.used(1);
            }
            None => {
                self.destination = Route::open(text);
                match self.destination {
                    Some(_) => sink.used(1),
                    None => sink.skip(place, other_line(text)),
                }
            }
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        if !self.any {
            sink.warn(Place::Whole, "no neighbour or route in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
