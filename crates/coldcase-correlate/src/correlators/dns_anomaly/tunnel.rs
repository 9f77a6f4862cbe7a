//! Data in the names of questions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use coldcase_model::action;
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::letters::is_random;
use super::names::{is_below, parts};
use super::sample::{Kept, hash};
use super::survey::{Asked, Client, Survey};

/// Bytes of data in distinct names, in a day, that a client does not send below one domain by chance
/// (Paxson and others 2013: 4 kB a day for a whole site's client, after compression).
pub(super) const LEAST_BYTES: f64 = 4_096.0;
/// Distinct names that are many: 4 kB in the longest labels fill 65.
pub(super) const LEAST_NAMES: f64 = 40.0;
/// How many times as much there must be where no times say how long it took.
const UNDATED: f64 = 5.0;
/// How many times as much is plenty, and far too much.
const PLENTY: f64 = 10.0;
const FAR_TOO_MUCH: f64 = 100.0;
/// Mean bytes in a name that are long: hashes for reputation are 32 to 64, ids 32 or 36.
const LONG_NAMES: f64 = 40.0;
/// Share of questions for data types, and of answers with data, that is more than mail and certificates make.
const DATA_SHARE: f64 = 0.5;
/// Share of questions of the main type that are for a name never asked before.
const NEVER_TWICE: f64 = 0.8;
/// Clients in the evidence from which it says something that one alone asks.
const ENOUGH_CLIENTS: usize = 3;
/// Share of answers in 127.0.0.0/8 from which the domain is a block list (RFC 5782).
const BLOCK_LIST: f64 = 0.5;
/// Letters of an answer's data that read like dice.
const ANSWER_DATA: usize = 16;
const DAY_NS: i64 = 86_400_000_000_000;

/// Signs from which it is worth telling, and from which it is a tunnel in all likelihood.
pub(super) const LEAST_SIGNS: usize = 3;
pub(super) const CLEAR_SIGNS: usize = 4;

/// One client's questions below one domain, with data in their names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tunnel {
    pub client: Client,
    pub domain: u32,
    /// On the fullest day.
    pub bytes: f64,
    pub names: f64,
    pub queries: u64,
    pub data_type_share: f64,
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub signs: BTreeSet<&'static str>,
    /// Hashes of names to show.
    pub telling: Vec<u64>,
    pub far_too_much: bool,
}

/// All tunnels, in order of client and domain.
pub(super) fn find(timeline: &Timeline, survey: &Survey) -> Result<Vec<Tunnel>, TimelineError> {
    let own = domains_of_clients(survey);
    let mut found: BTreeMap<(&str, &str), Tunnel> = BTreeMap::new();
    for ((client, domain), asked) in &survey.asked {
        let of_client = own.get(client);
        let Some(tunnel) = judge(*client, *domain, asked, |inner| {
            of_client.is_some_and(|own| own.contains(&inner))
        }) else {
            continue;
        };
        found.insert((survey.text(*domain), survey.text(*client)), tunnel);
    }
    let tunnels: Vec<Tunnel> = found.into_values().collect();
    let mut tunnels = askers_alone(tunnels, survey);
    note_lone(&mut tunnels, survey);
    note_answers(timeline, &mut tunnels, survey)?;
    tunnels.retain(|one| one.signs.len() >= LEAST_SIGNS);
    Ok(tunnels)
}

/// Hashes of the domains that each client asks below.
fn domains_of_clients(survey: &Survey) -> HashMap<Client, HashSet<u64>> {
    let mut own: HashMap<Client, HashSet<u64>> = HashMap::new();
    for (client, domain) in survey.asked.keys() {
        own.entry(*client)
            .or_default()
            .insert(hash(survey.text(*domain)));
    }
    own
}

/// Whether these questions are many enough and full enough. `is_asked`: whether the client asks for this domain
/// too; what stands below it here then is that domain's, with a search suffix.
fn judge(
    client: Client,
    domain: u32,
    asked: &Asked,
    is_asked: impl Fn(u64) -> bool,
) -> Option<Tunnel> {
    let kept = asked.names.kept();
    let mut names: Vec<(u64, &Kept)> = kept
        .filter(|(_, one)| one.inner == 0 || !is_asked(one.inner))
        .collect();
    names.sort_by_key(|(hash, one)| (one.first, *hash));
    let weight = asked.names.weight();
    let dated: Vec<(i64, u16)> = names
        .iter()
        .filter_map(|(_, one)| Some((one.first?, one.data)))
        .collect();
    let (bytes, count) = match dated.is_empty() {
        false => fullest_day(&dated),
        true => {
            let bytes: f64 = names.iter().map(|(_, one)| f64::from(one.data)).sum();
            (bytes / UNDATED, names.len() as f64 / UNDATED)
        }
    };
    let (bytes, count) = (bytes * weight, count * weight);
    if bytes < LEAST_BYTES || count < LEAST_NAMES {
        return None;
    }
    let queries = asked.queries();
    let mut signs = BTreeSet::new();
    let mut note = |holds: bool, word: &'static str| {
        if holds {
            signs.insert(word);
        }
    };
    note(bytes / count >= LONG_NAMES, "long-names");
    note(asked.data_share() >= DATA_SHARE, "data-types");
    let of_main_type = queries as f64 * asked.main_type_share();
    let all = names.len() as f64 * weight;
    note(all >= NEVER_TWICE * of_main_type, "never-twice");
    note(bytes >= PLENTY * LEAST_BYTES, "plenty");
    Some(Tunnel {
        client,
        domain,
        bytes,
        names: all,
        queries,
        data_type_share: asked.data_share(),
        first: dated.first().map(|(at, _)| *at),
        last: dated.last().map(|(at, _)| *at),
        signs,
        telling: telling(&names),
        far_too_much: bytes >= FAR_TOO_MUCH * LEAST_BYTES,
    })
}

/// Bytes and names of the fullest 24 hours.
fn fullest_day(dated: &[(i64, u16)]) -> (f64, f64) {
    let (mut best, mut bytes, mut count) = ((0.0, 0.0), 0.0, 0.0);
    let mut oldest = dated.iter();
    for (at, data) in dated {
        bytes += f64::from(*data);
        count += 1.0;
        while let Some((old, gone)) = oldest.as_slice().first()
            && at - old > DAY_NS
        {
            bytes -= f64::from(*gone);
            count -= 1.0;
            oldest.next();
        }
        if bytes > best.0 {
            best = (bytes, count);
        }
    }
    best
}

/// Names to show: the first, the last, and some between.
fn telling(names: &[(u64, &Kept)]) -> Vec<u64> {
    const SHOWN: usize = 12;
    let step = |index: usize| match names.len() {
        0..=SHOWN => index,
        count => index * (count - 1) / (SHOWN - 1),
    };
    let shown = (0..SHOWN.min(names.len())).filter_map(|index| names.get(step(index)));
    shown.map(|(hash, _)| *hash).collect()
}

/// Without those who pass on what others ask.
fn askers_alone(tunnels: Vec<Tunnel>, survey: &Survey) -> Vec<Tunnel> {
    let of = |one: &Tunnel| survey.asked.get(&(one.client, one.domain));
    let passes_on = |one: &Tunnel| {
        let others = tunnels.iter().filter(|other| other.domain == one.domain);
        others
            .filter(|other| other.client != one.client)
            .any(|other| {
                let (Some(mine), Some(theirs)) = (of(one), of(other)) else {
                    return false;
                };
                survey.passes_on(one.client, &mine.names, other.client, &theirs.names)
            })
    };
    let kept: Vec<Tunnel> = tunnels
        .iter()
        .filter(|one| !passes_on(one))
        .cloned()
        .collect();
    kept
}

fn note_lone(tunnels: &mut [Tunnel], survey: &Survey) {
    let clients = survey.clients();
    let wanted: BTreeSet<u32> = tunnels.iter().map(|one| one.domain).collect();
    let mut askers: BTreeMap<u32, BTreeSet<Client>> = BTreeMap::new();
    for (client, domain) in survey.asked.keys() {
        if wanted.contains(domain) && clients.contains(client) {
            askers.entry(*domain).or_default().insert(*client);
        }
    }
    for one in tunnels {
        let alone = askers.get(&one.domain).is_none_or(|known| known.len() <= 1);
        if alone && clients.len() >= ENOUGH_CLIENTS {
            one.signs.insert("lone-client");
        }
    }
}

/// What answers below a domain hold.
#[derive(Default)]
struct Answers {
    all: usize,
    data: usize,
    block_list: usize,
}

/// Notes data in answers, and leaves out what is answered like a block list.
fn note_answers(
    timeline: &Timeline,
    tunnels: &mut Vec<Tunnel>,
    survey: &Survey,
) -> Result<(), TimelineError> {
    let domains: BTreeSet<&str> = tunnels.iter().map(|one| survey.text(one.domain)).collect();
    let below = domains.iter().map(|domain| {
        let dotted = format!(".{domain}");
        col("domain").str().ends_with(lit(dotted))
    });
    let Some(below) = below.reduce(|a, b| a.or(b)) else {
        return Ok(());
    };
    let mut answers: BTreeMap<&str, Answers> = BTreeMap::new();
    let columns = ["domain", "attributes"];
    timeline.for_each_part(
        &[action::DNS_ANSWER],
        &columns,
        |rows| rows.filter(below.clone().fill_null(lit(false))),
        |rows| {
            for row in 0..rows.rows() {
                let name = rows.text("domain", row).unwrap_or_default();
                let json = rows.text("attributes", row);
                let json: Option<Value> = json.and_then(|text| serde_json::from_str(text).ok());
                let records = json
                    .as_ref()
                    .and_then(|json| json.get("answers")?.as_array());
                let domain = domains.iter().find(|domain| is_below(name, domain));
                if let (Some(records), Some(domain)) = (records, domain) {
                    note_answer(answers.entry(domain).or_default(), records);
                }
            }
        },
    )?;
    let share = |of: usize, all: usize| of as f64 / all.max(1) as f64;
    let none = Answers::default();
    tunnels.retain_mut(|one| {
        let known = answers.get(survey.text(one.domain)).unwrap_or(&none);
        if share(known.data, known.all) >= DATA_SHARE {
            one.signs.insert("data-in-answers");
        }
        share(known.block_list, known.all) < BLOCK_LIST
    });
    Ok(())
}

fn note_answer(answers: &mut Answers, records: &[Value]) {
    let text = |record: &Value, name: &str| record.get(name)?.as_str().map(str::to_owned);
    let data: Vec<(String, String)> = records
        .iter()
        .filter_map(|record| Some((text(record, "type")?, text(record, "data")?)))
        .collect();
    if data.is_empty() {
        return;
    }
    answers.all += 1;
    answers.block_list += usize::from(data.iter().any(|(_, data)| data.starts_with("127.")));
    let carries = |(kind, data): &(String, String)| {
        !matches!(kind.as_str(), "A" | "AAAA") && holds_dice(data)
    };
    answers.data += usize::from(data.iter().any(carries));
}

/// Whether an answer's data has a long part that reads like dice.
fn holds_dice(data: &str) -> bool {
    // A name of another domain: what stands before its registered part counts.
    let data = data.to_ascii_lowercase();
    let own = parts(&data).map_or(data.as_str(), |parts| parts.below);
    let mut pieces = own.split(|c: char| !c.is_ascii_alphanumeric());
    pieces.any(|piece| piece.len() >= ANSWER_DATA && is_random(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_day_slides() {
        let hour = DAY_NS / 24;
        let names: Vec<(i64, u16)> = (0..48).map(|n| (n * hour, 10)).collect();
        assert_eq!(fullest_day(&names), (250.0, 25.0));
        assert_eq!(fullest_day(&[]), (0.0, 0.0));
    }

    #[test]
    fn data_in_answers() {
        assert!(holds_dice("aGk3ZmVnOXBrMmxtbnFyc3R1dng="));
        assert!(holds_dice("mfrggzdfmztwq2lknnwg23tp.t.evil.example"));
        assert!(!holds_dice("v=spf1 include:_spf.example.com ~all"));
        assert!(!holds_dice("www.example.com"));
        assert!(!holds_dice("192.0.2.1"));
    }
}
