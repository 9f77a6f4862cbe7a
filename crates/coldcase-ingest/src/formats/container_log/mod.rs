//! What containers wrote, as their engine kept it: docker's json-file logs (`/var/lib/docker/containers/ID/ID-json.log`), the
//! kubelet's files (`/var/log/pods/NS_POD_UID/NAME/0.log`, `/var/log/containers/POD_NS_NAME-ID.log`), and what
//! `docker logs -t`, `podman logs -t`, `crictl logs -t`, `kubectl logs --timestamps` or `--prefix`, and `docker compose
//! logs` print.
//!
//! **Recognised** by what the engine puts around most of the lines:
//!
//! ```text
//! {"log":"sync done\n","stream":"stderr","time":"2023-05-12T02:10:23.284123456Z"}
//! 2023-05-12T02:10:23.284123456Z stderr F sync done
//! 2023-05-12T02:10:23.284123456Z sync done
//! [pod/web-0/app] sync done
//! web-1  | sync done
//! ```
//!
//! **Rows**: a line is one `log` row; `message` is what the container wrote, without the engine's wrapping, terminal
//! escapes and the line's end, at most 8 KiB (`cut`). A line of an access log gives `http-request`. `attributes`:
//! `stream`, `container_id` and `container_name`, `pod_uid` where wrapping, path or the command above it name them,
//! `level` where the line plainly says it. `container` is named by prefixes, paths of the kubelet, `docker_logs_NAME.txt`,
//! or the command line above the output (`# docker logs web`), never guessed. What was split is put together again: of
//! docker pieces of 16 KiB without an end of line, of the kubelet's runtimes `P` up to `F`, each stream for itself.
//!
//! **Times** are the engine's, recorded in UTC or with an offset. Only where it wrote none (`--prefix` and `compose`
//! without `-t`) the application's own stamp counts, with the zone assumed if it has none; else there is no time.
//!
//! **Limits**: docker's `local` and journald drivers are binary and not read here. Stack traces stay a row a line. Empty
//! lines are skipped.
//!
//! Sources: moby `daemon/logger/jsonfilelog`, `daemon/logger/copier.go`; Kubernetes CRI logging design and
//! `pkg/kubelet/kuberuntime/logs`; docker/compose `cmd/formatter/logs.go`.

use std::borrow::Cow;

use coldcase_model::{Place, Precision, Sink, When};

use crate::syslog::Times;
use crate::terminal_text::{command_of_prompt, plain};
use crate::{Clock, Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

use carrier::{Carried, Shape};
use origin::Origin;
use row::{Held, Record};

mod access;
pub mod app;
mod carrier;
mod level;
mod origin;
mod row;
mod stamps;

/// The format.
pub static FORMAT: Format = Format {
    id: "container-log",
    title: "what containers wrote: json-file, CRI, docker and kubectl logs",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED: usize = 200;

/// Damaged lines after which only their number is told.
const MAX_WARNINGS: u64 = 4;

/// What is kept of a record while its pieces come in: more than its message is not needed.
const MAX_JOINED: usize = 2 * row::MAX_MESSAGE;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let shape = survey(probe.lines());
    // One line may be longer than what is seen of it.
    let begun = probe.head.starts_with(b"{\"log\":\"") && !probe.complete;
    match shape {
        Some(Shape::JsonFile) if is_nothing_else(probe) => Sniff::Sure,
        Some(_) => Sniff::Likely,
        None if begun && probe.path.contains("-json.log") => Sniff::Likely,
        None => Sniff::No,
    }
}

/// Whether all lines are of docker's json-file driver, and none holds what other formats read out of it: JSON, or CoreDNS.
fn is_nothing_else(probe: &Probe<'_>) -> bool {
    const OTHERS: [&str; 3] = [" IN ", "plugin/", "CoreDNS-"];
    let plain = |line: &[u8]| {
        let carried = std::str::from_utf8(line)
            .ok()
            .and_then(|line| carrier::unwrap(line, Shape::JsonFile));
        carried.is_some_and(|carried| {
            let is_json = carried.text.trim_start().starts_with(['{', '[']);
            !is_json && !OTHERS.iter().any(|other| carried.text.contains(other))
        })
    };
    probe
        .lines()
        .filter(|line| !line.is_empty())
        .take(SNIFFED)
        .all(plain)
}

/// The shape of most lines of a head.
fn survey<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Shape> {
    let texts = lines
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(plain)
        .filter(|line| !line.trim().is_empty())
        .filter(|line| command_of_prompt(line).is_none() && !is_banner(line));
    carrier::survey(texts.take(SNIFFED))
}

/// What `docker compose logs` says above its lines.
fn is_banner(line: &str) -> bool {
    line.starts_with("Attaching to ")
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut head = Vec::new();
    let read = std::io::Read::read_to_end(
        &mut std::io::Read::take(&mut input.reader, 64 << 10),
        &mut head,
    );
    let probe = Probe::new(input.path, &head, head.len() < 64 << 10);
    let shape = survey(probe.lines());
    let mut reading = Reading {
        clock: input.clock,
        times: Times::new(input.clock),
        shape,
        origin: origin::of_path(input.path),
        parts: std::array::from_fn(|_| None),
        held: Held::default(),
        damaged: 0,
        sink,
    };
    let mut lines = Lines::new(std::io::Read::chain(head.as_slice(), &mut input.reader));
    let result = loop {
        match lines.next_line() {
            Ok(Some(line)) => reading.line(&line),
            Ok(None) => break Ok(None),
            Err(error) => break Err(error.into()),
        }
    };
    reading.finish();
    read?;
    result
}

/// The beginning of a record whose rest is still to come.
struct Unfinished {
    text: String,
    line: u64,
    lines: u64,
    when: Option<When>,
    stream: Option<&'static str>,
}

struct Reading<'a> {
    clock: &'a Clock,
    times: Times<'a>,
    shape: Option<Shape>,
    origin: Origin,
    /// One for stdout, stderr and neither.
    parts: [Option<Unfinished>; 3],
    /// The record that lines without a stamp belong to.
    held: Held,
    damaged: u64,
    sink: &'a mut dyn Sink,
}

impl Reading<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let place = Place::Line(line.number);
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        let text = line.text();
        // Prefixes may be coloured; escapes behind an engine's stamp are taken out later.
        let text = match text.starts_with(['\u{1b}', '\u{feff}']) {
            true => plain(&text),
            false => Cow::Borrowed(&*text),
        };
        let text = &*text;
        if let Some(carried) = self.unwrap(text) {
            return self.carried(carried, line);
        }
        if let Some(command) = command_of_prompt(text) {
            self.held.put_out(&self.origin, self.sink);
            if let Some(named) = origin::of_command(command) {
                self.origin = named;
            }
            return self.sink.skip(place, "a command line");
        }
        if is_banner(text) {
            return self.sink.skip(place, "a message of docker compose");
        }
        if self.shape == Some(Shape::Stamped) && self.held.is_open() && !text.contains('\0') {
            return self.held.add(text);
        }
        let reason = match text.starts_with('{') {
            _ if !line.ended => "the file ends inside of a line",
            true => "a damaged line of a json-file log",
            false => "a line without the engine's wrapping",
        };
        self.sink.skip(place, reason);
        self.damaged += 1;
        if self.damaged <= MAX_WARNINGS {
            self.sink.warn(place, reason.to_owned());
        }
    }

    /// Takes a line out of the wrapping that most lines have, or one that can't be mistaken.
    fn unwrap<'t>(&self, text: &'t str) -> Option<Carried<'t>> {
        let others = [Shape::JsonFile, Shape::Cri, Shape::Prefixed];
        let wrapped = || {
            others
                .iter()
                .find_map(|shape| carrier::unwrap(text, *shape))
        };
        let most = self.shape.and_then(|shape| carrier::unwrap(text, shape));
        most.or_else(wrapped)
    }

    fn carried(&mut self, carried: Carried<'_>, line: &Line<'_>) {
        let when = match &carried.stamp {
            Some(stamp) => self.times.when(stamp).ok().map(|when| When {
                // Engines write nanoseconds; Go leaves zeros at the end out.
                precision: Precision::Ns,
                ..when
            }),
            None => stamps::find(&carried.text)
                .and_then(|found| found.when(&mut self.times, self.clock)),
        };
        if self.shape == Some(Shape::Stamped) && carried.stream.is_none() {
            self.held.put_out(&self.origin, self.sink);
            if carried.text.trim().is_empty() {
                return self.sink.skip(Place::Line(line.number), "an empty line");
            }
            return self.held.begin(&carried.text, line.number, when);
        }
        let slot = match carried.stream {
            Some("stdout") => 0,
            Some(_) => 1,
            None => 2,
        };
        let Some(slot) = self.parts.get_mut(slot) else {
            return;
        };
        if carried.continues || slot.is_some() {
            let part = slot.get_or_insert_with(|| Unfinished {
                text: String::new(),
                line: line.number,
                lines: 0,
                when,
                stream: carried.stream,
            });
            part.lines += 1;
            let room = MAX_JOINED.saturating_sub(part.text.len());
            part.text
                .push_str(crate::terminal_text::cut(&carried.text, room));
            if !carried.continues {
                let part = slot.take();
                self.put_out(part, false);
            }
            return;
        }
        let record = Record {
            when,
            stream: carried.stream,
            text: &carried.text,
            origin: carried.origin.as_ref().unwrap_or(&self.origin),
            line: line.number,
            unfinished: false,
            lines: 1,
            more: "",
        };
        match row::emit(&record, self.sink) {
            true => self.sink.used(1),
            false => self.sink.skip(Place::Line(line.number), "an empty line"),
        }
    }

    fn put_out(&mut self, part: Option<Unfinished>, unfinished: bool) {
        let Some(part) = part else { return };
        let record = Record {
            when: part.when,
            stream: part.stream,
            text: &part.text,
            origin: &self.origin,
            line: part.line,
            unfinished,
            lines: part.lines,
            more: "",
        };
        row::emit(&record, self.sink);
        self.sink.used(part.lines);
    }

    fn finish(mut self) {
        self.held.put_out(&self.origin, self.sink);
        let mut parts: Vec<_> = self.parts.iter_mut().filter_map(Option::take).collect();
        parts.sort_by_key(|part| part.line);
        for part in parts {
            self.put_out(Some(part), true);
        }
        if self.damaged > MAX_WARNINGS {
            let warning = format!("{} lines that could not be read in all", self.damaged);
            self.sink.warn(Place::Whole, warning);
        }
    }
}
