//! The row's `attributes`: what the records say beyond the timeline's columns.

use std::borrow::Cow;

use coldcase_model::Attributes;

use super::facts::PathItem;
use super::row::{Heading, Reading, is_unset};
use super::sockaddr::SocketAddress;
use super::values::{Form, Value, show};

/// Most paths listed.
const MAX_LISTED: usize = 16;

/// Attributes with a meaning of their own; a record's field of the same name gets a number behind it.
const RESERVED: [&[u8]; 32] = [
    b"type",
    b"serial",
    b"syscall",
    b"arch",
    b"exit",
    b"auid",
    b"ses",
    b"uid",
    b"euid",
    b"comm",
    b"key",
    b"cwd",
    b"paths",
    b"created",
    b"deleted",
    b"inode",
    b"mode",
    b"tty",
    b"terminal",
    b"container_id",
    b"saddr",
    b"op",
    b"acct",
    b"id",
    b"hostname",
    b"addr",
    b"unit",
    b"res",
    b"pid",
    b"exe",
    b"node",
    b"late",
];

/// Fields that the kernel writes in hex where they hold blanks, quotes or control bytes.
const ENCODED: [&[u8]; 32] = [
    b"name",
    b"path",
    b"data",
    b"device",
    b"dir",
    b"file",
    b"watch",
    b"vm",
    b"sw",
    b"root_dir",
    b"ocomm",
    b"profile",
    b"invalid_context",
    b"grp",
    b"new_group",
    b"cgroup",
    b"old-disk",
    b"new-disk",
    b"old-fs",
    b"new-fs",
    b"old-net",
    b"new-net",
    b"old-chardev",
    b"new-chardev",
    b"old-rng",
    b"new-rng",
    b"info",
    b"operation",
    b"requested_mask",
    b"denied_mask",
    b"cause",
    b"peer",
];

/// The JSON object of an event; `node` is its node name where the column `host` does not say it.
pub fn write(
    reading: &Reading<'_, '_>,
    heading: &Heading<'_>,
    node: Option<&str>,
) -> Option<String> {
    let facts = reading.facts;
    let process = &facts.process;
    let mut to = Attributes::with_capacity(640);
    to.text("type", &reading.kind);
    to.number_if("serial", heading.stamp.serial);
    if let Some(call) = &reading.syscall {
        to.text("syscall", &call.name);
        to.text_if("arch", call.foreign_arch.as_deref());
    }
    if let Some(exit) = &reading.exit {
        number_or_text(&mut to, "exit", exit);
    }
    identity(&mut to, "auid", process.auid);
    identity(&mut to, "ses", process.ses);
    identity(&mut to, "uid", process.uid);
    if process.euid.map(|value| value.raw) != process.uid.map(|value| value.raw) {
        identity(&mut to, "euid", process.euid);
    }
    to.text_if("comm", process.comm.and_then(Value::text).as_deref());
    if let Some(key) = facts.key.filter(|key| !key.is_absent()) {
        keys(&mut to, key);
    }
    to.text_if("cwd", facts.cwd.and_then(Value::text).as_deref());
    paths(&mut to, reading);
    let tty = process.tty.filter(|tty| tty.raw != b"(none)");
    to.text_if("tty", tty.and_then(Value::word).as_deref());
    to.text_if("container_id", reading.container_id.as_deref());
    if let Some(socket) = &reading.socket {
        sockets(&mut to, reading, socket);
    }
    messages(&mut to, reading);
    rest(&mut to, &facts.rest);
    if reading.command_cut {
        to.flag("command_cut", true);
    }
    to.text_if("node", node.filter(|node| !node.is_empty()));
    if heading.late {
        to.flag("late", true);
    }
    to.finish()
}

fn number_or_text(to: &mut Attributes, key: &str, text: &str) {
    match super::values::number(text.as_bytes()) {
        Some(number) => to.number(key, number),
        None => to.text(key, text),
    };
}

/// A bare decimal number as a number, everything else as text.
fn plain_value(to: &mut Attributes, key: &str, value: Value<'_>, text: &str) {
    let is_padded = text.len() > 1 && text.starts_with('0');
    match value
        .number()
        .filter(|_| value.form != Form::Quoted && !is_padded)
    {
        Some(number) => to.number(key, number),
        None => to.text(key, text),
    };
}

/// A number where the log has one, else the name; unset ones are left out.
fn identity(to: &mut Attributes, key: &str, value: Option<Value<'_>>) {
    if let Some(text) = value
        .filter(|value| !is_unset(*value))
        .and_then(Value::word)
    {
        number_or_text(to, key, &text);
    }
}

/// Several keys of one rule are in hex with 0x01 between them.
fn keys(to: &mut Attributes, key: Value<'_>) {
    let Some(text) = key.text() else { return };
    if text.contains('\u{1}') {
        to.texts("key", text.split('\u{1}').filter(|key| !key.is_empty()));
    } else {
        to.text("key", &text);
    }
}

fn paths(to: &mut Attributes, reading: &Reading<'_, '_>) {
    let paths = &reading.facts.paths;
    if paths.iter().find_map(name).is_none() {
        return;
    }
    to.texts("paths", paths.iter().filter_map(name).take(MAX_LISTED));
    for (key, nametype) in [("created", b"CREATE".as_slice()), ("deleted", b"DELETE")] {
        let of_type = || paths.iter().filter(|path| path.nametype == nametype);
        if of_type().next().is_some() {
            to.texts(key, of_type().filter_map(name).take(MAX_LISTED));
        }
    }
    if let Some(item) = reading.path_item {
        to.number_if("inode", item.inode);
        to.text_if("mode", item.mode.and_then(Value::word).as_deref());
    }
}

fn name<'a>(path: &PathItem<'a>) -> Option<Cow<'a, str>> {
    path.name.and_then(Value::text)
}

fn sockets(to: &mut Attributes, reading: &Reading<'_, '_>, socket: &SocketAddress) {
    let in_columns = reading.action == coldcase_model::action::CONNECT
        && matches!(socket, SocketAddress::Inet(..));
    if !in_columns {
        to.text_if("saddr", reading.socket_text.as_deref());
    }
}

fn messages(to: &mut Attributes, reading: &Reading<'_, '_>) {
    let said = &reading.facts.said;
    if let Some((verdict, permissions)) = reading.facts.decision {
        to.text("seresult", &show(verdict));
        to.text("seperms", &show(permissions));
    }
    to.text_if("op", said.op.and_then(Value::word).as_deref());
    let account = said.acct.and_then(Value::account);
    to.text_if(
        "acct",
        account
            .filter(|name| reading.user.as_ref() != Some(name))
            .as_deref(),
    );
    identity(to, "id", said.id);
    let host = said.hostname.and_then(Value::word);
    to.text_if(
        "hostname",
        host.filter(|name| reading.addr.as_ref() != Some(name))
            .as_deref(),
    );
    let addr = said.addr.and_then(Value::word);
    to.text_if("addr", addr.filter(|_| reading.addr.is_none()).as_deref());
    to.text_if("unit", said.unit.and_then(Value::text).as_deref());
    let has_call = reading.facts.call.success.is_some();
    to.text_if(
        "res",
        said.res
            .filter(|_| has_call)
            .and_then(Value::word)
            .as_deref(),
    );
}

fn rest(to: &mut Attributes, rest: &[(&[u8], Value<'_>)]) {
    for (at, (key, value)) in rest.iter().enumerate() {
        if key.ends_with(b"auid") && is_unset(*value) || key.ends_with(b"ses") && is_unset(*value) {
            continue;
        }
        let text = match value.form == Form::Bare && ENCODED.contains(key) {
            true => value.text(),
            false => value.word(),
        };
        let Some(text) = text else { continue };
        let earlier = rest.iter().take(at).filter(|(other, _)| other == key);
        let number = earlier.count() + usize::from(RESERVED.contains(key)) + 1;
        let key = show(key);
        match number {
            1 => plain_value(to, &key, *value, &text),
            _ => plain_value(to, &format!("{key}_{number}"), *value, &text),
        }
    }
}
