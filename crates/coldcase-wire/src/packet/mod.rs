//! One frame to the innermost segment in it: link layer, VLAN tags, MPLS, PPPoE, tunnels (VXLAN on 4789 and
//! 8472, Geneve, GRE, ERSPAN, IP in IP), IPv4 and IPv6 with extension headers, TCP, UDP, ICMP.
//!
//! Sources: LINKTYPE_ list of tcpdump.org, RFC 791, 8200, 9293, 768, 792, 4443, 7348, 8926, 2784, 2003.
//! The fixed IP headers are etherparse's; all else is read here (docs/adr/0004).

mod ip;
mod link;
mod network;
mod segment;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;

pub use link::decode;
pub use network::decode_ip;
pub use segment::{
    Fragment, Icmp, Quoted, Segment, Tcp, Transport, Tunnel, TunnelKind, Udp, Unread,
    copy_signature,
};
pub use transport::transport_of_reassembled;
