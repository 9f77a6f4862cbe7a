//! What servers for remote screens log of their callers.

use std::sync::LazyLock;

use coldcase_model::canonical_ip;
use memchr::memmem::Finder;

/// A caller that a line tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub service: &'static str,
    pub address: String,
    pub port: Option<u16>,
    /// Whether the line says that it went away.
    pub left: bool,
}

/// What each line of a caller holds: looked for at first, since nearly no line does.
static WORDS: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["onnection", "session (access granted)", "Logged in from "].map(Finder::new));

/// The caller of a line of Xvnc (TigerVNC, RealVNC), x11vnc, vino, websockify, xrdp-sesman or AnyDesk.
///
/// Only lines of that program's own wording count; xrdp's `connection received` is left out, since a port
/// scan makes it as well.
pub(super) fn caller(message: &str) -> Option<Caller> {
    let has = |words: &Finder<'_>| words.find(message.as_bytes()).is_some();
    if !WORDS.iter().any(has) {
        return None;
    }
    let after = |words: &str| message.split_once(words).map(|(_, rest)| rest.trim_start());
    let found = |service, end: (String, Option<u16>), left| Caller {
        service,
        address: end.0,
        port: end.1,
        left,
    };
    if let Some(rest) = after("onnections: accepted: ") {
        return double_colon(rest).map(|end| found("vnc", end, false));
    }
    if let Some(rest) = after("onnections: closed: ") {
        return double_colon(rest).map(|end| found("vnc", end, true));
    }
    if let Some(rest) = after("Got connection from ") {
        let rest = rest
            .strip_prefix("client ")
            .or(rest.strip_prefix("pid "))
            .unwrap_or(rest);
        return first_address(rest).map(|end| found("vnc", end, false));
    }
    if let Some(rest) = after("created session (access granted)") {
        let (_, address) = rest.split_once("ip ")?;
        return first_address(address).map(|end| found("rdp", end, false));
    }
    if let Some(rest) = after("Logged in from ") {
        return first_address(rest).map(|end| found("anydesk", end, false));
    }
    if message.contains("WebSocket connection") {
        let client = message.split([' ', ':']).find_map(canonical_ip);
        return client.map(|address| found("vnc", (address.into_owned(), None), false));
    }
    None
}

/// `192.0.2.7::51234`, as VNC writes it.
fn double_colon(text: &str) -> Option<(String, Option<u16>)> {
    let word = text.split([' ', ',']).next()?;
    let (address, port) = word.rsplit_once("::")?;
    match (canonical_ip(address), port.parse()) {
        (Some(address), Ok(port)) => Some((address.into_owned(), Some(port))),
        _ => first_address(word),
    }
}

/// An address at the head of a text, with a port behind a colon where there is one.
fn first_address(text: &str) -> Option<(String, Option<u16>)> {
    let word = text.split([' ', ',', ')']).next()?;
    if let Some(address) = canonical_ip(word) {
        return Some((address.into_owned(), None));
    }
    let (address, port) = word.rsplit_once(':')?;
    Some((canonical_ip(address)?.into_owned(), port.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: Option<(&str, &str, Option<u16>, bool)>) {
        let got = caller(message);
        let got = got
            .as_ref()
            .map(|one| (one.service, one.address.as_str(), one.port, one.left));
        assert_eq!(got, expected, "{message}");
    }

    #[test]
    fn lines_of_servers() {
        let vnc = |port| Some(("vnc", "192.0.2.7", port, false));
        check(
            " Connections: accepted: 192.0.2.7::51234",
            vnc(Some(51_234)),
        );
        check(
            "Xvnc[77]: connections: accepted: 192.0.2.7::51234 (TCP)",
            vnc(Some(51_234)),
        );
        check(
            "Connections: accepted: [2001:db8::7]::51234",
            Some(("vnc", "2001:db8::7", Some(51_234), false)),
        );
        check(
            " Connections: closed: 192.0.2.7::51234 (Clean disconnection)",
            Some(("vnc", "192.0.2.7", Some(51_234), true)),
        );
        check("x11vnc: Got connection from client 192.0.2.7", vnc(None));
        check(
            "vino-server[9]: [IPv4] Got connection from 192.0.2.7",
            vnc(None),
        );
        check(
            "192.0.2.7: Plain non-SSL (ws://) WebSocket connection",
            vnc(None),
        );
        check(
            "xrdp-sesman[5]: [INFO ] ++ created session (access granted): username ann, ip 192.0.2.7:50100 - socket: 12",
            Some(("rdp", "192.0.2.7", Some(50_100), false)),
        );
        check(
            "anynet.any_socket - Logged in from 192.0.2.7:50100 on relay 1",
            Some(("anydesk", "192.0.2.7", Some(50_100), false)),
        );
        check(
            "xrdp[5]: [INFO ] connection received from 192.0.2.7 port 5100",
            None,
        );
        check(
            "sshd[5]: Accepted password for ann from 192.0.2.7 port 5 ssh2",
            None,
        );
        check("Connections: accepted: somewhere", None);
        check("Logged in from the console", None);
    }
}
