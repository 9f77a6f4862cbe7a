//! Container ids in paths and in the arguments of container runtimes: 64 hex digits at the places where
//! docker, containerd, cri-o and podman put them. Layer and snapshot directories look alike and are not ids.

const ID: usize = 64;

/// What stands right before an id in cgroup, task and state paths.
const MARKS: [&[u8]; 11] = [
    b"/docker/",
    b"docker-",
    b"/moby/",
    b"/k8s.io/",
    b"/containers/",
    b"/overlay-containers/",
    b"/sandboxes/",
    b"cri-containerd-",
    b"crio-",
    b"libpod-",
    b"/default/",
];

/// The programs that name a container in their arguments.
const RUNTIMES: [&[u8]; 12] = [
    b"runc",
    b"crun",
    b"youki",
    b"kata-",
    b"containerd",
    b"docker",
    b"conmon",
    b"podman",
    b"nerdctl",
    b"crictl",
    b"ctr",
    b"nsenter",
];

/// The id that a path names.
pub fn in_path(path: &[u8]) -> Option<&str> {
    // Longer than the kernel's PATH_MAX is no path.
    let path = path.get(..4096).unwrap_or(path);
    find(path, |before| {
        MARKS.iter().any(|mark| before.ends_with(mark)) || in_pod(before)
    })
}

/// `/kubepods.../pod<uid>/` before the id.
fn in_pod(before: &[u8]) -> bool {
    before.ends_with(b"/") && memchr::memmem::find(before, b"kubepods").is_some()
}

/// The id that a runtime's command line names.
pub fn in_command<'a>(exe: &[u8], command: &'a [u8]) -> Option<&'a str> {
    let name = exe.rsplit(|byte| *byte == b'/').next().unwrap_or(exe);
    let is_runtime = RUNTIMES.iter().any(|runtime| name.starts_with(runtime));
    if !is_runtime {
        return None;
    }
    find(command, |before| {
        !before.ends_with(b":") && !before.ends_with(b"sha256/")
    })
}

/// The first run of exactly 64 hex digits whose surroundings fit.
fn find(text: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<&str> {
    let is_hex = |at: usize| text.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut from = 0;
    // Every run of 64 covers exactly one of the positions from + 63, from + 127, ...
    while from + ID <= text.len() {
        let probe = from + ID - 1;
        if !is_hex(probe) {
            from = probe + 1;
            continue;
        }
        let start = (from..probe)
            .rev()
            .find(|at| !is_hex(*at))
            .map_or(from, |at| at + 1);
        let end = (probe..text.len())
            .find(|at| !is_hex(*at))
            .unwrap_or(text.len());
        let before = text.get(..start).unwrap_or_default();
        if end - start == ID && fits(before) {
            return std::str::from_utf8(text.get(start..end)?).ok();
        }
        from = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "e4e0e41a08432d01f32663d28af029e082b4f43e8a0fd6df6c483598e5a3ae4e";

    #[test]
    fn ids_in_paths() {
        let check = |path: String, found: bool| {
            assert_eq!(in_path(path.as_bytes()), found.then_some(A), "{path}");
        };
        check(format!("/sys/fs/cgroup/docker/{A}/x"), true);
        check(
            format!("/run/containerd/io.containerd.runtime.v2.task/moby/{A}"),
            true,
        );
        check(
            format!("/run/containerd/io.containerd.runtime.v2.task/k8s.io/{A}/rootfs"),
            true,
        );
        check(
            format!("/sys/fs/cgroup/kubepods/burstable/pod12-34/{A}"),
            true,
        );
        check(format!("/system.slice/docker-{A}.scope"), true);
        check(format!("/var/lib/docker/containers/{A}/{A}-json.log"), true);
        check(format!("/var/lib/docker/overlay2/{A}/merged/bin/sh"), false);
        check(
            format!("/var/lib/docker/image/overlay2/layerdb/sha256/{A}"),
            false,
        );
        check(format!("/docker/{A}0"), false);
        check(format!("/docker/{}", &A[1..]), false);
        check("/usr/bin/runc".into(), false);
    }

    #[test]
    fn ids_in_commands() {
        let check = |exe: &str, command: String, found: bool| {
            let got = in_command(exe.as_bytes(), command.as_bytes());
            assert_eq!(got, found.then_some(A), "{command}");
        };
        check(
            "/usr/bin/runc",
            format!("runc --root /x exec --detach {A}"),
            true,
        );
        check(
            "/usr/bin/containerd-shim-runc-v2",
            format!("containerd-shim-runc-v2 -id {A} start"),
            true,
        );
        check(
            "/usr/bin/docker",
            format!("docker pull x@sha256:{A}"),
            false,
        );
        check("/usr/bin/sha256sum", format!("sha256sum {A}"), false);
    }
}
