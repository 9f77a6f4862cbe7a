//! What a container may touch of its host.

/// Files by which an engine takes orders: whoever reaches one is root on the host.
const SOCKETS: &[&str] = &[
    "docker.sock",
    "containerd.sock",
    "crio.sock",
    "podman.sock",
    "dockershim.sock",
    "cri-dockerd.sock",
];
/// Folders of which writing one means the host: its programs, accounts, jobs, processes. Only these themselves: what services keep
/// below them (`/etc/nginx`, `/home/app/data`) is shared with containers every day.
const TELLING: &[&str] = &[
    "/etc",
    "/root",
    "/home",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/boot",
    "/var",
    "/var/run",
    "/run",
    "/proc",
    "/sys",
    "/dev",
    "/opt",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/spool",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/etc/cron.d",
    "/etc/crontab",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/init.d",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/ssh",
    "/etc/kubernetes",
    "/etc/kubernetes/manifests",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ld.so.preload",
    "/root/.ssh",
];
/// Folders that hold engines' sockets.
const SOCKET_FOLDERS: &[&str] = &["/var/run", "/run"];

/// One mount, as `source:destination[:options]`.
pub(super) struct Mount<'a> {
    pub source: &'a str,
    pub destination: &'a str,
    pub read_only: bool,
}

impl<'a> Mount<'a> {
    /// Its parts; nothing of a named volume, whose source is no path.
    pub fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.split(':');
        let source = parts.next().filter(|source| source.starts_with('/'))?;
        let destination = parts.next().unwrap_or_default();
        let read_only = parts.any(|options| options.split(',').any(|option| option == "ro"));
        let bare = |path: &'a str| {
            if path.len() > 1 {
                path.trim_end_matches('/')
            } else {
                path
            }
        };
        Some(Self {
            source: bare(source),
            destination: bare(destination),
            read_only,
        })
    }

    /// An engine's socket, or the folder that holds it.
    pub fn is_socket(&self) -> bool {
        let name = self.source.rsplit('/').next().unwrap_or_default();
        SOCKETS.contains(&name) || SOCKET_FOLDERS.contains(&self.source)
    }

    /// The host's whole file system.
    pub fn is_root(&self) -> bool {
        self.source == "/"
    }

    /// Something of the host that no service keeps its data in, and that can be written.
    pub fn is_telling(&self) -> bool {
        let keys = self.source.starts_with("/home/") && self.source.ends_with("/.ssh");
        !self.read_only && (TELLING.contains(&self.source) || keys)
    }
}

/// Capabilities that make a container its host's master, in the kernel's words without `CAP_`.
const MASTERS: &[&str] = &[
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "DAC_READ_SEARCH",
    "BPF",
];

/// Whether an added capability is one of those. `NET_ADMIN` and its like are what every VPN and network plugin has.
pub(super) fn masters_host(capability: &str) -> bool {
    let upper = capability.to_uppercase();
    MASTERS.contains(&upper.trim_start_matches("CAP_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_weighed() {
        let check = |text: &str, expected: (bool, bool, bool)| {
            let mount = Mount::of(text).expect("a mount");
            assert_eq!(
                (mount.is_root(), mount.is_telling(), mount.is_socket()),
                expected,
                "{text}"
            );
        };
        check("/:/mnt", (true, false, false));
        check("/:/host:ro,rslave", (true, false, false));
        check("/etc:/host/etc", (false, true, false));
        check("/etc/:/host/etc:ro", (false, false, false));
        check("/etc/nginx/conf.d:/etc/nginx/conf.d", (false, false, false));
        check(
            "/var/run/docker.sock:/var/run/docker.sock",
            (false, false, true),
        );
        check("/var/run:/var/run:ro", (false, false, true));
        check("/home/jo/.ssh:/k", (false, true, false));
        check("/data/mysql:/var/lib/mysql", (false, false, false));
        assert!(Mount::of("portainer_data:/data").is_none());
    }

    #[test]
    fn capabilities_are_weighed() {
        assert!(masters_host("CAP_SYS_ADMIN") && masters_host("sys_ptrace") && masters_host("ALL"));
        assert!(!masters_host("NET_ADMIN") && !masters_host("SYS_TIME"));
    }
}
