//! The body file of The Sleuth Kit 3: `MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`, times in seconds
//! since 1970, 0 where unknown. Of rows about files alone: the times of one listed file come together on a line.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::{self, Write};

use coldcase_timeline::Selection;
use serde_json::Value;

use super::Row;

/// A listed file: host, path, and where it is listed.
type Key<'a> = (
    Option<&'a str>,
    &'a str,
    Option<&'a str>,
    Option<i64>,
    Option<i64>,
);

#[derive(Default)]
struct File {
    md5: String,
    inode: String,
    mode: String,
    user: String,
    group: String,
    size: i64,
    /// Accessed, modified, changed, created.
    times: [i64; 4],
    rows: usize,
}

/// Gives how many rows went in: those about files that have a path and a time.
pub(super) fn lines(rows: &Selection, mut out: impl Write) -> io::Result<usize> {
    let mut files: BTreeMap<Key<'_>, File> = BTreeMap::new();
    for at in 0..rows.rows() {
        let row = Row::of(rows, at);
        let which = match row.text("action") {
            Some("file-accessed") => 0,
            Some("file-modified") => 1,
            Some("file-changed") => 2,
            Some("file-created") => 3,
            _ => continue,
        };
        let (Some(path), Some(when)) = (row.text("path"), row.at()) else {
            continue;
        };
        let key = (
            row.text("host"),
            path,
            row.text("file"),
            row.long("line"),
            row.long("offset"),
        );
        let file = files.entry(key).or_default();
        if let Some(time) = file.times.get_mut(which) {
            *time = when.seconds();
        }
        file.take(&row);
        file.rows += 1;
    }
    let hosts: BTreeSet<Option<&str>> = files.keys().map(|(host, ..)| *host).collect();
    for ((host, path, ..), file) in &files {
        // Of several hosts each name says whose it is.
        let host = host.filter(|_| hosts.len() > 1);
        let name = host.map_or_else(|| (*path).to_owned(), |host| format!("{host}:{path}"));
        file.write(&name, &mut out)?;
    }
    out.flush()?;
    Ok(files.values().map(|file| file.rows).sum())
}

impl File {
    fn take(&mut self, row: &Row<'_>) {
        let text = |name: &str| match row.attributes.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let put = |cell: &mut String, text: Option<String>| {
            if let Some(text) = text.filter(|_| cell.is_empty()) {
                *cell = field(&text);
            }
        };
        put(&mut self.md5, text("md5"));
        put(&mut self.inode, text("inode"));
        put(&mut self.mode, row.attribute("mode").map(mode));
        put(&mut self.user, row.text("user").map(str::to_owned));
        put(&mut self.group, text("group"));
        if let Some(size) = row.long("bytes") {
            self.size = size;
        }
    }

    fn write(&self, name: &str, out: &mut impl Write) -> io::Result<()> {
        let or_zero = |text: &str| {
            if text.is_empty() {
                "0".to_owned()
            } else {
                text.to_owned()
            }
        };
        let [accessed, modified, changed, created] = self.times;
        writeln!(
            out,
            "{}|{}|{}|{}|{}|{}|{}|{accessed}|{modified}|{changed}|{created}",
            or_zero(&self.md5),
            field(name),
            or_zero(&self.inode),
            or_zero(&self.mode),
            or_zero(&self.user),
            or_zero(&self.group),
            self.size
        )
    }
}

/// `-rw-r--r--.` as The Sleuth Kit writes it: `r/rrw-r--r--`.
fn mode(text: &str) -> String {
    let mut letters = text.chars();
    let kind = match letters.next() {
        Some('-') => 'r',
        Some(kind) if kind.is_ascii_alphabetic() && text.len() >= 10 => kind,
        _ => return text.to_owned(),
    };
    let rights: String = letters.take(9).collect();
    format!("{kind}/{kind}{rights}")
}

/// A field can't hold the separator or a line's end: these and `%` are written as in addresses of the web.
fn field(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '|' || character == '%' || character.is_control() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                safe.push_str(&format!("%{byte:02X}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_names_are_written_as_mactime_reads_them() {
        assert_eq!(mode("-rw-r--r--."), "r/rrw-r--r--");
        assert_eq!(mode("drwxr-xr-x"), "d/drwxr-xr-x");
        assert_eq!(mode("0644"), "0644");
        assert_eq!(field("a|b\n100%"), "a%7Cb%0A100%25");
    }
}
