//! Wordings of sudo and su: who acts stands in `user`, as whom in the attribute `target`.

use coldcase_model::action;

use super::row::{Row, outcome_of};

/// `ops : TTY=pts/0 ; PWD=/home/ops ; USER=root ; COMMAND=/usr/bin/id`; what is no `KEY=value` is why it was refused.
pub fn sudo<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (user, rest) = message.split_once(" : ")?;
    if user.contains(' ') {
        return None;
    }
    row.text("program", "sudo");
    if let Some(command) = rest.strip_prefix("(command continued) ") {
        row.user(user).command(command);
        row.attributes.flag("continued", true);
        return Some(());
    }
    let (facts, command) = match rest.strip_prefix("COMMAND=") {
        Some(command) => ("", Some(command)),
        None => match rest.split_once(" ; COMMAND=") {
            Some((facts, command)) => (facts, Some(command)),
            None => (rest, None),
        },
    };
    // Whoever acts names the folder: of two alike the one that sudo writes first, or last behind the folder, counts.
    let (mut tty, mut folder, mut target, mut group, mut reason) = ("", "", "", "", "");
    for fact in facts.split(" ; ") {
        match fact.split_once('=') {
            Some(("TTY", value)) if tty.is_empty() => tty = value,
            Some(("PWD", value)) if folder.is_empty() => folder = value,
            Some(("USER", value)) => target = value,
            Some(("GROUP", value)) => group = value,
            None if reason.is_empty() => reason = fact,
            _ => {}
        }
    }
    if command.is_none() && reason.is_empty() {
        return None;
    }
    row.set(action::SUDO, outcome_of(reason.is_empty()));
    row.text("target", target).text("group", group);
    row.text("tty", tty)
        .text("cwd", folder)
        .text("reason", reason);
    row.user(user).command(command.unwrap_or_default());
    Some(())
}

/// su of util-linux, coreutils, shadow and the BSDs.
pub fn su<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (success, actor, target, terminal) = su_facts(message)?;
    row.set(action::SU, outcome_of(success)).user(actor.trim());
    row.text("program", "su").text("target", target.trim());
    row.text("tty", terminal.trim());
    Some(())
}

/// Success, who, as whom, where.
fn su_facts(message: &str) -> Option<(bool, &str, &str, &str)> {
    fn on(text: &str) -> (&str, &str) {
        text.split_once(" on ").unwrap_or((text, ""))
    }
    for (prefix, success) in [("(to ", true), ("FAILED SU (to ", false)] {
        if let Some(rest) = message.strip_prefix(prefix) {
            let (target, rest) = rest.split_once(") ")?;
            let (actor, terminal) = on(rest);
            return Some((success, actor, target, terminal));
        }
    }
    for (prefix, success) in [
        ("Successful su for ", true),
        ("FAILED su for ", false),
        ("FAILED SU for ", false),
    ] {
        if let Some(rest) = message.strip_prefix(prefix) {
            let (target, actor) = rest.split_once(" by ").unwrap_or((rest, ""));
            return Some((success, actor, target, ""));
        }
    }
    if let Some(target) = message.strip_prefix("Authentication failed for ") {
        return Some((false, "", target, ""));
    }
    if let Some(rest) = message.strip_prefix("failed: ") {
        let (terminal, rest) = rest.split_once(" changing from ")?;
        let (actor, target) = rest.split_once(" to ")?;
        return Some((false, actor, target, terminal));
    }
    for (mark, success) in [("+ ", true), ("- ", false)] {
        if let Some(rest) = message.strip_prefix(mark) {
            let (terminal, rest) = rest.split_once(' ')?;
            let (actor, target) = rest.split_once(':').or_else(|| rest.split_once('-'))?;
            return Some((success, actor, target, terminal));
        }
    }
    let (rest, success) = match message.strip_prefix("BAD SU ") {
        Some(rest) => (rest, false),
        None => (message, true),
    };
    let (actor, rest) = rest.split_once(" to ")?;
    let (target, terminal) = rest.split_once(" on ")?;
    let one_word = |text: &str| !text.is_empty() && !text.contains(' ');
    (one_word(actor) && one_word(target)).then_some((success, actor, target, terminal))
}
