//! Listings of files, histories of shells, keys, accounts.

use super::{Bundle, Scene};

/// Writes them.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let names = &scene.names;
    for machine in names.collected() {
        let host = machine.name.as_str();
        bundle.add(host, "find_ls.txt", listing(scene, host));
        bundle.add(host, "root/.ssh/authorized_keys", keys(scene));
        bundle.add(host, "etc/passwd", accounts(scene));
        bundle.add(host, "root/.bash_history", history(scene, host));
        // Accounts of services never type.
        bundle.add(host, "home/backup/.bash_history", "");
    }
    let trainer = names.trainer.name.as_str();
    bundle.add(trainer, "ls_proc_exe.txt", running(scene));
}

/// What changed: packages, units, rotated logs, keys by configuration management.
fn listing(scene: &Scene, host: &str) -> String {
    let clock = &scene.clock;
    let mut dice = scene.dice(&format!("files of {host}"));
    let upgraded = clock.at(clock.days / 3, 6, 31, 20);
    let managed = clock.at(clock.days / 2, 10, 31, 5);
    let rotated = clock.at(clock.days.saturating_sub(1), 3, 10, 2);
    let day = |at| clock.written(at, "%b %e %H:%M");
    let mut text = String::new();
    let mut file = |at: i64, mode: &str, size: i64, path: &str| {
        let (inode, blocks) = (dice.between(100_000, 9_000_000), size / 1024 + 4);
        text.push_str(&format!(
            "{inode:>9} {blocks:>6} {mode}   1 root     root     {size:>8} {} {path}\n",
            day(at)
        ));
    };
    for (index, path) in [
        "/usr/lib/systemd/system/ssh.service",
        "/etc/cron.d/e2scrub_all",
        "/usr/sbin/sshd",
        "/usr/bin/openssl",
        "/usr/lib/x86_64-linux-gnu/libssl.so.3",
        "/etc/init.d/ssh",
    ]
    .into_iter()
    .enumerate()
    {
        let seconds = i64::try_from(index).unwrap_or(0);
        file(
            upgraded + seconds,
            "-rwxr-xr-x",
            30_480 + seconds * 977,
            path,
        );
    }
    file(managed, "-rw-------", 1_210, "/root/.ssh/authorized_keys");
    file(
        managed + 3,
        "-rw-r--r--",
        402,
        "/etc/systemd/system/node_exporter.service",
    );
    file(rotated, "-rw-r-----", 1_204_112, "/var/log/app/app.log.1");
    file(rotated + 1, "-rw-r-----", 0, "/var/log/app/app.log");
    file(
        clock.collected() - 300,
        "-rw-r-----",
        88_120,
        "/var/log/syslog",
    );
    text
}

fn keys(scene: &Scene) -> String {
    let mut text = String::from("# managed by configuration management, changes are lost\n");
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for person in &scene.names.people {
        let key = scene.dice(person).text(LETTERS, 42);
        text.push_str(&format!(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK{key} {person}@{}\n",
            scene.names.domain
        ));
    }
    text
}

fn accounts(scene: &Scene) -> String {
    let mut text = String::from(
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbackup:x:34:34:backup:/var/backups:/usr/sbin/nologin\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n",
    );
    for (index, person) in scene.names.people.iter().enumerate() {
        text.push_str(&format!(
            "{person}:x:{0}:{0}:{person}:/home/{person}:/bin/bash\n",
            1001 + index
        ));
    }
    text
}

fn history(scene: &Scene, host: &str) -> String {
    let mut dice = scene.dice(&format!("history of {host}"));
    let typed = [
        "htop",
        "df -h",
        "jounralctl -u nginx",
        "journalctl -u nginx",
        "sudo sytemctl restart nginx",
        "systemctl restart nginx",
        "tail -f /var/log/syslog",
        "docker ps",
        "cd /etc/nginx && vim nginx.conf",
        "curl -s http://127.0.0.1:9100/metrics | head",
        "rm -rf /tmp/build-cache",
        "ls -la",
        "ss -antp",
        "apt-get update && apt-get upgrade -y",
        "kubectl get pods -A",
        "chmod +x deploy.sh",
        "crontab -e",
    ];
    let mut at = scene.clock.at(0, 10, 0, 0);
    let mut text = String::new();
    while at < scene.clock.collected() {
        text.push_str(&format!("#{at}\n{}\n", dice.pick(&typed)));
        at += dice.between(4_000, 40_000);
    }
    text
}

/// Daemons whose packages were upgraded under them, and a kernel's thread, which has no executable.
fn running(scene: &Scene) -> String {
    let stamp = scene.clock.written(scene.clock.collected(), "%b %e %H:%M");
    let mut text =
        format!("lrwxrwxrwx 1 root root 0 {stamp} /proc/1/exe -> /usr/lib/systemd/systemd\n");
    for (pid, exe) in [
        (701, "/usr/sbin/cron"),
        (777, "/usr/sbin/chronyd (deleted)"),
        (811, "/usr/sbin/sshd (deleted)"),
        (1178, "/usr/sbin/zabbix_agentd"),
        (9921, "/opt/conda/bin/python3.10 (deleted)"),
    ] {
        text.push_str(&format!(
            "lrwxrwxrwx 1 root root 0 {stamp} /proc/{pid}/exe -> {exe}\n"
        ));
    }
    text
}
