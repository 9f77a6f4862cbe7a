//! Images that an engine holds: `docker images`, `podman images`, `nerdctl images`, `crictl images`, `ctr images ls`; with
//! `--digests`, `--no-trunc`, `-a`, and `docker image ls --format json`.
//!
//! **Recognised** by the header (`REPOSITORY TAG IMAGE ID`, crictl's `IMAGE TAG IMAGE ID SIZE`, `REF TYPE DIGEST SIZE`,
//! `IMAGE ID DISK USAGE`), also behind a prompt, or by JSON lines with `Repository`, `Tag` and `ID`.
//!
//! ```text
//! REPOSITORY      TAG       IMAGE ID       CREATED       SIZE
//! shop/web        2.1       258e10a16a3a   3 weeks ago   640MB
//! <none>          <none>    34c167d900af   5 days ago    205MB
//! ```
//!
//! **Rows**: `image-listed` at the moment of collection; `image` is `repository:tag`, `repository@digest` without a tag,
//! and the id where neither is there (`<none>`). `age_seconds` is the age of the image's build, not of its pull, as
//! shown, and `age_unit_seconds` how coarse it is. Sizes are rounded by the tools, so that only `size_text` is
//! given; `size` where a tool shows bytes.
//!
//! **Not read**: `docker history`, `-q`. Lists with `RepoTags` (the API, podman's JSON) are docker-inspect's.
//!
//! Sources: docker/cli `cli/command/formatter/image.go`, podman `cmd/podman/images/list.go`, cri-tools
//! `cmd/crictl/image.go`, containerd `cmd/ctr/commands/images`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};
use serde_json::Value;

use super::super::docker_inspect::instant_of;
use super::ago::Age;
use super::containers::describe_age;
use super::tables::{self, Kind};
use crate::json::{each_value, outline, text};
use crate::table::Cells;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "docker-images",
    title: "docker, podman, nerdctl, crictl and ctr tables of images",
    source: include_str!("images.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    match probe.outline() {
        Some(outline) => match outline.count(&["Repository", "Tag", "ID"]) {
            3 if outline.text_lines == 0 => Sniff::Sure,
            3 => Sniff::Likely,
            _ => Sniff::No,
        },
        None => tables::sniff(probe, &[Kind::Images]),
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut head = Vec::new();
    super::read_head(&mut input.reader, &mut head)?;
    let is_json = outline(&head).is_some();
    let whole = std::io::Read::chain(head.as_slice(), &mut input.reader);
    match is_json {
        true => ingest_json(whole, input.clock, sink)?,
        false => tables::ingest(whole, input.clock, sink)?,
    }
    Ok(None)
}

fn ingest_json(
    reader: impl std::io::Read,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    each_value(reader, sink, None, |value, line, sink| {
        if text(value, &["ID"]).is_none() {
            return sink.skip(Place::Line(line), "an object that is no image");
        }
        sink.event(&json_event(value, line, clock));
        sink.used(1);
    })
}

/// Whether cells are those of an image.
pub fn fits(cells: &Cells<'_, '_>) -> bool {
    let is_word = |text: &str| !text.contains(' ');
    let named = cells.any(&["REPOSITORY", "IMAGE", "REF"]);
    if !named.is_some_and(is_word) || cells.get("TAG").is_some_and(|tag| !is_word(tag)) {
        return false;
    }
    if let Some(created) = cells.get("CREATED")
        && Age::read(created).is_none()
        && created != "N/A"
    {
        return false;
    }
    let id = cells.any(&["IMAGE ID", "ID", "DIGEST"]);
    id.is_some_and(|id| {
        let bare = id.strip_prefix("sha256:").unwrap_or(id);
        bare.len() >= 4 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) || id == "<none>"
    })
}

fn known(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !matches!(*text, "<none>" | "N/A" | "<missing>"))
}

/// What an image is called.
fn reference<'a>(
    repository: Option<&'a str>,
    tag: Option<&str>,
    digest: Option<&str>,
    id: Option<&'a str>,
) -> Option<Cow<'a, str>> {
    match (repository, tag, digest) {
        (Some(repository), Some(tag), _) => Some(format!("{repository}:{tag}").into()),
        (Some(repository), None, Some(digest)) => Some(format!("{repository}@{digest}").into()),
        _ => id.map(Cow::Borrowed),
    }
}

fn describe_digest(repository: Option<&str>, digest: Option<&str>, attributes: &mut Attributes) {
    if let Some(digest) = digest {
        let whole = match repository {
            Some(repository) => format!("{repository}@{digest}"),
            None => digest.to_owned(),
        };
        attributes.texts("repo_digests", [whole]);
    }
}

/// An image of a table.
pub fn event<'a>(cells: &Cells<'_, 'a>, line: u64, clock: &Clock) -> Event<'a> {
    let id = known(cells.any(&["IMAGE ID", "ID"]));
    let digest = known(cells.get("DIGEST"));
    let tag = known(cells.get("TAG"));
    let whole = known(cells.get("REF"))
        .or_else(|| known(cells.get("IMAGE")).filter(|_| cells.get("TAG").is_none()));
    let repository = known(cells.any(&["REPOSITORY", "IMAGE"])).filter(|_| whole.is_none());
    let image = match whole {
        Some(whole) => Some(Cow::Borrowed(whole)),
        None => reference(repository, tag, digest, id),
    };
    let mut attributes = Attributes::new();
    attributes.text_if("id", id);
    if image.as_deref() == id {
        attributes.text_if("repository", repository);
    }
    describe_digest(repository, digest, &mut attributes);
    describe_age(cells, &mut attributes);
    let size = cells.any(&["SIZE", "VIRTUAL SIZE", "DISK USAGE"]);
    attributes.text_if("size_text", size);
    attributes.text_if("platform", cells.any(&["PLATFORM", "PLATFORMS"]));
    Event {
        when: clock.collected(),
        message: Some(format!("image {}", image.as_deref().unwrap_or("?")).into()),
        image,
        attributes: attributes.finish().map(Into::into),
        line: Some(line),
        ..Event::new(action::IMAGE_LISTED)
    }
}

/// An image of `--format json`.
fn json_event(value: &Value, line: u64, clock: &Clock) -> Event<'static> {
    let field = |name: &str| known(text(value, &[name]));
    let (id, digest) = (field("ID"), field("Digest"));
    let image = reference(field("Repository"), field("Tag"), digest, id);
    let mut attributes = Attributes::new();
    attributes.text_if("id", id);
    if image.as_deref() == id {
        attributes.text_if("repository", field("Repository"));
    }
    describe_digest(field("Repository"), digest, &mut attributes);
    if let Some(created) = field("CreatedAt").map(instant_of)
        && let Some(created) = created.when(clock)
    {
        attributes.text("created", &created.ts.to_string());
    }
    if let Some(since) = field("CreatedSince") {
        let age = Age::of(since);
        attributes
            .text("created_text", since)
            .number_if("age_seconds", age.map(|age| age.seconds))
            .number_if("age_unit_seconds", age.map(|age| age.unit_seconds));
    }
    attributes.text_if("size_text", field("Size").or(field("VirtualSize")));
    Event {
        when: clock.collected(),
        message: Some(format!("image {}", image.as_deref().unwrap_or("?")).into()),
        image: image.map(|image| Cow::Owned(image.into_owned())),
        attributes: attributes.finish().map(Into::into),
        line: Some(line),
        ..Event::new(action::IMAGE_LISTED)
    }
}
