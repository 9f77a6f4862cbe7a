//! Services of a Kubernetes cluster and the endpoints behind them: `kubectl get services`, `endpoints`, `endpointslices`, as
//! tables (`-o wide`, `-A`, `--no-headers`) or as objects (`-o json`, `-o yaml`). They say which address is
//! which service: 10.96.0.10 is usually the cluster's DNS.
//!
//! **Recognised** are tables by `CLUSTER-IP` or `ENDPOINTS` in the header, also behind a prompt with the command; objects by their
//! kind, or by `spec.clusterIP`, `subsets`, `addressType` where a raw API list leaves it out.
//!
//! ```text
//! NAMESPACE     NAME       TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)                  AGE    SELECTOR
//! kube-system   kube-dns   ClusterIP   10.96.0.10   <none>        53/UDP,53/TCP,9153/TCP   140d   k8s-app=kube-dns
//! ```
//!
//! **Rows**: `service-endpoint-listed` at the moment of collection. `src_ip` is the service's cluster address; a headless
//! service has none (`headless`). `ports` are as kubectl shows them: `80:31234/TCP` is port 80, 31234 on each node. Endpoints are rows
//! of type `Endpoints` without `src_ip`; their `endpoints` are addresses, from objects with pod and node.
//!
//! **Limits**: a table shows three endpoints and how many more there are (`more`). Ages are as old as the table.
//!
//! Sources: kubectl's printers (`printers.go`), core/v1 and discovery.k8s.io/v1 API types.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};
use serde_json::Value;

use super::age::Age;
use super::objects::{Times, describe_age, shown};
use super::rows::Row;
use super::table::Kind;
use crate::json::{flag, get, number, text, texts};
use crate::{Clock, Format};

/// The format.
pub static SERVICES: Format = Format {
    id: "kubectl-services",
    title: "kubectl get services and endpoints, as table, JSON or YAML",
    source: include_str!("services.rs"),
    yearless: false,
    sniff: |probe| super::sniff(probe, Kind::Services),
    ingest: super::ingest,
    join: None,
};

/// Most endpoints of a service shown.
const MOST: usize = 64;

/// Whether a row has the shape of a service or of endpoints.
pub fn fits(row: &Row<'_>) -> bool {
    let address =
        |cell: &str| cell == "None" || cell.split(',').all(|ip| canonical_ip(ip).is_some());
    let port = |cell: &str| cell.starts_with(|first: char| first.is_ascii_digit());
    let aged = |cell: &str| Age::parse(cell).is_some();
    row.cell("CLUSTER-IP").is_none_or(address)
        && row.cell("PORT(S)").is_none_or(port)
        && row.cell("AGE").is_none_or(aged)
        && row.cell("TYPE").is_none_or(|cell| !cell.contains(' '))
}

/// Hands the row of a table to the sink.
pub fn emit_row(row: &Row<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let name = row.cell("NAME").unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name);
    let cluster = row.cell("CLUSTER-IP");
    let addresses: Vec<Cow<'_, str>> = cluster
        .into_iter()
        .flat_map(|cell| cell.split(','))
        .filter_map(canonical_ip)
        .collect();
    let endpoints = row.cell("ENDPOINTS");
    let mut attributes = Attributes::new();
    attributes.text("name", name);
    // Tables of services have one or both, those of endpoints neither.
    let kind = row.cell("TYPE").or(match cluster {
        Some(_) => None,
        None => Some("Endpoints"),
    });
    attributes.text_if("type", kind);
    let list =
        |cell: &str| -> Vec<String> { cell.split(',').map(|one| one.trim().to_owned()).collect() };
    if let Some(cell) = row.cell("EXTERNAL-IP").filter(|cell| *cell != "<pending>") {
        attributes.texts("external_ips", list(cell));
    }
    if let Some(cell) = row.any_cell(&["PORT(S)", "PORTS"]) {
        attributes.texts("ports", list(cell));
    }
    attributes.text_if("selector", row.cell("SELECTOR"));
    if cluster == Some("None") {
        attributes.flag("headless", true);
    }
    if let Some(cell) = endpoints {
        let (shown, more) = match cell.split_once(" + ") {
            Some((shown, more)) => (shown, more.split(' ').next()),
            None => (cell, None),
        };
        attributes.texts("endpoints", list(shown));
        attributes.number_if("more", more.and_then(|more| more.parse::<i64>().ok()));
    }
    if let Some(age) = row.cell("AGE").and_then(Age::parse) {
        attributes
            .number("age_seconds", age.seconds)
            .number("age_unit_seconds", age.unit_seconds);
    }
    let mut event = Event::new(action::SERVICE_ENDPOINT_LISTED);
    event.when = clock.collected();
    event.namespace = row.cell("NAMESPACE").or(row.namespace).map(Cow::Borrowed);
    emit(event, name, &addresses, attributes, line, sink);
}

fn emit<'e>(
    mut event: Event<'e>,
    name: &str,
    addresses: &'e [Cow<'e, str>],
    mut attributes: Attributes,
    line: u64,
    sink: &mut dyn Sink,
) {
    if addresses.len() > 1 {
        attributes.texts("addresses", addresses);
    }
    event.src_ip = addresses.first().map(|ip| Cow::Borrowed(&**ip));
    let namespace = event.namespace.as_deref();
    let namespace = namespace.map_or(String::new(), |namespace| format!("{namespace}/"));
    event.message = Some(Cow::Owned(match &event.src_ip {
        Some(ip) => format!("service {namespace}{name} at {ip}"),
        None => format!("service {namespace}{name} without an address of its own"),
    }));
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

/// Whether an object is a service or endpoints, also without its kind.
pub fn is_service(value: &Value) -> bool {
    let has = |path: &[&str]| get(value, path).is_some();
    match text(value, &["kind"]) {
        Some(kind) => {
            matches!(kind, "Service" | "Endpoints" | "EndpointSlice") && has(&["metadata"])
        }
        None => {
            has(&["metadata"])
                && (has(&["spec", "clusterIP"]) || has(&["subsets"]) || has(&["addressType"]))
        }
    }
}

/// Hands the row of an object to the sink.
pub fn emit_object(line: u64, value: &Value, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let name = text(value, &["metadata", "name"]).unwrap_or("?");
    let created = times.at(value, &["metadata", "creationTimestamp"]);
    let mut attributes = Attributes::new();
    attributes.text("name", name);
    let mut addresses: Vec<Cow<'_, str>> = Vec::new();
    if get(value, &["subsets"]).is_some() || get(value, &["endpoints"]).is_some() {
        attributes.text("type", "Endpoints");
        let service = text(value, &["metadata", "labels", "kubernetes.io/service-name"]);
        attributes.text_if("service", service);
        describe_endpoints(value, &mut attributes);
    } else {
        let cluster = text(value, &["spec", "clusterIP"]);
        for ip in cluster
            .into_iter()
            .chain(texts(value, &["spec", "clusterIPs"]))
        {
            match canonical_ip(ip) {
                Some(ip) if !addresses.contains(&ip) && addresses.len() < MOST => {
                    addresses.push(ip)
                }
                _ => {}
            }
        }
        describe_service(value, cluster == Some("None"), &mut attributes);
    }
    attributes.text_if("created", shown(created).as_deref());
    describe_age(created, times.clock, &mut attributes);
    let mut event = Event::new(action::SERVICE_ENDPOINT_LISTED);
    event.when = times.clock.collected();
    event.namespace = text(value, &["metadata", "namespace"]).map(Cow::Borrowed);
    emit(event, name, &addresses, attributes, line, sink);
}

fn describe_service(value: &Value, headless: bool, attributes: &mut Attributes) {
    attributes.text_if("type", text(value, &["spec", "type"]));
    let balancers = list(get(value, &["status", "loadBalancer", "ingress"]));
    let balancers = balancers.filter_map(|one| text(one, &["ip"]).or(text(one, &["hostname"])));
    let external: Vec<&str> = texts(value, &["spec", "externalIPs"])
        .into_iter()
        .chain(balancers)
        .chain(text(value, &["spec", "externalName"]))
        .take(MOST)
        .collect();
    if !external.is_empty() {
        attributes.texts("external_ips", external);
    }
    let ports = ports(get(value, &["spec", "ports"]));
    if !ports.is_empty() {
        attributes.texts("ports", ports);
    }
    let selector = get(value, &["spec", "selector"]).and_then(Value::as_object);
    let selector: Vec<String> = selector
        .into_iter()
        .flatten()
        .take(MOST)
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    if !selector.is_empty() {
        attributes.text("selector", &selector.join(","));
    }
    if headless {
        attributes.flag("headless", true);
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// Ports as kubectl shows them: `80:31234/TCP`.
fn ports(value: Option<&Value>) -> Vec<String> {
    let shown = list(value).take(MOST).filter_map(|one| {
        let port = number(one, &["port"])?;
        let node = number(one, &["nodePort"]).filter(|port| *port > 0);
        let node = node.map_or(String::new(), |port| format!(":{port}"));
        let protocol = text(one, &["protocol"]).unwrap_or("TCP");
        Some(format!("{port}{node}/{protocol}"))
    });
    shown.collect()
}

/// Endpoints of `subsets` (Endpoints) or `endpoints` (EndpointSlice).
fn describe_endpoints(value: &Value, attributes: &mut Attributes) {
    let one = |address: &str, holder: &Value, ready: Option<bool>| {
        let mut told = Attributes::new();
        told.text("address", address);
        let is_pod = text(holder, &["targetRef", "kind"]) == Some("Pod");
        let pod = text(holder, &["targetRef", "name"]).filter(|_| is_pod);
        told.text_if("pod", pod);
        told.text_if("node", text(holder, &["nodeName"]));
        if let Some(ready) = ready {
            told.flag("ready", ready);
        }
        told
    };
    let mut told = Vec::new();
    let mut all_ports = ports(get(value, &["ports"]));
    for subset in list(get(value, &["subsets"])).take(MOST) {
        for (name, ready) in [("addresses", true), ("notReadyAddresses", false)] {
            for holder in list(get(subset, &[name])) {
                if let Some(ip) = text(holder, &["ip"]) {
                    told.push(one(ip, holder, Some(ready)));
                }
                if told.len() >= MOST {
                    break;
                }
            }
        }
        all_ports.extend(ports(get(subset, &["ports"])));
    }
    for holder in list(get(value, &["endpoints"])).take(MOST) {
        let ready = flag(holder, &["conditions", "ready"]);
        for ip in texts(holder, &["addresses"]) {
            told.push(one(ip, holder, ready));
        }
    }
    told.truncate(MOST);
    all_ports.dedup();
    all_ports.truncate(MOST);
    if !all_ports.is_empty() {
        attributes.texts("ports", all_ports);
    }
    attributes.objects("endpoints", told);
}
