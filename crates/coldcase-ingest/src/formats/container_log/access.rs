//! Lines of access logs of web servers: Apache's common and combined format, with a virtual host before it or
//! further fields behind it, as nginx, Apache, traefik and many frameworks write them.

/// A request that a web server logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access<'a> {
    /// Address or name of the client.
    pub client: &'a str,
    /// The virtual host, where the format has it.
    pub host: Option<&'a str>,
    /// Who the client said it was.
    pub user: Option<&'a str>,
    /// The request line as written.
    pub request: &'a str,
    /// Its method, where it is a request line.
    pub method: Option<&'a str>,
    /// Its target.
    pub uri: Option<&'a str>,
    /// The answer's status.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: Option<i64>,
    /// The page that led there.
    pub referer: Option<&'a str>,
    /// What the client said it is.
    pub user_agent: Option<&'a str>,
    /// Where the time stands: what follows the bracket.
    pub time: &'a str,
}

impl<'a> Access<'a> {
    /// Reads a line; `None` for one of another shape.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (before, rest) = line.split_once(" [")?;
        if before.len() > 512 {
            return None;
        }
        let (time, rest) = rest.split_once("] \"")?;
        if time.len() > 40 || !time.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let mut words = before.split(' ').filter(|word| !word.is_empty());
        let (first, second, third) = (words.next()?, words.next()?, words.next()?);
        let (host, client, user) = match words.next() {
            Some(fourth) => (Some(first), second, fourth),
            None => (None, first, third),
        };
        if words.next().is_some() {
            return None;
        }
        let (request, rest) = quoted(rest)?;
        let mut rest = rest.trim_start();
        let status = rest.get(..3)?.parse().ok()?;
        if !(100..1000).contains(&status) || rest.get(3..4).is_some_and(|next| next != " ") {
            return None;
        }
        rest = rest.get(3..)?.trim_start();
        let (bytes, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut parts = request.split(' ');
        let method = parts.next().filter(|method| is_method(method));
        let (referer, user_agent) = referer_and_agent(behind);
        Some(Self {
            client,
            host,
            user: known(user),
            request,
            method,
            uri: method.and(parts.next()),
            status,
            bytes: bytes.parse().ok(),
            referer,
            user_agent,
            time,
        })
    }
}

fn referer_and_agent(rest: &str) -> (Option<&str>, Option<&str>) {
    let Some((referer, rest)) = rest.trim_start().strip_prefix('"').and_then(quoted) else {
        return (None, None);
    };
    let agent = rest.trim_start().strip_prefix('"').and_then(quoted);
    let agent = agent.and_then(|(agent, _)| known(agent));
    (known(referer), agent)
}

/// Text up to the quote that closes it, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        from = at + 2;
    }
}

fn known(text: &str) -> Option<&str> {
    (!matches!(text, "-" | "")).then_some(text)
}

fn is_method(text: &str) -> bool {
    (3..=20).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let got = Access::parse(line).map_or("none".to_owned(), |access| {
            let text = |cell: Option<&str>| cell.unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {} {} {:?} {} {}",
                access.client,
                text(access.host),
                text(access.user),
                text(access.method),
                text(access.uri),
                access.status,
                access.bytes,
                text(access.referer),
                text(access.user_agent)
            )
        });
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn lines_of_web_servers() {
        check(
            "127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326",
            "127.0.0.1 - frank GET /a.gif 200 Some(2326) - -",
        );
        check(
            "10.0.0.1 - - [10/Oct/2000:13:55:36 +0000] \"POST /x?q=\\\"y HTTP/1.1\" 404 - \"http://a/\" \"curl/7.68.0\" \"-\"",
            "10.0.0.1 - - POST /x?q=\\\"y 404 None http://a/ curl/7.68.0",
        );
        check(
            "shop.example:443 2001:db8::1 - - [10/Oct/2000:13:55:36 +0000] \"\\x16\\x03\" 400 226 \"-\" \"-\"",
            "2001:db8::1 shop.example:443 - - - 400 Some(226) - -",
        );
        check(
            "a - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" kube-probe",
            "none",
        );
        check("10.0.0.1 says [hello] \"x\" 200 1", "none");
        check("", "none");
    }
}
