//! What labels, names and variables of a container say about its pod, its node and its project.

use coldcase_model::Attributes;
use serde_json::{Map, Value};

/// Labels, as an object or as the `a=b,c=d` of a list.
pub enum Labels<'a> {
    /// None.
    None,
    /// Of inspect output.
    Object(&'a Map<String, Value>),
    /// Of `ps --format json`.
    Text(&'a str),
}

impl<'a> Labels<'a> {
    /// Labels in this value.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Object(object) => Self::Object(object),
            Value::String(text) => Self::Text(text),
            _ => Self::None,
        }
    }

    /// The label of this name, if not empty.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let value = match self {
            Self::None => None,
            Self::Object(object) => object.get(name)?.as_str(),
            Self::Text(text) => text
                .split(',')
                .find_map(|label| label.strip_prefix(name)?.strip_prefix('=')),
        };
        value.filter(|value| !value.is_empty())
    }

    /// Pod and namespace: from the kubelet's labels, or from the name that it gave.
    pub fn pod<'b>(&self, container: &'b str) -> (Option<&'b str>, Option<&'b str>)
    where
        'a: 'b,
    {
        let named = KubeletName::parse(container);
        let pod = self.get("io.kubernetes.pod.name");
        let namespace = self.get("io.kubernetes.pod.namespace");
        (
            pod.or(named.as_ref().map(|name| name.pod)),
            namespace.or(named.as_ref().map(|name| name.namespace)),
        )
    }

    /// How often the kubelet started the container anew.
    pub fn restart_count(&self) -> Option<i64> {
        self.get("annotation.io.kubernetes.container.restartCount")
            .or_else(|| self.get("io.kubernetes.container.restartCount"))?
            .parse()
            .ok()
    }

    /// Whether this is a pod's sandbox (its pause container).
    pub fn is_sandbox(&self) -> bool {
        self.get("io.kubernetes.docker.type") == Some("podsandbox")
            || self.get("io.kubernetes.container.name") == Some("POD")
            || self.get("io.cri-containerd.kind") == Some("sandbox")
    }

    /// Adds what labels say to a row.
    pub fn describe(&self, attributes: &mut Attributes) {
        for (key, name) in [
            ("pod_uid", "io.kubernetes.pod.uid"),
            ("container_name", "io.kubernetes.container.name"),
            ("sandbox_id", "io.kubernetes.sandbox.id"),
            ("compose_project", "com.docker.compose.project"),
            ("compose_service", "com.docker.compose.service"),
            ("swarm_service", "com.docker.swarm.service.name"),
        ] {
            attributes.text_if(key, self.get(name));
        }
        if self.is_sandbox() {
            attributes.flag("sandbox", true);
        }
    }
}

/// The name that the kubelet gives a docker container: `k8s_container_pod_namespace_uid_attempt`.
/// None of the first three can hold an underscore.
pub struct KubeletName<'a> {
    /// The pod's name.
    pub pod: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The container's name in its pod; `POD` is its sandbox.
    pub container: &'a str,
    /// The pod's UID.
    pub uid: &'a str,
}

impl<'a> KubeletName<'a> {
    /// Takes such a name apart.
    pub fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.strip_prefix("k8s_")?.split('_');
        let (container, pod, namespace) = (parts.next()?, parts.next()?, parts.next()?);
        let (uid, attempt) = (parts.next()?, parts.next()?);
        let numbered = attempt.bytes().all(|byte| byte.is_ascii_digit());
        (numbered && !pod.is_empty() && !namespace.is_empty()).then_some(Self {
            pod,
            namespace,
            container,
            uid,
        })
    }
}

/// What a variable of the environment gives, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The pod's own address or addresses.
    PodAddress,
    /// The address of the node.
    NodeAddress,
    /// The name of the node.
    NodeName,
}

/// The names that manifests give to the downward API's `status.podIP`, `status.hostIP` and `spec.nodeName`.
/// Only what says "of this pod" or "of this node" counts: `REDIS_POD_IP` may be another pod's.
pub fn meaning(name: &str) -> Option<Variable> {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let own = ["MY_", "K8S_", "KUBERNETES_", "KUBE_", "THIS_", "CURRENT_"];
    let bare = own
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(&name);
    match bare {
        "POD_IP" | "POD_IPS" | "PODIP" | "PODIPS" | "POD_IP_ADDRESS" => Some(Variable::PodAddress),
        "HOST_IP" | "HOSTIP" | "NODE_IP" | "NODEIP" | "HOST_IP_ADDRESS" => {
            Some(Variable::NodeAddress)
        }
        "NODE_NAME" | "NODENAME" | "KUBE_NODE_NAME" => Some(Variable::NodeName),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_kubelet() {
        let check = |name: &str, expected: Option<(&str, &str)>| {
            let got = KubeletName::parse(name);
            let got = got.as_ref().map(|name| (name.pod, name.namespace));
            assert_eq!(got, expected, "{name}");
        };
        check("k8s_a_web-0_shop_4e9-1_12", Some(("web-0", "shop")));
        check("k8s_POD_web-0_shop_4e9-1_0", Some(("web-0", "shop")));
        check("k8s_a_web-0_shop", None);
        check("web_1", None);
    }

    #[test]
    fn variables_that_name_the_own_pod() {
        let check = |name: &str, expected| assert_eq!(meaning(name), expected, "{name}");
        check("POD_IP", Some(Variable::PodAddress));
        check("MY_POD_IPS", Some(Variable::PodAddress));
        check("my-pod-ip", Some(Variable::PodAddress));
        check("REDIS_POD_IP", None);
        check("KUBERNETES_SERVICE_HOST", None);
        check("HOST_IP", Some(Variable::NodeAddress));
        check("MY_NODE_NAME", Some(Variable::NodeName));
    }
}
