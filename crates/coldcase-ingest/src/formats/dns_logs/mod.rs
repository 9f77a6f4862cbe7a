//! Logs of DNS servers that came as files of their own. Each server has a file here with its page; the wordings are
//! those of [`crate::syslog`], which reads the same lines out of a mixed syslog.

mod dnsmasq;
mod head;
mod named;
mod reader;
mod resolved;
mod unbound;

pub use dnsmasq::FORMAT as DNSMASQ;
pub use named::FORMAT as NAMED;
pub use resolved::FORMAT as RESOLVED;
pub use unbound::FORMAT as UNBOUND;

#[cfg(test)]
mod tests;
