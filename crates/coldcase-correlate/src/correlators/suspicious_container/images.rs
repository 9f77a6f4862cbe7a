//! Image references: who publishes an image, and whether the estate has had images of that publisher for long.

use std::collections::{BTreeMap, BTreeSet};

use super::publishers::{
    AGENTS, CALICO, HUB_NAMES, INSIDE, KNOWN_PUBLISHERS, PUBLIC_REGISTRIES, VENDOR_REGISTRIES,
};

/// Between an estate's own image and one that just came lie this many nanoseconds at least: one week, longer than an intruder
/// usually waits between the first container and the next.
pub(super) const ESTABLISHED_NS: i64 = 7 * 86_400 * 1_000_000_000;
/// A private registry that this many different images of the host are from is the estate's, new as the host may be...
const ESTABLISHED_IMAGES: usize = 3;
/// ...where they are at least this share of all, one in so many.
const ESTABLISHED_SHARE: usize = 4;

/// An image reference, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageName<'a> {
    registry: &'a str,
    /// Path in the registry, `library/` put before a bare name of Docker Hub.
    path: String,
    /// Whether it was written without any registry and namespace: official, or built on the host.
    bare: bool,
    /// Whether a tag or a digest was written.
    pub versioned: bool,
}

impl<'a> ImageName<'a> {
    /// The parts of a reference; nothing of an id, which names nobody.
    pub fn of(reference: &'a str) -> Option<Self> {
        let reference = reference.trim().trim_start_matches("docker://");
        if reference.is_empty() || is_id(reference) {
            return None;
        }
        let (name, digest) = match reference.split_once('@') {
            Some((name, _)) => (name, true),
            None => (reference, false),
        };
        let (first, rest) = name.split_once('/').unwrap_or(("", name));
        let is_registry = first.contains(['.', ':']) || first == "localhost";
        let (registry, path) = if is_registry {
            (first, rest)
        } else {
            ("docker.io", name)
        };
        let registry = if HUB_NAMES.contains(&registry) {
            "docker.io"
        } else {
            registry
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, _)) => (path, true),
            None => (path, false),
        };
        let bare = !path.contains('/') && registry == "docker.io";
        let path = if bare {
            format!("library/{path}")
        } else {
            path.to_lowercase()
        };
        Some(Self {
            registry,
            path,
            bare,
            versioned: tag || digest,
        })
    }

    /// Registry and path without the version: equal for all versions of one image.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.registry, self.path)
    }

    /// Who publishes: the registry, and where anybody may publish there the namespace.
    pub fn publisher(&self) -> String {
        if !PUBLIC_REGISTRIES.contains(&self.registry) {
            return self.registry.to_lowercase();
        }
        let namespace = self.path.split('/').next().unwrap_or_default();
        format!("{}/{namespace}", self.registry)
    }

    /// Last part of the path.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Official, built on the host, of a vendor or a widely used publisher, or of a registry that only the estate can reach.
    pub fn is_known(&self) -> bool {
        let namespace = self.path.split('/').next().unwrap_or_default();
        if PUBLIC_REGISTRIES.contains(&self.registry) {
            return self.bare || KNOWN_PUBLISHERS.contains(&namespace);
        }
        VENDOR_REGISTRIES.contains(&self.registry) || is_inside(self.registry)
    }

    /// Whether it is a program that is installed to look after its host.
    pub fn is_agent(&self, established: bool) -> bool {
        let agent = self.path.ends_with(CALICO) || AGENTS.contains(&self.name());
        agent && (self.is_known() || established)
    }
}

/// `sha256:...` or the hexadecimal beginning of it: which image, but not whose.
fn is_id(reference: &str) -> bool {
    let hex = reference.strip_prefix("sha256:").unwrap_or(reference);
    let long = reference.starts_with("sha256:") || matches!(hex.len(), 12 | 13 | 64);
    long && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Names and addresses of registries that don't exist outside of a network.
fn is_inside(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let last = host.rsplit('.').next().unwrap_or_default();
    crate::is_internal(host) || !host.contains('.') || INSIDE.contains(&last)
}

/// One sight of an image on a host: the latest moment at which it can have come there.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub host: String,
    pub repository: String,
    pub publisher: String,
    pub at: Option<i64>,
}

/// What images the estate has had, and since when.
#[derive(Debug, Default)]
pub(super) struct Estate {
    /// Oldest sight of each publisher.
    publishers: BTreeMap<String, i64>,
    /// Oldest sight of each repository, by host.
    repositories: BTreeMap<(String, String), i64>,
    /// Registries that the engine's own configuration names.
    configured: BTreeSet<String>,
    /// Publishers of most of a host's images.
    usual: BTreeSet<String>,
    /// Moments of all sights of a host, and of each repository on it, in order.
    times: BTreeMap<String, Vec<i64>>,
    times_of: BTreeMap<(String, String), Vec<i64>>,
}

impl Estate {
    /// From all sights, and the registries that engines are configured with.
    pub fn of(sights: &[Sight], configured: BTreeSet<String>) -> Self {
        let mut estate = Self {
            configured,
            ..Self::default()
        };
        let mut by_host: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for sight in sights {
            let of_host = by_host.entry(&sight.host).or_default();
            of_host
                .entry(&sight.publisher)
                .or_default()
                .insert(&sight.repository);
            let Some(at) = sight.at else { continue };
            let oldest = estate
                .publishers
                .entry(sight.publisher.clone())
                .or_insert(at);
            *oldest = at.min(*oldest);
            let key = (sight.host.clone(), sight.repository.clone());
            estate.times.entry(sight.host.clone()).or_default().push(at);
            estate.times_of.entry(key.clone()).or_default().push(at);
            let oldest = estate.repositories.entry(key).or_insert(at);
            *oldest = at.min(*oldest);
        }
        let times = estate
            .times
            .values_mut()
            .chain(estate.times_of.values_mut());
        times.for_each(|times| times.sort_unstable());
        for publishers in by_host.values() {
            let all: usize = publishers.values().map(BTreeSet::len).sum();
            let usual = publishers.iter().filter(|(name, images)| {
                let private = !name.contains('/');
                private
                    && images.len() >= ESTABLISHED_IMAGES
                    && images.len() * ESTABLISHED_SHARE >= all
            });
            estate
                .usual
                .extend(usual.map(|(name, _)| (*name).to_owned()));
        }
        estate
    }

    /// Whether the estate had images of this publisher long before this moment, or by rule.
    pub fn is_established(&self, image: &ImageName<'_>, before: Option<i64>) -> bool {
        let publisher = image.publisher();
        let oldest = self.publishers.get(&publisher);
        let long = oldest
            .zip(before)
            .is_some_and(|(oldest, before)| before.saturating_sub(*oldest) >= ESTABLISHED_NS);
        long || self.usual.contains(&publisher) || self.configured.contains(&publisher)
    }

    /// How many sights of other images the host has, and how many of them are older than this.
    pub fn others(&self, host: &str, image: &ImageName<'_>, before: i64) -> (usize, usize) {
        let count = |times: Option<&Vec<i64>>| {
            let times = times.map_or(&[][..], Vec::as_slice);
            (times.len(), times.partition_point(|at| *at <= before))
        };
        let (all, old) = count(self.times.get(host));
        let (own, own_old) = count(self.times_of.get(&(host.to_owned(), image.repository())));
        (all.saturating_sub(own), old.saturating_sub(own_old))
    }

    /// When the image was first on this host, as far as the evidence shows.
    pub fn first_on(&self, host: &str, image: &ImageName<'_>) -> Option<i64> {
        self.repositories
            .get(&(host.to_owned(), image.repository()))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let check =
            |reference: &str, repository: &str, publisher: &str, known: bool, versioned: bool| {
                let image = ImageName::of(reference).expect(reference);
                let got = (
                    image.repository(),
                    image.publisher(),
                    image.is_known(),
                    image.versioned,
                );
                assert_eq!(
                    got,
                    (repository.into(), publisher.into(), known, versioned),
                    "{reference}"
                );
            };
        check(
            "nginx",
            "docker.io/library/nginx",
            "docker.io/library",
            true,
            false,
        );
        check(
            "busybox:latest",
            "docker.io/library/busybox",
            "docker.io/library",
            true,
            true,
        );
        check(
            "heybb/theimg2",
            "docker.io/heybb/theimg2",
            "docker.io/heybb",
            false,
            false,
        );
        check(
            "docker.io/heybb/theimg2:1",
            "docker.io/heybb/theimg2",
            "docker.io/heybb",
            false,
            true,
        );
        check(
            "index.docker.io/prom/node-exporter@sha256:00",
            "docker.io/prom/node-exporter",
            "docker.io/prom",
            true,
            true,
        );
        check(
            "registry.corp:5000/a/b:1",
            "registry.corp:5000/a/b",
            "registry.corp:5000",
            true,
            true,
        );
        check(
            "harbor.example.com/x",
            "harbor.example.com/x",
            "harbor.example.com",
            false,
            false,
        );
        check(
            "10.0.0.5:5000/x",
            "10.0.0.5:5000/x",
            "10.0.0.5:5000",
            true,
            false,
        );
        check(
            "ghcr.io/someone/tool:2",
            "ghcr.io/someone/tool",
            "ghcr.io/someone",
            false,
            true,
        );
    }

    #[test]
    fn ids_name_nobody() {
        for id in ["660e89f31028", "sha256:660e89f31028", ""] {
            assert_eq!(ImageName::of(id), None, "{id}");
        }
    }

    #[test]
    fn agents_are_known_by_name_and_publisher() {
        let check = |reference: &str, expected: bool| {
            assert_eq!(
                ImageName::of(reference).expect("a name").is_agent(false),
                expected,
                "{reference}"
            );
        };
        check("prom/node-exporter:v1", true);
        check("docker.io/calico/node@sha256:00", true);
        check("quay.io/prometheus/node-exporter", true);
        check("prom1/node-exporter", false);
        check("node:18", false);
        check("docker:dind", true);
    }

    #[test]
    fn a_publisher_is_established_by_age_or_share() {
        let sight = |name: &str, at| {
            let image = ImageName::of(name).expect("a name");
            Sight {
                host: "h".into(),
                repository: image.repository(),
                publisher: image.publisher(),
                at,
            }
        };
        let estate = Estate::of(
            &[
                sight("acme/app", Some(0)),
                sight("hub.acme.com/a", None),
                sight("hub.acme.com/b", None),
                sight("hub.acme.com/c", None),
            ],
            BTreeSet::new(),
        );
        let is = |name: &str, before| {
            estate.is_established(&ImageName::of(name).expect("a name"), before)
        };
        assert!(is("acme/other", Some(ESTABLISHED_NS)));
        assert!(!is("acme/other", Some(ESTABLISHED_NS - 1)));
        assert!(!is("evil/other", Some(ESTABLISHED_NS)));
        assert!(is("hub.acme.com/d", None));
    }
}
