//! A file's bytes as they were collected, and whether they say at a place what a row says.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use coldcase_timeline::Selection;

use super::words;

/// Most lines that one record of a text has.
const LONGEST_RECORD: usize = 2000;
/// How far behind an audit record others of its event may stand.
const AUDIT_LINES: usize = 3000;

/// A file, decompressed.
pub struct Raw {
    bytes: Vec<u8>,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl Raw {
    pub fn open(path: &Path) -> Self {
        let mut opened = coldcase_evidence::open(path).expect("opens");
        let mut bytes = Vec::new();
        opened.reader.read_to_end(&mut bytes).expect("reads");
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0)
            .chain(ends.map(|(at, _)| at + 1))
            .collect();
        Self { bytes, starts }
    }

    /// Whether the place of a row says what the row says. `lines` are those at which rows of the file begin; `offset`
    /// was added to the file's times.
    pub fn says(
        &self,
        rows: &Selection,
        row: usize,
        lines: &BTreeSet<i64>,
        offset: i64,
    ) -> Result<(), String> {
        let ts = rows.long("ts_ns", row).map(|ns| ns - offset);
        if let Some(line) = rows.long("line", row) {
            let text = self.record(rows, row, line, lines)?;
            // The rest of an event that rotation cut stands in the next file.
            let cut = rows.text("format", row) == Some("auditd") && self.ends_with(&text);
            let record = words::Record {
                text: &text,
                cut,
                file: &self.bytes,
            };
            return words::said(rows, row, ts, &record);
        }
        let place = rows.long("offset", row).ok_or("neither line nor offset")?;
        let place = usize::try_from(place).map_err(|_| "a negative offset")?;
        if place >= self.bytes.len() {
            return Err(format!("offset {place} of {} bytes", self.bytes.len()));
        }
        match rows.text("format", row) {
            Some("pcap") => self.packet(rows, row, place, ts),
            Some("utmp") => self.login(rows, row, place, ts),
            _ => Ok(()),
        }
    }

    fn line(&self, number: usize) -> Option<&[u8]> {
        let start = *self.starts.get(number.checked_sub(1)?)?;
        let end = self
            .starts
            .get(number)
            .map_or(self.bytes.len(), |next| next - 1);
        self.bytes.get(start..end)
    }

    fn ends_with(&self, text: &str) -> bool {
        self.bytes
            .trim_ascii_end()
            .ends_with(text.trim_end().as_bytes())
    }

    /// A record's lines: those up to the next row's; of an audit event all of its serial.
    fn record(
        &self,
        rows: &Selection,
        row: usize,
        line: i64,
        lines: &BTreeSet<i64>,
    ) -> Result<String, String> {
        let number = usize::try_from(line).map_err(|_| "a negative line")?;
        let first = self.line(number).filter(|_| number >= 1);
        let first = first.ok_or_else(|| format!("line {line} of {}", self.starts.len()))?;
        let first = String::from_utf8_lossy(first).into_owned();
        if rows.text("format", row) == Some("auditd")
            && let Some(id) = first
                .split("msg=audit(")
                .nth(1)
                .and_then(|rest| rest.split(')').next())
        {
            let wanted = format!("msg=audit({id})");
            let near = (number..number + AUDIT_LINES).map_while(|number| self.line(number));
            let near = near.map(String::from_utf8_lossy);
            let own: Vec<_> = near.filter(|line| line.contains(&wanted)).collect();
            return Ok(own.join("\n"));
        }
        // The stamp of a command of a history stands above it.
        let stamp = self.line(number.saturating_sub(1)).filter(|above| {
            rows.text("format", row) == Some("shell-history") && above.starts_with(b"#")
        });
        let stamp = stamp.map(|above| format!("{}\n", String::from_utf8_lossy(above)));
        let next = lines.range(line + 1..).next().copied();
        let next = next
            .and_then(|next| usize::try_from(next).ok())
            .unwrap_or(number + LONGEST_RECORD);
        let record = (number..next.max(number + 1)).map_while(|number| self.line(number));
        let record: Vec<_> = record
            .take(LONGEST_RECORD)
            .map(String::from_utf8_lossy)
            .collect();
        Ok(stamp.unwrap_or_default() + &record.join("\n"))
    }

    fn number(&self, at: usize, little: bool) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    /// A packet's record in a classic capture: its time, and its addresses and names among its bytes.
    fn packet(
        &self,
        rows: &Selection,
        row: usize,
        at: usize,
        ts: Option<i64>,
    ) -> Result<(), String> {
        let magic = self.number(0, true).ok_or("no head")?;
        let (little, nanos) = match magic {
            0xa1b2_c3d4 => (true, false),
            0xa1b2_3c4d => (true, true),
            0xd4c3_b2a1 => (false, false),
            0x4d3c_b2a1 => (false, true),
            _ => return Err(format!("not a classic capture: {magic:x}")),
        };
        let word = |index: usize| {
            self.number(at + 4 * index, little)
                .map(i64::from)
                .ok_or("a cut head")
        };
        let fraction = word(1)? * if nanos { 1 } else { 1000 };
        let got = word(0)? * 1_000_000_000 + fraction;
        if Some(got) != ts {
            return Err(format!("the packet there is of {got}, the row of {ts:?}"));
        }
        let length = usize::try_from(word(2)?).map_err(|_| "an absurd length")?;
        let data = self
            .bytes
            .get(at + 16..at + 16 + length)
            .ok_or("a cut packet")?;
        let has = |bytes: &[u8]| {
            data.windows(bytes.len().max(1))
                .any(|window| window == bytes)
        };
        for column in ["src_ip", "dst_ip"] {
            let Some(address) = rows.text(column, row) else {
                continue;
            };
            let bytes = match address.parse().map_err(|_| "no address")? {
                std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
                std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            if !has(&bytes) {
                return Err(format!("{column} {address} is not in the packet"));
            }
        }
        let action = rows.text("action", row).unwrap_or_default();
        if action.starts_with("dns-")
            && let Some(domain) = rows.text("domain", row).filter(|domain| *domain != ".")
        {
            let mut name = Vec::new();
            for label in domain.split('.') {
                name.push(u8::try_from(label.len()).map_err(|_| "a long label")?);
                name.extend(label.bytes());
            }
            let lower = data.to_ascii_lowercase();
            if !lower.windows(name.len()).any(|window| window == name) {
                return Err(format!("{domain} is not in the packet"));
            }
        }
        Ok(())
    }

    /// A login record of x86 (384 bytes): its time, and the account and terminal among its bytes.
    fn login(
        &self,
        rows: &Selection,
        row: usize,
        at: usize,
        ts: Option<i64>,
    ) -> Result<(), String> {
        let record = self.bytes.get(at..at + 384).ok_or("a cut record")?;
        let (Some(seconds), Some(micros)) =
            (self.number(at + 340, true), self.number(at + 344, true))
        else {
            return Err("a cut record".to_owned());
        };
        let got = i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1000;
        if ts.is_some_and(|ts| ts != got) {
            return Err(format!("the record there is of {got}, the row of {ts:?}"));
        }
        let has = |text: &str| {
            record
                .windows(text.len().max(1))
                .any(|window| window == text.as_bytes())
        };
        if let Some(user) = rows.text("user", row).filter(|user| !has(user)) {
            return Err(format!("the account {user} is not in the record"));
        }
        Ok(())
    }
}
