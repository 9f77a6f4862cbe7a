//! An earlier case gives what it read of inputs that have not changed (docs/adr/0012): rows of its timeline and what is
//! known of each input. Findings are never taken over: correlators run over everything.

mod earlier;
mod fingerprint;
mod records;
mod state_file;
mod taken;

use std::io;
use std::path::Path;

use coldcase_evidence::open;
use rayon::prelude::*;

pub(crate) use earlier::{Earlier, Place};
pub(crate) use state_file::NAME as STATE_FILE;
pub use taken::{Fresh, ReadAnew, TakenOver};

use crate::{Analysis, Options};
use records::KeptInput;
use state_file::{KeptPart, State};

/// Writes the state that a later run takes over from into the folder of a case whose timeline lies there.
pub(crate) fn write_state(analysis: &Analysis, folder: &Path, options: &Options) -> io::Result<()> {
    let parts = analysis.timeline.parts().par_iter().map(|part| {
        let name = part.path.file_name().unwrap_or_default();
        Ok(KeptPart {
            name: name.to_string_lossy().into_owned(),
            sha256: hash(&part.path)?,
        })
    });
    let parts: Vec<KeptPart> = parts.collect::<io::Result<_>>()?;
    let inputs = analysis.inputs.iter().enumerate().map(|(index, input)| {
        let survey = analysis.surveys.get(&index);
        KeptInput::of(input, fingerprint::of(input.format), survey)
    });
    State::new(options.limits, parts, inputs.collect()).write(folder)
}

/// The hash of a file as it lies there.
fn hash(path: &Path) -> io::Result<String> {
    let (hash, broken) = open(path)?.digest.finish();
    broken.map_or(Ok(hash), |broken| Err(io::Error::other(broken)))
}
