//! /proc/PID/status and /proc/PID/stat.

use std::borrow::Cow;

use coldcase_model::Sink;

use super::super::row::Process;
use super::numbers::pid;
use crate::Clock;

/// Keys of a status that stand in every kernel's, and in nothing else like this.
const KEYS: [&str; 14] = [
    "Umask",
    "State",
    "Tgid",
    "Ngid",
    "Pid",
    "PPid",
    "TracerPid",
    "Uid",
    "Gid",
    "FDSize",
    "Groups",
    "Threads",
    "SigQ",
    "VmPeak",
];

/// A thread of the kernel: PF_KTHREAD in the flags of stat.
const PF_KTHREAD: u64 = 0x0020_0000;

/// Ticks a second that the kernel shows to programs.
const USER_HZ: i64 = 100;

/// Whether a line is one of stat.
pub fn is_stat(line: &str) -> bool {
    stat(line).is_some()
}

/// Whether a line is of a status; several of them make one.
pub fn is_status(line: &str) -> bool {
    key(line).is_some_and(|(key, _)| KEYS.contains(&key))
}

/// `Key:<tab>value`.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(":\t")?;
    let is_key = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_key.then(|| (key, value.trim()))
}

/// A status as far as it has come, and a line of stat whose name holds a line feed.
#[derive(Debug, Default)]
pub struct Status {
    block: Option<Process<'static>>,
    has_memory: bool,
    half_stat: Option<(u64, String)>,
}

impl Status {
    /// Takes a line if it is one of these.
    pub fn line(&mut self, text: &str, line: u64, clock: &Clock, sink: &mut dyn Sink) -> bool {
        if let Some((first, half)) = self.half_stat.take() {
            let whole = format!("{half}\n{text}");
            if let Some(mut process) = stat(&whole) {
                process.line = first;
                process.emit(clock, sink);
                return true;
            }
        }
        if let Some(mut process) = stat(text) {
            self.finish(clock, sink);
            process.line = line;
            process.emit(clock, sink);
            return true;
        }
        if is_half_stat(text) {
            self.half_stat = Some((line, text.to_owned()));
            return true;
        }
        let Some((key, value)) = key(text) else {
            return false;
        };
        if key == "Name" {
            self.finish(clock, sink);
            self.block = Some(Process {
                line,
                comm: Some(Cow::Owned(value.to_owned())),
                ..Process::default()
            });
            return true;
        }
        match &mut self.block {
            Some(block) => {
                self.has_memory |= key.starts_with("Vm");
                take(block, key, value);
                true
            }
            None => false,
        }
    }

    /// Hands the last status on.
    pub fn finish(&mut self, clock: &Clock, sink: &mut dyn Sink) {
        let has_memory = std::mem::take(&mut self.has_memory);
        if let Some(mut block) = self.block.take() {
            let is_zombie = block
                .state
                .as_deref()
                .is_some_and(|state| state.starts_with(['Z', 'X']));
            let of_kernel =
                block.ppid == Some(2) || (block.pid == Some(2) && block.ppid == Some(0));
            block.kernel = !has_memory && !is_zombie && of_kernel;
            if block.pid.is_some() {
                block.emit(clock, sink);
            }
        }
    }
}

fn take(block: &mut Process<'static>, key: &str, value: &str) {
    let own = |text: &str| Cow::Owned(text.to_owned());
    let first = || value.split_whitespace().next().unwrap_or_default();
    let kilobytes = || first().parse::<i64>().ok()?.checked_mul(1024);
    match key {
        "Tgid" => block.pid = pid(value),
        "Pid" => block.pid = block.pid.or(pid(value)),
        "PPid" => block.ppid = value.parse().ok(),
        "State" => block.state = Some(own(first())),
        "Uid" => block.user = Some(own(first())),
        "VmSize" => block.vsz_bytes = kilobytes(),
        "VmRSS" => block.rss_bytes = kilobytes(),
        "Threads" => block.threads = value.parse().ok(),
        "TracerPid" if value != "0" => block.more.push(("tracer_pid", own(value))),
        "NSpid" if value.split_whitespace().count() > 1 => {
            let inner = value.split_whitespace().next_back().unwrap_or_default();
            block.more.push(("pid_in_container", own(inner)));
        }
        _ => {}
    }
}

/// `12 (name) S 1 ...`: the name may hold anything, so that its end is the last bracket.
fn stat(text: &str) -> Option<Process<'static>> {
    let (number, rest) = text.split_once(" (")?;
    let number = pid(number)?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().take(64).collect();
    let (state, numbers) = fields.split_first()?;
    let is_state =
        state.len() == 1 && state.starts_with(|first: char| "RSDZTtWXxKPI".contains(first));
    let is_number = |field: &&str| {
        let bare = field.strip_prefix('-').unwrap_or(field);
        !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_state || numbers.len() < 21 || !numbers.iter().all(is_number) {
        return None;
    }
    let field = |index: usize| {
        numbers
            .get(index)
            .and_then(|field| field.parse::<i64>().ok())
    };
    let flags: u64 = numbers.get(5)?.parse().ok()?;
    let ticks = field(10).zip(field(11));
    Some(Process {
        pid: Some(number),
        ppid: field(0),
        comm: Some(Cow::Owned(name.to_owned())),
        state: Some(Cow::Owned((*state).to_owned())),
        cpu_seconds: ticks.and_then(|(user, system)| Some(user.checked_add(system)? / USER_HZ)),
        vsz_bytes: field(19),
        threads: field(16),
        kernel: flags & PF_KTHREAD != 0,
        ..Process::default()
    })
}

/// The beginning of a line of stat whose name holds a line feed.
pub fn is_half_stat(text: &str) -> bool {
    text.split_once(" (").is_some_and(|(number, rest)| {
        pid(number).is_some() && !rest.contains(')') && rest.len() <= 16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_stat_may_hold_anything() {
        let tail = "S 1 2 3 4 5 6 7 8 9 0 150 50 2 3 20 0 4 0 9 8192 1 18446744073709551615";
        let check = |name: &str| {
            let process = stat(&format!("7 ({name}) {tail}")).expect(name);
            assert_eq!(process.comm.as_deref(), Some(name));
            assert_eq!(
                (process.pid, process.ppid, process.threads),
                (Some(7), Some(1), Some(4))
            );
            assert_eq!(
                (process.cpu_seconds, process.vsz_bytes),
                (Some(2), Some(8192))
            );
        };
        check("sh");
        check("bad) S 1 2 3");
        check("a\nb");
        assert_eq!(stat("7 (sh) S 1 2"), None);
        assert_eq!(stat("x (sh) S 1 2"), None);
        assert!(is_half_stat("7 (a"));
    }
}
