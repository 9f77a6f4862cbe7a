//! Which program's wordings a message is read by.

use super::header::Header;
use super::row::Row;
use super::{
    accounts, clocks, dnsmasq, dropbear, engines, ids, kernel, klog, leases, loggers, named, pam,
    privilege, resolved, sessions, sshd, systemd, unbound,
};

/// Fills the row of a message; a wording that is unknown gives a `log` row that keeps its program.
pub fn read<'a>(header: &Header<'a>, row: &mut Row<'a>) {
    if known(header, row).is_none() {
        *row = Row::new();
        row.text("program", header.program.unwrap_or_default());
    }
    // What the kernel says is of a process that its text names.
    row.event.pid = header.pid.or(row.event.pid);
}

fn known<'a>(header: &Header<'a>, row: &mut Row<'a>) -> Option<()> {
    if let Some(()) = pam::read(header, row) {
        return Some(());
    }
    let message = header.message;
    let Some(program) = header.program else {
        // sysklogd's own line has its version where the colon of a program would be.
        let own = message.starts_with("syslogd ");
        return own.then(|| loggers::read("syslogd", message, row))?;
    };
    let program = of_unit(program, message);
    match program {
        "sshd" | "sshd-session" | "sshd-auth" => {
            sshd::read(message, row).or_else(|| pam::more(header, row))
        }
        "dropbear" => dropbear::read(message, row),
        "sudo" => privilege::sudo(message, row),
        "su" | "su-l" => privilege::su(message, row),
        "CRON" | "cron" | "crond" | "CROND" | "crontab" => sessions::cron(program, message, row),
        "systemd-logind" => sessions::logind(message, row),
        "vsftpd" => sessions::vsftpd(message, row),
        "login" => sessions::login(program, message, row),
        "useradd" | "adduser" | "usermod" | "userdel" | "groupadd" | "groupmod" | "groupdel"
        | "gpasswd" | "passwd" | "chpasswd" | "chage" | "chfn" | "chsh" | "newusers" => {
            accounts::read(program, message, row)
        }
        "dnsmasq" | "dnsmasq-dhcp" | "pihole-FTL" => dnsmasq::read(message, row),
        "named" | "named-pkcs11" => named::read(message, row),
        "snort" | "suricata" => {
            ids::read(message, row)?;
            row.text("source", program);
            Some(())
        }
        "unbound" => unbound::read(message, row),
        "systemd-resolved" => resolved::read(message, row),
        "kernel" => kernel::read(message, row),
        "ulogd" => kernel::netfilter(message, row),
        "systemd" => systemd::read(message, row),
        "systemd-shutdown" => systemd::shutdown(message, row),
        "anacron" => sessions::anacron(message, row),
        "shutdown" | "init" => sessions::shutdown(program, message, row),
        "chronyd" | "ntpd" | "ntpdate" | "sntp" | "systemd-timesyncd" | "systemd-timedated" => {
            clocks::read(program, message, row)
        }
        "rsyslogd" | "syslogd" | "syslog-ng" | "systemd-journald" | "systemd-journal" => {
            loggers::read(program, message, row)
        }
        "dhclient" | "dhclient6" | "dhcpcd" | "udhcpc" | "NetworkManager" | "systemd-networkd" => {
            leases::read(program, message, row)
        }
        _ => engines::read(program, message, row).or_else(|| klog::read(program, message, row)),
    }
}

/// `journalctl -o with-unit` puts the unit in the place of the program. What logs in a session's scope is told by its words.
fn of_unit<'a>(program: &'a str, message: &str) -> &'a str {
    if !matches!(program.as_bytes().last(), Some(b'e')) {
        return program; // neither `.scope` nor `.service`
    }
    let unit = program.rsplit('/').next().unwrap_or(program);
    if let Some(scope) = unit.strip_suffix(".scope") {
        return match scope {
            "init" => "systemd",
            _ if !scope.starts_with("session-") => program,
            _ if message.contains(" ; COMMAND=") => "sudo",
            _ => "sshd",
        };
    }
    let Some(service) = unit.strip_suffix(".service") else {
        return program;
    };
    match service.split('@').next().unwrap_or(service) {
        "ssh" => "sshd",
        "docker" => "dockerd",
        "rsyslog" => "rsyslogd",
        "chrony" => "chronyd",
        "ntp" => "ntpd",
        other => other,
    }
}
