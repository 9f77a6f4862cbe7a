//! Time-zone files (`/etc/localtime`) and the IANA zone they are of.

use chrono::{Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

/// Names kept for old uses, links to another of the same rules.
const OLD_NAMES: [&str; 24] = [
    "Asia/Chongqing",
    "Asia/Chungking",
    "Asia/Harbin",
    "Asia/Kashgar",
    "Asia/Macao",
    "Asia/Calcutta",
    "Asia/Katmandu",
    "Asia/Saigon",
    "Asia/Rangoon",
    "Asia/Dacca",
    "Asia/Istanbul",
    "Asia/Tel_Aviv",
    "Asia/Ujung_Pandang",
    "Asia/Thimbu",
    "Asia/Ashkhabad",
    "Asia/Ulan_Bator",
    "Europe/Belfast",
    "Europe/Nicosia",
    "Europe/Tiraspol",
    "Europe/Kiev",
    "America/Buenos_Aires",
    "America/Louisville",
    "America/Indianapolis",
    "Australia/ACT",
];

/// Zones named first of those that are alike.
const MOST_USED: [&str; 14] = [
    "UTC",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Australia/Sydney",
];

/// Most changes compared; a zone's file has some hundred.
const MOST_CHANGES: usize = 2_000;

/// Whether these bytes begin a time-zone file.
pub(super) fn is_zone_file(bytes: &[u8]) -> bool {
    bytes.starts_with(b"TZif")
}

/// The zone whose offsets are those of the file at all its changes, and just before each.
pub(super) fn zone(bytes: &[u8]) -> Option<Tz> {
    let offsets = offsets(bytes)?;
    let fits = |tz: &&Tz| {
        offsets.iter().all(|(at, seconds)| {
            let at = Utc.timestamp_opt(*at, 0).single();
            at.is_some_and(|at| {
                tz.offset_from_utc_datetime(&at.naive_utc())
                    .fix()
                    .local_minus_utc()
                    == *seconds
            })
        })
    };
    TZ_VARIANTS.iter().filter(fits).copied().min_by_key(|tz| {
        let name = tz.name();
        let used = MOST_USED.iter().position(|used| *used == name);
        let rank = used.unwrap_or(MOST_USED.len());
        (rank, OLD_NAMES.contains(&name), !name.contains('/'), name)
    })
}

/// Instants in seconds since 1970 with the offset that the file gives from then on: its changes, and a
/// moment of today's rules.
fn offsets(bytes: &[u8]) -> Option<Vec<(i64, i32)>> {
    let first = Header::read(bytes)?;
    if first.version < b'2' {
        return first.offsets(bytes.get(44..)?, 4);
    }
    let second = bytes.get(44 + first.length(4)?..)?;
    let header = Header::read(second)?;
    header.offsets(second.get(44..)?, 8)
}

struct Header {
    version: u8,
    leap: usize,
    is_std: usize,
    is_ut: usize,
    changes: usize,
    types: usize,
    characters: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        if !is_zone_file(bytes) {
            return None;
        }
        let count = |at: usize| {
            let field = bytes.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(field))
                .ok()
                .filter(|count| *count < 1 << 16)
        };
        Some(Self {
            version: *bytes.get(4)?,
            is_ut: count(20)?,
            is_std: count(24)?,
            leap: count(28)?,
            changes: count(32)?,
            types: count(36)?,
            characters: count(40)?,
        })
    }

    /// Bytes of the block behind the header, with times of this width.
    fn length(&self, width: usize) -> Option<usize> {
        let times = self.changes.checked_mul(width + 1)?;
        let leaps = self.leap.checked_mul(width + 4)?;
        Some(times + self.types * 6 + self.characters + leaps + self.is_std + self.is_ut)
    }

    fn offsets(&self, block: &[u8], width: usize) -> Option<Vec<(i64, i32)>> {
        let times = block.get(..self.changes * width)?;
        let indices = block.get(self.changes * width..)?;
        let types = indices.get(self.changes..)?;
        let offset_of = |index: usize| {
            let entry = types.get(index * 6..index * 6 + 4)?;
            (index < self.types).then_some(i32::from_be_bytes(entry.try_into().ok()?))
        };
        let mut offsets = Vec::new();
        let mut before = None;
        let all = times.chunks_exact(width).zip(indices);
        for (time, index) in all.take(MOST_CHANGES) {
            let at = match width {
                4 => i64::from(i32::from_be_bytes(time.try_into().ok()?)),
                _ => i64::from_be_bytes(time.try_into().ok()?),
            };
            let offset = offset_of(usize::from(*index))?;
            // Local mean time before railways differs between databases.
            if at > -1_000_000_000 {
                offsets.extend(before.map(|before| (at - 1, before)));
                offsets.push((at, offset));
            }
            before = Some(offset);
        }
        if self.changes == 0 {
            offsets.push((1_600_000_000, offset_of(0)?));
            offsets.push((0, offset_of(0)?));
        }
        Some(offsets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version-2 file of these changes: instant and offset.
    fn file(changes: &[(i64, i32)]) -> Vec<u8> {
        let count = |n: usize| u32::try_from(n).expect("small").to_be_bytes();
        let block = |width: usize, changes: &[(i64, i32)]| {
            let mut bytes = b"TZif2".to_vec();
            bytes.resize(20, 0);
            for n in [0, 0, 0, changes.len(), changes.len().max(1), 4] {
                bytes.extend(count(n));
            }
            for (at, _) in changes {
                bytes.extend(at.to_be_bytes().get(8 - width..).expect("wide"));
            }
            bytes.extend((0..changes.len()).map(|index| u8::try_from(index).expect("few")));
            let offsets: Vec<i32> = match changes {
                [] => vec![0],
                _ => changes.iter().map(|(_, offset)| *offset).collect(),
            };
            for offset in offsets {
                bytes.extend(offset.to_be_bytes());
                bytes.extend([0, 0]);
            }
            bytes.extend(b"LMT\0");
            bytes
        };
        [block(4, &[]), block(8, changes)].concat()
    }

    #[test]
    fn a_zone_is_known_by_its_changes() {
        let check = |changes: &[(i64, i32)], expected: Option<Tz>| {
            assert_eq!(zone(&file(changes)), expected);
        };
        // China's last summer time, and Germany's of 2022.
        check(
            &[
                (653_760_000, 32_400),
                (669_484_800, 28_800),
                (684_864_000, 28_800),
            ],
            None,
        );
        check(
            &[(671_565_600, 32_400), (684_867_600, 28_800)],
            Some(Tz::Asia__Shanghai),
        );
        check(
            &[(1_648_342_800, 7_200), (1_667_091_600, 3_600)],
            Some(Tz::Europe__Berlin),
        );
        check(&[], Some(Tz::UTC));
    }

    #[test]
    fn damage_is_no_zone() {
        assert_eq!(zone(b"TZif2"), None);
        let mut whole = file(&[(671_565_600, 32_400)]);
        whole.truncate(whole.len() - 12);
        assert_eq!(zone(&whole), None);
    }
}
