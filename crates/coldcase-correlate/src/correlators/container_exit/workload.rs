//! What a container is a run of: other runs of the same go on where this one ended.

/// What a container is a run of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Workload {
    /// Namespace and controller, compose's service, or the name without its number.
    pub owner: String,
    /// Its name in the pod.
    pub member: String,
}

impl Workload {
    /// From what names it: pod (`namespace/name`) and its name in the pod, a service of compose, or its name.
    pub fn of(pod: Option<&str>, member: Option<&str>, service: Option<&str>, name: &str) -> Self {
        match (pod, service) {
            (Some(pod), _) => {
                let (namespace, pod) = pod.rsplit_once('/').unwrap_or(("", pod));
                Self {
                    owner: format!("{namespace}/{}", controller(pod)),
                    member: member.unwrap_or(name).to_owned(),
                }
            }
            (None, Some(service)) => Self {
                owner: format!("compose {service}"),
                member: unnumbered(name).to_owned(),
            },
            (None, None) => Self {
                owner: String::new(),
                member: unnumbered(name).to_owned(),
            },
        }
    }
}

/// The controller that a pod's name begins with: Deployments add a template's hash and five characters,
/// DaemonSets and Jobs five, StatefulSets a number, CronJobs the scheduled minute before the Job's five.
fn controller(pod: &str) -> &str {
    let Some((rest, tail)) = pod.rsplit_once('-') else {
        return pod;
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_random = |part: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if is_number(tail) && tail.len() <= 4 {
        return rest;
    }
    if !is_random(tail, 5..=5) {
        return pod;
    }
    match rest.rsplit_once('-') {
        // A minute since 1970 has eight digits, a second since 1970 ten.
        Some((stem, middle)) if is_number(middle) && (8..=10).contains(&middle.len()) => stem,
        // A template's hash: 8 to 10 characters, hardly ever without a digit.
        Some((stem, middle))
            if is_random(middle, 8..=10) && middle.bytes().any(|byte| byte.is_ascii_digit()) =>
        {
            stem
        }
        _ => rest,
    }
}

/// `web-2`, `shop_web_2` without the number.
fn unnumbered(name: &str) -> &str {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match bare.strip_suffix(['-', '_']) {
        Some(stem) if !stem.is_empty() && bare.len() < name.len() => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_traced_to_their_controllers() {
        let check = |pod: &str, expected: &str| assert_eq!(controller(pod), expected, "{pod}");
        check("coredns-8b78ecde6-d2x7w", "coredns");
        check("order-svc-d1b28ac87e-zgsgt", "order-svc");
        check("kube-proxy-x8k2p", "kube-proxy");
        check("kafka-0", "kafka");
        check("daily-clean-28063650-7nbq2", "daily-clean");
        check("etcd-master-01", "etcd-master");
        check("standalone", "standalone");
    }

    #[test]
    fn numbers_of_compose_fall_away() {
        let check = |name: &str, expected: &str| assert_eq!(unnumbered(name), expected, "{name}");
        check("shop_web_2", "shop_web");
        check("worker-12", "worker");
        check("mysql57", "mysql57");
        check("app", "app");
        check("-1", "-1");
    }
}
