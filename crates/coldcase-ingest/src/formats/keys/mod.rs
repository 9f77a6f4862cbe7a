//! Public keys of ssh as files hold them: who may log in with which key, and whose hosts' keys are known.

mod authorized_keys;
mod key_file;
mod known_hosts;
mod public_key;

pub use authorized_keys::FORMAT as AUTHORIZED_KEYS;
pub use known_hosts::FORMAT as KNOWN_HOSTS;
