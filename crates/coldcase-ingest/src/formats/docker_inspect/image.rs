//! Images: `docker image inspect`, `podman image inspect`, `crictl inspecti`.

use coldcase_model::{Attributes, Event, Timestamp, action};
use serde_json::Value;

use super::container::command_line;
use super::instants::{Instant, of_value};
use crate::Clock;
use crate::json::{get, number, text, texts};

/// The row of an image, and whether its time could not be read.
pub fn events(line: u64, value: &Value, clock: &Clock) -> (Event<'static>, bool) {
    let status = get(value, &["status"]).unwrap_or(value);
    let spec = get(value, &["info", "imageSpec"]).unwrap_or(value);
    let either = |upper: &str, lower: &str| {
        let listed = texts(status, &[upper]);
        if listed.is_empty() {
            texts(status, &[lower])
        } else {
            listed
        }
    };
    let is_named = |name: &&str| !name.contains("<none>");
    let tags: Vec<&str> = either("RepoTags", "repoTags")
        .into_iter()
        .filter(is_named)
        .collect();
    let digests: Vec<&str> = either("RepoDigests", "repoDigests")
        .into_iter()
        .filter(is_named)
        .collect();
    let id = text(status, &["Id"]).or_else(|| text(status, &["id"]));
    let name = tags.first().or(digests.first()).copied().or(id);
    let created = get(spec, &["Created"]).or_else(|| get(spec, &["created"]));
    let created = of_value(created);

    let config = get(spec, &["Config"])
        .or_else(|| get(spec, &["config"]))
        .unwrap_or(&Value::Null);
    let words = |name: &str| texts(config, &[name]);
    let command = command_line(words("Entrypoint").into_iter().chain(words("Cmd")));
    let one = |upper: &str, lower: &str| text(spec, &[upper]).or_else(|| text(spec, &[lower]));
    let size = number(status, &["Size"]).or_else(|| number(status, &["size"]));

    let mut attributes = Attributes::new();
    attributes.text_if("id", id);
    if !tags.is_empty() {
        attributes.texts("repo_tags", &tags);
    }
    if !digests.is_empty() {
        attributes.texts("repo_digests", &digests);
    }
    attributes
        .number_if("size", size)
        .text_if("architecture", one("Architecture", "architecture"))
        .text_if("os", one("Os", "os"))
        .text_if("author", one("Author", "author"))
        .text_if("user", text(config, &["User"]))
        .text_if("docker_version", text(spec, &["DockerVersion"]))
        .text_if("tagged", tagged(value).as_deref());
    let mut event = Event::new(action::IMAGE_CREATED);
    event.when = created.when(clock);
    event.image = name.map(|name| name.to_owned().into());
    let unknown = match event.when {
        Some(_) => "",
        None => ", time unknown",
    };
    let shown = name.unwrap_or("without a name");
    event.message = Some(format!("image {shown} created{unknown}").into());
    event.command = command.map(Into::into);
    event.attributes = attributes.finish().map(Into::into);
    event.line = Some(line);
    (event, created == Instant::Unreadable)
}

/// When the engine last gave the image a name, in UTC: of a pulled image, when it came to the host.
fn tagged(image: &Value) -> Option<String> {
    let written = text(image, &["Metadata", "LastTagTime"])?;
    let at = Timestamp::parse_rfc3339(written)?;
    (at.seconds() > 0).then(|| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn when_an_image_was_named_is_in_utc() {
        let at = |text: &str| tagged(&json!({"Metadata": {"LastTagTime": text}}));
        assert_eq!(
            at("2021-03-18T11:49:33.5+08:00").as_deref(),
            Some("2021-03-18T03:49:33.500Z")
        );
        assert_eq!(at("0001-01-01T00:00:00Z"), None);
        assert_eq!(tagged(&json!({})), None);
    }
}
