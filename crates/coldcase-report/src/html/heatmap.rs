//! Login hours: a cell for each hour of each day in the finding's own zone, with the window drawn over it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{Days, NaiveDate, Timelike as _};
use chrono_tz::Tz;
use coldcase_model::{Finding, Severity, Timestamp};

use super::escape::escape;
use super::logins::Login;
use super::{View, charts::fact_text, charts::is_concluded, svg};

/// Most heat maps of a page.
const MOST: usize = 4;
/// Most columns; of a longer span several days share one.
const MOST_COLUMNS: u64 = 100;
const LEFT: f64 = 44.0;
const TOP: f64 = 18.0;
const ROW: f64 = 11.0;
const WIDTH: f64 = 980.0;

/// Logins of one finding by day and hour.
#[derive(Debug, Clone)]
pub(super) struct Heatmap {
    pub finding: String,
    entity: String,
    host: String,
    zone: Tz,
    /// Start and end in minutes of the day.
    window: (u32, u32),
    /// Accepted and failed by date and hour.
    cells: BTreeMap<(NaiveDate, u32), (u64, u64)>,
}

/// The findings that a heat map is drawn for.
fn wanted(findings: &coldcase_model::Findings) -> Vec<&Finding> {
    let windows = findings
        .findings
        .iter()
        .filter(|finding| finding.correlator == "periodic-window");
    let told = windows
        .filter(|finding| finding.severity >= Severity::Medium || is_concluded(findings, finding));
    told.take(MOST).collect()
}

/// Sources whose logins are needed.
pub(super) fn sources(findings: &coldcase_model::Findings) -> BTreeSet<String> {
    wanted(findings)
        .into_iter()
        .filter_map(|finding| fact_text(finding, "entity"))
        .map(str::to_owned)
        .collect()
}

/// Heat maps of all findings that ask for one.
pub(super) fn of(findings: &coldcase_model::Findings, logins: &[Login]) -> Vec<Heatmap> {
    wanted(findings)
        .into_iter()
        .filter_map(|finding| one(finding, logins))
        .collect()
}

fn one(finding: &Finding, logins: &[Login]) -> Option<Heatmap> {
    let entity = fact_text(finding, "entity")?;
    let zone: Tz = fact_text(finding, "timezone")?.parse().ok()?;
    let window = (
        minutes(fact_text(finding, "window_start")?)?,
        minutes(fact_text(finding, "window_end")?)?,
    );
    let of_kind = |kind| finding.subjects.iter().find(|subject| subject.kind == kind);
    let host = of_kind(coldcase_model::ObservableType::Host).map_or("", |host| host.value.as_str());
    let mut cells: BTreeMap<(NaiveDate, u32), (u64, u64)> = BTreeMap::new();
    for login in logins
        .iter()
        .filter(|login| login.source == entity && login.host == host)
    {
        let at = Timestamp(login.ts).to_utc().with_timezone(&zone);
        let cell = cells.entry((at.date_naive(), at.hour())).or_default();
        if login.success {
            cell.0 += 1;
        } else {
            cell.1 += 1;
        }
    }
    (!cells.is_empty()).then(|| Heatmap {
        finding: finding.id.clone(),
        entity: entity.to_owned(),
        host: host.to_owned(),
        zone,
        window,
        cells,
    })
}

fn minutes(clock: &str) -> Option<u32> {
    let (hours, minutes) = clock.split_once(':')?;
    Some(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?)
}

/// The days of the map, as columns.
struct Columns {
    first: NaiveDate,
    /// Days in a column.
    each: u64,
    count: u64,
    width: f64,
}

impl Columns {
    fn of(map: &Heatmap) -> Option<Self> {
        let first = map.cells.keys().next()?.0;
        let last = map.cells.keys().next_back()?.0;
        let days = u64::try_from((last - first).num_days()).ok()? + 1;
        let each = days.div_ceil(MOST_COLUMNS);
        let count = days.div_ceil(each);
        let width = ((WIDTH - LEFT - 8.0) / count as f64).min(26.0);
        Some(Self {
            first,
            each,
            count,
            width,
        })
    }

    fn of_day(&self, day: NaiveDate) -> u64 {
        u64::try_from((day - self.first).num_days()).unwrap_or(0) / self.each
    }

    fn day(&self, column: u64) -> Option<NaiveDate> {
        self.first.checked_add_days(Days::new(column * self.each))
    }

    fn x(&self, column: u64) -> f64 {
        LEFT + column as f64 * self.width
    }
}

/// The map with its caption.
pub(super) fn draw(out: &mut String, map: &Heatmap, view: &View<'_>) {
    let Some(columns) = Columns::of(map) else {
        return;
    };
    let w = view.words;
    let _ = write!(
        out,
        "<figure><figcaption><b>{}</b> {} → {} · {} {} <a href=\"#{}\">{}</a></figcaption>",
        w.hours,
        escape(&map.entity),
        escape(&map.host),
        w.local_time_of,
        escape(map.zone.name()),
        escape(&map.finding),
        w.finding
    );
    svg::open(out, WIDTH, TOP + 24.0 * ROW + 40.0, w.hours);
    grid(out, &columns);
    uncovered(out, map, &columns, view);
    cells(out, map, &columns, view);
    window(out, map, &columns);
    svg::close(out);
    legend(out, view, columns.each);
    out.push_str("</figure>");
}

fn y(minute: u32) -> f64 {
    TOP + f64::from(minute) / 60.0 * ROW
}

fn grid(out: &mut String, columns: &Columns) {
    let right = columns.x(columns.count);
    for hour in (0..=24).step_by(3) {
        let at = y(hour * 60);
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right:.1}\"/><text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{hour:02}:00</text>",
            LEFT - 5.0,
            at + 4.0
        );
    }
    // A label needs room: every so many columns.
    let fits = 74.0 / columns.width;
    let step = (1..=columns.count)
        .find(|step| *step as f64 >= fits)
        .unwrap_or(1);
    let labelled = (0..columns.count).filter(|column| column % step == 0);
    for (column, day) in labelled.filter_map(|column| Some((column, columns.day(column)?))) {
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{day}</text>",
            columns.x(column),
            y(24 * 60) + 15.0
        );
    }
}

/// Columns of days that no login log of the host covers are hatched: silence there says nothing.
fn uncovered(out: &mut String, map: &Heatmap, columns: &Columns, view: &View<'_>) {
    let spans = view.charts.lanes.covered(
        &map.host,
        &[
            "authlog",
            "journal",
            "journal-export",
            "journal-json",
            "journal-verbose",
        ],
    );
    if spans.is_empty() {
        return;
    }
    for column in 0..columns.count {
        let Some(day) = columns.day(column) else {
            continue;
        };
        let last = day.checked_add_days(Days::new(columns.each)).unwrap_or(day);
        let edge = |day: NaiveDate| {
            let midnight = day
                .and_hms_opt(0, 0, 0)?
                .and_local_timezone(map.zone)
                .earliest()?;
            midnight.timestamp_nanos_opt()
        };
        let (Some(from), Some(to)) = (edge(day), edge(last)) else {
            continue;
        };
        if !spans
            .iter()
            .any(|(first, last)| *first < to && *last >= from)
        {
            let _ = write!(
                out,
                "<rect class=\"gap\" x=\"{:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"><title>{day}: {}</title></rect>",
                columns.x(column),
                columns.width,
                24.0 * ROW,
                view.words.not_covered
            );
        }
    }
}

fn cells(out: &mut String, map: &Heatmap, columns: &Columns, view: &View<'_>) {
    let mut sums: BTreeMap<(u64, u32), (u64, u64)> = BTreeMap::new();
    for ((day, hour), (accepted, failed)) in &map.cells {
        let sum = sums.entry((columns.of_day(*day), *hour)).or_default();
        sum.0 += accepted;
        sum.1 += failed;
    }
    let most = sums
        .values()
        .map(|(accepted, failed)| accepted + failed)
        .max()
        .unwrap_or(1);
    for ((column, hour), (accepted, failed)) in sums {
        let count = accepted + failed;
        let shade = (count * 5).div_ceil(most).clamp(1, 5);
        let day = columns
            .day(column)
            .map(|day| day.to_string())
            .unwrap_or_default();
        let _ = write!(
            out,
            "<rect class=\"h{shade}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{day} {hour:02}:00: {count} {} ({failed} {})</title></rect>",
            columns.x(column) + 0.5,
            y(hour * 60) + 0.5,
            columns.width - 1.0,
            ROW - 1.0,
            view.words.logins,
            view.words.failed
        );
    }
}

/// The window as a band across all days; one over midnight is two.
fn window(out: &mut String, map: &Heatmap, columns: &Columns) {
    let (start, end) = map.window;
    let bands = if start <= end {
        vec![(start, end)]
    } else {
        vec![(start, 24 * 60), (0, end)]
    };
    for (from, to) in bands {
        let _ = write!(
            out,
            "<rect class=\"window\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            LEFT - 2.0,
            y(from) - 1.0,
            columns.x(columns.count) - LEFT + 4.0,
            y(to) - y(from) + 2.0
        );
    }
    let _ = write!(
        out,
        "<text class=\"mark\" x=\"{LEFT}\" y=\"12\">{} – {}</text>",
        clock(start),
        clock(end)
    );
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn legend(out: &mut String, view: &View<'_>, each: u64) {
    let w = view.words;
    out.push_str(
        "<p class=\"legend\"><svg class=\"key\" viewBox=\"0 0 70 12\" aria-hidden=\"true\">",
    );
    for shade in 1..=5 {
        let _ = write!(
            out,
            "<rect class=\"h{shade}\" x=\"{}\" y=\"0\" width=\"13\" height=\"12\"/>",
            (shade - 1) * 14
        );
    }
    let _ = write!(
        out,
        "</svg> {} · <svg class=\"key short\" viewBox=\"0 0 14 12\" aria-hidden=\"true\"><rect class=\"window\" x=\"1\" y=\"1\" width=\"12\" height=\"10\"/></svg> {}",
        w.few_to_many, w.the_window
    );
    if each > 1 {
        let _ = write!(
            out,
            " · {}",
            w.days_a_column.replace("{}", &each.to_string())
        );
    }
    out.push_str("</p>");
}
