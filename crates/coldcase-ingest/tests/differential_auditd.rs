//! The audit decoder against linux-audit-parser, line by line: generated lines always, other projects' logs
//! where they are at hand. Both must agree on type, serial, time, node and on the fields that a row shows;
//! every difference falls into a named class, and the classes are counted (docs/adr/0005).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test over lines of known shape"
)]

use std::collections::BTreeMap;
use std::fs;

use coldcase_ingest::{Clock, formats};
use coldcase_testkit::corpora::corpora;
use coldcase_testkit::ingest;
use linux_audit_parser::{Message, ParseError, Parser, Value as Theirs};
use serde_json::Value;

/// Counted outcomes: agreements and the classes of difference.
type Counts = BTreeMap<&'static str, usize>;

/// Both read the line.
const LINE: &str = "line read by both";
/// Both have the field and the same value.
const AGREE: &str = "field equal";
/// It has `?`, `(null)`, `(none)`, 4294967295; unknown values are left out here.
const UNSET: &str = "unset value left out here";
/// It decodes every bare value that could be hex, numbers and words too: `id=1000`, `unit=dead`.
const DECODED: &str = "number or word decoded as hex there";
/// A line that ends in CRLF, or the last one without an end, is an error there.
const LINE_END: &str = "line end not accepted there";
/// A type that its table has not, or a bare number.
const TYPE: &str = "type not known there";
/// It gives up on the whole line where one value is not of its grammar.
const BODY: &str = "body not accepted there";
/// Its table names 1420 as an early patch did; the kernel gave that number to another type since.
const RENAMED: &str = "type named otherwise there";
/// Neither makes a record of it.
const NEITHER: &str = "read by neither";

/// Compares what both make of a line; `Err` names a difference that no class explains.
fn compare(line: &[u8], counts: &mut Counts) -> Result<(), String> {
    let recorder = ingest(
        formats::by_id("auditd").unwrap(),
        "audit.log",
        line,
        &Clock::UNKNOWN,
    );
    let bare = line.strip_suffix(b"\n").unwrap_or(line);
    let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
    let mut whole = bare.to_vec();
    whole.push(b'\n');
    if whole != line {
        count(counts, LINE_END);
        if Parser::default().parse(line).is_ok() {
            return Err("accepted there after all".into());
        }
    }
    let theirs = Parser::default().parse(&whole);
    let row = recorder
        .snapshot()
        .lines()
        .find_map(|line| serde_json::from_str::<Value>(line).ok());
    match (row, theirs) {
        (None, Err(_)) => count(counts, NEITHER),
        (None, Ok(message)) if is_end(&message) => count(counts, LINE),
        (None, Ok(_)) => return Err("read there, not here".into()),
        (Some(_), Err(ParseError::MalformedHeader(_))) => count(counts, TYPE),
        (Some(_), Err(_)) => count(counts, BODY),
        (Some(row), Ok(message)) => {
            count(counts, LINE);
            if message.ty.0 == 1420 {
                count(counts, RENAMED);
                return Ok(());
            }
            header(&row, &message)?;
            return fields(&row, &message, bare, counts);
        }
    }
    Ok(())
}

fn count(counts: &mut Counts, class: &'static str) {
    *counts.entry(class).or_default() += 1;
}

fn is_end(message: &Message<'_>) -> bool {
    message.ty.to_string() == "EOE"
}

fn header(row: &Value, message: &Message<'_>) -> Result<(), String> {
    let at = coldcase_model::Timestamp(i64::try_from(message.id.timestamp).unwrap() * 1_000_000);
    let node = message.node.as_deref().map(String::from_utf8_lossy);
    let pairs = [
        (row["ts"].as_str().unwrap().to_owned(), at.to_string()),
        (
            row["attributes"]["serial"].to_string(),
            message.id.sequence.to_string(),
        ),
        (
            text(&row["attributes"]["type"]).unwrap(),
            message.ty.to_string(),
        ),
        (
            text(&row["host"]).unwrap_or_default(),
            node.unwrap_or_default().into_owned(),
        ),
    ];
    match pairs.into_iter().find(|(ours, theirs)| ours != theirs) {
        Some((ours, theirs)) => Err(format!("header: {ours:?} here, {theirs:?} there")),
        None => Ok(()),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Their fields by name, those of `msg='...'` too.
fn flat(message: &Message<'_>) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut put = |key: String, value: &Theirs<'_>| {
        let bytes = match value {
            Theirs::Str(bytes, _) => bytes.to_vec(),
            Theirs::Owned(bytes) => bytes.clone(),
            Theirs::Number(number) => number.to_string().into_bytes(),
            _ => return,
        };
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        fields.entry(key).or_insert(shown);
    };
    for (key, value) in &message.body {
        match value {
            Theirs::Map(inner) => inner
                .iter()
                .for_each(|(key, value)| put(key.to_string(), value)),
            value => put(key.to_string(), value),
        }
    }
    fields
}

/// Where the row has a field; `None` where it has no place for it.
fn cell(row: &Value, kind: &str, key: &str) -> Option<Option<String>> {
    let attributes = &row["attributes"];
    Some(match key {
        "pid" | "ppid" | "exe" => text(&row[key]),
        "comm" | "auid" | "ses" | "uid" | "cwd" | "key" | "unit" => text(&attributes[key]),
        "op" if kind != "SYSCALL" => text(&attributes[key]),
        "tty" | "terminal" => text(&attributes["tty"]),
        "acct" => text(&row["user"])
            .filter(|_| attributes["acct"].is_null())
            .or(text(&attributes["acct"])),
        "hostname" => text(&attributes[key]).or(text(&row["src_ip"])),
        "addr" => text(&row["src_ip"]).or(text(&attributes[key])),
        "id" => text(&attributes[key]),
        "name" if kind == "PATH" => text(&attributes["paths"][0]),
        _ => return None,
    })
}

fn fields(
    row: &Value,
    message: &Message<'_>,
    line: &[u8],
    counts: &mut Counts,
) -> Result<(), String> {
    let kind = message.ty.to_string();
    for (key, theirs) in flat(message) {
        let Some(ours) = cell(row, &kind, &key) else {
            continue;
        };
        let ours_shown = ours.clone().unwrap_or_default();
        let class = if ours.as_deref() == Some(&theirs) {
            AGREE
        } else if ours.is_none()
            && ["?", "(null)", "(none)", "4294967295", ""].contains(&theirs.as_str())
        {
            UNSET
        } else if is_decoded(line, &key, &ours_shown, &theirs) {
            DECODED
        } else {
            return Err(format!(
                "{kind} {key}: {ours_shown:?} here, {theirs:?} there"
            ));
        };
        count(counts, class);
    }
    Ok(())
}

/// Whether the line has our text bare, and theirs is what it would be in hex.
fn is_decoded(line: &[u8], key: &str, ours: &str, theirs: &str) -> bool {
    let line = String::from_utf8_lossy(line);
    let raw = line
        .split([' ', '\''])
        .find_map(|word| word.strip_prefix(&format!("{key}=")));
    let Some(raw) = raw.filter(|raw| raw.len() % 2 == 0) else {
        return false;
    };
    let bytes: Option<Vec<u8>> = (0..raw.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(raw.get(at..at + 2)?, 16).ok())
        .collect();
    let decoded = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (ours == raw || ours.is_empty()) && decoded.as_deref() == Some(theirs)
}

/// Pseudo-random numbers: the same lines in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        let at = self.below(texts.len() as u64);
        texts[usize::try_from(at).unwrap()]
    }
}

fn generated(random: &mut Random) -> Vec<u8> {
    let node = random.pick(&["", "", "node=work ", "node=a.example "]);
    let comm = random.pick(&["\"sh\"", "6120622063", "\"(systemd)\"", "\"abcd\""]);
    let exe = random.pick(&[
        "\"/usr/bin/sh\"",
        "2F746D702F61202864656C6574656429",
        "\"/x\"",
    ]);
    let number = random.below(5000);
    let unset = random.pick(&["4294967295", "1000"]);
    let kind = random.pick(&[
        "SYSCALL",
        "CWD",
        "PATH",
        "USER_LOGIN",
        "SERVICE_START",
        "EOE",
        "NEW_ONE",
        "USER_CHAUTHTOK",
    ]);
    let body = match kind {
        "SYSCALL" => format!(
            "arch=c000003e syscall={} success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=1 pid={number} auid={unset} uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses={unset} comm={comm} exe={exe} key={}",
            random.below(400),
            random.pick(&["(null)", "\"k\"", "6B65792031"]),
        ),
        "CWD" => format!(
            "cwd={}",
            random.pick(&["\"/\"", "2F6120622F63", "\"/root\""])
        ),
        "PATH" => format!(
            "item=0 name={} inode={number} dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0",
            random.pick(&["\"/bin/ls\"", "(null)", "2F7420", "2F742"]),
        ),
        "USER_LOGIN" => format!(
            "pid={number} uid=0 auid={unset} ses={unset} msg='op=login {} exe={exe} hostname={} addr={} terminal={} res=success'",
            random.pick(&[
                "id=1000",
                "id=0",
                "acct=\"root\"",
                "acct=28756E6B6E6F776E207573657229"
            ]),
            random.pick(&["?", "10.0.0.1", "host.example"]),
            random.pick(&["?", "10.0.0.1", "192.0.2.7"]),
            random.pick(&["ssh", "?", "/dev/pts/0"]),
        ),
        "SERVICE_START" => format!(
            "pid=1 uid=0 auid={unset} ses={unset} msg='unit={} comm=\"systemd\" exe=\"/usr/lib/systemd/systemd\" hostname=? addr=? terminal=? res=success'",
            random.pick(&["docker", "cafe", "apt-daily"]),
        ),
        "USER_CHAUTHTOK" => format!(
            "pid={number} uid=0 auid={unset} ses={unset} msg='op=display aging info id=0 exe=\"/usr/bin/chage\" hostname=? addr=? terminal=? res=success'"
        ),
        "NEW_ONE" => format!("pid={number}"),
        _ => String::new(),
    };
    let enriched = match random.below(2) {
        0 if kind != "EOE" => "\u{1d}UID=\"root\" AUID=\"ops\"",
        _ => "",
    };
    let end = random.pick(&["\n", "\n", "\n", "\r\n", ""]);
    let serial = random.below(1_000_000) + 1;
    let ms = random.below(1000);
    format!("{node}type={kind} msg=audit(1683814537.{ms:03}:{serial}): {body}{enriched}{end}")
        .into_bytes()
}

#[test]
fn generated_lines() {
    let mut random = Random(7);
    let mut counts = Counts::new();
    for _ in 0..2_000 {
        let line = generated(&mut random);
        if let Err(difference) = compare(&line, &mut counts) {
            panic!("{difference}\n{}", String::from_utf8_lossy(&line));
        }
    }
    println!("{counts:#?}");
    let expected = [
        (AGREE, 7059),
        (LINE_END, 800),
        (LINE, 1730),
        (DECODED, 66),
        (TYPE, 270),
        (UNSET, 1302),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn lines_of_other_projects() {
    let Some(root) = corpora() else { return };
    let mut counts = Counts::new();
    let mut differences = Vec::new();
    for name in [
        "audit-userspace/test.log",
        "audit-userspace/test2.log",
        "crowdsec-hub/auditd-logs/auditd-logs.log",
        "go-libaudit/auparse/audit-rhel6.log",
        "go-libaudit/auparse/audit-rhel7.log",
        "go-libaudit/auparse/audit-ubuntu16.log",
        "go-libaudit/auparse/test2.log",
        "go-libaudit/reassembler/normal.log",
        "laurel/fork-sleep-exec.txt",
        "laurel/shell-proc-trace.txt",
        "laurel/proc-trace-dpkg-l.txt",
        "laurel/record-service-start.txt",
        "laurel/record-execve.txt",
        "laurel/record-anom-promiscuous.txt",
        "plaso/selinux.log",
        "security-datasets/sh_arp_cache_2020-11-10074812.log",
    ] {
        let bytes = fs::read(root.join(name)).unwrap();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_record = line.starts_with(b"type=") || line.starts_with(b"node=");
            if is_record && let Err(difference) = compare(line, &mut counts) {
                differences.push(difference);
            }
        }
    }
    let mut entries: Vec<_> = fs::read_dir(root.join("linux-audit-parser-rs"))
        .unwrap()
        .collect();
    entries.sort_by_key(|entry| entry.as_ref().unwrap().path());
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt")
            && let Err(difference) = compare(&fs::read(&path).unwrap(), &mut counts)
        {
            differences.push(difference);
        }
    }
    println!("{counts:#?}");
    assert_eq!(differences, Vec::<String>::new());
    let expected = [
        (BODY, 20),
        (AGREE, 847),
        (LINE_END, 1),
        (LINE, 268),
        (DECODED, 12),
        (NEITHER, 4),
        (RENAMED, 1),
        (TYPE, 4),
        (UNSET, 115),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
}
