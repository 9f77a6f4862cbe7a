//! The rows of logins, boots and clock changes: one builder for all tools, so that the same login reads the same
//! whichever of them told it.

use std::borrow::Cow;
use std::fmt;

use coldcase_model::{Attributes, Event, Place, Timestamp, When, action, outcome};

use super::peer::Peer;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A logout was recorded.
    Logout,
    /// The host came up again without having gone down.
    Crash,
    /// The host was shut down.
    Down,
    /// No logout was recorded, yet the session is over: the next login took its terminal, or its process is gone.
    Gone,
    /// It had not ended when the record ends.
    Still,
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Crash => "crash",
            Self::Down => "down",
            Self::Gone => "gone",
            Self::Still => "still",
        }
    }
}

/// One login, or one that failed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Login<'a> {
    /// When.
    pub when: Option<When>,
    /// When the session ended.
    pub end: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// `Some(true)`: it succeeded.
    pub success: Option<bool>,
    /// The account.
    pub user: Cow<'a, str>,
    /// The terminal.
    pub tty: Cow<'a, str>,
    /// Where it came from.
    pub peer: Peer<'a>,
    /// Process of the session.
    pub pid: Option<i64>,
    /// Kernel's session.
    pub session: Option<i64>,
    /// What it runs, as `w` shows it.
    pub command: Option<Cow<'a, str>>,
    /// How long its terminal has been idle, as `w` and `who` show it.
    pub idle: Option<Cow<'a, str>>,
}

impl<'a> Login<'a> {
    /// The row at this place.
    pub fn event(self, place: Place) -> Event<'a> {
        let mut attributes = Attributes::new();
        terminal(&mut attributes, &self.tty);
        peer(&mut attributes, &self.peer);
        attributes
            .text_if("ended", self.ended.map(Ended::as_str))
            .number_if("session", self.session)
            .text_if("idle", self.idle.as_deref());
        let message = self.message();
        let event = Event {
            when: self.when,
            ts_end: self.end,
            outcome: self.success.map(|success| match success {
                true => outcome::SUCCESS,
                false => outcome::FAILURE,
            }),
            user: known(self.user),
            src_ip: self.peer.address,
            pid: self.pid,
            command: self.command,
            attributes: attributes.finish().map(Cow::Owned),
            message: Some(Cow::Owned(message)),
            ..Event::new(action::LOGIN)
        };
        at(event, place)
    }

    fn message(&self) -> String {
        let user = match &*self.user {
            "" => "an unnamed user",
            user => user,
        };
        let mut message = match self.success {
            Some(true) => format!("{user} logged in"),
            Some(false) => format!("failed login of {user}"),
            None => format!("login of {user}"),
        };
        for (word, text) in [(" on ", Some(&*self.tty)), (" from ", self.peer.shown())] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                message.push_str(word);
                message.push_str(text);
            }
        }
        let Some(ended) = self.ended else {
            return message;
        };
        message.push_str(match ended {
            Ended::Logout => ", logged out",
            Ended::Crash => ", ended by a crash",
            Ended::Down => ", ended by a shutdown",
            Ended::Gone => ", gone without a logout",
            Ended::Still => ", no end seen",
        });
        if let Some(end) = self.end {
            message.push_str(&format!(" at {end}"));
        }
        message
    }

    /// The same with all text owned.
    pub fn into_owned(self) -> Login<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        Login {
            when: self.when,
            end: self.end,
            ended: self.ended,
            success: self.success,
            user: own(self.user),
            tty: own(self.tty),
            peer: self.peer.into_owned(),
            pid: self.pid,
            session: self.session,
            command: self.command.map(own),
            idle: self.idle.map(own),
        }
    }
}

/// A terminal, and the service where it names one: `ssh:notty`, `ftpd4711`.
fn terminal(attributes: &mut Attributes, tty: &str) {
    if tty.is_empty() {
        return;
    }
    attributes.text("tty", tty);
    let service = match tty.split_once(':') {
        Some((service, _)) => service,
        None if tty.starts_with("ftpd") || tty.starts_with("vsftpd") => {
            tty.trim_end_matches(|last: char| last.is_ascii_digit())
        }
        None => "",
    };
    if !service.is_empty() && service.bytes().all(|byte| byte.is_ascii_lowercase()) {
        attributes.text("service", service);
    }
}

fn peer(attributes: &mut Attributes, peer: &Peer<'_>) {
    attributes
        .text_if("rhost", peer.name.as_deref())
        .text_if("display", peer.display.as_deref());
    if peer.cut {
        attributes.flag("rhost_cut", true);
    }
}

fn known(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(text)
}

fn at(event: Event<'_>, place: Place) -> Event<'_> {
    match place {
        Place::Line(line) => Event {
            line: Some(line),
            ..event
        },
        Place::Offset(offset) => Event {
            offset: Some(offset),
            ..event
        },
        Place::Whole => event,
    }
}

/// What a host's records say beside logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// It came up, with this kernel.
    Boot { kernel: &'a str },
    /// It went down.
    Shutdown { kernel: &'a str },
    /// It went to another run level; 0 and 6 are ways down.
    RunLevel { level: char, before: Option<char> },
    /// Its clock was set from one time to another; where a record is missing, that time is unknown.
    Clock {
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    },
}

impl Change<'_> {
    /// The row at this place.
    pub fn event(self, when: Option<When>, place: Place) -> Event<'static> {
        let mut attributes = Attributes::new();
        let stamp = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let (action, message) = match self {
            Self::Boot { kernel } => {
                kernel_of(&mut attributes, kernel);
                (action::BOOT, with_kernel("the host came up", kernel))
            }
            Self::Shutdown { kernel } => {
                kernel_of(&mut attributes, kernel);
                (action::SHUTDOWN, with_kernel("the host went down", kernel))
            }
            Self::RunLevel { level, before } => {
                attributes.text("run_level", level.encode_utf8(&mut [0; 4]));
                if let Some(before) = before {
                    attributes.text("run_level_before", before.encode_utf8(&mut [0; 4]));
                }
                match level {
                    '0' => (action::SHUTDOWN, "run level 0: the host went down".into()),
                    '6' => (action::SHUTDOWN, "run level 6: the host went down".into()),
                    level => (action::LOG, format!("the host went to run level {level}")),
                }
            }
            Self::Clock { before, after } => {
                let (before, after) = (stamp(before), stamp(after));
                attributes
                    .text_if("before", before.as_deref())
                    .text_if("after", after.as_deref());
                let shown = |text: Option<String>| text.unwrap_or_else(|| "an unknown time".into());
                let (before, after) = (shown(before), shown(after));
                let message = format!("the clock was set from {before} to {after}");
                (action::CLOCK_CHANGED, message)
            }
        };
        let event = Event {
            when,
            attributes: attributes.finish().map(Cow::Owned),
            message: Some(Cow::Owned(message)),
            ..Event::new(action)
        };
        at(event, place)
    }

    /// Whether sessions end with it.
    pub fn is_down(self) -> bool {
        match self {
            Self::Shutdown { .. } => true,
            Self::RunLevel { level, .. } => matches!(level, '0' | '6'),
            _ => false,
        }
    }
}

/// A run of records that are nothing but zeros: what log wipers leave, and a crash of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wiped {
    /// Records in it.
    pub count: u64,
    /// Time of the record before it.
    pub after: Option<Timestamp>,
    /// Time of the record behind it.
    pub before: Option<Timestamp>,
}

impl Wiped {
    /// The row at this place; when it was written is unknown.
    pub fn event(self, place: Place) -> Event<'static> {
        let stamp = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let mut attributes = Attributes::new();
        attributes
            .number("zeroed", self.count)
            .text_if("after", stamp(self.after).as_deref())
            .text_if("before", stamp(self.before).as_deref());
        let event = Event {
            attributes: attributes.finish().map(Cow::Owned),
            message: Some(Cow::Owned(self.to_string())),
            ..Event::new(action::LOG)
        };
        at(event, place)
    }
}

impl fmt::Display for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = if self.count == 1 { "record" } else { "records" };
        write!(f, "{} zeroed {records}", self.count)?;
        match (self.after, self.before) {
            (Some(after), Some(before)) => write!(f, " between {after} and {before}")?,
            (Some(after), None) => write!(f, " after {after}")?,
            (None, Some(before)) => write!(f, " before {before}")?,
            (None, None) => {}
        }
        f.write_str(": wiped, or never written")
    }
}

/// `last -i` shows `0.0.0.0` where the kernel's release would stand.
fn kernel_of(attributes: &mut Attributes, kernel: &str) {
    if !matches!(kernel, "" | "0.0.0.0") {
        attributes.text("kernel", kernel);
    }
}

fn with_kernel(what: &str, kernel: &str) -> String {
    match kernel {
        "" | "0.0.0.0" => what.to_owned(),
        kernel => format!("{what}, kernel {kernel}"),
    }
}

/// The end of a session whose login was not recorded.
pub fn logout(
    when: Option<When>,
    user: &str,
    tty: &str,
    pid: Option<i64>,
    exit: Option<i64>,
    place: Place,
) -> Event<'static> {
    let mut attributes = Attributes::new();
    terminal(&mut attributes, tty);
    attributes.number_if("exit_code", exit);
    let tty = if tty.is_empty() { "a terminal" } else { tty };
    let message = match user {
        "" => format!("the session on {tty} ended"),
        user => format!("the session of {user} on {tty} ended"),
    };
    let event = Event {
        when,
        user: known(Cow::Owned(user.to_owned())),
        pid,
        attributes: attributes.finish().map(Cow::Owned),
        message: Some(Cow::Owned(message)),
        ..Event::new(action::SESSION_CLOSED)
    };
    at(event, place)
}

/// What is none of these: a getty that waits, a process of init.
pub fn remark(
    when: Option<When>,
    message: String,
    tty: &str,
    pid: Option<i64>,
    place: Place,
) -> Event<'static> {
    let mut attributes = Attributes::new();
    terminal(&mut attributes, tty);
    let event = Event {
        when,
        pid,
        attributes: attributes.finish().map(Cow::Owned),
        message: Some(Cow::Owned(message)),
        ..Event::new(action::LOG)
    };
    at(event, place)
}
