//! Addresses that something listens on, as commands, tables and configurations write them.

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listen {
    /// How widely it can be reached, widest first.
    pub reach: Reach,
    /// `address:port`, as the evidence writes it.
    pub text: String,
    pub port: i32,
}

/// How widely an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// All addresses of the host.
    All,
    /// One that is routed in the internet.
    Public,
    /// One of an inner network.
    Inner,
    /// The host itself.
    Loopback,
}

impl Listen {
    /// Reads `tcp://0.0.0.0:2375`, `[::]:2375`, `*:2375`, `:2375`, `::2375` of netstat. Nothing of sockets without a port.
    pub fn of(text: &str) -> Option<Self> {
        let bare = text.trim().trim_matches(['"', '\'', ',', '[', ']']);
        let had_bracket = text.contains('[');
        let bare = if had_bracket {
            text.trim().trim_matches(['"', '\'', ','])
        } else {
            bare
        };
        if bare.starts_with("unix:")
            || bare.starts_with("fd:")
            || bare.starts_with('/')
            || bare.starts_with("npipe:")
        {
            return None;
        }
        let rest = bare.rsplit("://").next().unwrap_or(bare);
        let rest = rest.strip_prefix("tcp:").unwrap_or(rest);
        let rest = rest.split('/').next().unwrap_or(rest);
        let (address, port) = rest.rsplit_once(':')?;
        let port: i32 = port
            .parse()
            .ok()
            .filter(|port| (1..=65_535).contains(port))?;
        let name = address.trim_matches(['[', ']']);
        let reach = match name {
            "" | "*" | "0.0.0.0" | "::" | ":" => Reach::All,
            "localhost" => Reach::Loopback,
            name if name.starts_with("127.") || name == "::1" => Reach::Loopback,
            name if crate::is_internal(name) => Reach::Inner,
            name if name.parse::<std::net::IpAddr>().is_ok() => Reach::Public,
            _ => return None,
        };
        let text = if name.is_empty() {
            format!("*:{port}")
        } else {
            rest.to_owned()
        };
        Some(Self { reach, text, port })
    }

    /// Addresses in the options of a command: `-H`, `--host`, `--bind`, `--listen-client-urls`, an argument that is one.
    pub fn in_command(command: &str) -> Vec<Self> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let mut found = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let (option, value) = word
                .split_once('=')
                .map_or((*word, None), |(option, value)| (option, Some(value)));
            let value = value.or_else(|| words.get(at + 1).copied());
            let named = matches!(
                option,
                "-H" | "--host"
                    | "--hosts"
                    | "--listen"
                    | "--listen-address"
                    | "--listen-client-urls"
                    | "--bind"
                    | "-b"
                    | "--addr"
                    | "--address"
            );
            if named {
                found.extend(
                    value
                        .into_iter()
                        .flat_map(|value| value.split(','))
                        .filter_map(Self::of),
                );
            } else if let Some(attached) = word.strip_prefix("-H").filter(|rest| !rest.is_empty()) {
                found.extend(Self::of(attached));
            } else if !word.starts_with('-')
                && (word.starts_with("tcp:")
                    || word.starts_with("*:")
                    || word.starts_with("0.0.0.0:")
                    || word.starts_with("127.0.0.1:"))
            {
                found.extend(Self::of(word));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |text: &str, expected: Option<(Reach, &str, i32)>| {
            let got = Listen::of(text);
            let got = got
                .as_ref()
                .map(|one| (one.reach, one.text.as_str(), one.port));
            assert_eq!(got, expected, "{text}");
        };
        check(
            "tcp://0.0.0.0:2375",
            Some((Reach::All, "0.0.0.0:2375", 2375)),
        );
        check("[::]:2375", Some((Reach::All, "[::]:2375", 2375)));
        check(":::2375", Some((Reach::All, ":::2375", 2375)));
        check("*:2375", Some((Reach::All, "*:2375", 2375)));
        check("tcp://:2375", Some((Reach::All, "*:2375", 2375)));
        check(
            "10.8.0.11:2375",
            Some((Reach::Inner, "10.8.0.11:2375", 2375)),
        );
        check(
            "192.0.2.45:2375",
            Some((Reach::Public, "192.0.2.45:2375", 2375)),
        );
        check(
            "127.0.0.1:2375",
            Some((Reach::Loopback, "127.0.0.1:2375", 2375)),
        );
        check("[::1]:2375", Some((Reach::Loopback, "[::1]:2375", 2375)));
        check(
            "https://10.0.0.1:2379",
            Some((Reach::Inner, "10.0.0.1:2379", 2379)),
        );
        check("unix:///var/run/docker.sock", None);
        check("fd://", None);
        check("tcp://0.0.0.0", None);
    }

    #[test]
    fn commands_name_them() {
        let check = |command: &str, expected: &[&str]| {
            let got: Vec<String> = Listen::in_command(command)
                .into_iter()
                .map(|one| one.text)
                .collect();
            assert_eq!(got, expected, "{command}");
        };
        check(
            "/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --containerd=/run/c.sock",
            &["0.0.0.0:2375"],
        );
        check(
            "dockerd --host=tcp://10.0.0.1:2376 -Hunix:///x",
            &["10.0.0.1:2376"],
        );
        check(
            "podman system service tcp:0.0.0.0:8080 --time 0",
            &["0.0.0.0:8080"],
        );
        check("redis-server *:6379", &["*:6379"]);
        check(
            "etcd --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379",
            &["10.0.0.1:2379", "127.0.0.1:2379"],
        );
        check("dockerd", &[]);
    }
}
