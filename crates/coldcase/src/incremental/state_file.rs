//! `inputs.state.json.gz` of a case folder: its inputs as they were read and the hashes of its parts. A file that is
//! damaged, of another version or of other options is an error with its reason, and never half used.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use coldcase_evidence::Limits;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::records::KeptInput;

/// Its name in a case folder.
pub(crate) const NAME: &str = "inputs.state.json.gz";
/// What it is; another number is another layout.
const SCHEMA: &str = "coldcase.inputs-state/1";
/// Most bytes of it, unpacked: some hundred thousand inputs with years of hours each.
const MOST_BYTES: u64 = 4 << 30;

/// The state as it is written.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    schema: String,
    /// Which program wrote it, for people.
    program: String,
    limits: KeptLimits,
    /// Files of the timeline.
    pub parts: Vec<KeptPart>,
    pub inputs: Vec<KeptInput>,
}

/// One file of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptPart {
    pub name: String,
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct KeptLimits {
    unpacked_bytes: u64,
    files: u64,
    ratio: u64,
    depth: usize,
}

impl From<Limits> for KeptLimits {
    fn from(limits: Limits) -> Self {
        Self {
            unpacked_bytes: limits.unpacked_bytes,
            files: limits.files,
            ratio: limits.ratio,
            depth: limits.depth,
        }
    }
}

/// Only the schema, which says whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

impl State {
    pub fn new(limits: Limits, parts: Vec<KeptPart>, inputs: Vec<KeptInput>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            limits: limits.into(),
            parts,
            inputs,
        }
    }

    /// Writes it into a case folder.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let file = BufWriter::new(File::create(folder.join(NAME))?);
        let mut packed = GzEncoder::new(file, Compression::fast());
        serde_json::to_writer(&mut packed, self)?;
        packed.finish()?.flush()
    }

    /// Whether inputs were unpacked within these limits: others may cut elsewhere.
    pub fn is_within(&self, limits: Limits) -> bool {
        self.limits == limits.into()
    }

    /// Reads it from a case folder; what is wrong with it otherwise.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let file = File::open(folder.join(NAME)).map_err(|error| error.to_string())?;
        let mut json = String::new();
        // The packing's own checksum is that of its whole content.
        let unpacked = GzDecoder::new(BufReader::new(file));
        let read = unpacked.take(MOST_BYTES).read_to_string(&mut json);
        read.map_err(|error| format!("damaged: {error}"))?;
        let head: Result<Head, _> = serde_json::from_str(&json);
        match head {
            Err(error) => Err(format!("damaged: {error}")),
            Ok(head) if head.schema != SCHEMA => {
                let other = coldcase_report::for_terminal(&head.schema);
                Err(format!("its schema is {other}, not {SCHEMA}"))
            }
            Ok(_) => serde_json::from_str(&json).map_err(|error| format!("damaged: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::records::tests::full;
    use super::*;

    fn state() -> State {
        let inputs = ["a", "b"].map(|path| KeptInput::of(&full(path), "f", None));
        let part = KeptPart {
            name: "part-00000.parquet".to_owned(),
            sha256: "11".repeat(32),
        };
        State::new(Limits::default(), vec![part], inputs.into())
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::TempDir::new().expect("a folder");
        state().write(folder.path()).expect("writes");
        let read = State::read(folder.path()).expect("a state");
        assert_eq!(read, state());
        assert!(read.is_within(Limits::default()));
        let other = Limits {
            ratio: 7,
            ..Limits::default()
        };
        assert!(!read.is_within(other));
    }

    #[test]
    fn every_damaged_byte_is_seen() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let at = folder.path().join(NAME);
        state().write(folder.path()).expect("writes");
        let whole = fs::read(&at).expect("bytes");
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            fs::write(&at, &bytes).expect("writes");
            // A flag, time, level and system of the packing's head say nothing of the content.
            if let Ok(read) = State::read(folder.path()) {
                assert!((3..10).contains(&place), "byte {place}");
                assert_eq!(read, state());
            }
            fs::write(&at, &whole[..place]).expect("writes");
            assert!(State::read(folder.path()).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn another_schema_is_named() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut other = state();
        other.schema = "coldcase.inputs-state/2".to_owned();
        other.write(folder.path()).expect("writes");
        let said = State::read(folder.path()).expect_err("another layout");
        assert!(said.contains("inputs-state/2"), "{said}");
        let mut packed = GzEncoder::new(
            File::create(folder.path().join(NAME)).expect("a file"),
            Compression::fast(),
        );
        packed.write_all(b"{}").expect("writes");
        packed.finish().expect("writes");
        assert!(State::read(folder.path()).is_err());
    }
}
