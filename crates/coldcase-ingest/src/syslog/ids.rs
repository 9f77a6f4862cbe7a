//! The one-line alerts of Snort and Suricata, in their own files and behind syslog's head.

use coldcase_model::{action, canonical_ip};

use super::row::Row;

const PROTOCOLS: [(&str, &str); 6] = [
    ("TCP", "tcp"),
    ("UDP", "udp"),
    ("ICMP", "icmp"),
    ("IPv6-ICMP", "icmp6"),
    ("ICMPv6", "icmp6"),
    ("SCTP", "sctp"),
];

/// `[Drop] [**] [1:2001:3] msg [**] [Classification: x] [Priority: 1] {TCP} 10.0.0.1:1 -> 10.0.0.2:2`; `None` where the text is
/// none.
pub fn read<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut rest = text.trim_start();
    for (mark, decision) in [
        ("[Drop] ", "drop"),
        ("[wDrop] ", "would drop"),
        ("[drop] ", "drop"),
    ] {
        if let Some(after) = rest.strip_prefix(mark) {
            row.text("decision", decision);
            rest = after.trim_start();
        }
    }
    rest = rest.strip_prefix("[**]").unwrap_or(rest).trim_start();
    let (numbers, after) = rest.strip_prefix('[')?.split_once(']')?;
    let mut numbers = numbers.split(':').map(str::parse::<u32>);
    let (gid, sid, rev) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let (Ok(gid), Ok(sid), Ok(rev)) = (gid, sid, rev) else {
        return None;
    };
    row.set(action::ALERT, None);
    let (about, peers) = match after.rsplit_once(" {") {
        Some((about, peers)) => (about, Some(peers)),
        None => (after, None),
    };
    let end = ["[**]", "[Classification:", "[Priority:"]
        .iter()
        .filter_map(|mark| about.find(mark))
        .min()
        .unwrap_or(about.len());
    let (signature, marks) = about.split_at_checked(end)?;
    row.text("signature", signature.trim().trim_matches('"'));
    row.attributes.number("signature_id", sid);
    row.attributes.number("gid", gid).number("rev", rev);
    if let Some(category) = marked(marks, "[Classification:").filter(|text| *text != "(null)") {
        row.text("category", category);
    }
    let priority = marked(marks, "[Priority:").and_then(|text| text.parse::<u32>().ok());
    row.attributes.number_if("severity", priority);
    if let Some(peers) = peers {
        sides(peers, row);
    }
    Some(())
}

fn marked<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(mark)?;
    after.split_once(']').map(|(inside, _)| inside.trim())
}

/// `TCP} 10.0.0.1:1 -> 10.0.0.2:2`; addresses of ICMP have no port, though a part of IPv6 looks like one.
fn sides<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (name, rest) = text.split_once('}')?;
    let known = PROTOCOLS
        .iter()
        .find(|(written, _)| written.eq_ignore_ascii_case(name));
    row.event.protocol = known.map(|(_, name)| *name);
    if known.is_none() {
        row.text("protocol", name);
    }
    let ported = matches!(row.event.protocol, Some("tcp" | "udp" | "sctp"));
    let (from, to) = rest.split_once(" -> ")?;
    let side = |text: &'a str| {
        let text = text.trim();
        match text.rsplit_once(':') {
            Some((address, port)) if ported || !text.contains("::") && !is_ipv6(text) => {
                (canonical_ip(address), port.parse::<u16>().ok())
            }
            // Suricata puts ICMP's type and code where ports stand, behind IPv6 in its longest form.
            Some((address, _)) => (canonical_ip(text).or_else(|| canonical_ip(address)), None),
            None => (canonical_ip(text), None),
        }
    };
    (row.event.src_ip, row.event.src_port) = side(from);
    (row.event.dst_ip, row.event.dst_port) = side(to.split(' ').next()?);
    if !ported {
        (row.event.src_port, row.event.dst_port) = (None, None);
    }
    Some(())
}

fn is_ipv6(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() > 1
}
