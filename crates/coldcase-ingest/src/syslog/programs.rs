//! Which program's wordings a message is read by.

use super::header::Header;
use super::row::Row;
use super::{
    accounts, dnsmasq, dropbear, ids, named, pam, privilege, resolved, sessions, sshd, unbound,
};

/// Fills the row of a message; a wording that is unknown gives a `log` row that keeps its program.
pub fn read<'a>(header: &Header<'a>, row: &mut Row<'a>) {
    if known(header, row).is_none() {
        *row = Row::new();
        row.text("program", header.program.unwrap_or_default());
    }
    row.event.pid = header.pid;
}

fn known<'a>(header: &Header<'a>, row: &mut Row<'a>) -> Option<()> {
    if let Some(()) = pam::read(header, row) {
        return Some(());
    }
    let message = header.message;
    let program = header.program?;
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
        _ => None,
    }
}
