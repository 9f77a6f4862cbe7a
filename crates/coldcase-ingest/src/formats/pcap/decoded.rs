//! A packet decoded to what the engine asks of it, without borrowing the bytes it was read from: addresses
//! are numbers, payloads are places in the piece of the capture that holds them.

use coldcase_model::{Precision, Timestamp};
use coldcase_wire::capture::Packet;
use coldcase_wire::packet::{
    self, Fragment, Icmp, Quoted, Segment, Tcp, Transport, Udp, Unread, copy_signature,
};

use super::address::Addr;
use super::copies::{Place, Sighting};

/// A place in a piece of the capture.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// Where `part` lies in `piece`.
    fn of(piece: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(piece.as_ptr().addr());
        match (u32::try_from(start), u32::try_from(part.len())) {
            (Ok(start), Ok(length)) if length > 0 => Self { start, length },
            _ => Self::default(),
        }
    }

    /// The bytes there.
    pub(super) fn bytes(self, piece: &[u8]) -> &[u8] {
        let start = self.start as usize;
        let end = start.saturating_add(self.length as usize);
        piece.get(start..end).unwrap_or_default()
    }
}

/// One packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoded {
    /// When.
    pub(super) at: i64,
    /// Offset of its record in the capture.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) data: Span,
    /// Its length on the wire.
    pub(super) original_len: u32,
    /// LINKTYPE number.
    pub(super) link: u32,
    /// Interface within the capture.
    pub(super) interface: u32,
    /// How exact the capture's times are.
    pub(super) precision: Precision,
    /// The innermost segment in it.
    pub(super) segment: Result<Inner, Unread>,
}

/// The innermost segment of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inner {
    /// Sender.
    pub(super) source: Addr,
    /// Receiver.
    pub(super) destination: Addr,
    /// Length of the IP packet.
    pub(super) ip_len: u32,
    /// Number of the interface that saw it, where the capture tells interfaces apart.
    pub(super) interface: Option<u32>,
    /// What tells copies of it, where the capture has several interfaces.
    sighting: Option<(u64, Place)>,
    /// What it carries.
    pub(super) carried: Carried,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Carried {
    /// See [`Tcp`].
    Tcp {
        ports: (u16, u16),
        seq: u32,
        ack: u32,
        flags: u8,
        payload: Span,
        payload_len: u32,
    },
    /// See [`Udp`].
    Udp {
        ports: (u16, u16),
        payload: Span,
        payload_len: u32,
    },
    /// An ICMP message; what it quotes if it says that a destination can't be reached.
    Icmp(Option<Quoted>),
    /// A piece of a datagram with IP identification and protocol.
    Fragment(Fragment, u32, u8, Span),
    /// Another protocol.
    Other,
    /// A header that the capture cut.
    Cut,
}

impl Decoded {
    /// Decodes a packet that lies in this piece of the capture; `several`: it may hold several interfaces without
    /// naming them in its packets (pcapng).
    pub(super) fn of(packet: &Packet<'_>, piece: &[u8], several: bool) -> Self {
        let segment = packet::decode(packet.link, packet.data, packet.original_len);
        Self {
            at: packet.ts.0,
            offset: packet.offset,
            data: Span::of(piece, packet.data),
            original_len: packet.original_len,
            link: packet.link,
            interface: packet.interface,
            precision: packet.precision,
            segment: segment.map(|segment| Inner::of(packet, &segment, piece, several)),
        }
    }
}

impl Decoded {
    /// The packet as it stood, its bytes left out.
    pub(super) fn apart(&self) -> Packet<'static> {
        Packet {
            ts: Timestamp(self.at),
            precision: self.precision,
            interface: self.interface,
            link: self.link,
            data: &[],
            original_len: self.original_len,
            offset: self.offset,
        }
    }
}

impl Inner {
    fn of(packet: &Packet<'_>, segment: &Segment<'_>, piece: &[u8], several: bool) -> Self {
        let place = match (segment.packet_type, segment.interface_index) {
            (Some(kind), Some(index)) => Some(Place::Interface((index << 3) | u32::from(kind & 7))),
            (Some(_), None) => Some(Place::Unknown),
            (None, _) => several.then_some(Place::Interface(packet.interface << 3)),
        };
        Self {
            source: Addr::of(segment.src),
            destination: Addr::of(segment.dst),
            ip_len: segment.ip_len,
            interface: segment
                .interface_index
                .or_else(|| (packet.interface > 0).then_some(packet.interface)),
            sighting: place.map(|place| (copy_signature(segment), place)),
            carried: Carried::of(segment, piece),
        }
    }

    /// The packet as one sighting among those on other interfaces; nothing where the capture has one.
    pub(super) fn sighting(&self, at: i64) -> Option<Sighting> {
        let (signature, place) = self.sighting?;
        let ports = match self.carried {
            Carried::Tcp { ports, .. } | Carried::Udp { ports, .. } => ports,
            _ => (0, 0),
        };
        Some(Sighting {
            signature,
            addresses: (self.source, self.destination),
            ports,
            place,
            at,
        })
    }
}

impl Carried {
    fn of(segment: &Segment<'_>, piece: &[u8]) -> Self {
        match (&segment.transport, segment.fragment) {
            (Transport::Fragment(bytes), Some(fragment)) => {
                let id = segment.ip_id.unwrap_or(0);
                Self::Fragment(fragment, id, segment.protocol, Span::of(piece, bytes))
            }
            (Transport::Tcp(tcp), _) => Self::Tcp {
                ports: (tcp.src_port, tcp.dst_port),
                seq: tcp.seq,
                ack: tcp.ack,
                flags: tcp.flags,
                payload: Span::of(piece, tcp.payload),
                payload_len: tcp.payload_len,
            },
            (Transport::Udp(udp), _) => Self::Udp {
                ports: (udp.src_port, udp.dst_port),
                payload: Span::of(piece, udp.payload),
                payload_len: udp.payload_len,
            },
            (Transport::Icmp(icmp), _) => Self::Icmp(icmp.quoted.filter(|_| icmp.unreachable)),
            // A fragment without its place can't be; it would be skipped as one that is never whole.
            (Transport::Fragment(_) | Transport::Other, _) => Self::Other,
            (Transport::Cut, _) => Self::Cut,
        }
    }

    /// The transport again, over the bytes of its piece; fragments have none.
    pub(super) fn transport<'a>(&self, piece: &'a [u8]) -> Transport<'a> {
        match *self {
            Self::Tcp {
                ports: (src_port, dst_port),
                seq,
                ack,
                flags,
                payload,
                payload_len,
            } => Transport::Tcp(Tcp {
                src_port,
                dst_port,
                seq,
                ack,
                flags,
                payload: payload.bytes(piece),
                payload_len,
            }),
            Self::Udp {
                ports: (src_port, dst_port),
                payload,
                payload_len,
            } => Transport::Udp(Udp {
                src_port,
                dst_port,
                payload: payload.bytes(piece),
                payload_len,
            }),
            Self::Icmp(quoted) => Transport::Icmp(Icmp {
                kind: 0,
                code: 0,
                unreachable: quoted.is_some(),
                quoted,
                payload: &[],
            }),
            Self::Fragment(.., bytes) => Transport::Fragment(bytes.bytes(piece)),
            Self::Other => Transport::Other,
            Self::Cut => Transport::Cut,
        }
    }
}
