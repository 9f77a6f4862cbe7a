//! Numbers in as few bytes as they need: seven bits a byte, the lowest first.

/// Adds a number.
pub(crate) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Takes the next number off.
#[inline]
pub(crate) fn get(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    Some(number)
}

/// A number near zero, on either side, as a small one.
pub(crate) fn unsigned(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// And back.
pub(crate) fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_as_they_went_in() {
        let numbers = [0, 1, -1, 63, -64, 64, 1 << 40, i64::MAX, i64::MIN];
        let mut bytes = Vec::new();
        for number in numbers {
            put(&mut bytes, unsigned(number));
        }
        assert_eq!(bytes.get(..5), Some(&[0, 2, 1, 126, 127][..]));
        let mut bytes = &*bytes;
        for number in numbers {
            assert_eq!(get(&mut bytes).map(signed), Some(number));
        }
        assert_eq!(get(&mut bytes), None);
    }
}
