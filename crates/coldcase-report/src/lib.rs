//! Findings and timeline for people and other programs: the terminal summary, the Markdown report and
//! exports of the timeline. Evidence text is escaped wherever it is shown; nothing here prints.

mod answer;
pub mod batch;
mod escape;
mod export;
mod fill;
mod html;
mod lang;
mod markdown;
mod parts;
mod postmortem;
mod summary;
mod terminal;

pub use answer::{answer_csv, answer_json, answer_table};
pub use escape::{for_csv, for_markdown, for_terminal};
pub use export::{ExportError, ExportFormat, Exported, Profile, export};
pub use fill::filled;
pub use html::{Charts, html};
pub use lang::Lang;
pub use lang::told::without_chinese;
pub use markdown::markdown;
pub use postmortem::{Beside, post_mortem};
pub use summary::{InputLine, Summary};
pub use terminal::{Style, severity_label, terminal};
