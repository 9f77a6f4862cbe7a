//! The summary of `ss -s`: counts of sockets, one metric each.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use crate::Clock;

/// Whether a line is the summary's own: `TCP:   6 (estab 1, closed 0, orphaned 0, timewait 0)`.
pub fn is_first(text: &str) -> bool {
    text.starts_with("TCP:") && text.contains("(estab ")
}

/// Takes a line of the summary.
pub fn line(number: u64, text: &str, clock: &Clock, sink: &mut dyn Sink) -> bool {
    let mut put = |name: String, value: i64| {
        let mut attributes = Attributes::new();
        attributes.text("metric", &name).number("value", value);
        let mut event = Event::new(action::METRIC);
        event.when = clock.collected();
        event.line = Some(number);
        event.attributes = attributes.finish().map(Cow::Owned);
        event.message = Some(format!("{name} {value}").into());
        sink.event(&event);
    };
    if let Some(total) = text.strip_prefix("Total:") {
        let Some(total) = first_number(total) else {
            return false;
        };
        put("ss_total".to_owned(), total);
    } else if is_first(text) {
        let counts = text.split_once('(').map_or("", |(_, counts)| counts);
        let counts = counts.split(')').next().unwrap_or(counts);
        if let Some(total) = text.strip_prefix("TCP:").and_then(first_number) {
            put("ss_tcp_total".to_owned(), total);
        }
        for count in counts.split(',').take(16) {
            if let Some((name, value)) = count.trim().split_once(' ')
                && name.bytes().all(|byte| byte.is_ascii_lowercase())
                && let Some(value) = first_number(value)
            {
                put(format!("ss_tcp_{name}"), value);
            }
        }
    } else if text.starts_with("Transport") && text.contains("IPv6") {
        sink.used(1);
        return true;
    } else {
        let mut words = text.split_ascii_whitespace();
        let (Some(name), Some(total), Some(_), Some(_), None) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            return false;
        };
        if !matches!(name, "*" | "RAW" | "UDP" | "TCP" | "INET" | "FRAG") {
            return false;
        }
        match total.parse() {
            // The row `*` counts the kernel's, given by Total already; INET is the sum; TCP stands above.
            Ok(total) if !matches!(name, "*" | "TCP") => {
                put(format!("ss_{}_total", name.to_ascii_lowercase()), total);
            }
            _ => {
                sink.skip(Place::Line(number), "a count that another line gives");
                return true;
            }
        }
    }
    sink.used(1);
    true
}

fn first_number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}
