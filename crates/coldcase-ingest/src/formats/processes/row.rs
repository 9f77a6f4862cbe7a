//! One process as a row of the timeline.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, When, action};
use serde_json::{Number, Value};

use super::clock_text::Started;
use crate::Clock;

/// A process as some tool shows it; what it does not show stays unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process<'a> {
    /// Line at which it stands.
    pub line: u64,
    /// The listing's own moment; else that of collection.
    pub when: Option<When>,
    /// Process.
    pub pid: Option<i64>,
    /// Its parent.
    pub ppid: Option<i64>,
    /// Thread.
    pub tid: Option<i64>,
    /// Account, by name or number.
    pub user: Option<Cow<'a, str>>,
    /// Command line as shown.
    pub command: Option<Cow<'a, str>>,
    /// Executable.
    pub exe: Option<Cow<'a, str>>,
    /// The kernel's name of it.
    pub comm: Option<Cow<'a, str>>,
    /// Share of a processor, as shown.
    pub cpu_percent: Option<f64>,
    /// Share of the memory, as shown.
    pub memory_percent: Option<f64>,
    /// Address space.
    pub vsz_bytes: Option<i64>,
    /// Memory in use.
    pub rss_bytes: Option<i64>,
    /// `Ss`, `R+`, `Z`.
    pub state: Option<Cow<'a, str>>,
    /// Terminal.
    pub tty: Option<Cow<'a, str>>,
    /// Processor time.
    pub cpu_seconds: Option<i64>,
    /// When it started.
    pub started: Option<Started>,
    /// The same as shown.
    pub started_text: Option<Cow<'a, str>>,
    /// How long it has run.
    pub elapsed_seconds: Option<i64>,
    /// Its executable is gone.
    pub deleted: bool,
    /// It is a thread of the kernel.
    pub kernel: bool,
    /// Threads.
    pub threads: Option<i64>,
    /// Control group.
    pub cgroup: Option<Cow<'a, str>>,
    /// Container that the control group names.
    pub container_id: Option<Cow<'a, str>>,
    /// Network namespace.
    pub netns: Option<i64>,
    /// A file that it has open and that tells something.
    pub open_file: Option<OpenFile<'a>>,
    /// Further texts.
    pub more: Vec<(&'static str, Cow<'a, str>)>,
}

/// An open file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFile<'a> {
    /// Its path.
    pub path: Cow<'a, str>,
    /// Descriptor as shown.
    pub fd: Cow<'a, str>,
    /// Whether it is gone.
    pub deleted: bool,
}

impl<'a> OpenFile<'a> {
    /// A file that tells something: deleted, or in a folder that anyone may write to. Shared memory and
    /// devices without a name (`/dev/zero`, `/SYSV0000`, `/[aio]`) are deleted from the start.
    pub fn telling(path: &'a str, fd: Cow<'a, str>, deleted: bool) -> Option<Self> {
        let in_open = in_open_folder(path);
        let nameless = [
            "/dev/",
            "/SYSV",
            "/[",
            "/anon_hugepage",
            "/drm mm object",
            "/i915",
        ];
        let is_nameless = nameless.iter().any(|start| path.starts_with(start));
        let tells = path.starts_with('/') && (in_open || (deleted && !is_nameless));
        tells.then_some(Self {
            path: Cow::Borrowed(path),
            fd,
            deleted,
        })
    }
}

impl Process<'_> {
    /// Hands the row to the sink.
    pub fn emit(&self, clock: &Clock, sink: &mut dyn Sink) {
        let borrowed =
            |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned).map(Cow::Owned);
        let mut event = Event::new(action::PROCESS_LISTED);
        event.when = self.when.or_else(|| clock.collected());
        event.line = Some(self.line);
        event.pid = self.pid;
        event.ppid = self.ppid;
        event.user = borrowed(&self.user);
        event.command = borrowed(&self.command);
        event.exe = borrowed(&self.exe);
        event.attributes = self.attributes().map(Cow::Owned);
        event.message = Some(self.message().into());
        sink.event(&event);
    }

    fn attributes(&self) -> Option<String> {
        let mut attributes = Attributes::with_capacity(192);
        let percent = |attributes: &mut Attributes, key, share: Option<f64>| {
            if let Some(share) = share.and_then(Number::from_f64) {
                attributes.value(key, &Value::Number(share));
            }
        };
        percent(&mut attributes, "cpu_percent", self.cpu_percent);
        percent(&mut attributes, "memory_percent", self.memory_percent);
        attributes
            .number_if("vsz_bytes", self.vsz_bytes)
            .number_if("rss_bytes", self.rss_bytes)
            .text_if("state", self.state.as_deref())
            .text_if("tty", self.tty.as_deref())
            .number_if("cpu_seconds", self.cpu_seconds);
        if let Some(started) = self.started {
            attributes
                .text("started", &started.at.to_string())
                .text("started_precision", started.precision);
        }
        attributes
            .text_if("started_text", self.started_text.as_deref())
            .number_if("elapsed_seconds", self.elapsed_seconds)
            .text_if("comm", self.comm.as_deref());
        if self.deleted {
            attributes.flag("deleted", true);
        }
        if self.kernel {
            attributes.flag("kernel", true);
        }
        attributes
            .number_if("tid", self.tid)
            .number_if("threads", self.threads)
            .text_if("cgroup", self.cgroup.as_deref())
            .text_if("container_id", self.container_id.as_deref())
            .number_if("netns", self.netns);
        if let Some(open) = &self.open_file {
            attributes
                .text("open_file", &open.path)
                .text("fd", &open.fd);
            if open.deleted {
                attributes.flag("open_file_deleted", true);
            }
        }
        for (key, text) in &self.more {
            attributes.text(key, text);
        }
        attributes.finish()
    }

    fn message(&self) -> String {
        let mut message = String::from("process");
        if let Some(pid) = self.pid {
            message.push_str(&format!(" {pid}"));
        }
        if let Some(user) = &self.user {
            message.push_str(&format!(" of {user}"));
        }
        if let Some(shown) = self
            .command
            .as_ref()
            .or(self.exe.as_ref())
            .or(self.comm.as_ref())
        {
            message.push_str(&format!(": {shown}"));
        }
        if self.deleted {
            message.push_str(", its executable is deleted");
        }
        if let Some(open) = &self.open_file {
            message.push_str(&format!(" has {} open", open.path));
        }
        if let Some(share) = self.cpu_percent.filter(|share| *share >= 50.0) {
            message.push_str(&format!(", {share}% CPU"));
        }
        message
    }
}

/// The container that a control group's path names: 64 hexadecimal digits, with what engines put around
/// them (`/docker/<id>`, `cri-containerd-<id>.scope`, `crio-<id>`).
pub fn container_of_cgroup(cgroup: &str) -> Option<&str> {
    cgroup
        .split(|sign: char| !sign.is_ascii_hexdigit())
        .find(|part| part.len() == 64)
}

/// The kernel's name out of a command in brackets: `[kworker/0:0H]`.
pub fn bracketed(command: &str) -> Option<&str> {
    let name = command.strip_prefix('[')?.strip_suffix(']')?;
    (!name.is_empty()).then_some(name)
}

/// Whether a file lies in a folder that anyone may write to.
fn in_open_folder(file: &str) -> bool {
    ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/"]
        .iter()
        .any(|folder| file.starts_with(folder))
}
