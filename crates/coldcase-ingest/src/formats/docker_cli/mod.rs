//! What the command lines of container engines print as text: tables of containers and images (one reader, so that
//! several outputs in one file are all read), events, the engine's own description, and its configuration file.

mod ago;
mod containers;
pub mod daemon_json;
mod engine;
pub mod events;
pub mod images;
pub mod info;
pub mod ps;
mod status;
mod tables;

use std::io::Read;

use crate::Probe;

/// Whether an artifact begins with a JSON document.
fn is_json(probe: &Probe<'_>) -> bool {
    probe.outline().is_some()
}

/// Reads at most 64 KiB.
fn read_head(reader: &mut dyn Read, head: &mut Vec<u8>) -> std::io::Result<()> {
    let mut limited = Read::take(reader, 64 << 10);
    limited.read_to_end(head).map(drop)
}
