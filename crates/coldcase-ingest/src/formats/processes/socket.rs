//! A socket that a tool shows together with a process or an account, as a row of the timeline.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};

use crate::{Clock, services};

/// One end of a socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// Address; `None` for a wildcard or a name.
    pub ip: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// As rows show it: `0.0.0.0:22`, `[::1]:323`, `localhost:smtp`.
    pub shown: String,
    /// Whether it has a name that is not known here, so that address or port are not.
    pub is_name: bool,
}

impl End {
    /// Reads `*:22`, `10.0.0.1:ssh`, `[fe80::1]:546`, `::1:323`, `localhost:smtp`; `wildcard` is what `*` means.
    pub fn parse(text: &str, wildcard: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        if host.is_empty() || port.is_empty() || text.len() > 300 {
            return None;
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let bare = bare.split_once('%').map_or(bare, |(bare, _)| bare);
        let number = match port {
            "*" => None,
            _ => port.parse().ok().or_else(|| services::port(port)),
        };
        if number.is_none() && port != "*" {
            return Some(Self {
                ip: canonical_ip(bare).map(Cow::into_owned),
                port: None,
                shown: text.to_owned(),
                is_name: true,
            });
        }
        if matches!(bare, "*" | "0.0.0.0" | "::") {
            let any = if bare == "*" { wildcard } else { bare };
            return Some(Self::new(None, any, number));
        }
        match canonical_ip(bare) {
            Some(ip) => Some(Self::new(Some(&ip), &ip, number)),
            None => Some(Self {
                ip: None,
                port: number,
                shown: text.to_owned(),
                is_name: true,
            }),
        }
    }

    /// An end at this address, or at a wildcard.
    pub fn new(ip: Option<&str>, shown: &str, port: Option<u16>) -> Self {
        let port = port.filter(|port| *port != 0);
        let number = port.map_or("*".to_owned(), |port| port.to_string());
        let shown = match shown.contains(':') {
            true => format!("[{shown}]:{number}"),
            false => format!("{shown}:{number}"),
        };
        Self {
            ip: ip.map(str::to_owned),
            port,
            shown,
            is_name: false,
        }
    }

    fn is_known(&self) -> bool {
        self.ip.is_some() || self.is_name
    }
}

/// A socket.
#[derive(Debug, Clone, Default)]
pub struct Socket<'a> {
    /// Line at which it stands.
    pub line: u64,
    /// tcp, udp, unix, raw, ...
    pub protocol: Option<&'static str>,
    /// In the words of ss.
    pub state: Option<&'a str>,
    /// The host's end.
    pub local: Option<End>,
    /// The other end.
    pub peer: Option<End>,
    /// Process.
    pub pid: Option<i64>,
    /// Account, by name or number.
    pub user: Option<&'a str>,
    /// Program as shown.
    pub command: Option<Cow<'a, str>>,
    /// Inode.
    pub inode: Option<i64>,
    /// File descriptor.
    pub fd: Option<i64>,
    /// Bytes not yet read.
    pub recv_queue: Option<i64>,
    /// Bytes not yet acknowledged.
    pub send_queue: Option<i64>,
    /// Path of a unix socket.
    pub unix_path: Option<&'a str>,
}

impl Socket<'_> {
    /// Hands the row to the sink.
    pub fn emit(&self, clock: &Clock, sink: &mut dyn Sink) {
        let ip = |end: &Option<End>| end.as_ref().and_then(|end| end.ip.clone()).map(Cow::Owned);
        let port = |end: &Option<End>| end.as_ref().and_then(|end| end.port);
        let has_peer = self.peer.as_ref().is_some_and(End::is_known);
        let mut event = Event::new(action::SOCKET_LISTED);
        event.when = clock.collected();
        event.line = Some(self.line);
        event.protocol = self.protocol;
        event.src_ip = ip(&self.local);
        event.src_port = port(&self.local);
        event.dst_ip = ip(&self.peer);
        event.dst_port = port(&self.peer);
        event.pid = self.pid;
        event.user = self.user.map(Cow::Borrowed);
        event.command = self.command.as_deref().map(Cow::Borrowed);
        event.attributes = self.attributes(has_peer).map(Cow::Owned);
        event.message = Some(self.message(has_peer).into());
        sink.event(&event);
    }

    fn is_listening(&self, has_peer: bool) -> bool {
        match (self.protocol, self.state) {
            (Some("tcp" | "sctp" | "dccp"), state) => state == Some("LISTEN"),
            (Some("udp"), state) => state == Some("UNCONN") && !has_peer,
            _ => false,
        }
    }

    fn attributes(&self, has_peer: bool) -> Option<String> {
        let shown = |end: &Option<End>, wanted: bool| {
            let end = end.as_ref().filter(|_| wanted);
            end.map(|end| end.shown.clone())
        };
        let is_name = |end: &Option<End>| end.as_ref().is_some_and(|end| end.is_name);
        let mut attributes = Attributes::with_capacity(96);
        attributes
            .text_if("state", self.state)
            .text_if(
                "listen",
                shown(&self.local, self.is_listening(has_peer)).as_deref(),
            )
            .number_if("recv_queue", self.recv_queue)
            .number_if("send_queue", self.send_queue)
            .number_if("inode", self.inode.filter(|inode| *inode != 0))
            .number_if("fd", self.fd)
            .text_if("unix_path", self.unix_path)
            .text_if(
                "local_text",
                shown(&self.local, is_name(&self.local)).as_deref(),
            )
            .text_if(
                "peer_text",
                shown(&self.peer, is_name(&self.peer)).as_deref(),
            );
        attributes.finish()
    }

    fn message(&self, has_peer: bool) -> String {
        let mut message = self.protocol.unwrap_or("socket").to_owned();
        let mut word = |word: &str| {
            message.push(' ');
            message.push_str(word);
        };
        word(self.state.unwrap_or("listed"));
        if let Some(path) = self.unix_path {
            word(path);
        }
        if let Some(local) = &self.local {
            word(&local.shown);
        }
        if let Some(peer) = self.peer.as_ref().filter(|_| has_peer) {
            word("peer");
            word(&peer.shown);
        }
        match (self.command.as_deref(), self.pid) {
            (Some(name), Some(pid)) => word(&format!("{name}[{pid}]")),
            (Some(name), None) => word(name),
            _ => {}
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_all_shapes() {
        let check =
            |text: &str, wildcard: &str, expected: Option<(Option<&str>, Option<u16>, &str)>| {
                let got = End::parse(text, wildcard);
                let got = got
                    .as_ref()
                    .map(|end| (end.ip.as_deref(), end.port, end.shown.as_str()));
                assert_eq!(got, expected, "{text}");
            };
        check("*:22", "0.0.0.0", Some((None, Some(22), "0.0.0.0:22")));
        check("*:ssh", "::", Some((None, Some(22), "[::]:22")));
        check(
            "[FE80::1]:546",
            "::",
            Some((Some("fe80::1"), Some(546), "[fe80::1]:546")),
        );
        check("::1:323", "::", Some((Some("::1"), Some(323), "[::1]:323")));
        check("*:*", "0.0.0.0", Some((None, None, "0.0.0.0:*")));
        check(
            "localhost:smtp",
            "::",
            Some((None, Some(25), "localhost:smtp")),
        );
        check("22", "::", None);
        check(":22", "::", None);
    }
}
