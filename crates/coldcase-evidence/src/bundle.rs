//! The bundle: a folder, an archive or single files, walked once. An archive inside of it is unpacked too,
//! one that lies deeper in archives than the limits say is not.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::archive::{self, Unpacker};
use crate::walk::{self, Walk};
use crate::{Artifact, CaseFile, EvidenceError, Limits, OnBytes, Opened, WorkFolder};

/// Most bytes of a `case.toml`.
const MOST_CASE_BYTES: u64 = 1 << 20;

/// Evidence to analyse: one or more folders, archives or files.
pub struct Bundle {
    /// All files, in order of path.
    pub artifacts: Vec<Artifact>,
    /// What `case.toml` says, one for each path given.
    pub cases: Vec<CaseFile>,
    /// What each path given is called: the host where nothing else names one.
    pub names: Vec<String>,
    /// Losses before any file was opened.
    pub warnings: Vec<String>,
    /// Canonical paths given, to refuse output inside them.
    pub roots: Vec<PathBuf>,
    unpacker: Unpacker,
    _unpacked: Vec<WorkFolder>,
}

impl Bundle {
    /// Walks the paths given. Several paths get their name in front of their artifacts' paths.
    pub fn open(paths: &[PathBuf]) -> Result<Self, EvidenceError> {
        Self::open_within(paths, &Limits::default())
    }

    /// Likewise, within these limits.
    pub fn open_within(paths: &[PathBuf], limits: &Limits) -> Result<Self, EvidenceError> {
        let mut bundle = Self {
            artifacts: Vec::new(),
            cases: Vec::new(),
            names: Vec::new(),
            warnings: Vec::new(),
            roots: Vec::new(),
            unpacker: Unpacker::new(*limits),
            _unpacked: Vec::new(),
        };
        for path in paths {
            bundle.add(path, paths.len() > 1)?;
        }
        bundle.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(bundle)
    }

    fn add(&mut self, path: &Path, several: bool) -> Result<(), EvidenceError> {
        let read = |source| EvidenceError::Read {
            path: path.to_owned(),
            source,
        };
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(EvidenceError::Missing(path.to_owned()));
            }
            other => other.map_err(read)?,
        };
        let canonical = path.canonicalize().map_err(read)?;
        let name = canonical.file_name().map_or_else(
            || "evidence".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        self.roots.push(canonical.clone());
        self.unpacker.evidence.push(canonical.clone());
        let mut name = archive::bare_name(&name).to_owned();
        let mut links = Vec::new();
        let mut folder = if metadata.is_dir() {
            Some(canonical.clone())
        } else if !metadata.is_file() {
            return Err(EvidenceError::NotAFile(path.to_owned()));
        } else if archive::is_archive(path) {
            Some(self.unpack(path, &name, &mut links)?)
        } else {
            None
        };
        if let Some(inner) = folder.as_deref().and_then(walk::lone_archive) {
            name = inner.file_name().map_or(name, |name| {
                archive::bare_name(&name.to_string_lossy()).to_owned()
            });
            folder = Some(self.unpack(&inner, &name, &mut links)?);
        }
        let index = self.cases.len();
        let prefix = if several {
            self.free_prefix(&name)
        } else {
            String::new()
        };
        let before = self.artifacts.len();
        match &folder {
            Some(folder) => {
                let mut walk = Walk::new(index, &mut self.unpacker);
                walk.folder(folder, &prefix)?;
                for (inside, target) in links {
                    let path = format!("{prefix}{inside}");
                    walk.artifacts.push(walk::link(path, target, index));
                }
                self.artifacts.append(&mut walk.artifacts);
                self.warnings.append(&mut walk.warnings);
                self._unpacked.append(&mut walk.unpacked);
            }
            None => {
                let file = canonical.file_name().unwrap_or_default();
                let path = format!("{prefix}{}", file.to_string_lossy());
                self.artifacts.push(walk::artifact(&canonical, path, index));
            }
        }
        if self.artifacts.len() == before {
            return Err(EvidenceError::Empty(path.to_owned()));
        }
        let case = match folder
            .map(|folder| folder.join("case.toml"))
            .filter(|case| fs::symlink_metadata(case).is_ok_and(|metadata| metadata.is_file()))
        {
            Some(case) => CaseFile::parse(&case_text(&case)?, &case)?,
            None => CaseFile::default(),
        };
        self.cases.push(case);
        self.names.push(name);
        Ok(())
    }

    /// Unpacks an archive; the folder that holds its content. Its symbolic links are added to `links`.
    fn unpack(
        &mut self,
        path: &Path,
        name: &str,
        links: &mut Vec<(String, String)>,
    ) -> Result<PathBuf, EvidenceError> {
        let unpacked = self.unpacker.unpack(path)?;
        let warnings = unpacked.warnings.into_iter();
        self.warnings
            .extend(warnings.map(|warning| format!("{}: {warning}", path.display())));
        let root = &unpacked.root;
        let folder = walk::inner_folder(root, name);
        *links = walk::links_below(root, &folder, unpacked.links);
        self._unpacked.push(unpacked.folder);
        Ok(folder)
    }

    /// The name in front of a path's artifacts, numbered where an earlier path has the same.
    fn free_prefix(&self, name: &str) -> String {
        let taken = |prefix: &String| {
            let mut all = self.artifacts.iter();
            all.any(|artifact| artifact.path.starts_with(prefix.as_str()))
        };
        let numbered = (2..).map(|number| format!("{name}-{number}/"));
        std::iter::once(format!("{name}/"))
            .chain(numbered)
            .find(|prefix| !taken(prefix))
            .unwrap_or_default()
    }

    /// Opens an artifact, within the limits, as long as it was when it was listed.
    pub fn reader(&self, artifact: &Artifact, on_bytes: Option<OnBytes>) -> io::Result<Opened> {
        // Some file systems say 0 of files that hold something.
        let listed = (artifact.bytes > 0).then_some(artifact.bytes);
        crate::open_within(&artifact.disk, &self.unpacker.limits, listed, on_bytes)
    }

    /// Opens an artifact only to look at it: nothing is hashed.
    pub fn peek(&self, artifact: &Artifact) -> io::Result<Box<dyn io::Read + Send>> {
        let listed = (artifact.bytes > 0).then_some(artifact.bytes);
        crate::peek_within(&artifact.disk, &self.unpacker.limits, listed)
    }

    /// An artifact's path inside the path given, without the name that several get.
    pub fn inside<'a>(&self, artifact: &'a Artifact) -> &'a str {
        if self.cases.len() > 1 {
            artifact
                .path
                .split_once('/')
                .map_or(artifact.path.as_str(), |(_, inside)| inside)
        } else {
            &artifact.path
        }
    }
}

fn case_text(path: &Path) -> Result<String, EvidenceError> {
    let mut text = String::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(MOST_CASE_BYTES + 1).read_to_string(&mut text));
    let too_long = text.len() as u64 > MOST_CASE_BYTES;
    let checked = read.and_then(|_| {
        let said = format!("is longer than {MOST_CASE_BYTES} bytes");
        if too_long {
            Err(io::Error::other(said))
        } else {
            Ok(())
        }
    });
    checked.map_err(|source| EvidenceError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn make(files: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().expect("a folder");
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, content).expect("writes");
        }
        folder
    }

    fn hosts(folder: &Path, recognised: &[&str]) -> Vec<(String, Option<String>)> {
        let bundle = Bundle::open(&[folder.to_owned()]).expect("a bundle");
        let recognised = recognised.iter().map(|top| (*top).to_owned()).collect();
        let host = |artifact: &Artifact| bundle.host_of(artifact, &recognised).map(str::to_owned);
        bundle
            .artifacts
            .iter()
            .map(|artifact| (artifact.path.clone(), host(artifact)))
            .collect()
    }

    #[test]
    fn top_folders_are_hosts_unless_they_are_parts_of_one() {
        let two = make(&[
            ("db-07/secure", "x"),
            ("web/secure", "x"),
            ("pods.txt", "x"),
        ]);
        let named = |name: &str| Some(name.to_owned());
        let expected = [
            ("db-07/secure".into(), named("db-07")),
            ("pods.txt".into(), None),
            ("web/secure".into(), named("web")),
        ];
        assert_eq!(hosts(two.path(), &["db-07", "web"]), expected);

        let one = make(&[("var/log/secure", "x"), ("etc/passwd", "x")]);
        let name = one
            .path()
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        assert!(
            hosts(one.path(), &["var", "etc"])
                .iter()
                .all(|(_, host)| *host == name)
        );
    }

    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_cksum();
            let content = content.as_bytes();
            builder
                .append_data(&mut header, path, content)
                .expect("memory");
        }
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(
                &mut header,
                "etc/localtime",
                "../usr/share/zoneinfo/Asia/Shanghai",
            )
            .expect("memory");
        builder.into_inner().expect("memory")
    }

    fn paths(bundle: &Bundle) -> Vec<&str> {
        let all = bundle.artifacts.iter();
        all.map(|artifact| artifact.path.as_str()).collect()
    }

    #[test]
    fn archives_in_a_bundle_are_unpacked_once() {
        let innermost = tar(&[("deep", "x")]);
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("var/log/secure", options).expect("memory");
        io::Write::write_all(&mut zip, b"x").expect("memory");
        zip.start_file("more.tar", options).expect("memory");
        io::Write::write_all(&mut zip, &innermost).expect("memory");
        let zip = zip.finish().expect("memory").into_inner();
        let folder = make(&[("readme", "x")]);
        fs::write(folder.path().join("web-1.tar"), tar(&[("etc/passwd", "x")])).expect("writes");
        fs::write(folder.path().join("web-2.zip"), zip).expect("writes");
        let bundle = Bundle::open(&[folder.path().to_owned()]).expect("a bundle");
        let expected = [
            "readme",
            "web-1.tar",
            "web-1.tar/etc/localtime",
            "web-1.tar/etc/passwd",
            "web-2.zip",
            "web-2.zip/more.tar",
            "web-2.zip/var/log/secure",
        ];
        assert_eq!(paths(&bundle), expected);
        assert_eq!(bundle.warnings.len(), 1, "{:?}", bundle.warnings);
        let recognised = ["web-1.tar", "web-2.zip"].map(str::to_owned).into();
        let hosts: Vec<_> = bundle
            .artifacts
            .iter()
            .map(|artifact| bundle.host_of(artifact, &recognised))
            .collect();
        let [one, two] = [Some("web-1"), Some("web-2")];
        assert_eq!(hosts, [None, None, one, one, None, two, two]);
        let link = bundle.artifacts.get(2).expect("a link");
        let target = link.link_target.as_deref();
        assert_eq!(target, Some("../usr/share/zoneinfo/Asia/Shanghai"));
    }

    #[test]
    fn an_archive_alone_in_its_folder_is_the_bundle() {
        let folder = make(&[("uac-db-linux.log", "hash")]);
        let archive = tar(&[("case.toml", "timezone='Asia/Tokyo'"), ("a/b", "x")]);
        fs::write(folder.path().join("uac-db-linux.tar"), archive).expect("writes");
        let bundle = Bundle::open(&[folder.path().to_owned()]).expect("a bundle");
        assert_eq!(paths(&bundle), ["a/b", "case.toml", "etc/localtime"]);
        assert_eq!(bundle.names, ["uac-db-linux"]);
        let zone = bundle.cases.first().and_then(|case| case.timezone);
        assert_eq!(zone, Some(chrono_tz::Tz::Asia__Tokyo));
    }

    #[test]
    fn the_case_file_names_hosts() {
        let case = "[[host]]\nname='outer'\npath='a'\n[[host]]\nname='inner'\npath='a/b'\n";
        let folder = make(&[
            ("case.toml", case),
            ("a/x", "x"),
            ("a/b/x", "x"),
            ("ab/x", "x"),
        ]);
        let got = hosts(folder.path(), &[]);
        let host = |path: &str| {
            got.iter()
                .find(|(other, _)| other == path)
                .and_then(|(_, host)| host.clone())
        };
        assert_eq!(host("a/x").as_deref(), Some("outer"));
        assert_eq!(host("a/b/x").as_deref(), Some("inner"));
        assert_eq!(host("ab/x"), None);
    }

    #[test]
    fn what_is_not_there_says_what_to_give() {
        let empty = TempDir::new().expect("a folder");
        let message = |path: &Path| {
            Bundle::open(&[path.to_owned()])
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(message(empty.path()).contains("holds no file"));
        assert!(message(&empty.path().join("no")).contains("no such file"));
    }
}
