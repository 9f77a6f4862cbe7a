//! Logs of Suricata, and Snort's alerts in the same one-line form. Each format has a file here with its page.

mod eve;
mod eve_alert;
mod eve_dns;
mod eve_flow;
mod eve_other;
mod fast;

pub use eve::FORMAT as EVE;
pub use fast::FORMAT as FAST;
