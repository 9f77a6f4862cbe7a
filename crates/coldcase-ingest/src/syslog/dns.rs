//! What the logs of resolvers have in common: questions, types, answers and who asked.

use std::borrow::Cow;

use coldcase_model::{Attributes, action, canonical_domain, canonical_ip};
use coldcase_wire::dns;

use super::row::Row;

/// The type as this program names it: `type=65`, `TYPE65` and `https` are `HTTPS`; `None` for what is no type.
pub fn query_type(name: &str) -> Option<Cow<'_, str>> {
    let numbered = name
        .strip_prefix("type=")
        .and_then(|number| number.parse::<u16>().ok());
    let number = numbered.or_else(|| dns::type_number(name));
    match number {
        Some(255) if name != "ANY" => Some(Cow::Borrowed("ANY")),
        Some(number) => Some(dns::type_name(number)),
        None => match name {
            "ANY" | "AXFR" | "IXFR" | "MAILA" | "MAILB" => Some(Cow::Borrowed(name)),
            _ => None,
        },
    }
}

/// Whether a word is a class that questions have.
pub fn is_class(word: &str) -> bool {
    matches!(word, "IN" | "CH" | "HS" | "CS" | "NONE") || word.starts_with("CLASS")
}

/// The response code that a word is, in one spelling; `None` for other words.
pub fn response_code(word: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(match word {
        "NOERROR" | "NXDOMAIN" | "SERVFAIL" | "REFUSED" | "FORMERR" | "NOTIMP" | "YXDOMAIN"
        | "YXRRSET" | "NXRRSET" | "NOTAUTH" | "NOTZONE" | "BADVERS" | "BADCOOKIE" => word,
        "NOTIMPL" => "NOTIMP",
        _ => return None,
    }))
}

/// A question as three words: `x.example. A IN` or `x.example A/IN`'s parts.
pub fn question<'a>(name: &'a str, qtype: &'a str, class: &str, row: &mut Row<'a>) -> Option<()> {
    if !is_class(class) {
        return None;
    }
    row.event.query_type = Some(query_type(qtype)?);
    row.event.domain = domain(name);
    if class != "IN" {
        row.text("class", class);
    }
    Some(())
}

/// A name that is not empty.
pub fn domain(name: &str) -> Option<Cow<'_, str>> {
    (!name.is_empty()).then(|| canonical_domain(name))
}

/// Makes the row a query of this client; `false` where that is no address.
pub fn asked<'a>(address: &'a str, port: Option<&str>, row: &mut Row<'a>) -> Option<()> {
    row.event.src_ip = Some(canonical_ip(address)?);
    row.event.src_port = port.and_then(|port| port.parse().ok());
    row.set(action::DNS_QUERY, None);
    Some(())
}

/// Turns who asked into who is answered.
pub fn answered(row: &mut Row<'_>) {
    row.set(action::DNS_ANSWER, None);
    row.event.dst_ip = row.event.src_ip.take();
    row.event.dst_port = row.event.src_port.take();
}

/// One answer.
pub fn answer(name: &str, kind: Option<&str>, data: Option<&str>) -> Attributes {
    let mut answer = Attributes::new();
    if !name.is_empty() {
        answer.text("name", &canonical_domain(name));
    }
    answer.text_if("type", kind).text_if("data", data);
    answer
}

/// Seconds in decimal to nanoseconds: `0.012345`.
pub fn seconds_to_ns(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut total = whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?;
    let mut unit = 1_000_000_000_i64;
    for digit in fraction.bytes() {
        unit /= 10;
        let digit = char::from(digit).to_digit(10)?;
        total = total.checked_add(i64::from(digit).checked_mul(unit)?)?;
    }
    Some(total)
}
