//! The bundle: a folder, an archive or single files, walked once; which host each artifact is from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use walkdir::WalkDir;

use crate::archive;
use crate::{Artifact, CaseFile, EvidenceError, HostSpec};

/// Folders that are parts of one host's collection, not hosts of their own.
const PARTS_OF_A_HOST: [&str; 34] = [
    "[root]",
    "audit",
    "bodyfile",
    "boot",
    "captures",
    "chkrootkit",
    "container_logs",
    "containers",
    "coredns",
    "docker",
    "etc",
    "hash_executables",
    "home",
    "journal",
    "kubectl",
    "live_response",
    "log",
    "logs",
    "network",
    "opt",
    "pcap",
    "pods",
    "proc",
    "prometheus",
    "root",
    "run",
    "sos_commands",
    "sos_logs",
    "srv",
    "sys",
    "system",
    "tmp",
    "usr",
    "var",
];

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
    _unpacked: Vec<TempDir>,
}

impl Bundle {
    /// Walks the paths given. Several paths get their name in front of their artifacts' paths.
    pub fn open(paths: &[PathBuf]) -> Result<Self, EvidenceError> {
        let mut bundle = Self {
            artifacts: Vec::new(),
            cases: Vec::new(),
            names: Vec::new(),
            warnings: Vec::new(),
            roots: Vec::new(),
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
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
        let folder = if metadata.is_dir() {
            Some(canonical.clone())
        } else if !metadata.is_file() {
            return Err(EvidenceError::NotAFile(path.to_owned()));
        } else if archive::is_archive(path) {
            let unpacked = archive::unpack(path)?;
            self.warnings.extend(
                unpacked
                    .warnings
                    .into_iter()
                    .map(|warning| format!("{}: {warning}", path.display())),
            );
            let folder = inner_folder(unpacked.folder.path(), strip_archive_endings(&name));
            self._unpacked.push(unpacked.folder);
            Some(folder)
        } else {
            None
        };
        let index = self.cases.len();
        let prefix = if several {
            self.free_prefix(&name)
        } else {
            String::new()
        };
        let before = self.artifacts.len();
        match &folder {
            Some(folder) => self.walk(folder, &prefix, index),
            None => self
                .artifacts
                .push(artifact(&canonical, format!("{prefix}{name}"), index)),
        }
        if self.artifacts.len() == before {
            return Err(EvidenceError::Empty(path.to_owned()));
        }
        let case = match folder
            .map(|folder| folder.join("case.toml"))
            .filter(|case| fs::symlink_metadata(case).is_ok_and(|metadata| metadata.is_file()))
        {
            Some(case) => {
                let text = fs::read_to_string(&case).map_err(|source| EvidenceError::Read {
                    path: case.clone(),
                    source,
                })?;
                CaseFile::parse(&text, &case)?
            }
            None => CaseFile::default(),
        };
        self.cases.push(case);
        self.names.push(strip_archive_endings(&name).to_owned());
        Ok(())
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

    fn walk(&mut self, folder: &Path, prefix: &str, index: usize) {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
                    let parts: Vec<_> = relative
                        .components()
                        .map(|part| part.as_os_str().to_string_lossy())
                        .collect();
                    self.artifacts.push(artifact(
                        entry.path(),
                        format!("{prefix}{}", parts.join("/")),
                        index,
                    ));
                }
                Err(error) => self.warnings.push(format!("not read: {error}")),
            }
        }
    }

    /// The host that an artifact is from. `recognised` are the top folders of its bundle that hold recognised
    /// artifacts.
    pub fn host_of<'a>(
        &'a self,
        artifact: &'a Artifact,
        recognised: &BTreeSet<String>,
    ) -> Option<&'a str> {
        let case = self.cases.get(artifact.bundle)?;
        if !case.hosts.is_empty() {
            return self.host_spec(artifact).map(|spec| spec.name.as_str());
        }
        let inside = self.inside(artifact);
        let top = inside.split_once('/').map(|(top, _)| top);
        let is_host = |top: &str| {
            recognised.contains(top)
                && !PARTS_OF_A_HOST.contains(&top.to_ascii_lowercase().as_str())
        };
        match top {
            Some(top) if is_host(top) => {
                let start = artifact.path.len() - inside.len();
                artifact.path.get(start..start + top.len())
            }
            _ if recognised.iter().any(|top| is_host(top)) => None,
            _ => self.names.get(artifact.bundle).map(String::as_str),
        }
    }

    /// The `[[host]]` that an artifact's path lies below; the longest path wins.
    pub fn host_spec(&self, artifact: &Artifact) -> Option<&HostSpec> {
        let inside = self.inside(artifact);
        let below = |path: &str| {
            path.is_empty()
                || inside
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let hosts = &self.cases.get(artifact.bundle)?.hosts;
        hosts
            .iter()
            .filter(|host| below(&host.path))
            .max_by_key(|host| host.path.len())
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

fn artifact(disk: &Path, path: String, bundle: usize) -> Artifact {
    let metadata = fs::symlink_metadata(disk);
    let unreadable = match &metadata {
        Ok(metadata) if metadata.is_symlink() => Some("a symbolic link: not followed".to_owned()),
        Ok(metadata) if !metadata.is_file() => Some("no regular file: not read".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let bytes = metadata.map_or(0, |metadata| metadata.len());
    Artifact {
        path,
        disk: disk.to_owned(),
        bytes,
        bundle,
        unreadable,
    }
}

/// An archive of one folder is that folder if it holds a `case.toml` or bears the archive's name; a lone
/// folder of another name is a host's.
fn inner_folder(root: &Path, name: &str) -> PathBuf {
    let entries: Vec<_> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    match entries.as_slice() {
        [only] if only.is_dir() && (only.join("case.toml").is_file() || only.ends_with(name)) => {
            only.clone()
        }
        _ => root.to_owned(),
    }
}

fn strip_archive_endings(name: &str) -> &str {
    let endings = [".tar.gz", ".tar.zst", ".tgz", ".tar", ".zip", ".gz", ".zst"];
    endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
