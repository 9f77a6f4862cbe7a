//! A sample of a metric as a row of the timeline. What a series' samples share is written once.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, When, action};

use super::endpoint::{Endpoint, Star};
use super::plain::short;

/// Longest value of a label kept.
const MAX_VALUE: usize = 1024;
/// Labels kept of one series.
const MAX_LABELS: usize = 64;
/// Longest description of a series in a message.
const MAX_SHOWN: usize = 200;

/// What the samples of one series have in common.
#[derive(Debug, Default)]
pub struct Series {
    name: Option<String>,
    /// The row's attributes behind `value`.
    tail: String,
    shown: String,
    address: Option<String>,
    text: String,
}

impl Series {
    /// From labels; `__name__` is the metric's name. `kind` is the type where the text says it.
    pub fn new<'a>(
        name: Option<&str>,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        kind: Option<&str>,
    ) -> Self {
        let mut name = name.map(str::to_owned);
        let mut all = Attributes::new();
        let mut shown = String::new();
        let mut chosen: [Option<String>; 3] = Default::default();
        let mut any = false;
        for (label, value) in labels.into_iter().take(MAX_LABELS) {
            let value = short(value, MAX_VALUE);
            if label == "__name__" {
                name.get_or_insert_with(|| value.to_owned());
                continue;
            }
            any = true;
            all.text(label, value);
            if shown.len() < MAX_SHOWN {
                shown.push_str(if shown.is_empty() { "{" } else { "," });
                shown.push_str(&format!("{label}=\"{}\"", short(value, 80)));
            }
            for (slot, known) in chosen.iter_mut().zip(["instance", "device", "job"]) {
                if label == known {
                    *slot = Some(value.to_owned());
                }
            }
        }
        if any {
            shown.push('}');
        }
        let [instance, device, job] = chosen;
        let mut rest = Attributes::new();
        rest.text_if("instance", instance.as_deref())
            .text_if("device", device.as_deref())
            .text_if("job", job.as_deref())
            .text_if("type", kind);
        let mut tail = String::new();
        if let Some(labels) = all.finish() {
            tail.push_str(",\"labels\":");
            tail.push_str(&labels);
        }
        if let Some(rest) = rest.finish() {
            tail.push(',');
            tail.push_str(
                rest.strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'))
                    .unwrap_or(""),
            );
        }
        tail.push('}');
        let address = instance.as_deref().and_then(|instance| {
            let bare = coldcase_model::canonical_ip(instance).map(Cow::into_owned);
            bare.or_else(|| Endpoint::parse(instance, Star::Unknown)?.ip)
        });
        Self {
            name,
            tail,
            shown,
            address,
            text: String::new(),
        }
    }

    /// Hands one sample to the sink; `false` where the value is no number.
    pub fn emit(
        &mut self,
        line: u64,
        when: Option<When>,
        value: &str,
        sink: &mut dyn Sink,
    ) -> bool {
        let Some((is_number, value)) = number(value) else {
            return false;
        };
        self.text.clear();
        self.text.push('{');
        if let Some(name) = &self.name {
            let mut named = Attributes::new();
            named.text("metric", name);
            let named = named.finish().unwrap_or_default();
            let bare = named
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            self.text.push_str(bare.unwrap_or_default());
            self.text.push(',');
        }
        match is_number {
            true => self.text.push_str(&format!("\"value\":{value}")),
            false => self.text.push_str(&format!("\"value_text\":\"{value}\"")),
        }
        self.text.push_str(&self.tail);
        let mut event = Event::new(action::METRIC);
        event.when = when;
        event.line = Some(line);
        event.src_ip = self.address.as_deref().map(Cow::Borrowed);
        let name = self.name.as_deref().unwrap_or("metric");
        event.message = Some(format!("{name}{} {value}", self.shown).into());
        event.attributes = Some(Cow::Borrowed(&self.text));
        sink.event(&event);
        true
    }
}

/// A value as JSON writes it, and whether it is a number there: NaN and Inf are none.
fn number(text: &str) -> Option<(bool, Cow<'_, str>)> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => return Some((false, "NaN".into())),
        "+inf" | "inf" => return Some((false, "+Inf".into())),
        "-inf" => return Some((false, "-Inf".into())),
        _ => {}
    }
    if text.len() > 64 {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some((true, whole.to_string().into()));
    }
    let value: f64 = text.parse().ok()?;
    let value = serde_json::Number::from_f64(value)?;
    Some((true, value.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_json_writes_them() {
        let check = |text: &str, expected: Option<(bool, &str)>| {
            let got = number(text);
            let got = got.as_ref().map(|(is_number, text)| (*is_number, &**text));
            assert_eq!(got, expected, "{text}");
        };
        check("21", Some((true, "21")));
        check("1661813.5300942787", Some((true, "1661813.5300942787")));
        check("1e+06", Some((true, "1000000.0")));
        check("+Inf", Some((false, "+Inf")));
        check("nan", Some((false, "NaN")));
        check("x", None);
    }
}
