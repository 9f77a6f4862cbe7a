//! One frame to the innermost segment in it: link layer, VLAN tags, MPLS, PPPoE, tunnels (VXLAN on 4789 and
//! 8472, Geneve, GRE, ERSPAN, IP in IP), IPv4 and IPv6 with extension headers, TCP, UDP, ICMP.
//!
//! Sources: LINKTYPE_ list of tcpdump.org, RFC 791, 8200, 9293, 768, 792, 4443, 7348, 8926, 2784, 2003.
//! IP headers are etherparse's; link types it does not know, tunnels and cut TCP headers are read here.

mod link;
mod network;
mod segment;
mod tunnel;

pub use link::decode;
pub use network::{decode_ip, transport_of_reassembled};
pub use segment::{
    Fragment, Icmp, Quoted, Segment, Tcp, Transport, Tunnel, TunnelKind, Udp, Unread,
    copy_signature,
};
