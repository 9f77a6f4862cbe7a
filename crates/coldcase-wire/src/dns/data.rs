//! Record data as text, in the form of master files: one function a type, each `None` where the data
//! has not the type's shape.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use super::name::skip_name;
use super::{Name, Record};

/// Appends the data of a record; in the general form of RFC 3597 where the type's own fails.
pub(super) fn write(record: &Record<'_>, out: &mut String) {
    let start = out.len();
    let mut reader = Reader {
        message: record.message,
        at: record.data_at,
        end: record.data_at.saturating_add(record.data.len()),
    };
    let written = write_known(record.rtype, &mut reader, out);
    if written.is_none() || reader.at != reader.end {
        out.truncate(start);
        write_unknown(record.data, out);
    }
}

fn write_known(rtype: u16, reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    match rtype {
        1 => {
            push_address(out, reader.take::<4>()?);
        }
        28 => {
            let _ = write!(out, "{}", Ipv6Addr::from(reader.take::<16>()?));
        }
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 39 => reader.name(out)?,
        6 => {
            reader.name(out)?;
            out.push(' ');
            reader.name(out)?;
            for _ in 0..5 {
                let _ = write!(out, " {}", u32::from_be_bytes(reader.take()?));
            }
        }
        13 | 16 | 99 => strings(reader, out)?,
        15 | 18 | 21 | 36 => {
            let _ = write!(out, "{} ", reader.u16()?);
            reader.name(out)?;
        }
        33 => {
            let (priority, weight, port) = (reader.u16()?, reader.u16()?, reader.u16()?);
            let _ = write!(out, "{priority} {weight} {port} ");
            reader.name(out)?;
        }
        35 => {
            let (order, preference) = (reader.u16()?, reader.u16()?);
            let _ = write!(out, "{order} {preference} ");
            for _ in 0..3 {
                push_quoted(out, reader.string()?);
                out.push(' ');
            }
            reader.name(out)?;
        }
        64 | 65 => service_binding(reader, out)?,
        257 => {
            let [flags] = reader.take()?;
            let tag = reader.string()?;
            if tag.is_empty() || !tag.iter().all(u8::is_ascii_alphanumeric) {
                return None;
            }
            let _ = write!(out, "{flags} {} ", String::from_utf8_lossy(tag));
            push_quoted(out, reader.rest()?);
        }
        _ => return None,
    }
    Some(())
}

/// Character strings up to the end, at least one.
fn strings(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    push_quoted(out, reader.string()?);
    while reader.at < reader.end {
        out.push(' ');
        push_quoted(out, reader.string()?);
    }
    Some(())
}

/// SVCB and HTTPS (RFC 9460): priority, target, `key=value` parameters.
fn service_binding(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let _ = write!(out, "{} ", reader.u16()?);
    reader.name(out)?;
    while reader.at < reader.end {
        let key = reader.u16()?;
        let length = usize::from(reader.u16()?);
        let value = reader.bytes(length)?;
        out.push(' ');
        parameter(key, value, out)?;
    }
    Some(())
}

fn parameter(key: u16, value: &[u8], out: &mut String) -> Option<()> {
    let mut inner = Reader {
        message: value,
        at: 0,
        end: value.len(),
    };
    let name = match key {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "ech",
        6 => "ipv6hint",
        7 => "dohpath",
        8 => "ohttp",
        _ => {
            let _ = write!(out, "key{key}");
            ""
        }
    };
    out.push_str(name);
    if value.is_empty() {
        return Some(());
    }
    out.push('=');
    match key {
        3 => {
            let _ = write!(out, "{}", inner.u16()?);
        }
        0 | 1 | 4 | 6 => {
            let mut comma = "";
            while inner.at < inner.end {
                out.push_str(comma);
                comma = ",";
                match key {
                    0 => {
                        let _ = write!(out, "key{}", inner.u16()?);
                    }
                    1 => push_escaped(out, inner.string()?, b","),
                    4 => push_address(out, inner.take::<4>()?),
                    _ => {
                        let _ = write!(out, "{}", Ipv6Addr::from(inner.take::<16>()?));
                    }
                }
            }
        }
        _ => push_quoted(out, inner.rest()?),
    }
    (inner.at == inner.end).then_some(())
}

/// An IPv4 address; by far the most frequent data, so without the machinery of formatting.
fn push_address(out: &mut String, address: [u8; 4]) {
    for (index, byte) in address.into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        if byte >= 100 {
            out.push(char::from(b'0' + byte / 100));
        }
        if byte >= 10 {
            out.push(char::from(b'0' + byte / 10 % 10));
        }
        out.push(char::from(b'0' + byte % 10));
    }
}

fn write_unknown(data: &[u8], out: &mut String) {
    let _ = write!(out, "\\# {}", data.len());
    if !data.is_empty() {
        out.push(' ');
    }
    for byte in data {
        let _ = write!(out, "{byte:02x}");
    }
}

fn push_quoted(out: &mut String, text: &[u8]) {
    out.push('"');
    push_escaped(out, text, b"\"");
    out.push('"');
}

/// Printable ASCII as it is, backslash and `special` behind a backslash, other bytes as `\DDD`.
fn push_escaped(out: &mut String, text: &[u8], special: &[u8]) {
    for &byte in text {
        if byte == b'\\' || special.contains(&byte) {
            out.push('\\');
            out.push(char::from(byte));
        } else if byte == b' ' || byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "\\{byte:03}");
        }
    }
}

/// Reads fields of one record's data; names may point back into the message before it.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        if end > self.end {
            return None;
        }
        let bytes = self.message.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.first_chunk::<N>().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take()?))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let [length] = self.take()?;
        self.bytes(usize::from(length))
    }

    fn rest(&mut self) -> Option<&'a [u8]> {
        self.bytes(self.end.checked_sub(self.at)?)
    }

    fn name(&mut self, out: &mut String) -> Option<()> {
        let bounded = self.message.get(..self.end)?;
        let end = skip_name(bounded, self.at)?;
        let whole = Name::new(bounded, self.at).write(out);
        self.at = end;
        whole.then_some(())
    }
}
