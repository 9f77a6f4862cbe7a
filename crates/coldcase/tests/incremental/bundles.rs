//! Bundles: recorded incidents unpacked, and logs of a clock that nobody told.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

const HOUR: i64 = 3_600;
/// 2023-04-03T00:00:00Z.
const START: i64 = 1_680_480_000;

/// Unpacks a recorded incident there; how many files it has.
pub fn incident(name: &str, to: &Path) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    let archive = fs::File::open(root.join(name).join("bundle.tar.gz")).expect("a bundle");
    let within = to.with_extension("unpacked");
    fs::create_dir_all(&within).expect("a folder");
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    archive.set_preserve_permissions(false);
    archive.unpack(&within).expect("unpacks");
    let mut inside = fs::read_dir(&within).expect("a folder");
    let first = inside.next().expect("an entry").expect("an entry").path();
    let is_wrapped = inside.next().is_none() && first.is_dir();
    let from = if is_wrapped { first } else { within.clone() };
    let count = copy(&from, to);
    fs::remove_dir_all(within).expect("removes");
    count
}

fn copy(from: &Path, to: &Path) -> usize {
    fs::create_dir_all(to).expect("a folder");
    let mut count = 0;
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            count += copy(&path, &target);
        } else {
            fs::write(target, fs::read(path).expect("a file")).expect("writes");
            count += 1;
        }
    }
    count
}

/// The captures of a bundle's largest ring, by name.
pub fn captures(bundle: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![bundle.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().contains(".pcap") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A folder as a `.tar.gz`.
pub fn packed(folder: &Path) -> Vec<u8> {
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    archive.append_dir_all("host", folder).expect("packs");
    let gzip = archive.into_inner().expect("packs");
    gzip.finish().expect("packs")
}

/// Logins without a rhythm, some hours apart, in seconds since 1970.
pub fn moments(count: i64) -> Vec<i64> {
    let wobble = |index: i64| (index * index * 7_919 + 10_429) % (4 * HOUR);
    (0..count)
        .map(|index| START + index * 5 * HOUR + wobble(index))
        .collect()
}

/// sshd's lines of these logins, without a year, by a clock so many hours ahead of UTC.
pub fn auth_log(ahead: i64, logins: &[i64]) -> String {
    let mut text = String::new();
    for (index, utc) in logins.iter().enumerate() {
        let local = DateTime::from_timestamp(utc + ahead * HOUR, 0).expect("a time");
        let stamp = local.format("%b %e %H:%M:%S");
        let (pid, address) = (2_000 + index, index % 3 + 1);
        let _ = writeln!(
            text,
            "{stamp} web-1 sshd[{pid}]: Accepted publickey for ann from 192.0.2.{address} port 4{index:04} ssh2"
        );
    }
    text
}

/// wtmp's records of the same, a second later.
pub fn wtmp(logins: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, utc) in logins.iter().enumerate() {
        let mut record = [0_u8; 384];
        let mut put = |start: usize, field: &[u8]| {
            record[start..start + field.len()].copy_from_slice(field);
        };
        put(0, &7_i16.to_le_bytes());
        put(4, &(9_000 + index as i32).to_le_bytes());
        put(8, format!("pts/{}", index % 5).as_bytes());
        put(44, b"ann");
        put(76, format!("192.0.2.{}", index % 3 + 1).as_bytes());
        put(340, &(*utc as i32 + 1).to_le_bytes());
        put(348, &[192, 0, 2, index as u8 % 3 + 1]);
        bytes.extend(record);
    }
    bytes
}

/// Audit records of these moments in four files, oldest last; an event begins in one file and ends in the next.
pub fn audit_logs(moments: &[i64]) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (serial, utc) in (1..).zip(moments) {
        let id = format!("audit({utc}.120:{serial})");
        let pid = 500 + serial;
        lines.push(format!(
            "type=SYSCALL msg={id}: arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=1 pid={pid} auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm=\"id\" exe=\"/usr/bin/id\" key=\"exec\""
        ));
        lines.push(format!("type=EXECVE msg={id}: argc=2 a0=\"id\" a1=\"-u\""));
    }
    let length = (lines.len() / 4) | 1;
    let pieces = lines.chunks(length).rev().enumerate();
    let named = pieces.map(|(age, lines)| {
        let name = match age {
            0 => "audit.log".to_owned(),
            age => format!("audit.log.{age}"),
        };
        (name, lines.join("\n") + "\n")
    });
    named.collect()
}
