//! Which containers share one network namespace, and so its addresses: the members of a pod with its
//! pause container, a container run with `--network container:other`.
//!
//! A CNI plugin leaves docker's own address fields empty; then the sandbox has no address and a member may
//! show it in its environment. Both get it here. Namespaces are followed by id, never by pod: a pod whose
//! sandbox was made anew has another address since.

use std::collections::HashMap;

use super::container::{Container, IpSource, NetworkNamespace};

/// Longest chain of containers that share a namespace through one another.
const MAX_CHAIN: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    /// A container of this file.
    Here(usize),
    /// Another one, by id or name.
    Elsewhere(String),
}

/// Gives every container the address of its namespace where one of its members shows it.
pub fn settle(containers: &mut [&mut Container]) {
    let mut known: HashMap<String, usize> = HashMap::new();
    for (index, container) in containers.iter().enumerate() {
        // A later container may have taken over the name of an earlier one, but an id is unique.
        known.extend(container.id.clone().map(|id| (id, index)));
    }
    for (index, container) in containers.iter().enumerate() {
        if let Some(name) = &container.names.container {
            known.entry(name.clone()).or_insert(index);
        }
    }
    let mut groups: HashMap<Owner, Vec<usize>> = HashMap::new();
    for index in 0..containers.len() {
        if let Some(owner) = owner(containers, &known, index) {
            groups.entry(owner).or_default().push(index);
        }
    }
    // Groups are disjoint, so that their order has no effect.
    for members in groups.values() {
        settle_group(containers, members);
    }
}

/// Whose namespace this container lives in; `None` where the chain does not end.
fn owner(
    containers: &[&mut Container],
    known: &HashMap<String, usize>,
    start: usize,
) -> Option<Owner> {
    let mut at = start;
    for _ in 0..MAX_CHAIN {
        let NetworkNamespace::Of(other) = &containers.get(at)?.network else {
            return Some(Owner::Here(at));
        };
        match known.get(other) {
            Some(next) => at = *next,
            None => return Some(Owner::Elsewhere(other.clone())),
        }
    }
    None
}

fn settle_group(containers: &mut [&mut Container], members: &[usize]) {
    let of = |index: &usize| containers.get(*index).map(|container| &**container);
    let all = || members.iter().filter_map(of);
    let is_host = all().any(|container| container.network == NetworkNamespace::Host);
    let shown = |source: IpSource| {
        let mut lists = all()
            .filter(|container| container.source == Some(source))
            .map(|container| &container.addresses);
        let first = lists.next()?;
        // Members that contradict each other prove nothing for the others.
        lists.all(|other| other == first).then(|| first.clone())
    };
    let addresses = shown(IpSource::Network).or_else(|| shown(IpSource::Environment));
    for index in members {
        let Some(container) = containers.get_mut(*index) else {
            continue;
        };
        if is_host {
            container.network = NetworkNamespace::Host;
            container.addresses.clear();
            container.source = None;
        } else if let (Some(addresses), true) = (&addresses, container.addresses.is_empty()) {
            container.addresses.clone_from(addresses);
            container.source = Some(IpSource::Sandbox);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str, network: NetworkNamespace, ip: &str, source: IpSource) -> Container {
        let mut container = Container::new(1);
        container.id = Some(id.to_owned());
        container.network = network;
        container.add_addresses(source, [ip]);
        container
    }

    fn check(mut containers: Vec<Container>, expected: &[(&str, Option<IpSource>)]) {
        settle(&mut containers.iter_mut().collect::<Vec<_>>());
        let got: Vec<_> = containers
            .iter()
            .map(|container| (container.addresses.join(","), container.source))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(ip, source)| ((*ip).to_owned(), *source))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_pod_shares_its_address() {
        use IpSource::{Environment, Network, Sandbox};
        let of = |id: &str| NetworkNamespace::Of(id.to_owned());
        let own = NetworkNamespace::Own;
        check(
            vec![
                container("a", of("p"), "10.0.0.1", Environment),
                container("b", of("p"), "", Environment),
                container("p", own.clone(), "", Network),
            ],
            &[
                ("10.0.0.1", Some(Environment)),
                ("10.0.0.1", Some(Sandbox)),
                ("10.0.0.1", Some(Sandbox)),
            ],
        );
        check(
            vec![
                container("a", of("absent"), "10.0.0.1", Environment),
                container("b", of("absent"), "", Environment),
                container("c", of("other"), "", Environment),
            ],
            &[
                ("10.0.0.1", Some(Environment)),
                ("10.0.0.1", Some(Sandbox)),
                ("", None),
            ],
        );
        check(
            vec![
                container("a", of("b"), "", Network),
                container("b", of("c"), "", Network),
                container("c", own, "172.17.0.2", Network),
            ],
            &[
                ("172.17.0.2", Some(Sandbox)),
                ("172.17.0.2", Some(Sandbox)),
                ("172.17.0.2", Some(Network)),
            ],
        );
    }

    #[test]
    fn a_host_pod_has_no_address_of_its_own() {
        let of = |id: &str| NetworkNamespace::Of(id.to_owned());
        check(
            vec![
                container("a", of("p"), "192.0.2.7", IpSource::Environment),
                container("p", NetworkNamespace::Host, "", IpSource::Network),
            ],
            &[("", None), ("", None)],
        );
    }

    #[test]
    fn circles_and_contradictions_give_nothing() {
        let of = |id: &str| NetworkNamespace::Of(id.to_owned());
        let source = IpSource::Environment;
        check(
            vec![
                container("a", of("b"), "", source),
                container("b", of("a"), "", source),
            ],
            &[("", None), ("", None)],
        );
        check(
            vec![
                container("a", of("p"), "10.0.0.1", source),
                container("b", of("p"), "10.0.0.2", source),
                container("c", of("p"), "", source),
            ],
            &[
                ("10.0.0.1", Some(source)),
                ("10.0.0.2", Some(source)),
                ("", None),
            ],
        );
    }
}
