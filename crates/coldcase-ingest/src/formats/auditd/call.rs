//! The system call of an event: its name by architecture and number, its result, what its paths are
//! relative to.

use std::borrow::Cow;

use super::facts::Call;
use super::tables::{Arch, errno, socketcall};
use super::values::{Form, Value, hex_number, show};

/// A named call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syscall<'a> {
    /// `execve`; `syscall_999` where the number is not in the list.
    pub name: Cow<'a, str>,
    /// The architecture where it is not the host's usual one.
    pub foreign_arch: Option<Cow<'a, str>>,
}

/// The architecture that the record gives.
pub fn arch(call: &Call<'_>) -> Option<Arch> {
    let value = call.arch?;
    match hex_number(value.raw) {
        Some(code) => u32::try_from(code).ok().map(Arch),
        None => Arch::of_name(value.raw),
    }
}

/// The call's name: by the tables, else as auditd resolved it.
pub fn name<'a>(call: &Call<'a>, enriched: Option<&'a [u8]>) -> Option<Syscall<'a>> {
    if let Some(operation) = call.uring_op {
        return Some(uring(operation));
    }
    let number = call.number?;
    let arch = arch(call);
    let known = number
        .number()
        .and_then(|number| u64::try_from(number).ok());
    let name = match known {
        None if number.number().is_some() => Cow::Owned(format!("syscall_{}", show(number.raw))),
        None => show(number.raw),
        Some(number) => match (arch.and_then(|arch| arch.syscall(number)), enriched) {
            (Some("socketcall"), _) => {
                let argument = call.a0.and_then(|a0| hex_number(a0.raw));
                Cow::Borrowed(argument.and_then(socketcall).unwrap_or("socketcall"))
            }
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(name)) => show(name),
            (None, None) => Cow::Owned(format!("syscall_{number}")),
        },
    };
    let usual = arch.is_none_or(|arch| matches!(arch, Arch::X86_64 | Arch::AARCH64));
    let foreign_arch = match arch.and_then(Arch::name) {
        _ if usual => None,
        Some(name) => Some(Cow::Borrowed(name)),
        None => call.arch.and_then(Value::word),
    };
    Some(Syscall { name, foreign_arch })
}

/// io_uring operations that matter here (linux/io_uring.h) have a call's name.
fn uring(operation: Value<'_>) -> Syscall<'_> {
    let name = match operation.raw {
        b"16" | b"connect" => Cow::Borrowed("connect"),
        b"18" | b"openat" => Cow::Borrowed("openat"),
        b"28" | b"openat2" => Cow::Borrowed("openat2"),
        b"13" | b"accept" => Cow::Borrowed("accept"),
        b"35" | b"renameat" => Cow::Borrowed("renameat"),
        b"36" | b"unlinkat" => Cow::Borrowed("unlinkat"),
        other => Cow::Owned(format!("uring_{}", show(other))),
    };
    Syscall {
        name,
        foreign_arch: None,
    }
}

/// The result: an error's name, else the number.
pub fn exit(value: Value<'_>) -> Option<Cow<'_, str>> {
    if value.form == Form::Plain {
        let text = show(value.raw);
        let end = text.find('(').filter(|end| *end > 0).unwrap_or(text.len());
        return Some(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or(text)),
            Cow::Owned(text) => Cow::Owned(text.get(..end).unwrap_or(&text).to_owned()),
        });
    }
    match value.number().and_then(errno) {
        Some(name) => Some(Cow::Borrowed(name)),
        None => value.word(),
    }
}

/// Whether relative paths start at the working directory: calls ending in `at` may name another one.
pub fn is_from_cwd(call: &Call<'_>, syscall: Option<&Syscall<'_>>) -> bool {
    const AT_FDCWD: u32 = 0xffff_ff9c;
    let takes_folder = syscall.is_some_and(|call| {
        let name = call.name.strip_suffix('2').unwrap_or(&call.name);
        name.ends_with("at") && !name.ends_with("stat")
    });
    if !takes_folder {
        return true;
    }
    let Some(a0) = call.a0 else { return true };
    match a0.raw {
        b"AT_FDCWD" => true,
        raw => hex_number(raw).is_none_or(|number| number & 0xffff_ffff == u64::from(AT_FDCWD)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(raw: &str) -> Option<Value<'_>> {
        let raw = raw.as_bytes();
        let form = Form::Bare;
        Some(Value { raw, form })
    }

    #[test]
    fn names() {
        let check = |arch: &str, number: &str, enriched: Option<&str>, expected: &str| {
            let call = Call {
                arch: bare(arch),
                number: bare(number),
                a0: bare("3"),
                ..Call::default()
            };
            let got = name(&call, enriched.map(str::as_bytes)).map(|call| call.name.into_owned());
            assert_eq!(got.as_deref(), Some(expected));
        };
        check("c000003e", "59", None, "execve");
        check("40000003", "102", None, "connect");
        check("c000003e", "9999", None, "syscall_9999");
        check("c000003e", "9999", Some("future"), "future");
        check("12345678", "59", Some("execve"), "execve");
        check("x86_64", "execve", None, "execve");
    }

    #[test]
    fn results() {
        let check = |raw: &str, form: Form, expected: &str| {
            let raw = raw.as_bytes();
            assert_eq!(exit(Value { raw, form }).as_deref(), Some(expected));
        };
        check("-13", Form::Bare, "EACCES");
        check("0", Form::Bare, "0");
        check("-99999", Form::Bare, "-99999");
        check("EACCES(Permission denied)", Form::Plain, "EACCES");
        check("140226834919424", Form::Bare, "140226834919424");
    }

    #[test]
    fn relative_paths() {
        let check = |number: &str, a0: &str, expected: bool| {
            let call = Call {
                arch: bare("c000003e"),
                number: bare(number),
                a0: bare(a0),
                ..Call::default()
            };
            assert_eq!(is_from_cwd(&call, name(&call, None).as_ref()), expected);
        };
        check("2", "55", true);
        check("257", "ffffff9c", true);
        check("257", "ffffffffffffff9c", true);
        check("257", "5", false);
        check("4", "5", true);
    }
}
