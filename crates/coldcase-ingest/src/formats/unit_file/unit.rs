//! One unit with its drop-ins: what its settings come to when all of its files are read.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action};

use super::listen;
use crate::Clock;

/// Most commands, listeners and schedules of one unit; real ones have some ten.
const MAX_ENTRIES: usize = 512;

/// Longest value kept; what is longer is cut.
const MAX_VALUE: usize = 64 << 10;

/// A setting that makes a row.
#[derive(Debug, Clone)]
struct Entry {
    line: u64,
    path: Option<String>,
    directive: String,
    value: String,
    overrides: Option<String>,
}

/// A unit as far as it has been read.
#[derive(Debug, Default)]
pub struct Unit {
    name: Option<String>,
    path: Option<String>,
    entries: Vec<Entry>,
    taken_back: Vec<(String, String)>,
    user: Option<String>,
    environment: Vec<String>,
    activates: Option<String>,
}

/// The unit that a file's path names: itself, or what a drop-in's folder says.
pub fn name_of(path: &str) -> Option<&str> {
    const KINDS: [&str; 10] = [
        ".service",
        ".socket",
        ".timer",
        ".path",
        ".mount",
        ".automount",
        ".target",
        ".slice",
        ".swap",
        ".scope",
    ];
    let is_unit = |name: &str| {
        KINDS
            .iter()
            .any(|kind| name.len() > kind.len() && name.ends_with(kind))
    };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if is_unit(name) {
        return Some(name);
    }
    let folder = folder.rsplit('/').next()?.strip_suffix(".d")?;
    is_unit(folder).then_some(folder)
}

impl Unit {
    /// The unit of a collected file, which may be told by its name.
    pub fn of_file(path: &str) -> Self {
        Self {
            name: name_of(path).map(str::to_owned),
            path: name_of(path).map(|_| on_host(path)),
            ..Self::default()
        }
    }

    /// Another file begins: of this unit, or of the next.
    pub fn begin_file(&mut self, path: &str, clock: &Clock, sink: &mut dyn Sink) {
        let name = name_of(path).map(str::to_owned);
        if name.is_none() || name != self.name {
            self.finish(clock, sink);
            *self = Self {
                name,
                ..Self::default()
            };
        }
        self.path = Some(path.to_owned());
    }

    /// Takes a setting; false where no row says it.
    pub fn take(&mut self, section: &str, key: &str, value: &str, line: u64) -> bool {
        let end = (0..=value.len().min(MAX_VALUE))
            .rev()
            .find(|end| value.is_char_boundary(*end));
        let value = value.get(..end.unwrap_or(0)).unwrap_or(value);
        let makes_row = (section == "Service" && key.starts_with("Exec"))
            || (section == "Socket" && (key.starts_with("Listen") || key.starts_with("Exec")))
            || (section == "Timer"
                && key.starts_with("On")
                && key != "OnClockChange"
                && key != "OnTimezoneChange")
            || (section == "Path" && (key.starts_with("Path") || key == "DirectoryNotEmpty"));
        match (section, key) {
            ("Service" | "Socket", "User") => {
                self.user = Some(value.to_owned()).filter(|user| !user.is_empty())
            }
            ("Service", "Environment" | "EnvironmentFile") => match value.is_empty() {
                true => self.environment.clear(),
                false if self.environment.len() < 64 => {
                    let shown = if key == "Environment" {
                        value.to_owned()
                    } else {
                        format!("file {value}")
                    };
                    self.environment.push(shown);
                }
                false => {}
            },
            ("Timer" | "Path", "Unit") => self.activates = Some(value.to_owned()),
            _ if !makes_row => return false,
            _ if value.is_empty() => self.take_back(key),
            _ if self.entries.len() < MAX_ENTRIES => {
                let overrides = self
                    .taken_back
                    .iter()
                    .position(|(directive, _)| directive == key);
                let overrides = overrides.map(|at| self.taken_back.remove(at).1);
                self.entries.push(Entry {
                    line,
                    path: self.path.clone(),
                    directive: key.to_owned(),
                    value: value.to_owned(),
                    overrides,
                });
            }
            _ => return false,
        }
        true
    }

    /// An empty setting takes back those above it.
    fn take_back(&mut self, key: &str) {
        let gone: Vec<String> = self
            .entries
            .iter()
            .filter(|entry| entry.directive == key)
            .map(|entry| entry.value.clone())
            .collect();
        self.entries.retain(|entry| entry.directive != key);
        if !gone.is_empty() {
            self.taken_back.retain(|(directive, _)| directive != key);
            self.taken_back.push((key.to_owned(), gone.join("; ")));
        }
    }

    /// Hands the unit's rows on.
    pub fn finish(&mut self, clock: &Clock, sink: &mut dyn Sink) {
        for entry in std::mem::take(&mut self.entries) {
            match entry.directive.as_str() {
                directive if directive.starts_with("On") => self.timer(&entry, clock, sink),
                _ => self.service(&entry, clock, sink),
            }
        }
    }

    fn service(&self, entry: &Entry, clock: &Clock, sink: &mut dyn Sink) {
        let is_command = entry.directive.starts_with("Exec");
        let is_listener = entry.directive.starts_with("Listen");
        let command = without_prefixes(&entry.value);
        let listen = match (is_command, is_listener) {
            (true, _) => listen::of_command(command),
            (_, true) => vec![listen::of_socket(&entry.value)],
            _ => Vec::new(),
        };
        let mut attributes = Attributes::new();
        attributes
            .text_if("unit", self.name.as_deref())
            .text("directive", &entry.directive);
        if !listen.is_empty() {
            attributes.texts("listen", &listen);
        }
        if !is_command && !is_listener {
            attributes.text("watches", &entry.value);
            attributes.text_if("activates", self.activates(".path").as_deref());
        }
        attributes.text_if("user", self.user.as_deref());
        if !self.environment.is_empty() {
            attributes.texts("environment", &self.environment);
        }
        attributes.text_if("overrides", entry.overrides.as_deref());
        let mut event = Event::new(action::SERVICE_DEFINED);
        event.when = clock.collected();
        event.line = Some(entry.line);
        event.path = entry.path.as_deref().map(Cow::Borrowed);
        event.user = self.user.as_deref().map(Cow::Borrowed);
        event.command = is_command.then_some(Cow::Borrowed(command));
        event.attributes = attributes.finish().map(Cow::Owned);
        let name = self.name.as_deref().unwrap_or("unit");
        event.message = Some(format!("{name} {}: {}", entry.directive, entry.value).into());
        sink.event(&event);
    }

    fn timer(&self, entry: &Entry, clock: &Clock, sink: &mut dyn Sink) {
        let activates = self.activates(".timer");
        let mut attributes = Attributes::new();
        attributes
            .text("schedule", &format!("{}={}", entry.directive, entry.value))
            .text("kind", "timer")
            .text_if("unit", self.name.as_deref())
            .text_if("activates", activates.as_deref());
        let mut event = Event::new(action::JOB_LISTED);
        event.when = clock.collected();
        event.line = Some(entry.line);
        event.path = entry.path.as_deref().map(Cow::Borrowed);
        event.attributes = attributes.finish().map(Cow::Owned);
        let name = self.name.as_deref().unwrap_or("timer");
        event.message = Some(format!("{name} {}={}", entry.directive, entry.value).into());
        sink.event(&event);
    }

    /// The unit that a timer or path starts: the one it names, else the service of its name.
    fn activates(&self, kind: &str) -> Option<String> {
        self.activates.clone().or_else(|| {
            let name = self.name.as_deref()?.strip_suffix(kind)?;
            Some(format!("{name}.service"))
        })
    }
}

/// A command without what tells systemd how to run it.
fn without_prefixes(value: &str) -> &str {
    value
        .trim_start_matches(['-', '@', '+', '!', ':', '|'])
        .trim_start()
}

/// The file's path on its host: what stands before the first folder of the root is the bundle's.
fn on_host(path: &str) -> String {
    for start in ["etc/", "usr/lib/", "lib/", "run/", "usr/local/"] {
        if path.starts_with(start) {
            return format!("/{path}");
        }
        if let Some(at) = path.find(&format!("/{start}")) {
            return path.get(at..).unwrap_or(path).to_owned();
        }
    }
    path.to_owned()
}
