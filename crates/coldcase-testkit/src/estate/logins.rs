//! Who logs in where: the backup, configuration management, monitoring, people, the runner, the scanner, the internet's noise.

use super::clock::Seconds;
use super::dice::Dice;
use super::login_records::{Caller, Records, Style};
use super::names::Machine;
use super::{Bundle, Scene};

const GUESSED: [&str; 9] = [
    "root", "admin", "test", "ubuntu", "git", "oracle", "user", "postgres", "pi",
];
const SCANNED: [&str; 6] = ["nessus", "admin", "guest", "anonymous", "root1", "vulnscan"];

/// Writes login records of all hosts.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    for (machine, style, base) in kept(scene) {
        let records = of(scene, machine);
        let until = scene.clock.collected() + records.ahead;
        for (name, text) in records.log_files(&scene.clock, style, base, until) {
            bundle.add(&machine.name, &name, text);
        }
        let (wtmp, btmp) = records.utmp_files(until);
        bundle.add(&machine.name, "var/log/wtmp", wtmp);
        bundle.add(&machine.name, "var/log/btmp", btmp);
    }
}

fn kept(scene: &Scene) -> Vec<(&Machine, Style, &'static str)> {
    let names = &scene.names;
    let mut kept = vec![
        (&names.bastion, Style::Iso, "var/log/auth.log"),
        (&names.database, Style::Dated, "var/log/secure"),
        (&names.runner, Style::Numbered, "var/log/auth.log"),
        (&names.trainer, Style::Numbered, "var/log/auth.log"),
        (&names.gateway, Style::Dated, "var/log/secure"),
        (&names.crawler, Style::Numbered, "var/log/auth.log"),
    ];
    let nodes = names.nodes.iter();
    kept.extend(nodes.map(|node| (node, Style::Journal, "journal")));
    kept
}

/// What one host writes of logins.
pub(super) fn of(scene: &Scene, machine: &Machine) -> Records {
    let names = &scene.names;
    let is = |other: &Machine| other.name == machine.name;
    let ahead = if is(&names.database) {
        scene.plan.database_ahead
    } else {
        0
    };
    let mut records = Records::new(&machine.name, ahead);
    let mut dice = scene.dice(&format!("logins of {}", machine.name));
    records.boots(scene.clock.begins() + dice.between(30, 90));
    managed(scene, &mut dice, &mut records);
    scanned(scene, &mut dice, &mut records);
    hourly(scene, &mut records);
    if is(&names.bastion) {
        noise(scene, &mut dice, &mut records);
        people(scene, &mut dice, &mut records, 6, false);
    } else {
        people(scene, &mut dice, &mut records, 1, true);
    }
    if is(&names.database) {
        backup(scene, &mut dice, &mut records);
        checks(scene, &mut dice, &mut records);
        stale_password(scene, &mut dice, &mut records);
    }
    if is(&names.crawler) {
        backup(scene, &mut dice, &mut records);
    }
    records
}

/// Every night at 02:00 by key; where the target just restarted, a second attempt some minutes later.
fn backup(scene: &Scene, dice: &mut Dice, records: &mut Records) {
    let who = Caller {
        address: &scene.names.backup.address,
        user: scene.names.backup_user,
    };
    for day in 0..scene.clock.days {
        let mut at = scene.clock.at(day, 2, 0, 1) + dice.between(0, 4);
        if dice.chance(9) {
            let pid = records.pid();
            records.say(
                at,
                "sshd",
                pid,
                format!(
                    "Connection reset by authenticating user {} {} port 40022 [preauth]",
                    who.user, who.address
                ),
            );
            records.refused(dice, at + 20, who, true);
            at += 300;
        }
        let lasts = dice.between(240, 900);
        records.by_key(dice, at, lasts, who, false);
    }
}

/// A play runs on every host within minutes, on workdays; on the first of them a new administrator's key comes.
fn managed(scene: &Scene, dice: &mut Dice, records: &mut Records) {
    let (names, clock) = (&scene.names, &scene.clock);
    let who = Caller {
        address: &names.control.address,
        user: names.control_user,
    };
    for day in (0..clock.days).filter(|day| clock.is_workday(*day)) {
        let mut at = clock.at(day, 10, 30, 0) + dice.between(0, 40);
        for task in [
            "setup",
            "package_facts",
            "authorized_key",
            "template",
            "systemd",
        ] {
            let lasts = dice.between(2, 8);
            records.by_key(dice, at, lasts, who, false);
            let command = format!(
                "/bin/sh -c 'echo BECOME-SUCCESS-{} ; /usr/bin/python3 /home/{}/.ansible/tmp/ansible-tmp-{at}/AnsiballZ_{task}.py'",
                dice.text("abcdefghijklmnopqrstuvwxyz", 32),
                who.user
            );
            records.sudo(at + 1, who.user, &command);
            at += lasts + dice.between(1, 5);
        }
    }
}

/// A check that logs in every five minutes, and one that only connects.
fn checks(scene: &Scene, dice: &mut Dice, records: &mut Records) {
    let who = Caller {
        address: &scene.names.monitor.address,
        user: "nagios",
    };
    let mut at = scene.clock.begins() + 17;
    while at < scene.clock.collected() {
        let now = at + dice.between(0, 3);
        records.by_key(dice, now, 1, who, false);
        if dice.chance(30) {
            records.knock(dice, at + 60, who.address);
        }
        at += 300;
    }
}

/// Each night the runner tries an old password, then its key.
fn stale_password(scene: &Scene, dice: &mut Dice, records: &mut Records) {
    let who = Caller {
        address: &scene.names.runner.address,
        user: scene.names.runner_user,
    };
    for day in 0..scene.clock.days {
        let at = scene.clock.at(day, 1, 15, 0) + dice.between(0, 30);
        records.refused(dice, at, who, true);
        let lasts = dice.between(20, 90);
        records.by_key(dice, at + 5, lasts, who, false);
    }
}

/// Administrators at office hours, some of whom mistype; on other hosts they come from the bastion.
fn people(scene: &Scene, dice: &mut Dice, records: &mut Records, a_day: i64, inside: bool) {
    let (names, clock) = (&scene.names, &scene.clock);
    for day in (0..clock.days).filter(|day| clock.is_workday(*day)) {
        for (index, person) in names.people.iter().enumerate() {
            if dice.chance(if inside { 60 } else { 10 }) {
                continue;
            }
            // All but the first come by one translated address.
            let home = format!("100.64.8.{}", 20 + index.min(1));
            let address = if inside {
                &names.bastion.address
            } else {
                &home
            };
            let who = Caller {
                address,
                user: person,
            };
            for _ in 0..dice.between(1, a_day + 1) {
                let mut at = clock.at(day, dice.between(9, 18), dice.between(0, 60), 0);
                at += dice.between(0, 60);
                for _ in 0..mistakes(dice) {
                    records.refused(dice, at, who, true);
                    at += dice.between(6, 15);
                }
                let lasts = dice.between(120, 5000);
                if dice.chance(60) {
                    records.by_key(dice, at, lasts, who, true);
                } else {
                    records.by_password(dice, at, lasts, who);
                }
                if dice.chance(40) {
                    records.sudo(
                        at + 40,
                        person,
                        "/usr/bin/journalctl -u nginx --since today",
                    );
                }
            }
        }
    }
}

fn mistakes(dice: &mut Dice) -> i64 {
    if dice.chance(20) {
        dice.between(1, 4)
    } else {
        0
    }
}

/// The owner's scanner comes on Sundays and tries names that nobody has.
fn scanned(scene: &Scene, dice: &mut Dice, records: &mut Records) {
    let clock = &scene.clock;
    for day in (0..clock.days).filter(|day| clock.is_sunday(*day)) {
        let mut at: Seconds = clock.at(day, 4, 0, 0) + dice.between(0, 300);
        for user in SCANNED {
            let address = &scene.names.scanner.address;
            records.refused(dice, at, Caller { address, user }, false);
            at += dice.between(1, 4);
            records.knock(dice, at, address);
        }
    }
}

/// Guesses from everywhere, which never succeed.
fn noise(scene: &Scene, dice: &mut Dice, records: &mut Records) {
    for day in 0..scene.clock.days {
        for _ in 0..dice.between(6, 14) {
            let address = dice.internet();
            let mut at = scene.clock.at(day, 0, 0, 0) + dice.between(0, 86_000);
            for _ in 0..dice.between(1, 12) {
                let user = dice.pick(&GUESSED);
                let address = &address;
                records.refused(dice, at, Caller { address, user }, user == "root");
                at += dice.between(3, 40);
            }
        }
    }
}

/// What the host's own cron writes to the same log, all day.
fn hourly(scene: &Scene, records: &mut Records) {
    let mut at = scene.clock.begins() + 17 * 60 + 1;
    while at < scene.clock.collected() {
        let pid = records.pid();
        let opened = "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)";
        records.say(at, "CRON", pid, opened);
        let closed = "pam_unix(cron:session): session closed for user root";
        records.say(at, "CRON", pid, closed);
        at += 3600;
    }
}
