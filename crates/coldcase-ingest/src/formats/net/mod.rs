//! What the network tools of a host print: sockets, flows, interfaces, routes, queues and packet filters, each
//! a format of its own. Shared here: lines as plain text, and endpoints and rows of sockets.

mod endpoint;
mod interface;
mod plain;
mod rule;
mod sample;
mod socket;
#[cfg(test)]
mod testing;

pub mod conntrack;
pub mod iftop;
pub mod ip_link;
pub mod ip_neigh_route;
pub mod iptables;
pub mod metrics_text;
pub mod netstat;
pub mod nft;
pub mod prometheus;
pub mod ss;
pub mod tc;
