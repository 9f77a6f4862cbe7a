//! CoreDNS's logs, one of each pod, as the runtime keeps them.

use super::lookups::{self, HOURS, Lookup};
use super::{Bundle, Scene, cluster};

/// Writes the logs of both resolvers: each client asks the one of its node.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let pods = cluster::pods(scene);
    let asked = lookups::of(scene, &pods);
    for (number, node) in scene.names.nodes.iter().enumerate() {
        let prefix = scene.names.pod(number, 0);
        let prefix = prefix.trim_end_matches('0').to_owned();
        let Some(own) = pods
            .iter()
            .find(|pod| pod.node == number && pod.name.starts_with("coredns"))
        else {
            continue;
        };
        let mut dice = scene.dice(&own.name);
        let lines = asked.iter().filter(|one| one.client.starts_with(&prefix));
        let text: String = lines.map(|one| line(scene, one)).collect();
        let start = scene
            .clock
            .engine(scene.clock.collected() - HOURS * 3600 - 30, 1_200_300);
        let head = format!(
            "{start} stdout F .:53\n{start} stdout F CoreDNS-1.10.1\n{start} stdout F linux/amd64, go1.20, 055b2c3\n"
        );
        let loop_test = format!(
            "{start} stdout F [INFO] 127.0.0.1:34964 - 27527 \"HINFO IN 6241168687429128458.6605559842565932817. udp 57 false 512\" NXDOMAIN qr,rd,ra 132 0.078033358s\n"
        );
        let path = format!(
            "var/log/containers/{}_kube-system_coredns-{}.log",
            own.name,
            dice.hex(64)
        );
        bundle.add(&node.name, &path, head + &loop_test + &text);
    }
}

fn line(scene: &Scene, one: &Lookup) -> String {
    let stamp = scene.clock.engine(one.at, one.millis * 1_000_000 + 417);
    let Lookup {
        client,
        name,
        kind,
        code,
        id,
        port,
        ..
    } = one;
    let flags = if name.ends_with("cluster.local") {
        "qr,aa,rd"
    } else {
        "qr,rd,ra"
    };
    let size = name.len() + 18;
    format!(
        "{stamp} stdout F [INFO] {client}:{port} - {id} \"{kind} IN {name}. udp {size} false 512\" {code} {flags} {} 0.000428946s\n",
        size + 40
    )
}
