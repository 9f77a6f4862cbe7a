//! xz streams one after the other, but none that asks for more memory than its packer's highest level does:
//! the size of the dictionary stands in the file, and the decoder takes it all at once.

use std::io::{self, BufRead, Read};

/// Largest dictionary taken: `xz -9` makes 64 MiB.
const LARGEST_DICTIONARY: u64 = 256 << 20;
/// Bytes of a stream's header; the first block's follows.
const STREAM_HEADER: usize = 12;
/// Id of the LZMA2 filter.
const LZMA2: u64 = 0x21;

/// A reader of xz streams.
pub(crate) struct Xz<R: Read> {
    inner: lzma_rust2::XzReader<R>,
    refused: bool,
}

impl<R: BufRead> Xz<R> {
    /// Looks at what the first block asks for.
    pub(crate) fn new(mut source: R) -> Self {
        let head = source.fill_buf().unwrap_or_default();
        let refused = dictionary(head).is_some_and(|bytes| bytes > LARGEST_DICTIONARY);
        let inner = lzma_rust2::XzReader::new(source, true);
        Self { inner, refused }
    }
}

impl<R: Read> Read for Xz<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.refused {
            let most = LARGEST_DICTIONARY;
            let said = format!(
                "its dictionary is larger than {most} bytes; unpack it yourself if it is no bomb"
            );
            return Err(io::Error::other(said));
        }
        self.inner.read(buffer)
    }
}

/// Bytes of the first block's dictionary.
fn dictionary(head: &[u8]) -> Option<u64> {
    let [_, flags, rest @ ..] = head.get(STREAM_HEADER..)? else {
        return None;
    };
    let mut rest = rest;
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            number(&mut rest)?;
        }
    }
    for _ in 0..=flags & 3 {
        let (id, length) = (number(&mut rest)?, number(&mut rest)?);
        let properties = rest.split_off(..usize::try_from(length).ok()?)?;
        if let (LZMA2, [bits, ..]) = (id, properties) {
            let exponent = u32::from(bits / 2 + 11).min(60);
            return Some((2 | u64::from(bits & 1)) << exponent);
        }
    }
    None
}

/// A number of the format: seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..9 {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_dictionary_of_gigabytes_is_refused_before_it_is_made() {
        let options = lzma_rust2::XzOptions::with_preset(9);
        let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory");
        encoder.write_all(b"line\n").expect("memory");
        let mut stored = encoder.finish().expect("memory");
        assert_eq!(dictionary(&stored), Some(64 << 20));
        let check = |stored: &[u8], text: &str| {
            let mut out = String::new();
            let told = Xz::new(stored).read_to_string(&mut out);
            let told = told.map_or_else(|error| error.to_string(), |_| out);
            assert!(told.contains(text), "{told}");
        };
        check(&stored, "line\n");
        let at = stored.get(12..).expect("a block").windows(2);
        let at = at
            .clone()
            .position(|pair| pair == [0x21, 1])
            .expect("LZMA2")
            + 14;
        *stored.get_mut(at).expect("a byte") = 40;
        assert!(dictionary(&stored) >= Some(4 << 30));
        check(&stored, "larger than");
    }
}
