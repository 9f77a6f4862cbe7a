//! One container engine as it describes itself or is configured: the row `engine-listed`.

use coldcase_model::{Attributes, Event, action};

use crate::Clock;
use crate::terminal_text::cut;

/// Most entries of a list.
const MAX_LIST: usize = 256;

/// Longest text kept of a warning.
const MAX_TEXT: usize = 1 << 10;

/// What is known of an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engine {
    /// `docker`, `podman`, `containerd`.
    pub engine: &'static str,
    /// Facts by the attribute's name, in the order in which they were found.
    pub facts: Vec<(&'static str, String)>,
    /// Counts likewise.
    pub counts: Vec<(&'static str, i64)>,
    /// Yes and no likewise.
    pub flags: Vec<(&'static str, bool)>,
    /// Lists likewise.
    pub lists: Vec<(&'static str, Vec<String>)>,
    /// Addresses that its API is at: `tcp://0.0.0.0:2375`, `unix:///var/run/docker.sock`.
    pub listen: Vec<String>,
    /// Registries and mirrors that images come from.
    pub registries: Vec<String>,
    /// Those that are not verified.
    pub insecure_registries: Vec<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it warns of.
    pub warnings: Vec<String>,
    /// Whether its API is encrypted.
    pub tls: Option<bool>,
    /// Line at which it begins.
    pub line: u64,
}

impl Engine {
    /// Nothing known yet.
    pub fn new(engine: &'static str, line: u64) -> Self {
        Self {
            engine,
            line,
            ..Self::default()
        }
    }

    /// Whether anything is known.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
            && self.lists.is_empty()
            && self.listen.is_empty()
            && self.warnings.is_empty()
    }

    /// A fact, if there is one and it was not known.
    pub fn fact(&mut self, name: &'static str, value: Option<&str>) {
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        let is_known = self.facts.iter().any(|(known, _)| *known == name);
        if let Some(value) = value.filter(|_| !is_known) {
            self.facts.push((name, cut(value, MAX_TEXT).to_owned()));
        }
    }

    /// A count, likewise.
    pub fn count(&mut self, name: &'static str, value: Option<i64>) {
        let is_known = self.counts.iter().any(|(known, _)| *known == name);
        if let Some(value) = value.filter(|_| !is_known) {
            self.counts.push((name, value));
        }
    }

    /// A yes or no, likewise.
    pub fn flag(&mut self, name: &'static str, value: Option<bool>) {
        let is_known = self.flags.iter().any(|(known, _)| *known == name);
        if let Some(value) = value.filter(|_| !is_known) {
            self.flags.push((name, value));
        }
    }

    /// A list that is not empty.
    pub fn list<T: AsRef<str>>(
        &mut self,
        name: &'static str,
        entries: impl IntoIterator<Item = T>,
    ) {
        let mut list = Vec::new();
        for entry in entries {
            push(&mut list, entry.as_ref());
        }
        if !list.is_empty() {
            self.lists.push((name, list));
        }
    }

    /// A warning; one that says where the API listens gives that too.
    pub fn warn(&mut self, warning: &str) {
        const ACCESSIBLE: &str = "API is accessible on ";
        let warning = warning.trim();
        if let Some((_, rest)) = warning.split_once(ACCESSIBLE) {
            let url = rest.split(' ').next().unwrap_or(rest);
            if let Some((scheme, address)) = url.split_once("://") {
                push(
                    &mut self.listen,
                    &format!("tcp://{}", address.trim_end_matches(['.', '/'])),
                );
                self.tls = Some(scheme == "https");
            }
        }
        push(&mut self.warnings, cut(warning, MAX_TEXT));
    }

    /// The row.
    pub fn event(&self, clock: &Clock) -> Event<'static> {
        let mut attributes = Attributes::new();
        attributes.text("engine", self.engine);
        for (name, value) in &self.facts {
            attributes.text(name, value);
        }
        for (name, value) in &self.counts {
            attributes.number(name, *value);
        }
        for (name, value) in &self.flags {
            attributes.flag(name, *value);
        }
        for (name, list) in &self.lists {
            attributes.texts(name, list);
        }
        let lists = [
            ("listen", &self.listen),
            ("registries", &self.registries),
            ("insecure_registries", &self.insecure_registries),
            ("labels", &self.labels),
            ("warnings", &self.warnings),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                attributes.texts(name, list);
            }
        }
        if let Some(tls) = self.tls {
            attributes.flag("tls", tls);
        }
        Event {
            when: clock.collected(),
            attributes: attributes.finish().map(Into::into),
            message: Some(self.message().into()),
            line: Some(self.line),
            ..Event::new(action::ENGINE_LISTED)
        }
    }

    fn message(&self) -> String {
        let fact = |name: &str| {
            let found = self.facts.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str())
        };
        let mut message = format!("{} engine", self.engine);
        if let Some(version) = fact("version") {
            message.push_str(&format!(" {version}"));
        }
        if let Some(name) = fact("name") {
            message.push_str(&format!(" on {name}"));
        }
        if !self.listen.is_empty() {
            message.push_str(&format!(", API at {}", self.listen.join(", ")));
        }
        if self.tls == Some(false) {
            message.push_str(" without encryption");
        }
        message
    }
}

/// Adds an entry to a list once.
pub fn push(list: &mut Vec<String>, entry: &str) {
    let entry = entry.trim();
    if !entry.is_empty() && list.len() < MAX_LIST && !list.iter().any(|known| known == entry) {
        list.push(cut(entry, MAX_TEXT).to_owned());
    }
}
