//! What all drawings share: the scale of time, its axis in both zones, and numbers as people write them.

use std::fmt::Write as _;

use chrono_tz::Tz;
use coldcase_model::Timestamp;

use super::times::offset_seconds;

pub(crate) const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// Steps between ticks, in seconds.
const STEPS: [i64; 24] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
    364 * DAY,
];
/// Most ticks of an axis.
const MOST_TICKS: i64 = 9;

/// Time from left to right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub from: i64,
    pub to: i64,
    pub left: f64,
    pub right: f64,
}

impl Scale {
    /// Where a moment stands; outside of the span, at its edge.
    pub fn x(&self, at: i64) -> f64 {
        let length = self.to.saturating_sub(self.from).max(1) as f64;
        let share = at.saturating_sub(self.from) as f64 / length;
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Ticks at round times of the zone, a label each, and the date where it is another than before.
    fn ticks(&self, zone: Tz) -> Vec<(i64, String, Option<String>)> {
        let span = self.to.saturating_sub(self.from) / SECOND;
        let step = STEPS.into_iter().find(|step| span / step < MOST_TICKS);
        let step = step.unwrap_or(((span / MOST_TICKS) / DAY + 1) * DAY);
        let offset = offset_seconds(self.from, zone);
        let first = (self.from.div_euclid(SECOND) + offset).div_euclid(step) + 1;
        let mut ticks = Vec::new();
        let mut last_date = String::new();
        for index in 0..=MOST_TICKS {
            let at = ((first + index) * step - offset).saturating_mul(SECOND);
            if at > self.to {
                break;
            }
            let local = Timestamp(at).to_utc().with_timezone(&zone);
            let date = local.format("%Y-%m-%d").to_string();
            let form = if step < MINUTE { "%H:%M:%S" } else { "%H:%M" };
            let (label, below) = if step >= DAY {
                (date.clone(), None)
            } else {
                (
                    local.format(form).to_string(),
                    (date != last_date).then(|| date.clone()),
                )
            };
            last_date = date;
            ticks.push((at, label, below));
        }
        ticks
    }

    /// The axis below `y`, once in UTC and once in the zone, and lines up to `top`.
    pub fn axis(&self, out: &mut String, top: f64, y: f64, zone: Tz) {
        for (class, zone) in [("u", Tz::UTC), ("l", zone)] {
            let _ = write!(out, "<g class=\"{class}\">");
            for (at, label, below) in self.ticks(zone) {
                let x = self.x(at);
                let anchor = self.anchor(x);
                let _ = write!(
                    out,
                    "<path class=\"grid\" d=\"M{x:.1} {top:.1}V{y:.1}\"/><text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\"{anchor}>{label}</text>",
                    y + 14.0
                );
                if let Some(below) = below {
                    let _ = write!(
                        out,
                        "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\"{anchor}>{below}</text>",
                        y + 27.0
                    );
                }
            }
            out.push_str("</g>");
        }
    }

    /// Labels at the edges stay inside.
    fn anchor(&self, x: f64) -> &'static str {
        if x > self.right - 30.0 {
            " text-anchor=\"end\""
        } else if x < self.left + 30.0 {
            ""
        } else {
            " text-anchor=\"middle\""
        }
    }
}

/// Opens a drawing that keeps its text readable: narrow screens scroll it.
pub(crate) fn open(out: &mut String, width: f64, height: f64, label: &str) {
    let _ = write!(
        out,
        "<div class=\"draw\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\"><svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{0}\">",
        super::escape::escape(label)
    );
}

pub(crate) fn close(out: &mut String) {
    out.push_str("</svg></div>");
}

/// `14208` as `14,208`.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes a second, as in the findings' words.
pub(crate) fn rate(bytes: f64) -> String {
    let units = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
    let fitting = units.into_iter().find(|(size, _)| bytes >= *size);
    fitting.map_or_else(
        || format!("{bytes:.0} B/s"),
        |(size, unit)| format!("{:.1} {unit}", bytes / size),
    )
}

/// A highest value that reads well: 1, 2 or 5 times a power of ten.
pub(crate) fn round_up(value: f64) -> f64 {
    let mut size = 1.0;
    while size * 10.0 <= value {
        size *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|one| one * size)
        .find(|top| *top >= value)
        .unwrap_or(value)
}

/// A count as a length on a scale of `height` for `most`.
pub(crate) fn length(count: u64, most: u64, height: f64) -> f64 {
    count as f64 / most.max(1) as f64 * height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_in_their_zone() {
        let from = Timestamp::parse_rfc3339("2023-03-28T10:07:00Z").map_or(0, Timestamp::nanos);
        let scale = Scale {
            from,
            to: from + 20 * HOUR * SECOND,
            left: 0.0,
            right: 100.0,
        };
        let labels: Vec<String> = scale
            .ticks(Tz::Asia__Kolkata)
            .into_iter()
            .map(|tick| tick.1)
            .collect();
        assert!(labels.contains(&"00:00".to_owned()), "{labels:?}");
        assert!(labels.len() <= 10);
        let long = Scale {
            from,
            to: from + 4000 * DAY * SECOND,
            left: 0.0,
            right: 100.0,
        };
        assert!(!long.ticks(Tz::UTC).is_empty() && long.ticks(Tz::UTC).len() <= 10);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (
                number(7).as_str(),
                number(14_208).as_str(),
                number(1_000_000).as_str()
            ),
            ("7", "14,208", "1,000,000")
        );
        assert_eq!(rate(110_898_611.0), "110.9 MB/s");
        assert_eq!(
            (round_up(3.0), round_up(518.0), round_up(0.0)),
            (5.0, 1000.0, 1.0)
        );
    }
}
