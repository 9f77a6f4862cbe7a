//! Journal entries to rows, as syslog lines become rows: the same wordings, the same actions; beside them the
//! fields that the journal knows and a syslog file does not.

use std::borrow::Cow;
use std::collections::BTreeSet;

use coldcase_model::{Place, Precision, Sink, Timestamp, When, action, canonical_ip, outcome};

use super::fields::Fields;
use crate::Clock;
use crate::syslog::{Header, Records, Row, emit, unfold};

/// Most of a message that is kept, in bytes.
const LONGEST_MESSAGE: usize = 8 << 10;

/// Boots of one file that are told apart; beyond them no more `boot` rows are given.
const MOST_BOOTS: usize = 4096;

/// A sender's own time is worth an attribute where it differs by more than this, in microseconds.
const SOURCE_DIFFERS: u64 = 1_000_000;

/// What is carried from entry to entry of one artifact.
pub struct Entries<'c> {
    clock: &'c Clock,
    records: Records,
    boots: BTreeSet<Box<str>>,
    told: Vec<&'static str>,
}

impl<'c> Entries<'c> {
    /// Nothing read yet.
    pub fn new(clock: &'c Clock) -> Self {
        Self {
            clock,
            records: Records::default(),
            boots: BTreeSet::new(),
            told: Vec::new(),
        }
    }

    /// Emits the rows of an entry; `taken` is when journald took it, in microseconds since 1970.
    pub fn entry(
        &mut self,
        fields: &Fields<'_>,
        taken: Option<u64>,
        place: Place,
        sink: &mut dyn Sink,
    ) {
        let taken = taken.or_else(|| of_cursor(fields.cursor.as_deref()?));
        let when = self.when(fields, taken);
        if when.is_none() {
            self.warn_once(place, "an entry without its time: it stays unknown", sink);
        }
        let message = fields.message.as_deref().unwrap_or_default().trim_end();
        // Wordings are of one line; what a program adds below is for people.
        let first = message.lines().next().unwrap_or_default();
        let header = Header {
            stamp: None,
            host: fields.host.as_deref(),
            program: program(fields),
            module: None,
            pid: pid(fields),
            tagged: message,
            message: first.trim_start(),
        };
        let (header, times) = unfold(header);
        let mut row = self.records.row(&header);
        special(fields, &mut row);
        row.event.when = when;
        match place {
            Place::Line(line) => row.event.line = Some(line),
            Place::Offset(offset) => row.event.offset = Some(offset),
            Place::Whole => {}
        }
        row.event.message = (!message.is_empty()).then(|| Cow::Owned(shown(&header, message)));
        self.boot(fields, &header, &mut row, sink);
        note(fields, taken, &mut row);
        if let Some(warning) = emit(&mut row, times, sink).warning {
            self.warn_once(place, warning, sink);
        }
    }

    /// When journald took the entry. A sender's own time is a claim; it serves where there is no other.
    fn when(&self, fields: &Fields<'_>, taken: Option<u64>) -> Option<When> {
        let micros = taken.or_else(|| number(fields.source_realtime.as_deref()))?;
        Some(self.clock.recorded(instant(micros)?, Precision::Us))
    }

    /// A boot that the artifact shows from its beginning: the first entry of one that follows another, or the kernel's
    /// own first line. The oldest entries of a rotated file are of a boot that went on before them.
    fn boot(
        &mut self,
        fields: &Fields<'_>,
        header: &Header<'_>,
        row: &mut Row<'_>,
        sink: &mut dyn Sink,
    ) {
        let Some(id) = fields.boot_id.as_deref() else {
            return;
        };
        if self.boots.contains(id) || self.boots.len() >= MOST_BOOTS {
            if row.event.action == action::BOOT {
                row.set(action::LOG, None)
                    .text("program", header.program.unwrap_or_default());
            }
            return;
        }
        let is_first = self.boots.is_empty();
        self.boots.insert(id.into());
        if row.event.action == action::BOOT || is_first {
            return;
        }
        let mut boot = Row::new();
        boot.set(action::BOOT, None).text("boot_id", id);
        boot.event.when = row.event.when;
        boot.event.host = row.event.host.clone();
        (boot.event.line, boot.event.offset) = (row.event.line, row.event.offset);
        boot.event.message = Some(Cow::Borrowed("boot: the journal's first entry of it"));
        emit(&mut boot, 1, sink);
    }

    /// Warns the first time.
    pub fn warn_once(&mut self, place: Place, warning: &'static str, sink: &mut dyn Sink) {
        if !self.told.contains(&warning) {
            self.told.push(warning);
            sink.warn(place, warning.into());
        }
    }
}

/// Who logged it: the name it gave itself, else that of the process. What a container wrote is not its engine's.
fn program<'a>(fields: &'a Fields<'_>) -> Option<&'a str> {
    let own = fields
        .container_name
        .as_deref()
        .or(fields.container_short_id.as_deref());
    let name = fields
        .identifier
        .as_deref()
        .or(own)
        .or(fields.comm.as_deref())?;
    let name = name.trim().trim_end_matches(':');
    let name = name
        .strip_prefix('(')
        .and_then(|inside| inside.strip_suffix(')'))
        .unwrap_or(name);
    let name = if name.starts_with('/') {
        name.rsplit('/').next().unwrap_or(name)
    } else {
        name
    };
    (!name.is_empty()).then_some(name)
}

fn pid(fields: &Fields<'_>) -> Option<i64> {
    let given = |field: &Option<Cow<'_, str>>| field.as_deref()?.trim().parse().ok();
    given(&fields.syslog_pid).or_else(|| given(&fields.pid))
}

/// The time in an entry's cursor: `t=` in hexadecimal.
fn of_cursor(cursor: &str) -> Option<u64> {
    let part = cursor.split(';').find_map(|part| part.strip_prefix("t="))?;
    u64::from_str_radix(part, 16).ok()
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}

fn instant(micros: u64) -> Option<Timestamp> {
    let nanos = i64::try_from(micros).ok()?.checked_mul(1_000)?;
    (nanos > 0).then_some(Timestamp(nanos))
}

/// `sshd[812]: Accepted ...`, as `journalctl` shows it; line ends within it are written out.
fn shown(header: &Header<'_>, message: &str) -> String {
    let message = message.get(..message.floor_char_boundary(LONGEST_MESSAGE));
    let message = message.unwrap_or_default();
    let mut shown = String::with_capacity(message.len() + 32);
    if let Some(program) = header.program {
        shown.push_str(program);
        if let Some(pid) = header.pid {
            shown.push_str(&format!("[{pid}]"));
        }
        shown.push_str(": ");
    }
    for (index, line) in message.lines().enumerate() {
        if index > 0 {
            shown.push_str("\\n");
        }
        shown.push_str(line);
    }
    shown
}

/// Entries that fields tell more of than their wording: audit records, podman's events.
fn special<'a>(fields: &'a Fields<'_>, row: &mut Row<'a>) {
    if fields.transport.as_deref() == Some("audit") || fields.audit_type.is_some() {
        audit(fields, row);
    } else if let Some(event) = fields.podman_event.as_deref() {
        podman(fields, event, row);
    }
}

/// A record of the kernel's audit that journald took itself.
fn audit<'a>(fields: &'a Fields<'_>, row: &mut Row<'a>) {
    let unquoted = |field: &'a Option<Cow<'_, str>>| {
        let text = field.as_deref()?.trim_matches('"');
        (!text.is_empty() && text != "?" && text != "(null)").then_some(text)
    };
    let mut fresh = Row::new();
    fresh.event.host = row.event.host.take();
    fresh.event.pid = row.event.pid;
    let result = match unquoted(&fields.audit_result) {
        Some("success" | "1") => Some(outcome::SUCCESS),
        Some("failed" | "0") => Some(outcome::FAILURE),
        _ => None,
    };
    fresh.set(action::AUDIT, result);
    fresh.user(unquoted(&fields.audit_account).unwrap_or_default());
    let exe = unquoted(&fields.audit_exe);
    fresh.event.exe = exe.map(Cow::Borrowed);
    fresh.event.src_ip = unquoted(&fields.audit_address).and_then(canonical_ip);
    let kind = fields
        .audit_type_name
        .as_deref()
        .or(fields.audit_type.as_deref());
    fresh.text("type", kind.unwrap_or_default());
    let set_login = |id: &&str| *id != "4294967295";
    fresh
        .attributes
        .number_if("serial", number(fields.audit_id.as_deref()))
        .text_if("auid", fields.audit_login_uid.as_deref().filter(set_login))
        .text_if("ses", fields.audit_session.as_deref().filter(set_login))
        .text_if("op", unquoted(&fields.audit_operation))
        .text_if("tty", unquoted(&fields.audit_terminal));
    *row = fresh;
}

/// An event of podman with the journal as its backend.
fn podman<'a>(fields: &'a Fields<'_>, event: &'a str, row: &mut Row<'a>) {
    let of_container = fields.podman_type.as_deref() == Some("container");
    let mut fresh = Row::new();
    fresh.event.host = row.event.host.take();
    fresh.event.pid = row.event.pid;
    let kind = match (of_container, event) {
        (true, "create") => action::CONTAINER_CREATED,
        (true, "start" | "restart") => action::CONTAINER_STARTED,
        (true, "died") => action::CONTAINER_EXITED,
        (true, _) => action::CONTAINER_EVENT,
        (false, _) if fields.podman_type.as_deref() == Some("image") => action::IMAGE_CHANGED,
        (false, _) => action::LOG,
    };
    fresh.set(kind, None);
    let name = fields.podman_name.as_deref().map(Cow::Borrowed);
    if kind == action::IMAGE_CHANGED {
        fresh.event.image = name;
    } else if of_container {
        fresh.event.container = name;
        fresh.event.image = fields.podman_image.as_deref().map(Cow::Borrowed);
    }
    if kind == action::LOG {
        fresh.text("program", "podman");
    }
    fresh.text("event", event);
    fresh
        .attributes
        .text_if("id", fields.podman_id.as_deref())
        .number_if("exit_code", number(fields.podman_exit_code.as_deref()));
    *row = fresh;
}

/// What the journal knows beside the message.
fn note<'a>(fields: &'a Fields<'_>, taken: Option<u64>, row: &mut Row<'a>) {
    let some = |field: &'a Option<Cow<'_, str>>| field.as_deref().filter(|text| !text.is_empty());
    let about = some(&fields.subject_unit).or(some(&fields.subject_user_unit));
    let own = some(&fields.user_unit).or(some(&fields.unit));
    row.unit = match about {
        Some(unit) => Some(unit),
        None => row.unit.or(own),
    };
    if row.event.exe.is_none() {
        row.event.exe = some(&fields.exe).map(Cow::Borrowed);
    }
    if row.event.command.is_none() {
        row.event.command = some(&fields.command).map(Cow::Borrowed);
    }
    if row.event.container.is_none() {
        row.event.container = some(&fields.container_name).map(Cow::Borrowed);
    }
    if row.event.image.is_none() {
        row.event.image = some(&fields.container_image).map(Cow::Borrowed);
    }
    let container = some(&fields.container_id).or(some(&fields.container_short_id));
    let container = container.or_else(|| hex_id(some(&fields.cgroup)?));
    if row.container_id.is_none() {
        row.container_id = container;
    }
    if let (Some(comm), Some(identifier)) = (some(&fields.comm), some(&fields.identifier))
        && container.is_none()
        && is_another(comm, identifier)
    {
        row.attributes.text("comm", comm);
    }
    let names_own_uid = row.event.action == action::USER_ADDED;
    row.attributes
        .text_if("uid", some(&fields.uid).filter(|_| !names_own_uid))
        .number_if("priority", number(fields.priority.as_deref()))
        .text_if("transport", some(&fields.transport))
        .text_if("boot_id", some(&fields.boot_id));
    if let (Some(taken), Some(sent)) = (taken, number(fields.source_realtime.as_deref()))
        && taken.abs_diff(sent) >= SOURCE_DIFFERS
        && let Some(sent) = instant(sent)
    {
        row.attributes.text("source_time", &sent.to_string());
    }
}

/// Whether a message was logged under a name that is not its process's: any user can do so with `logger -t sshd`.
/// The kernel keeps 15 bytes of a process's name.
fn is_another(comm: &str, identifier: &str) -> bool {
    let short = identifier.get(..identifier.floor_char_boundary(15));
    let alike = |a: &str, b: &str| {
        a.get(..b.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(b))
    };
    !alike(comm, short.unwrap_or(identifier)) && !alike(identifier, comm)
}

/// The id of a container in a control group's path: 64 hexadecimal digits.
fn hex_id(path: &str) -> Option<&str> {
    path.split(|character: char| !character.is_ascii_hexdigit())
        .find(|part| part.len() == 64)
}
