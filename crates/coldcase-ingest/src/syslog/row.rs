//! The row that a line becomes, as its program's reader fills it.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, action, canonical_ip, outcome};

/// An event in the making.
pub struct Row<'a> {
    /// Cells.
    pub event: Event<'a>,
    /// The cell `attributes`.
    pub attributes: Attributes,
    /// How many authentications the line stands for.
    pub times: u32,
    /// Whether sshd decided by keyboard-interactive.
    pub interactive: bool,
    /// Whether PAM's error told of the decision, and sshd's own line may follow.
    pub pam_error: bool,
    /// Attribute `unit`: the unit that the record is about, else that of its process.
    pub unit: Option<&'a str>,
    /// Attribute `container_id`.
    pub container_id: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// A `log` row without cells.
    pub fn new() -> Self {
        Self {
            event: Event::new(action::LOG),
            attributes: Attributes::new(),
            times: 1,
            interactive: false,
            pam_error: false,
            unit: None,
            container_id: None,
        }
    }

    /// Sets the action, with an outcome where there is one.
    pub fn set(&mut self, action: &'static str, outcome: Option<&'static str>) -> &mut Self {
        self.event.action = action;
        self.event.outcome = outcome;
        self
    }

    /// The account; an empty name is unknown.
    pub fn user(&mut self, user: &'a str) -> &mut Self {
        self.event.user = (!user.is_empty()).then_some(Cow::Borrowed(user));
        self
    }

    /// The command; an empty one is unknown.
    pub fn command(&mut self, command: &'a str) -> &mut Self {
        self.event.command = (!command.is_empty()).then_some(Cow::Borrowed(command));
        self
    }

    /// A peer: its address goes into the cell, a name into the attribute `rhost`.
    pub fn peer(&mut self, address: &'a str, port: Option<u16>) -> &mut Self {
        self.event.src_ip = canonical_ip(address);
        self.event.src_port = port;
        if self.event.src_ip.is_none() && !matches!(address, "" | "UNKNOWN" | "?" | "(null)") {
            self.attributes.text("rhost", address);
        }
        self
    }

    /// The cell `attributes`, which takes the last of them.
    pub fn attributes(&mut self) -> Option<Cow<'static, str>> {
        self.attributes
            .text_if("unit", self.unit.take())
            .text_if("container_id", self.container_id.take());
        std::mem::take(&mut self.attributes)
            .finish()
            .map(Cow::Owned)
    }

    /// A text attribute, left out where it is empty.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        if !value.is_empty() {
            self.attributes.text(key, value);
        }
        self
    }
}

/// The column `outcome` of a yes or no.
pub fn outcome_of(success: bool) -> Option<&'static str> {
    Some(if success {
        outcome::SUCCESS
    } else {
        outcome::FAILURE
    })
}

/// The text within the first pair of quotes.
pub fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(['\'', '"'])?;
    rest.split_once(['\'', '"']).map(|(inside, _)| inside)
}
