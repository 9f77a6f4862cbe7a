//! Pure decoders over byte slices: capture files, link layers, tunnels, IP, TCP, UDP, ICMP, DNS and heads of HTTP.
//! No IO, no allocation a packet; bytes from an attacker never panic, hang or grow anything.

pub mod capture;
pub mod dns;
pub mod http;
pub mod packet;
