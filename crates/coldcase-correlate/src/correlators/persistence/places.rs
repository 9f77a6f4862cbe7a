//! Places whose content something starts again: which they are, and which commands write to them.

use super::shell::{Joint, Simple, base, split};

/// Ways to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Cron,
    Systemd,
    Rc,
    SshKey,
    LdPreload,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Systemd => "systemd",
            Self::Rc => "rc",
            Self::SshKey => "ssh-key",
            Self::LdPreload => "ld-preload",
        }
    }

    pub fn technique(self) -> &'static str {
        match self {
            Self::Cron => "T1053.003",
            Self::Systemd => "T1543.002",
            Self::Rc => "T1037.004",
            Self::SshKey => "T1098.004",
            Self::LdPreload => "T1574.006",
        }
    }

    /// Whether it starts programs when the host does: no package points one at a temporary folder.
    pub fn at_boot(self) -> bool {
        matches!(self, Self::Systemd | Self::Rc)
    }
}

/// Parts of paths, most telling first. A mount of the host's root may stand before them.
const PLACES: [(&str, Kind); 23] = [
    ("/authorized_keys", Kind::SshKey),
    ("/etc/ld.so.preload", Kind::LdPreload),
    ("/etc/cron", Kind::Cron),
    ("/etc/anacrontab", Kind::Cron),
    ("/spool/cron/", Kind::Cron),
    ("/spool/at/", Kind::Cron),
    ("/systemd/system/", Kind::Systemd),
    ("/systemd/user/", Kind::Systemd),
    ("/systemd/system-generators/", Kind::Systemd),
    ("/etc/rc.local", Kind::Rc),
    ("/etc/rc.d/", Kind::Rc),
    ("/etc/init.d/", Kind::Rc),
    ("/etc/inittab", Kind::Rc),
    ("/etc/profile", Kind::Rc),
    ("/etc/bash.bashrc", Kind::Rc),
    ("/etc/bashrc", Kind::Rc),
    ("/etc/update-motd.d/", Kind::Rc),
    ("/.bashrc", Kind::Rc),
    ("/.bash_profile", Kind::Rc),
    ("/.bash_login", Kind::Rc),
    ("/.profile", Kind::Rc),
    ("/.zshrc", Kind::Rc),
    ("/etc/zsh/", Kind::Rc),
];

/// Words without which no command writes to such a place.
const HINTS: [&str; 10] = [
    "cron",
    "authorized_keys",
    "systemctl",
    "systemd",
    "rc.local",
    "ld.so.preload",
    "profile",
    "bashrc",
    "init.d",
    "zshrc",
];

/// What kind of place a path is.
pub(super) fn kind_of(path: &str) -> Option<Kind> {
    let found = PLACES.iter().find(|(part, _)| path.contains(part));
    found.map(|(_, kind)| *kind)
}

/// Whether a command may write to such a place: a cheap test before [`planted`].
pub(super) fn hints(command: &str) -> bool {
    HINTS.iter().any(|hint| command.contains(hint))
}

/// What a command writes to: a kind of place, with its path where it names one.
pub(super) fn planted(command: &str) -> Option<(Kind, Option<&str>)> {
    split(command).iter().find_map(written)
}

fn written<'a>(simple: &Simple<'a>) -> Option<(Kind, Option<&'a str>)> {
    let words = &simple.words;
    let at = words.iter().position(|word| base(word) == "crontab");
    let runs = simple
        .program()
        .is_some_and(|program| base(program) == "crontab");
    if let Some(at) = at.filter(|_| runs) {
        let mut rest = words.iter().skip(at + 1).filter(|word| !word.contains('>'));
        let looks = rest
            .clone()
            .any(|word| matches!(*word, "-l" | "-e" | "-r" | "-V"));
        let takes =
            simple.joint == Joint::Pipe || rest.any(|word| *word == "-" || word.contains('/'));
        return (!looks && takes).then_some((Kind::Cron, None));
    }
    let place = |word: &'a str| {
        let path = word.trim_start_matches(['>', '&', '1', '2']);
        let home =
            path.starts_with("~/.") || path.starts_with(".ssh/") || path.starts_with("$HOME/.");
        let whole = home
            .then_some(path)
            .map(|path| path.trim_start_matches('~'));
        let kind = kind_of(path).or_else(|| kind_of(whole?))?;
        Some((kind, Some(path)))
    };
    let redirected = words.iter().enumerate().find_map(|(at, word)| {
        let target = match word
            .trim_start_matches(['1', '2', '&'])
            .trim_start_matches('>')
        {
            _ if !word.contains('>') => return None,
            "" => words.get(at + 1).copied()?,
            _ => word.get(word.rfind('>')?..)?,
        };
        place(target)
    });
    if redirected.is_some() {
        return redirected;
    }
    let program = base(simple.program()?);
    match program {
        "tee" | "cp" | "mv" | "install" | "ln" | "curl" | "wget" | "chattr" => {
            words.iter().skip(1).rev().find_map(|word| place(word))
        }
        "sed"
            if words
                .iter()
                .any(|word| word.starts_with("-i") || *word == "--in-place") =>
        {
            words.iter().rev().find_map(|word| place(word))
        }
        "systemctl" if words.iter().any(|word| matches!(*word, "enable" | "link")) => Some((
            Kind::Systemd,
            words.last().copied().filter(|word| word.contains('/')),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let check =
            |path: &str, expected: Option<Kind>| assert_eq!(kind_of(path), expected, "{path}");
        check("/etc/cron.d/x", Some(Kind::Cron));
        check("/mnt/etc/crontab", Some(Kind::Cron));
        check("/var/spool/cron/crontabs/root", Some(Kind::Cron));
        check("/root/.ssh/authorized_keys2", Some(Kind::SshKey));
        check("/etc/systemd/system/x.service", Some(Kind::Systemd));
        check("/home/a/.bashrc", Some(Kind::Rc));
        check("/etc/ld.so.preload", Some(Kind::LdPreload));
        check("/etc/passwd", None);
        check("/srv/cron/job", None);
    }

    #[test]
    fn commands_that_write_there() {
        let check = |command: &str, expected: Option<(Kind, Option<&str>)>| {
            assert_eq!(planted(command), expected, "{command}");
        };
        check(
            "echo x >> /root/.ssh/authorized_keys",
            Some((Kind::SshKey, Some("/root/.ssh/authorized_keys"))),
        );
        check(
            "echo x >>~/.ssh/authorized_keys",
            Some((Kind::SshKey, Some("~/.ssh/authorized_keys"))),
        );
        check("(crontab -l; echo x) | crontab -", Some((Kind::Cron, None)));
        check("crontab /tmp/c", Some((Kind::Cron, None)));
        check("crontab -l", None);
        check("crontab -e", None);
        check("crontab -l > /root/cron.bak", None);
        check(
            "cp x.service /etc/systemd/system/",
            Some((Kind::Systemd, Some("/etc/systemd/system/"))),
        );
        check("systemctl enable x", Some((Kind::Systemd, None)));
        check("systemctl status x", None);
        check("cat /etc/crontab", None);
        check(
            "echo /lib/x.so > /etc/ld.so.preload",
            Some((Kind::LdPreload, Some("/etc/ld.so.preload"))),
        );
        check("cat /etc/crontab > /dev/null 2>&1", None);
    }
}
