//! What starts again by itself, from all artifacts: jobs, units, start scripts, preloaded libraries, and
//! commands that write such things.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::action;
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use serde_json::Value;

use super::places::{Kind, hints, kind_of, planted};
use super::signs::{STRONG, Signs, WEAK, of_command, of_path};
use crate::indicators::Indicators;

/// Records kept of one item: the first, and the last.
const MOST_RECORDS: usize = 12;
/// Placeholders that packages put into folders of jobs.
const PLACEHOLDERS: [&str; 5] = [".placeholder", ".SEQ", ".gitkeep", ".gitignore", ".keep"];
/// Libraries that vendors and administrators preload: audit, allocators, tracing, a Raspberry Pi's memory
/// functions, kernel bypass.
const KNOWN_LIBRARIES: [&str; 12] = [
    "libsnoopy",
    "libjemalloc",
    "libtcmalloc",
    "libmimalloc",
    "liboneagentproc",
    "libkeepalive",
    "libfaketime",
    "libarmmem",
    "libhugetlbfs",
    "libonload",
    "libfakeroot",
    "libeatmydata",
];
/// Rootkits of user space, by parts of their libraries' names.
const ROOTKITS: [&str; 12] = [
    "processhider",
    "prochide",
    "libhide",
    "jynx",
    "azazel",
    "vlany",
    "beurk",
    "umbreon",
    "bedevil",
    "bdvl",
    "libymv",
    "father.so",
];

/// One thing that starts again.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub kind: Kind,
    pub host: Option<String>,
    pub path: Option<String>,
    pub command: Option<String>,
    pub user: Option<String>,
    pub signs: Signs,
    /// Selection and row of what says so.
    pub rows: Vec<(usize, usize)>,
    /// How many records say so.
    pub records: usize,
}

/// Kind, host and command: what makes two records one thing.
type Key = (Kind, Option<String>, String);

/// All that was found, with the selections that rows point into.
#[derive(Default)]
pub(super) struct Gathered {
    pub selections: Vec<Selection>,
    items: BTreeMap<Key, Item>,
}

impl Gathered {
    /// Everything but keys.
    pub fn read(timeline: &Timeline, known: Option<&Indicators>) -> Result<Self, TimelineError> {
        let mut this = Self::default();
        this.jobs(timeline, known)?;
        this.runs(timeline, known)?;
        this.units(timeline, known)?;
        this.scripts(timeline, known)?;
        this.commands(timeline, known)?;
        this.preloads(timeline)?;
        this.files(timeline)?;
        Ok(this)
    }

    /// All items, in order.
    pub fn items(&self) -> Vec<Item> {
        self.items.values().cloned().collect()
    }

    fn jobs(
        &mut self,
        timeline: &Timeline,
        known: Option<&Indicators>,
    ) -> Result<(), TimelineError> {
        let rows = timeline.select(&[action::JOB_LISTED], &COLUMNS)?;
        let selection = self.keep(rows);
        self.each(selection, |rows, row, json| {
            let kind = match json.get("kind").and_then(Value::as_str) {
                Some("cron" | "anacron" | "at") | None => Kind::Cron,
                Some("timer") => Kind::Systemd,
                Some(_) => return None,
            };
            let mut signs = of_command(rows.text("command", row)?, false, known);
            note_preload(json, &mut signs);
            Some((kind, signs))
        });
        Ok(())
    }

    /// Jobs as cron's own log tells them, also where their table was not collected.
    fn runs(
        &mut self,
        timeline: &Timeline,
        known: Option<&Indicators>,
    ) -> Result<(), TimelineError> {
        let tells = |command: &str| !of_command(command, false, known).is_empty();
        let telling: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["command"], &tells)]];
        let rows = timeline.select_texts(&[action::CRON_RUN], &COLUMNS, &telling)?;
        let selection = self.keep(rows);
        self.each(selection, |rows, row, _| {
            Some((
                Kind::Cron,
                of_command(rows.text("command", row)?, false, known),
            ))
        });
        Ok(())
    }

    fn units(
        &mut self,
        timeline: &Timeline,
        known: Option<&Indicators>,
    ) -> Result<(), TimelineError> {
        let rows = timeline.select(&[action::SERVICE_DEFINED], &COLUMNS)?;
        let selection = self.keep(rows);
        self.each(selection, |rows, row, json| {
            let directive = json.get("directive").and_then(Value::as_str)?;
            if !directive.starts_with("Exec") {
                return None;
            }
            let mut signs = of_command(rows.text("command", row)?, true, known);
            note_preload(json, &mut signs);
            if rows
                .text("path", row)
                .is_some_and(|path| of_path(path).has("hidden-path"))
            {
                signs.add("hidden-path", STRONG);
            }
            Some((Kind::Systemd, signs))
        });
        Ok(())
    }

    /// Start scripts and those in cron's folders by what they run, others by what they plant.
    fn scripts(
        &mut self,
        timeline: &Timeline,
        known: Option<&Indicators>,
    ) -> Result<(), TimelineError> {
        let rows = timeline.select(&[action::SCRIPT_COMMAND], &COLUMNS)?;
        let selection = self.keep(rows);
        let bad = self.bad_scripts(selection, known);
        self.each(selection, |rows, row, _| {
            let command = rows.text("command", row)?;
            let path = rows.text("path", row).unwrap_or_default();
            match kind_of(path) {
                Some(kind) => Some((kind, of_command(command, kind.at_boot(), known))),
                None => {
                    let (kind, _) = hints(command).then(|| planted(command))??;
                    let mut signs = of_command(command, kind.at_boot(), known);
                    if bad.contains(rows.text("file", row).unwrap_or_default()) {
                        signs.add("planted-by-script", STRONG);
                    }
                    Some((kind, signs))
                }
            }
        });
        Ok(())
    }

    /// Scripts that fetch and run, mine, or name an indicator.
    fn bad_scripts(&self, selection: usize, known: Option<&Indicators>) -> BTreeSet<String> {
        let Some(rows) = self.selections.get(selection) else {
            return BTreeSet::new();
        };
        let bad = |row: &usize| {
            let command = rows.text("command", *row).unwrap_or_default();
            of_command(command, false, known).points() >= STRONG
        };
        (0..rows.rows())
            .filter(bad)
            .filter_map(|row| rows.text("file", row).map(str::to_owned))
            .collect()
    }

    /// Commands that somebody typed, that audit saw, or that a container was given.
    fn commands(
        &mut self,
        timeline: &Timeline,
        known: Option<&Indicators>,
    ) -> Result<(), TimelineError> {
        let actions = [
            action::SHELL_COMMAND,
            action::EXEC,
            action::CONTAINER_LISTED,
        ];
        let plants = |command: &str| hints(command) && planted(command).is_some();
        let planting: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["command"], &plants)]];
        let rows = timeline.select_texts(&actions, &COLUMNS, &planting)?;
        let selection = self.keep(rows);
        for row in 0..self.selections.get(selection).map_or(0, Selection::rows) {
            let Some(rows) = self.selections.get(selection) else {
                break;
            };
            let Some(command) = rows.text("command", row) else {
                continue;
            };
            let Some((kind, path)) = planted(command) else {
                continue;
            };
            let signs = of_command(command, kind.at_boot(), known);
            if signs.is_empty() {
                continue;
            }
            let host = rows.text("host", row).map(str::to_owned);
            // The job that it planted is there already: one thing.
            let same = |key: &&Key| {
                key.0 == kind && key.1 == host && !key.2.is_empty() && command.contains(&key.2)
            };
            let key = self.items.keys().find(same).cloned();
            let key = key.unwrap_or_else(|| (kind, host.clone(), squeezed(command)));
            let path = path.filter(|path| path.starts_with('/')).map(str::to_owned);
            let user = rows.text("user", row).map(str::to_owned);
            self.add(key, path, user, &signs, (selection, row));
        }
        Ok(())
    }

    fn preloads(&mut self, timeline: &Timeline) -> Result<(), TimelineError> {
        let rows = timeline.select(&[action::PRELOAD_LISTED], &COLUMNS)?;
        let selection = self.keep(rows);
        for row in 0..self.selections.get(selection).map_or(0, Selection::rows) {
            let Some(rows) = self.selections.get(selection) else {
                break;
            };
            let Some(library) = rows.text("path", row) else {
                continue;
            };
            let signs = of_library(library);
            let host = rows.text("host", row).map(str::to_owned);
            let key = (Kind::LdPreload, host, library.to_owned());
            self.add(
                key,
                Some(library.to_owned()),
                None,
                &signs,
                (selection, row),
            );
        }
        Ok(())
    }

    /// Listings of files: hidden ones among jobs and units, a list of preloaded libraries that nobody collected.
    fn files(&mut self, timeline: &Timeline) -> Result<(), TimelineError> {
        let actions = [action::FILE_MODIFIED];
        let mut columns = COLUMNS.to_vec();
        columns.push("bytes");
        let is_telling = |path: &str| of_listing(path).is_some();
        let telling: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["path"], &is_telling)]];
        let rows = timeline.select_texts(&actions, &columns, &telling)?;
        let selection = self.keep(rows);
        let listed: BTreeSet<Option<String>> = self
            .items
            .keys()
            .filter(|(kind, ..)| *kind == Kind::LdPreload)
            .map(|(_, host, _)| host.clone())
            .collect();
        for row in 0..self.selections.get(selection).map_or(0, Selection::rows) {
            let Some(rows) = self.selections.get(selection) else {
                break;
            };
            let Some(path) = rows.text("path", row) else {
                continue;
            };
            let Some((kind, signs)) = of_listing(path) else {
                continue;
            };
            let host = rows.text("host", row).map(str::to_owned);
            let empty = rows.long("bytes", row) == Some(0);
            if kind == Kind::LdPreload && (empty || listed.contains(&host)) {
                continue;
            }
            let key = (kind, host, path.to_owned());
            self.add(key, Some(path.to_owned()), None, &signs, (selection, row));
        }
        Ok(())
    }

    fn keep(&mut self, rows: Selection) -> usize {
        self.selections.push(rows);
        self.selections.len() - 1
    }

    /// Adds what the test makes of each row that has a command.
    fn each(
        &mut self,
        selection: usize,
        weigh: impl Fn(&Selection, usize, &Value) -> Option<(Kind, Signs)>,
    ) {
        let mut found = Vec::new();
        if let Some(rows) = self.selections.get(selection) {
            for row in 0..rows.rows() {
                let json = rows.text("attributes", row);
                let json = json.and_then(|json| serde_json::from_str(json).ok());
                let Some((kind, signs)) = weigh(rows, row, &json.unwrap_or(Value::Null)) else {
                    continue;
                };
                if signs.is_empty() {
                    continue;
                }
                let text = |name| rows.text(name, row).map(str::to_owned);
                let key = (
                    kind,
                    text("host"),
                    squeezed(rows.text("command", row).unwrap_or_default()),
                );
                let path = text("path").filter(|path| path.starts_with('/'));
                found.push((key, path, text("user"), signs, row));
            }
        }
        for (key, path, user, signs, row) in found {
            self.add(key, path, user, &signs, (selection, row));
        }
    }

    fn add(
        &mut self,
        key: Key,
        path: Option<String>,
        user: Option<String>,
        signs: &Signs,
        row: (usize, usize),
    ) {
        let is_file = key.0 == Kind::LdPreload || path.as_deref() == Some(key.2.as_str());
        let item = self.items.entry(key.clone()).or_insert_with(|| Item {
            kind: key.0,
            host: key.1,
            path: None,
            command: Some(key.2).filter(|_| !is_file),
            user: None,
            signs: Signs::default(),
            rows: Vec::new(),
            records: 0,
        });
        item.path = item.path.take().or(path);
        item.user = item.user.take().or(user);
        item.signs.join(signs);
        if item.kind == Kind::SshKey {
            item.signs.add("new-key", 0);
        }
        item.records += 1;
        if item.rows.len() >= MOST_RECORDS {
            item.rows.pop();
        }
        item.rows.push(row);
    }
}

const COLUMNS: [&str; 6] = ["host", "user", "command", "path", "attributes", "message"];

/// A command with its blanks made one, without the parentheses that cron's log puts around it.
fn squeezed(command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    words.join(" ")
}

/// A library that the settings of a job or unit put into what it runs.
fn note_preload(json: &Value, signs: &mut Signs) {
    let environment = json
        .get("environment")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some((_, rest)) = environment.split_once("LD_PRELOAD=") else {
        return;
    };
    let library = rest.split_whitespace().next().unwrap_or_default();
    let of_library = of_library(library.trim_matches(['"', '\'']));
    if of_library.points() > STRONG {
        signs.join(&of_library);
    }
}

/// Signs of a library that is put into every process.
fn of_library(path: &str) -> Signs {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let mut signs = Signs::default();
    if KNOWN_LIBRARIES.iter().any(|known| name.starts_with(known)) {
        return signs;
    }
    signs.add("preload", STRONG);
    if ROOTKITS.iter().any(|known| name.contains(known)) {
        signs.add("known-rootkit", STRONG);
    }
    let of_path = of_path(path);
    for word in of_path.words() {
        signs.add(word, STRONG);
    }
    signs
}

/// What a file's mere presence says.
fn of_listing(path: &str) -> Option<(Kind, Signs)> {
    let kind = kind_of(path)?;
    let mut signs = Signs::default();
    let name = path.rsplit('/').next().unwrap_or(path);
    if kind == Kind::LdPreload {
        signs.add("preload", WEAK);
    } else if matches!(kind, Kind::Cron | Kind::Systemd)
        && name.len() > 1
        && name.starts_with('.')
        && name != ".."
        && !PLACEHOLDERS.iter().any(|known| name.starts_with(known))
    {
        signs.add("hidden-path", WEAK);
    }
    (!signs.is_empty()).then_some((kind, signs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries() {
        let check =
            |path: &str, points: u8| assert_eq!(of_library(path).points(), points, "{path}");
        check("/usr/local/lib/libprocesshider.so", 4);
        check("/lib/libsomething.so.1", 2);
        check("/dev/shm/x.so", 4);
        check("/usr/lib/.x.so", 4);
        check("/usr/lib/libsnoopy.so", 0);
        check("/usr/lib/arm-linux-gnueabihf/libarmmem-v7l.so", 0);
    }

    #[test]
    fn listings() {
        let check =
            |path: &str, expected: bool| assert_eq!(of_listing(path).is_some(), expected, "{path}");
        check("/etc/cron.d/.x", true);
        check("/etc/cron.d/.placeholder", false);
        check("/etc/cron.d/sysstat", false);
        check("/etc/ld.so.preload", true);
        check("/home/a/.bashrc", false);
    }
}
