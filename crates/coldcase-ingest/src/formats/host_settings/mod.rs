//! Settings of a host that name others: /etc/hosts, resolv.conf, sshd_config.

mod hosts;
mod resolver;
mod sshd;

pub use hosts::FORMAT as HOSTS_FILE;
pub use resolver::FORMAT as RESOLV_CONF;
pub use sshd::FORMAT as SSHD_CONFIG;
