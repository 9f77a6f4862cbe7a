//! `coldcase verify`: is the evidence still what the case was made from.

use std::fmt::Write as _;
use std::process::ExitCode;

use coldcase::{Difference, verify};
use coldcase_report::for_terminal;

use crate::args::Verify;

pub fn run(args: &Verify) -> anyhow::Result<ExitCode> {
    let verified = verify(&args.case, &args.bundles)?;
    let mut out = String::new();
    for difference in &verified.differences {
        let _ = match difference {
            Difference::Changed(path) => writeln!(out, "changed     {}", for_terminal(path)),
            Difference::Missing(path) => writeln!(out, "missing     {}", for_terminal(path)),
            Difference::New(path) => writeln!(out, "new         {}", for_terminal(path)),
            Difference::Unreadable(path, why) => writeln!(
                out,
                "unreadable  {}: {}",
                for_terminal(path),
                for_terminal(why)
            ),
        };
    }
    let _ = writeln!(
        out,
        "{} inputs as they were, {} not, {} never had a hash",
        verified.same,
        verified.differences.len(),
        verified.without_hash
    );
    super::print(&out)?;
    Ok(ExitCode::from(u8::from(!verified.differences.is_empty())))
}
