//! The command line.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use coldcase::Options;
use coldcase_correlate::correlators;
use coldcase_evidence::Limits;
use coldcase_ingest::formats;
use coldcase_model::{Severity, Timestamp, nearest};
use coldcase_report::Lang;

use crate::lake_args::{FleetArgs, LakeArgs};

/// Offline forensics for Linux, container and Kubernetes hosts: since when, how often, from where, and
/// which container, pod or process is the cause.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Colours on the terminal.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Language of reports; by default that of the locale.
    #[arg(long, global = true, value_enum)]
    pub lang: Option<LangArg>,
    /// No progress, no summary: only files and errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more of what is done (to stderr).
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Languages of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LangArg {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read evidence, build the timeline, look for causes, write a case folder.
    Analyze(Analyze),
    /// Read evidence, or a case, into one sorted timeline file, without looking for anything.
    Timeline(TimelineArgs),
    /// What it reads.
    Formats,
    /// What it looks for.
    Correlators,
    /// One format or correlator in full, or a finding of a case with the records it rests on.
    Explain(Explain),
    /// Hash the inputs of a case again and compare; exit 1 if any differs.
    Verify(Verify),
    /// SQL over a case: its timeline, findings, conclusions, evidence, inputs and coverage.
    Query(Query),
    /// HTML and Markdown again from a case; from several cases one batch report.
    Report(Report),
    /// Analyse each incident below a folder and compare with what is expected of it; exit 1 on a difference.
    Check(Check),
    /// What an address or name was at a time, from which source, with every candidate.
    Whois(Whois),
    /// Many cases as one lake of Parquet: add to it, remove from it, check it.
    Lake(LakeArgs),
    /// Ask a lake the fleet's questions: where was it first, what is rare, who moved from where to where.
    Fleet(FleetArgs),
    /// Print the JSON Schema of findings.json or case.json.
    Schema(Schema),
    /// Print completions for a shell.
    Completions(Completions),
    /// Write manual pages into a folder.
    Man(ManPages),
}

/// How evidence is read.
#[derive(Debug, ClapArgs)]
pub struct Reading {
    /// Folders, archives (.tar, .tar.gz, .tgz, .tar.zst, .zip) or files of evidence.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// Zone of local-time logs where the bundle says nothing, e.g. Asia/Shanghai.
    #[arg(long, value_name = "IANA", value_parser = zone)]
    pub timezone: Option<Tz>,
    /// When the evidence was collected (RFC 3339): dates logs without a year.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub collected_at: Option<Timestamp>,
    /// Threads; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Only these formats and correlators (ids, comma-separated).
    #[arg(long, value_name = "ID,..", value_delimiter = ',', value_parser = known_id)]
    pub only: Vec<String>,
    /// How far archives are unpacked.
    #[command(flatten)]
    pub unpacking: Unpacking,
}

/// How far archives and packed files are unpacked; what passes a limit is cut and named.
#[derive(Debug, ClapArgs)]
pub struct Unpacking {
    /// Most bytes unpacked from archives, and read of one packed file; K, M, G, T may follow.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64G")]
    pub max_unpacked: u64,
    /// Most files unpacked from archives.
    #[arg(long, value_name = "N", default_value_t = Limits::default().files)]
    pub max_files: u64,
    /// Most bytes out of an archive or packed file for each of its own, beyond the first 16 MiB.
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio)]
    pub max_ratio: u64,
    /// Archives within archives unpacked inside a bundle.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub max_depth: u8,
}

/// `analyze`.
#[derive(Debug, ClapArgs)]
pub struct Analyze {
    /// How evidence is read.
    #[command(flatten)]
    pub reading: Reading,
    /// The case folder to write; must lie outside the evidence.
    #[arg(short, long, value_name = "CASE")]
    pub output: PathBuf,
    /// Indicators: one a line, CSV, STIX 2.1 or MISP JSON. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub ioc: Vec<PathBuf>,
    /// Take over from the case at -o what it read of inputs that have not changed, and read only the others. The result is
    /// that of a run without it. The case must have been made with --incremental too.
    #[arg(long)]
    pub incremental: bool,
    /// Exit with 3 if a finding of this severity or above was found.
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub fail_on: Option<Severity>,
}

/// `timeline`.
#[derive(Debug, ClapArgs)]
pub struct TimelineArgs {
    /// How evidence is read.
    #[command(flatten)]
    pub reading: Reading,
    /// The file to write: .parquet, .csv or .jsonl.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Columns for another program.
    #[arg(long, value_enum)]
    pub profile: Option<ProfileArg>,
    /// Only what had not ended before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Only what had begun by this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// Only events of this host. Repeatable: any of them.
    #[arg(long, value_name = "HOST")]
    pub host: Vec<String>,
    /// Only events of this format (see `coldcase formats`). Repeatable: any of them.
    #[arg(long, value_name = "ID", value_parser = format_id)]
    pub format: Vec<String>,
    /// Only events whose message this regular expression matches; (?i) at its head ignores case. Repeatable: any of
    /// them.
    #[arg(long, value_name = "REGEX", value_parser = pattern)]
    pub grep: Vec<String>,
}

/// Columns for another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileArg {
    /// Timesketch's `datetime`, `timestamp_desc`, `message` beside the timeline's own (.csv, .jsonl).
    Timesketch,
    /// Documents of the Elastic Common Schema (.jsonl).
    Ecs,
    /// The 17 columns of log2timeline (.csv).
    L2t,
    /// mactime's body file, of rows about files (.body).
    Bodyfile,
}

/// `explain`.
#[derive(Debug, ClapArgs)]
pub struct Explain {
    /// Id of a format or correlator, or a case folder.
    #[arg(value_name = "ID|CASE")]
    pub what: String,
    /// Id of a finding in that case; or a conclusion's kind, or what it is about (an address, a domain).
    #[arg(value_name = "FINDING")]
    pub finding: Option<String>,
}

/// `verify`.
#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Where the evidence is now; without it, where it was when the case was made.
    #[arg(value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
}

/// `query`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Tables: timeline, findings, conclusions, evidence, inputs, coverage; SHOW TABLES and SHOW COLUMNS FROM t tell
their columns. A way into JSON columns: json_value(attributes, 'exit_code'); local time: local_time(ts,
'Asia/Shanghai'); networks: in_network(src_ip, '10.0.0.0/8'). Only SELECT, WITH and SHOW are run.")]
pub struct Query {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// A SELECT, or the name of a ready-made query (@logins, ...); @ alone lists these.
    #[arg(value_name = "SQL|@NAME")]
    pub sql: String,
    /// How the rows are written: a table on a terminal and CSV otherwise, where nothing is said.
    #[arg(short = 'o', long = "output-format", value_enum, value_name = "FORMAT")]
    pub format: Option<AnswerFormat>,
    /// The file to write instead of stdout; its ending chooses the format where -o doesn't.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How the rows of a query are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// Comma-separated values with a head line; cells that look like formulas are made text.
    Csv,
    /// One JSON array, an object a row.
    Json,
    /// Apache Parquet.
    Parquet,
    /// A table for people.
    Table,
}

/// `report`.
#[derive(Debug, ClapArgs)]
pub struct Report {
    /// Folders that `analyze` wrote.
    #[arg(required = true, value_name = "CASE")]
    pub cases: Vec<PathBuf>,
    /// Where batch.html and batch.md of several cases go; one case's reports go into its folder. With --post-mortem: the
    /// file to write.
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Write a draft of the post-mortem of one case, to be finished by people: post-mortem.md in its folder. A file that
    /// is there is not written over.
    #[arg(long)]
    pub post_mortem: bool,
}

/// `check`.
#[derive(Debug, ClapArgs)]
pub struct Check {
    /// A folder of incidents: each a folder with a bundle (bundle/, bundle.tar.gz, ...) and expected.json.
    #[arg(value_name = "CORPUS")]
    pub corpus: PathBuf,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write expected.json so that what is found meets it, and show what changed.
    #[arg(long)]
    pub bless: bool,
    /// Incidents side by side.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Threads of all jobs together; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Only these incidents, by their path in the corpus or its last part.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// `whois`.
#[derive(Debug, ClapArgs)]
pub struct Whois {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// An address, or the name of a host, pod or container.
    #[arg(value_name = "ADDRESS|NAME")]
    pub what: String,
    /// When (RFC 3339); without it, ever.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
}

/// `schema`.
#[derive(Debug, ClapArgs)]
pub struct Schema {
    /// Of which file.
    #[arg(value_enum, value_name = "findings|case")]
    pub of: SchemaOf,
}

/// Files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// findings.json.
    Findings,
    /// case.json.
    Case,
}

/// `completions`.
#[derive(Debug, ClapArgs)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, ClapArgs)]
pub struct ManPages {
    /// The folder to write coldcase.1, coldcase-analyze.1, ... into.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

impl Args {
    /// The language asked for, else that of the locale as POSIX orders its variables.
    pub fn lang(&self) -> Lang {
        match self.lang {
            Some(LangArg::En) => Lang::En,
            Some(LangArg::Zh) => Lang::Zh,
            None => {
                let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter();
                let mut set = set.filter_map(|name| std::env::var(name).ok());
                let locale = set.find(|locale| !locale.is_empty());
                Lang::of_locale(locale.as_deref().unwrap_or_default())
            }
        }
    }
}

impl Reading {
    /// As the library takes it.
    pub fn options(&self, iocs: Vec<PathBuf>, lang: Lang) -> Options {
        Options {
            timezone: self.timezone,
            collected_at: self.collected_at,
            iocs,
            threads: self.threads.map(usize::from),
            only: self.only.clone(),
            lang,
            limits: Limits {
                unpacked_bytes: self.unpacking.max_unpacked,
                files: self.unpacking.max_files,
                ratio: self.unpacking.max_ratio,
                depth: usize::from(self.unpacking.max_depth),
            },
            incremental: false,
        }
    }
}

fn zone(name: &str) -> Result<Tz, String> {
    coldcase_evidence::parse_zone(name)
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        "not an RFC 3339 time with an offset, like 2023-05-12T10:20:00+08:00".to_owned()
    })
}

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => {
            (text.get(..at).unwrap_or_default(), unit)
        }
        _ => (text, 'b'),
    };
    let shift = ['b', 'k', 'm', 'g', 't']
        .iter()
        .position(|one| *one == unit.to_ascii_lowercase());
    let number: Option<u64> = digits.parse().ok();
    number
        .zip(shift)
        .and_then(|(number, shift)| number.checked_mul(1 << (10 * shift)))
        .ok_or_else(|| "not a number of bytes, like 500000 or 20G".to_owned())
}

pub fn severity(name: &str) -> Result<Severity, String> {
    Severity::from_name(name)
        .ok_or_else(|| "use one of critical, high, medium, low, info".to_owned())
}

fn pattern(text: &str) -> Result<String, String> {
    match regex::Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default();
            Err(format!(
                "not a regular expression ({}); put \\ before a sign that is meant as such",
                last.trim_start_matches("error: ")
            ))
        }
    }
}

fn format_id(id: &str) -> Result<String, String> {
    match formats::by_id(id) {
        Some(_) => Ok(id.to_owned()),
        None => Err(format!(
            "no format has this id{}; see `coldcase formats`",
            near(id, false)
        )),
    }
}

fn known_id(id: &str) -> Result<String, String> {
    if formats::by_id(id).is_some() || correlators::by_id(id).is_some() {
        return Ok(id.to_owned());
    }
    Err(format!(
        "no format or correlator has this id{}; see `coldcase formats` and `coldcase correlators`",
        near(id, true)
    ))
}

/// `, did you mean pcap?` where an id is near.
pub fn near(id: &str, or_correlator: bool) -> String {
    let formats = formats::ALL.iter().map(|format| format.id);
    let correlators = correlators::ALL.iter().map(|correlator| correlator.id);
    let known = formats.chain(correlators.filter(|_| or_correlator));
    nearest(id, known).map_or_else(String::new, |near| format!(", did you mean {near}?"))
}
