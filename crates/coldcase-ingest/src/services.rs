//! Ports by the names that tcpdump, ss and netstat show without `-n`, from /etc/services of Debian and Red Hat. Where
//! both protocols share a name it is one port; `syslog` and `shell` share a port and differ in name.

/// Names and ports, ascending by name.
const PORTS: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("auth", 113),
    ("bgp", 179),
    ("bootpc", 68),
    ("bootps", 67),
    ("commplex-main", 5000),
    ("cslistener", 9000),
    ("dhcpv6-client", 546),
    ("dhcpv6-server", 547),
    ("docker", 2375),
    ("docker-s", 2376),
    ("domain", 53),
    ("domain-s", 853),
    ("etcd-client", 2379),
    ("etcd-server", 2380),
    ("ftp", 21),
    ("ftp-data", 20),
    ("geneve", 6081),
    ("git", 9418),
    ("gre-in-udp", 4754),
    ("hostmon", 5355),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imap2", 143),
    ("imaps", 993),
    ("ipp", 631),
    ("ipsec-nat-t", 4500),
    ("irdmi", 8000),
    ("isakmp", 500),
    ("jetdirect", 9100),
    ("kerberos", 88),
    ("ldap", 389),
    ("ldaps", 636),
    ("llmnr", 5355),
    ("mdns", 5353),
    ("memcache", 11211),
    ("microsoft-ds", 445),
    ("mongodb", 27017),
    ("mqtt", 1883),
    ("ms-sql-m", 1434),
    ("ms-sql-s", 1433),
    ("ms-wbt-server", 3389),
    ("mysql", 3306),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("nfs", 2049),
    ("ntp", 123),
    ("openvpn", 1194),
    ("otv", 8472),
    ("pcsync-https", 8443),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("printer", 515),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("redis", 6379),
    ("rfb", 5900),
    ("rsync", 873),
    ("shell", 514),
    ("sip", 5060),
    ("smtp", 25),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("snmptrap", 162),
    ("socks", 1080),
    ("squid", 3128),
    ("ssdp", 1900),
    ("ssh", 22),
    ("submission", 587),
    ("submissions", 465),
    ("sun-sr-https", 6443),
    ("sunrpc", 111),
    ("svn", 3690),
    ("syslog", 514),
    ("telnet", 23),
    ("tftp", 69),
    ("vnc-server", 5900),
    ("vxlan", 4789),
    ("wap-wsp", 9200),
    ("webcache", 8080),
    ("websm", 9090),
    ("whois", 43),
    ("x11", 6000),
    ("xmpp-client", 5222),
    ("zabbix-agent", 10050),
    ("zabbix-trapper", 10051),
];

/// The port of a service's name.
pub(crate) fn port(name: &str) -> Option<u16> {
    let found = PORTS.binary_search_by_key(&name, |(name, _)| *name).ok()?;
    PORTS.get(found).map(|(_, port)| *port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(PORTS.is_sorted_by_key(|(name, _)| *name));
        assert_eq!(port("domain"), Some(53));
        assert_eq!(port("zzz"), None);
    }
}
