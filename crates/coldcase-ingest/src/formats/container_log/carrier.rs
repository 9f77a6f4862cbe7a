//! What engines put around a line that a container wrote.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::origin::{Origin, is_long_id};
use crate::years::stamp::{self, Stamp};

/// The kinds of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Docker's json-file driver.
    JsonFile,
    /// The kubelet's runtimes: `TIME stream P|F text`.
    Cri,
    /// `kubectl logs --prefix`: `[pod/x/y] text`.
    Prefixed,
    /// `docker compose logs`, `docker service logs`: `web-1  | text`.
    Compose,
    /// `docker logs -t`, `kubectl logs --timestamps`, `crictl logs -t`: `TIME text`.
    Stamped,
}

/// A line taken out of its wrapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried<'a> {
    /// The engine's stamp.
    pub stamp: Option<Stamp>,
    /// `stdout` or `stderr`.
    pub stream: Option<&'static str>,
    /// What the container wrote.
    pub text: Cow<'a, str>,
    /// Whether the rest of it follows in the stream's next line.
    pub continues: bool,
    /// Whom the wrapping itself names.
    pub origin: Option<Origin>,
}

/// Docker reads a container's output through a buffer of this size; only what fills it is split.
const SPLIT_AT: usize = 16 << 10;

/// A character cut by the split is written as U+FFFD on both sides.
const SPLIT_SLACK: usize = 8;

/// A line of docker's json-file driver; fluent-bit adds what it knows of the pod.
#[derive(Deserialize)]
struct DockerLine<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    #[serde(default)]
    attrs: Option<Map<String, Value>>,
    #[serde(default)]
    kubernetes: Option<Map<String, Value>>,
}

/// Takes a line out of a wrapping of this shape.
pub fn unwrap(line: &str, shape: Shape) -> Option<Carried<'_>> {
    match shape {
        Shape::JsonFile => json_file(line),
        Shape::Cri => cri(line),
        Shape::Prefixed => prefixed(line),
        Shape::Compose => compose(line),
        Shape::Stamped => stamped(line, 0),
    }
}

fn json_file(line: &str) -> Option<Carried<'_>> {
    let line = line.trim();
    if !line.starts_with('{') {
        return None;
    }
    let docker: DockerLine<'_> = serde_json::from_str(line).ok()?;
    let (stamp, _) = stamp::read(docker.time.as_bytes()).unzip();
    if stamp.is_none() && docker.stream.is_empty() {
        return None;
    }
    let ended = docker.log.ends_with('\n');
    let continues = !ended && docker.log.len() + SPLIT_SLACK >= SPLIT_AT;
    let attrs = docker.attrs.as_ref().and_then(of_attrs);
    Some(Carried {
        stamp,
        stream: stream(&docker.stream),
        continues,
        origin: docker.kubernetes.as_ref().map(of_kubernetes).or(attrs),
        text: docker.log,
    })
}

/// Labels and tag that docker was told to log with each line.
fn of_attrs(attrs: &Map<String, Value>) -> Option<Origin> {
    let label = |name: &str| attrs.get(name)?.as_str().map(str::to_owned);
    let pod = label("io.kubernetes.pod.name");
    let container = label("io.kubernetes.container.name");
    (pod.is_some() || container.is_some()).then(|| Origin {
        container,
        namespace: label("io.kubernetes.pod.namespace"),
        pod_uid: label("io.kubernetes.pod.uid"),
        pod,
        id: None,
        in_pod: true,
    })
}

/// What fluentd's and fluent-bit's kubernetes filter adds.
fn of_kubernetes(fields: &Map<String, Value>) -> Origin {
    let field = |name: &str| fields.get(name)?.as_str().map(str::to_owned);
    Origin {
        container: field("container_name"),
        id: field("docker_id").filter(|id| is_long_id(id)),
        pod: field("pod_name"),
        namespace: field("namespace_name"),
        pod_uid: field("pod_id"),
        in_pod: true,
    }
}

fn stream(name: &str) -> Option<&'static str> {
    match name {
        "stdout" => Some("stdout"),
        "stderr" => Some("stderr"),
        _ => None,
    }
}

/// An RFC 3339 stamp with a zone and at least these digits after the second, and what follows its blank.
fn engine_stamp(line: &str, digits: u8) -> Option<(Stamp, &str)> {
    let bytes = line.as_bytes();
    if !bytes.first()?.is_ascii_digit() || bytes.get(10) != Some(&b'T') {
        return None;
    }
    let (stamp, end) = stamp::read(bytes)?;
    if stamp.offset.is_none() || stamp.digits < digits || line.get(..end)?.contains(' ') {
        return None;
    }
    let rest = line.get(end..)?;
    let text = rest.strip_prefix(' ');
    text.or(rest.is_empty().then_some(""))
        .map(|text| (stamp, text))
}

fn cri(line: &str) -> Option<Carried<'_>> {
    let (stamp, rest) = engine_stamp(line, 0)?;
    let (name, rest) = rest.split_once(' ')?;
    let stream = stream(name)?;
    let (tag, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let continues = match tag.split(':').next()? {
        "P" => true,
        "F" => false,
        _ => return None,
    };
    Some(Carried {
        stamp: Some(stamp),
        stream: Some(stream),
        text: Cow::Borrowed(text),
        continues,
        origin: None,
    })
}

fn stamped(line: &str, digits: u8) -> Option<Carried<'_>> {
    let (stamp, text) = engine_stamp(line, digits)?;
    Some(Carried {
        stamp: Some(stamp),
        stream: None,
        text: Cow::Borrowed(text),
        continues: false,
        origin: None,
    })
}

/// Text behind a prefix, which may begin with the engine's stamp: nanoseconds tell it from the application's own.
fn behind_prefix(text: &str, origin: Origin) -> Carried<'_> {
    let carried = stamped(text, 7);
    Carried {
        origin: Some(origin),
        ..carried.unwrap_or(Carried {
            stamp: None,
            stream: None,
            text: Cow::Borrowed(text),
            continues: false,
            origin: None,
        })
    }
}

fn prefixed(line: &str) -> Option<Carried<'_>> {
    let (path, text) = line.strip_prefix("[pod/")?.split_once(']')?;
    let (pod, container) = path.split_once('/')?;
    let origin = Origin {
        container: Some(container.to_owned()),
        pod: Some(pod.to_owned()),
        in_pod: true,
        ..Origin::default()
    };
    let is_word = !path.contains(' ') && !pod.is_empty() && !container.is_empty();
    is_word.then(|| behind_prefix(text.strip_prefix(' ').unwrap_or(text), origin))
}

fn compose(line: &str) -> Option<Carried<'_>> {
    let (name, text) = line.split_once('|')?;
    let bare = name.trim_end_matches(' ');
    if bare.len() == name.len() || !is_compose_name(bare) {
        return None;
    }
    let origin = Origin {
        container: Some(bare.to_owned()),
        ..Origin::default()
    };
    Some(behind_prefix(
        text.strip_prefix(' ').unwrap_or(text),
        origin,
    ))
}

fn is_compose_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|first| first.is_ascii_alphanumeric())
        && name.len() <= 128
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte))
}

/// Whether a name of `compose logs` ends in the number of a replica, or names a task of a swarm.
fn is_numbered(name: &str) -> bool {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let before = name.as_bytes().iter().rev().nth(digits);
    (digits > 0 && matches!(before, Some(b'-' | b'_'))) || name.contains('@')
}

/// The shape that most of some lines have.
pub fn survey<'a>(lines: impl Iterator<Item = Cow<'a, str>>) -> Option<Shape> {
    let strict = [Shape::JsonFile, Shape::Cri, Shape::Prefixed];
    let mut all = 0_usize;
    let mut counts = [0_usize; 3];
    let (mut nanos, mut composed, mut numbered) = (0_usize, 0_usize, 0_usize);
    let mut bars: Option<(usize, bool)> = None;
    for line in lines {
        let line = &*line;
        all += 1;
        let found = strict
            .iter()
            .position(|shape| unwrap(line, *shape).is_some());
        if let Some(count) = found.and_then(|index| counts.get_mut(index)) {
            *count += 1;
        } else if stamped(line, 7).is_some() {
            nanos += 1;
        } else if let Some(carried) = compose(line) {
            composed += 1;
            let name = carried.origin.and_then(|origin| origin.container);
            numbered += usize::from(name.is_some_and(|name| is_numbered(&name)));
            let place = line.find('|').unwrap_or_default();
            let aligned = bars.is_none_or(|(first, aligned)| aligned && first == place);
            bars = Some((bars.map_or(place, |(first, _)| first), aligned));
        }
    }
    let most = |count: usize| count > 0 && count * 10 >= all * 8;
    for (shape, count) in strict.into_iter().zip(counts) {
        if most(count) {
            return Some(shape);
        }
    }
    let aligned = bars.is_some_and(|(_, aligned)| aligned);
    let is_compose = composed >= 2 && (numbered * 2 >= composed || (aligned && numbered > 0));
    match () {
        () if most(nanos) => Some(Shape::Stamped),
        () if most(composed) && is_compose => Some(Shape::Compose),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, shape: Shape, expected: Option<(&str, Option<&str>, bool)>) {
        let got = unwrap(line, shape);
        let got = got.as_ref();
        let got = got.map(|carried| (&*carried.text, carried.stream, carried.continues));
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn wrappings_come_off() {
        check(
            r#"{"log":"a \"b\"\n","stream":"stderr","attrs":{"tag":"x"},"time":"2023-03-18T16:00:05.5Z"}"#,
            Shape::JsonFile,
            Some(("a \"b\"\n", Some("stderr"), false)),
        );
        check(r#"{"log":"cut"#, Shape::JsonFile, None);
        check(r#"{"log":"no more"}"#, Shape::JsonFile, None);
        let cri = "2016-10-06T00:17:09.669794202Z stderr P log content";
        check(cri, Shape::Cri, Some(("log content", Some("stderr"), true)));
        check(
            "2023-12-18T06:13:36.8+00:00 stdout F",
            Shape::Cri,
            Some(("", Some("stdout"), false)),
        );
        check("2023-12-18T06:13:36.8+00:00 stdout X a", Shape::Cri, None);
        check("2023-12-18T06:13:36 stdout F a", Shape::Cri, None);
        check(
            "[pod/web-0/app] a",
            Shape::Prefixed,
            Some(("a", None, false)),
        );
        check("web-1  | a", Shape::Compose, Some(("a", None, false)));
        check(
            "web-1  | 2023-12-18T06:13:36.123456789Z a",
            Shape::Compose,
            Some(("a", None, false)),
        );
        check("web-1| a", Shape::Compose, None);
        check(
            "2023-12-18T06:13:36.123456789Z a",
            Shape::Stamped,
            Some(("a", None, false)),
        );
    }

    #[test]
    fn the_shape_of_most_lines() {
        let check = |text: &str, expected: Option<Shape>| {
            assert_eq!(survey(text.lines().map(Cow::Borrowed)), expected, "{text}");
        };
        check("web-1  | a\ndb-1   | b\n", Some(Shape::Compose));
        check(" a | b\n---+---\n 1 | 2\n", None);
        check("id  | name\n1   | x\n", None);
        check("2023-12-18T06:13:36.123456789Z a\n", Some(Shape::Stamped));
        check("2023-12-18T06:13:36.123Z a\n", None);
        check("", None);
    }
}
