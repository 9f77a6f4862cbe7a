//! A file opened for reading: hashed as stored, decompressed by content, and tolerant of a bad end:
//! where the file or its compression breaks off, or passes a limit, the reader ends and says why afterwards.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::Limits;
use crate::stored::{BUFFER, Digest, OnBytes, Shared, Stored};
use crate::xz::Xz;

/// A file opened for reading.
pub struct Opened {
    /// The content, decompressed; never fails, see [`Digest`].
    pub reader: Box<dyn Read + Send>,
    /// What is known once the reader has ended.
    pub digest: Digest,
}

/// Ends instead of failing, and where more comes out than a limit allows.
struct Tolerant<R> {
    inner: R,
    stored: Shared,
    /// What may come out of a packed file.
    limits: Option<Limits>,
    given: u64,
    ended: bool,
}

impl<R> Tolerant<R> {
    fn end(&mut self, error: String) {
        self.ended = true;
        self.stored.with(|stored| stored.note(error));
    }

    /// What passes the limit, if that was reached.
    fn too_much(&self) -> Option<String> {
        let limits = self.limits?;
        let (room, said) = limits.room(self.stored.with(|stored| stored.bytes_read()));
        (self.given > room).then_some(said)
    }
}

impl<R: Read> Read for Tolerant<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.ended || buffer.is_empty() {
                return Ok(0);
            }
            match self.inner.read(buffer) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    self.given += read as u64;
                    let Some(said) = self.too_much() else {
                        return Ok(read);
                    };
                    self.end(said);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.end(error.to_string()),
            }
        }
    }
}

/// How a file is packed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Lz4,
    Xz,
    Bzip2,
    Utf16 {
        big_endian: bool,
    },
    /// UTF-8 with a byte order mark.
    Marked,
}

fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Lz4,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Packing::Bzip2,
        [0xff, 0xfe, second, 0, ..] if *second != 0 => Packing::Utf16 { big_endian: false },
        [0xfe, 0xff, 0, ..] => Packing::Utf16 { big_endian: true },
        [0xef, 0xbb, 0xbf, ..] => Packing::Marked,
        _ => Packing::Plain,
    }
}

/// Whether a file with these first bytes is decompressed when it is opened.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    !matches!(
        packing(head),
        Packing::Plain | Packing::Marked | Packing::Utf16 { .. }
    )
}

/// Opens a file for reading; the first bytes decide how it is decompressed.
pub fn open(path: &Path) -> io::Result<Opened> {
    open_within(path, &Limits::default(), None, None)
}

/// Likewise, within these limits and no further than the bytes that the file was listed with, telling of the bytes
/// read: for progress.
pub fn open_within(
    path: &Path,
    limits: &Limits,
    listed: Option<u64>,
    on_bytes: Option<OnBytes>,
) -> io::Result<Opened> {
    let stored = Stored::new(File::open(path)?, listed, on_bytes);
    let size = stored.buffer_size();
    decoded(stored, limits, size)
}

/// Opens a file only to look at it: as [`open_within`], but nothing is hashed.
pub fn peek_within(
    path: &Path,
    limits: &Limits,
    listed: Option<u64>,
) -> io::Result<Box<dyn Read + Send>> {
    let stored = Stored::unhashed(File::open(path)?, listed);
    let size = stored.buffer_size();
    Ok(decoded(stored, limits, size)?.reader)
}

/// `size`: bytes read at a time.
fn decoded(stored: Stored, limits: &Limits, size: usize) -> io::Result<Opened> {
    let stored = Shared(Arc::new(Mutex::new(stored)));
    let mut buffered = BufReader::with_capacity(size, stored.clone());
    let packing = packing(buffered.fill_buf()?);
    let packed = Some(*limits);
    let reader: Box<dyn Read + Send> = match packing {
        Packing::Plain => tolerant(buffered, &stored, None),
        Packing::Gzip => {
            let gzip = flate2::bufread::MultiGzDecoder::new(buffered);
            tolerant(gzip, &stored, packed)
        }
        Packing::Zstd => {
            let source = Some(buffered);
            let zstd = Zstd {
                source,
                frame: None,
            };
            tolerant(zstd, &stored, packed)
        }
        Packing::Lz4 => {
            let inner = lz4_flex::frame::FrameDecoder::new(buffered);
            tolerant(Lz4 { inner }, &stored, packed)
        }
        Packing::Marked => {
            buffered.consume(3);
            tolerant(buffered, &stored, None)
        }
        Packing::Utf16 { big_endian } => tolerant(Utf16::new(buffered, big_endian), &stored, None),
        Packing::Xz => tolerant(Xz::new(buffered), &stored, packed),
        Packing::Bzip2 => {
            let bzip2 = bzip2::bufread::MultiBzDecoder::new(buffered);
            tolerant(bzip2, &stored, packed)
        }
    };
    let digest = Digest { stored };
    Ok(Opened { reader, digest })
}

fn tolerant<R: Read + Send + 'static>(
    inner: R,
    stored: &Shared,
    limits: Option<Limits>,
) -> Box<dyn Read + Send> {
    Box::new(Tolerant {
        inner,
        stored: stored.clone(),
        limits,
        given: 0,
        ended: false,
    })
}

type Frame = ruzstd::decoding::StreamingDecoder<Raw, ruzstd::decoding::FrameDecoder>;
type Raw = BufReader<Shared>;

/// Zstandard frames one after the other; skippable ones are passed over.
struct Zstd {
    source: Option<Raw>,
    frame: Option<Box<Frame>>,
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                match frame.read(buffer)? {
                    0 => self.source = self.frame.take().map(|frame| frame.into_inner()),
                    read => return Ok(read),
                }
            }
            let Some(mut source) = self.source.take() else {
                return Ok(0);
            };
            let head = source.fill_buf()?;
            if head.is_empty() {
                return Ok(0);
            }
            if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = *head {
                let length = u64::from(u32::from_le_bytes([a, b, c, d])) + 8;
                io::copy(&mut (&mut source).take(length), &mut io::sink())?;
                self.source = Some(source);
                continue;
            }
            let frame = Frame::new(source).map_err(|error| io::Error::other(error.to_string()))?;
            self.frame = Some(Box::new(frame));
        }
    }
}

/// LZ4 frames one after the other: the decoder reports the end of each as an end of input.
struct Lz4<R: Read> {
    inner: lz4_flex::frame::FrameDecoder<R>,
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer)? {
                0 if self.inner.get_mut().fill_buf()?.is_empty() => return Ok(0),
                0 => {}
                read => return Ok(read),
            }
        }
    }
}

/// UTF-16 text as UTF-8, without its mark: what a shell of Windows makes of a tool's output.
struct Utf16<R> {
    inner: R,
    big_endian: bool,
    /// The first half of a pair that the last bytes read began.
    half: Option<u16>,
    text: Vec<u8>,
    taken: usize,
}

impl<R: Read> Utf16<R> {
    fn new(inner: R, big_endian: bool) -> Self {
        Self {
            inner,
            big_endian,
            half: None,
            text: Vec::new(),
            taken: 0,
        }
    }

    /// Reads on; whether there was more.
    fn fill(&mut self) -> io::Result<bool> {
        let mut bytes = Vec::with_capacity(BUFFER);
        let room = BUFFER as u64;
        (&mut self.inner).take(room).read_to_end(&mut bytes)?;
        let more = !bytes.is_empty();
        let unit = |pair: &[u8]| {
            let pair = [
                pair.first().copied().unwrap_or(0),
                pair.get(1).copied().unwrap_or(0),
            ];
            match self.big_endian {
                true => u16::from_be_bytes(pair),
                false => u16::from_le_bytes(pair),
            }
        };
        let mut units: Vec<u16> = self.half.take().into_iter().collect();
        units.extend(bytes.chunks(2).map(unit));
        if more
            && units
                .last()
                .is_some_and(|last| (0xd800..0xdc00).contains(last))
        {
            self.half = units.pop();
        }
        let text = char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.text = text
            .filter(|one| *one != '\u{feff}')
            .collect::<String>()
            .into_bytes();
        self.taken = 0;
        Ok(more)
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken >= self.text.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let ready = self.text.get(self.taken..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}

/// Up to `limit` bytes from the beginning, decompressed, and whether that is all.
pub fn read_head(path: &Path, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let stored = Stored::unhashed(File::open(path)?, None);
    let opened = decoded(stored, &Limits::default(), (limit + 1).clamp(4096, BUFFER))?;
    let mut head = Vec::new();
    let mut wanted = opened.reader.take(limit as u64 + 1);
    wanted.read_to_end(&mut head)?;
    let complete = head.len() <= limit;
    head.truncate(limit);
    Ok((head, complete))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};
    use std::io::Write as _;

    fn check(stored: &[u8], content: &[u8], error: bool) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(stored).expect("writes");
        let mut opened = open(file.path()).expect("opens");
        let mut got = Vec::new();
        opened.reader.read_to_end(&mut got).expect("never fails");
        let (hash, failed) = opened.digest.finish();
        assert_eq!(got, content);
        assert_eq!(failed.is_some(), error, "{failed:?}");
        let expected: String = Sha256::digest(stored)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hash, expected);
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn plain_and_gzip_with_several_members() {
        check(b"plain", b"plain", false);
        check(b"", b"", false);
        let two = [gzip(b"one "), gzip(b"two")].concat();
        check(&two, b"one two", false);
    }

    #[test]
    fn zstd_and_lz4_frames_one_after_the_other() {
        let zstd = |content: &[u8]| {
            ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
        };
        check(&[zstd(b"one "), zstd(b"two")].concat(), b"one two", false);
        let lz4 = |content: &[u8]| {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(content).expect("memory");
            encoder.finish().expect("memory")
        };
        check(&[lz4(b"one "), lz4(b"two")].concat(), b"one two", false);
    }

    #[test]
    fn a_cut_file_gives_what_it_has_and_says_so() {
        let whole = gzip(&b"line\n".repeat(50_000));
        let cut = whole.get(..whole.len() - 20).expect("long enough");
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(cut).expect("writes");
        let mut opened = open(file.path()).expect("opens");
        let mut got = Vec::new();
        opened.reader.read_to_end(&mut got).expect("never fails");
        assert!(got.len() > 100_000, "{}", got.len());
        assert!(opened.digest.finish().1.is_some());
    }

    #[test]
    fn utf_16_becomes_utf_8() {
        let text = "NAME  READY\r\n\u{1f40b}-web  1/1\r\n".repeat(40_000);
        let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        check(&little, text.as_bytes(), false);
        check(&big, text.as_bytes(), false);
        check(b"\xef\xbb\xbfNAME", b"NAME", false);
    }

    #[test]
    fn xz_and_bzip2_streams_one_after_the_other() {
        let xz = |content: &[u8]| {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory");
            encoder.write_all(content).expect("memory");
            encoder.finish().expect("memory")
        };
        check(&[xz(b"one "), xz(b"two")].concat(), b"one two", false);
        check(b"\xfd7zXZ\0rest", b"", true);
        let bzip2 = |content: &[u8]| {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(content).expect("memory");
            encoder.finish().expect("memory")
        };
        check(&[bzip2(b"one "), bzip2(b"two")].concat(), b"one two", false);
    }
}
