//! Upgrades of packages: by hand, by unattended-upgrades, and what they write.

use super::{Bundle, Scene};

const PACKAGES: [(&str, &str, &str); 4] = [
    ("openssh-server", "1:8.9p1-3ubuntu0.4", "1:8.9p1-3ubuntu0.6"),
    ("openssl", "3.0.2-0ubuntu1.10", "3.0.2-0ubuntu1.12"),
    ("e2fsprogs", "1.46.5-2ubuntu1", "1.46.5-2ubuntu1.1"),
    ("sysstat", "12.5.2-2ubuntu0.1", "12.5.2-2ubuntu0.2"),
];

/// Writes dpkg.log and apt's history.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let (clock, names) = (&scene.clock, &scene.names);
    let at = clock.at(clock.days / 3, 6, 31, 18);
    let stamp = |at| clock.written(at, "%Y-%m-%d %H:%M:%S");
    let (mut dpkg, mut upgraded, mut now) = (
        format!("{} startup archives unpack\n", stamp(at)),
        Vec::new(),
        at,
    );
    for (package, before, after) in PACKAGES {
        dpkg += &format!("{} upgrade {package}:amd64 {before} {after}\n", stamp(now));
        dpkg += &format!(
            "{} status unpacked {package}:amd64 {after}\n",
            stamp(now + 1)
        );
        dpkg += &format!(
            "{} configure {package}:amd64 {after} <none>\n",
            stamp(now + 2)
        );
        dpkg += &format!(
            "{} status installed {package}:amd64 {after}\n",
            stamp(now + 3)
        );
        upgraded.push(format!("{package}:amd64 ({before}, {after})"));
        now += 4;
    }
    let long = |at| clock.written(at, "%Y-%m-%d  %H:%M:%S");
    let apt = format!(
        "\nStart-Date: {}\nCommandline: /usr/bin/unattended-upgrade\nUpgrade: {}\nEnd-Date: {}\n",
        long(at),
        upgraded.join(", "),
        long(now)
    );
    for machine in [&names.trainer, &names.runner, &names.crawler] {
        bundle.add(&machine.name, "var/log/dpkg.log", dpkg.as_bytes());
        bundle.add(&machine.name, "var/log/apt/history.log", apt.as_bytes());
    }
}
