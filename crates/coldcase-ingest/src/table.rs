//! Tables as command line tools print them: cells begin below the words of a header. Made for docker, podman,
//! crictl and their like, whose headers have names of several words (`CONTAINER ID`) and rows with empty cells.
//!
//! Cells are taken by place, counting characters (Go's tabwriter), then columns of a terminal, where wide characters
//! take two; a row that keeps to neither is split at its blanks. A row that the terminal cut has fewer cells.

/// Most columns of a table.
const MAX_COLUMNS: usize = 64;

/// Longest line that can be a row.
pub const MAX_ROW: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    /// Where it begins, in characters; headers are ASCII.
    start: usize,
}

/// A header: names of columns and where they begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
}

/// One row: what stands below each header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells<'t, 'l> {
    cells: Vec<(&'t str, &'l str)>,
}

impl<'l> Cells<'_, 'l> {
    /// The cell below this header, if not empty.
    pub fn get(&self, name: &str) -> Option<&'l str> {
        let found = self.cells.iter().find(|(column, _)| *column == name);
        found.map(|(_, cell)| *cell)
    }

    /// The first of these that the table has and that is not empty.
    pub fn any(&self, names: &[&str]) -> Option<&'l str> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl Table {
    /// Takes a line apart as a header. Names are separated by two blanks or a tab, or known; all are upper case.
    pub fn header(line: &str, known: &[&str]) -> Option<Self> {
        if line.len() > 4096 || !line.is_ascii() {
            return None;
        }
        let mut columns = Vec::new();
        let mut at = 0;
        loop {
            let rest = line.get(at..)?;
            let blank = rest.len() - rest.trim_start().len();
            at += blank;
            let rest = rest.get(blank..)?.trim_end();
            if rest.is_empty() || columns.len() >= MAX_COLUMNS {
                break;
            }
            let length = known_name(rest, known).unwrap_or_else(|| {
                let end = rest.find("  ").unwrap_or(rest.len());
                rest.find('\t').unwrap_or(end).min(end)
            });
            let name = rest.get(..length)?;
            if !name.bytes().all(is_of_header)
                || !name.bytes().any(|byte| byte.is_ascii_uppercase())
            {
                return None;
            }
            columns.push(Column {
                name: name.to_owned(),
                start: at,
            });
            at += length;
        }
        (columns.len() >= 2).then_some(Self { columns })
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// How many of the columns are among these.
    pub fn count(&self, names: &[&str]) -> usize {
        let is_named = |column: &&Column| names.contains(&column.name.as_str());
        self.columns.iter().filter(is_named).count()
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Reads a line as a row, by the first way of taking it apart whose cells fit. `optional` names columns
    /// whose cells may be empty, for rows that are split at blanks.
    pub fn row<'t, 'l>(
        &'t self,
        line: &'l str,
        optional: &[&str],
        fits: impl Fn(&Cells<'t, 'l>) -> bool,
    ) -> Option<Cells<'t, 'l>> {
        if line.len() > MAX_ROW {
            return None;
        }
        let by_place = self.by_place(line, |_| 1).filter(&fits);
        by_place
            .or_else(|| self.by_place(line, display_width).filter(&fits))
            .or_else(|| self.split(line, optional, &fits))
    }

    /// Whether a line ends before its last column begins.
    pub fn is_cut(&self, line: &str) -> bool {
        let last = self.columns.last().map_or(0, |column| column.start);
        line.chars().count() <= last
    }

    fn by_place<'t, 'l>(
        &'t self,
        line: &'l str,
        width: impl Fn(char) -> usize,
    ) -> Option<Cells<'t, 'l>> {
        let mut places = self.columns.iter().map(|column| column.start).peekable();
        let mut starts = Vec::with_capacity(self.columns.len());
        let (mut column, mut before) = (0, ' ');
        for (at, character) in line.char_indices() {
            if places.next_if(|place| *place <= column).is_some() {
                if before != ' ' && before != '\t' {
                    return None;
                }
                starts.push(at);
            }
            column += width(character);
            before = character;
        }
        starts.resize(self.columns.len(), line.len());
        let ends = starts.iter().skip(1).copied().chain([line.len()]);
        let mut cells = Vec::with_capacity(self.columns.len());
        for ((column, start), end) in self.columns.iter().zip(&starts).zip(ends) {
            let cell = line.get(*start..end)?.trim();
            if !cell.is_empty() {
                cells.push((column.name.as_str(), cell));
            }
        }
        Some(Cells { cells })
    }

    /// Cells between blanks. Where some are missing, these are the optional ones: all of them, or one.
    fn split<'t, 'l>(
        &'t self,
        line: &'l str,
        optional: &[&str],
        fits: impl Fn(&Cells<'t, 'l>) -> bool,
    ) -> Option<Cells<'t, 'l>> {
        let list: Vec<&str> = line
            .split('\t')
            .flat_map(|part| part.split("  "))
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .take(MAX_COLUMNS + 1)
            .collect();
        let zipped = |without: &[&str]| {
            let names = self.columns.iter().map(|column| column.name.as_str());
            let names = names.filter(|name| !without.contains(name));
            let cells = names.zip(list.iter().copied()).collect();
            Some(Cells { cells }).filter(&fits)
        };
        let has: Vec<&str> = optional
            .iter()
            .copied()
            .filter(|name| self.has(name))
            .collect();
        match self.columns.len().checked_sub(list.len())? {
            0 => zipped(&[]),
            missing if missing == has.len() => zipped(&has),
            1 => has.iter().find_map(|name| zipped(&[name])),
            _ => None,
        }
    }
}

/// The length of the longest known name that a text begins with.
fn known_name(text: &str, known: &[&str]) -> Option<usize> {
    let fitting = known.iter().filter(|name| {
        let behind = text.strip_prefix(**name);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\t']))
    });
    fitting.map(|name| name.len()).max()
}

fn is_of_header(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" -_./()%#".contains(&byte)
}

/// Columns that a terminal gives a character: two for those of East Asian scripts and pictures.
fn display_width(character: char) -> usize {
    let wide = matches!(u32::from(character),
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    1 + usize::from(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["CONTAINER ID", "IMAGE", "STATUS", "PORTS", "NAMES"];

    fn check(header: &str, row: &str, expected: &[(&str, &str)]) {
        let table = Table::header(header, &KNOWN).expect("a header");
        let cells = table.row(row, &["PORTS"], |cells| cells.get("NAMES").is_some());
        let cells = cells.map(|cells| cells.cells).unwrap_or_default();
        assert_eq!(cells, expected, "{row}");
    }

    #[test]
    fn rows_below_their_header() {
        let header = "CONTAINER ID  IMAGE     STATUS      PORTS   NAMES";
        let all = [
            ("CONTAINER ID", "0a1b"),
            ("IMAGE", "a/b:1"),
            ("STATUS", "Up 2 hours"),
            ("NAMES", "web"),
        ];
        check(
            header,
            "0a1b          a/b:1     Up 2 hours          web",
            &all,
        );
        check(header, "0a1b  a/b:1  Up 2 hours  web", &all);
        check(header, "0a1b\ta/b:1\tUp 2 hours\t\tweb", &all);
        check(header, "0a1b          a/b:1     Up 2 ho", &[]);
        check(header, "0a1b something else", &[]);
        check(
            header,
            "0a1b          镜像      Up 2 hours          web",
            &[all[0], ("IMAGE", "镜像"), all[2], all[3]],
        );
    }

    #[test]
    fn headers() {
        let widths = |line: &str| Table::header(line, &KNOWN).map(|table| table.width());
        assert_eq!(widths("CONTAINER ID IMAGE STATUS NAMES"), Some(4));
        assert_eq!(widths("CONTAINER ID  NET I/O  CPU %  NAMES"), Some(4));
        assert_eq!(widths("CONTAINER ID  of the web  IMAGE"), None);
        assert_eq!(widths("CONTAINER ID"), None);
        assert_eq!(widths(""), None);
    }
}
