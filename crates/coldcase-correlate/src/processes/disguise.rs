//! How a process hides what it is.

use super::Process;
use crate::mining::{base_name, program_of};

/// Folders that everybody may write to and that installed programs don't run from.
const TMP_PATHS: [&str; 6] = [
    "/tmp/",
    "/var/tmp/",
    "/dev/shm/",
    "/dev/mqueue/",
    "/run/shm/",
    "/var/run/shm/",
];
/// Folders of installed programs.
const SYSTEM_PATHS: [&str; 10] = [
    "/usr/",
    "/bin/",
    "/sbin/",
    "/lib/",
    "/lib64/",
    "/opt/",
    "/snap/",
    "/nix/",
    "/gnu/",
    "/var/lib/",
];
/// Threads of the kernel, by name; a number may follow.
const KERNEL_NAMES: [&str; 13] = [
    "kthreadd",
    "kswapd",
    "kauditd",
    "kdevtmpfs",
    "khungtaskd",
    "khugepaged",
    "kcompactd",
    "kblockd",
    "kintegrityd",
    "ksmd",
    "kthrotld",
    "rcu_sched",
    "rcu_bh",
];
/// Threads of the kernel, by the start of their names: programs' names have no slash.
const KERNEL_STARTS: [&str; 10] = [
    "kworker/",
    "ksoftirqd/",
    "migration/",
    "watchdog/",
    "cpuhp/",
    "rcuob/",
    "rcuos/",
    "jbd2/",
    "irq/",
    "xfsaild/",
];

/// Whether a name is one that threads of the kernel have and programs don't.
fn is_kernel_name(name: &str) -> bool {
    let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    KERNEL_STARTS.iter().any(|start| name.starts_with(start))
        || KERNEL_NAMES
            .iter()
            .any(|known| name.strip_prefix(known).is_some_and(is_number))
}

/// Whether a path is in a folder that everybody may write to.
pub(crate) fn is_tmp_path(path: &str) -> bool {
    TMP_PATHS.iter().any(|folder| path.starts_with(folder))
}

fn is_system_path(path: &str) -> bool {
    SYSTEM_PATHS.iter().any(|folder| path.starts_with(folder))
}

fn bare_exe(exe: &str) -> &str {
    exe.trim_end_matches(" (deleted)")
}

/// runc runs from a copy of itself in memory (since the fix of CVE-2019-5736), as do crun and lxc.
fn is_engine_copy(exe: &str) -> bool {
    exe.starts_with("/memfd:")
        && ["runc", "crun", "lxc", "youki"]
            .iter()
            .any(|name| exe.contains(name))
}

/// The ways in which a process hides: words of findings' `reasons`.
///
/// `hidden-cmdline`: not a thread of the kernel, and its command line is blank, is a name in brackets, or begins with the path of
/// an installed program that its executable is not. `kernel-name`: the name of a thread of the kernel, with
/// memory, an executable or a socket of its own. `hidden-exe`: an executable whose name begins with a dot.
/// `tmp-path`, `deleted-exe`: what they say; a deleted file of an installed program is left by every update and doesn't count.
pub(crate) fn disguises(process: &Process) -> Vec<&'static str> {
    let mut found = Vec::new();
    let exe = process.exe.as_deref().map(bare_exe);
    let name = process.name();
    let by_command = process
        .command
        .as_deref()
        .map(program_of)
        .unwrap_or_default();
    let claims_kernel = is_kernel_name(name) || is_kernel_name(by_command);
    if claims_kernel && process.is_program() && !process.zombie {
        found.push("kernel-name");
    }
    if hides_command(process, exe) {
        found.push("hidden-cmdline");
    }
    let Some(exe) = exe else {
        return found;
    };
    let file = base_name(exe);
    if file.starts_with('.') && file.len() > 1 {
        found.push("hidden-exe");
    }
    if is_tmp_path(exe) {
        found.push("tmp-path");
    }
    let is_hidden = file.starts_with('.') || exe.contains("/.");
    if process.deleted && !is_engine_copy(exe) && (!is_system_path(exe) || is_hidden) {
        found.push("deleted-exe");
    }
    found
}

/// A whole command line in brackets: what ps shows for processes without arguments, or that overwrote them.
fn is_bracketed(process: &Process) -> bool {
    let command = process.command.as_deref().unwrap_or_default().trim();
    command.starts_with('[') && command.ends_with(']')
}

fn hides_command(process: &Process, exe: Option<&str>) -> bool {
    if process.kernel || process.zombie || !process.is_program() {
        return false;
    }
    let Some(command) = process.command.as_deref() else {
        return false;
    };
    if command.trim().is_empty() {
        return true;
    }
    // `[celeryd: worker@host]`, `[lxc monitor] /var/lib/lxc c1` are titles, not names.
    if is_bracketed(process) {
        let inside = program_of(command);
        return !inside.contains([' ', '@']);
    }
    let claimed = command.split_whitespace().next().unwrap_or_default();
    let differs = exe.is_some_and(|exe| {
        !is_system_path(exe) && exe.starts_with('/') && base_name(exe) != base_name(claimed)
    });
    is_system_path(claimed)
        && differs
        && exe.is_some_and(|exe| is_tmp_path(exe) || exe.contains("/."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_told_from_habits() {
        let check = |command: &str, exe: Option<&str>, deleted: bool, expected: &[&str]| {
            let process = Process {
                pid: 7,
                command: Some(command.to_owned()),
                exe: exe.map(str::to_owned),
                deleted,
                resident: true,
                ..Process::default()
            };
            assert_eq!(disguises(&process), expected, "{command} {exe:?}");
        };
        check(
            "[xfsmond]",
            Some("/usr/bin/.xfsmond"),
            false,
            &["hidden-cmdline", "hidden-exe"],
        );
        check(
            "[kworker/0:3]",
            Some("/tmp/.x/k"),
            false,
            &["kernel-name", "hidden-cmdline", "tmp-path"],
        );
        check(" ", None, false, &["hidden-cmdline"]);
        check(
            "/usr/sbin/sshd -D",
            Some("/dev/shm/.s"),
            true,
            &["hidden-cmdline", "hidden-exe", "tmp-path", "deleted-exe"],
        );
        check("/usr/sbin/sshd -D", Some("/usr/sbin/sshd"), true, &[]);
        check(
            "runc init",
            Some("/memfd:runc_cloned:/proc/self/exe (deleted)"),
            true,
            &[],
        );
        check("x", Some("/memfd:x (deleted)"), true, &["deleted-exe"]);
        check(
            "[celeryd: w1@host:MainProcess]",
            Some("/usr/bin/python3.9"),
            false,
            &[],
        );
        check("[lxc monitor] /var/lib/lxc c1", None, false, &[]);
        check("python3 train.py", Some("/usr/bin/python3.6"), false, &[]);
        check(
            "/usr/bin/python3 -m x",
            Some("/home/a/.venv/bin/python3"),
            false,
            &[],
        );
        check("sh /mac.sh", Some("/bin/busybox"), false, &[]);
        check("nginx: worker process", None, false, &[]);
    }

    #[test]
    fn threads_of_the_kernel_hide_nothing() {
        let thread = Process {
            pid: 7,
            command: Some("[kworker/0:3]".to_owned()),
            kernel: true,
            ..Process::default()
        };
        assert!(disguises(&thread).is_empty());
        let ended = Process {
            command: Some("[x] <defunct>".to_owned()),
            zombie: true,
            resident: true,
            kernel: false,
            ..thread
        };
        assert!(disguises(&ended).is_empty());
    }
}
