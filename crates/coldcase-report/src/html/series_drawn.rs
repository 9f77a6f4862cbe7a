//! A matched series as a drawing: both by day, some pairs one by one, and how the lag scatters.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coldcase_model::Timestamp;

use super::escape::{escape, shorten};
use super::series::Series;
use super::svg::{SECOND, Scale, length, number};
use super::times::{both, offset_seconds};
use super::{View, svg};

const WIDTH: f64 = 980.0;
const LEFT: f64 = 44.0;
const HALF: f64 = 70.0;
/// Where the line between effect and cause lies.
const MIDDLE: f64 = 96.0;
/// Pairs shown one by one.
const PAIRS_SHOWN: usize = 14;
/// Widths of bars, in seconds.
const WIDTHS: [i64; 9] = [
    60,
    300,
    900,
    3600,
    6 * 3600,
    86_400,
    7 * 86_400,
    28 * 86_400,
    364 * 86_400,
];
/// Most bars.
const MOST_BARS: i64 = 90;

/// The match with its caption.
pub(super) fn draw(out: &mut String, series: &Series, view: &View<'_>) {
    let w = view.words;
    let _ = write!(
        out,
        "<figure><figcaption><b>{}</b> <a href=\"#{}\">{}</a><br><span class=\"swatch effect\"></span> {} {}: {} · <span class=\"swatch cause\"></span> {} <code title=\"{}\">{}</code>: {}",
        w.matched,
        escape(&series.finding),
        w.finding,
        w.effect,
        escape(&series.effect),
        number(series.effects.len() as u64),
        w.cause,
        escape(&series.cause),
        escape(&shorten(&series.cause, 60)),
        number(series.causes.len() as u64),
    );
    let unmatched = series.causes.len() - series.pairs.len();
    if unmatched > 0 {
        let _ = write!(
            out,
            " · <span class=\"swatch other\"></span> {}: {}",
            w.unmatched,
            number(unmatched as u64)
        );
    }
    let _ = write!(out, "</figcaption>");
    by_day(out, series, view);
    closely(out, series, view);
    said(out, series, view);
    out.push_str("</figure>");
}

/// What the drawing counted beside what the finding counted.
fn said(out: &mut String, series: &Series, view: &View<'_>) {
    let w = view.words;
    let _ = write!(
        out,
        "<p class=\"legend\">{}",
        w.pairs_of
            .replacen("{}", &number(series.matched), 1)
            .replacen("{}", &number(series.effect_events), 1)
            .replacen("{}", &number(series.pairs.len() as u64), 1)
    );
    if series.other_targets > 0 {
        let _ = write!(
            out,
            " {}",
            w.other_targets.replace("{}", &number(series.other_targets))
        );
    }
    if series.zone_error_seconds != 0 {
        let _ = write!(
            out,
            " {}",
            w.moved_by
                .replace("{}", &series.zone_error_seconds.to_string())
        );
    }
    out.push_str("</p>");
}

fn span(series: &Series) -> Option<(i64, i64)> {
    let first = series.effects.first().min(series.causes.first())?;
    let last = series.effects.last().max(series.causes.last())?;
    Some((*first, *last))
}

/// Bars of days (or what fits): effects up, causes down.
fn by_day(out: &mut String, series: &Series, view: &View<'_>) {
    let Some((from, to)) = span(series) else {
        return;
    };
    let seconds = (to - from) / SECOND;
    let width = WIDTHS
        .into_iter()
        .find(|width| seconds / width < MOST_BARS)
        .unwrap_or(364 * 86_400);
    let offset = offset_seconds(from, view.zone);
    let bin = |at: i64| (at.div_euclid(SECOND) + offset).div_euclid(width);
    let start = |bin: i64| (bin * width - offset).saturating_mul(SECOND);
    let mut bars: BTreeMap<i64, [u64; 3]> = BTreeMap::new();
    let mut add = |at: i64, place: usize| {
        if let Some(count) = bars.entry(bin(at)).or_default().get_mut(place) {
            *count += 1;
        }
    };
    series.effects.iter().for_each(|at| add(*at, 0));
    let matched: std::collections::BTreeSet<usize> =
        series.pairs.iter().map(|(_, cause)| *cause).collect();
    series
        .causes
        .iter()
        .enumerate()
        .for_each(|(index, at)| add(*at, if matched.contains(&index) { 1 } else { 2 }));
    let most = bars
        .values()
        .map(|[effect, cause, other]| (*effect).max(cause + other))
        .max()
        .unwrap_or(1);
    let scale = Scale {
        from: start(bin(from)),
        to: start(bin(to) + 1),
        left: LEFT,
        right: WIDTH - 8.0,
    };
    svg::open(out, WIDTH, MIDDLE + HALF + 34.0, view.words.matched);
    scale.axis(out, MIDDLE - HALF, MIDDLE + HALF, view.zone);
    let step = (scale.x(start(bin(from) + 1)) - scale.left).max(1.0);
    for (bin, [effect, cause, other]) in &bars {
        let x = scale.x(start(*bin));
        let up = length(*effect, most, HALF);
        let down = length(*cause, most, HALF);
        let more = length(*other, most, HALF);
        let title = format!(
            "{}: {effect} {}, {cause} + {other} {}",
            both(Timestamp(start(*bin)), view.zone),
            view.words.effect,
            view.words.cause
        );
        let _ = write!(
            out,
            "<g><title>{title}</title><rect class=\"effect\" x=\"{0:.1}\" y=\"{1:.1}\" width=\"{2:.1}\" height=\"{up:.1}\"/><rect class=\"cause\" x=\"{0:.1}\" y=\"{3:.1}\" width=\"{2:.1}\" height=\"{down:.1}\"/><rect class=\"other\" x=\"{0:.1}\" y=\"{4:.1}\" width=\"{2:.1}\" height=\"{more:.1}\"/></g>",
            x + 0.5,
            MIDDLE - up - 0.5,
            (step - 1.0).max(0.8),
            MIDDLE + 0.5,
            MIDDLE + 0.5 + down
        );
    }
    let _ = write!(
        out,
        "<path class=\"rule\" d=\"M{LEFT} {MIDDLE}H{:.0}\"/><text class=\"tick\" x=\"{1:.0}\" y=\"{2:.0}\" text-anchor=\"end\">{most}</text><text class=\"tick\" x=\"{1:.0}\" y=\"{3:.0}\" text-anchor=\"end\">{most}</text>",
        WIDTH - 8.0,
        LEFT - 5.0,
        MIDDLE - HALF + 5.0,
        MIDDLE + HALF
    );
    svg::close(out);
}

/// Some pairs one by one, and beside them the lags of all.
fn closely(out: &mut String, series: &Series, view: &View<'_>) {
    let times: Vec<(i64, i64)> = series
        .pairs
        .iter()
        .filter_map(|(effect, cause)| {
            Some((*series.effects.get(*effect)?, *series.causes.get(*cause)?))
        })
        .collect();
    if times.is_empty() {
        return;
    }
    svg::open(out, WIDTH, 138.0, view.words.lag);
    pairs(out, &times, view);
    lags(out, &times, view);
    svg::close(out);
}

/// The pairs that lie closest together.
fn pairs(out: &mut String, times: &[(i64, i64)], view: &View<'_>) {
    let length = |block: &&[(i64, i64)]| match (block.first(), block.last()) {
        (Some(first), Some(last)) => last.0 - first.0,
        _ => 0,
    };
    let Some(shown) = times
        .windows(PAIRS_SHOWN.min(times.len()))
        .min_by_key(length)
    else {
        return;
    };
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return;
    };
    let margin = ((last.0 - first.0) / 30).max(SECOND);
    let scale = Scale {
        from: first.0.min(first.1) - margin,
        to: last.0.max(last.1) + margin,
        left: 110.0,
        right: 640.0,
    };
    let w = view.words;
    let title = w.closest.replace("{}", &shown.len().to_string());
    let _ = write!(out, "<text class=\"label\" x=\"0\" y=\"12\">{title}</text>");
    let _ = write!(
        out,
        "<text class=\"tick\" x=\"0\" y=\"40\">{}</text><text class=\"tick\" x=\"0\" y=\"92\">{}</text>",
        w.cause, w.effect
    );
    scale.axis(out, 28.0, 100.0, view.zone);
    for (effect, cause) in shown {
        let (top, bottom) = (scale.x(*cause), scale.x(*effect));
        let lag = (effect - cause) as f64 / 1e9;
        let _ = write!(
            out,
            "<g><title>{}, {} {lag:.3} s</title><path class=\"pair\" d=\"M{top:.1} 36L{bottom:.1} 88\"/><circle class=\"cause\" cx=\"{top:.1}\" cy=\"36\" r=\"4\"/><circle class=\"effect\" cx=\"{bottom:.1}\" cy=\"88\" r=\"4\"/></g>",
            both(Timestamp(*cause), view.zone),
            w.lag
        );
    }
}

/// How many pairs have which lag.
fn lags(out: &mut String, times: &[(i64, i64)], view: &View<'_>) {
    const BARS: i64 = 16;
    let all = || times.iter().map(|(effect, cause)| effect - cause);
    let (least, most) = (all().min().unwrap_or(0), all().max().unwrap_or(0));
    let width = ((most - least) / BARS + 1).max(1);
    let mut bars: BTreeMap<i64, u64> = BTreeMap::new();
    all().for_each(|lag| *bars.entry((lag - least) / width).or_default() += 1);
    let highest = bars.values().copied().max().unwrap_or(1);
    let (left, right, base) = (700.0, WIDTH - 8.0, 100.0);
    let step = (right - left) / BARS as f64;
    let _ = write!(
        out,
        "<text class=\"label\" x=\"{left}\" y=\"12\">{}</text><path class=\"rule\" d=\"M{left} {base}H{right}\"/>",
        view.words.lag_of_all
    );
    for (bar, count) in bars {
        let height = length(count, highest, 66.0).max(1.0);
        let seconds = (least + bar * width) as f64 / 1e9;
        let _ = write!(
            out,
            "<rect class=\"lag\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{seconds:.2} s: {count}</title></rect>",
            left + bar as f64 * step + 0.5,
            base - height,
            step - 1.0
        );
    }
    for (x, anchor, lag) in [(left, "start", least), (right, "end", most)] {
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{x}\" y=\"114\" text-anchor=\"{anchor}\">{:.2} s</text>",
            lag as f64 / 1e9
        );
    }
}
