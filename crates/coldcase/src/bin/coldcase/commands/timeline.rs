//! `coldcase timeline`: evidence, or the timeline of a case, into one sorted file, whole or filtered.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use coldcase::SavedCase;
use coldcase_evidence::WorkFolder;
use coldcase_model::nearest;
use coldcase_report::{ExportFormat, Exported, Lang, Profile, export, for_terminal};
use coldcase_timeline::{Filter, Timeline};

use crate::args::{Args, ProfileArg, TimelineArgs};
use crate::progress::Bar;

pub fn run(timeline: &TimelineArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let profile = profile(timeline.profile);
    let format = match format(&timeline.output, profile) {
        Ok(format) => format,
        Err(text) => return super::wrong_call(text),
    };
    if let (Some(from), Some(to)) = (timeline.from, timeline.to)
        && from > to
    {
        return super::wrong_call(format!(
            "--from {from} is after --to {to}: no event is between; swap them"
        ));
    }
    super::folder_of(&timeline.output)?;
    let target = Target {
        output: &timeline.output,
        format,
        profile,
        filter: filter(timeline),
    };
    if let [case] = timeline.reading.bundles.as_slice()
        && is_case(case)
    {
        return of_case(case, timeline, &target, args);
    }
    let parts =
        WorkFolder::temporary("coldcase-parts-").context("no temporary folder; set TMPDIR")?;
    let options = timeline.reading.options(Vec::new(), Lang::En);
    let bar = Arc::new(Bar::new(args.quiet));
    let done = coldcase::ingest_only(
        &timeline.reading.bundles,
        &timeline.output,
        parts.path(),
        &options,
        bar.clone(),
    );
    bar.clear();
    target.write(&done?.timeline, args)
}

/// A folder that `analyze` wrote: its timeline is there already.
fn is_case(path: &Path) -> bool {
    path.join("case.json").is_file() && path.join("timeline").is_dir()
}

fn of_case(
    case: &Path,
    timeline: &TimelineArgs,
    target: &Target<'_>,
    args: &Args,
) -> anyhow::Result<ExitCode> {
    let reading = &timeline.reading;
    if reading.timezone.is_some() || reading.collected_at.is_some() || !reading.only.is_empty() {
        return super::wrong_call(format!(
            "{}: is a case, its timeline is made: --timezone, --collected-at and --only are for \
             evidence; give the evidence, or leave them out (--format filters)",
            case.display()
        ));
    }
    let own = case.join("timeline").canonicalize()?;
    if super::folder_of(target.output)?
        .canonicalize()?
        .starts_with(&own)
    {
        return super::wrong_call(format!(
            "{}: would become a part of the case's own timeline; choose another folder",
            target.output.display()
        ));
    }
    target.write(&SavedCase::open(case)?.timeline, args)
}

fn profile(asked: Option<ProfileArg>) -> Profile {
    match asked {
        None => Profile::Coldcase,
        Some(ProfileArg::Timesketch) => Profile::Timesketch,
        Some(ProfileArg::Ecs) => Profile::Ecs,
        Some(ProfileArg::L2t) => Profile::L2t,
        Some(ProfileArg::Bodyfile) => Profile::BodyFile,
    }
}

fn format(output: &Path, profile: Profile) -> Result<ExportFormat, String> {
    let asked = ExportFormat::of(output);
    let endings = profile.endings();
    let known = endings.iter().find(|(format, _)| Some(*format) == asked);
    if let Some((format, _)) = known {
        return Ok(*format);
    }
    let all: Vec<&str> = endings.iter().map(|(_, ending)| *ending).collect();
    let all = match all.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    };
    Err(format!(
        "{}: the file's ending chooses what is written; use {all}{}",
        output.display(),
        if profile == Profile::Coldcase {
            ""
        } else {
            " with this --profile"
        }
    ))
}

fn filter(timeline: &TimelineArgs) -> Filter {
    Filter {
        from: timeline.from,
        to: timeline.to,
        hosts: timeline.host.clone(),
        formats: timeline.format.clone(),
        grep: timeline.grep.clone(),
    }
}

struct Target<'a> {
    output: &'a Path,
    format: ExportFormat,
    profile: Profile,
    filter: Filter,
}

impl Target<'_> {
    fn write(&self, timeline: &Timeline, args: &Args) -> anyhow::Result<ExitCode> {
        let rows = timeline.filtered(&self.filter)?;
        let mut done = None;
        super::write_whole(self.output, |out| {
            done = Some(export(&rows, out, self.output, self.format, self.profile)?);
            Ok(())
        })?;
        if let (Some(done), false) = (done, args.quiet) {
            super::print(&self.told(done, timeline)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What was written, and what was not and why.
    fn told(&self, done: Exported, timeline: &Timeline) -> anyhow::Result<String> {
        let mut text = format!("{} events in {}\n", done.rows, self.output.display());
        if done.left_out > 0 {
            let why = match self.profile {
                Profile::BodyFile => "are not about files that have a path and a time",
                _ => "have no time, which this profile demands",
            };
            text.push_str(&format!("{} events left out: they {why}\n", done.left_out));
        }
        if self.filter.from.is_some() || self.filter.to.is_some() {
            let undated = timeline.undated()?;
            if undated > 0 {
                text.push_str(&format!(
                    "{undated} events of the whole timeline have no time: --from and --to leave them out\n"
                ));
            }
        }
        let hosts = timeline.hosts()?;
        for host in self
            .filter
            .hosts
            .iter()
            .filter(|host| !hosts.contains(*host))
        {
            let near = nearest(host, hosts.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!(", did you mean {near}?"));
            let all: Vec<&str> = hosts.iter().map(String::as_str).collect();
            text.push_str(&for_terminal(&format!(
                "{host}: no event is of such a host{near}; there are {}",
                all.join(", ")
            )));
            text.push('\n');
        }
        Ok(text)
    }
}
