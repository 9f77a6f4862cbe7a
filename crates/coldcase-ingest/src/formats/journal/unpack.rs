//! Packed fields: the first bytes of what an XZ stream, an LZ4 block or a Zstandard frame holds. What a file
//! claims of its size is not believed beyond a bound.

use std::io::Read;

use lzma_rust2::Lzma2Reader;
use ruzstd::decoding::StreamingDecoder;

use super::fields::LONGEST_VALUE;
use super::layout::Packing;

/// Most that is unpacked of a field: its name and as much of the value as is kept.
const MOST: usize = LONGEST_VALUE + 128;

/// An LZ4 block is unpacked whole or not at all; journald packs lines of at most 48 KiB.
const LARGEST_LZ4: usize = 8 << 20;

/// Largest dictionary of an XZ stream, as its property says it: 16 MiB. journald uses 1 MiB.
const LARGEST_DICTIONARY: u8 = 24;

/// The first bytes of the field, or `None` where they can't be unpacked.
pub fn unpack(packing: Packing, bytes: &[u8]) -> Option<Vec<u8>> {
    match packing {
        Packing::Plain => Some(bytes.get(..MOST).unwrap_or(bytes).to_vec()),
        Packing::Lz4 => lz4(bytes),
        Packing::Zstd => first(StreamingDecoder::new(bytes).ok()?),
        Packing::Xz => xz(bytes),
    }
}

fn first(reader: impl Read) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(MOST).ok()?;
    reader.take(limit).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

fn lz4(bytes: &[u8]) -> Option<Vec<u8>> {
    let (size, block) = bytes.split_first_chunk::<8>()?;
    let size = usize::try_from(u64::from_le_bytes(*size)).ok()?;
    // A byte of a block stands for 255 at most.
    if size > LARGEST_LZ4 || size / 256 > block.len() {
        return None;
    }
    let mut unpacked = lz4_flex::block::decompress(block, size).ok()?;
    unpacked.truncate(MOST);
    Some(unpacked)
}

/// The one block of a stream: stream header of 12 bytes, block header, LZMA2 data.
fn xz(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = bytes.strip_prefix(b"\xfd7zXZ\0")?.get(6..)?;
    let length = (usize::from(*header.first()?) + 1) * 4;
    let flags = *header.get(1)?;
    let mut at = 2;
    for given in [flags & 0x40, flags & 0x80] {
        if given != 0 {
            at += header.get(at..)?.iter().position(|byte| byte & 0x80 == 0)? + 1;
        }
    }
    // One filter, LZMA2, with a property of one byte.
    let property = match header.get(at..at + 3)? {
        [0x21, 1, property] if flags & 3 == 0 && *property <= LARGEST_DICTIONARY => *property,
        _ => return None,
    };
    let dictionary = (2 | u32::from(property & 1)) << (property / 2 + 11);
    first(Lzma2Reader::new(header.get(length..)?, dictionary, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_declined() {
        for packing in [Packing::Xz, Packing::Lz4, Packing::Zstd] {
            assert_eq!(unpack(packing, b""), None);
            assert_eq!(unpack(packing, &[0xff; 64]), None);
        }
        let mut bomb = vec![0xff; 16];
        bomb[..8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        assert_eq!(unpack(Packing::Lz4, &bomb), None);
    }
}
