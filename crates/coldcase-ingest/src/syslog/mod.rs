//! What syslog lines have in common, whatever carries them (files, journald, a container's log): heads, times of
//! year-less stamps, and the wordings of programs. A program's wordings are one file and one line in [`programs`].

mod accounts;
mod dropbear;
mod header;
mod pam;
mod privilege;
mod programs;
mod records;
mod row;
mod sessions;
mod sshd;
mod times;

pub(crate) use header::{Header, read as read_header};
pub(crate) use programs::read as read_message;
pub(crate) use records::{Records, emit, repeated_last, unfold};
pub(crate) use row::Row;
pub(crate) use times::{Times, Unknown};
