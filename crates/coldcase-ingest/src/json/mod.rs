//! JSON artifacts as tools print them: one object, an array, a list inside a wrapper object, several
//! documents one after the other, with text of a terminal between them. Read element by element, so that
//! memory holds one element and not the file.

mod brackets;
mod elements;
mod fields;
mod outline;
mod values;

pub use elements::{Damage, Elements, Piece};
pub use fields::{as_number, flag, get, number, parse, text, texts};
pub use outline::{Outline, outline};
pub use values::each_value;

/// Members of a wrapper object that hold the elements themselves: `kubectl get -o json` and `crictl pods`
/// (`items`), `crictl ps` (`containers`), `crictl images` (`images`).
const LISTS: [&[u8]; 3] = [b"items", b"containers", b"images"];

/// What follows an opening bracket tells a JSON document from a shell prompt (`[root@node ~]#`) or a
/// template (`{{ .Name }}`).
fn opens_document(bracket: u8, next: Option<u8>) -> bool {
    match bracket {
        b'[' => matches!(next, Some(b'{' | b'[' | b']' | b'"')),
        b'{' => matches!(next, Some(b'"' | b'}')),
        _ => false,
    }
}

/// White space of JSON.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
