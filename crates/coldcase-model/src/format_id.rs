//! Formats that the case itself speaks of, beside those that the ingest registry names.

/// A file that coldcase recognises without making events of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownFormat {
    /// `case.toml` at the bundle's root.
    Case,
    /// A file of indicators named by `case.toml` or `--ioc`.
    Indicators,
    /// An archive whose members are inputs of their own.
    Archive,
}

impl KnownFormat {
    /// The id as it stands in `case.json`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Indicators => "indicators",
            Self::Archive => "archive",
        }
    }
}
