//! What daemons write beside logins: the engine's restarts of links, the kernel's out-of-memory kills, agents that can't reach their server.

use super::login_records::{Records, Style};
use super::{Bundle, Scene};

/// Writes messages and syslog of some hosts.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let names = &scene.names;
    for (machine, style, base) in [
        (&names.database, Style::Dated, "var/log/messages"),
        (&names.runner, Style::Numbered, "var/log/syslog"),
        (&names.trainer, Style::Iso, "var/log/syslog"),
    ] {
        let ahead = if machine.name == names.database.name {
            scene.plan.database_ahead
        } else {
            0
        };
        let mut records = Records::new(&machine.name, ahead);
        let mut dice = scene.dice(&format!("services of {}", machine.name));
        let mut at = scene.clock.begins() + 40;
        let mut session = 100;
        while at < scene.clock.collected() {
            session += 1;
            records.say(
                at,
                "systemd",
                1,
                format!("Started Session {session} of User root."),
            );
            match dice.between(0, 12) {
                0 => records.say(at + 5, "kernel", 0, "docker0: port 3(veth12ab34c) entered forwarding state"),
                1 => records.say(at + 5, "zabbix_agentd", 1178, "active check configuration update from [127.0.0.1:10051] started to fail (cannot connect)"),
                2 => records.say(at + 5, "chronyd", 777, "Selected source 93.184.10.7"),
                _ => records.say(at + 5, "systemd", 1, "Finished Cleanup of Temporary Directories."),
            }
            at += dice.between(500, 1500);
        }
        for day in 0..scene.clock.days {
            let at = scene.clock.at(day, 3, 10, 1);
            records.say(at, "systemd", 1, "Starting Rotate log files...");
            records.say(at + 1, "systemd", 1, "logrotate.service: Succeeded.");
            if machine.name == names.runner.name && dice.chance(40) {
                let pid = dice.between(20_000, 30_000);
                let at = scene.clock.at(day, 13, 20, 3);
                records.say(at, "kernel", 0, format!("Memory cgroup out of memory: Killed process {pid} (node) total-vm:4194304kB, anon-rss:2097152kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4096kB oom_score_adj:0"));
            }
        }
        let until = scene.clock.collected() + ahead;
        for (name, text) in records.log_files(&scene.clock, style, base, until) {
            bundle.add(&machine.name, &name, text.replace("kernel[0]:", "kernel:"));
        }
    }
}
