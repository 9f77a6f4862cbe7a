//! Questions to DNS that look like something else than lookups: data in names, generated names, storms of failures.
//!
//! - `tunnel`: one client puts data into names below one registered domain. Counted are the bytes of labels
//!   that read like dice (which letter follows which, against words of many kinds) in distinct names: 4 kB in
//!   24 hours (Paxson and others 2013) and 40 names are the least. Six signs then weigh: names of 40 bytes and more;
//!   half of the questions for types that carry data (TXT, NULL, CNAME, MX, ...); hardly a name asked twice;
//!   nobody else asking below the domain; data in the answers; ten times the least bytes. Three signs are
//!   `low`, four `medium`; `high` is an indicator, or all six with a hundred times the least.
//! - `dga`: one client fails to find 20 registered domains and more in an hour that read like dice, and they are
//!   six in ten of all that it fails to find then. `medium`; `high` where one of them is an indicator. `domain`
//!   is null, `examples` names some, `queries` counts the domains.
//! - `nxdomain-burst`: 300 failures and more in five minutes, ten times the client's usual number, which at
//!   least twelve such spans must show. `low` always, five at most.
//!
//! What looks alike and is left out: content networks, clouds, reputation and block lists, telemetry (a table
//! of their domains, and whatever is answered from 127.0.0.0/8); addresses turned round; service labels (`_dmarc`,
//! `_domainkey`, `_acme-challenge`); names of local networks and of clusters, with or without search suffixes,
//! also a suffix behind a name whose own domain the client asks for too; single labels (a browser's test of
//! its resolver, CoreDNS's HINFO loop test). Registered domains come from a small table of suffixes (`co.uk`,
//! `com.cn`, dynamic DNS), not from the public suffix list: an unusual suffix counts as if it were registered.
//!
//! A question is counted once, in the kind of record that shows most. Of clients that ask the same names within five
//! seconds only the one is told that serves nobody, or that asks first: the others pass on. Behind translation
//! the address before it is told where the capture shows it. More than 32,768 names are estimated.
//!
//! Not seen: names generated from words; slow tunnels below 4 kB a day; tunnels below the domains of the
//! table; DNS over TLS or HTTPS. Without times the least is five times as much for a tunnel, three times for
//! generated names, and there are no storms.

use std::collections::BTreeSet;

use coldcase_model::Finding;
use coldcase_timeline::TimelineError;

use crate::{CaseFacts, Correlator, View};

mod failures;
mod letters;
mod names;
mod sample;
mod shown;
mod statement;
mod survey;
mod tunnel;

use shown::{Shown, Wanted};
use statement::Told;
use survey::Survey;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "dns-anomaly",
    title: "data in DNS names, generated names, storms of failures",
    source: include_str!("dns_anomaly.rs"),
    rests_on: &[],
    run,
};

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let survey = Survey::read(timeline, facts)?;
    let tunnels = tunnel::find(timeline, &survey)?;
    let generated = failures::generated(&survey);
    let bursts = failures::bursts(&survey, &generated);
    if tunnels.is_empty() && generated.is_empty() && bursts.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = |client, hashes: &[u64], failed| Wanted {
        client: survey.text(client).to_owned(),
        hashes: hashes.iter().copied().collect::<BTreeSet<_>>(),
        failed,
    };
    let of_tunnels = tunnels
        .iter()
        .map(|one| wanted(one.client, &one.telling, false));
    let of_generated = generated
        .iter()
        .map(|one| wanted(one.client, &one.telling, true));
    let all: Vec<Wanted> = of_tunnels.chain(of_generated).collect();
    let mut shown = shown::find(timeline, facts, &all)?.into_iter();
    let told = Told {
        survey: &survey,
        identities: &timeline.identities,
        facts,
    };
    let mut found = Vec::new();
    for one in &tunnels {
        found.push(told.tunnel(one, shown.next().unwrap_or_default()));
    }
    for one in &generated {
        found.push(told.generated(one, shown.next().unwrap_or_default()));
    }
    for one in &bursts {
        let (records, domain) = shown::of_storm(timeline, facts, &survey, one)?;
        let shown = Shown {
            records,
            ..Shown::default()
        };
        found.push(told.burst(one, shown, domain.as_deref()));
    }
    Ok(found)
}
