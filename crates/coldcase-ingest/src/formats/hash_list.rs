//! # hash-list: files with their digests
//!
//! What `md5sum`, `sha1sum`, `sha224sum` to `sha512sum`, `shasum`, their `--tag` form, BSD's `md5` and `sha256`, `openssl dgst` and `hashdeep` print, and a collector's
//! lists of executables (`hash_executables.md5`). One `file-hashed` a line, at the moment of collection.
//!
//! ```text
//! 5d41402abc4b2a76b9719d911017c592  /usr/bin/ls
//! aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d *bin/x
//! SHA256 (/usr/bin/ls) = 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
//! 5,5d41402abc4b2a76b9719d911017c592,2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824,/usr/bin/ls
//! ```
//!
//! Recognised by lines of a digest, one of the right lengths, and a name. Lists of digests alone are not these: they are indicators.
//!
//! Cells: `path`, `bytes` (hashdeep); `attributes`: `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512` by the digest's length, in lower case. A name that begins
//! with `\` before the digest is unescaped (`\n`, `\\`). Failures of the tool and `OK`/`FAILED` of `-c` are skipped.
//!
//! Limits: `b2sum` without `--tag` looks like `sha512sum` and is read so. A digest says nothing of when a file came.
//!
//! Sources: md5sum(1), sha256sum(1), cksum(1), md5(1) of BSD, openssl-dgst(1), hashdeep(1).

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use crate::formats::collected_text::{
    COMMENT, CUT, FRAME, TextLine, each_line, frame, is_complaint, is_lost, sample, shown,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "hash-list",
    title: "files with their digests: md5sum, sha256sum, hashdeep",
    source: include_str!("hash_list.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// A file and its digests.
struct Hashed<'a> {
    path: Cow<'a, str>,
    digests: Vec<&'a str>,
    bytes: Option<i64>,
}

/// The name of a digest by its length in hexadecimal digits.
fn algorithm(digest: &str) -> Option<&'static str> {
    let name = match digest.len() {
        32 => "md5",
        40 => "sha1",
        56 => "sha224",
        64 => "sha256",
        96 => "sha384",
        128 => "sha512",
        _ => return None,
    };
    digest
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(name)
}

fn parse(line: &str) -> Option<Hashed<'_>> {
    coreutils(line)
        .or_else(|| tagged(line))
        .or_else(|| hashdeep(line))
}

/// `DIGEST  PATH`, `DIGEST *PATH`, `\DIGEST  PATH` with an escaped path; BusyBox and others put one blank or a tab.
fn coreutils(line: &str) -> Option<Hashed<'_>> {
    let escaped = line.strip_prefix('\\');
    let line = escaped.unwrap_or(line);
    let (digest, path) = line.split_once([' ', '\t'])?;
    algorithm(digest)?;
    let path = path.strip_prefix([' ', '*', '\t']).unwrap_or(path);
    let path = if escaped.is_some() {
        unescaped(path)
    } else {
        Cow::Borrowed(path)
    };
    let is_path = !path.trim().is_empty() && !path.starts_with("(stdin)");
    is_path.then(|| Hashed {
        path,
        digests: vec![digest],
        bytes: None,
    })
}

/// `SHA256 (PATH) = DIGEST`, `SHA2-256(PATH)= DIGEST`
fn tagged(line: &str) -> Option<Hashed<'_>> {
    let escaped = line.strip_prefix('\\');
    let (head, digest) = escaped.unwrap_or(line).rsplit_once('=')?;
    let digest = digest.trim();
    algorithm(digest)?;
    let (name, path) = head.split_once('(')?;
    let path = path.trim_end().strip_suffix(')')?;
    let name = name.trim();
    let known = ["MD5", "SHA", "RMD"]
        .iter()
        .any(|start| name.to_ascii_uppercase().starts_with(start));
    let path = if escaped.is_some() {
        unescaped(path)
    } else {
        Cow::Borrowed(path)
    };
    (known && !path.is_empty()).then(|| Hashed {
        path,
        digests: vec![digest],
        bytes: None,
    })
}

/// `SIZE,MD5,SHA256,PATH`
fn hashdeep(line: &str) -> Option<Hashed<'_>> {
    let (size, mut rest) = line.split_once(',')?;
    let bytes = size
        .parse()
        .ok()
        .filter(|_| size.bytes().all(|byte| byte.is_ascii_digit()))?;
    let mut digests = Vec::new();
    while let Some((field, after)) = rest.split_once(',') {
        if algorithm(field).is_none() || digests.len() >= 8 {
            break;
        }
        digests.push(field);
        rest = after;
    }
    let fits = !digests.is_empty() && !rest.is_empty();
    fits.then_some(Hashed {
        path: Cow::Borrowed(rest),
        digests,
        bytes: Some(bytes),
    })
}

fn unescaped(path: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(path.len());
    let mut rest = path.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// What stands between rows: comments and headers of hashdeep, complaints, verdicts of `-c`.
fn is_between(line: &str) -> bool {
    line.starts_with(['#', '%'])
        || is_complaint(line)
        || line.ends_with(": OK")
        || line.ends_with(": FAILED")
        || line.contains("WARNING: ")
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut rows, mut others) = (0_usize, 0_usize);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(rows, others, sample.len() - index, 7) {
            return Sniff::No;
        }
        if parse(line).is_some() {
            rows += 1;
        } else if frame(line).is_none() && !is_between(line) {
            others += 1;
        }
    }
    match rows {
        0 => Sniff::No,
        _ if rows * 10 < (rows + others) * 7 => Sniff::No,
        1 | 2 => Sniff::Likely,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    each_line(input, sink, |text, sink| line(text, clock, sink))?;
    Ok(None)
}

fn line(line: &TextLine<'_>, clock: &Clock, sink: &mut dyn Sink) {
    let (text, place) = (line.text.trim_end_matches('\r'), Place::Line(line.number));
    if text.trim().is_empty() {
        return;
    }
    let Some(hashed) = parse(text) else {
        let reason = if text.starts_with(['#', '%']) {
            COMMENT
        } else if is_between(text) || frame(text).is_some() {
            FRAME
        } else if !line.ended {
            CUT
        } else {
            "not a digest with a name"
        };
        return sink.skip(place, reason);
    };
    let mut attributes = Attributes::new();
    for digest in &hashed.digests {
        if let Some(name) = algorithm(digest) {
            attributes.text(name, &digest.to_ascii_lowercase());
        }
    }
    let first = hashed.digests.first().copied().unwrap_or_default();
    let message = format!("{} {first}", hashed.path);
    sink.event(&Event {
        when: clock.collected(),
        path: Some(hashed.path),
        bytes: hashed.bytes,
        attributes: attributes.finish().map(Into::into),
        message: Some(shown(&message)),
        line: Some(line.number),
        ..Event::new(action::FILE_HASHED)
    });
    sink.used(1);
}
