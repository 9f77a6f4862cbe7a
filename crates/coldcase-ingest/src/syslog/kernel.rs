//! What the Linux kernel says: netfilter's LOG target, faults, memory that ran out, interfaces, connection tracking,
//! SYN cookies, modules, and the first line of a boot. The stamp of its own clock that syslog keeps before a message
//! (`[50028442.088484] `) is passed over.
//!
//! Sources: `net/netfilter/nf_log_syslog.c`, `mm/oom_kill.c`, `arch/x86/mm/fault.c`, `net/ipv4/tcp_input.c`, `kernel/module`.

use coldcase_model::{action, canonical_ip};

use super::row::Row;

/// Fills the row of a kernel's message; `None` where its wording is none of these.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let text = without_stamp(message);
    if let Some(rest) = text.strip_prefix("Linux version ") {
        row.set(action::BOOT, None);
        row.text("kernel", rest.split(' ').next().unwrap_or(rest));
        return Some(());
    }
    let down = [
        "reboot: Restarting system",
        "reboot: Power down",
        "reboot: System halted",
    ];
    if down.iter().any(|start| text.starts_with(start)) {
        row.set(action::SHUTDOWN, None).text("program", "kernel");
        return Some(());
    }
    netfilter(text, row)
        .or_else(|| out_of_memory(text, row))
        .or_else(|| fault(text, row))
        .or_else(|| interface(text, row))
        .or_else(|| exhausted(text, row))
        .or_else(|| module(text, row))
}

/// Past `[  203.842973] ` and the caller `[    T1] ` behind it.
pub fn without_stamp(message: &str) -> &str {
    let mut text = message;
    for marks in [b".".as_slice(), b"TC"] {
        let stamp = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let plain = |byte: u8| byte.is_ascii_digit() || marks.contains(&byte);
        if let Some((inside, rest)) = stamp
            && inside.trim_start().len() > 1
            && inside.trim_start().bytes().all(plain)
        {
            text = rest.trim_start();
        }
    }
    text
}

/// `[UFW BLOCK] IN=eth0 OUT= MAC=... SRC=192.0.2.1 DST=192.0.2.2 LEN=40 ... PROTO=TCP SPT=1 DPT=22 WINDOW=1024 RES=0x00 SYN URGP=0`;
/// an ICMP error shows the packet it is about in brackets at the end, which are not this packet's.
pub fn netfilter<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    // The prefix is a rule's own text and may end without a blank.
    let start = text
        .match_indices("IN=")
        .map(|(at, _)| at)
        .find(|at| {
            let rest = text.get(*at..).and_then(|rest| rest.split_once(' '));
            rest.is_some_and(|(_, rest)| rest.starts_with("OUT="))
        })
        .or_else(|| text.find("OUT="))?;
    let own = text.get(start..)?;
    let own = own.split_once(" [SRC=").map_or(own, |(own, _)| own);
    let value = |key: &str| {
        own.split(' ')
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
    };
    let (source, destination) = (canonical_ip(value("SRC")?)?, canonical_ip(value("DST")?)?);
    row.event.src_ip = Some(source);
    row.event.dst_ip = Some(destination);
    row.event.src_port = value("SPT").and_then(|port| port.parse().ok());
    row.event.dst_port = value("DPT").and_then(|port| port.parse().ok());
    let protocol = value("PROTO").unwrap_or_default();
    row.event.protocol = protocol_of(protocol);
    row.event.bytes = value("LEN").and_then(|length| length.parse().ok());
    row.text("program", "kernel");
    row.attributes.flag("netfilter", true);
    let prefix = text.get(..start).unwrap_or_default().trim();
    row.text("prefix", prefix.trim_end_matches(':'));
    for (name, key) in [("in", "IN"), ("out", "OUT"), ("mac", "MAC")] {
        row.text(name, value(key).unwrap_or_default());
    }
    if row.event.protocol.is_none() {
        row.text("proto", protocol);
    }
    if protocol == "TCP" {
        let names = ["SYN", "ACK", "FIN", "RST", "PSH", "URG"];
        let flags = own.split(' ').filter(|word| names.contains(word));
        let flags: Vec<&str> = flags.collect();
        row.text("flags", &flags.join(","));
    }
    Some(())
}

fn protocol_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "TCP" | "6" => "tcp",
        "UDP" | "17" => "udp",
        "ICMP" | "1" => "icmp",
        "ICMPv6" | "58" => "icmp6",
        "SCTP" | "132" => "sctp",
        _ => return None,
    })
}

/// `Out of memory: Killed process 123 (java) total-vm:1kB, ... UID:33 ...`, `Memory cgroup out of memory: Kill process 123 (java)
/// score 900 or sacrifice child`, and the line before it that names the control group.
fn out_of_memory<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    if let Some(facts) = text.strip_prefix("oom-kill:") {
        let value = |key: &str| {
            facts
                .split(',')
                .find_map(|fact| fact.strip_prefix(key)?.strip_prefix('='))
        };
        row.text("program", "kernel")
            .text("comm", value("task").unwrap_or_default())
            .text("cgroup", value("task_memcg").unwrap_or_default());
        row.event.pid = value("pid").and_then(|pid| pid.parse().ok());
        row.container_id = value("task_memcg").and_then(|path| {
            let mut parts = path.split(|character: char| !character.is_ascii_hexdigit());
            parts.find(|part| part.len() == 64)
        });
        return Some(());
    }
    if let Some((comm, _)) = text.split_once(" invoked oom-killer: ") {
        row.text("program", "kernel").text("comm", comm);
        return Some(());
    }
    let (_, rest) = text
        .split_once("Killed process ")
        .or_else(|| text.split_once("Kill process "))?;
    let (pid, rest) = rest.split_once(' ')?;
    let pid = pid.trim_end_matches(',').parse().ok()?;
    let named = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    row.text("program", "kernel");
    row.attributes.flag("oom_killed", text.contains("Killed"));
    row.text("comm", named.map(|(comm, _)| comm).unwrap_or_default());
    row.event.pid = Some(pid);
    Some(())
}

/// `su[1433535]: segfault at 7f1f ip 00007f1f sp 00007ffd error 6 in ld.so[7f1f+25000]`, `traps: x[12] general protection
/// fault ip:... in x[...]`, `traps: x[12] trap invalid opcode ...`.
fn fault<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let bare = text.strip_prefix("traps: ").unwrap_or(text);
    let (process, rest) = bare.split_once(']')?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (comm, pid) = process.rsplit_once('[')?;
    let kinds = [
        "segfault at ",
        "general protection",
        "trap ",
        "bad frame in ",
    ];
    let rest = rest.trim_start();
    let kind = kinds.iter().find(|kind| rest.starts_with(*kind))?;
    row.event.pid = Some(pid.parse().ok()?);
    row.text("program", "kernel")
        .text("comm", comm)
        .text("fault", kind.trim_end().trim_end_matches(" at"));
    if let Some(after) = rest.strip_prefix("segfault at ") {
        row.text("address", after.split(' ').next().unwrap_or_default());
    }
    let library = rest.rsplit_once(" in ").map(|(_, library)| library);
    let library = library.and_then(|library| library.split('[').next());
    row.text("library", library.unwrap_or_default());
    Some(())
}

/// `device eth0 entered promiscuous mode`, `eth0: left promiscuous mode`, `e1000e: eth0 NIC Link is Up 1000 Mbps`,
/// `IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready`.
fn interface<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let last = |text: &'a str| text.trim_end_matches(':').rsplit([' ', ':']).next();
    if let Some(before) = text.strip_suffix(" promiscuous mode") {
        let (before, verb) = before.rsplit_once(' ')?;
        let on = match verb {
            "entered" => true,
            "left" => false,
            _ => return None,
        };
        row.text("program", "kernel")
            .text("interface", last(before)?);
        row.attributes.flag("promiscuous", on);
        return Some(());
    }
    let wordings = [
        (" NIC Link is Up", true),
        (" NIC Link is Down", false),
        (": Link is Up", true),
        (": Link is up", true),
        (": Link is Down", false),
        (": link up", true),
        (": link down", false),
        (": link becomes ready", true),
        (": NIC Link is Up", true),
        (": NIC Link is Down", false),
    ];
    let (before, up) = wordings
        .iter()
        .find_map(|(words, up)| Some((text.split_once(words)?.0, *up)))?;
    row.text("program", "kernel")
        .text("interface", last(before)?)
        .text("link", if up { "up" } else { "down" });
    Some(())
}

/// `nf_conntrack: table full, dropping packet`, `TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:443. Sending cookies.`
fn exhausted<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    if text.contains("conntrack: table full") {
        row.text("program", "kernel");
        row.attributes.flag("conntrack_full", true);
        return Some(());
    }
    let (_, rest) = text.split_once("ossible SYN flooding on port ")?;
    let end = rest.find(". ").unwrap_or(rest.len());
    let place = rest.get(..end)?.trim_end_matches('.');
    let (address, port) = place.rsplit_once(':').unwrap_or(("", place));
    row.event.dst_port = Some(port.parse().ok()?);
    row.event.protocol = Some("tcp");
    row.text("program", "kernel");
    row.attributes.flag("syn_flood", true);
    row.attributes
        .flag("cookies", rest.contains("Sending cookies"));
    row.text("listen", if address.is_empty() { "" } else { place });
    Some(())
}

/// `diamorphine: loading out-of-tree module taints kernel.`, `x: module verification failed: ... - tainting kernel`.
fn module<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (name, rest) = text.split_once(": ")?;
    if !rest.contains("taints kernel") && !rest.contains("tainting kernel") {
        return None;
    }
    row.text("program", "kernel").text("module", name);
    row.attributes.flag("taints", true);
    Some(())
}
