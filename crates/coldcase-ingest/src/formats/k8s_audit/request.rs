//! What a request says beside its verb: the parameters of its address, and of its body what an analyst needs.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json::{flag, get, text, texts};

/// Bodies that are larger are not looked into: the store takes 1.5 MiB at most.
const MAX_BODY: usize = 4 << 20;
/// Most entries of a list shown.
const MOST: usize = 32;
/// Longest text shown.
const MAX_TEXT: usize = 1 << 10;

/// All values of a parameter in a request's address, decoded.
pub fn parameters<'a>(uri: &'a str, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter_map(move |pair| pair.split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| decode(value))
}

/// Undoes percent-encoding; what is no code stays as it is.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let code = || {
            let mut rest = bytes.clone();
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        };
        match byte {
            b'+' => out.push(b' '),
            b'%' => match code() {
                Some(code) => {
                    out.push(code);
                    bytes.nth(1);
                }
                None => out.push(b'%'),
            },
            other => out.push(other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// A body as a value, if its kind of resource is one that is looked into.
pub fn body(resource: &str, subresource: Option<&str>, raw: Option<&RawValue>) -> Option<Value> {
    let telling = matches!(
        resource,
        "pods"
            | "deployments"
            | "daemonsets"
            | "statefulsets"
            | "replicasets"
            | "replicationcontrollers"
            | "jobs"
            | "cronjobs"
            | "podtemplates"
            | "rolebindings"
            | "clusterrolebindings"
    );
    let whole = matches!(subresource, None | Some("ephemeralcontainers"));
    let raw = raw.filter(|raw| telling && whole && raw.get().len() <= MAX_BODY)?;
    serde_json::from_str(raw.get())
        .ok()
        .filter(Value::is_object)
}

/// The name that an object has, or was given by the server.
pub fn name(raw: Option<&RawValue>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        metadata: Name,
    }
    #[derive(serde::Deserialize)]
    struct Name {
        name: String,
    }
    let named: Named = serde_json::from_str(raw?.get()).ok()?;
    Some(named.metadata.name).filter(|name| !name.is_empty() && name.len() <= MAX_TEXT)
}

/// The first image of a body.
pub fn image(body: &Value) -> Option<&str> {
    containers(pod_spec(body)?).find_map(|one| text(one, &["image"]))
}

/// What of a body the row shows; `None` where nothing tells.
pub fn summary(body: &Value) -> Option<Value> {
    let mut shown = Map::new();
    if let Some(schedule) = text(body, &["spec", "schedule"]) {
        shown.insert("schedule".to_owned(), cut(schedule));
    }
    if let Some(spec) = pod_spec(body) {
        describe_pod(spec, &mut shown);
    }
    if let Some(role) = text(body, &["roleRef", "name"]) {
        shown.insert("role".to_owned(), cut(role));
    }
    let subjects = list(body, "subjects").map(|one| {
        let namespace = text(one, &["namespace"]).map_or(String::new(), |name| format!("{name}/"));
        let kind = text(one, &["kind"]).unwrap_or("?");
        format!("{kind} {namespace}{}", text(one, &["name"]).unwrap_or("?"))
    });
    insert_list(&mut shown, "subjects", subjects);
    (!shown.is_empty()).then_some(Value::Object(shown))
}

/// A pod's specification, of a pod or of what makes pods.
fn pod_spec(body: &Value) -> Option<&Value> {
    get(body, &["spec", "jobTemplate", "spec", "template", "spec"])
        .or_else(|| get(body, &["spec", "template", "spec"]))
        .or_else(|| get(body, &["template", "spec"]))
        .or_else(|| get(body, &["spec"]))
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = get(value, &[name]).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|name| list(spec, name))
}

fn describe_pod(spec: &Value, shown: &mut Map<String, Value>) {
    let images = containers(spec).filter_map(|one| text(one, &["image"]).map(str::to_owned));
    insert_list(shown, "images", images);
    let commands = containers(spec).filter_map(|one| {
        let mut words = texts(one, &["command"]);
        words.extend(texts(one, &["args"]));
        (!words.is_empty()).then(|| words.join(" "))
    });
    insert_list(shown, "commands", commands);
    let paths = list(spec, "volumes").filter_map(|one| text(one, &["hostPath", "path"]));
    insert_list(shown, "host_paths", paths.map(str::to_owned));
    let privileged = |one| flag(one, &["securityContext", "privileged"]) == Some(true);
    if containers(spec).any(privileged) {
        shown.insert("privileged".to_owned(), Value::Bool(true));
    }
    for (name, field) in [
        ("host_network", "hostNetwork"),
        ("host_pid", "hostPID"),
        ("host_ipc", "hostIPC"),
    ] {
        if flag(spec, &[field]) == Some(true) {
            shown.insert(name.to_owned(), Value::Bool(true));
        }
    }
    let added =
        containers(spec).flat_map(|one| texts(one, &["securityContext", "capabilities", "add"]));
    insert_list(shown, "capabilities", added.map(str::to_owned));
    for (name, field) in [
        ("service_account", "serviceAccountName"),
        ("node", "nodeName"),
    ] {
        if let Some(value) = text(spec, &[field]) {
            shown.insert(name.to_owned(), cut(value));
        }
    }
}

fn insert_list(shown: &mut Map<String, Value>, name: &str, values: impl Iterator<Item = String>) {
    let values: Vec<Value> = values.take(MOST).map(|value| cut(&value)).collect();
    if !values.is_empty() {
        shown.insert(name.to_owned(), Value::Array(values));
    }
}

fn cut(text: &str) -> Value {
    let end = text.floor_char_boundary(MAX_TEXT);
    Value::String(text.get(..end).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let check = |uri: &str, expected: &[&str]| {
            let got: Vec<_> = parameters(uri, "command").collect();
            assert_eq!(got, expected, "{uri}");
        };
        check(
            "/exec?command=%2Fbin%2Fsh&container=c&command=-c&command=id+-u",
            &["/bin/sh", "-c", "id -u"],
        );
        check("/exec?xcommand=1&command", &[]);
        check(
            "/exec?command=100%&command=%zz&command=%ff",
            &["100%", "%zz", "\u{fffd}"],
        );
        check("/exec", &[]);
    }
}
