//! # package-list: packages that are there
//!
//! `dpkg -l`, `rpm -qa`, `apt list --installed`, `apk info -v`, `pacman -Q`: one `package-listed` a package, at the moment of collection.
//!
//! ```text
//! ||/ Name           Version      Architecture Description
//! ii  bash           5.0-6ubuntu1 amd64        GNU Bourne Again SHell
//! rc  nmap           7.80+dfsg1-2 amd64        The Network Mapper
//! bash-4.2.46-34.el7.x86_64
//! nmap/focal,now 7.80+dfsg1-2build1 amd64 [installed]
//! ```
//!
//! Recognised by dpkg's header or several of its rows, or by lines that all are packages of rpm, or of apt with their state in brackets, or of apk or pacman where the name
//! says so (`apk`, `pacman`).
//!
//! Cells: `attributes`: `package`, `version`, `architecture`, `state` (dpkg's letters, apt's words), `tool`. When a package came is not in these lists: see `rpm -qa --last` and the
//! logs.
//!
//! Source: dpkg-query(1), rpm(8), apt(8), apk(8), pacman(8).

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::{is_package, nevra, with_architecture};
use crate::formats::collected_text::{CUT, FRAME, TextLine, each_line, frame, is_lost, sample};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "package-list",
    title: "packages that are there: dpkg -l, rpm -qa, apt list",
    source: include_str!("list.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// A package as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed<'a> {
    package: &'a str,
    version: String,
    architecture: Option<&'a str>,
    state: Option<&'a str>,
    tool: &'static str,
}

fn parse<'a>(line: &'a str, path: &str) -> Option<Listed<'a>> {
    dpkg(line)
        .or_else(|| rpm(line))
        .or_else(|| apt(line))
        .or_else(|| by_name(line, path))
}

/// `ii  bash  5.0-6  amd64  description`
fn dpkg(line: &str) -> Option<Listed<'_>> {
    let mut words = line.split_ascii_whitespace();
    let state = words.next()?;
    let mut letters = state.bytes();
    let wanted = letters
        .next()
        .is_some_and(|letter| b"uihrp".contains(&letter));
    let status = letters
        .next()
        .is_some_and(|letter| b"ncHUFWti".contains(&letter));
    let error = letters.next().is_none_or(|letter| letter == b'R');
    if !wanted || !status || !error || state.len() > 3 || line.starts_with(' ') {
        return None;
    }
    let (package, of_name) = with_architecture(words.next().filter(|name| is_package(name))?);
    let version = words.next()?;
    let architecture = words.next().filter(|word| {
        matches!(
            *word,
            "all"
                | "amd64"
                | "arm64"
                | "armhf"
                | "armel"
                | "i386"
                | "ppc64el"
                | "riscv64"
                | "s390x"
                | "mips64el"
                | "loong64"
        )
    });
    let fits = version.contains(|c: char| c.is_ascii_digit()) || version == "<none>";
    fits.then(|| Listed {
        package,
        version: version.to_owned(),
        architecture: architecture.or(of_name),
        state: Some(state),
        tool: "dpkg",
    })
}

/// `bash-4.2.46-34.el7.x86_64`
fn rpm(line: &str) -> Option<Listed<'_>> {
    let parts = nevra(line.trim())?;
    let is_rpm = parts.architecture.is_some() || parts.name == "gpg-pubkey";
    is_rpm.then_some(Listed {
        package: parts.name,
        version: parts.version,
        architecture: parts.architecture,
        state: None,
        tool: "rpm",
    })
}

/// `nmap/focal,now 7.80 amd64 [installed,automatic]`
fn apt(line: &str) -> Option<Listed<'_>> {
    let (package, rest) = line.split_once('/')?;
    let (head, state) = rest.trim_end().strip_suffix(']')?.split_once(" [")?;
    let mut words = head.split(' ').skip(1);
    let (version, architecture) = (words.next()?, words.next()?);
    let known = ["installed", "upgradable", "residual-config"]
        .iter()
        .any(|word| state.contains(word));
    (is_package(package) && known).then(|| Listed {
        package,
        version: version.to_owned(),
        architecture: Some(architecture),
        state: Some(state),
        tool: "apt",
    })
}

/// `bash 5.1.016-1` of pacman, `bash-5.1.16-r0` of apk: only where the file's name says whose list it is.
fn by_name<'a>(line: &'a str, path: &str) -> Option<Listed<'a>> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let line = line.trim();
    let (tool, (package, version)) = if name.contains("pacman") {
        ("pacman", line.split_once(' ')?)
    } else if name.contains("apk") {
        let word = line.split(' ').next()?;
        let (bare, release) = word.rsplit_once("-r")?;
        let (package, _) = bare.rsplit_once('-')?;
        release.parse::<u32>().ok()?;
        ("apk", (package, word.get(package.len() + 1..)?))
    } else {
        return None;
    };
    let fits = is_package(package)
        && !version.contains(' ')
        && version.contains(|c: char| c.is_ascii_digit());
    fits.then(|| Listed {
        package,
        version: version.to_owned(),
        architecture: None,
        state: None,
        tool,
    })
}

/// The head of dpkg's table and of apt's list, and warnings.
fn is_head(line: &str) -> bool {
    line.starts_with("||/ ")
        || line.starts_with("+++-")
        || line.starts_with("| Status=")
        || line.starts_with("|/ Err?=")
        || line.starts_with("Desired=")
        || line.starts_with("Listing...")
        || line.starts_with("WARNING: ")
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut rows, mut heads, mut others) = (0_usize, 0_usize, 0_usize);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(rows, others, sample.len() - index, 8) {
            return Sniff::No;
        }
        if is_head(line) {
            heads += 1;
        } else if parse(line, probe.path).is_some() {
            rows += 1;
        } else if frame(line).is_none() {
            others += 1;
        }
    }
    let most = rows * 10 >= (rows + others) * 8;
    match (rows, heads) {
        (0, _) => Sniff::No,
        (_, 2..) if most => Sniff::Sure,
        (3.., _) if most => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let (clock, path) = (input.clock, input.path);
    each_line(input, sink, |text, sink| {
        if !text.text.trim().is_empty() {
            line(text, path, clock, sink);
        }
    })?;
    Ok(None)
}

fn line(line: &TextLine<'_>, path: &str, clock: &Clock, sink: &mut dyn Sink) {
    let Some(listed) = parse(&line.text, path) else {
        let reason = if is_head(&line.text) || frame(&line.text).is_some() {
            FRAME
        } else if line.ended {
            "not a package"
        } else {
            CUT
        };
        return sink.skip(Place::Line(line.number), reason);
    };
    let mut attributes = Attributes::with_capacity(128);
    attributes
        .text("package", listed.package)
        .text("version", &listed.version)
        .text_if("architecture", listed.architecture)
        .text_if("state", listed.state)
        .text("tool", listed.tool);
    sink.event(&Event {
        when: clock.collected(),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("package {} {}", listed.package, listed.version).into()),
        line: Some(line.number),
        ..Event::new(action::PACKAGE_LISTED)
    });
    sink.used(1);
}
