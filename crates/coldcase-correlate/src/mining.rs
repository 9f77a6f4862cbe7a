//! Words of miners: command lines that mine, and ports that pools listen on.

use std::collections::BTreeSet;

/// Ports that pools of miners listen on and little else does (Falco's rule "Detect outbound connections to common miner pool
/// ports", without those that web servers and proxies share).
const POOL_PORTS: [u16; 18] = [
    3333, 3334, 3335, 3336, 3357, 4444, 5555, 5556, 5588, 6666, 7777, 7778, 9999, 14433, 14444,
    20580, 45560, 45700,
];
/// Schemes of the mining protocol.
const SCHEMES: [&str; 5] = [
    "stratum+",
    "stratum://",
    "stratum1+",
    "stratum2+",
    "daemon+tcp",
];
/// Programs that mine and do nothing else, by the start of their name.
const PROGRAMS: [&str; 24] = [
    "xmrig",
    "xmr-stak",
    "xmrminer",
    "minerd",
    "cpuminer",
    "ccminer",
    "cgminer",
    "bfgminer",
    "sgminer",
    "ethminer",
    "ethdcrminer",
    "phoenixminer",
    "nbminer",
    "lolminer",
    "gminer",
    "t-rex",
    "teamredminer",
    "nanominer",
    "srbminer",
    "nsfminer",
    "wildrig",
    "kdevtmpfsi",
    "kinsing",
    "moneroocean",
];
/// Options that only miners have.
const OPTIONS: [&str; 9] = [
    "--donate-level",
    "--randomx-",
    "--cpu-max-threads-hint",
    "--nicehash",
    "--algo=rx/",
    "--algo=cn/",
    "--algo=cryptonight",
    "--rig-id",
    "--max-cpu-usage",
];
/// Programs that name a miner because they look for it, edit or show it.
const LOOKERS: [&str; 27] = [
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "rg",
    "ag",
    "vi",
    "vim",
    "nano",
    "emacs",
    "less",
    "more",
    "cat",
    "tail",
    "head",
    "find",
    "locate",
    "pgrep",
    "pkill",
    "killall",
    "man",
    "awk",
    "sed",
    "journalctl",
    "ps",
    "tcpdump",
    "watch",
];

/// Whether a port is one that pools listen on.
pub(crate) fn is_pool_port(port: u16) -> bool {
    POOL_PORTS.contains(&port)
}

/// The last part of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The program that a command line starts with: its file name, without what shells and titles put around it.
pub(crate) fn program_of(command: &str) -> &str {
    let bare = command.trim();
    if let Some(inside) = bare.strip_prefix('[') {
        return inside.split(']').next().unwrap_or(inside);
    }
    let first = bare.split_whitespace().next().unwrap_or_default();
    base_name(first.trim_end_matches(':').trim_start_matches('-'))
}

/// Whether a command line mines: it names the protocol, a miner's own options, or a miner as its program.
pub(crate) fn is_miner_command(command: &str) -> bool {
    let program = program_of(command).to_ascii_lowercase();
    if LOOKERS.contains(&program.as_str()) {
        return false;
    }
    let lower = command.to_ascii_lowercase();
    SCHEMES
        .iter()
        .any(|scheme| lower.contains(scheme) && lower.contains("://"))
        || OPTIONS.iter().any(|option| lower.contains(option))
        || is_miner_program(&program)
        || has_wallet_and_pool(command)
}

/// Whether a program's name is a miner's.
pub(crate) fn is_miner_program(program: &str) -> bool {
    let lower = program.to_ascii_lowercase();
    let bare = lower.trim_start_matches('.');
    PROGRAMS.iter().any(|known| bare.starts_with(known))
}

/// Addresses of Monero: 95 signs of base 58 (106 with a payment id), the first a 4 or an 8.
fn is_wallet(word: &str) -> bool {
    let base58 = |byte: u8| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte);
    matches!(word.len(), 95 | 106) && word.starts_with(['4', '8']) && word.bytes().all(base58)
}

/// `-o host:port -u wallet`: a pool without its scheme.
fn has_wallet_and_pool(command: &str) -> bool {
    let mut words = command.split(|sign: char| sign.is_whitespace() || sign == '=');
    words.any(|word| is_wallet(word.split(['.', '+', '/']).next().unwrap_or(word)))
        && !endpoints(command).is_empty()
}

/// Hosts with ports that a command line names, as it writes them, in its order.
pub(crate) fn endpoints(command: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let parts = command.split(|sign: char| sign.is_whitespace() || "=,;'\"|()".contains(sign));
    let found = parts.filter_map(endpoint);
    found.filter(|one| seen.insert(one.clone())).collect()
}

fn endpoint(word: &str) -> Option<String> {
    let bare = word.split_once("://").map_or(word, |(_, rest)| rest);
    let bare = bare.rsplit('@').next().unwrap_or(bare);
    let bare = bare.split(['/', '?']).next().unwrap_or(bare);
    let (host, port) = bare.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let named = host.contains('.') || host.starts_with('[');
    let written = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte));
    (named && written && port > 0).then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_mine() {
        let wallet = "4".repeat(95);
        let check = |command: &str, expected: bool| {
            assert_eq!(is_miner_command(command), expected, "{command}");
        };
        check(
            "/bin/mac -o stratum+tcp://203.0.113.77:5555 -u x -p x",
            true,
        );
        check("./xmrig --config=c.json", true);
        check("/usr/bin/.xmrig", true);
        check("/opt/x --donate-level=1 -t 2", true);
        check(
            &format!("/tmp/a -o pool.example:443 -u {wallet}.rig1"),
            true,
        );
        check("grep --color=auto xmrig", false);
        check("vim /etc/stratum+tcp://", false);
        check(&format!("echo {wallet}"), false);
        check("python3 train.py --data /data --workers 4", false);
        check("java -jar /app.jar", false);
        check("ntpd: stratum 2", false);
        check("", false);
    }

    #[test]
    fn endpoints_of_commands() {
        let check = |command: &str, expected: &[&str]| {
            assert_eq!(endpoints(command), expected, "{command}");
        };
        check(
            "m -o stratum+tcp://203.0.113.77:5555 -u w",
            &["203.0.113.77:5555"],
        );
        check("m --url=pool.example:3333", &["pool.example:3333"]);
        check(
            "m -P stratum1+ssl://0xw.rig@eth.example:5555",
            &["eth.example:5555"],
        );
        check("m --listen 12:30 -x a:b", &[]);
    }

    #[test]
    fn programs_of_commands() {
        let check = |command: &str, expected: &str| assert_eq!(program_of(command), expected);
        check("[kworker/0:0H]", "kworker/0:0H");
        check("-bash", "bash");
        check("nginx: worker process", "nginx");
        check("/usr/sbin/sshd -D", "sshd");
        check("  ", "");
    }
}
