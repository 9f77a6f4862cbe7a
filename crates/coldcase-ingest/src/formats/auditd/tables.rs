//! Numbers to names: system calls an architecture, architectures, errors. The lists below `tables/` are
//! the kernel's numbers (asm/unistd.h of Linux 6.17, linux/audit.h, asm-generic/errno.h), one `number name`
//! a line; an architecture's list is parsed when its first record comes.

use std::sync::LazyLock;

/// `number name` lines, in order of number.
pub fn parse_table(text: &'static str) -> Vec<(u16, &'static str)> {
    text.lines()
        .filter_map(|line| {
            let (number, name) = line.split_once(' ')?;
            Some((number.parse().ok()?, name))
        })
        .collect()
}

type Table = LazyLock<Vec<Option<&'static str>>>;

fn by_index(text: &'static str) -> Vec<Option<&'static str>> {
    let pairs = parse_table(text);
    let most = pairs.last().map_or(0, |(number, _)| usize::from(*number));
    let mut table = vec![None; most + 1];
    for (number, name) in pairs {
        if let Some(slot) = table.get_mut(usize::from(number)) {
            *slot = Some(name);
        }
    }
    table
}

static X86_64: Table = LazyLock::new(|| by_index(include_str!("tables/x86_64.txt")));
static I386: Table = LazyLock::new(|| by_index(include_str!("tables/i386.txt")));
static AARCH64: Table = LazyLock::new(|| by_index(include_str!("tables/aarch64.txt")));
static ARM: Table = LazyLock::new(|| by_index(include_str!("tables/arm.txt")));
static PPC64: Table = LazyLock::new(|| by_index(include_str!("tables/ppc64.txt")));
static S390X: Table = LazyLock::new(|| by_index(include_str!("tables/s390x.txt")));
static RISCV64: Table = LazyLock::new(|| by_index(include_str!("tables/riscv64.txt")));
static ERRNO: Table = LazyLock::new(|| by_index(include_str!("tables/errno.txt")));

/// The architecture that `arch=` gives in hex: AUDIT_ARCH_* of linux/audit.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arch(pub u32);

const LITTLE_ENDIAN: u32 = 0x4000_0000;
const X32_BIT: u64 = 0x4000_0000;

impl Arch {
    /// x86 with 64-bit calls.
    pub const X86_64: Self = Self(0xc000_003e);
    /// x86 with 32-bit calls.
    pub const I386: Self = Self(0x4000_0003);
    /// ARM with 64-bit calls.
    pub const AARCH64: Self = Self(0xc000_00b7);

    /// Its usual name.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0xc000_003e => "x86_64",
            0x4000_0003 => "i386",
            0xc000_00b7 => "aarch64",
            0x4000_0028 => "arm",
            0x0000_0028 => "armeb",
            0xc000_0015 => "ppc64le",
            0x8000_0015 => "ppc64",
            0x0000_0014 => "ppc",
            0x8000_0016 => "s390x",
            0x0000_0016 => "s390",
            0xc000_00f3 => "riscv64",
            0x4000_00f3 => "riscv32",
            0xc000_0102 => "loongarch64",
            0x0000_0008 => "mips",
            0x4000_0008 => "mipsel",
            0x8000_0008 => "mips64",
            0xc000_0008 => "mipsel64",
            0x8000_002b => "sparc64",
            0xc000_0032 => "ia64",
            _ => return None,
        })
    }

    /// The architecture of this name, as interpreted logs have it.
    pub fn of_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"x86_64" => Self::X86_64,
            b"i386" => Self::I386,
            b"aarch64" => Self::AARCH64,
            b"armeb" | b"arm" => Self(0x4000_0028),
            b"ppc64le" => Self(0xc000_0015),
            b"ppc64" => Self(0x8000_0015),
            b"s390x" => Self(0x8000_0016),
            b"riscv64" => Self(0xc000_00f3),
            _ => return None,
        })
    }

    /// Whether raw socket addresses are in little-endian order.
    pub fn is_little_endian(self) -> bool {
        self.0 & LITTLE_ENDIAN != 0
    }

    /// The system call of this number, where the list has it. x32 calls (bit 30 set) are x86_64's.
    pub fn syscall(self, number: u64) -> Option<&'static str> {
        let table: &Table = match self.0 {
            0xc000_003e => &X86_64,
            0x4000_0003 => &I386,
            0xc000_00b7 => &AARCH64,
            0x4000_0028 | 0x0000_0028 => &ARM,
            0xc000_0015 | 0x8000_0015 | 0x0000_0014 => &PPC64,
            0x8000_0016 => &S390X,
            // LoongArch took the same generic list of calls as RISC-V.
            0xc000_00f3 | 0x4000_00f3 | 0xc000_0102 => &RISCV64,
            _ => return None,
        };
        let number = match self {
            Self::X86_64 => number & !X32_BIT,
            _ => number,
        };
        *table.get(usize::try_from(number).ok()?)?
    }
}

/// The call behind i386's `socketcall`, by its first argument (linux/net.h).
pub fn socketcall(argument: u64) -> Option<&'static str> {
    const CALLS: [&str; 20] = [
        "socket",
        "bind",
        "connect",
        "listen",
        "accept",
        "getsockname",
        "getpeername",
        "socketpair",
        "send",
        "recv",
        "sendto",
        "recvfrom",
        "shutdown",
        "setsockopt",
        "getsockopt",
        "sendmsg",
        "recvmsg",
        "accept4",
        "recvmmsg",
        "sendmmsg",
    ];
    let index = usize::try_from(argument).ok()?.checked_sub(1)?;
    CALLS.get(index).copied()
}

/// `EACCES` of -13; `None` where the result is no error known here.
pub fn errno(exit: i64) -> Option<&'static str> {
    let number = usize::try_from(exit.checked_neg()?).ok()?;
    *ERRNO.get(number)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_by_architecture() {
        let check = |arch: u32, number: u64, expected: Option<&str>| {
            assert_eq!(Arch(arch).syscall(number), expected, "{arch:x} {number}");
        };
        check(0xc000_003e, 59, Some("execve"));
        check(0xc000_003e, 42, Some("connect"));
        check(0xc000_003e, 322, Some("execveat"));
        check(0xc000_003e, 0x4000_0000 | 520, Some("execve"));
        check(0xc000_003e, 0x4000_0000 | 42, Some("connect"));
        check(0x4000_0003, 11, Some("execve"));
        check(0x4000_0003, 102, Some("socketcall"));
        check(0xc000_00b7, 221, Some("execve"));
        check(0xc000_00b7, 203, Some("connect"));
        check(0x4000_0028, 283, Some("connect"));
        check(0xc000_0015, 328, Some("connect"));
        check(0x8000_0016, 362, Some("connect"));
        check(0xc000_0102, 221, Some("execve"));
        check(0xc000_003e, 99_999, None);
        check(0x1234, 1, None);
    }

    #[test]
    fn errors_and_socketcalls() {
        assert_eq!(errno(-13), Some("EACCES"));
        assert_eq!(errno(-115), Some("EINPROGRESS"));
        assert_eq!(errno(-512), Some("ERESTARTSYS"));
        assert_eq!(errno(0), None);
        assert_eq!(errno(i64::MIN), None);
        assert_eq!(socketcall(3), Some("connect"));
        assert_eq!(socketcall(0), None);
    }
}
