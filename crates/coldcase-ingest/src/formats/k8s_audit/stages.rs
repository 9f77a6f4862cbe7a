//! Which of a request's stages tells it: its completion, wherever in the series that stands; else the last before.

use coldcase_model::{Event, Place, Sink};
use hashbrown::{HashMap, HashSet};

use super::entry::Entry;
use super::row;
use crate::{Clock, Part};

/// Requests without completion that are held at a time. A server allows some thousand at once, and as many watches.
const MAX_OPEN: usize = 1 << 16;

type Ids = HashSet<Box<str>, foldhash::fast::FixedState>;

/// A request that was not completed yet.
struct Open {
    event: Event<'static>,
    /// Whether its answer had begun.
    started: bool,
}

/// The open requests of one file.
#[derive(Default)]
pub struct Stages {
    open: HashMap<Box<str>, Open, foldhash::fast::FixedState>,
    /// Requests completed here that did not begin here, the first ones: they may have begun in the file before.
    completed: Ids,
    is_full: bool,
}

impl Stages {
    /// Takes an event: hands its row to the sink if it tells the request, or holds it.
    pub fn take(&mut self, entry: &Entry<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let id = &*entry.audit_id.0;
        let started = match &*entry.stage.0 {
            "RequestReceived" => false,
            "ResponseStarted" => true,
            _ => {
                if self.open.remove(id).is_none() && self.completed.len() < MAX_OPEN {
                    self.completed.insert(id.into());
                }
                return sink.event(&row::event(entry, line, clock));
            }
        };
        if self.completed.contains(id) {
            return;
        }
        let event = row::event(entry, line, clock);
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(id) {
            if !std::mem::replace(&mut self.is_full, true) {
                let warning = format!("more than {MAX_OPEN} open requests: some are told twice");
                sink.warn(Place::Line(line), warning);
            }
            return sink.event(&event);
        }
        let open = Open {
            event: event.into_owned(),
            started,
        };
        self.open.insert(id.into(), open);
    }
}

/// Tells the requests of a series whose completion is nowhere in it.
pub fn join(parts: Vec<Part<'_>>) {
    let mut completed = Ids::default();
    let mut started = Ids::default();
    let mut files = Vec::with_capacity(parts.len());
    for Part { leftover, sink, .. } in parts {
        if let Ok(mut stages) = leftover.downcast::<Stages>() {
            completed.extend(std::mem::take(&mut stages.completed));
            let open = stages.open.iter().filter(|(_, open)| open.started);
            started.extend(open.map(|(id, _)| id.clone()));
            files.push((stages, sink));
        }
    }
    for (stages, sink) in files {
        let mut rest: Vec<Open> = stages
            .open
            .into_iter()
            .filter(|(id, open)| !completed.contains(id) && (open.started || !started.contains(id)))
            .map(|(_, open)| open)
            .collect();
        rest.sort_by_key(|open| open.event.line);
        rest.iter().for_each(|open| sink.event(&open.event));
    }
}
