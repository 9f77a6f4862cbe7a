//! Services whose reach matters: control APIs, which run what a caller asks for, and stores that have been the way in before.

/// Whether a service asks who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Auth {
    /// It asks for a certificate, a password or a token.
    Verified,
    /// The evidence does not say.
    Unknown,
    /// It asks for nothing.
    Nothing,
}

/// One service.
#[derive(Debug)]
pub(super) struct Service {
    /// As findings call it.
    pub name: &'static str,
    /// Programs that are it, by the beginning of a file's name.
    programs: &'static [&'static str],
    /// Words one of which its command line must hold, where the program alone does not say.
    words: &'static [&'static str],
    /// Ports by which it is known where the listening program is not, or is only a proxy.
    ports: &'static [i32],
    /// Whether a caller may have anything run: then the host is the caller's.
    pub control: bool,
    /// What holds where its configuration does not say.
    default: Auth,
    /// Options that make it ask.
    asking: &'static [&'static str],
    /// Options that make it ask for nothing.
    open: &'static [&'static str],
    /// What to run next to see how it is reached.
    pub look: &'static str,
}

const fn service(
    name: &'static str,
    programs: &'static [&'static str],
    ports: &'static [i32],
) -> Service {
    Service {
        name,
        programs,
        words: &[],
        ports,
        control: true,
        default: Auth::Unknown,
        asking: &[],
        open: &[],
        look: "ss -tlnp; iptables -S",
    }
}

/// All of them. Defaults are those of the projects' documentation.
static SERVICES: &[Service] = &[
    Service {
        default: Auth::Nothing,
        asking: &["--tlsverify", "--tlsverify=true", "--tlsverify=1"],
        look: "systemctl cat docker docker.socket; cat /etc/docker/daemon.json; ss -tlnp sport = :2375; docker ps -a; docker events --since 24h --until 0s",
        ..service(
            "docker",
            &[
                "dockerd",
                "docker-containerd",
                "docker-current",
                "docker-daemon",
            ],
            &[2375, 2376],
        )
    },
    Service {
        words: &["service", "system service"],
        default: Auth::Nothing,
        look: "systemctl cat podman podman.socket; ss -tlnp; podman ps -a",
        ..service("podman", &["podman"], &[])
    },
    Service {
        default: Auth::Verified,
        open: &["--anonymous-auth=true", "--authorization-mode=AlwaysAllow"],
        look: "ps -o args= -C kubelet; cat /var/lib/kubelet/config.yaml",
        ..service("kubelet", &["kubelet"], &[])
    },
    Service {
        default: Auth::Verified,
        open: &[
            "--insecure-bind-address=0.0.0.0",
            "--anonymous-auth=true --authorization-mode=AlwaysAllow",
        ],
        look: "ps -o args= -C kube-apiserver; kubectl get clusterrolebindings -o wide | grep anonymous",
        ..service("kube-apiserver", &["kube-apiserver"], &[])
    },
    Service {
        words: &["proxy"],
        default: Auth::Nothing,
        look: "ps -ef | grep 'kubectl proxy'",
        ..service("kubectl-proxy", &["kubectl"], &[])
    },
    Service {
        asking: &["--client-cert-auth", "--client-cert-auth=true"],
        look: "ps -o args= -C etcd",
        ..service("etcd", &["etcd"], &[2379])
    },
    Service {
        asking: &["--requirepass", "--protected-mode yes"],
        open: &["--protected-mode no"],
        look: "redis-cli CONFIG GET protected-mode; redis-cli CONFIG GET dir; redis-cli ACL LIST",
        ..service(
            "redis",
            &["redis-server", "valkey-server", "keydb-server"],
            &[6379],
        )
    },
    Service {
        words: &["notebook", "lab", "server", "--ip", "jupyter"],
        default: Auth::Verified,
        open: &[
            "token=''",
            "token=\"\"",
            "token=",
            "--NotebookApp.token=",
            "--ServerApp.token=",
        ],
        look: "jupyter server list",
        ..service("jupyter", &["jupyter"], &[])
    },
    Service {
        words: &["ResourceManager"],
        look: "curl -s http://127.0.0.1:8088/ws/v1/cluster/apps",
        ..service("hadoop-yarn", &["java"], &[8088])
    },
    Service {
        asking: &["-acl", "--default-policy=deny"],
        look: "consul members; consul acl policy list",
        ..service("consul", &["consul"], &[8500])
    },
    service("nomad", &["nomad"], &[4646]),
    Service {
        control: false,
        look: "mongo --eval 'db.adminCommand({getCmdLineOpts:1})'",
        asking: &["--auth"],
        open: &["--noauth"],
        ..service("mongodb", &["mongod"], &[27017])
    },
    Service {
        control: false,
        words: &["elasticsearch", "Elasticsearch", "opensearch"],
        look: "curl -s http://127.0.0.1:9200/_cat/indices",
        ..service("elasticsearch", &["java", "elasticsearch"], &[9200])
    },
    Service {
        control: false,
        default: Auth::Unknown,
        look: "ss -tnp; virsh vncdisplay --all",
        ..service(
            "vnc",
            &[
                "Xvnc",
                "x11vnc",
                "vncserver",
                "Xtightvnc",
                "Xtigervnc",
                "qemu",
                "winvnc",
                "vino-server",
            ],
            &[],
        )
    },
];

/// First and last port of VNC's displays.
const VNC_PORTS: std::ops::RangeInclusive<i32> = 5900..=5999;
/// Programs that only hand connections on: what they listen for is told by the port.
const PROXIES: &[&str] = &[
    "docker-proxy",
    "docker-pr",
    "rootlessport",
    "conmon",
    "systemd",
    "rootlesskit",
    "slirp4netns",
    "containerd",
];

impl Service {
    /// The service that this program listens for on this port; `command` is its command line, where known.
    pub fn of(program: Option<&str>, command: &str, port: i32) -> Option<&'static Self> {
        let program = program.map(|program| program.rsplit('/').next().unwrap_or(program));
        let named = program.filter(|program| !PROXIES.contains(program));
        let found = match named {
            None => SERVICES.iter().find(|one| one.ports.contains(&port)),
            Some(program) => SERVICES
                .iter()
                .find(|one| one.is_program(program) && one.says(command, port)),
        };
        found
            .filter(|one| one.name != "vnc" || VNC_PORTS.contains(&port))
            .filter(|one| one.has(port))
    }

    /// The service whose image a container's name is of, with this port published.
    pub fn of_image(image: &str, port: i32) -> Option<&'static Self> {
        let name = image.split('@').next().unwrap_or(image);
        let name = name.rsplit('/').next().unwrap_or(name);
        let name = name.split(':').next().unwrap_or(name);
        let of = |one: &&Self| match one.name {
            "mongodb" => matches!(name, "mongo" | "mongodb"),
            "docker" => matches!(name, "docker" | "dind"),
            other => name == other,
        };
        SERVICES
            .iter()
            .find(|one| of(one) && one.ports.contains(&port))
    }

    /// The service of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|one| one.name == name)
    }

    fn is_program(&self, program: &str) -> bool {
        // lsof cuts names at nine characters, the kernel's comm at fifteen.
        let cut = |known: &str| program.len() >= 9 && known.starts_with(program);
        let versions = |known: &str| known.len() > 3 && program.starts_with(known);
        self.programs.iter().any(|known| {
            program == *known
                || cut(known)
                || (versions(known) && matches!(*known, "qemu" | "jupyter" | "elasticsearch"))
        })
    }

    /// Whether the command line holds what the program alone does not say; without a command line the port must.
    fn says(&self, command: &str, port: i32) -> bool {
        self.words.is_empty()
            || self.words.iter().any(|word| command.contains(word))
            || (command.is_empty() && self.ports.contains(&port))
    }

    /// Some programs listen on several ports, not all of which take orders.
    fn has(&self, port: i32) -> bool {
        match self.name {
            "etcd" => port != 2380 && port != 2381,
            "kubelet" => port == 10250,
            "kube-apiserver" => port != 10257,
            "redis" => port < 16000,
            "consul" => port == 8500,
            "nomad" => port == 4646,
            "elasticsearch" => (9200..9300).contains(&port),
            "hadoop-yarn" => port == 8088,
            _ => true,
        }
    }

    /// Whether it asks who calls, as far as its command line says.
    pub fn auth(&self, command: &str) -> Auth {
        let words: Vec<&str> = command.split_whitespace().collect();
        let holds = |option: &&str| {
            if option.contains(' ') {
                option.split(' ').all(|part| words.contains(&part))
            } else {
                words.contains(option)
            }
        };
        let holds_value = |option: &&str| {
            option.starts_with("token") && words.iter().any(|word| word.ends_with(option))
        };
        if self
            .open
            .iter()
            .any(|option| holds(option) || holds_value(option))
        {
            return Auth::Nothing;
        }
        if self.asking.iter().any(|option| {
            holds(option)
                || words
                    .iter()
                    .any(|word| option.starts_with("--requirepass") && word.starts_with(option))
        }) {
            return Auth::Verified;
        }
        self.default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_by_program_and_port() {
        let check = |program: Option<&str>, command: &str, port: i32, expected: Option<&str>| {
            assert_eq!(
                Service::of(program, command, port).map(|one| one.name),
                expected,
                "{program:?} {port}"
            );
        };
        check(Some("dockerd"), "", 2375, Some("docker"));
        check(
            Some("/usr/bin/dockerd"),
            "/usr/bin/dockerd -H tcp://0.0.0.0:4243",
            4243,
            Some("docker"),
        );
        check(None, "", 2375, Some("docker"));
        check(Some("docker-proxy"), "", 6379, Some("redis"));
        check(Some("qemu-kvm"), "", 5901, Some("vnc"));
        check(Some("qemu-kvm"), "", 49152, None);
        check(Some("sshd"), "", 22, None);
        check(Some("nginx"), "", 2375, None);
        check(Some("java"), "java -jar shop.jar", 9200, None);
        check(Some("java"), "", 8088, Some("hadoop-yarn"));
        check(Some("etcd"), "etcd", 2380, None);
        check(Some("node_exporter"), "", 9100, None);
    }

    #[test]
    fn whether_they_ask() {
        let check = |name: &str, command: &str, expected: Auth| {
            assert_eq!(
                Service::named(name).expect("known").auth(command),
                expected,
                "{command}"
            );
        };
        check("docker", "dockerd -H tcp://0.0.0.0:2375", Auth::Nothing);
        check(
            "docker",
            "dockerd --tls -H tcp://0.0.0.0:2376",
            Auth::Nothing,
        );
        check(
            "docker",
            "dockerd --tlsverify -H tcp://0.0.0.0:2376",
            Auth::Verified,
        );
        check("redis", "redis-server *:6379", Auth::Unknown);
        check("redis", "redis-server --requirepass x", Auth::Verified);
        check("redis", "redis-server --protected-mode no", Auth::Nothing);
        check("kubelet", "kubelet --anonymous-auth=true", Auth::Nothing);
        check("kubelet", "kubelet --config=/x", Auth::Verified);
        check("etcd", "etcd --client-cert-auth=true", Auth::Verified);
    }
}
