//! `TYPE BASE64 COMMENT`: the part that all files of public keys share, and the fingerprint.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// Base64 whose padding may be lost: what is copied from terminals ends where a word does.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A public key in OpenSSH's one-line form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey<'a> {
    /// `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, ...
    pub kind: &'a str,
    /// `SHA256:` and unpadded base64; none where the blob is damaged.
    pub fingerprint: Option<String>,
    /// What follows the blob.
    pub comment: Option<&'a str>,
}

/// Whether a word names a type of key or certificate.
pub(super) fn is_type(word: &str) -> bool {
    let bare = word.strip_suffix("@openssh.com").unwrap_or(word);
    let bare = bare.strip_suffix("-cert-v01").unwrap_or(bare);
    let bare = bare.strip_prefix("sk-").unwrap_or(bare);
    matches!(
        bare,
        "ssh-rsa"
            | "ssh-dss"
            | "ssh-ed25519"
            | "ssh-ed448"
            | "ssh-xmss"
            | "rsa-sha2-256"
            | "rsa-sha2-512"
            | "ecdsa-sha2-nistp256"
            | "ecdsa-sha2-nistp384"
            | "ecdsa-sha2-nistp521"
    )
}

/// Reads a key that begins here.
pub(super) fn parse(text: &str) -> Option<PublicKey<'_>> {
    let text = text.trim();
    let (kind, rest) = text.split_once([' ', '\t'])?;
    if !is_type(kind) {
        return None;
    }
    let rest = rest.trim_start();
    // Every blob begins with the length of its type: three bytes of 0.
    if !rest.starts_with("AAAA") {
        return None;
    }
    let (blob, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let comment = Some(comment.trim()).filter(|comment| !comment.is_empty());
    Some(PublicKey {
        kind,
        fingerprint: fingerprint(kind, blob),
        comment,
    })
}

/// The fingerprint of a blob that begins with its own type and whose fields add up.
fn fingerprint(kind: &str, blob: &str) -> Option<String> {
    let bytes = LENIENT.decode(blob).ok()?;
    let mut rest = bytes.as_slice();
    let mut first = true;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let field = after.get(..length);
        if std::mem::take(&mut first) && field != Some(kind.as_bytes()) {
            return None;
        }
        // Certificates hold numbers without a length; of them only the first field is checked.
        if kind.contains("-cert-") {
            break;
        }
        field?;
        rest = after.get(length..)?;
    }
    (!first).then(|| format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints() {
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        let check = |text: &str, expected: Option<(Option<&str>, Option<&str>)>| {
            let got = parse(text);
            let got = got
                .as_ref()
                .map(|key| (key.fingerprint.as_deref(), key.comment));
            assert_eq!(got, expected, "{text}");
        };
        let fingerprint = Some("SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
        check(
            &format!("ssh-ed25519 {blob} a b"),
            Some((fingerprint, Some("a b"))),
        );
        check(&format!("ssh-ed25519 {blob}"), Some((fingerprint, None)));
        check(&format!("ssh-rsa {blob}"), Some((None, None)));
        check("ssh-ed25519 AAAAC3NzaC1lZDI1", Some((None, None)));
        check("ssh-what AAAA", None);
    }
}
