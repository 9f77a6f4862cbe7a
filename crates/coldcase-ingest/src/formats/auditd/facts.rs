//! What the records of one event say, gathered: values stay undecoded and borrow from the records' text.

use super::execve::Arguments;
use super::fields::{Field, Fields, Pairs};
use super::kind::Kind;
use super::pending::Part;
use super::values::{Form, Value};

/// Most further fields kept of one event.
const MAX_REST: usize = 64;

/// Most PATH records kept of one event.
const MAX_PATHS: usize = 64;

/// One PATH record.
#[derive(Debug, Clone, Copy, Default)]
pub struct PathItem<'a> {
    /// `item=`.
    pub item: Option<i64>,
    /// `name=`.
    pub name: Option<Value<'a>>,
    /// `nametype=`: NORMAL, PARENT, CREATE, DELETE, UNKNOWN.
    pub nametype: &'a [u8],
    /// `inode=`.
    pub inode: Option<i64>,
    /// `mode=`.
    pub mode: Option<Value<'a>>,
}

/// Who did it.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names are the records' keys")]
pub struct Process<'a> {
    pub pid: Option<Value<'a>>,
    pub ppid: Option<Value<'a>>,
    pub auid: Option<Value<'a>>,
    pub uid: Option<Value<'a>>,
    pub euid: Option<Value<'a>>,
    pub ses: Option<Value<'a>>,
    pub tty: Option<Value<'a>>,
    pub comm: Option<Value<'a>>,
    pub exe: Option<Value<'a>>,
}

/// The system call.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names are the records' keys")]
pub struct Call<'a> {
    pub arch: Option<Value<'a>>,
    pub number: Option<Value<'a>>,
    pub success: Option<Value<'a>>,
    pub exit: Option<Value<'a>>,
    pub a0: Option<Value<'a>>,
    pub uring_op: Option<Value<'a>>,
}

/// What a program's own message says.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names are the records' keys")]
pub struct Said<'a> {
    pub op: Option<Value<'a>>,
    pub acct: Option<Value<'a>>,
    pub id: Option<Value<'a>>,
    pub hostname: Option<Value<'a>>,
    pub addr: Option<Value<'a>>,
    pub res: Option<Value<'a>>,
    pub cmd: Option<Value<'a>>,
    pub unit: Option<Value<'a>>,
    pub rport: Option<Value<'a>>,
    pub lport: Option<Value<'a>>,
    pub laddr: Option<Value<'a>>,
}

/// Names that auditd resolved when it wrote the record.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names are the records' keys")]
pub struct Names<'a> {
    pub syscall: Option<&'a [u8]>,
    pub uid: Option<&'a [u8]>,
    pub auid: Option<&'a [u8]>,
    pub id: Option<&'a [u8]>,
    pub saddr: Option<&'a [u8]>,
}

/// All that is known of one event.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The first record that is not a mere part (PATH, CWD, ...) of a call's event, else the first.
    pub first: Option<Part<'a>>,
    /// The first record that is no part of a system call's usual set.
    pub told: Option<Part<'a>>,
    /// The process.
    pub process: Process<'a>,
    /// The call, where there was one.
    pub call: Call<'a>,
    /// A program's message.
    pub said: Said<'a>,
    /// Resolved names.
    pub names: Names<'a>,
    /// `key=`.
    pub key: Option<Value<'a>>,
    /// EXECVE records.
    pub arguments: Arguments<'a>,
    /// PROCTITLE.
    pub title: Option<Value<'a>>,
    /// CWD.
    pub cwd: Option<Value<'a>>,
    /// PATH records.
    pub paths: Vec<PathItem<'a>>,
    /// SOCKADDR.
    pub saddr: Option<Value<'a>>,
    /// SELinux: `denied` or `granted`, and the permissions in braces.
    pub decision: Option<(&'a [u8], &'a [u8])>,
    /// Fields without a place of their own.
    pub rest: Vec<(&'a [u8], Value<'a>)>,
}

impl<'a> Facts<'a> {
    /// Reads all records of an event.
    pub fn gather(parts: impl Iterator<Item = Part<'a>> + Clone) -> Self {
        let mut facts = Self::default();
        // What SYSCALL says of the process wins over the other records, wherever it stands.
        for part in parts.clone() {
            let begins_later = |first: &Part<'_>| first.kind.is_auxiliary();
            if facts.first.as_ref().is_none_or(begins_later) && !part.kind.is_auxiliary() {
                facts.first = Some(part);
            }
            facts.first.get_or_insert(part);
            if matches!(part.kind, Kind::SYSCALL | Kind::URINGOP) {
                facts.read_syscall(&part);
            }
        }
        for part in parts {
            match part.kind {
                Kind::SYSCALL | Kind::URINGOP | Kind::EOE => {}
                Kind::PATH => facts.read_path(&part),
                Kind::EXECVE => fields(&part).for_each(|field| facts.arguments.take(&field)),
                Kind::CWD => facts.cwd = first_value(&part).or(facts.cwd),
                Kind::PROCTITLE => facts.title = first_value(&part).or(facts.title),
                Kind::SOCKADDR => {
                    facts.saddr = first_value(&part).or(facts.saddr);
                    facts.names.saddr = part.enriched.strip_prefix(b"SADDR=");
                }
                _ => facts.read_other(&part),
            }
        }
        facts
    }

    fn read_syscall(&mut self, part: &Part<'a>) {
        let mut take = |key: &[u8], value: Value<'a>| {
            let slot = match key {
                b"arch" => &mut self.call.arch,
                b"syscall" => &mut self.call.number,
                b"uring_op" => &mut self.call.uring_op,
                b"success" => &mut self.call.success,
                b"exit" => &mut self.call.exit,
                b"a0" => &mut self.call.a0,
                b"key" => &mut self.key,
                key => match self.process.slot(key) {
                    Some(slot) => slot,
                    None => return,
                },
            };
            slot.get_or_insert(value);
        };
        match part.plain {
            true => fields(part).for_each(|field| take(field.key, field.value)),
            false => Pairs(part.body).for_each(|(key, value)| take(key, value)),
        }
        self.read_names(part.enriched);
    }

    fn read_names(&mut self, enriched: &'a [u8]) {
        if enriched.is_empty() {
            return;
        }
        for field in Fields::raw(enriched) {
            let slot = match field.key {
                b"SYSCALL" => &mut self.names.syscall,
                b"UID" => &mut self.names.uid,
                b"AUID" => &mut self.names.auid,
                b"ID" => &mut self.names.id,
                _ => continue,
            };
            let resolved = field.value.raw != b"unset" && !field.value.raw.starts_with(b"unknown");
            if resolved {
                slot.get_or_insert(field.value.raw);
            }
        }
    }

    fn read_path(&mut self, part: &Part<'a>) {
        if self.paths.len() >= MAX_PATHS {
            return;
        }
        let mut path = PathItem::default();
        let mut take = |key: &[u8], value: Value<'a>| match key {
            b"item" => path.item = value.number(),
            b"name" => path.name = Some(value),
            b"inode" => path.inode = value.number(),
            b"mode" => path.mode = Some(value),
            b"nametype" | b"objtype" => path.nametype = value.raw,
            _ => {}
        };
        match part.plain {
            true => fields(part).for_each(|field| take(field.key, field.value)),
            // What follows the name's type are capabilities, without a place in a row.
            false => Pairs(part.body)
                .take_while(|(key, value)| {
                    take(key, *value);
                    !matches!(*key, b"nametype" | b"objtype")
                })
                .for_each(drop),
        }
        self.paths.push(path);
    }

    fn read_other(&mut self, part: &Part<'a>) {
        self.told.get_or_insert(*part);
        if part.kind == Kind::AVC {
            self.read_decision(part.body);
        }
        let outer = fields(part);
        for field in outer.clone() {
            match field.value.form {
                Form::Nested if field.key == b"msg" => {
                    self.read_decision(field.value.raw);
                    let inner = outer.nested(field.value);
                    inner.for_each(|field| self.read_field(&field));
                }
                _ => self.read_field(&field),
            }
        }
        self.read_names(part.enriched);
    }

    fn read_field(&mut self, field: &Field<'a>) {
        let slot = match field.key {
            b"op" => &mut self.said.op,
            b"auid" if field.before == b"old" => return self.keep(b"old-auid", field.value),
            b"ses" if field.before == b"old" => return self.keep(b"old-ses", field.value),
            b"acct" => &mut self.said.acct,
            b"id" => &mut self.said.id,
            b"hostname" => &mut self.said.hostname,
            b"addr" => &mut self.said.addr,
            b"terminal" => &mut self.process.tty,
            b"res" | b"result" => &mut self.said.res,
            b"cmd" => &mut self.said.cmd,
            b"unit" => &mut self.said.unit,
            b"rport" => &mut self.said.rport,
            b"lport" => &mut self.said.lport,
            b"laddr" => &mut self.said.laddr,
            b"arch" => &mut self.call.arch,
            b"syscall" => &mut self.call.number,
            b"key" => &mut self.key,
            b"cwd" => &mut self.cwd,
            b"gid" | b"subj" | b"SADDR" => return,
            key => match self.process.slot(key) {
                Some(slot) => slot,
                None => return self.keep(key, field.value),
            },
        };
        let value = match field.key {
            b"op" => field.phrase(),
            _ => field.value,
        };
        let known = *slot.get_or_insert(value);
        // A second record of the event that says something else.
        if known.raw != value.raw && !value.is_absent() {
            self.keep(field.key, value);
        }
    }

    fn keep(&mut self, key: &'a [u8], value: Value<'a>) {
        if self.rest.len() < MAX_REST && !key.is_empty() {
            self.rest.push((key, value));
        }
    }

    /// `avc:  denied  { read write } for ...`
    fn read_decision(&mut self, body: &'a [u8]) {
        let Some(rest) = body.trim_ascii_start().strip_prefix(b"avc:") else {
            return;
        };
        let rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| *byte == b' ');
        let (verdict, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let inner = rest.trim_ascii_start().strip_prefix(b"{");
        let close = inner.and_then(|inner| Some(inner.split_at(memchr::memchr(b'}', inner)?)));
        if let Some((permissions, _)) = close {
            self.decision
                .get_or_insert((verdict, permissions.trim_ascii()));
        }
    }

    /// The first field among those without a place of their own.
    pub fn rest_value(&self, key: &[u8]) -> Option<Value<'a>> {
        let mut rest = self.rest.iter();
        rest.find(|(known, _)| *known == key)
            .map(|(_, value)| *value)
    }
}

impl<'a> Process<'a> {
    fn slot(&mut self, key: &[u8]) -> Option<&mut Option<Value<'a>>> {
        Some(match key {
            b"pid" => &mut self.pid,
            b"ppid" => &mut self.ppid,
            b"auid" => &mut self.auid,
            b"uid" => &mut self.uid,
            b"euid" => &mut self.euid,
            b"ses" => &mut self.ses,
            b"tty" => &mut self.tty,
            b"comm" => &mut self.comm,
            b"exe" => &mut self.exe,
            _ => return None,
        })
    }
}

fn fields<'a>(part: &Part<'a>) -> Fields<'a> {
    match part.plain {
        true => Fields::plain(part.body, part.kind),
        false => Fields::raw(part.body),
    }
}

fn first_value<'a>(part: &Part<'a>) -> Option<Value<'a>> {
    fields(part).next().map(|field| field.value)
}
