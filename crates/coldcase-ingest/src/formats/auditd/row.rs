//! One event's facts to one row of the timeline.

use std::borrow::Cow;

use coldcase_model::{Event, Sink, action, canonical_ip, outcome};

use super::attributes;
use super::call::{self, Syscall};
use super::container;
use super::execve::join_title;
use super::facts::{Facts, PathItem};
use super::kind::Kind;
use super::message;
use super::origin::{names_other_host, when};
use super::paths::main_path;
use super::record::Stamp;
use super::sockaddr::SocketAddress;
use super::values::{Value, show};
use crate::Clock;

/// What an event's row needs beyond its records.
pub struct Heading<'a> {
    /// Time and serial of the first record.
    pub stamp: Stamp,
    /// The host that the records name.
    pub node: &'a [u8],
    /// Line of the first record.
    pub line: u64,
    /// Whether earlier records went out before.
    pub late: bool,
}

/// Of the artifact.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its clock.
    pub clock: Clock,
    /// Its host.
    pub host: Option<String>,
}

/// Buffers that keep their memory from row to row.
#[derive(Debug, Default)]
pub struct Scratch {
    command: String,
    message: String,
}

/// What an event was, put together from its facts.
pub struct Reading<'f, 'a> {
    /// The gathered records.
    pub facts: &'f Facts<'a>,
    /// The call.
    pub syscall: Option<Syscall<'a>>,
    /// From [`action`].
    pub action: &'static str,
    /// From [`outcome`].
    pub outcome: Option<&'static str>,
    /// The error's name where the call failed.
    pub exit: Option<Cow<'a, str>>,
    /// SOCKADDR.
    pub socket: Option<SocketAddress>,
    /// The same as text.
    pub socket_text: Option<String>,
    /// The account.
    pub user: Option<Cow<'a, str>>,
    /// The executable.
    pub exe: Option<Cow<'a, str>>,
    /// The main file, absolute where that can be told.
    pub path: Option<Cow<'a, str>>,
    /// Which of the PATH records it is from.
    pub path_item: Option<PathItem<'a>>,
    /// The first record's type, as shown.
    pub kind: Cow<'a, str>,
    /// Whether the command line is incomplete.
    pub command_cut: bool,
    /// A container id that some field names.
    pub container_id: Option<String>,
    /// The address of the other side.
    pub addr: Option<Cow<'a, str>>,
}

/// Writes the row of one event.
pub fn emit(
    mut facts: Facts<'_>,
    heading: &Heading<'_>,
    context: &Context,
    scratch: &mut Scratch,
    sink: &mut dyn Sink,
) {
    let Scratch { command, message } = scratch;
    let command_cut = join_command(&mut facts, command);
    let mut reading = read(&facts, command_cut);
    reading.container_id = container_id(&facts, reading.exe.as_deref(), command);
    message.clear();
    message::write(message, &reading, command);

    let node = show(heading.node);
    let overrides = names_other_host(&node, context.host.as_deref());
    let mut event = Event::new(reading.action);
    event.when = when(&heading.stamp, &context.clock);
    event.outcome = reading.outcome;
    event.host = overrides.then_some(Cow::Borrowed(&*node));
    let attributes = attributes::write(&reading, heading, (!overrides).then_some(&*node));
    event.attributes = attributes.map(Cow::Owned);
    addresses(&mut event, &reading);
    event.user = reading.user;
    event.pid = facts.process.pid.and_then(Value::number);
    event.ppid = facts.process.ppid.and_then(Value::number);
    event.exe = reading.exe;
    event.command = (!command.is_empty()).then_some(Cow::Borrowed(command));
    event.path = reading.path;
    event.message = Some(Cow::Borrowed(message));
    event.line = Some(heading.line);
    sink.event(&event);
}

fn join_command(facts: &mut Facts<'_>, command: &mut String) -> bool {
    command.clear();
    if !facts.arguments.is_empty() {
        return facts.arguments.join(command);
    }
    match facts.said.cmd.or(facts.title) {
        Some(title) if !title.is_absent() => join_title(title, command) && facts.said.cmd.is_none(),
        _ => false,
    }
}

fn read<'f, 'a>(facts: &'f Facts<'a>, command_cut: bool) -> Reading<'f, 'a> {
    let syscall = call::name(&facts.call, facts.names.syscall);
    let little = call::arch(&facts.call).map(|arch| arch.is_little_endian());
    let socket = match facts.saddr.is_some() || facts.names.saddr.is_some() {
        true => SocketAddress::read(facts.saddr, facts.names.saddr, little),
        false => None,
    };
    let action = choose_action(facts, syscall.as_ref(), socket.as_ref());
    let exit = facts.call.exit.and_then(call::exit);
    let (path, path_item) = main_path(facts, action, syscall.as_ref(), socket.as_ref());
    let kind = facts
        .first
        .map_or(Cow::Borrowed(""), |part| part.kind.show(part.name));
    Reading {
        outcome: choose_outcome(facts, action, exit.as_deref()),
        user: user(facts),
        exe: facts.process.exe.and_then(Value::text),
        addr: remote(facts),
        facts,
        syscall,
        action,
        exit,
        socket_text: socket.as_ref().map(ToString::to_string),
        socket,
        path,
        path_item,
        kind,
        command_cut,
        container_id: None,
    }
}

fn choose_action(
    facts: &Facts<'_>,
    syscall: Option<&Syscall<'_>>,
    socket: Option<&SocketAddress>,
) -> &'static str {
    let told = facts.told.map_or(Kind::UNKNOWN, |part| part.kind);
    let first = facts.first.map_or(Kind::UNKNOWN, |part| part.kind);
    if told.is_config() {
        return action::AUDIT_CONFIG;
    }
    if told == Kind::USER_LOGIN || (told == Kind::USER_AUTH && is_login_program(facts)) {
        return action::LOGIN;
    }
    if matches!(told, Kind::LOGIN | Kind::SECCOMP) {
        return action::AUDIT;
    }
    let is_inet = matches!(socket, Some(SocketAddress::Inet(..)));
    match syscall.map(|call| &*call.name) {
        Some("execve" | "execveat") => action::EXEC,
        Some("connect") => action::CONNECT,
        Some("sendto" | "sendmsg" | "sendmmsg") if is_inet => action::CONNECT,
        Some(_) => action::SYSCALL,
        None if first == Kind::EXECVE || !facts.arguments.is_empty() => action::EXEC,
        None if matches!(first, Kind::SYSCALL | Kind::URINGOP) => action::SYSCALL,
        None => action::AUDIT,
    }
}

/// Programs through which somebody logs in to the host; sudo, su and cron authenticate too, but are not.
fn is_login_program(facts: &Facts<'_>) -> bool {
    const LOGIN: [&[u8]; 13] = [
        b"sshd",
        b"sshd-session",
        b"sshd-auth",
        b"login",
        b"dropbear",
        b"in.telnetd",
        b"telnetd",
        b"in.rlogind",
        b"vsftpd",
        b"gdm-session-worker",
        b"lightdm",
        b"xrdp-sesman",
        b"cockpit-session",
    ];
    let exe = facts.process.exe.map_or(b"".as_slice(), |exe| exe.raw);
    let name = exe.rsplit(|byte| *byte == b'/').next().unwrap_or(exe);
    LOGIN.contains(&name) || facts.process.tty.is_some_and(|tty| tty.raw == b"ssh")
}

fn choose_outcome(facts: &Facts<'_>, action: &str, exit: Option<&str>) -> Option<&'static str> {
    // A non-blocking connect that is under way has neither succeeded nor failed.
    if action == action::CONNECT && exit == Some("EINPROGRESS") {
        return None;
    }
    let of_call = facts.call.success;
    let of_message = facts.said.res;
    // An abnormal end has a result too: that it was reported.
    let is_anomaly = facts
        .told
        .is_some_and(|part| matches!(part.kind.0, 1700..=1799));
    let of_message = of_message.filter(|_| !is_anomaly);
    let value = match action {
        action::SYSCALL | action::EXEC | action::CONNECT => of_call.or(of_message),
        _ => of_message.or(of_call),
    };
    match value.map(|value| value.raw) {
        Some(b"yes" | b"success" | b"1") => return Some(outcome::SUCCESS),
        Some(b"no" | b"failed" | b"failure" | b"fail" | b"0") => return Some(outcome::FAILURE),
        _ => {}
    }
    let permissive = facts
        .rest_value(b"permissive")
        .is_some_and(|value| value.raw == b"1");
    match facts.decision.map(|(verdict, _)| verdict) {
        Some(b"denied") if !permissive => return Some(outcome::FAILURE),
        Some(b"granted") => return Some(outcome::SUCCESS),
        _ => {}
    }
    match facts.rest_value(b"apparmor").map(|value| value.raw) {
        Some(b"DENIED" | b"ERROR" | b"KILL") => Some(outcome::FAILURE),
        Some(b"ALLOWED" | b"AUDIT") => Some(outcome::SUCCESS),
        _ => None,
    }
}

/// Names in parentheses stand for no account: `(unknown)`, `(invalid user)`.
pub fn account<'a>(facts: &Facts<'a>) -> Option<Cow<'a, str>> {
    let name = facts.said.acct.and_then(Value::account)?;
    let is_placeholder = name.is_empty() || (name.starts_with('(') && name.ends_with(')'));
    (!is_placeholder).then_some(name)
}

fn user<'a>(facts: &Facts<'a>) -> Option<Cow<'a, str>> {
    let named = |name: Option<&'a [u8]>| name.map(show);
    let number = |value: Option<Value<'a>>| value.filter(|value| !is_unset(*value))?.word();
    if facts.said.acct.is_some() {
        return account(facts);
    }
    let told = facts.told.map_or(Kind::UNKNOWN, |part| part.kind);
    let auid = || named(facts.names.auid).or_else(|| number(facts.process.auid));
    if told == Kind::LOGIN {
        return auid();
    }
    if told.is_user_message() && facts.said.id.is_some() {
        return named(facts.names.id).or_else(|| number(facts.said.id));
    }
    named(facts.names.uid)
        .or_else(|| number(facts.process.uid))
        .or_else(auid)
}

/// 4294967295 is the kernel's -1: nobody logged in.
pub fn is_unset(value: Value<'_>) -> bool {
    matches!(value.raw, b"4294967295" | b"-1" | b"unset") || value.is_absent()
}

/// The address of the other side, where the record names one.
fn remote<'a>(facts: &Facts<'a>) -> Option<Cow<'a, str>> {
    let text = |value: Option<Value<'a>>| {
        let text = std::str::from_utf8(value?.raw).ok()?;
        canonical_ip(text)
    };
    text(facts.said.addr).or_else(|| text(facts.said.hostname))
}

fn addresses<'a>(event: &mut Event<'a>, reading: &Reading<'_, 'a>) {
    let said = &reading.facts.said;
    let port = |value: Option<Value<'_>>| value?.number()?.try_into().ok();
    event.src_ip = reading.addr.clone();
    event.src_port = port(said.rport);
    let own = said
        .laddr
        .and_then(|value| std::str::from_utf8(value.raw).ok());
    event.dst_ip = own.and_then(canonical_ip);
    event.dst_port = port(said.lport);
    let Some(SocketAddress::Inet(_, port)) = &reading.socket else {
        return;
    };
    let shown = reading
        .socket_text
        .as_deref()
        .and_then(|text| text.rsplit_once(':'));
    let text = shown.map(|(address, _)| Cow::Owned(address.trim_matches(['[', ']']).to_owned()));
    let call = reading.syscall.as_ref().map_or("", |call| &*call.name);
    match (reading.action, call) {
        (action::CONNECT, _) => {
            event.dst_ip = text;
            event.dst_port = Some(*port);
        }
        (_, "accept" | "accept4" | "recvfrom") => {
            event.src_ip = text;
            event.src_port = Some(*port);
        }
        _ => {}
    }
}

fn container_id(facts: &Facts<'_>, exe: Option<&str>, command: &str) -> Option<String> {
    let told = facts
        .rest_value(b"contid")
        .filter(|value| !is_unset(*value));
    if let Some(id) = told.and_then(Value::word) {
        return Some(id.into_owned());
    }
    let places = [facts.process.exe, facts.cwd];
    let names = facts.paths.iter().map(|path| path.name);
    let found = places.into_iter().chain(names).flatten().find_map(|value| {
        let path = value.text()?;
        container::in_path(path.as_bytes()).map(str::to_owned)
    });
    found.or_else(|| container::in_command(exe?.as_bytes(), command.as_bytes()).map(str::to_owned))
}
