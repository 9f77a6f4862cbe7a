//! The runner's containers: agents with power over the host, services of the private registry, jobs that come and go all day.

use serde_json::{Value, json};

use super::clock::Seconds;
use super::dice::Dice;
use super::{Bundle, Scene, engine_text};

/// How a container ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) at: Seconds,
    pub(super) code: i64,
    pub(super) for_memory: bool,
}

/// One container.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) command: Vec<String>,
    pub(super) created: Seconds,
    pub(super) ended: Option<Ended>,
    pub(super) restarts: i64,
    pub(super) binds: Vec<&'static str>,
    pub(super) privileged: bool,
    pub(super) host_pid: bool,
    pub(super) host_network: bool,
    pub(super) pid: i64,
}

impl Container {
    pub(super) fn new(dice: &mut Dice, name: &str, image: &str, command: &str) -> Self {
        Self {
            id: dice.hex(64),
            name: name.to_owned(),
            image: image.to_owned(),
            command: command.split(' ').map(str::to_owned).collect(),
            created: 0,
            ended: None,
            restarts: 0,
            binds: Vec::new(),
            privileged: false,
            host_pid: false,
            host_network: false,
            pid: dice.between(3000, 30_000),
        }
    }

    /// The first twelve digits of its id.
    pub(super) fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

/// Writes what an analyst collects from the engine.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let containers = containers(scene);
    add(scene, bundle, &containers);
    let host = scene.names.runner.name.as_str();
    let jobs = jobs(scene, 40);
    bundle.add(
        host,
        "docker_events.txt",
        engine_text::events(scene, &jobs, &containers),
    );
    bundle.add(
        host,
        "docker_info.txt",
        engine_text::info(scene, containers.len()),
    );
    bundle.add(host, "etc/docker/daemon.json", daemon(scene));
    for container in containers.iter().filter(|one| one.name == "shop-api") {
        let path = format!("containers/{0}/{0}-json.log", container.id);
        bundle.add(host, &path, engine_text::service_log(scene));
    }
}

/// Writes the files that list containers.
pub(super) fn add(scene: &Scene, bundle: &mut Bundle, containers: &[Container]) {
    let host = scene.names.runner.name.as_str();
    let all: Vec<Value> = containers
        .iter()
        .map(|container| inspected(scene, container))
        .collect();
    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
    bundle.add(host, "docker_inspect.json", text);
    bundle.add(
        host,
        "docker_ps_a.txt",
        engine_text::listed(scene, containers),
    );
    bundle.add(
        host,
        "docker_images.txt",
        engine_text::images(scene, containers),
    );
}

/// All containers that were there when the evidence was collected.
pub(super) fn containers(scene: &Scene) -> Vec<Container> {
    let mut all = agents(scene);
    all.extend(workloads(scene));
    all.extend(jobs(scene, 4));
    all
}

fn long_ago(scene: &Scene) -> Seconds {
    scene.clock.collected() - 71 * 86_400
}

fn agents(scene: &Scene) -> Vec<Container> {
    let mut dice = scene.dice("agents");
    let mut all = Vec::new();
    let mut agent = |name: &str, image: &str, command: &str, binds: &[&'static str]| {
        let mut one = Container::new(&mut dice, name, image, command);
        one.created = long_ago(scene) + dice.between(0, 4000);
        one.binds = binds.to_vec();
        all.push(one);
    };
    agent(
        "node-exporter",
        "prom/node-exporter:v1.7.0",
        "/bin/node_exporter --path.rootfs=/host",
        &["/:/host:ro,rslave"],
    );
    agent(
        "cadvisor",
        "gcr.io/cadvisor/cadvisor:v0.47.2",
        "/usr/bin/cadvisor -logtostderr",
        &[
            "/:/rootfs:ro",
            "/var/run:/var/run:rw",
            "/sys:/sys:ro",
            "/var/lib/docker/:/var/lib/docker:ro",
        ],
    );
    agent(
        "portainer",
        "portainer/portainer-ce:2.19.4",
        "/portainer",
        &[
            "/var/run/docker.sock:/var/run/docker.sock",
            "portainer_data:/data",
        ],
    );
    agent(
        "fluent-bit",
        "fluent/fluent-bit:2.2.0",
        "/fluent-bit/bin/fluent-bit -c /fluent-bit/etc/fluent-bit.conf",
        &[
            "/var/log:/var/log:ro",
            "/var/lib/docker/containers:/var/lib/docker/containers:ro",
        ],
    );
    agent(
        "filebeat",
        "docker.elastic.co/beats/filebeat:8.11.3",
        "filebeat -e --strict.perms=false",
        &[
            "/var/lib/docker/containers:/var/lib/docker/containers:ro",
            "/var/run/docker.sock:/var/run/docker.sock:ro",
        ],
    );
    agent(
        "gitlab-runner",
        "gitlab/gitlab-runner:v16.7.0",
        "gitlab-runner run --user=gitlab-runner",
        &[
            "/srv/gitlab-runner/config:/etc/gitlab-runner",
            "/var/run/docker.sock:/var/run/docker.sock",
        ],
    );
    agent(
        "ci-dind",
        "docker:24.0.7-dind",
        "dockerd-entrypoint.sh --tls=true",
        &["dind_certs:/certs"],
    );
    for one in &mut all {
        one.privileged = matches!(one.name.as_str(), "cadvisor" | "ci-dind");
        one.host_pid = one.name == "node-exporter";
        one.host_network = one.name == "node-exporter";
    }
    all
}

fn workloads(scene: &Scene) -> Vec<Container> {
    let mut dice = scene.dice("workloads");
    let (clock, names) = (&scene.clock, &scene.names);
    let registry = &names.registry;
    let digest = dice.hex(64);
    let mut api = Container::new(
        &mut dice,
        "shop-api",
        &format!("{registry}/shop/api@sha256:{digest}"),
        "java -jar /app.jar",
    );
    api.created = long_ago(scene) + 5000;
    let mut cache = Container::new(
        &mut dice,
        "cache",
        "redis:7-alpine",
        "docker-entrypoint.sh redis-server --save 60 1",
    );
    cache.created = long_ago(scene) + 6000;
    // Killed for memory and started again by its restart policy.
    let mut web = Container::new(
        &mut dice,
        "web-render",
        &format!("{registry}/shop/render:4.2"),
        "node server.js",
    );
    web.created = clock.collected() - 9 * 86_400;
    web.restarts = 3;
    // Stopped by hand in the evening before.
    let mut old = Container::new(
        &mut dice,
        "reports-old",
        &format!("{registry}/shop/reports:1.8"),
        "python -m reports.worker",
    );
    old.created = long_ago(scene) + 9000;
    old.ended = Some(Ended {
        at: clock.at(clock.days.saturating_sub(2), 19, 42, 10),
        code: 143,
        for_memory: false,
    });
    let mut killed = Container::new(
        &mut dice,
        "import-once",
        &format!("{registry}/shop/import:2.0"),
        "python import.py --full",
    );
    killed.created = clock.collected() - 3 * 86_400;
    killed.ended = Some(Ended {
        at: clock.collected() - 3 * 86_400 + 1900,
        code: 137,
        for_memory: true,
    });
    vec![api, cache, web, old, killed]
}

/// The last jobs of the runner before the collection.
pub(super) fn jobs(scene: &Scene, count: i64) -> Vec<Container> {
    let mut dice = scene.dice("jobs");
    let registry = &scene.names.registry;
    let mut all = Vec::new();
    for number in 0..count {
        let job = dice.between(400_000, 900_000);
        let name = format!(
            "runner-{}-project-{}-concurrent-0-build-{job}",
            dice.hex(8),
            number % 5 + 3
        );
        let image = match number % 4 {
            0 => format!("{registry}/ci/base:{}", dice.hex(8)),
            1 => "node:20-bookworm".to_owned(),
            2 => "golang:1.21".to_owned(),
            _ => format!("{registry}/ci/deploy:latest"),
        };
        let mut one = Container::new(&mut dice, &name, &image, "sh -c make test");
        one.created = scene.clock.collected() - number * 540 - dice.between(60, 300);
        one.ended = (number > 0).then(|| Ended {
            at: one.created + dice.between(40, 200),
            code: i64::from(dice.chance(15)),
            for_memory: false,
        });
        one.privileged = number % 4 == 3;
        one.binds = vec!["runner-cache:/cache"];
        all.push(one);
    }
    all
}

fn inspected(scene: &Scene, one: &Container) -> Value {
    let clock = &scene.clock;
    let started = one.created + 1 + if one.restarts > 0 { 86_400 * 5 } else { 0 };
    let finished = match (one.ended, one.restarts) {
        (Some(ended), _) => clock.engine(ended.at, 204_117_309),
        (None, 0) => "0001-01-01T00:00:00Z".to_owned(),
        (None, _) => clock.engine(started - 2, 881_044_120),
    };
    let mounts: Vec<Value> = one.binds.iter().map(|bind| mount(bind)).collect();
    json!({
        "Id": one.id,
        "Created": clock.engine(one.created, 496_968_074),
        "Path": one.command.first(),
        "Args": one.command.get(1..),
        "State": {
            "Status": if one.ended.is_some() { "exited" } else { "running" },
            "Running": one.ended.is_none(), "Paused": false, "Restarting": false,
            "OOMKilled": one.ended.is_some_and(|ended| ended.for_memory), "Dead": false,
            "Pid": if one.ended.is_some() { 0 } else { one.pid },
            "ExitCode": one.ended.map_or(0, |ended| ended.code), "Error": "",
            "StartedAt": clock.engine(started, 523_975_950), "FinishedAt": finished,
        },
        "Image": format!("sha256:{}", Dice::new(3, &one.image).hex(64)),
        "LogPath": format!("/var/lib/docker/containers/{0}/{0}-json.log", one.id),
        "Name": format!("/{}", one.name),
        "RestartCount": one.restarts,
        "Driver": "overlay2", "Platform": "linux",
        "HostConfig": {
            "Binds": one.binds,
            "NetworkMode": if one.host_network { "host" } else { "bridge" },
            "PortBindings": {},
            "RestartPolicy": {"Name": if one.restarts > 0 { "always" } else { "no" }, "MaximumRetryCount": 0},
            "AutoRemove": one.name.starts_with("runner-"),
            "CapAdd": null, "CapDrop": null, "IpcMode": "private",
            "PidMode": if one.host_pid { "host" } else { "" },
            "Privileged": one.privileged, "SecurityOpt": null, "Runtime": "runc", "Memory": 0,
        },
        "Mounts": mounts,
        "Config": {
            "Hostname": one.short(), "User": "", "Tty": false,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": one.command, "Image": one.image, "Entrypoint": null, "Labels": {},
        },
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": if one.host_network { "" } else { "172.17.0.9" }}}},
    })
}

fn mount(bind: &str) -> Value {
    let mut parts = bind.split(':');
    let (source, target) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let mode = parts.next().unwrap_or_default();
    json!({
        "Type": if source.starts_with('/') { "bind" } else { "volume" },
        "Source": source, "Destination": target, "Mode": mode,
        "RW": !mode.starts_with("ro"), "Propagation": "rprivate",
    })
}

fn daemon(scene: &Scene) -> String {
    format!(
        "{{\n  \"hosts\": [\"unix:///var/run/docker.sock\", \"tcp://127.0.0.1:2375\", \"tcp://{}:2376\"],\n  \"tlsverify\": true,\n  \"tlscacert\": \"/etc/docker/ca.pem\",\n  \"tlscert\": \"/etc/docker/cert.pem\",\n  \"tlskey\": \"/etc/docker/key.pem\",\n  \"insecure-registries\": [\"{}\"],\n  \"log-driver\": \"json-file\"\n}}\n",
        scene.names.runner.address, scene.names.registry
    )
}
