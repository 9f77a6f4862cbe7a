//! Writes the case folders of a made-up fleet, to measure lakes by: `fleet_cases FOLDER HOSTS EVENTS`.

#[path = "../tests/lake/cases.rs"]
mod cases;

use std::path::Path;

use coldcase_testkit::fleet::Fleet;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse().ok());
    match (args.first(), number(1), number(2)) {
        (Some(folder), Some(hosts), Some(events)) => {
            let fleet = Fleet {
                hosts,
                events,
                seed: 7,
            };
            cases::write_cases(&fleet, Path::new(folder));
        }
        _ => std::process::exit(2),
    }
}
