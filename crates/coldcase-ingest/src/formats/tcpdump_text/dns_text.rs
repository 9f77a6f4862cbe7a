//! A DNS message as tcpdump prints it (print-domain.c): `45934+ A? name. (59)`,
//! `45934 NXDomain*- q: A? name. 0/1/0 ns: ... (152)`.

use std::borrow::Cow;

use coldcase_wire::dns;
use serde_json::{Map, Value};

use super::packet::split_at_text;

/// Answers kept of one message.
const MAX_ANSWERS: usize = 16;

/// Kinds of query other than the usual one.
const OPERATIONS: [&str; 15] = [
    "inv_q", "stat", "op3", "notify", "update", "op6", "op7", "op8", "updateA", "updateD",
    "updateDA", "updateM", "updateMA", "zoneInit", "zoneRef",
];

/// Response codes as tcpdump writes them, by number.
const CODES: [&str; 16] = [
    "NoError", "FormErr", "ServFail", "NXDomain", "NotImp", "Refused", "YXDomain", "YXRRSet",
    "NXRRSet", "NotAuth", "NotZone", "Resp11", "Resp12", "Resp13", "Resp14", "NoChange",
];

/// What one DNS text says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DnsText<'a> {
    pub id: u16,
    pub response: bool,
    pub operation: Option<&'static str>,
    pub response_code: Option<Cow<'static, str>>,
    pub qtype: Option<Cow<'a, str>>,
    /// Lower case, without the final dot; a blank is `\032` as in captures.
    pub domain: Option<String>,
    pub answers: Vec<Value>,
    /// Whether tcpdump met the end of what was captured.
    pub cut: bool,
}

impl<'a> DnsText<'a> {
    /// The message in a payload's text; `None` where it is no DNS message.
    pub fn parse(text: &'a str) -> Option<Self> {
        let digits = text.find(|character: char| !character.is_ascii_digit())?;
        let (id, rest) = text.split_at_checked(digits)?;
        let mut message = Self {
            id: id.parse().ok()?,
            response: false,
            operation: None,
            response_code: None,
            qtype: None,
            domain: None,
            answers: Vec::new(),
            cut: split_at_text(text, "[|domain]", 1).is_some(),
        };
        let rest = message.words_and_flags(rest);
        let rest = brackets(rest);
        let rest = match without_length(rest) {
            Some(rest) => rest,
            // The length comes last always; without it the text is cut, or is no DNS.
            None if message.cut => rest.split("[|domain]").next().unwrap_or(rest),
            None => return None,
        };
        message.sections(rest.trim_start()).then_some(message)
    }

    /// ` NXDomain*-`: the kind of query, the response code, the flags.
    fn words_and_flags(&mut self, text: &'a str) -> &'a str {
        let mut rest = text;
        while let Some(words) = rest.strip_prefix(' ') {
            let end = words
                .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
                .unwrap_or(words.len());
            let Some((word, after)) = words.split_at_checked(end) else {
                break;
            };
            if let Some(code) = CODES.iter().position(|code| *code == word) {
                self.response = true;
                self.response_code = u16::try_from(code).ok().map(dns::rcode_name);
            } else if let Some(operation) = OPERATIONS.iter().find(|known| **known == word) {
                self.operation = Some(operation);
            } else {
                break;
            }
            rest = after;
        }
        let flags_end = rest
            .find(|character: char| !"+%*-|$".contains(character))
            .unwrap_or(rest.len());
        let (flags, rest) = rest.split_at_checked(flags_end).unwrap_or(("", rest));
        self.response |= flags.contains(['*', '-', '|', '$']);
        rest
    }

    /// From the question on. Whether the text has the shape of a DNS message.
    fn sections(&mut self, text: &'a str) -> bool {
        let asked = text.strip_prefix("q: ").unwrap_or(text);
        if let Some((counts_at, counts_end)) = find_counts(asked) {
            self.response = true;
            let question = asked.get(..counts_at).unwrap_or_default().trim();
            self.question(question);
            self.answers(asked.get(counts_end..).unwrap_or_default());
        } else {
            self.question(before_section(asked));
        }
        if self.response && self.response_code.is_none() {
            self.response_code = Some(dns::rcode_name(0));
        }
        self.response || self.qtype.is_some() || (text.is_empty() && self.cut)
    }

    /// `A? name.`, `PTR (QM)? name.`, `TXT CHAOS? name.`
    fn question(&mut self, text: &'a str) {
        let Some((kind, name)) = split_at_text(text, "? ", 0).or_else(|| {
            let kind = text.strip_suffix('?')?;
            Some((kind, ""))
        }) else {
            return;
        };
        let kind = kind.split(' ').next().unwrap_or(kind);
        if kind.is_empty() || !kind.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return;
        }
        self.qtype = Some(query_type(kind));
        // Further questions follow a comma.
        let name = name
            .split(", ")
            .next()
            .unwrap_or(name)
            .trim_end_matches(',');
        if name.ends_with('.') && !name.contains("<BAD PTR>") {
            self.domain = Some(domain(name));
        }
    }

    /// The answer section, behind the counts and up to the next section.
    fn answers(&mut self, text: &str) {
        for record in split_records(before_section(text)) {
            if self.answers.len() == MAX_ANSWERS {
                break;
            }
            if let Some(answer) = answer(record) {
                self.answers.push(answer);
            }
        }
    }
}

/// Up to the next section of `-vv`: ` an: `, ` ns: ` or ` ar: `.
fn before_section(text: &str) -> &str {
    let mut colons = memchr::memchr_iter(b':', text.as_bytes());
    let section = colons.find_map(|colon| {
        let start = colon.checked_sub(3)?;
        let name = text.get(start..colon + 2)?;
        matches!(name, " an: " | " ns: " | " ar: ").then_some(start)
    });
    let end = section.unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// Takes ` [1au]`, ` [b2&3=0x1]` and their like off.
fn brackets(text: &str) -> &str {
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix(" [") {
        match inner.split_once(']') {
            Some((content, after)) if !content.starts_with('|') => rest = after,
            _ => break,
        }
    }
    rest
}

/// Takes ` (59)` off the end.
fn without_length(text: &str) -> Option<&str> {
    let inner = text.trim_end().strip_suffix(')')?;
    let (rest, length) = inner.rsplit_once('(')?;
    (!length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| rest.trim_end())
}

/// Begin and end of the first `2/0/1` that stands as a word.
fn find_counts(text: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    for word in text.split(' ') {
        let end = at + word.len();
        let counts = word.trim_end_matches("[|domain]");
        let mut numbers = counts.split('/');
        let three = (0..3).all(|_| {
            numbers.next().is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        });
        if three && numbers.next().is_none() {
            return Some((at, end));
        }
        at = end + 1;
    }
    None
}

/// Records between commas that stand outside of quotes.
fn split_records(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        character == ',' && !quoted
    })
    .map(str::trim)
    .filter(|record| !record.is_empty())
}

/// `www.example.com. [1m] A 192.0.2.1`; name with `-v`, time to live with `-vvv`.
fn answer(record: &str) -> Option<Value> {
    let mut rest = record;
    let mut next = || -> Option<&str> {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = after;
        (!word.is_empty()).then_some(word)
    };
    let mut answer = Map::new();
    let mut word = next()?;
    if word.ends_with('.') {
        answer.insert("name".into(), domain(word).into());
        word = next()?;
    }
    if word == "(Cache" {
        next()?;
        word = next()?;
    }
    let mut ttl = None;
    if let Some(shown) = word.strip_prefix('[') {
        ttl = seconds(shown.strip_suffix(']')?);
        word = next()?;
    }
    if matches!(word, "CHAOS" | "HESIOD" | "NONE") {
        word = next()?;
    }
    let kind = query_type(word);
    answer.insert("type".into(), Value::from(&*kind));
    let data = data(&kind, rest.trim());
    if !data.is_empty() {
        answer.insert("data".into(), data.into());
    }
    if let Some(ttl) = ttl {
        answer.insert("ttl".into(), ttl.into());
    }
    Some(Value::Object(answer))
}

/// Data in the form that captures have here.
fn data(kind: &str, text: &str) -> String {
    match kind {
        "NS" | "CNAME" | "PTR" | "DNAME" => domain(text),
        "MX" => match text.rsplit_once(' ') {
            Some((name, preference)) => format!("{preference} {}", domain(name)),
            None => text.to_owned(),
        },
        "SRV" => {
            let parts: Vec<_> = text.split(' ').collect();
            match (
                parts.as_slice(),
                text.split_once(' ')
                    .and_then(|(target, _)| target.rsplit_once(':')),
            ) {
                ([_, priority, weight], Some((name, port))) => {
                    format!("{priority} {weight} {port} {}", domain(name))
                }
                _ => text.to_owned(),
            }
        }
        "SOA" => {
            let words = text.split(' ').map(domain);
            words.collect::<Vec<_>>().join(" ")
        }
        _ => text.to_owned(),
    }
}

/// Seconds of `1w2d3h4m5s`.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut number = 0_u64;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        number = 0;
    }
    (number == 0 && !text.is_empty()).then_some(total)
}

fn query_type(name: &str) -> Cow<'_, str> {
    match name {
        "A" | "AAAA" | "PTR" | "SRV" | "TXT" | "MX" | "NS" | "SOA" | "CNAME" => Cow::Borrowed(name),
        _ => match dns::type_number(name) {
            Some(number) => dns::type_name(number),
            None => Cow::Borrowed(name),
        },
    }
}

fn domain(name: &str) -> String {
    let bare = match name.strip_suffix('.') {
        Some("") | None => name,
        Some(bare) => bare,
    };
    let mut domain = bare.to_ascii_lowercase();
    if domain.contains(' ') {
        domain = domain.replace(' ', "\\032");
    }
    domain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = DnsText::parse(text).map(|message| {
            let side = if message.response { "answer" } else { "query" };
            let answers: Vec<_> = message.answers.iter().map(Value::to_string).collect();
            format!(
                "{side} {} {} {} {} {}",
                message.id,
                message.response_code.as_deref().unwrap_or("-"),
                message.qtype.as_deref().unwrap_or("-"),
                message.domain.as_deref().unwrap_or("-"),
                answers.join(" ")
            )
        });
        assert_eq!(
            got.as_deref().unwrap_or("none").trim_end(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn queries() {
        check(
            "45934+ A? Name.example. (59)",
            "query 45934 - A name.example",
        );
        check(
            "1+ [1au] AAAA? a. ar: . OPT UDPsize=4096 DO (56)",
            "query 1 - AAAA a",
        );
        check("1% Type65? . (17)", "query 1 - HTTPS .");
        check(
            "0 PTR (QM)? _x._tcp.local. (40)",
            "query 0 - PTR _x._tcp.local",
        );
        check(
            "1+ TXT CHAOS? version.bind. (30)",
            "query 1 - TXT version.bind",
        );
        check(
            "7 notify [b2&3=0x2400] [1a] SOA? example.com. (82)",
            "query 7 - SOA example.com",
        );
        check("1+ A? odd name.a. (30)", "query 1 - A odd\\032name.a");
        check("1+ A? feature-st[|domain]", "query 1 - A -");
        check("1+ A? cut.off", "none");
        check("UDP, length 12", "none");
        check("1", "none");
        check("", "none");
    }

    #[test]
    fn answers() {
        check(
            "1*- 2/2/5 A 192.0.2.1, A 192.0.2.2 (224)",
            "answer 1 NOERROR - - {\"type\":\"A\",\"data\":\"192.0.2.1\"} {\"type\":\"A\",\"data\":\"192.0.2.2\"}",
        );
        check(
            "1 NXDomain*- q: A? a.b. 0/1/0 ns: b. [30s] SOA ns.b. h.b. 1 2 3 4 5 (152)",
            "answer 1 NXDOMAIN A a.b",
        );
        check(
            "1 q: MX? b. 2/0/1 b. [1h30m] MX Mail.b. 10, b. [1d] TXT \"a, \\\"b\" \"c\" ar: . OPT UDPsize=1 (9)",
            "answer 1 NOERROR MX b {\"name\":\"b\",\"type\":\"MX\",\"data\":\"10 mail.b\",\"ttl\":5400} {\"name\":\"b\",\"type\":\"TXT\",\"data\":\"\\\"a, \\\\\\\"b\\\" \\\"c\\\"\",\"ttl\":86400}",
        );
        check(
            "0*- [0q] 1/0/0 (Cache flush) SRV host.local.:631 0 5 (60)",
            "answer 0 NOERROR - - {\"type\":\"SRV\",\"data\":\"0 5 631 host.local\"}",
        );
        check("9 ServFail 0/0/0 (33)", "answer 9 SERVFAIL - -");
        check("9| 0/0/0 (33)", "answer 9 NOERROR - -");
        check(
            "9 2/0/0 CNAME[|domain]",
            "answer 9 NOERROR - - {\"type\":\"CNAME\"}",
        );
    }
}
