//! Tables of containers: `docker ps -a`, `podman ps -a`, `nerdctl ps -a`, `docker compose ps`, `crictl ps -a`, `crictl pods`,
//! `docker stats --no-stream`; with `--no-trunc`, `--size`, and `--format 'table ...'`.
//!
//! **Recognised** by the header: `CONTAINER ID` with two more of docker's columns, `NAMES` with STATUS, IMAGE or PORTS,
//! crictl's `CONTAINER ... STATE ... POD ID`, `POD ID ... STATE`, `CPU %` beside an id; also behind a prompt.
//!
//! ```text
//! CONTAINER ID   IMAGE         COMMAND             CREATED       STATUS                     PORTS     NAMES
//! 4b5e57f6eb2f   shop/web:2    "nginx -g 'daem…"   8 days ago    Up 8 days (healthy)        80/tcp    web
//! 836ff184e7b4   shop/log:1    "/bin/app"          2 weeks ago   Exited (137) 3 hours ago             log
//! ```
//!
//! **Cells** begin below the words of the header; a row that does not keep to it (sent through other tools, wide
//! characters) is split at two blanks. A row that the terminal cut gives what is left of it.
//!
//! **Rows**: `container-listed` at the moment of collection. `status` is as shown, `state` its word as inspect
//! names it (`running`, `exited`, ...), `exit_code` only of what ended. `age_seconds` is CREATED, `up_seconds` and
//! `finished_age_seconds` are from STATUS, each as shown with the unit beside it (`..._unit_seconds`): engines keep
//! one unit, hours are rounded, the others cut, so that `2 weeks ago` means 14 to 21 days. No instant is made of
//! these. A column CREATED AT gives `container-created` too. A name `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT` gives
//! pod, namespace and `container_name`; pause containers have `sandbox`. COMMAND is without its quotes, and ends
//! with `…` where the engine cut it. `stats` rows have `cpu_percent`, `memory_percent`, `memory_text`, `pids`.
//!
//! **Not read**: `ps -q`, swarm's tables, docker-compose version 1's table. `ps --format json` is docker-inspect's.
//!
//! Sources: docker/cli `cli/command/formatter/container.go`, docker/go-units `duration.go`, podman
//! `cmd/podman/containers/ps.go`, cri-tools `cmd/crictl/container.go` and `sandbox.go`.

use coldcase_model::Sink;

use super::tables::{self, Kind};
use crate::{Format, IngestError, Input, Leftover, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "docker-ps",
    title: "docker, podman, nerdctl and crictl tables of containers",
    source: include_str!("ps.rs"),
    yearless: false,
    sniff: |probe| match super::is_json(probe) {
        true => Sniff::No,
        false => tables::sniff(
            probe,
            &[Kind::Containers, Kind::Crictl, Kind::Sandboxes, Kind::Stats],
        ),
    },
    ingest,
    join: None,
};

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    tables::ingest(&mut input.reader, input.clock, sink)?;
    Ok(None)
}
