//! From paths of evidence to a case: the one road that the binary, tests and other programs take.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use coldcase_correlate::{
    CaseFacts, CorrelateError, Coverage, HostFacts, Indicator, IndicatorType,
};
use coldcase_evidence::{Bundle, EvidenceError, parse_indicators};
use coldcase_ingest::{Zone, ZoneSource, formats};
use coldcase_model::{Findings, canonical_ip};
use coldcase_timeline::{Timeline, TimelineError};

use crate::case_files::write_files;
use crate::case_place::{CasePlace, sync_parts};
use crate::clock_solver::{self, Step, Verdict};
use crate::host_facts::BundleFacts;
use crate::incremental::{self, Earlier, TakenOver};
use crate::ingest::{InputRecord, Progress};
use crate::plan::plan;
use crate::readings::{Readings, read_all};
use crate::{Options, alerts, clocks, output_place};

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The bundle can't be used.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The timeline can't be written or read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// A correlator could not finish.
    #[error(transparent)]
    Correlate(#[from] CorrelateError),
    /// The output would lie inside the evidence.
    #[error(
        "{0}: lies inside the evidence, which is never written to; choose a folder outside of it with -o"
    )]
    OutputInside(PathBuf),
    /// Making the output folder failed.
    #[error("{path}: {source}; choose another folder with -o")]
    Output {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The output folder can't be replaced by a case.
    #[error("{path}: {reason}; or choose another folder with -o")]
    Occupied {
        /// Which.
        path: PathBuf,
        /// Why, and what would do.
        reason: String,
    },
    /// The case was finished, and its place did not take it.
    #[error("{path}: the finished case can't be put there: {reason}; it lies in {kept}")]
    NotInPlace {
        /// Its place.
        path: PathBuf,
        /// Why.
        reason: String,
        /// Where it was left.
        kept: PathBuf,
    },
    /// Threads can't be started.
    #[error("threads can't be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// A case as analysed.
pub struct Analysis {
    /// Where the evidence lies.
    pub roots: Vec<PathBuf>,
    /// What each input held.
    pub inputs: Vec<InputRecord>,
    /// Losses before any input was opened.
    pub warnings: Vec<String>,
    /// What the case knows beside its timeline.
    pub facts: CaseFacts,
    /// What the evidence says of its hosts.
    pub host_facts: BundleFacts,
    /// What the evidence says of its clocks.
    pub(crate) verdict: Verdict,
    /// Clocks that were set, and logs that go back in time.
    pub(crate) steps: Vec<Step>,
    /// Whether the moment of collection is only the latest record.
    pub(crate) is_collection_inferred: bool,
    /// Zone of the case and what it rests on.
    pub zone: Zone,
    /// The timeline.
    pub timeline: Timeline,
    /// What the correlators found.
    pub findings: Findings,
    /// What was taken over from the case that was there, where that was asked for.
    pub taken_over: Option<TakenOver>,
    /// What the heads of year-less logs show.
    pub(crate) surveys: clocks::Surveys,
}

/// The whole job: evidence into a case at `output`, which appears there as one step when all of it is made.
/// A case that is there already is replaced; whatever ends the run earlier leaves it as it was.
pub fn make_case(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
    progress: Arc<dyn Progress>,
) -> Result<Analysis, CaseError> {
    refuse_inside(&roots(paths), output)?;
    let mut place = CasePlace::new(output)?;
    let mut folder = PathBuf::new();
    let mut begin = || {
        folder = place.begin()?;
        Ok(Begun {
            timeline: folder.join("timeline"),
            earlier: place.earlier().filter(|_| options.incremental),
        })
    };
    let made = correlated(paths, output, &mut begin, sync_parts, options, &progress);
    // What could not be written lay in a folder that is gone by now: the place asked for says more.
    let analysis = made.map_err(|error| match error {
        CaseError::Timeline(TimelineError::Io { path, source }) if path.starts_with(&folder) => {
            let path = output.to_owned();
            CaseError::Output { path, source }
        }
        other => other,
    })?;
    progress.stage("writing");
    in_pool(options, || {
        let written = write_files(&analysis, &folder, output, options);
        written.map_err(|source| CaseError::Output {
            path: output.to_owned(),
            source,
        })
    })?;
    if options.incremental {
        let written = incremental::write_state(&analysis, &folder, options);
        written.map_err(|source| CaseError::Output {
            path: output.to_owned(),
            source,
        })?;
    }
    place.publish()?;
    let timeline = analysis.timeline.moved_to(&output.join("timeline"));
    Ok(Analysis {
        timeline,
        ..analysis
    })
}

/// Evidence into `output/timeline`, correlators over it. Reports are the caller's, and so is it that nothing is left
/// where this fails; see [`make_case`].
pub fn analyze(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
    progress: Arc<dyn Progress>,
) -> Result<Analysis, CaseError> {
    let mut begin = || Ok(Begun::only(output.join("timeline")));
    correlated(paths, output, &mut begin, |_| {}, options, &progress)
}

/// `beside` works on the timeline while correlators do.
fn correlated(
    paths: &[PathBuf],
    output: &Path,
    begin: Begin<'_>,
    beside: fn(&Timeline),
    options: &Options,
    progress: &Arc<dyn Progress>,
) -> Result<Analysis, CaseError> {
    in_pool(options, || {
        let mut analysis = read(paths, output, begin, options, progress)?;
        progress.stage("correlating");
        let only: Vec<String> = options
            .only
            .iter()
            .filter(|id| formats::by_id(id).is_none())
            .cloned()
            .collect();
        let timeline = &analysis.timeline;
        analysis.findings = thread::scope(|scope| {
            scope.spawn(|| beside(timeline));
            coldcase_correlate::run(timeline, &analysis.facts, &only)
        })?;
        Ok(analysis)
    })
}

/// Evidence into a timeline in this folder, without correlating.
pub fn ingest_only(
    paths: &[PathBuf],
    output: &Path,
    folder: &Path,
    options: &Options,
    progress: Arc<dyn Progress>,
) -> Result<Analysis, CaseError> {
    let mut begin = || Ok(Begun::only(folder.to_owned()));
    in_pool(options, || {
        read(paths, output, &mut begin, options, &progress)
    })
}

/// Makes what the timeline is written into, once it is known that there is evidence.
type Begin<'b> = &'b mut (dyn FnMut() -> Result<Begun, CaseError> + Send);

/// Where a run works.
struct Begun {
    timeline: PathBuf,
    /// The case to take over from.
    earlier: Option<incremental::Place>,
}

impl Begun {
    fn only(timeline: PathBuf) -> Self {
        let earlier = None;
        Self { timeline, earlier }
    }
}

fn in_pool<T: Send>(
    options: &Options,
    work: impl FnOnce() -> Result<T, CaseError> + Send,
) -> Result<T, CaseError> {
    match options.threads {
        None => coldcase_timeline::threads().install(work),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()?
            .install(work),
    }
}

fn read(
    paths: &[PathBuf],
    output: &Path,
    begin: Begin<'_>,
    options: &Options,
    progress: &Arc<dyn Progress>,
) -> Result<Analysis, CaseError> {
    let bundle = Bundle::open_within(paths, &options.limits)?;
    refuse_inside(&bundle.roots, output)?;
    progress.stage("recognising files");
    let mut planned = plan(&bundle, &options.only);
    let host_facts = BundleFacts::gather(&bundle, &mut planned);
    let indicators = indicators(&bundle, options)?;
    let Begun {
        timeline: folder,
        earlier,
    } = begin()?;
    refuse_inside(&bundle.roots, &folder)?;
    fs::create_dir_all(&folder).map_err(|source| CaseError::Output {
        path: folder.clone(),
        source,
    })?;
    let earlier = earlier.map(|place| Earlier::open(&place, &bundle, &planned, options, progress));
    let (facts_told, at) = (&host_facts, &folder);
    let readings = read_all(
        &bundle, &planned, facts_told, options, at, earlier, progress,
    )?;
    let zone = match clocks::case_zone(&bundle, &host_facts, options) {
        told if told.source < ZoneSource::Nothing => told,
        nothing => readings.verdict.case_zone().unwrap_or(nothing),
    };
    let mut facts = facts(&bundle, &readings, indicators, zone, &host_facts, options);
    let is_collection_inferred = readings.latest_record.is_some();
    let Readings {
        inputs,
        timeline,
        verdict,
        surveys,
        taken_over,
        ..
    } = readings;
    facts.skews = clock_solver::skews(&timeline, &inputs, &facts.hosts)?;
    let steps = clock_solver::steps(&timeline, &inputs)?;
    let told = alerts::indicators(&timeline, &facts.hosts, &facts.indicators)?;
    facts.indicators.extend(told);
    facts.indicators.sort();
    facts.indicators.dedup();
    let findings = Findings::new(Vec::new(), Vec::new());
    Ok(Analysis {
        roots: bundle.roots,
        inputs,
        warnings: bundle
            .warnings
            .into_iter()
            .chain(verdict.contradictions())
            .collect(),
        verdict,
        steps,
        is_collection_inferred,
        facts,
        host_facts,
        zone,
        timeline,
        findings,
        taken_over,
        surveys,
    })
}

/// The paths of the evidence as a bundle holds them; those that are not there are the bundle's to name.
fn roots(paths: &[PathBuf]) -> Vec<PathBuf> {
    let real = paths.iter().filter_map(|path| path.canonicalize().ok());
    real.collect()
}

fn refuse_inside(roots: &[PathBuf], output: &Path) -> Result<(), CaseError> {
    if output_place::is_inside(roots, output) {
        Err(CaseError::OutputInside(output.to_owned()))
    } else {
        Ok(())
    }
}

fn indicators(bundle: &Bundle, options: &Options) -> Result<Vec<Indicator>, EvidenceError> {
    let mut files: Vec<PathBuf> = options.iocs.clone();
    for (index, case) in bundle.cases.iter().enumerate() {
        for name in &case.indicators {
            let wanted = name.trim_start_matches("./");
            let found = bundle
                .artifacts
                .iter()
                .find(|one| one.bundle == index && bundle.inside(one) == wanted);
            let Some(artifact) = found.filter(|artifact| artifact.unreadable.is_none()) else {
                let reason = "case.toml names it as indicators, but the bundle holds no such \
                              regular file; correct its path there"
                    .to_owned();
                let path = PathBuf::from(name);
                return Err(EvidenceError::Indicators { path, reason });
            };
            files.push(artifact.disk.clone());
        }
    }
    let mut all = Vec::new();
    for path in files {
        let bytes = fs::read(&path).map_err(|error| EvidenceError::Indicators {
            path: path.clone(),
            reason: format!("can't be read: {error}; name an indicator file that exists"),
        })?;
        let parsed = parse_indicators(&String::from_utf8_lossy(&bytes));
        if parsed.is_empty() {
            let reason = "holds no indicator; give one domain, address or hash a line".to_owned();
            return Err(EvidenceError::Indicators { path, reason });
        }
        all.extend(parsed.into_iter().map(|one| Indicator {
            kind: kind(one.kind),
            value: one.value,
        }));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn kind(kind: coldcase_evidence::IndicatorType) -> IndicatorType {
    use coldcase_evidence::IndicatorType as Read;
    match kind {
        Read::Domain => IndicatorType::Domain,
        Read::Ip => IndicatorType::Ip,
        Read::Cidr => IndicatorType::Cidr,
        Read::Hash => IndicatorType::Hash,
        Read::Url => IndicatorType::Url,
    }
}

fn facts(
    bundle: &Bundle,
    readings: &Readings,
    indicators: Vec<Indicator>,
    zone: Zone,
    told: &BundleFacts,
    options: &Options,
) -> CaseFacts {
    let inputs = &readings.inputs;
    let solved = |host: &str| {
        let named = inputs.iter().any(|input| {
            input.host.as_deref() == Some(host) && input.clock.zone.source < ZoneSource::Solved
        });
        readings.verdict.host(Some(host)).filter(|_| !named)
    };
    let mut hosts: BTreeMap<String, HostFacts> = BTreeMap::new();
    for (host, clock) in inputs
        .iter()
        .filter_map(|input| Some((input.host.clone()?, input.clock)))
    {
        let known = HostFacts {
            name: host.clone(),
            addresses: told
                .of(&host)
                .map_or_else(Vec::new, |facts| facts.addresses.clone()),
            zone: solved(&host).unwrap_or(clock.zone.tz),
        };
        hosts.entry(host).or_insert(known);
    }
    for case in &bundle.cases {
        for spec in &case.hosts {
            let seen = options.timezone.or_else(|| told.zone(Some(&spec.name)));
            let seen = seen.or_else(|| readings.verdict.host(Some(&spec.name)));
            let zone = spec.timezone.or(case.timezone).or(seen).unwrap_or(zone.tz);
            let addresses = spec.addresses.iter();
            let addresses = addresses.map(|text| {
                canonical_ip(text).map_or_else(|| text.clone(), std::borrow::Cow::into_owned)
            });
            let mut addresses: Vec<String> = addresses.collect();
            let seen = told.of(&spec.name).into_iter();
            addresses.extend(seen.flat_map(|facts| facts.addresses.clone()));
            addresses.dedup();
            let known = HostFacts {
                name: spec.name.clone(),
                addresses,
                zone,
            };
            hosts.insert(spec.name.clone(), known);
        }
    }
    let coverage = inputs.iter().filter_map(|input| {
        let (host, file) = (input.host.clone(), input.path.clone());
        Some(Coverage {
            host,
            file,
            format: input.format?.to_owned(),
            first: input.first?,
            last: input.last?,
        })
    });
    CaseFacts {
        hosts: hosts.into_values().collect(),
        zone: zone.tz,
        collected_at: clocks::collected_at(bundle, told, options).or(readings.latest_record),
        indicators,
        coverage: coverage.collect(),
        skews: Vec::new(),
    }
}
