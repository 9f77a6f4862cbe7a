//! One container as an engine shows it, kept small until the whole file is read: docker, podman and
//! nerdctl `inspect`, and the same of the lists (`GET /containers/json`, `ps --format json`).

use coldcase_model::{Attributes, When, canonical_ip};
use serde_json::Value;

use super::instants::{Instant, of_value};
use super::labels::{self, Labels};
use super::mounts::{devices, mounts, ports};
use crate::Clock;
use crate::json::{as_number, flag, get, number, text, texts};

/// Longest text kept of a command or an error.
const MAX_TEXT: usize = 8 << 10;

/// Where an address is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpSource {
    /// The engine's own network settings.
    Network,
    /// A variable in the container's environment that says the pod's address.
    Environment,
    /// The container whose network namespace it shares, or another one in it.
    Sandbox,
}

impl IpSource {
    /// The word in `attributes`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Environment => "environment",
            Self::Sandbox => "sandbox",
        }
    }
}

/// Whose network namespace a container lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkNamespace {
    /// Its own.
    Own,
    /// The host's.
    Host,
    /// That of the container with this id or name.
    Of(String),
}

/// What a container is called and what it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Without the leading `/`.
    pub container: Option<String>,
    /// The image as the engine names it.
    pub image: Option<String>,
    /// The pod's name.
    pub pod: Option<String>,
    /// The pod's namespace.
    pub namespace: Option<String>,
    /// Path and arguments.
    pub command: Option<String>,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exit {
    /// The status, where it ended.
    pub code: Option<i64>,
    /// Whether the kernel killed it for want of memory.
    pub oom_killed: Option<bool>,
    /// What the engine says of a failed start or end.
    pub error: Option<String>,
}

/// One container, compact.
#[derive(Debug, Clone)]
pub struct Container {
    /// Line at which its element begins.
    pub line: u64,
    /// Its id.
    pub id: Option<String>,
    /// Names, image and command.
    pub names: Names,
    /// Its first process, while it runs.
    pub pid: Option<i64>,
    /// `running`, `exited`, ...
    pub status: Option<String>,
    /// Creation.
    pub created: Option<When>,
    /// Last start.
    pub started: Option<When>,
    /// Last end; before `started` where it runs again.
    pub finished: Option<When>,
    /// How it ended.
    pub exit: Exit,
    /// Whose network it uses.
    pub network: NetworkNamespace,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Where these are from.
    pub source: Option<IpSource>,
    /// All else that the row says.
    pub attributes: Attributes,
    /// Times that were there but could not be read.
    pub unreadable_times: u32,
}

impl Container {
    /// Nothing known yet.
    pub fn new(line: u64) -> Self {
        Self {
            line,
            id: None,
            names: Names::default(),
            pid: None,
            status: None,
            created: None,
            started: None,
            finished: None,
            exit: Exit::default(),
            network: NetworkNamespace::Own,
            addresses: Vec::new(),
            source: None,
            attributes: Attributes::new(),
            unreadable_times: 0,
        }
    }

    /// Whether its process is there now.
    pub fn runs(&self) -> bool {
        let status = self.status.as_deref();
        matches!(status, Some("running" | "paused" | "restarting" | "ready"))
    }

    /// The time in a field; one that can't be read is counted.
    pub fn time(&mut self, value: Option<&Value>, clock: &Clock) -> Option<When> {
        let instant = of_value(value);
        self.unreadable_times += u32::from(instant == Instant::Unreadable);
        instant.when(clock)
    }

    /// Takes the status of an exit, which engines show as 0 while it is not yet one.
    pub fn set_exit_code(&mut self, code: Option<i64>) {
        let ended = !self.runs() && (self.finished.is_some() || self.exit.error.is_some());
        self.exit.code = code.filter(|code| ended || (*code != 0 && !self.runs()));
    }

    /// Adds addresses of this source, in canonical text and once each; those of an earlier source stay.
    pub fn add_addresses<'a>(
        &mut self,
        source: IpSource,
        candidates: impl IntoIterator<Item = &'a str>,
    ) {
        const MOST: usize = 64;
        if self.source.is_some_and(|earlier| earlier != source) {
            return;
        }
        for candidate in candidates {
            let bare = candidate.trim().split('/').next().unwrap_or_default();
            let Some(address) = canonical_ip(bare) else {
                continue;
            };
            if is_nobody(&address) || self.addresses.len() >= MOST {
                continue;
            }
            if !self.addresses.iter().any(|known| *known == address) {
                self.addresses.push(address.into_owned());
                self.source = Some(source);
            }
        }
    }

    /// A container of `inspect` or of a list.
    pub fn from_engine(line: u64, value: &Value, clock: &Clock) -> Self {
        let mut this = Self::new(line);
        let id = text(value, &["Id"]).or_else(|| text(value, &["ID"]));
        this.id = id.map(str::to_owned);
        let labels = Labels::of(
            get(value, &["Config", "Labels"])
                .or_else(|| get(value, &["Labels"]))
                .unwrap_or(&Value::Null),
        );
        this.set_names(value, &labels);
        this.set_state(value, clock);
        this.set_network(value, &labels);
        this.describe(value, &labels);
        this
    }

    fn set_names(&mut self, value: &Value, labels: &Labels<'_>) {
        let name = text(value, &["Name"])
            .or_else(|| texts(value, &["Names"]).first().copied())
            .and_then(|names| names.split(',').next())
            .map(|name| name.trim_start_matches('/'))
            .filter(|name| !name.is_empty())
            .or_else(|| labels.get("nerdctl/name"));
        self.names.container = name.map(str::to_owned).or_else(|| self.id.clone());
        // Podman shows the id as `Image` and the name as `ImageName`; the others the name in `Config`.
        let image = text(value, &["ImageName"])
            .or_else(|| text(value, &["Config", "Image"]))
            .or_else(|| text(value, &["Image"]));
        self.names.image = image.map(str::to_owned);
        let (pod, namespace) = labels.pod(self.names.container.as_deref().unwrap_or_default());
        self.names.pod = pod.or_else(|| text(value, &["PodName"])).map(str::to_owned);
        self.names.namespace = namespace.map(str::to_owned);
        self.names.command = command(value);
    }

    fn set_state(&mut self, value: &Value, clock: &Clock) {
        self.status = status(value);
        let created = get(value, &["Created"])
            .filter(|created| !created.is_boolean())
            .or_else(|| get(value, &["CreatedAt"]));
        self.created = self.time(created, clock);
        let of = |name: &str, listed: &str| {
            get(value, &["State", name]).or_else(|| get(value, &[listed]))
        };
        self.started = self.time(of("StartedAt", "StartedAt"), clock);
        self.finished = self.time(of("FinishedAt", "ExitedAt"), clock);
        let pid = number(value, &["State", "Pid"]).or_else(|| number(value, &["Pid"]));
        self.pid = pid.filter(|pid| *pid > 0);
        self.exit.oom_killed = flag(value, &["State", "OOMKilled"]);
        self.exit.error = text(value, &["State", "Error"]).map(|error| cut(error).to_owned());
        let code = number(value, &["State", "ExitCode"])
            .or_else(|| number(value, &["ExitCode"]))
            .or_else(|| exit_code_in_words(text(value, &["Status"])?));
        match get(value, &["State"]).is_some_and(Value::is_object) {
            true => self.set_exit_code(code),
            // A list has no time of the end, but says in words that it ended.
            false => self.exit.code = code.filter(|_| self.status.as_deref() == Some("exited")),
        }
    }

    fn set_network(&mut self, value: &Value, labels: &Labels<'_>) {
        let host_config = get(value, &["HostConfig"]).unwrap_or(&Value::Null);
        let mode = text(host_config, &["NetworkMode"]);
        let networks = get(value, &["NetworkSettings", "Networks"]).and_then(Value::as_object);
        let only =
            |name: &str| networks.is_some_and(|all| all.len() == 1 && all.contains_key(name));
        self.network = match mode {
            Some("host") => NetworkNamespace::Host,
            // The kubelet gives host pods the host's UTS namespace as well; their sandbox may not be here.
            Some(mode) if mode.starts_with("container:") => {
                match text(host_config, &["UTSMode"]) == Some("host") {
                    true => NetworkNamespace::Host,
                    false => NetworkNamespace::Of(after_colon(mode)),
                }
            }
            _ if only("host") || text(value, &["Networks"]) == Some("host") => {
                NetworkNamespace::Host
            }
            _ => match labels.get("io.kubernetes.sandbox.id") {
                Some(sandbox) => NetworkNamespace::Of(sandbox.to_owned()),
                None => NetworkNamespace::Own,
            },
        };
        let settings = get(value, &["NetworkSettings"]).unwrap_or(&Value::Null);
        let all = || networks.into_iter().flat_map(|all| all.values());
        let shown = text(settings, &["IPAddress"])
            .into_iter()
            .chain(all().filter_map(|network| text(network, &["IPAddress"])))
            .chain(text(settings, &["GlobalIPv6Address"]))
            .chain(all().filter_map(|network| text(network, &["GlobalIPv6Address"])));
        self.add_addresses(IpSource::Network, shown);
        if self.addresses.is_empty() {
            // A stopped container has no address now, but one that was assigned by hand is always its own.
            let fixed = all().filter_map(|one| text(one, &["IPAMConfig", "IPv4Address"]));
            self.add_addresses(IpSource::Network, fixed);
        }
        let environment = texts(value, &["Config", "Env"]);
        let pairs = environment.iter().filter_map(|one| one.split_once('='));
        self.read_environment(pairs);
    }

    /// Takes the pod's and the node's address and name where variables give them.
    pub fn read_environment<'a>(&mut self, variables: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut host_ip = None;
        let mut node = None;
        for (name, value) in variables {
            match labels::meaning(name) {
                Some(labels::Variable::PodAddress) => {
                    self.add_addresses(IpSource::Environment, value.split(','));
                }
                Some(labels::Variable::NodeAddress) => host_ip = host_ip.or(canonical_ip(value)),
                Some(labels::Variable::NodeName) if !value.is_empty() => {
                    node = node.or(Some(value))
                }
                _ => {}
            }
        }
        let host_ip = host_ip.as_deref();
        self.attributes
            .text_if("node", node)
            .text_if("host_ip", host_ip);
    }

    fn describe(&mut self, value: &Value, labels: &Labels<'_>) {
        let host = get(value, &["HostConfig"]).unwrap_or(&Value::Null);
        let restarts = number(value, &["RestartCount"]);
        let restarts = restarts
            .filter(|count| *count > 0)
            .or_else(|| labels.restart_count())
            .or(restarts);
        let image_id = text(value, &["ImageID"]).or_else(|| text(value, &["Image"]));
        let image_id = image_id.filter(|id| Some(*id) != self.names.image.as_deref());
        let attributes = &mut self.attributes;
        attributes
            .number_if("restart_count", restarts)
            .text_if("restart_policy", restart_policy(host).as_deref())
            .text_if("user", text(value, &["Config", "User"]))
            .text_if("hostname", text(value, &["Config", "Hostname"]))
            .text_if("image_id", image_id)
            .text_if("engine", Some(engine(value, labels)));
        if let Some(privileged) = flag(host, &["Privileged"]) {
            attributes.flag("privileged", privileged);
        }
        for (key, name) in [
            ("network_mode", "NetworkMode"),
            ("pid_mode", "PidMode"),
            ("ipc_mode", "IpcMode"),
            ("uts_mode", "UTSMode"),
            ("userns_mode", "UsernsMode"),
        ] {
            attributes.text_if(key, text(host, &[name]));
        }
        let lists = [
            ("cap_add", texts(host, &["CapAdd"])),
            ("security_opt", texts(host, &["SecurityOpt"])),
        ];
        for (key, list) in lists {
            if !list.is_empty() {
                attributes.texts(key, list);
            }
        }
        let lists = [
            ("mounts", mounts(value)),
            ("devices", devices(host)),
            ("ports", ports(value)),
        ];
        for (key, list) in lists {
            if !list.is_empty() {
                attributes.texts(key, list);
            }
        }
        labels.describe(attributes);
    }
}

/// `0.0.0.0` and `::` name nobody; loopback is everybody's own.
fn is_nobody(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::" | "::1") || address.starts_with("127.")
}

fn after_colon(mode: &str) -> String {
    mode.split_once(':').map_or("", |(_, id)| id).to_owned()
}

/// At most [`MAX_TEXT`] bytes of a text.
pub fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or(text)
}

/// Words of a command in one line.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut line = String::new();
    for word in words {
        if line.len() > MAX_TEXT {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(cut(word));
    }
    Some(line).filter(|line| !line.trim().is_empty())
}

fn command(value: &Value) -> Option<String> {
    if let Some(path) = text(value, &["Path"]) {
        return command_line([path].into_iter().chain(texts(value, &["Args"])));
    }
    let listed = texts(value, &["Command"]);
    if !listed.is_empty() {
        // `docker ps --format json` puts the command in quotes of its own.
        return command_line(listed.into_iter().map(|word| word.trim_matches('"')));
    }
    let entrypoint = texts(value, &["Config", "Entrypoint"]);
    command_line(
        entrypoint
            .into_iter()
            .chain(texts(value, &["Config", "Cmd"])),
    )
}

fn status(value: &Value) -> Option<String> {
    let state = get(value, &["State"]).unwrap_or(&Value::Null);
    if let Some(status) = text(state, &["Status"]).or_else(|| text(value, &["State"])) {
        return Some(status.to_ascii_lowercase());
    }
    // Engines before 1.9 show flags alone.
    let is = |name: &str| flag(state, &[name]) == Some(true);
    let word = match () {
        () if is("Restarting") => "restarting",
        () if is("Paused") => "paused",
        () if is("Running") => "running",
        () if is("Dead") => "dead",
        () if of_value(get(state, &["FinishedAt"])) != Instant::Absent => "exited",
        () if state.is_object() => "created",
        () => status_in_words(text(value, &["Status"])?)?,
    };
    Some(word.to_owned())
}

/// `Up 4 hours`, `Exited (0) 2 days ago`, `Created`: the state in a list of containers.
fn status_in_words(words: &str) -> Option<&'static str> {
    match words.split_ascii_whitespace().next()? {
        "Up" if words.contains("(Paused)") => Some("paused"),
        "Up" => Some("running"),
        "Exited" => Some("exited"),
        "Created" => Some("created"),
        "Restarting" => Some("restarting"),
        "Dead" => Some("dead"),
        _ => None,
    }
}

fn exit_code_in_words(words: &str) -> Option<i64> {
    let rest = words.strip_prefix("Exited (")?;
    rest.split_once(')')?.0.parse().ok()
}

fn restart_policy(host: &Value) -> Option<String> {
    let name = text(host, &["RestartPolicy", "Name"])?;
    let most = get(host, &["RestartPolicy", "MaximumRetryCount"]).and_then(as_number);
    Some(match most {
        Some(most) if most > 0 => format!("{name}:{most}"),
        _ => name.to_owned(),
    })
}

fn engine(value: &Value, labels: &Labels<'_>) -> &'static str {
    let has = |name: &str| get(value, &[name]).is_some();
    if has("ImageName") || has("ConmonPidFile") || has("OCIConfigPath") || has("IsInfra") {
        "podman"
    } else if labels.get("nerdctl/name").is_some() || labels.get("nerdctl/namespace").is_some() {
        "nerdctl"
    } else {
        "docker"
    }
}
