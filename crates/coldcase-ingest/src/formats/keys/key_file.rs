//! A file of keys, or several that one output shows: whose each is, and what of its lines is no key.

use coldcase_model::{Place, Sink};

use super::public_key::PublicKey;
use crate::Input;
use crate::formats::collected_text::{
    COMMENT, CUT, FRAME, TextLine, frame, original_path, user_of_path,
};

/// The file that is read: the artifact itself, or what the last frame of an output names.
pub struct KeyFile<'a> {
    host: Option<&'a str>,
    /// The account that it belongs to.
    pub user: Option<String>,
    /// Where it was on the host.
    pub path: String,
}

impl<'a> KeyFile<'a> {
    /// The artifact itself.
    pub fn of(input: &Input<'a>) -> Self {
        Self {
            host: input.host,
            user: user_of_path(input.path, input.host).map(str::to_owned),
            path: original_path(input.path).to_owned(),
        }
    }

    /// Whether a key is one to tell: a damaged one is, with a warning, one that the file's end cuts is not.
    pub fn holds(&self, key: &PublicKey<'_>, line: &TextLine<'_>, sink: &mut dyn Sink) -> bool {
        let place = Place::Line(line.number);
        if key.fingerprint.is_some() {
            return true;
        }
        if line.ended {
            sink.warn(place, "damaged key: no fingerprint".into());
        } else {
            sink.skip(place, CUT);
        }
        line.ended
    }

    /// Skips a line without a key; a frame begins another file.
    pub fn skip(&mut self, line: &TextLine<'_>, otherwise: &'static str, sink: &mut dyn Sink) {
        let (text, place) = (line.text.trim(), Place::Line(line.number));
        if text.is_empty() {
            return;
        }
        if let Some(frame) = frame(text) {
            if let Some(path) = frame.path {
                self.user = user_of_path(path, self.host).map(str::to_owned);
                path.clone_into(&mut self.path);
            }
            return sink.skip(place, FRAME);
        }
        let reason = match text {
            _ if text.starts_with('#') => COMMENT,
            _ if !line.ended => CUT,
            _ => otherwise,
        };
        sink.skip(place, reason);
    }
}
