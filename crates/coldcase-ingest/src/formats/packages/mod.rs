//! Packages: logs of what was installed, upgraded and removed, and lists of what is there.

mod apt_history;
mod dnf_log;
mod dpkg_log;
mod list;
mod pacman_log;
mod rpm_dates;
mod rpm_list;
mod yum_log;

pub use apt_history::FORMAT as APT_HISTORY;
pub use dnf_log::FORMAT as DNF_LOG;
pub use dpkg_log::FORMAT as DPKG_LOG;
pub use list::FORMAT as PACKAGE_LIST;
pub use pacman_log::FORMAT as PACMAN_LOG;
pub use rpm_list::FORMAT as RPM_LIST;
pub use yum_log::FORMAT as YUM_LOG;

use coldcase_model::{Attributes, Event, Sink, When, action};

/// A package and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Step<'a> {
    action: &'static str,
    package: &'a str,
    version: Option<&'a str>,
    before: Option<&'a str>,
    architecture: Option<&'a str>,
    tool: &'static str,
    user: Option<&'a str>,
    command: Option<&'a str>,
}

impl Step<'_> {
    /// One row.
    fn emit(&self, when: Option<When>, line: u64, sink: &mut dyn Sink) {
        let mut attributes = Attributes::with_capacity(128);
        attributes
            .text("package", self.package)
            .text_if("version", self.version)
            .text_if("before", self.before)
            .text_if("architecture", self.architecture)
            .text("tool", self.tool);
        let verb = match self.action {
            action::PACKAGE_INSTALLED => "installed",
            action::PACKAGE_UPGRADED => "upgraded",
            action::PACKAGE_REMOVED => "removed",
            _ => "listed",
        };
        let version = self.version.or(self.before).unwrap_or_default();
        let message = format!("{verb} {} {version}", self.package);
        sink.event(&Event {
            when,
            user: self.user.map(Into::into),
            command: self.command.map(Into::into),
            attributes: attributes.finish().map(Into::into),
            message: Some(message.trim_end().to_owned().into()),
            line: Some(line),
            ..Event::new(self.action)
        });
    }
}

/// An RPM package's name in parts: `[EPOCH:]NAME-[EPOCH:]VERSION-RELEASE[.ARCH]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Nevra<'a> {
    name: &'a str,
    version: String,
    architecture: Option<&'a str>,
}

/// Architectures that end a package's name.
const ARCHITECTURES: [&str; 16] = [
    "x86_64",
    "noarch",
    "i386",
    "i486",
    "i586",
    "i686",
    "aarch64",
    "ppc64le",
    "ppc64",
    "s390x",
    "armv7hl",
    "loongarch64",
    "riscv64",
    "x86_64_v2",
    "src",
    "(none)",
];

fn nevra(text: &str) -> Option<Nevra<'_>> {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (bare, architecture) = match text.rsplit_once('.') {
        Some((bare, architecture)) if ARCHITECTURES.contains(&architecture) => {
            (bare, Some(architecture))
        }
        _ => (text, None),
    };
    let (epoch, bare) = match bare.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(epoch), rest)
        }
        _ => (None, bare),
    };
    let (bare, release) = bare.rsplit_once('-')?;
    let (name, version) = bare.rsplit_once('-')?;
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty()
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._+~^-:".contains(&byte))
    };
    if !is_word(name)
        || !is_word(version)
        || !is_word(release)
        || !version.contains(|c: char| c.is_ascii_digit())
        || !name.contains(|c: char| c.is_ascii_alphabetic())
        || release.contains(':')
    {
        return None;
    }
    let version = match epoch.filter(|epoch| *epoch != "0") {
        Some(epoch) => format!("{epoch}:{version}-{release}"),
        None => format!("{version}-{release}"),
    };
    Some(Nevra {
        name,
        version,
        architecture,
    })
}

/// A name of a Debian package with its architecture: `base-passwd:amd64`.
fn with_architecture(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, architecture)) if !architecture.is_empty() => (name, Some(architecture)),
        _ => (text, None),
    }
}

fn is_package(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-._:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rpm() {
        let check = |text: &str, expected: Option<(&str, &str, Option<&str>)>| {
            let got = nevra(text);
            let got = got
                .as_ref()
                .map(|got| (got.name, got.version.as_str(), got.architecture));
            assert_eq!(got, expected, "{text}");
        };
        check(
            "bash-4.2.46-34.el7.x86_64",
            Some(("bash", "4.2.46-34.el7", Some("x86_64"))),
        );
        check(
            "32:bind-libs-9.9.4-61.el7.x86_64",
            Some(("bind-libs", "32:9.9.4-61.el7", Some("x86_64"))),
        );
        check(
            "gpg-pubkey-f4a80eb5-53a7ff4b",
            Some(("gpg-pubkey", "f4a80eb5-53a7ff4b", None)),
        );
        check(
            "python3-dnf-4.7.0-4.el8.noarch.rpm",
            Some(("python3-dnf", "4.7.0-4.el8", Some("noarch"))),
        );
        check("hello", None);
        check("a-b-c", None);
        check("2023-03-28T16:00:04Z", None);
    }
}
