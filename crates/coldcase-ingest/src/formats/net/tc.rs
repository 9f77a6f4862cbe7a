//! # tc: queues of an interface
//!
//! `tc -s qdisc show`, `tc -s class show dev eth0`, `tc -s filter show dev eth0` (`-d` too, without `-s` as well).
//!
//! **Recognised** by lines `qdisc NAME HANDLE:`, `class NAME HANDLE`, `filter ... protocol ... pref` with the counters below them.
//!
//!     class htb 1:10 parent 1:1 leaf 10: prio 0 rate 1Mbit ceil 1Mbit burst 1Kb cburst 1600b
//!      Sent 4050000 bytes 75000 pkt (dropped 76611614, overlimits 78000000 requeues 0)
//!      backlog 6858b 127p requeues 0
//!
//! **Rows**: one `queue-listed` a qdisc, class or filter at the moment of collection: `packets` and `bytes` sent, `rate_bits` and `ceil_bits` a second
//! (`1Mbit` is 1,000,000; `bps` are bytes), `discipline`, `parent` (`root` for the first), `backlog_bytes`, `backlog_packets`, of a
//! filter its `protocol_text`, `flow` and what it `matches`. `interface` where the line or the command above it names one (`dev eth0`).
//!
//! **Limits**: `-j` is not read. Sources: tc(8), iproute2 `tc/tc_qdisc.c`, `tc_class.c`, `tc_filter.c`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::plain::{Reader, number_and_unit, other_line, probe_lines, read_lines, scaled, settled};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "tc",
    title: "queues of an interface: tc qdisc, class, filter",
    source: include_str!("tc.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Matches kept of one filter.
const MAX_MATCHES: usize = 16;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut heads, mut counters, mut others) = (0, 0, 0);
    for text in probe_lines(probe).take(100) {
        match () {
            () if Queue::read(0, &text).is_some() => heads += 1,
            () if text.contains(" bytes ") && text.contains("(dropped ") => counters += 1,
            () if text.starts_with([' ', '\t']) => {}
            () => others += 1,
        }
    }
    match heads {
        0 => Sniff::No,
        _ if counters > 0 => Sniff::Sure,
        _ if heads > others => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut queues = Queues {
        clock: input.clock,
        device: None,
        open: None,
        any: false,
    };
    read_lines(input, &mut queues, sink)
}

/// One qdisc, class or filter.
#[derive(Debug, Default)]
struct Queue {
    line: u64,
    kind: &'static str,
    discipline: Option<String>,
    handle: Option<String>,
    parent: Option<String>,
    device: Option<String>,
    rate: Option<i64>,
    ceil: Option<i64>,
    bytes: Option<i64>,
    packets: Option<i64>,
    dropped: Option<i64>,
    overlimits: Option<i64>,
    backlog_bytes: Option<i64>,
    backlog_packets: Option<i64>,
    protocol: Option<String>,
    flow: Option<String>,
    matches: Vec<String>,
}

/// `1:`, `1:10`, `:1`, `ffff:`, `8001:`.
fn is_handle(text: &str) -> bool {
    let hex = |part: &str| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.len() > 1
        && text
            .split_once(':')
            .is_some_and(|(major, minor)| hex(major) && hex(minor))
}

impl Queue {
    /// Reads the first line of a queue.
    fn read(line: u64, text: &str) -> Option<Self> {
        // `tc -s qdisc show` of a changed one marks it.
        let text = text.strip_prefix("deleted ").unwrap_or(text);
        let mut words = text.split_ascii_whitespace().take(64);
        let kind = match words.next()? {
            "qdisc" => "qdisc",
            "class" => "class",
            "filter" => "filter",
            _ => return None,
        };
        let mut queue = Self {
            line,
            kind,
            ..Self::default()
        };
        if kind != "filter" {
            let name = words.next()?;
            let handle = words.next()?;
            if !is_handle(handle) {
                return None;
            }
            queue.discipline = Some(name.to_owned());
            queue.handle = Some(handle.to_owned());
        }
        queue.fields(words);
        let fits = kind != "filter" || (queue.protocol.is_some() && text.contains(" pref "));
        fits.then_some(queue)
    }

    fn fields<'a>(&mut self, mut words: impl Iterator<Item = &'a str>) {
        while let Some(word) = words.next() {
            match word {
                "root" => self.parent = Some("root".to_owned()),
                "parent" => self.parent = words.next().map(str::to_owned),
                "dev" => self.device = words.next().map(str::to_owned),
                "rate" => self.rate = words.next().and_then(bits),
                "ceil" => self.ceil = words.next().and_then(bits),
                "protocol" => self.protocol = words.next().map(str::to_owned),
                "fh" => self.handle = words.next().map(str::to_owned),
                "flowid" | "classid" => self.flow = words.next().map(str::to_owned),
                "u32" | "basic" | "flower" | "matchall" | "bpf" | "fw" | "route" | "cgroup"
                    if self.kind == "filter" =>
                {
                    self.discipline = Some(word.to_owned());
                }
                _ => {}
            }
        }
    }

    /// Takes a line below the first.
    fn below(&mut self, text: &str) {
        let words: Vec<&str> = text.split_ascii_whitespace().take(32).collect();
        let after = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            let value = words.get(at + 1)?;
            value.trim_end_matches([',', ')']).parse::<i64>().ok()
        };
        match words.first().copied().unwrap_or_default() {
            "Sent" => {
                self.bytes = after("Sent");
                self.packets = after("bytes");
            }
            "backlog" => {
                let size = |at: usize, unit: &str| {
                    let (number, found) = number_and_unit(words.get(at)?);
                    let factor = match found.strip_suffix(unit)? {
                        "" => 1.0,
                        "K" => 1024.0,
                        "M" => 1_048_576.0,
                        _ => return None,
                    };
                    scaled(number, factor)
                };
                self.backlog_bytes = size(1, "b");
                self.backlog_packets = size(2, "p");
            }
            "match" if self.matches.len() < MAX_MATCHES => {
                self.matches
                    .push(words.get(1..).unwrap_or_default().join(" "));
            }
            _ => {}
        }
        if text.contains("(dropped ") {
            self.dropped = after("(dropped");
            self.overlimits = after("overlimits");
        }
    }

    fn emit(&self, device: Option<&str>, clock: &Clock, sink: &mut dyn Sink) {
        let device = self.device.as_deref().or(device);
        let mut attributes = Attributes::with_capacity(160);
        attributes
            .text_if("interface", device)
            .text("kind", self.kind)
            .text_if("discipline", self.discipline.as_deref())
            .text_if("handle", self.handle.as_deref())
            .text_if("parent", self.parent.as_deref())
            .number_if("rate_bits", self.rate)
            .number_if("ceil_bits", self.ceil)
            .number_if("dropped", self.dropped)
            .number_if("overlimits", self.overlimits)
            .number_if("backlog_bytes", self.backlog_bytes)
            .number_if("backlog_packets", self.backlog_packets)
            .text_if("protocol_text", self.protocol.as_deref())
            .text_if("flow", self.flow.as_deref());
        if !self.matches.is_empty() {
            attributes.texts("matches", &self.matches);
        }
        let mut event = Event::new(action::QUEUE_LISTED);
        event.when = clock.collected();
        event.line = Some(self.line);
        event.bytes = self.bytes;
        event.packets = self.packets;
        event.attributes = attributes.finish().map(Cow::Owned);
        let mut message = self.kind.to_owned();
        for part in [&self.discipline, &self.handle].into_iter().flatten() {
            message.push(' ');
            message.push_str(part);
        }
        if let Some(device) = device {
            message.push_str(&format!(" on {device}"));
        }
        if let Some(bytes) = self.bytes {
            message.push_str(&format!(" sent {bytes} B"));
        }
        if let Some(dropped) = self.dropped {
            message.push_str(&format!(" dropped {dropped}"));
        }
        event.message = Some(message.into());
        sink.event(&event);
    }
}

/// Bits a second of `20Mbit`, `1Gibit`, `100Kbps` (bytes).
fn bits(text: &str) -> Option<i64> {
    let (number, unit) = number_and_unit(text);
    let (prefix, factor) = match unit.strip_suffix("bit") {
        Some(prefix) => (prefix, 1.0),
        None => (unit.strip_suffix("bps")?, 8.0),
    };
    let power = match prefix {
        "" => 1.0,
        "K" | "k" => 1e3,
        "M" | "m" => 1e6,
        "G" | "g" => 1e9,
        "T" | "t" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => return None,
    };
    scaled(number, factor * power)
}

struct Queues<'a> {
    clock: &'a Clock,
    device: Option<String>,
    open: Option<Queue>,
    any: bool,
}

impl Queues<'_> {
    fn settle(&mut self, sink: &mut dyn Sink) {
        if let Some(queue) = self.open.take() {
            queue.emit(self.device.as_deref(), self.clock, sink);
            self.any = true;
        }
    }
}

impl Reader for Queues<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let text = settled(text, ended);
        if let Some(queue) = Queue::read(number, text) {
            self.settle(sink);
            self.open = Some(queue);
            return sink.used(1);
        }
        match &mut self.open {
            Some(queue) if text.starts_with([' ', '\t']) => {
                queue.below(text);
                sink.used(1);
            }
            _ => {
                self.settle(sink);
                // `tc -s class show dev eth0` names what the lines below leave out.
                let mut words = text.split_ascii_whitespace();
                if words.any(|word| word == "tc" || word.ends_with("/tc")) {
                    self.device = words
                        .skip_while(|word| *word != "dev")
                        .nth(1)
                        .map(str::to_owned);
                }
                sink.skip(Place::Line(number), other_line(text));
            }
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.settle(sink);
        if !self.any {
            sink.warn(Place::Whole, "no queue in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, check_attributes, sniffed};
    use super::*;

    const CLASSES: &str = "# tc -s class show dev eth1\n\
        class htb 1:10 parent 1:1 leaf 10: prio 0 rate 1Mbit ceil 1500Kbit burst 1Kb cburst 1600b \n \
        Sent 4050000 bytes 75000 pkt (dropped 766, overlimits 78 requeues 0) \n \
        backlog 6858b 127p requeues 0\n \
        lended: 75000 borrowed: 0 giants: 0\n\n\
        class sfq 10:1f2 parent 10: \n \
        (dropped 1, overlimits 0 requeues 0) \n";

    #[test]
    fn classes_and_what_they_sent() {
        check(
            &FORMAT,
            CLASSES,
            &[
                "class htb 1:10 on eth1 sent 4050000 B dropped 766",
                "class sfq 10:1f2 on eth1 dropped 1",
            ],
        );
        check_attributes(
            &FORMAT,
            "qdisc fq_codel 8001: dev eth0 root refcnt 2 limit 10240p\n\
             filter parent 1: protocol ip pref 1 u32 fh 800::800 order 2048 key ht 800 bkt 0 flowid 1:10 \n  match 0a000000/ff000000 at 16\n",
            &[
                "{\"interface\":\"eth0\",\"kind\":\"qdisc\",\"discipline\":\"fq_codel\",\"handle\":\"8001:\",\"parent\":\"root\"}",
                "{\"kind\":\"filter\",\"discipline\":\"u32\",\"handle\":\"800::800\",\"parent\":\"1:\",\"protocol_text\":\"ip\",\"flow\":\"1:10\",\"matches\":[\"0a000000/ff000000 at 16\"]}",
            ],
        );
        assert_eq!(sniffed(&FORMAT, "x", CLASSES), Sniff::Sure);
    }

    #[test]
    fn rates_in_bits() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(bits(text), expected, "{text}");
        check("20Mbit", Some(20_000_000));
        check("1.5Gbit", Some(1_500_000_000));
        check("100Kbps", Some(800_000));
        check("7bit", Some(7));
        check("lots", None);
    }
}
