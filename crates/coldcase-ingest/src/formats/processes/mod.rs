//! What lists processes and what they hold: ps, top, listings of /proc, lsof, the kernel's tables of sockets.
//! All share one row of a process and the reading of what a terminal left in the text.

mod cells;
mod clock_text;
mod columns;
mod reader;
mod row;
pub(super) mod shown;
mod socket;
mod table;

pub mod lsof;
pub mod proc_listing;
pub mod proc_net;
pub mod ps;
pub mod top;
