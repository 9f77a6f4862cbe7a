//! One row of a table: what its cells must look like, and what the timeline makes of it.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};

use super::age::Age;
use super::table::Kind;
use super::{events, services, workloads};
use crate::Clock;

/// Cells by the names of their columns.
pub type Cells<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// One row: its cells by the names of their columns; empty ones and `<none>` are left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// What the table lists.
    pub kind: Kind,
    /// Its cells.
    pub cells: Cells<'a>,
    /// The namespace that the command line asked for.
    pub namespace: Option<&'a str>,
}

impl Row<'_> {
    /// The cell below this header.
    pub fn cell(&self, name: &str) -> Option<&str> {
        self.cells
            .iter()
            .find(|(column, _)| column == name)
            .map(|(_, cell)| &**cell)
    }

    /// The cell below the first of these headers that there is.
    pub fn any_cell(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.cell(name))
    }

    /// Whether the cells have the shapes of their columns.
    pub fn fits(&self) -> bool {
        if self.kind == Kind::Events {
            return events::fits(self);
        }
        let word = |cell: &str| !cell.is_empty() && !cell.contains([' ', '\t', '"']);
        // Names of objects are those of DNS; a kind and a colon may stand before.
        let name = |cell: &str| {
            cell.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._/:".contains(&byte))
        };
        let is_address = |cell: &str| canonical_ip(first(cell)).is_some();
        let is_version = |cell: &str| {
            let bare = cell.trim_start_matches('v');
            bare.starts_with(|first: char| first.is_ascii_digit())
        };
        self.cell("NAME").is_some_and(name)
            && self.cell("NAMESPACE").is_none_or(name)
            && self.address().is_none_or(is_address)
            && self.cell("STATUS").is_none_or(word)
            && match self.kind {
                Kind::Pods => {
                    self.cell("READY").is_none_or(is_ready)
                        && self.cell("NODE").is_none_or(word)
                        && self
                            .cell("RESTARTS")
                            .is_none_or(|cell| restarts(cell).is_some())
                        && (self.cell("READY").is_some() || self.address().is_some())
                }
                Kind::Nodes => {
                    self.cell("VERSION").is_none_or(is_version)
                        && self.cell("STATUS").is_some_and(|status| {
                            ["Ready", "NotReady", "Unknown", "SchedulingDisabled"]
                                .contains(&status.split(',').next().unwrap_or_default())
                        })
                }
                Kind::Services => services::fits(self),
                Kind::Workloads => workloads::fits(self),
                Kind::Events => true,
            }
    }

    /// The address or addresses.
    pub fn address(&self) -> Option<&str> {
        match self.kind {
            Kind::Pods => self.any_cell(&["IP", "POD_IP", "PODIP", "POD-IP", "IPS"]),
            Kind::Nodes => self.cell("INTERNAL-IP"),
            Kind::Events | Kind::Services | Kind::Workloads => None,
        }
    }

    /// Hands the row to the sink.
    pub fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let addresses: Vec<Cow<'_, str>> = self
            .address()
            .into_iter()
            .flat_map(|cell| cell.split(','))
            .filter_map(|ip| canonical_ip(ip.trim()))
            .collect();
        let mut attributes = Attributes::new();
        let mut event = match self.kind {
            Kind::Pods => self.pod(&mut attributes),
            Kind::Nodes => self.node(&mut attributes),
            Kind::Events => return events::emit_row(self, line, sink),
            Kind::Services => return services::emit_row(self, line, clock, sink),
            Kind::Workloads => return workloads::emit_row(self, line, clock, sink),
        };
        if let Some(age) = self.cell("AGE").and_then(Age::parse) {
            attributes
                .number("age_seconds", age.seconds)
                .number("age_unit_seconds", age.unit_seconds);
        }
        if addresses.len() > 1 {
            attributes.texts("addresses", &addresses);
        }
        self.describe_others(&mut attributes);
        event.when = clock.collected();
        event.src_ip = addresses.into_iter().next();
        event.line = Some(line);
        event.attributes = attributes.finish().map(Cow::Owned);
        sink.event(&event);
    }

    fn pod(&self, attributes: &mut Attributes) -> Event<'_> {
        let name = self.cell("NAME").unwrap_or_default();
        let name = name.strip_prefix("pod/").unwrap_or(name);
        let namespace = self.cell("NAMESPACE").or(self.namespace);
        let restarts = self.cell("RESTARTS").and_then(restarts);
        let node = self.cell("NODE");
        attributes
            .text_if("node", node)
            .text_if("status", self.cell("STATUS"))
            .text_if("ready", self.cell("READY"))
            .number_if("restarts", restarts.map(|(count, _)| count));
        if let Some((_, Some(ago))) = restarts {
            attributes.number("last_restart_seconds", ago.seconds);
        }
        let mut event = Event::new(action::POD_LISTED);
        event.pod = Some(Cow::Borrowed(name));
        event.namespace = namespace.map(Cow::Borrowed);
        let namespace = namespace.map_or(String::new(), |namespace| format!("{namespace}/"));
        let status = self.cell("STATUS").unwrap_or("listed");
        let node = node.map_or(String::new(), |node| format!(" on {node}"));
        let address = self
            .address()
            .map_or(String::new(), |ip| format!(" at {ip}"));
        event.message = Some(format!("pod {namespace}{name} {status}{address}{node}").into());
        event
    }

    fn node(&self, attributes: &mut Attributes) -> Event<'_> {
        let name = self.cell("NAME").unwrap_or_default();
        let name = name.strip_prefix("node/").unwrap_or(name);
        attributes
            .text("node", name)
            .text_if("status", self.cell("STATUS"))
            .text_if("roles", self.cell("ROLES"))
            .text_if("version", self.cell("VERSION"))
            .text_if("external_ip", self.cell("EXTERNAL-IP"))
            .text_if("os_image", self.cell("OS-IMAGE"))
            .text_if("kernel_version", self.cell("KERNEL-VERSION"))
            .text_if("container_runtime", self.cell("CONTAINER-RUNTIME"));
        let mut event = Event::new(action::NODE_LISTED);
        let status = self.cell("STATUS").unwrap_or("listed");
        let address = self
            .address()
            .map_or(String::new(), |ip| format!(" at {ip}"));
        event.message = Some(format!("node {name} {status}{address}").into());
        event
    }

    /// Columns of labels and others that have no name of their own here.
    fn describe_others(&self, attributes: &mut Attributes) {
        const KNOWN: [&str; 22] = [
            "NAMESPACE",
            "NAME",
            "READY",
            "STATUS",
            "RESTARTS",
            "AGE",
            "IP",
            "NODE",
            "INTERNAL-IP",
            "EXTERNAL-IP",
            "ROLES",
            "VERSION",
            "OS-IMAGE",
            "KERNEL-VERSION",
            "CONTAINER-RUNTIME",
            "POD_IP",
            "PODIP",
            "POD-IP",
            "IPS",
            "LABELS",
            "NOMINATED NODE",
            "READINESS GATES",
        ];
        for (key, name) in [
            ("labels", "LABELS"),
            ("nominated_node", "NOMINATED NODE"),
            ("readiness_gates", "READINESS GATES"),
        ] {
            attributes.text_if(key, self.cell(name));
        }
        let mut seen: Vec<&str> = Vec::new();
        for (column, cell) in &self.cells {
            if !KNOWN.contains(&&**column) && !seen.contains(&&**column) {
                seen.push(column);
                attributes.text(&format!("label_{}", column.to_ascii_lowercase()), cell);
            }
        }
    }
}

/// `1/2`.
pub fn is_ready(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    cell.split_once('/')
        .is_some_and(|(ready, all)| digits(ready) && digits(all))
}

/// Restarts and how long ago the last one was: `1 (5h2m ago)`.
pub fn restarts(cell: &str) -> Option<(i64, Option<Age>)> {
    let (count, ago) = match cell.split_once(' ') {
        Some((count, ago)) => (count, ago.trim()),
        None => (cell, ""),
    };
    let ago = ago
        .strip_prefix('(')
        .and_then(|ago| ago.strip_suffix(" ago)"));
    Some((count.parse().ok()?, ago.and_then(Age::parse)))
}

/// The first of several addresses in one cell.
pub fn first(addresses: &str) -> &str {
    addresses.split(',').next().unwrap_or(addresses).trim()
}
