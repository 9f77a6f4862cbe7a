//! Networks: `docker network inspect`, `podman network inspect`. One row a member container, or one for the
//! network itself where it shows none.

use coldcase_model::{Attributes, Event, action, canonical_ip};
use serde_json::Value;

use crate::Clock;
use crate::json::{flag, get, text};

/// Most members shown of one network.
const MAX_MEMBERS: usize = 65_536;

/// The rows of a network.
pub fn events(line: u64, value: &Value, clock: &Clock) -> Vec<Event<'static>> {
    let either = |upper: &str, lower: &str| text(value, &[upper]).or_else(|| text(value, &[lower]));
    let name = either("Name", "name").unwrap_or("without a name");
    let id = either("Id", "id");
    let row = |message: String| {
        let mut event = Event::new(action::NETWORK_LISTED);
        event.when = clock.collected();
        event.line = Some(line);
        event.message = Some(message.into());
        let mut attributes = Attributes::new();
        attributes
            .text("network", name)
            .text_if("network_id", id)
            .text_if("driver", either("Driver", "driver"))
            .text_if("scope", text(value, &["Scope"]))
            .text_if("bridge", bridge(value));
        let (subnets, gateways) = subnets(value);
        if !subnets.is_empty() {
            attributes.texts("subnets", subnets);
        }
        if !gateways.is_empty() {
            attributes.texts("gateways", gateways);
        }
        if flag(value, &["Internal"]).or_else(|| flag(value, &["internal"])) == Some(true) {
            attributes.flag("internal", true);
        }
        (event, attributes)
    };
    let members = get(value, &["Containers"])
        .or_else(|| get(value, &["containers"]))
        .and_then(Value::as_object);
    let mut events = Vec::new();
    for (member_id, member) in members.into_iter().flatten().take(MAX_MEMBERS) {
        let container = text(member, &["Name"]).or_else(|| text(member, &["name"]));
        let container = container.map_or(member_id.as_str(), |name| name.trim_start_matches('/'));
        let addresses = addresses(member);
        let (mut event, mut attributes) = row(match addresses.first() {
            Some(address) => format!("container {container} has {address} in network {name}"),
            None => format!("container {container} is in network {name}"),
        });
        attributes.text("id", member_id);
        attributes.text_if("mac", text(member, &["MacAddress"]));
        if addresses.len() > 1 {
            attributes.texts("addresses", &addresses);
        }
        event.src_ip = addresses.into_iter().next().map(Into::into);
        event.container = Some(container.to_owned().into());
        event.attributes = attributes.finish().map(Into::into);
        events.push(event);
    }
    if events.is_empty() {
        let (mut event, attributes) = row(format!("network {name}"));
        event.attributes = attributes.finish().map(Into::into);
        events.push(event);
    }
    events
}

/// Subnets and gateways, in docker's or podman's words.
fn subnets(value: &Value) -> (Vec<&str>, Vec<&str>) {
    let docker = get(value, &["IPAM", "Config"]);
    let listed = docker.or_else(|| get(value, &["subnets"]));
    let listed = || listed.and_then(Value::as_array).into_iter().flatten();
    let all = |upper: &'static str, lower: &'static str| {
        listed()
            .filter_map(|one| text(one, &[upper]).or_else(|| text(one, &[lower])))
            .collect()
    };
    (all("Subnet", "subnet"), all("Gateway", "gateway"))
}

/// The bridge that the network has on the host.
fn bridge(value: &Value) -> Option<&str> {
    text(value, &["Options", "com.docker.network.bridge.name"])
        .or_else(|| text(value, &["network_interface"]))
}

/// A member's addresses without their prefix lengths.
fn addresses(member: &Value) -> Vec<String> {
    let docker = ["IPv4Address", "IPv6Address"];
    let docker = docker.iter().filter_map(|name| text(member, &[name]));
    let interfaces = get(member, &["interfaces"]).and_then(Value::as_object);
    let podman = interfaces
        .into_iter()
        .flat_map(|interfaces| interfaces.values())
        .filter_map(|interface| get(interface, &["subnets"])?.as_array())
        .flatten()
        .filter_map(|subnet| text(subnet, &["ipnet"]));
    docker
        .chain(podman)
        .filter_map(|text| canonical_ip(text.split('/').next()?))
        .map(|address| address.into_owned())
        .collect()
}
