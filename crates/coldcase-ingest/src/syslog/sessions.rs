//! Wordings of cron, anacron, systemd-logind, login, vsftpd, and of who takes a host down.

use coldcase_model::action;

use super::row::{Row, outcome_of, quoted};

/// `(root) CMD (run-parts /etc/cron.hourly)`; what else cron says of a user stays a `log` row with that user.
pub fn cron<'a>(program: &str, message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (user, rest) = message.strip_prefix('(')?.split_once(") ")?;
    row.text("program", program).user(user);
    if let Some(command) = rest.strip_prefix("CMD (") {
        row.set(action::CRON_RUN, None);
        row.command(command.strip_suffix(')').unwrap_or(command).trim());
    }
    Some(())
}

/// `New session 5 of user root.`, `New session '5' of user 'root' with class 'user' and type 'tty'.`, `Removed session 5.`
pub fn logind<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    fn name(text: &str) -> &str {
        let text = text.split(' ').next().unwrap_or(text);
        text.trim_end_matches('.').trim_matches('\'')
    }
    if let Some(rest) = message.strip_prefix("New session ") {
        let (session, user) = rest.split_once(" of user ")?;
        row.set(action::SESSION_OPENED, None).user(name(user));
        row.text("program", "systemd-logind")
            .text("session", name(session));
        return Some(());
    }
    if message.starts_with("System is ") && message.ends_with('.') {
        return shutdown("systemd-logind", message, row);
    }
    let session = message.strip_prefix("Removed session ")?;
    row.set(action::SESSION_CLOSED, None);
    row.text("program", "systemd-logind")
        .text("session", name(session));
    Some(())
}

/// `Job `cron.daily' started`: one run of the job.
pub fn anacron<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let rest = message.strip_prefix("Job ")?;
    let job = rest
        .strip_suffix(" started")?
        .trim_matches(['`', '\'', '"']);
    row.set(action::CRON_RUN, None);
    row.text("program", "anacron").text("job", job);
    Some(())
}

/// `System is powering down.`, `System is rebooting.`, sysvinit's `shutting down for system reboot`, `Switching to runlevel: 0`.
pub fn shutdown(program: &str, message: &str, row: &mut Row<'_>) -> Option<()> {
    let said = [
        "System is powering down",
        "System is rebooting",
        "System is halting",
        "shutting down for ",
    ];
    let level = message.strip_prefix("Switching to runlevel: ");
    let level = level.filter(|level| matches!(*level, "0" | "6"));
    if level.is_none() && !said.iter().any(|start| message.starts_with(start)) {
        return None;
    }
    row.set(action::SHUTDOWN, None).text("program", program);
    row.text("run_level", level.unwrap_or_default());
    Some(())
}

/// `LOGIN ON tty1 BY root FROM host`, `ROOT LOGIN ON tty1`, `FAILED LOGIN (1) on '/dev/tty1' FOR 'root', ...`.
pub fn login<'a>(program: &str, message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let success = match message {
        _ if message.starts_with("FAILED LOGIN") => false,
        _ if message.starts_with("LOGIN ON ") || message.starts_with("ROOT LOGIN ") => true,
        _ => return None,
    };
    let word = |key: &str| {
        let (_, rest) = message.split_once(key)?;
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        rest.get(..end).map(|word| word.trim_matches('\''))
    };
    let root = message.starts_with("ROOT").then_some("root");
    let user = word(" BY ").or_else(|| word(" FOR ")).or(root);
    row.set(action::LOGIN, outcome_of(success))
        .user(user.unwrap_or_default());
    row.text("program", program);
    row.text(
        "tty",
        word(" ON ").or_else(|| word(" on ")).unwrap_or_default(),
    );
    row.peer(word(" FROM ").unwrap_or_default(), None);
    Some(())
}

/// `[ops] OK LOGIN: Client "10.0.0.1"`, `[ops] FAIL LOGIN: Client "10.0.0.1"`; the name is the client's.
pub fn vsftpd<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (user, rest) = message.strip_prefix('[')?.rsplit_once("] ")?;
    let (word, client) = rest.split_once(" LOGIN: Client ")?;
    let success = match word {
        "OK" => true,
        "FAIL" => false,
        _ => return None,
    };
    row.set(action::LOGIN, outcome_of(success)).user(user);
    row.text("program", "vsftpd");
    row.peer(quoted(client)?, None);
    Some(())
}
