//! Logins in some ten bytes each: what one has in common with the one before is not said again.

use super::Login;
use crate::packed::{get, put, signed, unsigned};

const IS_DATED: u64 = 1;
const SUCCESS: u64 = 2;
const BY_KEY: u64 = 4;
/// Another file, account or key than that of the login before: they follow.
const OTHERS: u64 = 8;

/// Bytes of a block at most, and of the first ones.
const BLOCK: usize = 4 << 10;
const FIRST_BLOCK: usize = 128;
/// Bytes that a login takes at most.
const LONGEST: usize = 64;

/// Logins as they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    /// Blocks, which do not grow: what other sources gave back fits.
    full: Vec<Vec<u8>>,
    open: Vec<u8>,
    count: usize,
    last: Login,
}

impl Packed {
    pub fn of(logins: &[Login]) -> Self {
        let mut packed = Self::default();
        logins.iter().for_each(|login| packed.push(login));
        packed
    }

    pub fn push(&mut self, login: &Login) {
        let last = std::mem::replace(&mut self.last, *login);
        self.count += 1;
        let others = |login: &Login| (login.origin, login.user, login.key);
        let is_other = others(login) != others(&last);
        let flags = [
            (IS_DATED, login.is_dated),
            (SUCCESS, login.success),
            (BY_KEY, login.by_key),
            (OTHERS, is_other),
        ];
        let flags = flags.iter().filter(|(_, is_so)| *is_so);
        let flags: u64 = flags.map(|(flag, _)| flag).sum();
        // Most stamps are whole seconds: those are said in seconds.
        let (unit, time) = unit(login.ts.wrapping_sub(last.ts));
        let pid = i64::from(login.pid) - i64::from(last.pid);
        let bytes = self.room();
        put(bytes, flags | (unit << 4));
        put(bytes, unsigned(time));
        put(bytes, unsigned(login.at.wrapping_sub(last.at)));
        put(bytes, unsigned(pid));
        put(bytes, unsigned(i64::from(login.port)));
        if is_other {
            for number in [login.origin, login.user, login.key] {
                put(bytes, u64::from(number));
            }
        }
    }

    /// A block with room for one more login.
    fn room(&mut self) -> &mut Vec<u8> {
        let size = self.open.capacity();
        if size - self.open.len() < LONGEST {
            let next = Vec::with_capacity((2 * size).clamp(FIRST_BLOCK, BLOCK));
            let full = std::mem::replace(&mut self.open, next);
            if !full.is_empty() {
                self.full.push(full);
            }
        }
        &mut self.open
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn logins(&self) -> Vec<Login> {
        let mut logins = Vec::with_capacity(self.count);
        let mut login = Login::default();
        for block in self.full.iter().chain([&self.open]) {
            let mut bytes = &**block;
            while let Some(flags) = get(&mut bytes) {
                read(flags, &mut bytes, &mut login);
                logins.push(login);
            }
        }
        logins
    }
}

/// What makes the next login out of the one before.
fn read(flags: u64, bytes: &mut &[u8], login: &mut Login) {
    let mut next = || get(bytes).unwrap_or(0);
    let step = signed(next());
    let scale = if (flags >> 4) & 1 == 1 { SECOND } else { 1 };
    login.ts = login.ts.wrapping_add(step.wrapping_mul(scale));
    login.at = login.at.wrapping_add(signed(next()));
    let pid = i64::from(login.pid) + signed(next());
    login.pid = i32::try_from(pid).unwrap_or(-1);
    login.port = i32::try_from(signed(next())).unwrap_or(-1);
    if flags & OTHERS > 0 {
        let mut number = || u32::try_from(next()).unwrap_or(0);
        login.origin = number();
        login.user = number();
        login.key = number();
    }
    login.is_dated = flags & IS_DATED > 0;
    login.success = flags & SUCCESS > 0;
    login.by_key = flags & BY_KEY > 0;
}

const SECOND: i64 = 1_000_000_000;

/// A span in seconds (1) where it is of whole ones, else in nanoseconds (0).
fn unit(span: i64) -> (u64, i64) {
    if span % SECOND == 0 {
        (1, span / SECOND)
    } else {
        (0, span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_come_out_as_they_went_in() {
        let login = |ts: i64, at: i64, user: u32, pid: i32, port: i32| Login {
            ts,
            at,
            user,
            pid,
            port,
            is_dated: ts != 0,
            success: user == 2,
            by_key: user == 3,
            origin: user / 2,
            key: user / 3,
        };
        let logins = [
            login(1_700_000_000_000_000_000, 1, 1, 4_242, 50_000),
            login(1_700_000_003_000_000_000, 4, 1, 4_243, 50_001),
            login(1_700_000_003_000_000_001, 9, 2, -1, -1),
            login(0, -1, 3, i32::MAX, 65_535),
            login(i64::MIN, i64::MAX, u32::MAX, i32::MIN, 0),
            login(i64::MAX, i64::MIN, 0, 0, i32::MAX),
        ];
        let packed = Packed::of(&logins);
        assert_eq!(packed.logins(), logins);
        assert_eq!(packed.count(), logins.len());
    }

    #[test]
    fn a_guess_takes_few_bytes() {
        let guess = |number: i32| Login {
            ts: i64::from(number) * 2 * SECOND,
            at: i64::from(number) * 3,
            user: 1,
            origin: 1,
            pid: 1_000 + number * 2,
            port: 40_000 + number % 20_000,
            is_dated: true,
            ..Login::default()
        };
        let guesses: Vec<Login> = (0..10_000).map(guess).collect();
        let packed = Packed::of(&guesses);
        let full: usize = packed.full.iter().map(Vec::capacity).sum();
        let bytes = full + packed.open.capacity();
        assert!(bytes < 80_000, "{bytes}");
    }
}
