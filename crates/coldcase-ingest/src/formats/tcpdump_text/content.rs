//! What the payload of one packet is: TCP, DNS, other UDP, or nothing that is read here.

use super::dns_text::DnsText;
use super::packet::{Addressed, IpInfo, split_at_text};
use super::tcp_text::{self, TcpText};

/// What a packet carries.
pub(super) struct Content<'a> {
    pub tcp: Option<TcpText<'a>>,
    pub dns: Option<DnsText<'a>>,
    /// Bytes of payload where shown.
    pub length: Option<u64>,
    /// The payload's text without the note on UDP's checksum.
    pub text: &'a str,
}

impl<'a> Content<'a> {
    /// TCP or UDP, else nothing.
    pub fn of(info: &IpInfo, packet: &Addressed<'a>) -> Option<Self> {
        let (text, summed) = without_checksum(packet.payload);
        let udp = summed || info.udp == Some(true);
        if !udp && let Some(tcp) = TcpText::parse(text) {
            return Some(Self {
                dns: DnsText::parse(tcp.decoded),
                length: tcp.length,
                tcp: Some(tcp),
                text,
            });
        }
        let ports = packet.source.port.is_some() && packet.destination.port.is_some();
        let others = ["sctp", "DCCP", "ICMP", "Flags", "ip-proto", "[|tcp]"];
        let other = info.udp == Some(false) || others.iter().any(|other| text.starts_with(other));
        let dns = DnsText::parse(text);
        if !udp && !text.starts_with("UDP") && (other || !(ports || dns.is_some())) {
            return None;
        }
        Some(Self {
            tcp: None,
            dns,
            length: payload_length(text),
            text,
        })
    }
}

/// Takes `[udp sum ok] ` and its like off; whether there was one.
pub(super) fn without_checksum(payload: &str) -> (&str, bool) {
    let notes = [
        "[udp sum ok] ",
        "[no cksum] ",
        "[bad udp cksum ",
        "[udp cksum ",
        "[cksum ",
    ];
    if !notes.iter().any(|note| payload.starts_with(note)) {
        return (payload, false);
    }
    match split_at_text(payload, "] ", 0) {
        Some((_, rest)) => (rest, true),
        None => (payload, false),
    }
}

/// The length in `UDP, length 12`, `SYSLOG, length: 51`, `NTPv4, Client, length 48`.
fn payload_length(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("length")?;
    tcp_text::number(rest.strip_prefix(':').unwrap_or(rest).trim_start())
}
