//! What a frame comes to.

use std::net::IpAddr;

/// The innermost IP packet of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// IP protocol number, behind extension headers.
    pub protocol: u8,
    /// Time to live, hop limit.
    pub ttl: u8,
    /// IPv4 identification, or that of an IPv6 fragment.
    pub ip_id: Option<u32>,
    /// Set for a fragment of a datagram.
    pub fragment: Option<Fragment>,
    /// Length of the IP packet by its header, in bytes.
    pub ip_len: u32,
    /// What it carries.
    pub transport: Transport<'a>,
    /// Interface index of a cooked capture (SLL2).
    pub interface_index: Option<u32>,
    /// Packet type of a cooked capture: 0 to us, 1 broadcast, 2 multicast, 3 to another host, 4 sent by us.
    pub packet_type: Option<u8>,
    /// Outermost VLAN.
    pub vlan: Option<u16>,
    /// Outermost tunnel.
    pub tunnel: Option<Tunnel>,
    /// Whether the capture cut it (snaplen).
    pub cut: bool,
}

/// Where a fragment lies in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Offset in bytes.
    pub offset: u32,
    /// Whether more follow.
    pub more: bool,
}

/// What an IP packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport<'a> {
    /// A TCP segment.
    Tcp(Tcp<'a>),
    /// A UDP datagram.
    Udp(Udp<'a>),
    /// ICMP or ICMPv6.
    Icmp(Icmp<'a>),
    /// A piece of a datagram that must be put together first.
    Fragment(&'a [u8]),
    /// Another protocol.
    Other,
    /// A header that the capture cut.
    Cut,
}

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of RFC 9293")]
pub struct Tcp<'a> {
    pub src_port: u16,
    pub dst_port: u16,
    pub seq: u32,
    pub ack: u32,
    /// FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    pub flags: u8,
    /// What was captured of the payload.
    pub payload: &'a [u8],
    /// Its length by the IP header, padding excluded.
    pub payload_len: u32,
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of RFC 768")]
pub struct Udp<'a> {
    pub src_port: u16,
    pub dst_port: u16,
    /// What was captured of the payload.
    pub payload: &'a [u8],
    /// Its length by the header.
    pub payload_len: u32,
}

/// An ICMP or ICMPv6 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Whether it says that a destination can't be reached.
    pub unreachable: bool,
    /// The packet that an error message quotes.
    pub quoted: Option<Quoted>,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The packet that an ICMP error quotes: addresses and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Quoted {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub protocol: u8,
    pub src_port: u16,
    pub dst_port: u16,
}

/// How a packet was carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TunnelKind {
    Vxlan,
    Geneve,
    Gre,
    /// A mirrored frame, within GRE.
    Erspan,
    IpInIp,
}

impl TunnelKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::IpInIp => "ip-in-ip",
        }
    }
}

/// The outermost tunnel of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunnel {
    /// Its kind.
    pub kind: TunnelKind,
    /// Outer sender.
    pub src: IpAddr,
    /// Outer receiver.
    pub dst: IpAddr,
    /// Network identifier (VNI, GRE key).
    pub id: Option<u32>,
}

/// Why a frame gives no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as_str says it")]
pub enum Unread {
    NotIp,
    UnsupportedLink,
    Truncated,
    Malformed,
    TooDeep,
}

impl Unread {
    /// The reason, for counts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotIp => "not IP",
            Self::UnsupportedLink => "link type that is not read",
            Self::Truncated => "cut before the IP header ends",
            Self::Malformed => "malformed IP header",
            Self::TooDeep => "layers nested too deep",
        }
    }
}

/// A number that is equal for the copies of one packet which `-i any` sees on several interfaces: over
/// protocol, IP id, lengths and transport bytes. TTL, interface and checksums stay out, since routing
/// and offloading change them; so do addresses, which translation changes: the caller compares them.
pub fn copy_signature(segment: &Segment<'_>) -> u64 {
    let mut hash = Mix(0x9e37_79b9_7f4a_7c15);
    hash.number(u64::from(segment.protocol) << 32 | u64::from(segment.ip_id.unwrap_or(0)));
    let fragment = segment.fragment.map_or(0, |fragment| {
        u64::from(fragment.offset) << 1 | u64::from(fragment.more)
    });
    hash.number(u64::from(segment.ip_len) << 32 | fragment);
    match segment.transport {
        Transport::Tcp(tcp) => {
            hash.number(
                u64::from(tcp.src_port) << 16
                    | u64::from(tcp.dst_port)
                    | u64::from(tcp.flags) << 32,
            );
            hash.number(u64::from(tcp.seq) << 32 | u64::from(tcp.ack));
            hash.bytes(tcp.payload);
        }
        Transport::Udp(udp) => {
            hash.number(u64::from(udp.src_port) << 16 | u64::from(udp.dst_port));
            hash.bytes(udp.payload);
        }
        Transport::Icmp(icmp) => {
            hash.number(u64::from(icmp.kind) << 8 | u64::from(icmp.code));
            hash.bytes(icmp.payload);
        }
        Transport::Fragment(bytes) => hash.bytes(bytes),
        Transport::Other | Transport::Cut => {}
    }
    hash.0
}

struct Mix(u64);

impl Mix {
    #[inline]
    fn number(&mut self, number: u64) {
        let mixed = u128::from(self.0 ^ number) * 0xe703_7ed1_a0b4_28db;
        self.0 = low(mixed) ^ low(mixed >> 64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let tail = rest
            .iter()
            .fold(0, |tail, byte| tail << 8 | u64::from(*byte));
        self.number(tail ^ (bytes.len() as u64) << 56);
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
#[inline]
fn low(wide: u128) -> u64 {
    wide as u64
}
