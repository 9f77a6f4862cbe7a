//! .

pub mod dns;
