//! The DNS decoder against two published ones, `domain` and `dns-parser`: over all messages of the public captures, over
//! made messages with bytes changed and cut off, and over whatever proptest thinks of. Where they differ the
//! difference has a name here, and its count is fixed; anything else fails.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly; it prints its table"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic;

use coldcase_wire::dns::{Message, Name, Record};
use domain::base::name::ToLabelIter;
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message as DomainMessage, ParsedName, ParsedRecord, RecordSection};
use domain::rdata::AllRecordData;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

#[allow(dead_code, reason = "the columns are read by another test")]
mod dns_payloads;
use dns_payloads::{corpora, payloads};

/// How two decoders may differ. The reason stands beside each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// `domain` ends at a name that does not unfold; here the record is kept with the labels that do, and
    /// what follows is read: its place is known.
    StopsAtBrokenName,
    /// `domain` follows a pointer into the header, or into the labels it stands behind: the id or a letter
    /// count would be read as a label's length. Here such a name is broken.
    FollowsOddPointer,
    /// `dns-parser` refuses a message for its Z bit.
    RefusesReservedBit,
    /// `dns-parser` refuses types that it has no name for: HTTPS, SVCB, RRSIG, DNSKEY, NAPTR, ...
    RefusesType,
    /// `dns-parser` refuses classes that it has no name for.
    RefusesClass,
    /// `dns-parser` refuses labels of 8 bits.
    RefusesLabel,
    /// `dns-parser` refuses text that is not UTF-8.
    RefusesText,
    /// `dns-parser` refuses the message for data that have not their type's shape; here they are written as
    /// hexadecimal.
    RefusesData,
    /// `dns-parser` refuses a message that is cut, or whose counts promise more than there is.
    RefusesCut,
    /// `dns-parser` refuses a message with a name that does not unfold.
    RefusesBrokenName,
    /// `dns-parser` refuses a second OPT record.
    RefusesSecondOpt,
    /// `dns-parser` accepts a name that is broken here: longer than 255 bytes, or with a pointer forward or
    /// into the header.
    AcceptsBrokenName,
    /// `dns-parser` takes a time to live above 2^31 for 0, as RFC 2181 tells resolvers; evidence keeps it.
    ZeroesTimeToLive,
    /// `dns-parser` does not look at whether data ends where its fields do, or at the length of strings.
    AcceptsData,
    /// `dns-parser` panics.
    Panics,
}

use Difference::*;

type Counts = BTreeMap<Difference, usize>;

/// What a decoder makes of a message: questions and records in order, and whether all were readable.
#[derive(Debug, PartialEq, Eq)]
struct View {
    items: Vec<Item>,
    whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    name: String,
    whole_name: bool,
    rtype: u16,
    class: u16,
    ttl: u32,
    data: String,
}

fn hexadecimal(data: &[u8]) -> String {
    data.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The types whose data all three decoders take apart.
fn compared(rtype: u16) -> bool {
    matches!(rtype, 1 | 2 | 5 | 6 | 12 | 15 | 16 | 28 | 33)
}

fn unfolded(name: &Name<'_>) -> (String, bool) {
    let mut text = String::new();
    let whole = name.write(&mut text);
    (text, whole)
}

fn ours(bytes: &[u8]) -> Option<View> {
    let message = Message::parse(bytes)?;
    let mut items = Vec::new();
    for question in message.questions() {
        let (name, whole_name) = unfolded(&question.name);
        let class = question.class | u16::from(question.unicast_response) << 15;
        items.push(Item {
            name,
            whole_name,
            rtype: question.qtype,
            class,
            ttl: 0,
            data: String::new(),
        });
    }
    let sections = message.answers().chain(message.authorities());
    for record in sections.chain(message.additionals()) {
        items.push(our_record(&record));
    }
    let whole = !message.cut();
    Some(View { items, whole })
}

fn our_record(record: &Record<'_>) -> Item {
    let (name, whole_name) = unfolded(&record.name);
    let mut data = String::new();
    if compared(record.rtype) {
        record.write_data(&mut data);
    }
    if !compared(record.rtype) || data.starts_with("\\#") {
        data = hexadecimal(record.data);
    }
    Item {
        name,
        whole_name,
        rtype: record.rtype,
        class: record.class | u16::from(record.cache_flush) << 15,
        ttl: record.ttl,
        data,
    }
}

/// A name in this program's form, out of its labels.
fn form<'a>(labels: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for label in labels.filter(|label| !label.is_empty()) {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label {
            if byte.is_ascii_graphic() && !matches!(byte, b'.' | b'\\') {
                text.push(char::from(byte.to_ascii_lowercase()));
            } else {
                let _ = write!(text, "\\{byte:03}");
            }
        }
    }
    if text.is_empty() { ".".into() } else { text }
}

fn domain_name(name: &impl ToLabelIter) -> String {
    form(name.iter_labels().map(|label| label.as_slice()))
}

fn quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                let _ = write!(out, "\\{}", char::from(*byte));
            }
            b' ' => out.push(' '),
            byte if byte.is_ascii_graphic() => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\{byte:03}");
            }
        }
    }
    out + "\""
}

fn theirs(bytes: &[u8]) -> Option<View> {
    let message = DomainMessage::from_octets(bytes).ok()?;
    let mut items = Vec::new();
    for question in message.question() {
        let Ok(question) = question else {
            return Some(View {
                items,
                whole: false,
            });
        };
        items.push(Item {
            name: domain_name(question.qname()),
            whole_name: true,
            rtype: question.qtype().to_int(),
            class: question.qclass().to_int(),
            ttl: 0,
            data: String::new(),
        });
    }
    let whole = domain_records(&message, &mut items).is_some();
    Some(View { items, whole })
}

fn domain_records(message: &DomainMessage<&[u8]>, items: &mut Vec<Item>) -> Option<()> {
    let mut section: Option<RecordSection<'_, &[u8]>> = message.answer().ok();
    section?;
    while let Some(mut records) = section {
        for record in &mut records {
            items.push(domain_record(&record.ok()?));
        }
        section = records.next_section().ok()?;
    }
    Some(())
}

fn domain_record(record: &ParsedRecord<'_, &[u8]>) -> Item {
    let rtype = record.rtype().to_int();
    let raw = record.to_record::<UnknownRecordData<&[u8]>>();
    let raw = raw.ok().flatten();
    let mut data = raw.map_or_else(String::new, |raw| hexadecimal(raw.data().data()));
    if compared(rtype)
        && let Ok(known) = record.to_any_record::<AllRecordData<&[u8], ParsedName<&[u8]>>>()
    {
        data = match known.data() {
            AllRecordData::A(a) => a.addr().to_string(),
            AllRecordData::Aaaa(aaaa) => aaaa.addr().to_string(),
            AllRecordData::Ns(ns) => domain_name(ns.nsdname()),
            AllRecordData::Cname(cname) => domain_name(cname.cname()),
            AllRecordData::Ptr(ptr) => domain_name(ptr.ptrdname()),
            AllRecordData::Mx(mx) => {
                format!("{} {}", mx.preference(), domain_name(mx.exchange()))
            }
            AllRecordData::Srv(srv) => format!(
                "{} {} {} {}",
                srv.priority(),
                srv.weight(),
                srv.port(),
                domain_name(srv.target())
            ),
            AllRecordData::Soa(soa) => format!(
                "{} {} {} {} {} {} {}",
                domain_name(soa.mname()),
                domain_name(soa.rname()),
                soa.serial().into_int(),
                soa.refresh().as_secs(),
                soa.retry().as_secs(),
                soa.expire().as_secs(),
                soa.minimum().as_secs()
            ),
            AllRecordData::Txt(txt) => {
                let strings: Vec<_> = txt.iter().map(quoted).collect();
                strings.join(" ")
            }
            _ => data,
        };
    }
    Item {
        name: domain_name(&record.owner()),
        whole_name: true,
        rtype,
        class: record.class().to_int(),
        ttl: record.ttl().as_secs(),
        data,
    }
}

/// Compares with `domain`: an explained difference, none, or what is unexplained.
fn against_domain(bytes: &[u8]) -> Result<Option<Difference>, String> {
    let (ours, theirs) = match (ours(bytes), theirs(bytes)) {
        (None, None) => return Ok(None),
        (Some(ours), Some(theirs)) => (ours, theirs),
        other => return Err(format!("one refuses: {other:?}")),
    };
    if ours == theirs {
        return Ok(None);
    }
    for (our, their) in ours.items.iter().zip(&theirs.items) {
        let mut expected = our.clone();
        if !our.whole_name {
            return Ok(Some(FollowsOddPointer));
        }
        if our.data != their.data && pointer_inside(our) {
            expected.data.clone_from(&their.data);
            if expected == *their {
                return Ok(Some(FollowsOddPointer));
            }
        }
        if expected != *their {
            return Err(format!("{our:?} is {their:?}"));
        }
    }
    match ours.items.get(theirs.items.len()) {
        Some(next) if !next.whole_name => Ok(Some(StopsAtBrokenName)),
        _ => Err(format!("{ours:?} is {theirs:?}")),
    }
}

/// Whether an item's data, kept as hexadecimal here, ends a name by a pointer.
fn pointer_inside(item: &Item) -> bool {
    let names = matches!(item.rtype, 2 | 5 | 6 | 12 | 15 | 33);
    let digits = item.data.as_bytes();
    let mut bytes = digits.chunks(2);
    names
        && digits.iter().all(u8::is_ascii_hexdigit)
        && bytes.any(|byte| matches!(byte[0], b'c'..=b'f'))
}

/// A name without escapes, as `dns-parser` shows it.
fn plain(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| digits.parse::<u8>().ok());
        out.push(char::from(code.unwrap_or(b'\\')).to_ascii_lowercase());
        rest = after.get(3..).unwrap_or_default();
    }
    out.push_str(rest);
    match out.strip_suffix('.') {
        Some(bare) => bare.to_owned(),
        None => out,
    }
}

/// Compares with `dns-parser`, as far as it takes messages at all.
fn against_dns_parser(bytes: &[u8]) -> Result<Option<Difference>, String> {
    use dns_parser::{Error, Packet};
    let Some(ours) = ours(bytes) else {
        let refused = Packet::parse(bytes).is_err();
        return refused.then_some(None).ok_or_else(|| "accepts".to_owned());
    };
    let broken = ours.items.iter().any(|item| !item.whole_name);
    let Ok(parsed) = panic::catch_unwind(|| Packet::parse(bytes)) else {
        return Ok(Some(Panics));
    };
    let packet = match parsed {
        Ok(packet) => packet,
        Err(error) => {
            return match error {
                Error::ReservedBitsAreNonZero => Ok(Some(RefusesReservedBit)),
                Error::InvalidQueryType(_) | Error::InvalidType(_) => Ok(Some(RefusesType)),
                Error::InvalidQueryClass(_) | Error::InvalidClass(_) => Ok(Some(RefusesClass)),
                Error::LabelIsNotAscii => Ok(Some(RefusesLabel)),
                Error::TxtDataIsNotUTF8(_) => Ok(Some(RefusesText)),
                Error::AdditionalOPT => Ok(Some(RefusesSecondOpt)),
                Error::WrongRdataLength => Ok(Some(RefusesData)),
                Error::BadPointer | Error::UnknownLabelFormat if broken => {
                    Ok(Some(RefusesBrokenName))
                }
                _ if !ours.whole => Ok(Some(RefusesCut)),
                _ if broken => Ok(Some(RefusesBrokenName)),
                // Names inside of data.
                Error::UnexpectedEOF | Error::BadPointer | Error::UnknownLabelFormat => {
                    Ok(Some(RefusesData))
                }
                error => Err(format!("refuses: {error}")),
            };
        }
    };
    if broken || !ours.whole {
        return Ok(Some(AcceptsBrokenName));
    }
    let records = packet.answers.iter().chain(&packet.nameservers);
    let records = records.chain(&packet.additional);
    let names = packet
        .questions
        .iter()
        .map(|question| (question.qname, None));
    let theirs: Vec<_> = names
        .chain(records.map(|record| (record.name, Some(record))))
        .collect();
    let opt = ours
        .items
        .iter()
        .position(|item| item.rtype == 41 && item.name == "." && packet.opt.is_some());
    let mut items = ours.items.clone();
    if let Some(opt) = opt {
        items.remove(opt);
    }
    if items.len() != theirs.len() {
        return Err(format!("{} items are {}", items.len(), theirs.len()));
    }
    let mut difference = None;
    for (item, (name, record)) in items.iter().zip(&theirs) {
        let name = shown(name);
        if name != plain(&item.name) {
            return Err(format!("{} is {name}", item.name));
        }
        let Some(record) = record else { continue };
        if record.ttl != item.ttl {
            if record.ttl != 0 || item.ttl <= 0x7fff_ffff {
                return Err(format!("{} is {}", item.ttl, record.ttl));
            }
            difference = Some(ZeroesTimeToLive);
        }
        if let Some(data) = dns_parser_data(&record.data)
            && data != plain_data(item)
        {
            let hexadecimal = item.data.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !hexadecimal {
                return Err(format!("{item:?} is {data}"));
            }
            difference = Some(AcceptsData);
        }
    }
    Ok(difference)
}

/// A name of `dns-parser`, which writes a dot behind labels where a pointer leads to the root.
fn shown(name: &dns_parser::Name<'_>) -> String {
    let name = name.to_string().to_ascii_lowercase();
    match name.strip_suffix('.') {
        Some(bare) => bare.to_owned(),
        None => name,
    }
}

fn dns_parser_data(data: &dns_parser::RData<'_>) -> Option<String> {
    use dns_parser::RData;
    let name = shown;
    Some(match data {
        RData::A(a) => a.0.to_string(),
        RData::AAAA(aaaa) => aaaa.0.to_string(),
        RData::CNAME(cname) => name(&cname.0),
        RData::NS(ns) => name(&ns.0),
        RData::PTR(ptr) => name(&ptr.0),
        RData::MX(mx) => format!("{} {}", mx.preference, name(&mx.exchange)),
        RData::SRV(srv) => format!(
            "{} {} {} {}",
            srv.priority,
            srv.weight,
            srv.port,
            name(&srv.target)
        ),
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {} {}",
            name(&soa.primary_ns),
            name(&soa.mailbox),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum_ttl
        ),
        RData::TXT(txt) => {
            let strings: Vec<_> = txt.iter().map(quoted).collect();
            strings.join(" ")
        }
        RData::Unknown(_) => return None,
    })
}

/// Data in the form of `dns-parser`: names without escapes, the root as nothing.
fn plain_data(item: &Item) -> String {
    match item.rtype {
        1 | 16 | 28 => item.data.clone(),
        _ => {
            let words = item.data.split(' ').map(plain);
            words.collect::<Vec<_>>().join(" ")
        }
    }
}

/// Counts the differences over some messages; an unexplained one fails.
fn count<'a>(messages: impl Iterator<Item = &'a [u8]>) -> (Counts, Counts, usize) {
    let (mut domain, mut dns_parser, mut all) = (Counts::new(), Counts::new(), 0);
    for bytes in messages {
        all += 1;
        let explain = |difference: Result<_, String>| match difference {
            Ok(difference) => difference,
            Err(unexplained) => panic!("{unexplained}\n{}", hexadecimal(bytes)),
        };
        if let Some(difference) = explain(against_domain(bytes)) {
            *domain.entry(difference).or_default() += 1;
        }
        if let Some(difference) = explain(against_dns_parser(bytes)) {
            *dns_parser.entry(difference).or_default() += 1;
        }
    }
    println!("{all} messages; domain {domain:?}; dns-parser {dns_parser:?}");
    (domain, dns_parser, all)
}

fn counts(expected: &[(Difference, usize)]) -> Counts {
    expected.iter().copied().collect()
}

#[test]
fn messages_of_the_captures() {
    let Some(root) = corpora() else {
        println!("corpora absent: skipped");
        return;
    };
    let (payloads, _) = payloads(&root);
    let (domain, dns_parser, all) = count(payloads.iter().map(|payload| payload.bytes.as_slice()));
    assert_eq!(all, 1_118);
    assert_eq!(domain, counts(&[]));
    let refused = [
        (RefusesReservedBit, 2),
        (RefusesType, 74),
        (ZeroesTimeToLive, 1),
    ];
    assert_eq!(dns_parser, counts(&refused));
}

/// Messages with names, pointers and data of many types, to be damaged.
fn made() -> Vec<Vec<u8>> {
    let header = |flags: u16, counts: [u16; 4]| {
        let mut bytes = vec![0x12, 0x34];
        bytes.extend(flags.to_be_bytes());
        bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
        bytes
    };
    let record = |name: &[u8], rtype: u16, data: &[u8]| {
        let mut bytes = name.to_vec();
        bytes.extend(rtype.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 1, 44]);
        bytes.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        bytes.extend(data);
        bytes
    };
    let question = b"\x03www\x07example\x03com\x00\x00\x01\x00\x01".as_slice();
    let owner = b"\xc0\x0c".as_slice();
    vec![
        [&header(0x0100, [1, 0, 0, 0]), question].concat(),
        [
            &header(0x8180, [1, 3, 0, 1]),
            question,
            &record(owner, 5, b"\x04edge\xc0\x10"),
            &record(b"\xc0\x2d", 1, &[192, 0, 2, 1]),
            &record(b"\xc0\x2d", 28, &[0x20; 16]),
            b"\0\0\x29\x04\xd0\0\0\x80\0\0\0",
        ]
        .concat(),
        [
            &header(0x8583, [1, 0, 2, 0]),
            question,
            &record(
                b"\xc0\x10",
                6,
                b"\x02ns\xc0\x10\x04host\xc0\x10\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
            ),
            &record(b"\xc0\x10", 2, b"\x02ns\xc0\x10"),
        ]
        .concat(),
        [
            &header(0x8180, [1, 4, 0, 0]),
            question,
            &record(owner, 15, b"\0\x0a\x02mx\xc0\x10"),
            &record(owner, 16, b"\x05hello\x05world"),
            &record(owner, 33, b"\0\x01\0\x02\x01\xbb\x03srv\xc0\x10"),
            &record(owner, 65, b"\0\x01\0\0\x01\0\x03\x02h2"),
        ]
        .concat(),
        [
            &header(0x8400, [0, 1, 0, 0]),
            &record(b"\x04_tcp\x05local\0", 12, b"\x04host\xc0\x11")[..],
        ]
        .concat(),
    ]
}

/// Numbers that are the same everywhere and always (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % limit
    }
}

/// Each made message with one to four bytes changed, some cut.
fn damaged() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let made = made();
    let damage = (0..40_000).map(|index| {
        let mut bytes = made[index % made.len()].clone();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            bytes[at] = match numbers.below(3) {
                0 => 0xc0,
                1 => u8::try_from(numbers.below(64)).expect("small"),
                _ => u8::try_from(numbers.below(256)).expect("a byte"),
            };
        }
        if numbers.below(4) == 0 {
            bytes.truncate(numbers.below(bytes.len()));
        }
        bytes
    });
    damage.collect()
}

#[test]
fn made_messages_whole() {
    let made = made();
    let (domain, dns_parser, _) = count(made.iter().map(Vec::as_slice));
    assert_eq!(domain, counts(&[]));
    assert_eq!(dns_parser, counts(&[(RefusesType, 1)]));
}

#[test]
fn made_messages_damaged() {
    let damaged = damaged();
    let (domain, dns_parser, _) = count(damaged.iter().map(Vec::as_slice));
    let expected = [(StopsAtBrokenName, 2_879), (FollowsOddPointer, 399)];
    assert_eq!(domain, counts(&expected));
    let expected = [
        (RefusesReservedBit, 762),
        (RefusesType, 5_333),
        (RefusesClass, 4_134),
        (RefusesLabel, 9_379),
        (RefusesData, 1_154),
        (RefusesCut, 12_166),
        (RefusesBrokenName, 854),
        (AcceptsBrokenName, 28),
        (ZeroesTimeToLive, 173),
        (AcceptsData, 27),
    ];
    assert_eq!(dns_parser, counts(&expected));
}

/// A message of plausible parts in any order, or any bytes.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => prop::sample::select(made()).prop_flat_map(|bytes| {
            let length = bytes.len();
            (Just(bytes), 0..length, 0..length)
        }).prop_map(|(bytes, a, b)| bytes[a.min(b)..a.max(b)].to_vec()),
        2 => (0..=255_u8).prop_map(|low| vec![0xc0, low]),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let body = prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat());
    (any::<[u8; 4]>(), prop::array::uniform8(0_u8..3), body).prop_map(|(start, counts, body)| {
        // The upper byte of each count is 0: more records than fit say nothing new.
        let counts = [0, counts[1], 0, counts[3], 0, counts[5], 0, counts[7]];
        [&start[..], &counts, &body].concat()
    })
}

#[test]
fn any_messages_differ_in_known_ways() {
    let config = Config {
        cases: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let ran = runner.run(&any_message(), |bytes| {
        let unexplained = |difference: Result<_, String>| match difference {
            Ok(_) => Ok(()),
            Err(unexplained) => Err(TestCaseError::fail(unexplained)),
        };
        unexplained(against_domain(&bytes))?;
        unexplained(against_dns_parser(&bytes))
    });
    if let Err(failure) = ran {
        panic!("{failure}");
    }
}
