//! Records of a timeline that name what findings of other cases are about: a finding there and mere traffic
//! here belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coldcase_model::Timestamp;
use coldcase_timeline::{Timeline, TimelineError};

use super::entities::{EntityKind, Value, of_case};
use super::shared::LEAST;
use super::{BatchCase, Span};

/// Records of one entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sighting {
    /// How many.
    pub records: u64,
    /// First and last dated one.
    pub span: Option<Span>,
}

/// What was sought in a timeline and is in it.
pub type Sightings = BTreeMap<Value, Sighting>;

/// Columns of the timeline that name entities.
const COLUMNS: [(&str, EntityKind); 6] = [
    ("src_ip", EntityKind::Address),
    ("dst_ip", EntityKind::Address),
    ("domain", EntityKind::Domain),
    ("image", EntityKind::Image),
    ("user", EntityKind::User),
    ("host", EntityKind::Host),
];

/// What to seek in all timelines: what findings of any case name, from low severity on.
pub fn sought(cases: &[BatchCase]) -> BTreeSet<Value> {
    let said = cases.iter().flat_map(of_case);
    let said = said.filter(|(value, said)| said.severity >= LEAST && !value.is_common());
    said.map(|(value, _)| value).collect()
}

/// Seeks these in a timeline, a part after the other.
pub fn sightings(
    timeline: &Timeline,
    sought: &BTreeSet<Value>,
) -> Result<Sightings, TimelineError> {
    let mut found = Sightings::new();
    let parts = timeline.parts().iter().flat_map(|part| &part.actions);
    let actions: BTreeSet<&str> = parts.map(String::as_str).collect();
    let actions: Vec<&str> = actions.into_iter().collect();
    let mut names: Vec<&str> = vec!["ts_ns"];
    names.extend(COLUMNS.iter().map(|(name, _)| *name));
    timeline.for_each_part(
        &actions,
        &names,
        |rows| rows,
        |rows| {
            let times = rows.longs("ts_ns");
            for (column, kind) in COLUMNS {
                let wanted: HashMap<&str, &Value> = sought
                    .iter()
                    .filter(|value| value.kind == kind)
                    .map(|value| (value.text.as_str(), value))
                    .collect();
                let cells = rows.texts(column);
                let hits = cells
                    .iter()
                    .zip(&times)
                    .filter_map(|(cell, time)| Some((*wanted.get((*cell)?)?, *time)));
                for (value, time) in hits {
                    let sighting = found.entry(value.clone()).or_default();
                    sighting.records += 1;
                    let at = time.map(Timestamp);
                    let moments = sighting.span.map(|span| [span.first, span.last]);
                    sighting.span = Span::of(moments.into_iter().flatten().chain(at));
                }
            }
        },
    )?;
    Ok(found)
}
