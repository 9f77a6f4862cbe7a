//! Names: what was registered, what stands before it, and whether that carries data.

use super::letters::is_random;

/// Second labels under a country's domain that stand for a suffix (`co.uk`, `com.cn`). A table instead of
/// the public suffix list: what it lacks is one label shorter than it should be.
const SECOND_LEVEL: [&str; 39] = [
    "ac", "asn", "ce", "co", "com", "ed", "edu", "ernet", "firm", "gen", "go", "gob", "gouv",
    "gov", "govt", "gv", "id", "idv", "in", "ind", "info", "ltd", "me", "mil", "ne", "net", "nhs",
    "nic", "nom", "or", "org", "plc", "police", "re", "res", "sch", "school", "spb", "web",
];
/// Domains under which anybody gets a name of their own.
const SHARED: [&str; 34] = [
    "azurewebsites.net",
    "bitbucket.io",
    "blogspot.com",
    "cloudapp.azure.com",
    "ddns.net",
    "duckdns.org",
    "dynalias.com",
    "dyndns.org",
    "dynu.net",
    "firebaseapp.com",
    "fly.dev",
    "freeddns.org",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "hopto.org",
    "myftp.org",
    "netlify.app",
    "ngrok.app",
    "ngrok.io",
    "ngrok-free.app",
    "no-ip.biz",
    "no-ip.org",
    "onrender.com",
    "pages.dev",
    "serveo.net",
    "sytes.net",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "workers.dev",
    "zapto.org",
    "3322.org",
    "f3322.net",
];
/// Last labels of names that nobody registers: local networks, clusters, reverse lookups.
const LOCAL: [&str; 14] = [
    "arpa",
    "cluster",
    "corp",
    "home",
    "internal",
    "intra",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "novalocal",
    "private",
    "svc",
];
/// Domains whose names carry hashes, ids or addresses by their trade: content networks, clouds, reputation and
/// block lists, telemetry. An indicator still speaks for itself.
const LOOK_ALIKES: [&str; 92] = [
    // content networks and clouds
    "akadns.net",
    "akamai.net",
    "akamaiedge.net",
    "akamaihd.net",
    "akamaized.net",
    "aliyuncs.com",
    "alicdn.com",
    "amazonaws.com",
    "azure.com",
    "azureedge.net",
    "azure-dns.com",
    "azurefd.net",
    "cdn77.org",
    "cdnhwc1.com",
    "cloudflare.com",
    "cloudflare.net",
    "cloudflarestorage.com",
    "cloudfront.net",
    "docker.com",
    "docker.io",
    "edgecastcdn.net",
    "edgekey.net",
    "edgesuite.net",
    "fastly.net",
    "fastlylb.net",
    "fbcdn.net",
    "gcr.io",
    "ghcr.io",
    "github.com",
    "githubusercontent.com",
    "google.com",
    "googleapis.com",
    "googleusercontent.com",
    "googlevideo.com",
    "gstatic.com",
    "gvt1.com",
    "gvt2.com",
    "icloud.com",
    "kunlunca.com",
    "live.com",
    "microsoft.com",
    "msedge.net",
    "msftncsi.com",
    "myqcloud.com",
    "nflxvideo.net",
    "office.com",
    "office365.com",
    "outlook.com",
    "quay.io",
    "trafficmanager.net",
    "windows.com",
    "windows.net",
    "windowsupdate.com",
    "ytimg.com",
    // reputation and block lists
    "abuseat.org",
    "avast.com",
    "avcdn.net",
    "barracudacentral.org",
    "bitdefender.net",
    "brightcloud.com",
    "ctmail.com",
    "cymru.com",
    "dnswl.org",
    "e5.sk",
    "eset.com",
    "f-secure.com",
    "fsapi.com",
    "junkemailfilter.com",
    "kaspersky.com",
    "kaspersky-labs.com",
    "mailspike.net",
    "mcafee.com",
    "njabl.org",
    "norton.com",
    "opendns.com",
    "senderbase.org",
    "senderscore.com",
    "sophos.com",
    "sophosxl.net",
    "sorbs.net",
    "spamcop.net",
    "spamhaus.net",
    "spamhaus.org",
    "surbl.org",
    "symantec.com",
    "trendmicro.com",
    "uribl.com",
    "zscaler.net",
    // telemetry
    "datadoghq.com",
    "newrelic.com",
    "nr-data.net",
    "sentry.io",
];

/// A name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// What stands before the registered domain; empty where nothing does.
    pub below: &'a str,
    /// The registered domain.
    pub registered: &'a str,
}

/// Takes a name apart; `None` for names that nobody registers: single labels, local and reverse names, those
/// of a cluster's services and of clusters' search suffixes (`svc` in the middle).
pub(super) fn parts(name: &str) -> Option<Parts<'_>> {
    let (rest, top) = name.rsplit_once('.')?;
    if LOCAL.contains(&top)
        || name.contains(".svc.")
        || top.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let shared = SHARED.iter().find(|domain| is_below(name, domain));
    let labels_of_suffix = match shared {
        Some(domain) => domain.split('.').count(),
        None => {
            let second = rest.rsplit_once('.').map(|(_, second)| second);
            let is_suffix = second.is_some_and(|second| SECOND_LEVEL.contains(&second));
            1 + usize::from(top.len() == 2 && is_suffix)
        }
    };
    let mut dots = name.rmatch_indices('.');
    let cut = dots.nth(labels_of_suffix);
    let (below, registered) = match cut {
        Some((at, _)) => (name.get(..at)?, name.get(at + 1..)?),
        None => ("", name),
    };
    Some(Parts { below, registered })
}

/// Whether a name is below a domain.
pub(super) fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.'))
}

/// Whether this registered domain's names carry data by its trade.
pub(super) fn is_look_alike(registered: &str) -> bool {
    LOOK_ALIKES.contains(&registered)
}

/// Characters of data from which a label may carry some.
const LEAST_DATA: usize = 12;
/// Characters from which only data fills a name.
const LONG_DATA: usize = 40;
/// Numbers and nibbles from which labels are an address turned round.
const REVERSED: (usize, usize) = (4, 16);

/// Bytes of data that the labels before a registered domain may carry: their length, if some label reads like
/// dice or they are very long; none where they are words, service labels (`_dmarc`) or an address turned round.
pub(super) fn data_bytes(below: &str) -> usize {
    let labels = || below.split('.').filter(|label| !label.is_empty());
    let length: usize = labels().map(str::len).sum();
    if length < LEAST_DATA || labels().any(|label| label.starts_with('_')) || is_reversed(below) {
        return 0;
    }
    let reads_like_dice = labels().any(|label| label.len() >= LEAST_DATA && carries(label));
    let is_long = length >= LONG_DATA && labels().filter(|label| carries(label)).count() >= 1;
    if reads_like_dice || is_long {
        length
    } else {
        0
    }
}

/// Whether a label reads like dice as a whole; of one with hyphens (`prefix-mfrggzdf`) the longest part counts.
fn carries(label: &str) -> bool {
    let longest = label
        .split('-')
        .max_by_key(|part| part.len())
        .unwrap_or(label);
    let hyphens = label.matches('-').count();
    is_random(longest) || (hyphens == 4 && label.len() == 36)
}

fn is_reversed(below: &str) -> bool {
    let labels = || below.split('.');
    let numbers = labels().filter(|label| label.parse::<u8>().is_ok()).count();
    let is_nibble =
        |label: &&str| label.len() == 1 && label.bytes().all(|byte| byte.is_ascii_hexdigit());
    numbers >= REVERSED.0 || labels().filter(is_nibble).count() >= REVERSED.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_domains() {
        let check = |name: &str, expected: Option<(&str, &str)>| {
            let got = parts(name).map(|parts| (parts.below, parts.registered));
            assert_eq!(got, expected, "{name}");
        };
        check("www.example.com", Some(("www", "example.com")));
        check("example.com", Some(("", "example.com")));
        check("a.b.example.co.uk", Some(("a.b", "example.co.uk")));
        check("example.com.cn", Some(("", "example.com.cn")));
        check("x.tunnel.duckdns.org", Some(("x", "tunnel.duckdns.org")));
        check("com.example", Some(("", "com.example")));
        check("co.uk", Some(("", "co.uk")));
        check("kubernetes.default.svc.cluster.local", None);
        check("www.example.com.prod.svc.k8s.example", None);
        check("5.2.0.192.in-addr.arpa", None);
        check("10.0.0.1", None);
        check("wpad", None);
        check("printer.lan", None);
    }

    #[test]
    fn data_in_names() {
        let check =
            |below: &str, expected: usize| assert_eq!(data_bytes(below), expected, "{below}");
        check("www", 0);
        check("booking-reservations-service.eu-central", 0);
        check("mfrggzdfmztwq2lknnwg23tpobyxe43uov3ho6dzpi", 42);
        check("a3f09bc4e17d88120b.c5", 20);
        check("3f2504e0-4f89-41d3-9a0c-0305e82c3301.t", 37);
        check("2.0.0.127.zen", 0);
        check(
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.dnsbl",
            0,
        );
        check("selector1._domainkey", 0);
        check("_acme-challenge.qxkvjzwpmtzz", 0);
        check("", 0);
    }
}
