//! One end of a socket as tables write it: `0.0.0.0:22`, `[::]:22`, `:::22`, `*:ssh`, `127.0.0.1%lo:323`,
//! `[fe80::1]%eth0:546`, `localhost:smtp`.

use coldcase_model::canonical_ip;

use crate::services;

/// What a `*` for an address stands for, where the rest of the output tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Star {
    /// Not told.
    #[default]
    Unknown,
    /// Any IPv4 address: iproute2 before 4.17.
    V4,
    /// Any address of both families: later ones.
    V6,
}

/// One end of a socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Canonical address; `None` for a wildcard, a name, or what was cut.
    pub ip: Option<String>,
    /// The wildcard as shown, or by family where that is known.
    pub any: Option<&'static str>,
    /// Port.
    pub port: Option<u16>,
    /// The interface behind `%`.
    pub scope: Option<String>,
    /// The text as shown, where address or port could not be told from it.
    pub text: Option<String>,
}

impl Endpoint {
    /// Reads `address:port`; `None` where the text has not this shape.
    pub fn parse(text: &str, star: Star) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        if host.is_empty() || port.is_empty() || text.len() > 300 {
            return None;
        }
        let (bare, scope) = split_scope(host);
        let any = match bare {
            "*" => Some(match star {
                Star::Unknown => "*",
                Star::V4 => "0.0.0.0",
                Star::V6 => "::",
            }),
            "0.0.0.0" => Some("0.0.0.0"),
            "::" | "[::]" => Some("::"),
            _ => None,
        };
        let ip = match any {
            Some(_) => None,
            None => canonical_ip(bare).map(std::borrow::Cow::into_owned),
        };
        let known_port = match port {
            "*" => None,
            _ => port.parse().ok().or_else(|| services::port(port)),
        };
        let is_told = (any.is_some() || ip.is_some()) && (port == "*" || known_port.is_some());
        Some(Self {
            ip,
            any,
            // Port 0 is "none yet".
            port: known_port.filter(|port| *port != 0),
            scope: scope.map(str::to_owned),
            text: (!is_told).then(|| text.to_owned()),
        })
    }

    /// Whether the text has the shape of an end: an address, wildcard or name, then a port.
    pub fn is_shape(text: &str) -> bool {
        let Some((host, port)) = text.rsplit_once(':') else {
            return false;
        };
        let port_fits = port == "*"
            || port.parse::<u16>().is_ok()
            || (port.len() <= 24
                && port.starts_with(|first: char| first.is_ascii_alphabetic())
                && port
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        let (bare, _) = split_scope(host);
        port_fits
            && !bare.is_empty()
            && bare
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"*.:-_[]".contains(&byte))
    }

    /// As a row shows it: `0.0.0.0:22`, `[2001:db8::1]:443`.
    pub fn shown(&self) -> String {
        let port = self.port.map_or("*".to_owned(), |port| port.to_string());
        match (&self.text, self.any, &self.ip) {
            (Some(text), ..) => text.clone(),
            (None, Some("::"), _) => format!("[::]:{port}"),
            (None, Some(any), _) => format!("{any}:{port}"),
            (None, None, Some(ip)) if ip.contains(':') => format!("[{ip}]:{port}"),
            (None, None, Some(ip)) => format!("{ip}:{port}"),
            (None, None, None) => "*:*".to_owned(),
        }
    }

    /// Whether it is no particular peer.
    pub fn is_open(&self) -> bool {
        self.ip.is_none() && self.text.is_none()
    }
}

/// Takes `%eth0` off, inside or outside of brackets.
fn split_scope(host: &str) -> (&str, Option<&str>) {
    match host.split_once('%') {
        Some((bare, scope)) => (bare, Some(scope.trim_end_matches(']'))),
        None => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_all_shapes() {
        let check = |text: &str, star: Star, ip: Option<&str>, port: Option<u16>, shown: &str| {
            let end = Endpoint::parse(text, star).expect(text);
            assert_eq!((end.ip.as_deref(), end.port), (ip, port), "{text}");
            assert_eq!(end.shown(), shown, "{text}");
        };
        let unknown = Star::Unknown;
        check("0.0.0.0:22", unknown, None, Some(22), "0.0.0.0:22");
        check("*:ssh", Star::V4, None, Some(22), "0.0.0.0:22");
        check("*:ssh", Star::V6, None, Some(22), "[::]:22");
        check("*:ssh", unknown, None, Some(22), "*:22");
        check(":::22", unknown, None, Some(22), "[::]:22");
        check("0.0.0.0:*", unknown, None, None, "0.0.0.0:*");
        let local = "127.0.0.1";
        check(
            "127.0.0.1%lo:323",
            unknown,
            Some(local),
            Some(323),
            "127.0.0.1:323",
        );
        check(
            "[FE80::1]%eth0:546",
            unknown,
            Some("fe80::1"),
            Some(546),
            "[fe80::1]:546",
        );
        check(
            "[::ffff:10.0.0.1]:22",
            unknown,
            Some("10.0.0.1"),
            Some(22),
            "10.0.0.1:22",
        );
        check("localhost:smtp", unknown, None, Some(25), "localhost:smtp");
        check(
            "10.0.0.1:foo",
            unknown,
            Some("10.0.0.1"),
            None,
            "10.0.0.1:foo",
        );
        check(
            "2001:db8:85a3:8d:443",
            unknown,
            None,
            Some(443),
            "2001:db8:85a3:8d:443",
        );
    }

    #[test]
    fn what_is_no_end() {
        assert_eq!(Endpoint::parse("22", Star::Unknown), None);
        assert_eq!(Endpoint::parse(":22", Star::Unknown), None);
        assert!(!Endpoint::is_shape("10:20:30 up 3 days,"));
        assert!(Endpoint::is_shape("host-1.example:https"));
    }
}
