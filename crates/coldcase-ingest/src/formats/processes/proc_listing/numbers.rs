//! Bare process numbers, as `ls /proc` gives them with the names of the other files there.

use std::borrow::Cow;

use coldcase_model::Sink;

use super::super::row::Process;
use crate::{Clock, Probe, Sniff};

/// The kernel's largest process number, and a little: PID_MAX_LIMIT.
const MAX_PID: i64 = 4_194_304;

/// Fewest numbers without any name from which on they are a list of processes.
const MIN_NUMBERS: usize = 8;

/// Other files and folders of /proc.
const NAMES: [&str; 54] = [
    "acpi",
    "asound",
    "bootconfig",
    "buddyinfo",
    "bus",
    "cgroups",
    "cmdline",
    "config.gz",
    "consoles",
    "cpuinfo",
    "crypto",
    "devices",
    "diskstats",
    "dma",
    "driver",
    "dynamic_debug",
    "execdomains",
    "fb",
    "filesystems",
    "fs",
    "interrupts",
    "iomem",
    "ioports",
    "irq",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "loadavg",
    "locks",
    "mdstat",
    "meminfo",
    "misc",
    "modules",
    "mounts",
    "mpt",
    "mtrr",
    "net",
    "pagetypeinfo",
    "partitions",
    "pressure",
    "sched_debug",
    "schedstat",
    "scsi",
    "self",
    "slabinfo",
    "softirqs",
    "stat",
    "sys",
    "sysrq-trigger",
];
const MORE_NAMES: [&str; 14] = [
    "sysvipc",
    "swaps",
    "thread-self",
    "timer_list",
    "timer_stats",
    "tty",
    "uptime",
    "version",
    "version_signature",
    "vmallocinfo",
    "vmstat",
    "zoneinfo",
    "latency_stats",
    "spl",
];

/// A process number.
pub fn pid(text: &str) -> Option<i64> {
    let is_digits =
        !text.is_empty() && text.len() <= 7 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_digits.then(|| text.parse().ok())??;
    (1..=MAX_PID).contains(&number).then_some(number)
}

/// Whether a line holds only names of /proc, or numbers and names.
pub fn is_name(line: &str) -> bool {
    let known = |word: &str| {
        let word = word.trim_end_matches(['/', '@']);
        NAMES.contains(&word) || MORE_NAMES.contains(&word)
    };
    line.split_whitespace()
        .all(|word| known(word) || pid(word.trim_end_matches('/')).is_some())
}

/// A row for each number of a line that holds numbers and names alone.
pub fn emit(line: &str, number: u64, clock: &Clock, sink: &mut dyn Sink) -> bool {
    if !is_name(line) {
        return false;
    }
    let mut any = false;
    for word in line.split_whitespace() {
        if let Some(pid) = pid(word.trim_end_matches('/')) {
            let process = Process {
                line: number,
                pid: Some(pid),
                more: vec![("source", Cow::Borrowed("proc"))],
                ..Process::default()
            };
            process.emit(clock, sink);
            any = true;
        }
    }
    any
}

/// Numbers and names as they came, for the question whether they are a list of /proc.
#[derive(Debug, Default)]
pub struct Order {
    numbers: usize,
    names: usize,
    last: Option<(i64, String)>,
    by_value: bool,
    by_text: bool,
    begun: bool,
    in_columns: bool,
    from_one: bool,
}

impl Order {
    /// Takes a line of numbers and names alone.
    pub fn take(&mut self, line: &str) -> bool {
        if !is_name(line) {
            return false;
        }
        if !self.begun {
            (self.begun, self.by_value, self.by_text) = (true, true, true);
        }
        let mut in_line = 0;
        for word in line.split_whitespace() {
            let word = word.trim_end_matches('/');
            in_line += 1;
            let Some(number) = pid(word) else {
                self.names += 1;
                continue;
            };
            self.numbers += 1;
            self.from_one |= number == 1;
            if let Some((last, text)) = &self.last {
                self.by_value &= *last < number;
                self.by_text &= text.as_str() < word;
            }
            self.last = Some((number, word.to_owned()));
        }
        self.in_columns |= in_line > 1;
        true
    }

    /// How sure it is that these are processes. Only ascending numbers, each once, are; the name may settle it.
    pub fn verdict(&self, probe: &Probe<'_>) -> Sniff {
        if self.numbers > 0 && self.names >= 3 {
            return Sniff::Sure;
        }
        let is_ordered = !self.in_columns && (self.by_value || self.by_text);
        let name = probe.file_name().to_ascii_lowercase();
        let is_named = name.contains("pid") || name.contains("proc");
        match self.numbers >= MIN_NUMBERS {
            true if is_ordered && (self.from_one || is_named) => Sniff::Likely,
            true if is_ordered || is_named => Sniff::Weak,
            false if is_named && is_ordered && self.numbers > 1 => Sniff::Weak,
            _ => Sniff::No,
        }
    }
}
