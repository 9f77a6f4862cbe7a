//! Connections that no process owns.

use std::collections::{BTreeMap, BTreeSet};

use super::Hidden;
use crate::indicators::Indicators;
use crate::mining::is_pool_port;
use crate::processes::{Processes, Socket};

/// Ports on which the kernel itself is a client, so that its connections have no process: NFS and its helpers, SMB, iSCSI, Ceph, NBD,
/// Lustre, 9P, NVMe over TCP, DRBD, DLM.
const KERNEL_PORTS: [u16; 14] = [
    111, 139, 445, 564, 988, 2049, 3260, 3300, 4420, 6789, 7788, 7789, 10809, 21064,
];

/// Open connections to addresses outside without an owner, one a peer.
pub(super) fn find(processes: &Processes, known: &Indicators) -> Vec<Hidden> {
    let mut by_peer: BTreeMap<(Option<String>, String), Vec<&Socket>> = BTreeMap::new();
    for socket in processes
        .sockets
        .iter()
        .filter(|one| is_unowned(processes, one))
    {
        if let Some(remote) = socket.remote() {
            by_peer
                .entry((socket.space.host.clone(), remote))
                .or_default()
                .push(socket);
        }
    }
    let found = by_peer.into_iter().map(|((host, remote), sockets)| {
        let mut hidden = Hidden::new(host.as_deref(), &format!("no owner {remote}"));
        hidden.add("no-owner-socket", 0);
        // The connection outside is what is stated here, and no further point.
        hidden.take_peer(&sockets, processes, known);
        hidden.points = hidden.points.saturating_sub(1);
        let formats: BTreeSet<&str> = sockets.iter().map(|one| one.format.as_str()).collect();
        hidden.points += u32::from(formats.len() > 1);
        if sockets
            .iter()
            .any(|one| one.dst_port.is_some_and(is_pool_port))
        {
            hidden.add("pool-port", 1);
        }
        hidden.rows = sockets.iter().map(|one| one.row).collect();
        hidden.compared = format!(
            "{} shows the owners of other sockets, but none for the connection to {remote}.",
            formats.into_iter().collect::<Vec<_>>().join(" and ")
        );
        hidden
    });
    found.collect()
}

fn is_unowned(processes: &Processes, socket: &Socket) -> bool {
    let is_kernel = |port: Option<u16>| port.is_some_and(|port| KERNEL_PORTS.contains(&port));
    let owned_elsewhere = || {
        processes.sockets.iter().any(|other| {
            other.space.host == socket.space.host
                && !other.owners.is_empty()
                && other.src_port == socket.src_port
                && other.remote() == socket.remote()
        })
    };
    socket.no_owner
        && socket.is_open()
        && socket.is_outward()
        && socket.protocol.as_deref() == Some("tcp")
        && processes.is_opened(socket)
        && !is_kernel(socket.dst_port)
        && !is_kernel(socket.src_port)
        && !owned_elsewhere()
}
