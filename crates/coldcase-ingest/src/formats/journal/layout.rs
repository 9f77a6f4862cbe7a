//! The objects of a journal file as they lie in it, after `journal-def.h`. All numbers are little-endian.

/// The first bytes of a journal file.
pub const MAGIC: &[u8; 8] = b"LPKSHHRH";

/// Bytes that every object begins with: type, flags, size.
const OBJECT_HEADER: usize = 16;
const ENTRY_ITEMS: usize = 64;
/// `incompatible_flags`: offsets of 32 bits, and further fields in data objects.
const COMPACT: u32 = 1 << 4;
/// All flags that are known: XZ, LZ4, keyed hash, ZSTD, compact.
const KNOWN: u32 = 0x1f;

/// How a data object is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// An .xz stream.
    Xz,
    /// The length in 64 bits, then an LZ4 block.
    Lz4,
    /// A Zstandard frame.
    Zstd,
}

/// Whether the file was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Closed in order.
    Offline,
    /// In use when it was copied, or its writer died.
    Online,
    /// Rotated away.
    Archived,
    /// A number without meaning.
    Other,
}

/// What the file's header says.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Where the objects begin.
    pub objects: usize,
    /// Whether the file was closed.
    pub state: State,
    /// Whether references have 32 bits.
    pub compact: bool,
    /// Whether it demands what no known version writes.
    pub unknown_flags: bool,
    /// Entries that it claims to hold.
    pub entries: u64,
}

/// One object.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// Kind of the object.
    pub kind: Kind,
    flags: u8,
    /// With its header.
    bytes: &'a [u8],
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `FIELD=value`.
    Data,
    /// A record: times and references to its data.
    Entry,
    /// Names, hash tables, arrays of entries, seals: what looks things up and holds no record.
    Index,
}

/// A record's own numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Microseconds since 1970.
    pub realtime: u64,
    /// Microseconds since the boot.
    pub monotonic: u64,
    /// The boot.
    pub boot: [u8; 16],
}

/// The header of a file; `None` where the bytes are none.
pub fn header(file: &[u8]) -> Option<Header> {
    if !file.starts_with(MAGIC) {
        return None;
    }
    let flags = u32_at(file, 12)?;
    let size = usize::try_from(u64_at(file, 88)?).ok()?;
    Some(Header {
        objects: if (208..=4096).contains(&size) {
            size.next_multiple_of(8)
        } else {
            240
        },
        state: match file.get(16)? {
            0 => State::Offline,
            1 => State::Online,
            2 => State::Archived,
            _ => State::Other,
        },
        compact: flags & COMPACT != 0,
        unknown_flags: flags & !KNOWN != 0,
        entries: u64_at(file, 152)?,
    })
}

/// The object at an offset, where one lies there whole.
pub fn object(file: &[u8], at: usize, compact: bool) -> Option<Object<'_>> {
    let rest = file.get(at..)?;
    let head = rest.get(..OBJECT_HEADER)?;
    let (kind, flags) = (*head.first()?, *head.get(1)?);
    if !at.is_multiple_of(8) || flags & !7 != 0 || head.get(2..8)? != [0; 6] {
        return None;
    }
    let size = usize::try_from(u64_at(head, 8)?).ok()?;
    let bytes = rest.get(..size)?;
    let item = if compact { 4 } else { 16 };
    let array_item = if compact { 4 } else { 8 };
    let whole = |fixed: usize, item: usize| size >= fixed && (size - fixed).is_multiple_of(item);
    let (kind, fits) = match kind {
        1 => (Kind::Data, size > payload_at(compact)),
        2 => (Kind::Index, size > 40),
        3 => (Kind::Entry, whole(ENTRY_ITEMS, item)),
        4 | 5 => (Kind::Index, whole(OBJECT_HEADER, 16)),
        6 => (Kind::Index, whole(24, array_item)),
        7 => (Kind::Index, size == 64),
        _ => return None,
    };
    fits.then_some(Object { kind, flags, bytes })
}

fn payload_at(compact: bool) -> usize {
    if compact { 72 } else { 64 }
}

impl<'a> Object<'a> {
    /// With its header, without the fill up to the next.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The record's numbers; `None` for another kind, or where they are nonsense.
    pub fn entry(&self) -> Option<Entry> {
        if self.kind != Kind::Entry {
            return None;
        }
        Some(Entry {
            realtime: u64_at(self.bytes, 24)?,
            monotonic: u64_at(self.bytes, 32)?,
            boot: self.bytes.get(40..56)?.try_into().ok()?,
        })
    }

    /// Where the record's data lie.
    pub fn items(&self, compact: bool) -> impl Iterator<Item = usize> + 'a {
        let items = self.bytes.get(ENTRY_ITEMS..).unwrap_or_default();
        items
            .chunks_exact(if compact { 4 } else { 16 })
            .filter_map(move |item| match compact {
                true => usize::try_from(u32_at(item, 0)?).ok(),
                false => usize::try_from(u64_at(item, 0)?).ok(),
            })
    }

    /// `FIELD=value` as it is stored, and how it is packed; `None` for another kind.
    pub fn payload(&self, compact: bool) -> Option<(Packing, &'a [u8])> {
        if self.kind != Kind::Data {
            return None;
        }
        let packing = match self.flags {
            0 => Packing::Plain,
            1 => Packing::Xz,
            2 => Packing::Lz4,
            4 => Packing::Zstd,
            _ => return None,
        };
        Some((packing, self.bytes.get(payload_at(compact)..)?))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
