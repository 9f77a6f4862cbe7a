//! How far archives and packed files are unpacked before they are taken for bombs.

/// How far archives and packed files are unpacked. What passes a limit is cut there, and a warning names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that a run unpacks from archives, and that one packed file is read to.
    pub unpacked_bytes: u64,
    /// Most files that a run unpacks from archives.
    pub files: u64,
    /// Most bytes that come out of an archive or a packed file for each of its own, beyond [`RATIO_FREE_BYTES`].
    pub ratio: u64,
    /// Archives within one another that are unpacked inside a bundle.
    pub depth: usize,
}

/// Bytes that come out of an archive or a packed file whatever the ratio: small ones of zeros are no danger.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;

impl Default for Limits {
    /// Far above bundles seen, far below bombs: 64 GiB, a million files, 500 times the size (packed logs take
    /// a tenth to a fiftieth; DEFLATE can't pass 1032), one archive deep.
    fn default() -> Self {
        Self {
            unpacked_bytes: 64 << 30,
            files: 1_000_000,
            ratio: 500,
            depth: 1,
        }
    }
}

impl Limits {
    /// Most bytes that may come out of so many stored ones, and the option that says so.
    pub(crate) fn room(&self, stored: u64) -> (u64, String) {
        let by_ratio = self
            .ratio
            .saturating_mul(stored)
            .saturating_add(RATIO_FREE_BYTES);
        if by_ratio < self.unpacked_bytes {
            let ratio = self.ratio;
            let said = format!(
                "it unpacks to more than {ratio} times its size; raise --max-ratio if it is no bomb"
            );
            (by_ratio, said)
        } else {
            let bytes = self.unpacked_bytes;
            let said = format!("more than {bytes} bytes are unpacked; raise --max-unpacked");
            (bytes, said)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_limit_counts_and_names_its_option() {
        let limits = Limits {
            unpacked_bytes: 1 << 30,
            ratio: 10,
            ..Limits::default()
        };
        let (room, said) = limits.room(1000);
        assert_eq!(room, RATIO_FREE_BYTES + 10_000);
        assert!(said.contains("--max-ratio"));
        let (room, said) = limits.room(u64::MAX);
        assert_eq!(room, 1 << 30);
        assert!(said.contains("--max-unpacked"));
    }
}
