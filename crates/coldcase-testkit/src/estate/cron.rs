//! Scheduled work: cron's files, its log, units and timers.

use super::{Bundle, Scene};

const DAILY: [(i64, i64, &str); 5] = [
    (1, 30, "/usr/local/sbin/pg_dump_all.sh"),
    (
        2,
        0,
        "/usr/bin/rsync -a --delete /srv/ /mnt/snapshots/daily/",
    ),
    (3, 10, "/usr/sbin/logrotate /etc/logrotate.conf"),
    (4, 15, "/usr/bin/certbot renew -q"),
    (
        6,
        25,
        "test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily",
    ),
];

/// Writes crontabs, `cron.d`, units and the logs of cron.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    for machine in scene.names.collected() {
        let host = machine.name.as_str();
        bundle.add(host, "crontab_l.txt", crontab());
        bundle.add(host, "etc/cron.d/sysstat", "SHELL=/bin/sh\n5-55/10 * * * * root command -v debian-sa1 > /dev/null && debian-sa1 1 1\n59 23 * * * root command -v debian-sa1 > /dev/null && debian-sa1 60 2\n");
        bundle.add(host, "etc/cron.d/e2scrub_all", "30 3 * * 0 root test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/x86_64-linux-gnu/e2fsprogs/e2scrub_all_cron\n10 3 * * * root test -e /run/systemd/system || SERVICE_MODE=1 /sbin/e2scrub_all -A -r\n");
        bundle.add(host, "etc/systemd/system/node_exporter.service", "[Unit]\nDescription=Node Exporter\nAfter=network-online.target\n\n[Service]\nUser=nobody\nExecStart=/usr/local/bin/node_exporter --collector.systemd\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n");
    }
    bundle.add(&scene.names.database.name, "var/log/cron", log(scene));
}

fn crontab() -> String {
    let mut text = String::from("# m h  dom mon dow   command\nMAILTO=ops\n");
    for (hour, minute, command) in DAILY {
        text.push_str(&format!("{minute} {hour} * * * {command}\n"));
    }
    text.push_str("*/5 * * * * /usr/local/bin/check_disk.sh >/dev/null 2>&1\n");
    text
}

fn log(scene: &Scene) -> String {
    let clock = &scene.clock;
    let mut runs = Vec::new();
    for day in 0..clock.days {
        for (hour, minute, command) in DAILY {
            runs.push((clock.at(day, hour, minute, 1), command));
        }
    }
    let mut at = clock.begins();
    while at < clock.collected() {
        runs.push((at + 1, "/usr/local/bin/check_disk.sh >/dev/null 2>&1"));
        at += 1800;
    }
    runs.retain(|(at, _)| *at < clock.collected());
    runs.sort_unstable();
    let mut pid = 2400;
    let mut line = |(at, command): &(i64, &str)| {
        pid = if pid > 60_000 { 2400 } else { pid + 11 };
        let stamp = clock.syslog(at + scene.plan.database_ahead);
        let host = &scene.names.database.name;
        format!("{stamp} {host} CROND[{pid}]: (root) CMD ({command})\n")
    };
    runs.iter().map(&mut line).collect()
}
