//! A bar by bytes on stderr, only on a terminal.

use coldcase::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows the work on stderr.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that shows itself only on a terminal, and not at all where `quiet`.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = "{msg} [{bar:30}] {bytes} of {total_bytes} ({bytes_per_sec}, {eta} left)";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn start(&self, bytes: u64) {
        self.bar.set_length(bytes);
        self.bar.set_message("reading");
    }

    fn read(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn stage(&self, what: &'static str) {
        self.bar.set_message(what);
        self.bar.tick();
    }
}
