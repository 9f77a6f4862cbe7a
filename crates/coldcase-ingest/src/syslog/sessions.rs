//! Wordings of cron, systemd-logind, login and vsftpd.

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
    let session = message.strip_prefix("Removed session ")?;
    row.set(action::SESSION_CLOSED, None);
    row.text("program", "systemd-logind")
        .text("session", name(session));
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
