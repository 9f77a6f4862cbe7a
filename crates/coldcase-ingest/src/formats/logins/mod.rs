//! Who logged in when and from where, as the login databases hold it and as their tools print it: `utmp`, `wtmp`,
//! `btmp` and `lastlog`; `last`, `lastb`, `lastlog`, `who` and `w`. All give the same rows ([`login`]). A login that came
//! by ssh is a `login` here, never an `ssh-login`: that is what sshd's own log says.

mod last;
mod lastlog;
mod lastlog_text;
mod login;
mod peer;
mod text;
mod utmp;
mod who;

pub use last::FORMAT as LAST;
pub use lastlog::FORMAT as LASTLOG;
pub use lastlog_text::FORMAT as LASTLOG_TEXT;
pub use utmp::FORMAT as UTMP;
pub use who::FORMAT as WHO;
