//! What the cluster asks DNS: names that everyone asks, names that look like dice, names that don't exist.

use super::Scene;
use super::clock::Seconds;
use super::cluster::Pod;
use super::dice::Dice;

/// One question with its answer's code.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) at: Seconds,
    pub(super) millis: i64,
    pub(super) client: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) code: &'static str,
    /// The question's number and the port it comes from: the log and a capture tell the same ones.
    pub(super) id: u16,
    pub(super) port: u16,
}

/// Hours of lookups that are kept.
pub(super) const HOURS: i64 = 6;

const POPULAR: [&str; 5] = [
    "api.github.com",
    "registry-1.docker.io",
    "deb.debian.org",
    "s3.eu-central-1.amazonaws.com",
    "time.cloudflare.com",
];
const HEX: &str = "0123456789abcdef";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

struct Asker<'a> {
    all: Vec<Lookup>,
    dice: Dice,
    scene: &'a Scene,
}

/// Questions of the hours that logs keep, until the evidence was collected.
pub(super) fn of(scene: &Scene, pods: &[Pod]) -> Vec<Lookup> {
    let until = scene.clock.collected();
    let mut asker = Asker {
        all: Vec::new(),
        dice: scene.dice("lookups"),
        scene,
    };
    let from = until - HOURS * 3600;
    for pod in pods
        .iter()
        .filter(|pod| pod.namespace != "kube-system" && pod.namespace != "batch")
    {
        asker.ordinary(pod, from, until);
        match pod.namespace {
            "mail" => asker.mail(pod, from, until),
            "security" => asker.reputation(pod, from, until),
            "data" => asker.telemetry(pod, from, until),
            "monitoring" => asker.agent(pod, from, until),
            _ => asker.storm(pod, from, until),
        }
    }
    asker.all.sort_by(|a, b| {
        (a.at, a.millis, &a.client, &a.name).cmp(&(b.at, b.millis, &b.client, &b.name))
    });
    asker.all
}

impl Asker<'_> {
    fn ask(&mut self, at: Seconds, pod: &Pod, name: &str, kind: &'static str, code: &'static str) {
        let millis = self.dice.between(0, 1000);
        let (id, port) = (self.dice.client_port(), self.dice.client_port());
        let (client, name) = (pod.address.clone(), name.to_owned());
        self.all.push(Lookup {
            at,
            millis,
            client,
            name,
            kind,
            code,
            id,
            port,
        });
    }

    /// A name of the internet, with every search domain before it as `ndots:5` wants.
    fn searched(&mut self, at: Seconds, pod: &Pod, name: &str) {
        let suffixes = [
            format!("{}.svc.cluster.local", pod.namespace),
            "svc.cluster.local".to_owned(),
            "cluster.local".to_owned(),
            self.scene.names.domain.clone(),
        ];
        for suffix in suffixes {
            self.ask(at, pod, &format!("{name}.{suffix}"), "A", "NXDOMAIN");
            self.ask(at, pod, &format!("{name}.{suffix}"), "AAAA", "NXDOMAIN");
        }
        self.ask(at, pod, name, "A", "NOERROR");
        self.ask(at, pod, name, "AAAA", "NOERROR");
    }

    fn ordinary(&mut self, pod: &Pod, from: Seconds, until: Seconds) {
        let mut at = from + self.dice.between(0, 200);
        while at < until {
            let popular = self.dice.pick(&POPULAR);
            match self.dice.between(0, 6) {
                0 => self.searched(at, pod, popular),
                1 => {
                    let name = format!("d{}.cloudfront.net", self.dice.text(LOWER, 13));
                    self.ask(at, pod, &name, "A", "NOERROR");
                }
                2 => {
                    let name = format!(
                        "r{}---sn-{}.googlevideo.com",
                        self.dice.between(1, 8),
                        self.dice.text(LOWER, 8)
                    );
                    self.ask(at, pod, &name, "A", "NOERROR");
                }
                3 => {
                    let name = format!(
                        "{}.{}.104.34.in-addr.arpa",
                        self.dice.between(1, 255),
                        self.dice.between(1, 255)
                    );
                    self.ask(at, pod, &name, "PTR", "NXDOMAIN");
                }
                _ => self.ask(at, pod, "redis.data.svc.cluster.local", "A", "NOERROR"),
            }
            at += self.dice.between(60, 500);
        }
    }

    /// A relay checks senders: SPF, DKIM, DMARC, block lists.
    fn mail(&mut self, pod: &Pod, from: Seconds, until: Seconds) {
        let mut at = from + 5;
        while at < until {
            let sender = format!(
                "{}.com",
                self.dice
                    .pick(&["northwind", "contoso", "fabrikam", "adatum", "litware"])
            );
            self.ask(at, pod, &sender, "TXT", "NOERROR");
            let selector = format!("s{}._domainkey.{sender}", self.dice.between(1000, 9999));
            self.ask(at, pod, &selector, "TXT", "NOERROR");
            self.ask(at, pod, &format!("_dmarc.{sender}"), "TXT", "NOERROR");
            let turned = format!(
                "{}.{}.{}.{}.zen.spamhaus.org",
                self.dice.between(1, 255),
                self.dice.between(1, 255),
                self.dice.between(1, 255),
                self.dice.between(1, 223)
            );
            self.ask(at, pod, &turned, "A", "NXDOMAIN");
            at += self.dice.between(20, 90);
        }
    }

    /// A virus scanner asks its maker for hashes of files.
    fn reputation(&mut self, pod: &Pod, from: Seconds, until: Seconds) {
        let mut at = from + 9;
        while at < until {
            let name = format!("{}.malware.hash.cymru.com", self.dice.text(HEX, 32));
            self.ask(at, pod, &name, "A", "NXDOMAIN");
            let name = format!(
                "0.0.0.0.1.0.0.4e.{}.avqs.mcafee.com",
                self.dice.text(LOWER, 26)
            );
            self.ask(at, pod, &name, "A", "NOERROR");
            at += self.dice.between(30, 120);
        }
    }

    /// An agent of a maker that nobody knows puts a session into each name; few names, asked again and again.
    fn telemetry(&mut self, pod: &Pod, from: Seconds, until: Seconds) {
        let session = self.dice.text(HEX, 32);
        let mut at = from + 12;
        while at < until {
            self.ask(
                at,
                pod,
                &format!("{session}.in.applogs.example"),
                "A",
                "NOERROR",
            );
            at += 300;
        }
    }

    /// A short name every minute.
    fn agent(&mut self, pod: &Pod, from: Seconds, until: Seconds) {
        let mut at = from + 1;
        while at < until {
            self.ask(at, pod, "ping.agent.example", "A", "NOERROR");
            self.ask(at, pod, "db._tcp.local", "SRV", "NXDOMAIN");
            at += 60;
        }
        self.ask(from + 30, pod, "org", "DNSKEY", "NOERROR");
        self.ask(from + 31, pod, "org", "DS", "NOERROR");
    }

    /// A pod whose peer's name was mistyped in its configuration asks ten times a second for half a minute.
    fn storm(&mut self, pod: &Pod, from: Seconds, until: Seconds) {
        let begin = from.max(until - 500);
        for second in 0..30 {
            for _ in 0..2 {
                self.searched(begin + second, pod, "pricng.shop");
            }
        }
    }
}
