//! `coldcase whois`: who had an address at a time, or which addresses a name had.

use std::fmt::Write as _;
use std::process::ExitCode;

use coldcase::SavedCase;
use coldcase_correlate::{Fit, Holder, Identities};
use coldcase_model::{Timestamp, canonical_ip};
use coldcase_report::for_terminal;

use crate::args::Whois;

pub fn run(args: &Whois) -> anyhow::Result<ExitCode> {
    let case = SavedCase::open(&args.case)?;
    let identities = Identities::from(&case.timeline, &case.facts)?;
    let at = args.at.map(Timestamp::nanos);
    let text = match canonical_ip(&args.what) {
        Some(address) => of_address(&identities, &address, at),
        None => of_name(&identities, &args.what, at),
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_address(identities: &Identities, address: &str, at: Option<i64>) -> String {
    let resolution = identities.at(address, at, at);
    let mut out = String::new();
    let answer = match (&resolution.best, resolution.candidates.len()) {
        (Some(best), _) => {
            let kind = best.observable.kind.as_str();
            format!("{kind} {}", best.observable.value)
        }
        (None, 0) if resolution.others.is_empty() => {
            "unknown: nothing in the case says who has it".to_owned()
        }
        (None, 0) => "unknown: it is known at other times only".to_owned(),
        (None, count) => format!("one of {count} that fit alike"),
    };
    let _ = writeln!(out, "{address}: {}", for_terminal(&answer));
    let groups = [
        ("", resolution.best.as_slice()),
        ("candidate", &resolution.candidates),
        ("fits less", &resolution.lesser),
        ("at another time", &resolution.others),
    ];
    for (what, holders) in groups {
        for holder in holders {
            describe(&mut out, what, holder);
        }
    }
    out
}

fn of_name(identities: &Identities, name: &str, at: Option<i64>) -> String {
    let mut out = String::new();
    for (address, holder) in identities.named(name, at) {
        let _ = writeln!(out, "{}", for_terminal(address));
        describe(&mut out, "", &holder);
    }
    if out.is_empty() {
        out = format!(
            "{}: no host, pod or container of this name had an address{}\n",
            for_terminal(name),
            at.map_or("", |_| " then")
        );
    }
    out
}

fn describe(out: &mut String, what: &str, holder: &Holder) {
    let time =
        |nanos: Option<i64>| nanos.map_or("?".to_owned(), |nanos| Timestamp(nanos).to_string());
    let fit = match holder.fit {
        Fit::Exact => "surely",
        Fit::Listed => "by a list",
        Fit::Possible => "possibly",
        Fit::Weak => "perhaps",
    };
    let observable = &holder.observable;
    let on = holder.host.as_ref().map(|host| format!(" on {host}"));
    let _ = writeln!(
        out,
        "  {}{} {}{}, {fit}, from {} until {}\n    {}",
        if what.is_empty() {
            String::new()
        } else {
            format!("{what}: ")
        },
        observable.kind.as_str(),
        for_terminal(&observable.value),
        for_terminal(&on.unwrap_or_default()),
        time(holder.start),
        time(holder.end),
        for_terminal(&holder.source)
    );
}
