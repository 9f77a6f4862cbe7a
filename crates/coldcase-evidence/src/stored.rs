//! A file's bytes as stored: hashed as they are read, and no more of them than were listed.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// Bytes read at a time.
pub(crate) const BUFFER: usize = 256 << 10;

/// Bytes read at a time of the smallest files.
const SMALLEST: usize = 4 << 10;

/// Told of every number of stored bytes as they are read.
pub type OnBytes = Arc<dyn Fn(u64) + Send + Sync>;

/// A file's bytes as stored.
pub(crate) struct Stored {
    file: File,
    /// None for who only looks: the bytes are hashed when they are read as evidence.
    hasher: Option<Sha256>,
    read: u64,
    /// Size that the file had when it was listed: it is read to there.
    listed: Option<u64>,
    error: Option<String>,
    on_bytes: Option<OnBytes>,
}

impl Stored {
    /// Of this file; `listed` bytes of it, or all where that is not known.
    pub(crate) fn new(file: File, listed: Option<u64>, on_bytes: Option<OnBytes>) -> Self {
        Self {
            hasher: Some(Sha256::new()),
            on_bytes,
            ..Self::unhashed(file, listed)
        }
    }

    /// The same without a hash.
    pub(crate) fn unhashed(file: File, listed: Option<u64>) -> Self {
        Self {
            file,
            hasher: None,
            read: 0,
            listed,
            error: None,
            on_bytes: None,
        }
    }

    /// Bytes of a buffer that suits the file.
    pub(crate) fn buffer_size(&self) -> usize {
        let listed = self.listed.and_then(|listed| usize::try_from(listed).ok());
        listed.map_or(BUFFER, |listed| listed.clamp(SMALLEST, BUFFER))
    }

    /// Stored bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Notes the first error.
    pub(crate) fn note(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    /// Whether the file is other than it was listed; asked when it was read to its end.
    fn changed(&mut self) -> Option<String> {
        let listed = self.listed?;
        if self.read < listed {
            let read = self.read;
            return Some(format!(
                "the file has only {read} of the {listed} bytes that it had when it was listed"
            ));
        }
        matches!(self.file.read(&mut [0]), Ok(1)).then(|| {
            format!("the file has grown since it was listed with {listed} bytes; the rest is left")
        })
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.listed.map_or(u64::MAX, |listed| listed - self.read);
        let room = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let read = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
        self.read += read as u64;
        if let Some(on_bytes) = &self.on_bytes {
            on_bytes(read as u64);
        }
        Ok(read)
    }
}

/// The same bytes for a decoder and for who asks afterwards.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<Mutex<Stored>>);

impl Shared {
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Stored) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|stored| stored.read(buffer))
    }
}

/// Hash of the file as stored, and the error that ended its reading, if one did.
#[derive(Clone)]
pub struct Digest {
    pub(crate) stored: Shared,
}

impl Digest {
    /// Reads what the decoder left of the file, then gives the hash in hex and what went wrong.
    pub fn finish(mut self) -> (String, Option<String>) {
        // Most decoders leave nothing: only what they do leave is worth a large buffer.
        let mut buffer = vec![0; SMALLEST];
        loop {
            match self.stored.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => buffer.resize(BUFFER, 0),
                Err(error) => {
                    self.stored.with(|stored| stored.note(error.to_string()));
                    break;
                }
            }
        }
        self.stored.with(|stored| {
            if let Some(changed) = stored.changed() {
                stored.note(changed);
            }
            let hash = stored.hasher.take().unwrap_or_default().finalize();
            let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            (hash, stored.error.take())
        })
    }
}
