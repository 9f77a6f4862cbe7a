//! What syslog lines have in common, whatever carries them (files, journald, a container's log): heads, times of
//! year-less stamps, and the wordings of programs. A program's wordings are one file and one line in [`programs`].

mod accounts;
mod clocks;
mod dns;
mod dnsmasq;
mod dropbear;
mod engines;
mod header;
mod ids;
mod kernel;
mod klog;
mod leases;
mod loggers;
mod named;
mod pam;
mod privilege;
mod programs;
mod records;
mod resolved;
mod row;
mod sessions;
mod sshd;
mod systemd;
mod times;
mod unbound;

pub(crate) use dns::{answered, query_type, response_code};
pub(crate) use header::{Header, read as read_header, read_tagged, read_unstamped};
pub(crate) use ids::read as read_ids_alert;
pub(crate) use kernel::without_stamp as without_kernel_stamp;
pub(crate) use programs::read as read_message;
pub(crate) use records::{Records, emit, repeated_last, unfold};
pub(crate) use row::Row;
pub(crate) use times::{Times, Unknown};
