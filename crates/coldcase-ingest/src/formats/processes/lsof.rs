//! # lsof: sockets and files that processes hold open
//!
//! Made by `lsof`, `lsof -nP -i`, `lsof -p PID`, `lsof +L1` (deleted files), `lsof -K` (threads), as root or not.
//!
//! **Recognised** by the header `COMMAND PID ... USER FD TYPE ... NAME`, or by rows of its shape alone (`lsof -i | grep LISTEN`).
//!
//! ```text
//! COMMAND     PID   USER   FD   TYPE   DEVICE SIZE/OFF NODE NAME
//! dockerd    2273   root    5u  IPv6 69067326      0t0  TCP *:2375 (LISTEN)
//! xfsmond   26602   root  txt    REG    253,0   312000 1190 /tmp/.x (deleted)
//! ```
//!
//! **Rows.** A network socket, a raw one and a unix socket with a path: `socket-listed`, `state` in the words of ss, `inode` and `fd`. A
//! program's own file (FD `txt`): `process-listed` with `exe`, and `deleted` where it is gone. Of other regular files those that are deleted or
//! lie below /tmp, /var/tmp, /dev/shm: `process-listed` with `open_file`, `fd`, and `open_file_deleted`. Libraries, folders,
//! pipes and other files are read and counted without a row, as are rows of threads, which repeat their process.
//!
//! **Cells** that are empty (TID, DEVICE, SIZE/OFF) are told by what the others look like. `command` is as shown: lsof cuts it to nine signs
//! unless asked otherwise (then there is no `comm`); `\x20` is undone. Ports by name (without `-P`) are looked up; a host
//! by name (without `-n`) gives no address but `local_text` or `peer_text`.
//!
//! **Limits.** The output of `-F` (one field a line) is not read.
//!
//! Sources: lsof(8), lsof `print.c`, `dialects/linux`.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use super::row::{OpenFile, Process};
use super::shown::{cleaned, is_command_line, words};
use super::socket::{End, Socket};
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "lsof",
    title: "sockets and files that processes hold open, as lsof lists them",
    source: include_str!("lsof.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Longest command name that lsof shows unless asked for more.
const USUAL_COMMAND: usize = 9;

/// What a header tells of the rows below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Header {
    has_threads: bool,
    has_links: bool,
    has_parent: bool,
    /// Where NAME begins.
    name: Option<usize>,
}

fn header(line: &str) -> Option<Header> {
    let list: Vec<&str> = line.split_whitespace().take(16).collect();
    let has = |name: &str| list.contains(&name);
    let fits = list.first() == Some(&"COMMAND")
        && list.get(1) == Some(&"PID")
        && list.last() == Some(&"NAME")
        && has("FD")
        && has("TYPE");
    fits.then(|| Header {
        has_threads: has("TID"),
        has_links: has("NLINK"),
        has_parent: has("PPID"),
        name: line.rfind("NAME"),
    })
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.text_lines().filter(|line| !line.is_blank());
    let (mut rows, mut others) = (0, 0);
    for (index, line) in lines.map(|line| line.text(cleaned)).take(40).enumerate() {
        if header(&line).is_some() {
            return if index <= 5 {
                Sniff::Sure
            } else {
                Sniff::Likely
            };
        }
        if row(&line, Header::default()).is_some() {
            rows += 1;
        } else if !is_message(&line) && !is_command_line(&line, &["lsof"]) {
            others += 1;
        }
    }
    match (rows, others) {
        (1.., 0) => Sniff::Likely,
        (3.., others) if rows >= 10 * others => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn is_message(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("lsof:") || line.starts_with("Output information may be incomplete")
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut at = Header::default();
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let place = Place::Line(line.number);
        if let Some(found) = header(&text) {
            at = found;
            sink.used(1);
            continue;
        }
        match row(&text, at) {
            Some(row) => {
                row.emit(line.number, input.clock, sink);
                sink.used(1);
            }
            None if is_message(&text) => sink.skip(place, "a message of lsof"),
            None if is_command_line(&text, &["lsof"]) => sink.skip(place, "a command line"),
            None if !line.ended => sink.skip(place, "a cut row"),
            None => sink.skip(place, "not a row of the table"),
        }
    }
    Ok(None)
}

/// One row.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row<'a> {
    command: &'a str,
    pid: i64,
    ppid: Option<i64>,
    is_thread: bool,
    user: &'a str,
    fd: &'a str,
    kind: &'a str,
    /// Device, size, links and node, as far as they are shown.
    middle: Vec<&'a str>,
    has_links: bool,
    name: &'a str,
}

/// A descriptor: `cwd`, `txt`, `12u`, `3uW`, `DEL`, `NOFD`, `255r`.
fn is_descriptor(word: &str) -> bool {
    const NAMES: [&str; 16] = [
        "cwd", "rtd", "txt", "mem", "mmap", "DEL", "ltx", "err", "NOFD", "pd", "jld", "tr", "m86",
        "Lnn", "fp.", "ctty",
    ];
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word.get(digits..).unwrap_or_default();
    let is_number = (1..=8).contains(&digits)
        && rest.len() <= 2
        && rest.bytes().all(|byte| b"rwu-NRWxXU ".contains(&byte));
    // A name may carry a mode and a lock too: `mem-W`.
    let bare = word.trim_end_matches(['r', 'w', 'u', '-', 'N', 'R', 'W', 'x', 'X', 'U']);
    let is_locked = word.contains('-') && word.len() <= bare.len() + 2 && NAMES.contains(&bare);
    NAMES.contains(&word) || is_locked || (is_number && (digits < word.len()))
}

fn is_kind(word: &str) -> bool {
    const KINDS: [&str; 27] = [
        "IPv4", "IPv6", "REG", "DIR", "CHR", "BLK", "FIFO", "unix", "sock", "a_inode", "unknown",
        "LINK", "netlink", "pack", "raw", "raw6", "0000", "PIPE", "DEL", "inet", "KQUEUE",
        "PSXSHM", "PSXMQ", "sctp", "SCTP", "ax25", "ipx",
    ];
    KINDS.contains(&word) || (word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

fn row(line: &str, header: Header) -> Option<Row<'_>> {
    if line.starts_with(char::is_whitespace) {
        return None;
    }
    let words: Vec<(usize, &str)> = words(line).take(18).collect();
    let word = |index: usize| words.get(index).map_or("", |(_, word)| *word);
    // A name with blanks is escaped by newer versions only.
    let pid_at = (1..4)
        .find(|at| !word(*at).is_empty() && word(*at).bytes().all(|byte| byte.is_ascii_digit()))?;
    let pid = word(pid_at).parse().ok()?;
    let fd_at = (pid_at + 2..pid_at + 8).find(|at| {
        let follows =
            is_kind(word(at + 1)) || (word(*at) == "NOFD" && word(at + 1).starts_with('/'));
        is_descriptor(word(*at)) && follows
    })?;
    let has_kind = is_kind(word(fd_at + 1));
    let between = fd_at - pid_at - 2;
    let ppid = header
        .has_parent
        .then(|| word(pid_at + between).parse().ok())
        .flatten();
    let behind = fd_at + 1 + usize::from(has_kind);
    let (behind_start, _) = *words.get(behind)?;
    let name_start = name_start(line, header.name, words.get(behind..)?)?;
    let in_front = words.get(behind..)?.iter();
    let middle = in_front
        .take_while(|(start, _)| *start < name_start)
        .map(|(_, word)| *word)
        .collect();
    let command_end = words.get(pid_at).map(|(start, _)| *start)?;
    (name_start >= behind_start).then_some(())?;
    Some(Row {
        command: line.get(..command_end)?.trim_end(),
        pid,
        ppid,
        is_thread: between > usize::from(header.has_parent),
        user: word(fd_at - 1),
        fd: word(fd_at),
        kind: if has_kind { word(fd_at + 1) } else { "" },
        middle,
        has_links: header.has_links,
        name: line.get(name_start..)?.trim_end(),
    })
}

/// Where a row's name begins: below its header, behind the protocol of a socket, or at a path.
fn name_start(line: &str, below: Option<usize>, rest: &[(usize, &str)]) -> Option<usize> {
    let is_below = |at: &usize| {
        let before = line.get(..*at).is_some_and(|before| before.ends_with(' '));
        before
            && line
                .get(*at..)
                .is_some_and(|name| !name.starts_with(' ') && !name.is_empty())
    };
    if let Some(at) = below.filter(is_below)
        && rest.first().is_some_and(|(start, _)| *start <= at)
    {
        return Some(at);
    }
    let protocol = rest
        .iter()
        .take(4)
        .position(|(_, word)| protocol(word).is_some());
    if let Some(protocol) = protocol {
        return rest.get(protocol + 1).map(|(start, _)| *start);
    }
    let is_number = |word: &str| {
        let bare = word.strip_prefix("0x").unwrap_or(word);
        bare.bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b',' || byte == b't')
    };
    let path = rest.iter().take(5).find(|(_, word)| !is_number(word));
    path.map(|(start, _)| *start)
}

fn protocol(word: &str) -> Option<&'static str> {
    ["tcp", "udp", "udplite", "icmp", "sctp", "dccp"]
        .into_iter()
        .find(|known| {
            known.eq_ignore_ascii_case(word)
                && word.starts_with(|first: char| first.is_ascii_uppercase())
        })
}

impl Row<'_> {
    /// Hands on what of the row is worth a row of the timeline.
    fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        if self.is_thread {
            return;
        }
        if let Some(socket) = self.socket(line) {
            socket.emit(clock, sink);
        } else if let Some(process) = self.process(line) {
            process.emit(clock, sink);
        }
    }

    fn number(&self) -> Option<i64> {
        let digits = self.fd.bytes().take_while(u8::is_ascii_digit).count();
        self.fd.get(..digits)?.parse().ok()
    }

    /// The program's name with its escapes undone.
    fn command(&self) -> Cow<'_, str> {
        if !self.command.contains("\\x") {
            return Cow::Borrowed(self.command);
        }
        let mut parts = self.command.split("\\x");
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            match part
                .get(..2)
                .and_then(|code| u8::from_str_radix(code, 16).ok())
            {
                Some(byte) => {
                    bytes.push(byte);
                    bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
                }
                None => {
                    bytes.extend_from_slice(b"\\x");
                    bytes.extend_from_slice(part.as_bytes());
                }
            }
        }
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn socket(&self, line: u64) -> Option<Socket<'_>> {
        let whole = |word: &&str| word.parse::<i64>().ok();
        let mut socket = Socket {
            line,
            pid: Some(self.pid),
            user: Some(self.user),
            command: Some(self.command()),
            fd: self.number(),
            ..Socket::default()
        };
        match self.kind {
            "IPv4" | "IPv6" | "inet" => self.internet(&mut socket)?,
            "unix" => {
                let path = self.name.split(" type=").next()?;
                socket.unix_path = Some(path).filter(|path| path.starts_with(['/', '@']));
                socket.protocol = Some("unix");
                socket.unix_path?;
                socket.inode = self.middle.last().and_then(whole);
            }
            "pack" | "raw" | "raw6" => {
                socket.protocol = Some(if self.kind == "pack" { "packet" } else { "raw" });
                socket.state = Some("UNCONN");
                socket.inode = self.middle.iter().rev().find_map(whole);
            }
            _ => return None,
        }
        Some(socket)
    }

    fn internet(&self, socket: &mut Socket<'_>) -> Option<()> {
        let (ends, state) = match self.name.split_once(" (") {
            Some((ends, state)) => (ends, Some(state.trim_end_matches(')'))),
            None => (self.name, None),
        };
        let any = if self.kind == "IPv6" { "::" } else { "0.0.0.0" };
        let (local, peer) = match ends.split_once("->") {
            Some((local, peer)) => (local, Some(peer)),
            None => (ends, None),
        };
        socket.protocol = self.middle.iter().rev().find_map(|word| protocol(word));
        socket.local = End::parse(local.trim(), any);
        socket.peer = peer.and_then(|peer| End::parse(peer.trim(), any));
        socket.local.as_ref().or(socket.peer.as_ref())?;
        socket.state = state.and_then(state_of_ss);
        if socket.protocol == Some("udp") && socket.state.is_none() {
            socket.state = Some(if socket.peer.is_some() {
                "ESTAB"
            } else {
                "UNCONN"
            });
        }
        socket.inode = self.middle.first().and_then(|word| word.parse().ok());
        Some(())
    }

    fn process(&self, line: u64) -> Option<Process<'_>> {
        let is_program = self.fd == "txt";
        let (file, is_gone) = self.file();
        let is_file = matches!(self.kind, "REG" | "DEL");
        let open_file = match is_file && !is_program {
            true => OpenFile::telling(file, Cow::Borrowed(self.fd), is_gone),
            false => None,
        };
        if !is_program && open_file.is_none() {
            return None;
        }
        let command = self.command();
        let mut process = Process {
            line,
            pid: Some(self.pid),
            ppid: self.ppid,
            user: Some(Cow::Borrowed(self.user)),
            comm: (command.len() != USUAL_COMMAND).then(|| command.clone()),
            command: Some(command),
            ..Process::default()
        };
        if is_program {
            process.deleted = is_gone;
            process.exe = (is_file && file.starts_with('/')).then_some(Cow::Borrowed(file));
        }
        process.open_file = open_file;
        Some(process)
    }

    /// The file, and whether it is gone: said so behind its name, by FD, or by its count of links.
    fn file(&self) -> (&str, bool) {
        let mut name = self.name;
        for remark in [" (stat: ", " (readlink: ", " (path ", " (path dev="] {
            name = name.split(remark).next().unwrap_or(name);
        }
        let links = self
            .middle
            .len()
            .checked_sub(2)
            .and_then(|at| self.middle.get(at));
        let is_unlinked = self.has_links && links == Some(&"0");
        match name.strip_suffix(" (deleted)") {
            Some(bare) => (bare, true),
            None => (name, self.fd == "DEL" || is_unlinked),
        }
    }
}

fn state_of_ss(state: &str) -> Option<&'static str> {
    Some(match state {
        "LISTEN" => "LISTEN",
        "ESTABLISHED" => "ESTAB",
        "SYN_SENT" => "SYN-SENT",
        "SYN_RECV" | "SYN_RCDV" | "SYN_RCVD" => "SYN-RECV",
        "FIN_WAIT1" | "FIN_WAIT_1" => "FIN-WAIT-1",
        "FIN_WAIT2" | "FIN_WAIT_2" => "FIN-WAIT-2",
        "TIME_WAIT" => "TIME-WAIT",
        "CLOSE_WAIT" => "CLOSE-WAIT",
        "LAST_ACK" => "LAST-ACK",
        "CLOSING" => "CLOSING",
        "CLOSE" | "CLOSED" => "CLOSE",
        _ => return None,
    })
}
