//! Where things lie in a lake, and how values stand in names of folders.

use std::path::{Path, PathBuf};

use crate::LakeError;

/// What is not data: engines skip names that begin with `_`.
pub(crate) const OWN: &str = "_coldcase";
/// Folder of a table's files that hold rows of several cases.
pub(crate) const PACKED: &str = "packed";
/// Hive's name of the partition of null.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";
/// Longest name of a case or host in bytes: names of folders end at 255, and escapes take three.
const LONGEST_NAME: usize = 200;

pub(crate) fn lake_json(root: &Path) -> PathBuf {
    root.join(OWN).join("lake.json")
}

pub(crate) fn log(root: &Path) -> PathBuf {
    root.join(OWN).join("log")
}

pub(crate) fn adding(root: &Path) -> PathBuf {
    root.join(OWN).join("adding")
}

/// A value as Hive and Spark write it in the name of a partition's folder.
pub fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for one in value.chars() {
        // The characters of Hive's FileUtils and Spark's ExternalCatalogUtils. Others stay, for Spark takes what an
        // escape says for a character, not for a byte of one.
        if one.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(one) {
            out.push_str(&format!("%{:02X}", u32::from(one)));
        } else {
            out.push(one);
        }
    }
    out
}

/// The folder of one case's rows of a table, of one host's where the table is split by hosts.
pub(crate) fn partition(table: &str, case: &str, host: Option<Option<&str>>) -> String {
    let case = escaped(case);
    match host {
        None => format!("{table}/case={case}"),
        Some(host) => {
            let host = match host {
                None | Some("") => NULL_PARTITION.to_owned(),
                Some(host) => escaped(&shortened(host)),
            };
            format!("{table}/case={case}/host={host}")
        }
    }
}

/// A host's name that is too long for a folder, cut: the column `host` has it whole.
fn shortened(host: &str) -> String {
    let mut cut = String::new();
    for one in host.chars() {
        if escaped(&cut).len() + 3 > LONGEST_NAME {
            break;
        }
        cut.push(one);
    }
    cut
}

/// The folder of a table's files that hold rows of several cases.
pub(crate) fn packed(table: &str) -> String {
    format!("{table}/{PACKED}")
}

/// Whether a text can be a case's name.
pub(crate) fn check_name(name: &str) -> Result<(), LakeError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.contains('\0') {
        "it holds a zero byte"
    } else if escaped(name).len() > LONGEST_NAME {
        "it is too long for the name of a folder"
    } else if name == NULL_PARTITION {
        "engines take it for no name"
    } else {
        return Ok(());
    };
    Err(LakeError::Name {
        name: name.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_hive_does() {
        let check = |value: &str, expected: &str| assert_eq!(escaped(value), expected, "{value}");
        check("web-01.example.com", "web-01.example.com");
        check("a/b=c", "a%2Fb%3Dc");
        check("50%", "50%25");
        check("2023-05-12T10:20", "2023-05-12T10%3A20");
        check("[x] {y}", "%5Bx%5D %7By}");
        check("line\nbreak\u{7f}", "line%0Abreak%7F");
        check("主机-1", "主机-1");
    }

    #[test]
    fn partitions_tell_null_and_long_names() {
        assert_eq!(
            partition("timeline", "c", Some(Some("h"))),
            "timeline/case=c/host=h"
        );
        assert_eq!(
            partition("timeline", "c", Some(None)),
            "timeline/case=c/host=__HIVE_DEFAULT_PARTITION__"
        );
        assert_eq!(partition("findings", "c/d", None), "findings/case=c%2Fd");
        let long = partition("timeline", "c", Some(Some(&"é".repeat(300))));
        assert!(long.rsplit('/').next().expect("a folder").len() < 255);
    }

    #[test]
    fn names_that_can_be_no_folder_are_refused() {
        for name in ["", "a\0b", "__HIVE_DEFAULT_PARTITION__"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name(&"x".repeat(201)).is_err());
        assert!(check_name(&"x".repeat(200)).is_ok());
        assert!(
            check_name("..").is_ok(),
            "case=.. is a folder like any other"
        );
    }
}
