//! `report.html`: the case as one self-contained page. It loads nothing; its policy lets only its own script and style
//! run, by their hashes; evidence text stands in it escaped, with control and direction marks made visible.

mod answers;
mod charts;
mod dns_path;
pub(crate) mod escape;
mod flood;
mod graph;
mod heatmap;
mod lanes;
mod lifelines;
mod logins;
mod page;
mod prose;
mod sample;
mod series;
mod series_drawn;
mod steps;
mod surge;
mod svg;
mod tables;
mod times;
mod way_in;

pub use charts::Charts;
pub(crate) use charts::telling;
pub use page::html;

use chrono_tz::Tz;

use crate::lang::Words;
use crate::{Lang, Summary};

/// What every part of the page is drawn with.
struct View<'a> {
    summary: &'a Summary<'a>,
    charts: &'a Charts,
    words: &'static Words,
    lang: Lang,
    zone: Tz,
}
