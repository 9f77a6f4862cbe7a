//! Processes that can be seen but aren't what they seem: threads of the kernel that are none, programs without a file.

use coldcase_model::Severity;

use super::Hidden;
use crate::indicators::Indicators;
use crate::processes::{Processes, disguises};

/// Processes that claim to be the kernel's, and those whose file is gone.
pub(super) fn find(processes: &Processes, known: &Indicators) -> Vec<Hidden> {
    let mut found = Vec::new();
    for (space, process) in processes.iter() {
        let ways = disguises(process);
        let claims_kernel = ways.contains(&"kernel-name");
        if !claims_kernel && !ways.contains(&"deleted-exe") {
            continue;
        }
        let mut hidden = Hidden::process(space, process, &[]);
        for way in &ways {
            let points = match *way {
                "kernel-name" => 2,
                // A name in brackets is part of the claim.
                "hidden-cmdline" if claims_kernel => 0,
                // A deployment deletes what still runs: it takes more than that.
                "deleted-exe" => 0,
                _ => 1,
            };
            hidden.add(way, points);
        }
        if claims_kernel && ways.contains(&"deleted-exe") {
            hidden.points += 1;
        }
        let sockets: Vec<_> = processes.sockets_of(process).collect();
        hidden.take_peer(&sockets, processes, known);
        hidden.rows = processes.rows_of(process);
        hidden.least = Severity::Low;
        hidden.compared = match claims_kernel {
            true => format!(
                "Process {} bears the name of a thread of the kernel, but has {}: such threads have no memory, no executable and no sockets.",
                process.pid,
                owns(process.exe.as_deref(), !sockets.is_empty())
            ),
            false => format!(
                "Process {} runs from {}, which was deleted while it ran.",
                process.pid,
                process.exe.as_deref().unwrap_or("a file")
            ),
        };
        found.push(hidden);
    }
    found
}

fn owns(exe: Option<&str>, sockets: bool) -> String {
    match (exe, sockets) {
        (Some(exe), true) => format!("the executable {exe} and sockets of its own"),
        (Some(exe), false) => format!("the executable {exe}"),
        (None, true) => "sockets of its own".to_owned(),
        (None, false) => "memory of its own".to_owned(),
    }
}
