//! One row of the timeline. Field names are the contract's column names; text borrows from the
//! artifact's buffer where it can, so that a sink may copy it straight into a column.

use std::borrow::Cow;

use crate::{Timestamp, When};

/// Actions of the timeline. A new action is a new constant here; a published one never changes.
pub mod action {
    #![allow(missing_docs, reason = "each constant's value is its meaning")]
    pub const SSH_LOGIN: &str = "ssh-login";
    pub const SSH_SESSION_OPENED: &str = "ssh-session-opened";
    pub const SSH_SESSION_CLOSED: &str = "ssh-session-closed";
    pub const SSH_DISCONNECT: &str = "ssh-disconnect";
    pub const SSH_INVALID_USER: &str = "ssh-invalid-user";
    pub const LOGIN: &str = "login";
    pub const SESSION_OPENED: &str = "session-opened";
    pub const SESSION_CLOSED: &str = "session-closed";
    pub const SUDO: &str = "sudo";
    pub const SU: &str = "su";
    pub const CRON_RUN: &str = "cron-run";
    pub const USER_ADDED: &str = "user-added";
    pub const USER_CHANGED: &str = "user-changed";
    pub const GROUP_ADDED: &str = "group-added";
    pub const LOG: &str = "log";
    pub const DNS_QUERY: &str = "dns-query";
    pub const DNS_ANSWER: &str = "dns-answer";
    pub const TCP_FLOW: &str = "tcp-flow";
    pub const UDP_FLOW: &str = "udp-flow";
    /// What one source attempted by TCP over a whole capture: counts in `attributes`.
    pub const TCP_ATTEMPTS: &str = "tcp-attempts";
    /// The same seen from one destination: who attempted to reach it.
    pub const TCP_ATTEMPTS_ON: &str = "tcp-attempts-on";
    pub const EXEC: &str = "exec";
    pub const CONNECT: &str = "connect";
    pub const SYSCALL: &str = "syscall";
    pub const AUDIT: &str = "audit";
    pub const AUDIT_CONFIG: &str = "audit-config";
    pub const CONTAINER_CREATED: &str = "container-created";
    pub const CONTAINER_STARTED: &str = "container-started";
    pub const CONTAINER_EXITED: &str = "container-exited";
    /// A container as a snapshot shows it: address, state, mounts, ports in `attributes`.
    pub const CONTAINER_LISTED: &str = "container-listed";
    pub const IMAGE_CREATED: &str = "image-created";
    pub const NETWORK_LISTED: &str = "network-listed";
    /// A pod as a table or object shows it: address in `src_ip`, node in `attributes`.
    pub const POD_LISTED: &str = "pod-listed";
    pub const NODE_LISTED: &str = "node-listed";
    pub const FILE_MODIFIED: &str = "file-modified";
    pub const FILE_ACCESSED: &str = "file-accessed";
    pub const FILE_CHANGED: &str = "file-changed";
    pub const FILE_CREATED: &str = "file-created";
    /// A host came up.
    pub const BOOT: &str = "boot";
    /// A host went down.
    pub const SHUTDOWN: &str = "shutdown";
    /// A host's clock was set: the time before and after in `attributes`.
    pub const CLOCK_CHANGED: &str = "clock-changed";
    /// An account as a file lists it: passwd, shadow, group, sudoers, lastlog.
    pub const ACCOUNT_LISTED: &str = "account-listed";
    /// A login key as a file lists it.
    pub const KEY_LISTED: &str = "key-listed";
    /// A process as a snapshot shows it.
    pub const PROCESS_LISTED: &str = "process-listed";
    /// A socket as a snapshot shows it: listening or connected.
    pub const SOCKET_LISTED: &str = "socket-listed";
    /// A flow as a table of the kernel or a meter shows it: conntrack, iftop.
    pub const FLOW_LISTED: &str = "flow-listed";
    /// A network interface, its counters and addresses.
    pub const INTERFACE_LISTED: &str = "interface-listed";
    /// Another host on the same link, as the kernel's table of neighbours shows it.
    pub const NEIGHBOUR_LISTED: &str = "neighbour-listed";
    /// A route.
    pub const ROUTE_LISTED: &str = "route-listed";
    /// A queueing discipline, class or filter of an interface.
    pub const QUEUE_LISTED: &str = "queue-listed";
    pub const FIREWALL_RULE: &str = "firewall-rule";
    /// One sample of a metric.
    pub const METRIC: &str = "metric";
    /// A job that a schedule holds: crontab line, timer.
    pub const JOB_LISTED: &str = "job-listed";
    /// A service as a manager lists it: loaded, active, enabled.
    pub const SERVICE_LISTED: &str = "service-listed";
    /// A service as its unit or configuration file defines it.
    pub const SERVICE_DEFINED: &str = "service-defined";
    pub const SERVICE_STARTED: &str = "service-started";
    pub const SERVICE_STOPPED: &str = "service-stopped";
    /// A virtual machine as its hypervisor lists it.
    pub const VM_LISTED: &str = "vm-listed";
    /// An image as an engine lists it.
    pub const IMAGE_LISTED: &str = "image-listed";
    /// An image was pulled, built, tagged or removed: `event` in `attributes`.
    pub const IMAGE_CHANGED: &str = "image-changed";
    /// What else happened to a container: `event` in `attributes`.
    pub const CONTAINER_EVENT: &str = "container-event";
    /// A container engine as it describes itself: listen addresses, drivers, registries.
    pub const ENGINE_LISTED: &str = "engine-listed";
    /// An event object of Kubernetes.
    pub const CLUSTER_EVENT: &str = "cluster-event";
    /// A service of Kubernetes as a table or object shows it: cluster address in `src_ip`.
    pub const SERVICE_ENDPOINT_LISTED: &str = "service-endpoint-listed";
    /// A request to the API of a container engine or orchestrator, as its audit log tells it.
    pub const API_REQUEST: &str = "api-request";
    /// A request head, from a capture or a sensor.
    pub const HTTP_REQUEST: &str = "http-request";
    /// What a detector said.
    pub const ALERT: &str = "alert";
    /// A command that a shell's history holds.
    pub const SHELL_COMMAND: &str = "shell-command";
    /// A command in a script that was collected as a file.
    pub const SCRIPT_COMMAND: &str = "script-command";
    /// A library that the loader puts into every process.
    pub const PRELOAD_LISTED: &str = "preload-listed";
    /// A file with its digest.
    pub const FILE_HASHED: &str = "file-hashed";
    pub const PACKAGE_INSTALLED: &str = "package-installed";
    pub const PACKAGE_UPGRADED: &str = "package-upgraded";
    pub const PACKAGE_REMOVED: &str = "package-removed";
    /// A package as a snapshot lists it, without when it came.
    pub const PACKAGE_LISTED: &str = "package-listed";
    /// A name with its address, as a file maps it.
    pub const NAME_LISTED: &str = "name-listed";
    /// A mount or device as a snapshot shows it.
    pub const MOUNT_LISTED: &str = "mount-listed";
    /// Facts that a host tells of itself: name, kernel, zone, boot, addresses.
    pub const HOST_LISTED: &str = "host-listed";
}

/// Values of the column `outcome`.
pub mod outcome {
    #![allow(missing_docs, reason = "each constant's value is its meaning")]
    pub const SUCCESS: &str = "success";
    pub const FAILURE: &str = "failure";
}

/// An optional text cell.
pub type Text<'a> = Option<Cow<'a, str>>;

/// One row of the timeline, as a format hands it to its sink. Host, format and file are the sink's:
/// it knows which artifact is being read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event<'a> {
    /// When; `None` where the artifact gives no time.
    pub when: Option<When>,
    /// Last moment of what lasts.
    pub ts_end: Option<Timestamp>,
    /// What happened, from [`action`].
    pub action: &'static str,
    /// `success`, `failure` or nothing, from [`outcome`].
    pub outcome: Option<&'static str>,
    /// Overrides the artifact's host where the record names another (a forwarded log, a node field).
    pub host: Text<'a>,
    /// Source address, canonical text.
    pub src_ip: Text<'a>,
    /// Destination address, canonical text.
    pub dst_ip: Text<'a>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// `tcp`, `udp`, ...
    pub protocol: Option<&'static str>,
    /// Packets of a flow, both directions.
    pub packets: Option<i64>,
    /// Bytes of a flow, both directions.
    pub bytes: Option<i64>,
    /// Account concerned.
    pub user: Text<'a>,
    /// Process.
    pub pid: Option<i64>,
    /// Its parent.
    pub ppid: Option<i64>,
    /// Path of the executable.
    pub exe: Text<'a>,
    /// Command line.
    pub command: Text<'a>,
    /// File concerned.
    pub path: Text<'a>,
    /// Container name without the leading `/`.
    pub container: Text<'a>,
    /// Image reference.
    pub image: Text<'a>,
    /// Pod name without its namespace.
    pub pod: Text<'a>,
    /// Kubernetes namespace.
    pub namespace: Text<'a>,
    /// DNS name, lower case, without the final dot.
    pub domain: Text<'a>,
    /// DNS type as text: `A`, `AAAA`, `TYPE65` where it has no name here.
    pub query_type: Text<'a>,
    /// DNS response code as text: `NOERROR`, `NXDOMAIN`.
    pub response_code: Text<'a>,
    /// What else the record says, a JSON object (see [`crate::Attributes`]).
    pub attributes: Text<'a>,
    /// One line for a person.
    pub message: Text<'a>,
    /// Line (from 1) of a text artifact at which the record begins.
    pub line: Option<u64>,
    /// Byte offset of the record in a binary artifact.
    pub offset: Option<u64>,
}

impl Event<'_> {
    /// An event of this action with nothing known yet.
    pub fn new(action: &'static str) -> Self {
        Self {
            action,
            ..Self::default()
        }
    }

    /// The same with all text owned.
    pub fn into_owned(self) -> Event<'static> {
        fn own(text: Text<'_>) -> Text<'static> {
            text.map(|text| Cow::Owned(text.into_owned()))
        }
        Event {
            when: self.when,
            ts_end: self.ts_end,
            action: self.action,
            outcome: self.outcome,
            host: own(self.host),
            src_ip: own(self.src_ip),
            dst_ip: own(self.dst_ip),
            src_port: self.src_port,
            dst_port: self.dst_port,
            protocol: self.protocol,
            packets: self.packets,
            bytes: self.bytes,
            user: own(self.user),
            pid: self.pid,
            ppid: self.ppid,
            exe: own(self.exe),
            command: own(self.command),
            path: own(self.path),
            container: own(self.container),
            image: own(self.image),
            pod: own(self.pod),
            namespace: own(self.namespace),
            domain: own(self.domain),
            query_type: own(self.query_type),
            response_code: own(self.response_code),
            attributes: own(self.attributes),
            message: own(self.message),
            line: self.line,
            offset: self.offset,
        }
    }
}
