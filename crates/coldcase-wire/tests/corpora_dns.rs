//! The DNS messages of the public captures against three other readers: TShark's columns, dnscap's text and
//! Zeek's dns.log. Skipped where the corpora are not at hand.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly; it prints its table"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use coldcase_wire::dns::{Message, Record, looks_like_dns, rcode_name, type_name};

mod dns_payloads;
use dns_payloads::{corpora, frames, payloads};

fn name_of(write: impl Fn(&mut String) -> bool) -> String {
    let mut name = String::new();
    write(&mut name);
    name
}

fn data_of(record: &Record<'_>) -> String {
    let mut data = String::new();
    record.write_data(&mut data);
    data
}

/// Messages in the captures.
const PAYLOADS: usize = 1_118;

/// Messages that read otherwise than TShark reads them: capture, how many, and why.
const EXPLAINED: &[(&str, usize, &str)] = &[(
    "tcpdump/dns-badlabel.pcap",
    1,
    "the first name has more labels than a name can: nothing behind it can be found",
)];

/// DNS frames whose payload is no whole message, and why.
const ELSEWHERE: [(&str, usize, &str); 6] = [
    (
        "suricata-verify/dns/dns-incomplete/input.pcap",
        11,
        "several segments make the message",
    ),
    (
        "zeek/Traces/dns/tkey.pcap",
        7,
        "several segments make the message",
    ),
    ("zeek/Traces/dns-edns-ecs.pcap", 54, "a last IP fragment"),
    ("zeek/Traces/dns-edns-ecs.pcap", 59, "a last IP fragment"),
    ("zeek/Traces/dns-edns-ecs.pcap", 63, "a last IP fragment"),
    ("zeek/Traces/dns-edns-ecs.pcap", 85, "a last IP fragment"),
];

/// Messages that `looks_like_dns` takes for something else: capture, how many, and why.
const IMPLAUSIBLE: [(&str, usize, &str); 2] = [
    (
        "tcpdump/dns-badlabel.pcap",
        1,
        "64,259 questions of an operation that nobody defined",
    ),
    (
        "zeek/Traces/dns-edns-ecs-bad.pcap",
        4,
        "the question has class 0 and 236 answers in 300 bytes: damaged on purpose",
    ),
];

/// TShark's columns of a message, as this decoder reads them.
fn columns(bytes: &[u8]) -> Option<BTreeMap<&'static str, String>> {
    let message = Message::parse(bytes)?;
    let mut columns = BTreeMap::new();
    columns.insert("dns.id", format!("0x{:04x}", message.id));
    columns.insert(
        "dns.flags.response",
        u8::from(message.is_response()).to_string(),
    );
    let code = match message.is_response() {
        true => (message.flags & 0xf).to_string(),
        false => String::new(),
    };
    columns.insert("dns.flags.rcode", code);
    let mut names = Vec::new();
    let mut types = Vec::new();
    for question in message.questions() {
        names.push(name_of(|out| question.write_name(out)));
        types.push(question.qtype.to_string());
    }
    columns.insert("dns.qry.name", names.join(","));
    columns.insert("dns.qry.type", types.join(","));
    let sections = message.answers().chain(message.authorities());
    let records: Vec<_> = sections.chain(message.additionals()).collect();
    for (column, rtype) in [("dns.a", 1), ("dns.aaaa", 28), ("dns.cname", 5)] {
        let of_type = records.iter().filter(|record| record.rtype == rtype);
        let data: Vec<_> = of_type.map(data_of).collect();
        columns.insert(column, data.join(","));
    }
    Some(columns)
}

#[test]
fn as_tshark_reads_them() {
    let Some(root) = corpora() else {
        println!("corpora absent: skipped");
        return;
    };
    let (payloads, elsewhere) = payloads(&root);
    let mut table: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut implausible: BTreeMap<&str, usize> = BTreeMap::new();
    for payload in &payloads {
        let entry = table.entry(&payload.file).or_default();
        entry.0 += 1;
        let columns = columns(&payload.bytes).unwrap_or_default();
        let differing: Vec<_> = columns
            .iter()
            .filter_map(|(name, got)| {
                let expected = payload.row[*name].to_ascii_lowercase();
                // The root is an angle-bracketed word there.
                let expected = expected.replace("<root>", ".");
                (expected != *got).then(|| format!("{name}: {expected} is {got}"))
            })
            .collect();
        if columns.is_empty() || !differing.is_empty() {
            entry.1 += 1;
            println!("{} frame {}: {differing:?}", payload.file, payload.frame);
        }
        if !looks_like_dns(&payload.bytes) {
            *implausible.entry(&payload.file).or_default() += 1;
        }
    }
    println!("capture messages differing");
    for (file, (messages, differing)) in &table {
        println!("{file} {messages} {differing}");
    }
    let got: Vec<_> = table
        .iter()
        .filter(|(_, (_, differing))| *differing > 0)
        .map(|(file, (_, differing))| (*file, *differing))
        .collect();
    let explained: Vec<_> = EXPLAINED
        .iter()
        .map(|(file, count, _)| (*file, *count))
        .collect();
    assert_eq!(got, explained);
    assert_eq!(payloads.len(), PAYLOADS);
    let frames = ELSEWHERE.map(|(file, frame, _)| (file.to_owned(), frame));
    assert_eq!(elsewhere, frames);
    let counts = IMPLAUSIBLE.map(|(file, count, _)| (file, count));
    assert_eq!(implausible.into_iter().collect::<Vec<_>>(), counts);
}

/// One message as dnscap writes it, from `dns` on.
fn as_dnscap(bytes: &[u8]) -> Option<String> {
    let message = Message::parse(bytes)?;
    let operation = ["QUERY", "IQUERY", "STATUS", "3", "NOTIFY", "UPDATE"];
    let mut text = format!(
        "dns {},{},{},",
        operation.get(usize::from(message.opcode()))?,
        rcode_name(message.flags & 0xf),
        message.id
    );
    let names = [
        (0x8000, "qr"),
        (0x0400, "aa"),
        (0x0200, "tc"),
        (0x0100, "rd"),
        (0x0080, "ra"),
        (0x0040, "z"),
        (0x0020, "ad"),
        (0x0010, "cd"),
    ];
    let flags = names.iter().filter(|(bit, _)| message.flags & bit != 0);
    let flags: Vec<_> = flags.map(|(_, name)| *name).collect();
    text.push_str(&flags.join("|"));
    let dotted = |name: String| if name == "." { name } else { name + "." };
    let _ = write!(text, " {}", message.question_count);
    for question in message.questions() {
        let name = dotted(name_of(|out| question.write_name(out)));
        let _ = write!(text, " {name},IN,{}", type_name(question.qtype));
    }
    let sections = [
        (message.answer_count, message.answers()),
        (message.authority_count, message.authorities()),
        (message.additional_count, message.additionals()),
    ];
    for (count, records) in sections {
        let _ = write!(text, " {count}");
        for record in records {
            let name = dotted(name_of(|out| record.write_name(out)));
            if record.rtype == 41 {
                // Options are another's business: name and payload size alone.
                let _ = write!(text, " {name},{0},{0},0", record.class);
                continue;
            }
            let mut data = data_of(&record);
            if matches!(record.rtype, 2 | 5 | 12) {
                data = dotted(data);
            }
            let kind = type_name(record.rtype);
            let _ = write!(text, " {name},IN,{kind},{},{data}", record.ttl);
        }
    }
    Some(text)
}

#[test]
fn as_dnscap_reads_them() {
    let Some(root) = corpora() else {
        println!("corpora absent: skipped");
        return;
    };
    println!("source expected got");
    for (name, messages) in [("dns", 82), ("edns", 14), ("dnspad", 1)] {
        let gold = fs::read_to_string(root.join(format!("dnscap/{name}.gold"))).expect("a text");
        let gold = gold.replace(" \\\n", " ").replace('\t', " ");
        let mut expected = Vec::new();
        for line in gold.lines() {
            let Some(at) = line.find(" dns ") else {
                continue;
            };
            let words = line[at + 1..].split_whitespace().map(|word| {
                // What follows the payload size of an OPT record.
                word.split(",edns0[").next().unwrap_or(word)
            });
            // The first message of this file is written twice, for two versions of dnscap.
            expected.push(words.collect::<Vec<_>>().join(" "));
        }
        expected.dedup();
        let bytes = fs::read(root.join(format!("dnscap/{name}.pcap"))).expect("a capture");
        let got: Vec<_> = frames(&bytes)
            .into_iter()
            .flatten()
            .filter_map(|payload| as_dnscap(&payload))
            .collect();
        println!("{name}.gold {} {}", expected.len(), got.len());
        assert_eq!(got, expected, "{name}");
        assert_eq!(got.len(), messages, "{name}");
    }
}

/// Zeek's tests and the captures that they read.
const ZEEK: [(&str, &str); 9] = [
    ("scripts.base.protocols.dns.dns-key", "dnssec/dnskey2.pcap"),
    ("scripts.base.protocols.dns.dnskey", "dnssec/dnskey.pcap"),
    (
        "scripts.base.protocols.dns.duplicate-reponses",
        "dns-two-responses.pcap",
    ),
    (
        "scripts.base.protocols.dns.mdns-no-assoc",
        "dns/mdns-no-assoc.pcap",
    ),
    ("scripts.base.protocols.dns.nsec", "dnssec/nsec.pcap"),
    (
        "scripts.base.protocols.dns.nsec3param",
        "dnssec/nsec3param.pcap",
    ),
    ("scripts.base.protocols.dns.spf", "dns-spf.pcap"),
    ("scripts.base.protocols.dns.wks", "dns/dns-wks.pcap"),
    (
        "scripts.policy.protocols.dns.original_case",
        "dns_original_case.pcap",
    ),
];

#[test]
fn as_zeek_reads_them() {
    let Some(root) = corpora() else {
        println!("corpora absent: skipped");
        return;
    };
    println!("source rows cells");
    let (mut all_rows, mut all_cells) = (0, 0);
    for (test, capture) in ZEEK {
        let log = fs::read_to_string(root.join("zeek/Baseline").join(test).join("dns.log"));
        let log = log.expect("a log");
        let bytes = fs::read(root.join("zeek/Traces").join(capture)).expect("a capture");
        let payloads = frames(&bytes);
        let messages: Vec<_> = payloads
            .iter()
            .flatten()
            .filter_map(|bytes| Message::parse(bytes))
            .collect();
        let fields = log.lines().find_map(|line| line.strip_prefix("#fields\t"));
        let fields: Vec<_> = fields.expect("a header").split('\t').collect();
        let (mut rows, mut cells) = (0, 0);
        for line in log.lines().filter(|line| !line.starts_with('#')) {
            rows += 1;
            let row: BTreeMap<_, _> = fields.iter().copied().zip(line.split('\t')).collect();
            let of_id = messages
                .iter()
                .filter(|message| message.id.to_string() == row["trans_id"]);
            // A query without its question in the log is known by the owner of its answers.
            let asked: Vec<_> = of_id
                .filter(|message| {
                    let questions = message
                        .questions()
                        .map(|q| name_of(|out| q.write_name(out)));
                    let owners = message.answers().map(|r| name_of(|out| r.write_name(out)));
                    questions.chain(owners).any(|name| name == row["query"])
                })
                .collect();
            assert!(!asked.is_empty(), "{capture}: {}", row["query"]);
            cells += 1;
            if row["qtype"] != "-" {
                let question = asked[0].question().expect("a question");
                assert_eq!(question.qtype.to_string(), row["qtype"], "{capture}");
                assert_eq!(question.class.to_string(), row["qclass"], "{capture}");
                assert_eq!(type_name(question.qtype), row["qtype_name"], "{capture}");
                cells += 3;
            }
            let answer = asked.iter().rev().find(|message| message.is_response());
            let Some(answer) = answer.filter(|_| row["rcode"] != "-") else {
                continue;
            };
            assert_eq!((answer.flags & 0xf).to_string(), row["rcode"], "{capture}");
            assert_eq!(
                rcode_name(answer.flags & 0xf),
                row["rcode_name"],
                "{capture}"
            );
            cells += 2;
            if row["answers"] == "-" {
                continue;
            }
            let records: Vec<_> = answer.answers().collect();
            let ttls: Vec<_> = row["TTLs"].split(',').collect();
            assert_eq!(records.len(), ttls.len(), "{capture}");
            let answers = row["answers"].split(',').zip(&ttls);
            for ((expected, ttl), record) in answers.zip(&records) {
                let data = data_of(record);
                let same = match record.rtype {
                    1 | 5 | 28 => data == expected,
                    // The log gives the length and the text of SPF, the type's name of others.
                    99 => expected.contains(data.trim_matches('"')),
                    _ => expected.starts_with(&*type_name(record.rtype)),
                };
                assert!(same, "{capture}: {expected} is {data}");
                // Zeek's logs of DNSSEC sort the times to live apart from the answers.
                let known = ttls
                    .iter()
                    .any(|ttl| ttl.starts_with(&format!("{}.", record.ttl)));
                assert!(known, "{capture}: {ttl} is {}", record.ttl);
                cells += 2;
            }
        }
        println!("{capture} {rows} {cells}");
        all_rows += rows;
        all_cells += cells;
    }
    assert_eq!((all_rows, all_cells), (16, 123));
}
