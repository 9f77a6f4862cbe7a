//! What people and attackers typed or left for a shell: histories and scripts. Shared are the words that begin
//! commands and how far a command goes.

mod history;
mod history_line;
mod history_sniff;
mod script;
mod syntax;
mod targets;
mod words;

pub use history::FORMAT as HISTORY;
pub use script::FORMAT as SCRIPT;
