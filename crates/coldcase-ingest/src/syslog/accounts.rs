//! Wordings of the shadow tools: useradd, usermod, userdel, groupadd, gpasswd, passwd, chage, chfn, chsh.

use coldcase_model::action;

use super::row::{Row, outcome_of, quoted};

/// Fills the row from a message of an account tool; `None` where nothing was added or changed.
pub fn read<'a>(program: &str, message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let added = ["new user: ", "new account added - ", "new account: "]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix));
    if let Some(facts) = added {
        row.set(action::USER_ADDED, outcome_of(true));
        row.user(
            value(facts, "name")
                .or_else(|| value(facts, "account"))
                .unwrap_or_default(),
        );
        row.text("program", program);
        for key in ["uid", "gid", "home", "shell", "from", "by"] {
            row.text(key, value(facts, key).unwrap_or_default());
        }
        return Some(());
    }
    let group = ["new group: ", "new group added - "]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix));
    if let Some(facts) = group {
        row.set(action::GROUP_ADDED, outcome_of(true));
        row.text("program", program);
        let name = value(facts, "name").or_else(|| value(facts, "group"));
        row.text("group", name.unwrap_or_default());
        row.text("gid", value(facts, "gid").unwrap_or_default());
        return Some(());
    }
    if message.starts_with("failed adding user ") {
        row.set(action::USER_ADDED, outcome_of(false));
        row.user(quoted(message)?).text("program", program);
        return Some(());
    }
    let (user, group) = changed(message)?;
    let success = !message.starts_with("failed");
    row.set(action::USER_CHANGED, outcome_of(success))
        .user(user);
    row.text("program", program).text("group", group);
    Some(())
}

/// The account that a message says was changed, and the group where it is about one.
fn changed(message: &str) -> Option<(&str, &str)> {
    let words = [
        "change",
        "add '",
        "lock",
        "unlock",
        "delete ",
        "remove",
        "password for ",
        "members ",
        "failed to change ",
    ];
    let group = || {
        let (_, rest) = message.split_once("group ")?;
        let word = rest.split(' ').next().unwrap_or(rest);
        Some(
            quoted(rest)
                .filter(|_| word.starts_with('\''))
                .unwrap_or(word),
        )
    };
    let group = group().unwrap_or_default();
    if let Some(user) = message.strip_prefix("changed password expiry for ") {
        return Some((user, ""));
    }
    if let Some(rest) = message.strip_prefix("user ")
        && (message.contains(" added by ") || message.contains(" removed by "))
    {
        return Some((rest.split(' ').next().unwrap_or(rest), group));
    }
    if !words.iter().any(|word| message.starts_with(word)) {
        return None;
    }
    let user = if message.starts_with("members ") || message.starts_with("removed ") {
        ""
    } else {
        quoted(message)?
    };
    Some((user, group))
}

/// `name=x, UID=48, GID=48`: the value of a key, whatever its case, up to the comma.
fn value<'a>(facts: &'a str, key: &str) -> Option<&'a str> {
    facts.split(", ").find_map(|fact| {
        let (name, value) = fact.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case(key)
            .then_some(value.trim())
    })
}
