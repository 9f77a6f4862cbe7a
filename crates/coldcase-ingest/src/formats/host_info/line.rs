//! Facts that single lines give, and what they add up to.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use coldcase_model::Timestamp;

/// One thing that a host says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Its name.
    Name(String),
    /// Release of its kernel.
    Kernel(String),
    /// Its distribution.
    Os(String),
    /// Its zone.
    Zone(Tz),
    /// Its offset from UTC when this was written, in seconds.
    Offset(i32),
    /// Its clock when this was written.
    Now(Timestamp),
    /// The same in a zone that it does not name.
    LocalNow(NaiveDateTime),
    /// When it came up.
    Boot(Timestamp),
    /// For how long it was up, in seconds.
    Up(i64),
    /// Its address.
    Address(String),
    /// Its machine id.
    MachineId(String),
}

/// All facts of an artifact or a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `Fact`")]
pub struct Facts {
    pub name: Option<String>,
    pub kernel: Option<String>,
    pub os: Option<String>,
    pub zone: Option<Tz>,
    pub offset_seconds: Option<i32>,
    /// The latest.
    pub now: Option<Timestamp>,
    /// The latest.
    pub local_now: Option<NaiveDateTime>,
    pub boot: Option<Timestamp>,
    pub up_seconds: Option<i64>,
    pub addresses: Vec<String>,
    pub machine_id: Option<String>,
}

impl Facts {
    /// Adds one; of several the first stands, of clocks the latest.
    pub fn add(&mut self, fact: Fact) {
        match fact {
            Fact::Name(name) => _ = self.name.get_or_insert(name),
            Fact::Kernel(kernel) => _ = self.kernel.get_or_insert(kernel),
            Fact::Os(os) => _ = self.os.get_or_insert(os),
            Fact::Zone(zone) => _ = self.zone.get_or_insert(zone),
            Fact::Offset(seconds) => _ = self.offset_seconds.get_or_insert(seconds),
            Fact::Now(now) => self.now = self.now.max(Some(now)),
            Fact::LocalNow(now) => self.local_now = self.local_now.max(Some(now)),
            Fact::Boot(boot) => _ = self.boot.get_or_insert(boot),
            Fact::Up(seconds) => _ = self.up_seconds.get_or_insert(seconds),
            Fact::MachineId(id) => _ = self.machine_id.get_or_insert(id),
            Fact::Address(address) => {
                if !self.addresses.contains(&address) {
                    self.addresses.push(address);
                }
            }
        }
    }

    /// Adds those of another artifact; what stands already stays.
    pub fn join(&mut self, other: Self) {
        let Self {
            name,
            kernel,
            os,
            zone,
            offset_seconds,
            now,
            local_now,
            boot,
            up_seconds,
            addresses,
            machine_id,
        } = other;
        self.name = self.name.take().or(name);
        self.kernel = self.kernel.take().or(kernel);
        self.os = self.os.take().or(os);
        self.zone = self.zone.or(zone);
        self.offset_seconds = self.offset_seconds.or(offset_seconds);
        self.now = self.now.max(now);
        self.local_now = self.local_now.max(local_now);
        self.boot = self.boot.or(boot);
        self.up_seconds = self.up_seconds.or(up_seconds);
        self.machine_id = self.machine_id.take().or(machine_id);
        addresses
            .into_iter()
            .for_each(|address| self.add(Fact::Address(address)));
    }

    /// One line for a person.
    pub fn sentence(&self) -> String {
        let offset = self.offset_seconds.map(|seconds| {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.abs() / 60;
            format!("offset {sign}{:02}:{:02}", minutes / 60, minutes % 60)
        });
        let parts = [
            self.name.as_ref().map(|name| format!("host {name}")),
            self.os.clone(),
            self.kernel
                .as_ref()
                .map(|kernel| format!("kernel {kernel}")),
            self.zone.map(|zone| format!("zone {}", zone.name())),
            offset,
            self.now.map(|now| format!("clock {now}")),
            self.boot.map(|boot| format!("boot {boot}")),
            self.up_seconds.map(|up| format!("up {} days", up / 86_400)),
            self.machine_id
                .as_ref()
                .map(|id| format!("machine id {id}")),
        ];
        let mut all: Vec<String> = parts.into_iter().flatten().collect();
        all.extend(self.addresses.iter().map(|ip| format!("address {ip}")));
        all.join(", ")
    }
}

/// What a line gave.
pub(super) struct Found {
    /// Its facts, none where it merely belongs to such an output.
    pub facts: Vec<Fact>,
    /// Whether nothing else has lines like this.
    pub strong: bool,
}

/// Reads lines of one artifact.
pub(super) struct Reader {
    name: String,
    /// Whether UAC wrote it.
    is_uac: bool,
}

impl Reader {
    /// Of a file of this name.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            is_uac: false,
        }
    }

    /// What the line says, if it is one of a host's own.
    pub(super) fn line(&mut self, line: &str) -> Option<Found> {
        let line = line.trim_start_matches('\u{feff}').trim();
        let strong = |facts: Vec<Fact>| {
            Some(Found {
                facts,
                strong: true,
            })
        };
        let weak = |facts: Vec<Fact>| {
            Some(Found {
                facts,
                strong: false,
            })
        };
        if line.contains("UAC (Unix-like Artifacts Collector)") {
            self.is_uac = true;
            return strong(uac_stamp(line).unwrap_or_default());
        }
        if self.is_uac {
            return weak(
                uac_stamp(line)
                    .or_else(|| labelled(line))
                    .unwrap_or_default(),
            );
        }
        if let Some(facts) = uname(line).or_else(|| clock(line)).or_else(|| uptime(line)) {
            return strong(facts);
        }
        if let Some(facts) = labelled(line).or_else(|| assigned(line)) {
            return strong(facts);
        }
        if let Some(fact) = self.named(line) {
            return strong(vec![fact]);
        }
        is_beside(line).then(|| Found {
            facts: Vec::new(),
            strong: false,
        })
    }

    /// A lone word in a file that is named after what it holds.
    fn named(&self, line: &str) -> Option<Fact> {
        let word = line
            .split_ascii_whitespace()
            .next()
            .filter(|word| *word == line)?;
        let bare = self.name.rsplit('/').next().unwrap_or(&self.name);
        let is = |start: &str| {
            bare.starts_with(start)
                || bare.ends_with(&format!("_{start}"))
                || bare.ends_with(&format!("_{start}.txt"))
        };
        if is("hostname") && is_host_name(word) {
            Some(Fact::Name(word.to_owned()))
        } else if is("timezone") {
            word.parse().ok().map(Fact::Zone)
        } else if is("machine-id") && word.len() == 32 && is_hex(word) {
            Some(Fact::MachineId(word.to_owned()))
        } else {
            None
        }
    }
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_host_name(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    word.len() <= 253 && word != "localhost" && word.bytes().all(allowed)
}

/// `Linux db-07 3.10.0-1160.el7.x86_64 #1 SMP ...`, `Linux version 3.10.0 (builder@host) ...`
fn uname(line: &str) -> Option<Vec<Fact>> {
    let rest = line.strip_prefix("Linux ")?;
    let mut words = rest.split_ascii_whitespace();
    let (first, second, third) = (words.next()?, words.next()?, words.next()?);
    let is_release =
        |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    if first == "version" && is_release(second) && third.starts_with('(') {
        return Some(vec![Fact::Kernel(second.to_owned())]);
    }
    (is_release(second) && third.starts_with('#') && is_host_name(first)).then(|| {
        vec![
            Fact::Name(first.to_owned()),
            Fact::Kernel(second.to_owned()),
        ]
    })
}

/// A line of `date`, as far as it says its zone, and `uptime -s`.
fn clock(line: &str) -> Option<Vec<Fact>> {
    if !(16..=48).contains(&line.len()) {
        return None;
    }
    let zoned = DateTime::parse_from_rfc2822(line)
        .or_else(|_| DateTime::parse_from_rfc3339(line))
        .or_else(|_| DateTime::parse_from_str(line, "%Y-%m-%d %H:%M:%S%.f %z"))
        .or_else(|_| DateTime::parse_from_str(line, "%a %b %e %H:%M:%S %z %Y"))
        .or_else(|_| DateTime::parse_from_str(line, "%a %d %b %Y %r %z"));
    if let Ok(at) = zoned {
        return zoned_facts(&at);
    }
    let utc = [
        "%a %b %e %H:%M:%S UTC %Y",
        "%a %d %b %Y %r UTC",
        "%a %d %b %H:%M:%S UTC %Y",
    ];
    let mut shapes = utc.iter();
    if let Some(at) = shapes.find_map(|shape| NaiveDateTime::parse_from_str(line, shape).ok()) {
        return Some(vec![Fact::Now(Timestamp::from_utc(at.and_utc())?)]);
    }
    // Fri May 12 10:20:00 CST 2023: a clock, but whose zone is unknown.
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [day, month, date, time, zone, year] = words.as_slice() else {
        return None;
    };
    let bare = [*day, *month, *date, *time, *year].join(" ");
    let local = NaiveDateTime::parse_from_str(&bare, "%a %b %e %H:%M:%S %Y").ok()?;
    is_abbreviation(zone).then(|| vec![Fact::LocalNow(local)])
}

fn is_abbreviation(word: &str) -> bool {
    (2..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn zoned_facts(at: &DateTime<FixedOffset>) -> Option<Vec<Fact>> {
    Some(vec![
        Fact::Offset(at.offset().local_minus_utc()),
        Fact::Now(Timestamp::from_utc(at.to_utc())?),
    ])
}

/// ` 10:20:00 up 81 days, 17:57,  1 user,  load average: 9.81, 9.64, 9.20`
fn uptime(line: &str) -> Option<Vec<Fact>> {
    let (time, rest) = line.split_once(" up ")?;
    if time.split(':').count() < 2 || !rest.contains("load average") {
        return None;
    }
    let mut seconds = 0_i64;
    for part in rest.split(',').map(str::trim) {
        let number = |text: &str| text.trim().parse::<i64>().ok();
        if part.contains("user") || part.contains("load") {
            break;
        } else if let Some((days, _)) = part.split_once(" day") {
            seconds += number(days)?.checked_mul(86_400)?;
        } else if let Some((minutes, _)) = part.split_once(" min") {
            seconds += number(minutes)?.checked_mul(60)?;
        } else if let Some((hours, minutes)) = part.split_once(':') {
            seconds += number(hours)?.checked_mul(3_600)? + number(minutes)?.checked_mul(60)?;
        }
    }
    Some(vec![Fact::Up(seconds)])
}

/// `Static hostname: db-07` and what stands beside it in hostnamectl, timedatectl and UAC's acquisition log.
fn labelled(line: &str) -> Option<Vec<Fact>> {
    let (label, value) = line.split_once(": ")?;
    let value = value.trim();
    let text = || value.to_owned();
    Some(match label.trim() {
        "Static hostname" | "Hostname" | "Transient hostname" if is_host_name(value) => {
            vec![Fact::Name(text())]
        }
        "Operating System" if value != "linux" => vec![Fact::Os(text())],
        "Kernel" => vec![Fact::Kernel(
            value.strip_prefix("Linux ").unwrap_or(value).to_owned(),
        )],
        "Machine ID" if is_hex(value) => vec![Fact::MachineId(text())],
        "Time zone" | "Timezone" => zone_with_offset(value)?,
        "Universal time" => {
            let at = NaiveDateTime::parse_from_str(value, "%a %Y-%m-%d %H:%M:%S UTC").ok()?;
            vec![Fact::Now(Timestamp::from_utc(at.and_utc())?)]
        }
        "Acquisition started at" | "Acquisition finished at" => {
            let at = DateTime::parse_from_str(value, "%a %b %e %H:%M:%S %Y %z").ok()?;
            zoned_facts(&at)?
        }
        _ => return None,
    })
}

/// `Asia/Shanghai (CST, +0800)`
fn zone_with_offset(value: &str) -> Option<Vec<Fact>> {
    let (name, rest) = value.split_once(' ').unwrap_or((value, ""));
    let mut facts = vec![Fact::Zone(name.parse().ok()?)];
    let offset = rest
        .trim_matches(['(', ')'])
        .rsplit(' ')
        .next()
        .and_then(offset_seconds);
    facts.extend(offset.map(Fact::Offset));
    Some(facts)
}

/// `+0800`
pub(super) fn offset_seconds(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = text.get(1..)?;
    let (hours, minutes) = (digits.get(..2)?, digits.get(2..)?.trim_start_matches(':'));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// `PRETTY_NAME="CentOS Linux 7 (Core)"`, `ZONE="Asia/Tokyo"`, `Timezone=Asia/Shanghai`
fn assigned(line: &str) -> Option<Vec<Fact>> {
    let (key, value) = line.split_once('=')?;
    let value = value.trim_matches('"').to_owned();
    match key {
        "PRETTY_NAME" => Some(vec![Fact::Os(value)]),
        "ZONE" | "Timezone" => Some(vec![Fact::Zone(value.parse().ok()?)]),
        _ => None,
    }
}

/// Lines that stand beside such facts and say nothing that is kept.
fn is_beside(line: &str) -> bool {
    const LABELS: [&str; 22] = [
        "Icon name:",
        "Chassis:",
        "Boot ID:",
        "Architecture:",
        "Virtualization:",
        "CPE OS Name:",
        "Pretty hostname:",
        "Hardware Vendor:",
        "Hardware Model:",
        "Firmware Version:",
        "Firmware Date:",
        "Firmware Age:",
        "Local time:",
        "RTC time:",
        "NTP enabled:",
        "NTP synchronized:",
        "NTP service:",
        "System clock synchronized:",
        "Network time on:",
        "RTC in local TZ:",
        "DST active:",
        "systemd-timesyncd.service active:",
    ];
    const KEYS: [&str; 26] = [
        "NAME=",
        "ID=",
        "ID_LIKE=",
        "VERSION=",
        "VERSION_ID=",
        "VERSION_CODENAME=",
        "UBUNTU_CODENAME=",
        "ANSI_COLOR=",
        "CPE_NAME=",
        "HOME_URL=",
        "SUPPORT_URL=",
        "BUG_REPORT_URL=",
        "PRIVACY_POLICY_URL=",
        "LOGO=",
        "PLATFORM_ID=",
        "VARIANT=",
        "VARIANT_ID=",
        "DOCUMENTATION_URL=",
        "UTC=",
        "ARC=",
        "NTP=",
        "NTPSynchronized=",
        "LocalRTC=",
        "CanNTP=",
        "TimeUSec=",
        "RTCTimeUSec=",
    ];
    LABELS.iter().any(|label| line.starts_with(label))
        || KEYS.iter().any(|key| line.starts_with(key))
        || ["CENTOS_", "REDHAT_", "ORACLE_", "DEBIAN_"]
            .iter()
            .any(|start| line.starts_with(start))
}

/// `2022-06-20 12:32:57 -0300 INF Operating System: linux`
fn uac_stamp(line: &str) -> Option<Vec<Fact>> {
    let stamp = line.get(..25)?;
    let at = DateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S %z").ok()?;
    NaiveDate::from_ymd_opt(1990, 1, 1).filter(|first| at.date_naive() > *first)?;
    zoned_facts(&at)
}
