//! What time daemons say of a clock that they set: chronyd, ntpd, ntpdate, systemd-timesyncd, systemd-timedated.
//! `step_seconds` is what was added to the clock.

use coldcase_model::action;

use super::row::Row;

/// Fills the row of a time daemon's message; `None` where the clock was not set.
pub fn read(program: &str, message: &str, row: &mut Row<'_>) -> Option<()> {
    let step = step(message);
    let set = [
        "System clock time unset or jumped backwards",
        "Changed local time to ",
    ];
    let jumped = message.ends_with(" time jump detected!");
    if step.is_none() && !jumped && !set.iter().any(|start| message.starts_with(start)) {
        return None;
    }
    row.set(action::CLOCK_CHANGED, None)
        .text("program", program);
    if let Some(step) = step.and_then(serde_json::Number::from_f64) {
        row.attributes.value("step_seconds", &step.into());
    }
    Some(())
}

/// `System clock wrong by 28800.123 seconds, adjustment started`, `System clock was stepped by -1.5 seconds`,
/// `time reset +1.234567 s`, `step time server 192.0.2.1 offset -3.2 sec`.
fn step(message: &str) -> Option<f64> {
    let starts = [
        "System clock wrong by ",
        "System clock was stepped by ",
        "time reset ",
    ];
    let rest = starts
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .or_else(|| {
            let rest = message.strip_prefix("step time server ")?;
            rest.split_once(" offset ").map(|(_, rest)| rest)
        })?;
    let number = rest.split(' ').next()?;
    number.parse().ok().filter(|step: &f64| step.is_finite())
}
