//! What a host says of itself: name, kernel, zone, clock, boot, addresses.
//!
//! **Made by** `hostnamectl`, `timedatectl`, `date`, `uname -a`, `uptime`, `uptime -s`, `hostname`, or copied from `/etc/hostname`,
//! `/etc/timezone`, `/etc/localtime`, `/etc/sysconfig/clock`, `/etc/machine-id`, `/etc/os-release`, `/etc/redhat-release`,
//! `/proc/version`; a UAC collection's `uac.log` and acquisition log. Several of these in one file are read line by line.
//!
//! **Recognised** when most lines are such facts. A lone word (`/etc/hostname`), a zone's name or 32 hex digits count only in a file whose
//! name says what it is. `/etc/localtime` has a magic number (`TZif`).
//!
//! ```text
//!    Static hostname: db-07.corp.example
//!   Operating System: CentOS Linux 7 (Core)
//!             Kernel: Linux 3.10.0-1160.el7.x86_64
//!          Time zone: Asia/Shanghai (CST, +0800)
//! Linux db-07 3.10.0-1160.el7.x86_64 #1 SMP Mon Oct 19 16:18:59 UTC 2020 x86_64 x86_64 x86_64 GNU/Linux
//! ```
//!
//! **Rows.** One `host-listed` an artifact, at the moment of collection. Its facts also serve the whole case: the host's zone, where neither
//! `case.toml` nor `--timezone` gives one; the moment of collection; the host's name, where the bundle's folders give none.
//!
//! **Times.** `date` with an offset, `timedatectl`'s universal time and `uac.log` are recorded; an abbreviation such as `CST` names no zone.
//! The zone of `/etc/localtime` is the one of the IANA database that has the same offsets at all changes the file lists; several may be
//! alike, then the one most in use is named.
//!
//! Sources: hostnamectl(1), timedatectl(1), tzfile(5) and RFC 8536, uname(1), os-release(5).

mod clues;
mod line;
mod zone_file;

use std::io::Read as _;

use chrono_tz::Tz;
use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, action};

use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};
pub use clues::clues;
pub use line::{Fact, Facts};

/// The format.
pub static FORMAT: Format = Format {
    id: "host-info",
    title: "what a host says of itself: hostnamectl, timedatectl, date, uname, /etc/localtime, uac.log",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most lines that such an artifact has; a uac.log has some thousands, of which the first tell all.
const MOST_LINES: usize = 200;

/// Longest time-zone file: the largest of the IANA database has 4 KiB.
const LONGEST_ZONE_FILE: u64 = 64 << 10;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if zone_file::is_zone_file(probe.head) {
        return Sniff::Sure;
    }
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut lines, mut facts, mut strong) = (0, 0, 0);
    let mut reader = line::Reader::new(probe.file_name());
    let mut remaining = probe.lines().take(MOST_LINES).count();
    for line in probe.text_lines().take(MOST_LINES) {
        // Two thirds of the lines at least are facts.
        if (facts + remaining) * 3 < (lines + remaining) * 2 {
            return Sniff::No;
        }
        remaining -= 1;
        let text = line.text(String::from_utf8_lossy);
        if text.trim().is_empty() {
            continue;
        }
        lines += 1;
        let found = reader.line(&text);
        facts += usize::from(found.is_some());
        strong += usize::from(found.is_some_and(|found| found.strong));
    }
    if strong == 0 || facts * 3 < lines * 2 {
        Sniff::No
    } else {
        Sniff::Likely
    }
}

/// The facts in the beginning of an artifact of this format.
fn facts(probe: &Probe<'_>) -> Facts {
    let mut facts = Facts::default();
    if zone_file::is_zone_file(probe.head) {
        if let Some(tz) = zone_file::zone(probe.head) {
            facts.add(Fact::Zone(tz));
        }
        return facts;
    }
    let mut reader = line::Reader::new(probe.file_name());
    for line in probe.lines().take(MOST_LINES) {
        if let Some(found) = reader.line(&String::from_utf8_lossy(line)) {
            found.facts.into_iter().for_each(|fact| facts.add(fact));
        }
    }
    facts
}

/// The zone that a link `/etc/localtime` points to.
pub fn zone_of_link(target: &str) -> Option<Tz> {
    let (_, name) = target.split_once("zoneinfo/")?;
    let name = name.strip_prefix("posix/").unwrap_or(name);
    name.parse().ok()
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut magic = [0; 4];
    let read = read_up_to(&mut input.reader, &mut magic)?;
    let start = magic.get(..read).unwrap_or_default();
    if zone_file::is_zone_file(start) {
        let mut bytes = start.to_vec();
        let mut rest = (&mut input.reader).take(LONGEST_ZONE_FILE);
        rest.read_to_end(&mut bytes)?;
        zone_row(&bytes, input, sink);
        return Ok(None);
    }
    let name = input.path.rsplit('/').next().unwrap_or(input.path);
    let mut reader = line::Reader::new(name);
    let mut facts = Facts::default();
    let mut first = None;
    let mut lines = Lines::new(std::io::Read::chain(start, &mut input.reader));
    while let Some(line) = lines.next_line()? {
        let text = line.text();
        if text.trim().is_empty() {
            continue;
        }
        match reader.line(&text) {
            Some(found) => {
                sink.used(1);
                if !found.facts.is_empty() {
                    first.get_or_insert(line.number);
                }
                found.facts.into_iter().for_each(|fact| facts.add(fact));
            }
            None => sink.skip(Place::Line(line.number), "no fact of a host"),
        }
    }
    if let Some(line) = first {
        let mut event = row(&facts, input);
        event.line = Some(line);
        sink.event(&event);
    }
    Ok(None)
}

fn read_up_to(reader: &mut dyn std::io::Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match reader.read(room)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn zone_row(bytes: &[u8], input: &Input<'_>, sink: &mut dyn Sink) {
    let Some(tz) = zone_file::zone(bytes) else {
        sink.skip(Place::Offset(0), "a time-zone file of no zone known");
        return;
    };
    sink.used(1);
    let mut facts = Facts::default();
    facts.add(Fact::Zone(tz));
    let mut event = row(&facts, input);
    event.offset = Some(0);
    sink.event(&event);
}

fn row(facts: &Facts, input: &Input<'_>) -> Event<'static> {
    let mut event = Event::new(action::HOST_LISTED);
    let recorded = |now: Timestamp| input.clock.recorded(now, Precision::S);
    let local = || input.clock.local(facts.local_now?, Precision::S);
    event.when = facts
        .now
        .map(recorded)
        .or_else(local)
        .or_else(|| input.clock.collected());
    event.src_ip = facts.addresses.first().map(|ip| ip.clone().into());
    let mut attributes = Attributes::new();
    attributes
        .text_if("name", facts.name.as_deref())
        .text_if("kernel", facts.kernel.as_deref())
        .text_if("os", facts.os.as_deref())
        .text_if("zone", facts.zone.map(|tz| tz.name()))
        .number_if("utc_offset_seconds", facts.offset_seconds)
        .text_if("boot", facts.boot.map(|at| at.to_string()).as_deref())
        .number_if("up_seconds", facts.up_seconds)
        .text_if("machine_id", facts.machine_id.as_deref());
    if !facts.addresses.is_empty() {
        attributes.texts("addresses", &facts.addresses);
    }
    event.attributes = attributes.finish().map(Into::into);
    event.message = Some(facts.sentence().into());
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &str) {
        let probe = Probe::new(name, text.as_bytes(), true);
        let sniffed = sniff(&probe);
        let got = match sniffed {
            Sniff::No => "declined".to_owned(),
            _ => facts(&probe).sentence(),
        };
        assert_eq!(got, expected, "{name}: {text}");
    }

    #[test]
    fn outputs_of_commands() {
        let hostnamectl = "   Static hostname: db-07\n         Icon name: computer-vm\n           Chassis: vm\n        Machine ID: 0123456789abcdef0123456789abcdef\n           Boot ID: 00000000000000000000000000000001\n  Operating System: CentOS Linux 7 (Core)\n            Kernel: Linux 3.10.0-1160.el7.x86_64\n      Architecture: x86-64\n";
        check(
            "a.txt",
            hostnamectl,
            "host db-07, CentOS Linux 7 (Core), kernel 3.10.0-1160.el7.x86_64, machine id 0123456789abcdef0123456789abcdef",
        );
        let timedatectl = "      Local time: Fri 2023-05-12 10:20:00 CST\n  Universal time: Fri 2023-05-12 02:20:00 UTC\n        RTC time: Fri 2023-05-12 02:20:00\n       Time zone: Asia/Shanghai (CST, +0800)\n     NTP enabled: yes\nNTP synchronized: yes\n RTC in local TZ: no\n      DST active: n/a\n";
        check(
            "b",
            timedatectl,
            "zone Asia/Shanghai, offset +08:00, clock 2023-05-12T02:20:00Z",
        );
        check(
            "u",
            "Linux db-07 3.10.0-1160.el7.x86_64 #1 SMP Mon Oct 19 16:18:59 UTC 2020 x86_64 x86_64 x86_64 GNU/Linux\n",
            "host db-07, kernel 3.10.0-1160.el7.x86_64",
        );
        check(
            "d",
            "Fri, 12 May 2023 10:20:00 +0530\n",
            "offset +05:30, clock 2023-05-12T04:50:00Z",
        );
        check(
            "d",
            "Fri May 12 10:20:00 UTC 2023\n",
            "clock 2023-05-12T10:20:00Z",
        );
        check(
            "up",
            " 10:20:00 up 81 days, 17:57,  1 user,  load average: 9.81, 9.64, 9.20\n",
            "up 81 days",
        );
    }

    #[test]
    fn files_whose_name_tells_them() {
        check(
            "etc/hostname",
            "db-07.corp.example\n",
            "host db-07.corp.example",
        );
        check("x/etc/timezone", "Europe/Berlin\n", "zone Europe/Berlin");
        check("notes.txt", "db-07\n", "declined");
        check(
            "clock",
            "ZONE=\"Asia/Tokyo\"\nUTC=true\n",
            "zone Asia/Tokyo",
        );
    }

    #[test]
    fn logs_of_a_collector() {
        let log = "2022-06-20 12:32:57 -0300 INF UAC (Unix-like Artifacts Collector) 3.0.0\n2022-06-20 12:32:57 -0300 INF Operating System: linux\n2022-06-20 12:33:02 -0300 CMD ps aux\n";
        check("uac.log", log, "offset -03:00, clock 2022-06-20T15:33:02Z");
        let acquisition = "Created by UAC (Unix-like Artifacts Collector) 3.0.0\n\n[Case Information]\nCase Number: \n\n[System Information]\nOperating System: linux\nSystem Architecture: x86_64\nHostname: db-07\n\n[Acquisition Information]\nMount Point: /\nAcquisition started at: Mon Jun 20 12:32:57 2022 -0300\nAcquisition finished at: Mon Jun 20 12:40:00 2022 -0300\n";
        check(
            "uac-db-07-linux.log",
            acquisition,
            "host db-07, offset -03:00, clock 2022-06-20T15:40:00Z",
        );
    }

    #[test]
    fn other_texts_are_declined() {
        check(
            "messages",
            "May 12 10:20:00 db-07 sshd[1]: Accepted password for root from 10.0.0.1 port 2 ssh2\n",
            "declined",
        );
        check("a", "hello\nworld\n", "declined");
        check(
            "app.log",
            "2022-06-20 12:32:57 -0300 INFO started\n2022-06-20 12:32:58 -0300 INFO x\n",
            "declined",
        );
    }

    #[test]
    fn links_name_zones() {
        let check = |target: &str, expected: Option<Tz>| assert_eq!(zone_of_link(target), expected);
        check(
            "../usr/share/zoneinfo/Asia/Shanghai",
            Some(Tz::Asia__Shanghai),
        );
        check("/usr/share/zoneinfo/posix/UTC", Some(Tz::UTC));
        check("/etc/passwd", None);
    }
}
