//! Heads of HTTP/1 messages at the beginning of a segment's payload (RFC 9112). A head that the segment cuts
//! is read as far as it goes; HTTP/2 and TLS are none.

/// Methods of RFC 9110 and 5789, and what Docker's API adds by upgrade.
const METHODS: [&[u8]; 9] = [
    b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH", b"OPTIONS", b"CONNECT", b"TRACE",
];

/// Longest target that is read; servers refuse more than 8 KiB.
const LONGEST_TARGET: usize = 8 << 10;

/// Most header lines looked at.
const MOST_HEADERS: usize = 100;

/// A request's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// The target as sent.
    pub target: &'a [u8],
    /// Header `Host`.
    pub host: Option<&'a [u8]>,
    /// Header `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// Header `Content-Type`.
    pub content_type: Option<&'a [u8]>,
    /// Header `Content-Length`.
    pub content_length: Option<u64>,
    /// What of the body the segment holds; `None` where it ends within the head.
    pub body: Option<&'a [u8]>,
}

/// An answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// 100 to 599.
    pub status: u16,
    /// What of the body the segment holds.
    pub body: Option<&'a [u8]>,
}

/// The request that a payload begins with.
pub fn request(payload: &[u8]) -> Option<Request<'_>> {
    let end = payload.iter().take(8).position(|byte| *byte == b' ')?;
    let method = payload.get(..end)?;
    if !METHODS.contains(&method) {
        return None;
    }
    let (line, rest) = line_of(payload)?;
    let target = line.get(end + 1..)?;
    let version = target.iter().rposition(|byte| *byte == b' ')?;
    let (target, version) = (target.get(..version)?, target.get(version + 1..)?);
    if !version.starts_with(b"HTTP/1.") || target.is_empty() || target.len() > LONGEST_TARGET {
        return None;
    }
    let mut request = Request {
        method: std::str::from_utf8(method).ok()?,
        target,
        host: None,
        user_agent: None,
        content_type: None,
        content_length: None,
        body: None,
    };
    request.body = headers(rest, |name, value| {
        let text = |cell: &mut Option<_>| _ = cell.get_or_insert(value);
        match name {
            _ if name.eq_ignore_ascii_case(b"host") => text(&mut request.host),
            _ if name.eq_ignore_ascii_case(b"user-agent") => text(&mut request.user_agent),
            _ if name.eq_ignore_ascii_case(b"content-type") => text(&mut request.content_type),
            _ if name.eq_ignore_ascii_case(b"content-length") => {
                let value = std::str::from_utf8(value).ok();
                request.content_length = value.and_then(|value| value.parse().ok());
            }
            _ => {}
        }
    });
    Some(request)
}

/// The answer that a payload begins with.
pub fn response(payload: &[u8]) -> Option<Response<'_>> {
    if !payload.starts_with(b"HTTP/1.") {
        return None;
    }
    let status = std::str::from_utf8(payload.get(9..12)?).ok()?;
    let status = status
        .parse()
        .ok()
        .filter(|code| (100..600).contains(code))?;
    let body = line_of(payload).and_then(|(_, rest)| headers(rest, |_, _| {}));
    Some(Response { status, body })
}

/// Tells each header to `found`; the body, where the head ends within these bytes.
fn headers<'a>(mut rest: &'a [u8], mut found: impl FnMut(&'a [u8], &'a [u8])) -> Option<&'a [u8]> {
    for _ in 0..MOST_HEADERS {
        let (line, after) = line_of(rest)?;
        if line.is_empty() {
            return Some(after);
        }
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let value = line.get(colon + 1..).unwrap_or_default();
            found(line.get(..colon)?, value.trim_ascii());
        }
        rest = after;
    }
    None
}

/// The line that these bytes begin with, and what follows it.
fn line_of(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes.get(..end)?;
    Some((
        line.strip_suffix(b"\r").unwrap_or(line),
        bytes.get(end + 1..)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &str, expected: Option<(&str, &str, Option<&str>, Option<&str>)>) {
        let got = request(payload.as_bytes());
        let text = |bytes| std::str::from_utf8(bytes).expect("text");
        let got = got.map(|one| {
            (
                one.method,
                text(one.target),
                one.host.map(text),
                one.body.map(text),
            )
        });
        assert_eq!(got, expected, "{payload}");
    }

    #[test]
    fn heads_of_requests() {
        check(
            "POST /v1.41/containers/create?name=x HTTP/1.1\r\nHost: 10.0.0.1:2375\r\nContent-Length: 2\r\n\r\n{}",
            Some((
                "POST",
                "/v1.41/containers/create?name=x",
                Some("10.0.0.1:2375"),
                Some("{}"),
            )),
        );
        check("GET / HTTP/1.0\n\n", Some(("GET", "/", None, Some(""))));
        check(
            "GET /cut HTTP/1.1\r\nHost: a",
            Some(("GET", "/cut", None, None)),
        );
        check("GET /no-version\r\n\r\n", None);
        check("GETS / HTTP/1.1\r\n\r\n", None);
        check("\u{16}\u{3}\u{1}", None);
        check("", None);
    }

    #[test]
    fn heads_of_answers() {
        let check = |payload: &[u8], expected: Option<u16>| {
            assert_eq!(response(payload).map(|one| one.status), expected);
        };
        check(b"HTTP/1.1 201 Created\r\n\r\n", Some(201));
        check(b"HTTP/1.1 999 x\r\n\r\n", None);
        check(b"HTTP/1.1 2", None);
        check(b"PRI * HTTP/2.0\r\n", None);
    }
}
