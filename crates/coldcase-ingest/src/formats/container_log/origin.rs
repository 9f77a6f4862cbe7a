//! Whose log it is: what paths, prefixes and command lines name.

/// Container, pod and namespace of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The container's name.
    pub container: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// The pod.
    pub pod: Option<String>,
    /// The pod's namespace.
    pub namespace: Option<String>,
    /// The pod's UID.
    pub pod_uid: Option<String>,
    /// Whether container is the name that the pod's manifest gives.
    pub in_pod: bool,
}

/// What a path names: `<64 hex>-json.log` of docker, `pods/<ns>_<pod>_<uid>/<container>/0.log` and
/// `containers/<pod>_<ns>_<container>-<64 hex>.log` of the kubelet, `docker_logs_<name>.txt` of collectors.
pub fn of_path(path: &str) -> Origin {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    let (folder, above) = (parts.next(), parts.next());
    if let (Some(container), Some(origin)) = (folder, above.and_then(of_pod_folder)) {
        return Origin {
            container: Some(container.to_owned()),
            in_pod: true,
            ..origin
        };
    }
    let stem = name.split(".log").next().unwrap_or(name);
    if let Some(id) = stem.strip_suffix("-json").filter(|id| is_long_id(id)) {
        return Origin {
            id: Some(id.to_owned()),
            ..Origin::default()
        };
    }
    let kubelet = of_kubelet_link(stem).or_else(|| flattened(stem));
    kubelet
        .or_else(|| of_collector(name))
        .or_else(|| {
            let id = folder.filter(|folder| is_long_id(folder))?;
            Some(Origin {
                id: Some(id.to_owned()),
                ..Origin::default()
            })
        })
        .unwrap_or_default()
}

/// `<ns>_<pod>_<uid>`
fn of_pod_folder(folder: &str) -> Option<Origin> {
    let mut parts = folder.split('_');
    let (namespace, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let named = is_dns_name(namespace) && is_dns_name(pod) && is_uid(uid);
    (named && parts.next().is_none()).then(|| Origin {
        namespace: Some(namespace.to_owned()),
        pod: Some(pod.to_owned()),
        pod_uid: Some(uid.to_owned()),
        ..Origin::default()
    })
}

/// The same with its folders made into a name: `<ns>_<pod>_<uid>_<container>_0`.
fn flattened(stem: &str) -> Option<Origin> {
    let (folder, rest) = stem.rsplit_once('_')?;
    let (folder, container) = match rest.bytes().all(|byte| byte.is_ascii_digit()) {
        true => folder.rsplit_once('_')?,
        false => (folder, rest),
    };
    let origin = of_pod_folder(folder)?;
    is_dns_name(container).then(|| Origin {
        container: Some(container.to_owned()),
        in_pod: true,
        ..origin
    })
}

/// `<pod>_<ns>_<container>-<64 hex>`
fn of_kubelet_link(stem: &str) -> Option<Origin> {
    let (names, id) = stem.rsplit_once('-').filter(|(_, id)| is_long_id(id))?;
    let mut parts = names.split('_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    let named = is_dns_name(pod) && is_dns_name(namespace) && is_dns_name(container);
    (named && parts.next().is_none()).then(|| Origin {
        container: Some(container.to_owned()),
        id: Some(id.to_owned()),
        pod: Some(pod.to_owned()),
        namespace: Some(namespace.to_owned()),
        pod_uid: None,
        in_pod: true,
    })
}

/// `docker_logs_<name>.txt`, also with `podman`, `crictl` or `nerdctl`.
fn of_collector(name: &str) -> Option<Origin> {
    let tools = ["docker", "podman", "nerdctl"];
    let rest = tools.iter().find_map(|tool| name.strip_prefix(tool))?;
    let rest = rest.strip_prefix(['_', '-'])?.strip_prefix("logs")?;
    let rest = rest.strip_prefix(['_', '-'])?;
    let bare = [".txt", ".log", ".out"]
        .iter()
        .find_map(|ending| rest.strip_suffix(ending))
        .unwrap_or(rest);
    named(bare)
}

/// What a command line asks the log of: `docker logs -t --tail 100 web`, `kubectl logs -n shop web-0 -c app`.
pub fn of_command(command: &str) -> Option<Origin> {
    let mut words = command.split_ascii_whitespace();
    let tool = words.find(|word| {
        let last = word.rsplit('/').next().unwrap_or(word);
        matches!(
            last,
            "docker" | "podman" | "nerdctl" | "crictl" | "kubectl" | "oc"
        )
    })?;
    words.find(|word| *word == "logs")?;
    let mut origin = Origin::default();
    let mut object = None;
    while let Some(word) = words.next() {
        if word.starts_with(['|', '>', '&', ';']) || word.starts_with("2>") {
            break;
        }
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        match option {
            "-n" | "--namespace" if is_kubectl(tool) => {
                origin.namespace = value.or_else(|| words.next()).map(str::to_owned);
            }
            "-c" | "--container" => {
                origin.container = value.or_else(|| words.next()).map(str::to_owned);
            }
            "--tail" | "-n" | "--since" | "--until" | "--since-time" | "--limit-bytes" | "-l"
                if value.is_none() =>
            {
                words.next();
            }
            _ if option.starts_with('-') => {}
            _ => object = object.or(Some(word)),
        }
    }
    let object = object?;
    if !is_kubectl(tool) {
        return named(object);
    }
    let pod = object.strip_prefix("pod/").unwrap_or(object);
    origin.in_pod = true;
    origin.pod = (!pod.contains('/')).then(|| pod.to_owned());
    Some(origin)
}

fn is_kubectl(tool: &str) -> bool {
    tool.ends_with("kubectl") || tool.ends_with("oc")
}

/// A container by what a command was given: its name, or its id.
fn named(word: &str) -> Option<Origin> {
    let is_id = matches!(word.len(), 12 | 13 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_name = word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    is_name.then(|| {
        let word = Some(word.to_owned());
        let (container, id) = if is_id { (None, word) } else { (word, None) };
        Origin {
            container,
            id,
            ..Origin::default()
        }
    })
}

/// Docker's and containerd's whole ids.
pub fn is_long_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_dns_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// A UUID, or the 32 hex digits of a static pod.
fn is_uid(text: &str) -> bool {
    text.len() >= 4
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(origin: &Origin) -> String {
        let text = |cell: &Option<String>| cell.clone().unwrap_or("-".to_owned());
        let id: String = text(&origin.id).chars().take(4).collect();
        let (namespace, pod) = (text(&origin.namespace), text(&origin.pod));
        format!("{namespace} {pod} {} {id}", text(&origin.container))
    }

    #[test]
    fn paths() {
        let check = |path: &str, expected: &str| {
            assert_eq!(shown(&of_path(path)), expected, "{path}");
        };
        let id = "0a1b".repeat(16);
        check(&format!("c/{id}/{id}-json.log"), "- - - 0a1b");
        check(&format!("c/{id}-json.log.1"), "- - - 0a1b");
        check(
            "pods/shop_web-0_0a1b2c3d-11ee/app/0.log",
            "shop web-0 app -",
        );
        check(
            "pods/kube-system_etcd-m1_0a1b2c3d/etcd/0.log.20230512-022000",
            "kube-system etcd-m1 etcd -",
        );
        check(
            &format!("containers/web-0_shop_app-{id}.log"),
            "shop web-0 app 0a1b",
        );
        check(
            "logs/shop_web-0_0a1b2c3d-11ee_app_0.log",
            "shop web-0 app -",
        );
        check("h/docker_logs_web.txt", "- - web -");
        check("h/messages.log", "- - - -");
        check("container_logs/web.log", "- - - -");
    }

    #[test]
    fn commands() {
        let check = |command: &str, expected: &str| {
            let got = of_command(command).map_or("none".to_owned(), |origin| shown(&origin));
            assert_eq!(got, expected, "{command}");
        };
        check("docker logs -t --tail 100 web", "- - web -");
        check(
            "docker logs --since=1h 0a1b2c3d4e5f 2>&1 | tail",
            "- - - 0a1b",
        );
        check(
            "kubectl logs -n shop web-0 -c app --timestamps",
            "shop web-0 app -",
        );
        check("kubectl logs deploy/web", "- - - -");
        check("docker ps -a", "none");
        check("cat logs", "none");
    }
}
