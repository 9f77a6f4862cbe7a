//! Tables that kubectl prints: headers and the rows below them.

use std::borrow::Cow;

use super::headless::headless;
use super::rows::{Cells, Row};

/// What a table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// Events.
    Events,
    /// Services, endpoints and slices of endpoints.
    Services,
    /// Cron jobs, jobs, and other workloads, of which no row is made.
    Workloads,
}

/// Most columns of a table; labels may add some.
const MAX_COLUMNS: usize = 64;

/// Longest line that can be a row; many labels make some kilobytes.
const MAX_ROW: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    /// Where it begins, in characters.
    start: usize,
}

/// Where the reading of tables stands: the header that rows stand below, and what a command line said.
#[derive(Debug, Default)]
pub struct Tables {
    columns: Vec<Column>,
    kind: Option<Kind>,
    is_other: bool,
    namespace: Option<String>,
}

impl Tables {
    /// What the table at hand lists.
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Takes a line if it is a header, also of a table of another kind.
    pub fn header(&mut self, line: &str) -> bool {
        let Some(columns) = header(line) else {
            return false;
        };
        self.kind = kind(&columns);
        self.is_other = self.kind.is_none();
        self.columns = columns;
        true
    }

    /// Whether a line without an end goes as far as the last column: else it was cut.
    pub fn is_cut(&self, line: &str) -> bool {
        let last = self.columns.last().map_or(0, |column| column.start);
        place(line, last) >= line.len() && words(line).len() < self.columns.len()
    }

    /// Reads a line as a row of the table at hand, or says why it is none.
    pub fn row<'a>(&'a mut self, line: &'a str) -> Result<Row<'a>, &'static str> {
        if line.len() > MAX_ROW {
            return Err("a line too long for a row");
        }
        if let Some(namespace) = namespace_of_command(line) {
            self.namespace = namespace;
            return Err("a command line");
        }
        if is_complaint(line) {
            return Err("a message of kubectl");
        }
        let Some(kind) = self.kind else {
            return match headless(line) {
                Some(row) if !self.is_other => Ok(row),
                _ if self.is_other => Err("a row of a table of another kind"),
                _ => Err("a line above the table"),
            };
        };
        let namespace = self.namespace.as_deref();
        let by_place = cells(line, &self.columns).map(|cells| Row {
            kind,
            cells,
            namespace,
        });
        let fits = |row: &Row<'_>| row.fits();
        by_place
            .filter(fits)
            .or_else(|| {
                let cells = match kind {
                    Kind::Events => split_before_message(line, &self.columns)?,
                    _ => split(line, &self.columns)?,
                };
                Some(Row {
                    kind,
                    cells,
                    namespace,
                })
            })
            .filter(fits)
            .ok_or("not a row of the table")
    }
}

/// Columns of a header line; `None` for any other line.
fn header(line: &str) -> Option<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    let mut word = String::new();
    for (at, character) in line.chars().chain([' ']).enumerate() {
        if character != ' ' && character != '\t' {
            let allowed = character.is_ascii_uppercase()
                || character.is_ascii_digit()
                || matches!(character, '-' | '_' | '.' | '/' | '(' | ')' | '%');
            if !allowed || columns.len() >= MAX_COLUMNS || word.len() > 128 {
                return None;
            }
            word.push(character);
        } else if !word.is_empty() {
            let start = at - word.len();
            match columns.last_mut() {
                Some(last) if are_one(&last.name, &word) => {
                    last.name.push(' ');
                    last.name.push_str(&word);
                }
                _ => columns.push(Column {
                    name: std::mem::take(&mut word),
                    start,
                }),
            }
            word.clear();
        }
    }
    let has = |name: &str| columns.iter().take(3).any(|column| column.name == name);
    let is_header = has("NAME") || kind(&columns) == Some(Kind::Events);
    (columns.len() >= 2 && is_header).then_some(columns)
}

/// Whether two words of a header name one column.
fn are_one(before: &str, word: &str) -> bool {
    matches!(
        (before, word),
        ("NOMINATED", "NODE")
            | ("READINESS", "GATES")
            | ("LAST" | "FIRST", "SEEN")
            | ("LAST", "SCHEDULE")
            | ("NODE", "SELECTOR")
    )
}

fn kind(columns: &[Column]) -> Option<Kind> {
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    let has_address = has("IP") || has("POD_IP") || has("PODIP") || has("POD-IP");
    if has("READY") && has("STATUS") && has("RESTARTS") {
        Some(Kind::Pods)
    } else if has("STATUS") && has("VERSION") && (has("ROLES") || has("AGE")) {
        Some(Kind::Nodes)
    } else if has("NODE") && has_address {
        Some(Kind::Pods)
    } else if (has("LAST SEEN") || has("LASTSEEN")) && has("REASON") && has("MESSAGE") {
        Some(Kind::Events)
    } else if has("CLUSTER-IP") || has("ENDPOINTS") && has("AGE") {
        Some(Kind::Services)
    } else if has("SCHEDULE") && has("ACTIVE") || has("COMPLETIONS") && has("AGE") {
        Some(Kind::Workloads)
    } else {
        None
    }
}

/// Cells that begin below their headers; `None` where a header's place is inside of a word.
fn cells<'a>(line: &'a str, columns: &'a [Column]) -> Option<Cells<'a>> {
    let mut cells = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let start = place(line, column.start);
        let end = columns
            .get(index + 1)
            .map_or(line.len(), |next| place(line, next.start));
        let before = line.get(..start)?.chars().next_back();
        if before.is_some_and(|before| before != ' ') && start < line.len() {
            return None;
        }
        let cell = line.get(start..end)?.trim();
        if is_known(cell) {
            cells.push((Cow::Borrowed(column.name.as_str()), Cow::Borrowed(cell)));
        }
    }
    Some(cells)
}

/// The byte at which this character of a line begins.
fn place(line: &str, character: usize) -> usize {
    if line.is_ascii() {
        return character.min(line.len());
    }
    line.char_indices()
        .nth(character)
        .map_or(line.len(), |(at, _)| at)
}

/// Cells of a row that does not keep to its header's places: split at two blanks or a tab, else at any.
fn split<'a>(line: &'a str, columns: &'a [Column]) -> Option<Cells<'a>> {
    let wide: Vec<&str> = line
        .split('\t')
        .flat_map(|part| part.split("  "))
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    let list = if wide.len() == columns.len() {
        wide
    } else {
        words(line)
    };
    if list.len() != columns.len() {
        return None;
    }
    let names = columns
        .iter()
        .map(|column| Cow::Borrowed(column.name.as_str()));
    let cells = names.zip(list.into_iter().map(Cow::Borrowed));
    Some(cells.filter(|(_, cell)| is_known(cell)).collect())
}

/// The same where the last cell is a message: all blanks are its own.
fn split_before_message<'a>(line: &'a str, columns: &'a [Column]) -> Option<Cells<'a>> {
    let (last, before) = columns.split_last()?;
    if last.name != "MESSAGE" {
        return split(line, columns);
    }
    let mut rest = line.trim();
    let mut cells: Cells<'a> = Vec::with_capacity(columns.len());
    for column in before {
        let word = first_word(rest);
        rest = rest.get(word.len()..)?.trim_start();
        if is_known(word) {
            cells.push((Cow::Borrowed(column.name.as_str()), Cow::Borrowed(word)));
        }
    }
    cells.push((Cow::Borrowed(last.name.as_str()), Cow::Borrowed(rest)));
    Some(cells)
}

/// Words of a line; `1 (5h2m ago)` and `3m (x4 over 5m)` are one.
pub fn words(line: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && words.len() <= MAX_COLUMNS {
        let word = first_word(rest);
        words.push(word);
        rest = rest.get(word.len()..).unwrap_or_default().trim_start();
    }
    words
}

fn first_word(rest: &str) -> &str {
    let mut end = rest.find([' ', '\t']).unwrap_or(rest.len());
    let behind = rest.get(end..).unwrap_or_default();
    let inner = behind.trim_start();
    let aside = |close: usize| {
        behind
            .get(..close)
            .is_some_and(|text| text.contains(" over "))
    };
    if inner.starts_with('(')
        && let Some(close) = behind.find(" ago)").filter(|close| *close < 32)
    {
        end += close + " ago)".len();
    } else if inner.starts_with("(x")
        && let Some(close) = behind
            .find(')')
            .filter(|close| *close < 32 && aside(*close))
    {
        end += close + 1;
    }
    rest.get(..end).unwrap_or(rest)
}

/// Whether a cell says something.
pub fn is_known(cell: &str) -> bool {
    !matches!(
        cell,
        "" | "<none>" | "<unset>" | "<nil>" | "<unknown>" | "<invalid>"
    )
}

/// The namespace that a command line asks for, if the line is one: `kubectl get pods -n shop`.
fn namespace_of_command(line: &str) -> Option<Option<String>> {
    let mut words = line.split_ascii_whitespace();
    words.find(|word| matches!(word.rsplit('/').next(), Some("kubectl" | "oc" | "k3s")))?;
    words
        .clone()
        .find(|word| matches!(*word, "get" | "events"))?;
    let mut namespace = None;
    while let Some(word) = words.next() {
        namespace = match word {
            "-n" | "--namespace" => words.next(),
            "-A" | "--all-namespaces" => None,
            _ => match word
                .strip_prefix("--namespace=")
                .or(word.strip_prefix("-n="))
            {
                Some(value) => Some(value),
                None => continue,
            },
        };
    }
    Some(namespace.map(str::to_owned))
}

/// Whether kubectl says here that it has no answer.
pub fn is_complaint(line: &str) -> bool {
    [
        "No resources found",
        "Error from server",
        "Unable to connect to the server",
        "The connection to the server",
        "error: ",
        "Warning: ",
    ]
    .iter()
    .any(|start| line.trim_start().starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut tables = Tables::default();
        let mut rows = Vec::new();
        for line in text.lines() {
            if tables.header(line) {
                continue;
            }
            rows.push(match tables.row(line) {
                Ok(row) => {
                    let namespace = row.cell("NAMESPACE").or(row.namespace).unwrap_or("-");
                    let name = row.cell("NAME").unwrap_or("-");
                    let restarts = row.cell("RESTARTS").unwrap_or("-");
                    let node = row.cell("NODE").or(row.cell("OS-IMAGE")).unwrap_or("-");
                    let address = row.address().unwrap_or("-");
                    format!("{namespace} {name} {restarts} {address} {node}")
                }
                Err(reason) => reason.to_owned(),
            });
        }
        rows
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(read(text), expected, "{text}");
    }

    #[test]
    fn rows_below_their_header() {
        check(
            "NAMESPACE  NAME   READY  STATUS   RESTARTS      AGE   IP                  NODE  APP\n\
             shop       web-0  1/1    Running  1 (5h2m ago)  2d3h  10.0.0.1,fd00::1    n1    \n\
             shop       job    0/1    Pending  0             5s    <none>              <none>  x\n",
            &[
                "shop web-0 1 (5h2m ago) 10.0.0.1,fd00::1 n1",
                "shop job 0 - -",
            ],
        );
    }

    #[test]
    fn rows_beside_their_header() {
        check(
            "NAME READY STATUS RESTARTS AGE IP NODE\n\
             a-very-long-name-of-a-pod 1/1 Running 1 (5h2m ago) 2d3h 10.0.0.1 n1\n\
             a-very-long-name-of-a-pod   1/1   Running   0   2d3h   10.0.0.2   n1\n",
            &[
                "- a-very-long-name-of-a-pod 1 (5h2m ago) 10.0.0.1 n1",
                "- a-very-long-name-of-a-pod 0 10.0.0.2 n1",
            ],
        );
    }

    #[test]
    fn tables_among_other_lines() {
        check(
            "[root@m ~]# kubectl get all,nodes -n shop -o wide\n\
             NAME      READY   STATUS    RESTARTS   AGE\n\
             pod/web   1/1     Running   0          3d\n\
             \n\
             NAME          DESIRED   CURRENT   AGE\n\
             replicaset/web   1   1     3d\n\
             NAME   STATUS   ROLES    AGE   VERSION   INTERNAL-IP   OS-IMAGE\n\
             n1     Ready    <none>   3y    v1.20.1   192.0.2.1     Some Linux 8 (Core)\n\
             No resources found\n",
            &[
                "a command line",
                "shop pod/web 0 - -",
                "not a row of the table",
                "a row of a table of another kind",
                "shop n1 - 192.0.2.1 Some Linux 8 (Core)",
                "a message of kubectl",
            ],
        );
    }

    #[test]
    fn rows_without_a_header() {
        let pod = "shop web-0 1/1 Running 1 (5h ago) 2d 10.0.0.1 n1 <none> <none>";
        check(pod, &["shop web-0 1 (5h ago) 10.0.0.1 n1"]);
        let node = "n1  Ready  <none>  3d  v1.20.1  192.0.2.1  <none>  Some Linux 8  5.4.0-1  docker://20.10.1";
        check(node, &["- n1 - 192.0.2.1 Some Linux 8"]);
        check(
            "CONTAINER ID  IMAGE  COMMAND  CREATED  STATUS  PORTS  NAMES",
            &["a line above the table"],
        );
    }
}
