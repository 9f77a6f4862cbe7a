//! Pure decoders over byte slices: capture files, link layers, tunnels, IP, TCP, UDP, ICMP and DNS.
//! No IO, no allocation a packet; bytes from an attacker never panic, hang or grow anything.

pub mod capture;
pub mod dns;
pub mod packet;
