//! Words that begin command lines, and how much a text looks like command lines.

/// Commands of systems, shells and administrators, sorted. Words that also begin other tools' output (`default`,
/// `tcp`, `class`) are left out.
const COMMANDS: &[&str] = &[
    ".",
    "7z",
    "adduser",
    "alias",
    "ansible",
    "ansible-playbook",
    "apk",
    "apt",
    "apt-cache",
    "apt-get",
    "apt-key",
    "aptitude",
    "arch",
    "arp",
    "at",
    "atq",
    "auditctl",
    "aureport",
    "ausearch",
    "awk",
    "aws",
    "base64",
    "bash",
    "bg",
    "brctl",
    "bridge",
    "bunzip2",
    "busybox",
    "bzip2",
    "c",
    "cal",
    "cargo",
    "cat",
    "cd",
    "certbot",
    "cfdisk",
    "chage",
    "chattr",
    "chgrp",
    "chkconfig",
    "chmod",
    "chown",
    "chpasswd",
    "chroot",
    "clear",
    "cmake",
    "cmp",
    "conntrack",
    "containerd",
    "cp",
    "crictl",
    "crontab",
    "csh",
    "ctr",
    "curl",
    "cut",
    "date",
    "dd",
    "declare",
    "deluser",
    "df",
    "dhclient",
    "diff",
    "dig",
    "dir",
    "dmesg",
    "dmidecode",
    "dnf",
    "do-release-upgrade",
    "docker",
    "docker-compose",
    "dos2unix",
    "dpkg",
    "dpkg-reconfigure",
    "du",
    "echo",
    "egrep",
    "emacs",
    "env",
    "ethtool",
    "eval",
    "exec",
    "exit",
    "export",
    "fallocate",
    "fdisk",
    "fg",
    "fgrep",
    "file",
    "find",
    "firewall-cmd",
    "fish",
    "for",
    "free",
    "fsck",
    "ftp",
    "function",
    "fuser",
    "g++",
    "gcc",
    "gdb",
    "getenforce",
    "getent",
    "getfacl",
    "git",
    "gitlab-ctl",
    "go",
    "gpasswd",
    "gpg",
    "grep",
    "groupadd",
    "groupdel",
    "groups",
    "grub2-mkconfig",
    "gunzip",
    "gzip",
    "h",
    "halt",
    "head",
    "helm",
    "hexdump",
    "history",
    "host",
    "hostname",
    "hostnamectl",
    "htop",
    "httpd",
    "hydra",
    "iconv",
    "id",
    "if",
    "ifconfig",
    "ifdown",
    "iftop",
    "ifup",
    "init",
    "insmod",
    "install",
    "ionice",
    "iostat",
    "iotop",
    "ip",
    "ip6tables",
    "ip6tables-save",
    "iperf",
    "iperf3",
    "ipset",
    "iptables",
    "iptables-restore",
    "iptables-save",
    "ipvsadm",
    "istioctl",
    "java",
    "jobs",
    "joe",
    "journalctl",
    "jq",
    "k9s",
    "kill",
    "killall",
    "ksh",
    "kubeadm",
    "kubectl",
    "l",
    "la",
    "last",
    "lastb",
    "lastlog",
    "ldconfig",
    "ldd",
    "less",
    "ll",
    "ln",
    "locale",
    "localectl",
    "locate",
    "logger",
    "login",
    "loginctl",
    "logout",
    "losetup",
    "ls",
    "lsattr",
    "lsb_release",
    "lsblk",
    "lscpu",
    "lsmod",
    "lsof",
    "lspci",
    "ltrace",
    "lvcreate",
    "lvdisplay",
    "lvextend",
    "lvs",
    "lynx",
    "lz4",
    "mail",
    "make",
    "man",
    "masscan",
    "md5sum",
    "minikube",
    "mkdir",
    "mkfifo",
    "mkfs",
    "mkfs.ext4",
    "mkfs.xfs",
    "mknod",
    "mkswap",
    "mktemp",
    "modinfo",
    "modprobe",
    "mongo",
    "mongodump",
    "more",
    "mount",
    "mpstat",
    "mtr",
    "mv",
    "mvn",
    "mysql",
    "mysqldump",
    "nano",
    "nc",
    "ncat",
    "nethogs",
    "netplan",
    "netstat",
    "newgrp",
    "nft",
    "nginx",
    "nice",
    "nload",
    "nmap",
    "nmcli",
    "node",
    "nohup",
    "npm",
    "nproc",
    "nsenter",
    "nslookup",
    "ntpdate",
    "ntpq",
    "nvidia-smi",
    "objdump",
    "openssl",
    "openvpn",
    "pacman",
    "parted",
    "passwd",
    "patch",
    "perl",
    "pgrep",
    "php",
    "pidof",
    "pidstat",
    "ping",
    "ping6",
    "pip",
    "pip3",
    "pkill",
    "podman",
    "popd",
    "poweroff",
    "print",
    "printf",
    "ps",
    "psql",
    "pstree",
    "pushd",
    "pvcreate",
    "pvs",
    "pwd",
    "pwgen",
    "python",
    "python2",
    "python3",
    "qemu-img",
    "rabbitmqctl",
    "rclone",
    "read",
    "readelf",
    "readlink",
    "realpath",
    "reboot",
    "redis-cli",
    "redis-server",
    "rename",
    "renice",
    "reset",
    "resize2fs",
    "restorecon",
    "rm",
    "rmdir",
    "rmmod",
    "route",
    "rpm",
    "rsync",
    "ruby",
    "runc",
    "sar",
    "scp",
    "screen",
    "sed",
    "semanage",
    "seq",
    "service",
    "sestatus",
    "set",
    "setenforce",
    "setfacl",
    "setsebool",
    "setsid",
    "sftp",
    "sh",
    "sha1sum",
    "sha256sum",
    "showmount",
    "shred",
    "shutdown",
    "skopeo",
    "sleep",
    "smartctl",
    "socat",
    "sort",
    "source",
    "sqlite3",
    "ss",
    "ssh",
    "ssh-add",
    "ssh-agent",
    "ssh-copy-id",
    "ssh-keygen",
    "ssh-keyscan",
    "sshpass",
    "stat",
    "strace",
    "strings",
    "su",
    "sudo",
    "sudoedit",
    "supervisorctl",
    "swapoff",
    "swapon",
    "sync",
    "sysctl",
    "systemctl",
    "systemd-analyze",
    "systemd-resolve",
    "tail",
    "tailf",
    "tar",
    "taskset",
    "tc",
    "tcpdump",
    "tee",
    "telinit",
    "telnet",
    "terraform",
    "test",
    "tftp",
    "time",
    "timedatectl",
    "timeout",
    "tmux",
    "top",
    "touch",
    "tput",
    "tr",
    "traceroute",
    "trap",
    "tree",
    "tshark",
    "tty",
    "type",
    "tzselect",
    "ufw",
    "ulimit",
    "umask",
    "umount",
    "unalias",
    "uname",
    "uniq",
    "unrar",
    "unset",
    "unshare",
    "unxz",
    "unzip",
    "update-alternatives",
    "update-grub",
    "update-rc.d",
    "uptime",
    "useradd",
    "userdel",
    "usermod",
    "vagrant",
    "vgcreate",
    "vgs",
    "vi",
    "view",
    "vim",
    "vimdiff",
    "virsh",
    "virtualenv",
    "visudo",
    "vmstat",
    "vncserver",
    "w",
    "wall",
    "watch",
    "wc",
    "wget",
    "whatis",
    "where",
    "whereis",
    "which",
    "while",
    "who",
    "whoami",
    "whois",
    "wireshark",
    "xargs",
    "xmrig",
    "xxd",
    "xz",
    "yarn",
    "yes",
    "yum",
    "zcat",
    "zgrep",
    "zip",
    "zless",
    "zsh",
    "zstd",
];

/// Words of the shell itself that begin lines of scripts.
const KEYWORDS: &[&str] = &[
    "[", "[[", "break", "case", "continue", "do", "done", "elif", "else", "esac", "exit", "fi",
    "for", "function", "if", "local", "readonly", "return", "shift", "then", "until", "while", "{",
    "}",
];

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Begins with a command that is known.
    Command,
    /// Begins as commands do: a path, an assignment, `./x`.
    Path,
    /// A word of the shell's syntax.
    Keyword,
    /// Something else.
    Other,
}

/// How a line begins.
pub(super) fn look(line: &str) -> Look {
    let line = line.trim();
    let mut words = line.split_ascii_whitespace();
    let Some(mut word) = words.next() else {
        return Look::Other;
    };
    if is_assignment(word) {
        match words.next() {
            None => return Look::Path,
            Some(next) => word = next,
        }
    }
    let word = word.trim_start_matches(['\\', '(', '!', '@']);
    let word = word
        .split([';', '|', '&', '>', '<'])
        .next()
        .unwrap_or_default();
    if COMMANDS.binary_search(&word).is_ok() {
        return Look::Command;
    }
    if KEYWORDS.contains(&word) || word.ends_with("()") {
        return Look::Keyword;
    }
    let script = word.starts_with("./") || word.starts_with("../") || word.starts_with("~/");
    if script && word.len() > 2 {
        return Look::Path;
    }
    if let Some((_, name)) = word.rsplit_once('/')
        && word.starts_with('/')
    {
        let known = COMMANDS.binary_search(&name).is_ok();
        let bin = ["/bin/", "/sbin/", "/init.d/", "/tmp/", "/shm/"];
        if known || bin.iter().any(|folder| word.contains(folder)) {
            return Look::Path;
        }
    }
    Look::Other
}

/// `NAME=value`
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// `*/5 * * * * command`, `@reboot command`
pub(super) fn is_cron_line(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let Some(first) = words.next() else {
        return false;
    };
    if first.starts_with('@') {
        return [
            "@reboot",
            "@hourly",
            "@daily",
            "@weekly",
            "@monthly",
            "@yearly",
            "@annually",
            "@midnight",
        ]
        .contains(&first);
    }
    let is_field = |word: &str| {
        word.bytes()
            .any(|byte| byte.is_ascii_digit() || byte == b'*')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"*/,-".contains(&byte))
    };
    is_field(first)
        && words.clone().take(3).filter(|word| is_field(word)).count() == 3
        && words.count() >= 5
}

/// `[Unit]`, the heading of a section in unit files and INI files.
pub(super) fn is_section(line: &str) -> bool {
    let line = line.trim();
    line.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_ .:".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let check = |line: &str, expected: Look| assert_eq!(look(line), expected, "{line}");
        check("docker ps -a", Look::Command);
        check("ls", Look::Command);
        check("FOO=1 make -j2", Look::Command);
        check("PATH=/bin", Look::Path);
        check("/usr/bin/python3 x.py", Look::Path);
        check("./configure", Look::Path);
        check("fi", Look::Keyword);
        check("start() {", Look::Keyword);
        check("/usr/share/doc/x", Look::Other);
        check("The quick brown fox", Look::Other);
        check("root:x:0:0:root:/root:/bin/bash", Look::Other);
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(COMMANDS.is_sorted());
    }

    #[test]
    fn cron_lines() {
        assert!(is_cron_line("*/5 * * * * /bin/x"));
        assert!(is_cron_line("0 3 * * 1 root /bin/x -y"));
        assert!(is_cron_line("@reboot /bin/x"));
        assert!(!is_cron_line("10 ls -la /x /y /z"));
    }
}
