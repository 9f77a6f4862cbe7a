//! The sink of one artifact: events go to the dataset, losses are counted by reason.

use std::collections::BTreeMap;

use coldcase_model::{Basis, Counts, Event, Place, Sink, Timestamp};
use coldcase_timeline::{Batch, DatasetWriter, Origin, TimelineError};

use crate::clock_solver::Order;
use crate::coverage::ActiveHours;

/// Most warnings kept an artifact; further ones are counted.
const MOST_WARNINGS: usize = 50;

/// How often records were skipped for one reason, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkipCount {
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Place,
}

/// The sink of one artifact.
pub(crate) struct ArtifactSink<'a> {
    writer: &'a DatasetWriter,
    batch: Batch,
    host: Option<String>,
    format: &'static str,
    file: String,
    pub counts: Counts,
    pub events: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub active: ActiveHours,
    /// Times read with the zone that was assumed.
    pub assumed: u64,
    /// Events that have no time, or that of the collection.
    pub undated: u64,
    /// Last time whose zone the artifact records.
    pub last_recorded: Option<Timestamp>,
    /// Watches what comes while the artifact is read; what its series adds later has no order.
    pub order: Option<Order>,
    pub skips: BTreeMap<&'static str, SkipCount>,
    pub warnings: Vec<String>,
    more_warnings: u64,
    pub failed: Option<TimelineError>,
}

impl<'a> ArtifactSink<'a> {
    pub(crate) fn new(
        writer: &'a DatasetWriter,
        host: Option<String>,
        format: &'static str,
        file: String,
    ) -> Self {
        Self {
            writer,
            batch: Batch::default(),
            host,
            format,
            file,
            counts: Counts::default(),
            events: 0,
            first: None,
            last: None,
            active: ActiveHours::default(),
            assumed: 0,
            undated: 0,
            last_recorded: None,
            order: Some(Order::of(format)),
            skips: BTreeMap::new(),
            warnings: Vec::new(),
            more_warnings: 0,
            failed: None,
        }
    }

    /// Hands what is gathered to the dataset.
    pub(crate) fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.rows() == 0 {
            return;
        }
        if let Err(error) = self.writer.hand_over(batch) {
            self.failed.get_or_insert(error);
        }
    }

    /// All warnings, with the count of those beyond the limit.
    pub(crate) fn all_warnings(&self) -> Vec<String> {
        let mut all = self.warnings.clone();
        if self.more_warnings > 0 {
            all.push(format!("{} further warnings", self.more_warnings));
        }
        all
    }
}

impl Sink for ArtifactSink<'_> {
    fn event(&mut self, event: &Event<'_>) {
        let origin = Origin {
            host: self.host.as_deref(),
            format: self.format,
            file: &self.file,
        };
        self.batch.push(event, origin);
        self.events += 1;
        if let Some(order) = &mut self.order {
            order.add(event);
        }
        match event.when {
            Some(when) if when.basis == Basis::Recorded => {
                self.last_recorded = self.last_recorded.max(Some(when.ts));
            }
            Some(when) if when.basis != Basis::Collected => self.assumed += 1,
            _ => self.undated += 1,
        }
        if let Some(when) = event.when {
            self.first = Some(self.first.map_or(when.ts, |first| first.min(when.ts)));
            self.active.add(when);
            // What lasts covers its whole span.
            let end = event.ts_end.map_or(when.ts, |end| end.max(when.ts));
            self.last = Some(self.last.map_or(end, |last| last.max(end)));
        }
        if DatasetWriter::is_full(&self.batch) {
            self.flush();
        }
    }

    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }

    fn skip(&mut self, place: Place, reason: &'static str) {
        self.counts.skipped += 1;
        self.skips
            .entry(reason)
            .or_insert(SkipCount {
                count: 0,
                first: place,
            })
            .count += 1;
    }

    fn warn(&mut self, place: Place, warning: String) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(if place == Place::Whole {
                warning
            } else {
                format!("{place}: {warning}")
            });
        } else {
            self.more_warnings += 1;
        }
    }
}
