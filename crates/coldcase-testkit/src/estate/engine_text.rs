//! The engine's words: `docker ps -a`, `docker images`, `docker events`, `docker info`, a service's log.

use super::Scene;
use super::clock::Seconds;
use super::dice::Dice;
use super::engine::Container;

/// `docker ps -a --no-trunc` is rarely typed: the short form.
pub(super) fn listed(scene: &Scene, containers: &[Container]) -> String {
    let wide = containers.iter().map(|one| one.image.len() + 3).max();
    let wide = wide.unwrap_or(9);
    let mut text = format!(
        "{:<15}{:<wide$}{:<25}{:<22}{:<28}{:<24}NAMES\n",
        "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS"
    );
    let now = scene.clock.collected();
    for one in containers {
        let command = format!("\"{}\"", shortened(&one.command.join(" "), 20));
        let state = match one.ended {
            Some(ended) => format!("Exited ({}) {} ago", ended.code, ago(now - ended.at)),
            None => format!("Up {}", ago(now - one.created)),
        };
        let image = &one.image;
        let created = format!("{} ago", ago(now - one.created));
        let ports = if one.name == "shop-api" {
            "0.0.0.0:8090->8090/tcp"
        } else {
            ""
        };
        text.push_str(&format!(
            "{:<15}{image:<wide$}{command:<25}{created:<22}{state:<28}{ports:<24}{}\n",
            one.short(),
            one.name
        ));
    }
    text
}

fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width - 1).collect();
    format!("{kept}…")
}

fn ago(seconds: Seconds) -> String {
    match seconds {
        ..120 => "About a minute".to_owned(),
        120..3600 => format!("{} minutes", seconds / 60),
        3600..172_800 => format!("{} hours", (seconds / 3600).max(2)),
        172_800..1_209_600 => format!("{} days", seconds / 86_400),
        1_209_600..5_184_000 => format!("{} weeks", seconds / 604_800),
        _ => format!("{} months", seconds / 2_592_000),
    }
}

/// `docker images`.
pub(super) fn images(scene: &Scene, containers: &[Container]) -> String {
    let wide = containers.iter().map(|one| one.image.len() + 3).max();
    let wide = wide.unwrap_or(12);
    let mut text = format!(
        "{:<wide$}{:<18}{:<15}{:<16}SIZE\n",
        "REPOSITORY", "TAG", "IMAGE ID", "CREATED"
    );
    let mut images: Vec<&str> = containers.iter().map(|one| one.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    let mut dice = scene.dice("images");
    for image in images {
        let (name, tag) = match image.split_once('@') {
            Some((name, _)) => (name, "<none>"),
            None => image.rsplit_once(':').unwrap_or((image, "latest")),
        };
        let id = Dice::new(3, image).hex(12);
        let (months, size) = (dice.between(2, 11), dice.between(40, 900));
        text.push_str(&format!(
            "{name:<wide$}{tag:<18}{id:<15}{:<16}{size}MB\n",
            format!("{months} months ago")
        ));
    }
    text
}

/// `docker events --since`: jobs of the last hours, and one that runs at night with `--rm`.
pub(super) fn events(scene: &Scene, jobs: &[Container], there: &[Container]) -> String {
    let mut lines: Vec<(Seconds, String)> = Vec::new();
    let mut event = |at: Seconds, what: &str, one: &Container, more: &str| {
        let stamp = scene.clock.iso(at, 117_204).replace("117204", "117204301");
        let line = format!(
            "{stamp} container {what} {} ({more}image={}, name={})\n",
            one.id, one.image, one.name
        );
        lines.push((at, line));
    };
    for one in jobs {
        let lasts = one.ended.map(|ended| (ended.at, ended.code));
        event(one.created, "create", one, "");
        event(one.created + 1, "start", one, "");
        if let Some((at, code)) = lasts {
            event(at, "die", one, &format!("exitCode={code}, "));
            event(at + 1, "destroy", one, "");
        }
    }
    let mut dice = scene.dice("night job");
    for day in 0..scene.clock.days {
        let at = scene.clock.at(day, 2, 30, 3);
        let image = format!("{}/ops/cleanup:3", scene.names.registry);
        let one = Container::new(&mut dice, &format!("cleanup-{day}"), &image, "/cleanup.sh");
        event(at, "create", &one, "");
        event(at + 1, "start", &one, "");
        event(at + 60, "die", &one, "exitCode=0, ");
        event(at + 61, "destroy", &one, "");
    }
    for one in there.iter().filter(|one| one.name == "reports-old") {
        if let Some(ended) = one.ended {
            event(ended.at - 1, "kill", one, "signal=15, ");
            event(ended.at, "die", one, "exitCode=143, ");
            event(ended.at, "stop", one, "");
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// `docker info`.
pub(super) fn info(scene: &Scene, count: usize) -> String {
    let names = &scene.names;
    format!(
        "Client:\n Version:    24.0.7\n Context:    default\n Debug Mode: false\n\nServer:\n Containers: {count}\n  Running: {}\n  Paused: 0\n  Stopped: 5\n Images: 12\n Server Version: 24.0.7\n Storage Driver: overlay2\n  Backing Filesystem: extfs\n Logging Driver: json-file\n Cgroup Driver: systemd\n Cgroup Version: 2\n Swarm: inactive\n Default Runtime: runc\n Security Options:\n  apparmor\n  seccomp\n   Profile: builtin\n Kernel Version: 5.15.0-91-generic\n Operating System: Ubuntu 22.04.3 LTS\n OSType: linux\n Architecture: x86_64\n CPUs: 16\n Total Memory: 62.8GiB\n Name: {}\n Docker Root Dir: /var/lib/docker\n Debug Mode: false\n Insecure Registries:\n  {}\n  127.0.0.0/8\n Live Restore Enabled: false\n",
        count.saturating_sub(5),
        names.runner.name,
        names.registry
    )
}

/// A service's log as the engine's json-file driver keeps it.
pub(super) fn service_log(scene: &Scene) -> String {
    let mut dice = scene.dice("service log");
    let mut text = String::new();
    let mut at = scene.clock.collected() - 86_400;
    while at < scene.clock.collected() {
        let line = match dice.between(0, 8) {
            0 => "WARN  retrying call to pricing, attempt 2".to_owned(),
            1 => "INFO  flushed 250 rows".to_owned(),
            _ => format!(
                "INFO  GET /orders/{} 200 {} ms",
                dice.between(1000, 9999),
                dice.between(3, 90)
            ),
        };
        let stamp = scene.clock.engine(at, dice.between(0, 999_999_999));
        text.push_str(&format!(
            "{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"{stamp}\"}}\n"
        ));
        at += dice.between(60, 300);
    }
    text
}
