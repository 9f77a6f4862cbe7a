//! What listens on a host: sockets, the arguments of processes, units, the engines' own words, published ports of containers.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::action;
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use memchr::memmem;
use serde_json::Value;

use super::catalog::{Auth, Service};
use super::listen::{Listen, Reach};

/// One service on one port of a host.
#[derive(Debug)]
pub(super) struct Listener {
    pub host: String,
    pub service: &'static Service,
    pub port: i32,
    /// Addresses, each with how its source ranks: configuration first, as that is what somebody wrote.
    addresses: BTreeSet<(Reach, u8, String)>,
    /// `program[pid]` with its rank.
    process: Option<(u8, String)>,
    pub auth: Option<Auth>,
    /// Whether a socket or a running process shows it.
    pub is_live: bool,
    pub rows: Vec<usize>,
}

/// All of them, and their rows.
pub(super) struct Listeners {
    pub rows: Selection,
    pub all: Vec<Listener>,
    /// Hosts whose listening sockets are known: what is not among them does not listen.
    with_sockets: BTreeSet<String>,
}

impl Listener {
    /// The address as the evidence has it: the widest, and of equals the one that is configured.
    pub fn listen(&self) -> Option<&str> {
        self.addresses.first().map(|(_, _, text)| text.as_str())
    }

    pub fn reach(&self) -> Option<Reach> {
        self.addresses.first().map(|(reach, _, _)| *reach)
    }

    pub fn process(&self) -> Option<&str> {
        self.process.as_ref().map(|(_, process)| process.as_str())
    }

    /// The same listener, seen at another address.
    pub fn join(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
    }

    /// One that nothing but calls to this address shows.
    pub fn called_at(host: &str, service: &'static Service, address: &str, port: i32) -> Self {
        let reach = Listen::of(&format!("{address}:{port}")).map_or(Reach::Public, |one| one.reach);
        let text = if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        };
        Self {
            host: host.to_owned(),
            service,
            port,
            addresses: [(reach, 9, text)].into(),
            process: None,
            auth: None,
            is_live: true,
            rows: Vec::new(),
        }
    }
}

impl Listeners {
    pub fn of(timeline: &Timeline) -> Result<Self, TimelineError> {
        let rows = select(timeline)?;
        let mut listeners = Self {
            rows,
            all: Vec::new(),
            with_sockets: BTreeSet::new(),
        };
        let commands = commands(&listeners.rows);
        for row in 0..listeners.rows.rows() {
            listeners.tell(row, &commands);
        }
        listeners.all.retain(|one| !one.addresses.is_empty());
        listeners.all.sort_by(|a, b| {
            (&a.host, a.service.name, a.port).cmp(&(&b.host, b.service.name, b.port))
        });
        Ok(listeners)
    }

    /// Whether a listener is only configured: the host's sockets are known, and it is not among them.
    pub fn is_gone(&self, listener: &Listener) -> bool {
        !listener.is_live && self.with_sockets.contains(&listener.host)
    }

    fn tell(&mut self, row: usize, commands: &BTreeMap<(String, i64), String>) {
        let rows = &self.rows;
        let told: Value = serde_json::from_str(rows.text("attributes", row).unwrap_or("{}"))
            .unwrap_or(Value::Null);
        let host = rows.text("host", row).unwrap_or_default().to_owned();
        let command = rows.text("command", row).unwrap_or_default().to_owned();
        let pid = rows.long("pid", row);
        match rows.text("action", row).unwrap_or_default() {
            action::SOCKET_LISTED => {
                let Some(listen) = told
                    .get("listen")
                    .and_then(Value::as_str)
                    .and_then(Listen::of)
                else {
                    return;
                };
                self.with_sockets.insert(host.clone());
                let arguments = pid
                    .and_then(|pid| commands.get(&(host.clone(), pid)))
                    .cloned()
                    .unwrap_or_default();
                let program = Some(command.as_str()).filter(|name| !name.is_empty());
                let program = program.or_else(|| arguments.split_whitespace().next());
                let Some(service) = Service::of(program, &arguments, listen.port) else {
                    return;
                };
                let auth = (!arguments.is_empty()).then(|| service.auth(&arguments));
                let process = program
                    .zip(pid)
                    .map(|(program, pid)| (1, format!("{}[{pid}]", base(program))));
                self.add(Told {
                    row,
                    host,
                    service,
                    listens: vec![listen],
                    rank: 2,
                    process,
                    auth,
                    is_live: true,
                });
            }
            action::PROCESS_LISTED => {
                let listens = Listen::in_command(&command);
                let program = command
                    .split_whitespace()
                    .next()
                    .map(base)
                    .unwrap_or_default();
                for listen in listens {
                    let Some(service) = Service::of(Some(program), &command, listen.port) else {
                        continue;
                    };
                    let process = pid.map(|pid| (0, format!("{program}[{pid}]")));
                    let auth = Some(service.auth(&command));
                    self.add(Told {
                        row,
                        host: host.clone(),
                        service,
                        listens: vec![listen],
                        rank: 1,
                        process,
                        auth,
                        is_live: true,
                    });
                }
            }
            action::SERVICE_DEFINED => self.unit(row, &told, &host, &command),
            action::ENGINE_LISTED => self.engine(row, &told, &host),
            action::LOG => {
                let engine = matches!(
                    told.get("program").and_then(Value::as_str),
                    Some("dockerd" | "docker" | "docker-current")
                );
                let listen = told
                    .get("listen")
                    .and_then(Value::as_str)
                    .and_then(Listen::of);
                let (Some(listen), Some(service), true) =
                    (listen, Service::named("docker"), engine)
                else {
                    return;
                };
                self.add(Told {
                    row,
                    host,
                    service,
                    listens: vec![listen],
                    rank: 3,
                    process: None,
                    auth: None,
                    is_live: false,
                });
            }
            _ => self.published(row, &told, &host),
        }
    }

    fn unit(&mut self, row: usize, told: &Value, host: &str, command: &str) {
        let unit = told.get("unit").and_then(Value::as_str).unwrap_or_default();
        let listed = told
            .get("listen")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut listens: Vec<Listen> = listed.filter_map(|one| Listen::of(one.as_str()?)).collect();
        listens.extend(Listen::in_command(command));
        let of_socket = match unit {
            "docker.socket" => Service::named("docker"),
            "podman.socket" => Service::named("podman"),
            _ => None,
        };
        let program = command.split_whitespace().next().map(base);
        for listen in listens {
            let service = of_socket.or_else(|| Service::of(Some(program?), command, listen.port));
            let Some(service) = service else { continue };
            let auth = (!command.is_empty()).then(|| service.auth(command));
            self.add(Told {
                row,
                host: host.to_owned(),
                service,
                listens: vec![listen],
                rank: 0,
                process: None,
                auth,
                is_live: false,
            });
        }
    }

    fn engine(&mut self, row: usize, told: &Value, host: &str) {
        let listed = told
            .get("listen")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let listens: Vec<Listen> = listed.filter_map(|one| Listen::of(one.as_str()?)).collect();
        let flag = |name: &str| told.get(name).and_then(Value::as_bool);
        let name = if told.get("engine").and_then(Value::as_str) == Some("podman") {
            "podman"
        } else {
            "docker"
        };
        let auth = match (flag("tls_verify"), flag("tls")) {
            (Some(true), _) => Some(Auth::Verified),
            (_, Some(false)) => Some(Auth::Nothing),
            _ => None,
        };
        if let Some(service) = Service::named(name) {
            // What `docker info` warns of is what the running daemon does.
            let is_live = told.get("warnings").is_some();
            self.add(Told {
                row,
                host: host.to_owned(),
                service,
                listens,
                rank: 1,
                process: None,
                auth,
                is_live,
            });
        }
    }

    /// `0.0.0.0:6379->6379/tcp` of a container of redis.
    fn published(&mut self, row: usize, told: &Value, host: &str) {
        let image = self.rows.text("image", row).unwrap_or_default().to_owned();
        let arguments = self
            .rows
            .text("command", row)
            .unwrap_or_default()
            .to_owned();
        let ports = told
            .get("ports")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mapped: Vec<(Listen, i32)> = ports
            .filter_map(|port| {
                let (outer, inner) = port.as_str()?.split_once("->")?;
                Some((Listen::of(outer)?, inner.split('/').next()?.parse().ok()?))
            })
            .collect();
        for (listen, inner) in mapped {
            if let Some(service) = Service::of_image(&image, inner) {
                let auth = Some(service.auth(&arguments));
                self.add(Told {
                    row,
                    host: host.to_owned(),
                    service,
                    listens: vec![listen],
                    rank: 2,
                    process: None,
                    auth,
                    is_live: true,
                });
            }
        }
    }

    fn add(&mut self, told: Told) {
        for listen in told.listens {
            let same = |one: &Listener| {
                one.host == told.host
                    && one.service.name == told.service.name
                    && one.port == listen.port
            };
            let at = self.all.iter().position(same).unwrap_or(self.all.len());
            if at == self.all.len() {
                self.all.push(Listener {
                    host: told.host.clone(),
                    service: told.service,
                    port: listen.port,
                    addresses: BTreeSet::new(),
                    process: None,
                    auth: None,
                    is_live: false,
                    rows: Vec::new(),
                });
            }
            let Some(listener) = self.all.get_mut(at) else {
                continue;
            };
            listener
                .addresses
                .insert((listen.reach, told.rank, listen.text));
            listener.process = [listener.process.take(), told.process.clone()]
                .into_iter()
                .flatten()
                .min();
            // Whoever says that it asks is believed before a default is.
            listener.auth = [listener.auth, told.auth].into_iter().flatten().min();
            listener.is_live |= told.is_live;
            listener.rows.push(told.row);
        }
    }
}

/// What one row says of a service.
struct Told {
    row: usize,
    host: String,
    service: &'static Service,
    listens: Vec<Listen>,
    rank: u8,
    process: Option<(u8, String)>,
    auth: Option<Auth>,
    is_live: bool,
}

fn base(program: &str) -> &str {
    program
        .rsplit('/')
        .next()
        .unwrap_or(program)
        .trim_end_matches(':')
}

fn select(timeline: &Timeline) -> Result<Selection, TimelineError> {
    let actions = [
        action::SOCKET_LISTED,
        action::PROCESS_LISTED,
        action::SERVICE_DEFINED,
        action::ENGINE_LISTED,
        action::CONTAINER_LISTED,
        action::LOG,
    ];
    let columns = [
        "host",
        "pid",
        "command",
        "path",
        "image",
        "attributes",
        "message",
    ];
    // Of logs only lines that name a listening address, of sockets those that listen.
    let may_listen = |name: &str| [action::LOG, action::SOCKET_LISTED].contains(&name);
    let is_told = |name: &str| !may_listen(name);
    let telling: [&[TextSign<'_>]; 1] = [&[
        TextSign::whole(&is_told),
        TextSign {
            of: &may_listen,
            columns: &["attributes"],
            is: &|attributes| memmem::find(attributes.as_bytes(), b"\"listen\"").is_some(),
        },
    ]];
    timeline.select_texts(&actions, &columns, &telling)
}

/// Longest command line of each process.
fn commands(rows: &Selection) -> BTreeMap<(String, i64), String> {
    let mut commands: BTreeMap<(String, i64), String> = BTreeMap::new();
    for row in
        (0..rows.rows()).filter(|row| rows.text("action", *row) == Some(action::PROCESS_LISTED))
    {
        let (Some(pid), Some(command)) = (rows.long("pid", row), rows.text("command", row)) else {
            continue;
        };
        let known = commands
            .entry((rows.text("host", row).unwrap_or_default().to_owned(), pid))
            .or_default();
        if command.len() > known.len() {
            *known = command.to_owned();
        }
    }
    commands
}
