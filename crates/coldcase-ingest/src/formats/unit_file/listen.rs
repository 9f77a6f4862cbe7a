//! Addresses that a command line says it listens on.

/// Most addresses kept.
const MAX_ADDRESSES: usize = 16;

/// Addresses behind flags such as `-H tcp://0.0.0.0:2375`, `--listen-address=:9090`, `--bind 0.0.0.0:8000`,
/// `--listen-client-urls=https://…`, as they are written (without `tcp://`).
pub fn of_command(command: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let words: Vec<&str> = command.split_whitespace().take(2_000).collect();
    for (index, word) in words.iter().enumerate() {
        let word = word.trim_matches(['"', '\'']);
        let (flag, own) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word, None),
        };
        let value = match own {
            Some(value) => value,
            None if is_flag(flag) => words.get(index + 1).copied().unwrap_or_default(),
            // `-Htcp://…` without a blank.
            None => match word.strip_prefix("-H").or(word.strip_prefix("-h")) {
                Some(value) if value.contains("://") => value,
                _ => continue,
            },
        };
        if own.is_some() && !is_flag(flag) {
            continue;
        }
        for value in value.trim_matches(['"', '\'']).split(',') {
            if is_address(value) && found.len() < MAX_ADDRESSES {
                let bare = value.strip_prefix("tcp://").unwrap_or(value).to_owned();
                if !found.contains(&bare) {
                    found.push(bare);
                }
            }
        }
    }
    found
}

fn is_flag(flag: &str) -> bool {
    let Some(name) = flag.strip_prefix('-') else {
        return false;
    };
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    matches!(
        name.as_str(),
        "h" | "host" | "l" | "a" | "addr" | "address" | "vnc"
    ) || ["listen", "bind", "http-addr", "grpc-addr", "http.addr"]
        .iter()
        .any(|part| name.contains(part))
}

/// `0.0.0.0:2375`, `:9100`, `[::]:80`, `unix:///run/x.sock`, `fd://`, a bare address.
fn is_address(value: &str) -> bool {
    if let Some((scheme, _)) = value.split_once("://") {
        return scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !scheme.is_empty();
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    match value.rsplit_once(':') {
        Some((host, port)) => is_port(port) && !host.contains(['/', '@']),
        None => value.parse::<std::net::IpAddr>().is_ok(),
    }
}

/// An address of a socket unit: a bare port means all of the host's addresses.
pub fn of_socket(value: &str) -> String {
    match value.parse::<u16>() {
        Ok(port) => format!("*:{port}"),
        Err(_) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_commands() {
        let check = |command: &str, expected: &[&str]| {
            assert_eq!(of_command(command), expected, "{command}")
        };
        check(
            "/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --containerd=/run/containerd/containerd.sock",
            &["fd://", "0.0.0.0:2375"],
        );
        check(
            "dockerd -Htcp://10.0.0.1:2376 --host=unix:///run/d.sock",
            &["10.0.0.1:2376", "unix:///run/d.sock"],
        );
        check("/n --web.listen-address=:9100 --log.level=info", &[":9100"]);
        check(
            "etcd --listen-client-urls=https://127.0.0.1:2379,https://[::1]:2379",
            &["https://127.0.0.1:2379", "https://[::1]:2379"],
        );
        check("redis-server --bind 0.0.0.0 --port 6379", &["0.0.0.0"]);
        check("sshd -D -o x=1:2", &[]);
        check("ps -H aux", &[]);
    }
}
