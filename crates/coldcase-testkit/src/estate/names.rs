//! Who is who in an estate: hosts, addresses, people, service accounts, images. Drawn from the seed.

use super::dice::Dice;

/// One host of the estate.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its name, which is its folder's name too.
    pub name: String,
    /// Its address inside.
    pub address: String,
}

/// Names of an estate.
#[derive(Debug, Clone)]
pub struct Names {
    /// Where people come in.
    pub bastion: Machine,
    /// The bastion's address in the internet.
    pub bastion_public: String,
    /// The database's host.
    pub database: Machine,
    /// Nodes of the cluster.
    pub nodes: Vec<Machine>,
    /// Where jobs of continuous integration run.
    pub runner: Machine,
    /// Where models are trained.
    pub trainer: Machine,
    /// Router with address translation.
    pub gateway: Machine,
    /// The gateway's address in the internet.
    pub gateway_public: String,
    /// Crawler, mail relay.
    pub crawler: Machine,
    /// Makes the backups; nothing was collected from it, like the next three.
    pub backup: Machine,
    /// Monitoring.
    pub monitor: Machine,
    /// Configuration management.
    pub control: Machine,
    /// The owner's vulnerability scanner.
    pub scanner: Machine,
    /// Administrators.
    pub people: Vec<String>,
    /// The backup's account.
    pub backup_user: &'static str,
    /// The account of configuration management.
    pub control_user: &'static str,
    /// The runner's account on other hosts.
    pub runner_user: &'static str,
    /// Private registry.
    pub registry: String,
    /// The estate's own domain.
    pub domain: String,
    /// First two bytes of the pods' network.
    pub pod_network: String,
}

const PEOPLE: [&str; 12] = [
    "amrita", "ben", "chenhao", "dora", "erik", "fatima", "goran", "hana", "ivo", "liwei", "noor",
    "zhangmin",
];
const FIRMS: [&str; 5] = ["orchard", "lumen", "harbor", "maple", "delta"];

impl Names {
    /// Draws names.
    pub fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "names");
        let network = format!("10.{}.{}", dice.between(16, 96), dice.between(1, 200));
        let site = dice.pick(&["fra1", "bom2", "hz", "nyc", "syd1"]);
        let mut host = |roles: &[&str], last: i64| {
            let number = dice.between(1, 20);
            Machine {
                name: format!("{site}-{}-{number:02}", dice.pick(roles)),
                address: format!("{network}.{last}"),
            }
        };
        let bastion = host(&["jump", "bastion", "gate-ssh"], 5);
        let database = host(&["pg", "mysql", "db"], 31);
        let first_node = host(&["kn", "worker", "k8s-node"], 41);
        let runner = host(&["runner", "ci", "build"], 51);
        let trainer = host(&["gpu", "train", "ml"], 61);
        let gateway = host(&["nat", "router", "edge"], 1);
        let crawler = host(&["crawler", "web", "fetch"], 71);
        let backup = host(&["bak", "backup", "vault"], 21);
        let monitor = host(&["mon", "zbx", "metrics"], 22);
        let control = host(&["ansible", "conf", "deploy"], 23);
        let scanner = host(&["nessus", "openvas", "vulnscan"], 24);
        let second_node = Machine {
            name: format!("{}b", first_node.name),
            address: format!("{network}.42"),
        };
        let start = dice.between(0, 8);
        let people = PEOPLE.iter().skip(usize::try_from(start).unwrap_or(0));
        let firm = dice.pick(&FIRMS);
        Self {
            bastion,
            bastion_public: format!("198.51.100.{}", dice.between(10, 120)),
            database,
            nodes: vec![first_node, second_node],
            runner,
            trainer,
            gateway,
            gateway_public: format!("198.51.100.{}", dice.between(121, 250)),
            crawler,
            backup,
            monitor,
            control,
            scanner,
            people: people.take(4).map(|name| (*name).to_owned()).collect(),
            backup_user: dice.pick(&["backup", "rsnap", "borg"]),
            control_user: dice.pick(&["ansible", "deploy", "salt"]),
            runner_user: dice.pick(&["gitlab-runner", "jenkins", "builder"]),
            registry: format!("registry.{firm}.example:5000"),
            domain: format!("{firm}.example"),
            pod_network: format!("10.{}", dice.between(200, 245)),
        }
    }

    /// The hosts from which something was collected.
    pub fn collected(&self) -> Vec<&Machine> {
        let mut hosts = vec![&self.bastion, &self.database];
        hosts.extend(&self.nodes);
        hosts.extend([&self.runner, &self.trainer, &self.gateway, &self.crawler]);
        hosts
    }

    /// All others that belong to the estate.
    pub fn others(&self) -> Vec<&Machine> {
        vec![&self.backup, &self.monitor, &self.control, &self.scanner]
    }

    /// A pod's address on the node of this number.
    pub fn pod(&self, node: usize, last: i64) -> String {
        format!("{}.{}.{last}", self.pod_network, node + 1)
    }
}
