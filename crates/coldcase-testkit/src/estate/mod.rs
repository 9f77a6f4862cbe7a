//! Benign estates: bundles of evidence of hosts on which only ordinary things happen.
//!
//! An estate has a bastion, a database, two nodes of a cluster, a runner of continuous integration, a training host, a gateway and a
//! crawler. What was collected from them holds the traps that look like incidents: a backup at 02:00, configuration
//! management, monitoring, the owner's vulnerability scanner, address translation, containers that come and go all day, a training job on
//! all cores, privileged agents, people who mistype. [`make`] draws one from a seed; [`incident::plant`] puts a true incident into it, so
//! that a test which holds the program to silence can also show that it isn't deaf.
//!
//! The same plan gives the same bytes. Clocks are right unless a plan says otherwise.

mod audit;
mod captures;
mod clock;
mod cluster;
mod cron;
pub(crate) mod dice;
mod engine;
mod engine_text;
mod files;
mod frames;
pub mod incident;
mod login_records;
mod logins;
mod lookups;
mod metrics;
mod names;
mod packages;
mod processes;
mod resolver;
mod services;
mod sockets;

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use chrono::NaiveDate;
use chrono_tz::Tz;

pub use names::{Machine, Names};

use clock::Clock;
pub(crate) use dice::Dice;

/// What an estate is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Draws names, times, counts.
    pub seed: u64,
    /// Zone of its hosts.
    pub zone: Tz,
    /// First day of the evidence.
    pub first_day: NaiveDate,
    /// How many days; on the last one the evidence was collected.
    pub days: u64,
    /// By how many seconds the database's clock is ahead.
    pub database_ahead: i64,
    /// Whether a `case.toml` says zone, hosts and moment of collection.
    pub described: bool,
}

/// Files of a bundle: paths and contents.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// By path, with `/`.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// Adds a file.
    pub fn add(&mut self, host: &str, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(format!("{host}/{path}"), content.into());
    }

    /// Writes all files below a folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, content) in &self.files {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }
}

/// What every part of an estate needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) plan: Plan,
    pub(crate) names: Names,
    pub(crate) clock: Clock,
}

impl Scene {
    fn new(plan: &Plan) -> Self {
        Self {
            plan: *plan,
            names: Names::draw(plan.seed),
            clock: Clock {
                zone: plan.zone,
                first_day: plan.first_day,
                days: plan.days,
            },
        }
    }

    pub(crate) fn dice(&self, part: &str) -> Dice {
        Dice::new(self.plan.seed, part)
    }
}

/// The names that a plan draws.
pub fn names(plan: &Plan) -> Names {
    Names::draw(plan.seed)
}

/// Makes an estate's bundle.
pub fn make(plan: &Plan) -> Bundle {
    let scene = Scene::new(plan);
    let mut bundle = Bundle::default();
    if plan.described {
        bundle
            .files
            .insert("case.toml".to_owned(), description(&scene).into_bytes());
    }
    logins::write(&scene, &mut bundle);
    audit::write(&scene, &mut bundle);
    cron::write(&scene, &mut bundle);
    services::write(&scene, &mut bundle);
    engine::write(&scene, &mut bundle);
    cluster::write(&scene, &mut bundle);
    resolver::write(&scene, &mut bundle);
    processes::write(&scene, &mut bundle);
    sockets::write(&scene, &mut bundle);
    files::write(&scene, &mut bundle);
    packages::write(&scene, &mut bundle);
    metrics::write(&scene, &mut bundle);
    captures::write(&scene, &mut bundle);
    bundle
}

fn description(scene: &Scene) -> String {
    let clock = &scene.clock;
    let mut text = format!(
        "timezone = \"{}\"\ncollected_at = \"{}\"\n",
        clock.zone,
        clock.iso(clock.collected(), 0).replace(".000000", "")
    );
    let names = &scene.names;
    for host in names.collected().into_iter().chain(names.others()) {
        let public = match &host.name {
            name if *name == names.bastion.name => Some(&names.bastion_public),
            name if *name == names.gateway.name => Some(&names.gateway_public),
            _ => None,
        };
        let addresses: Vec<String> = [Some(&host.address), public]
            .into_iter()
            .flatten()
            .map(|address| format!("\"{address}\""))
            .collect();
        text.push_str(&format!(
            "\n[[host]]\nname = \"{0}\"\npath = \"{0}\"\naddresses = [{1}]\n",
            host.name,
            addresses.join(", ")
        ));
    }
    text
}
