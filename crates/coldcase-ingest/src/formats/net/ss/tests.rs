//! Sockets as ss shows them, whole and damaged.

use super::super::testing::{self, sniffed};
use super::*;

fn check(text: &str, expected: &[&str]) {
    testing::check(&FORMAT, text, expected);
}

#[test]
fn rows_of_old_and_new() {
    check(
        "State Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n\
         LISTEN 0 128 *:80 *:* users:((\"a \"b\",x\",pid=7,fd=3),(\"c\",pid=8,fd=4))\n\
         ESTAB 0 0 [::ffff:10.0.0.1]:22 [::ffff:10.0.0.2]:1024\n",
        &[
            "tcp LISTEN [::]:80 a \"b\",x[7]",
            "tcp ESTAB 10.0.0.1:22 peer 10.0.0.2:1024 none",
        ],
    );
    check(
        "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
         tcp LISTEN 0 128 *:ssh *:* users:((\"sshd\",1231,3))\n\
         udp UNCONN 0 0 :::111 :::*\n\
         tcp ESTAB 0 0 10.0.0.1:5000 10.0.0.2:443\n\
         tcp TIME-WAIT 0 0 10.0.0.1:5001 10.0.0.2:443\n",
        &[
            "tcp LISTEN 0.0.0.0:22 sshd[1231]",
            "udp UNCONN [::]:111",
            "tcp ESTAB 10.0.0.1:5000 peer 10.0.0.2:443 none",
            "tcp TIME-WAIT 10.0.0.1:5001 peer 10.0.0.2:443",
        ],
    );
}

#[test]
fn an_ordinary_user_sees_no_owners_of_others() {
    check(
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
         LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n\
         ESTAB 0 0 10.0.0.1:5000 10.0.0.2:443 users:((\"curl\",pid=5,fd=3))\n\
         ESTAB 0 0 10.0.0.1:5001 10.0.0.2:443\n",
        &[
            "tcp LISTEN 0.0.0.0:22",
            "tcp ESTAB 10.0.0.1:5000 peer 10.0.0.2:443 curl[5]",
            "tcp ESTAB 10.0.0.1:5001 peer 10.0.0.2:443",
        ],
    );
}

#[test]
fn lines_below_belong_to_the_row() {
    check(
        "# ss -tnpi\n\
         State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
         ESTAB 0 0 10.0.0.1:5000 10.0.0.2:443\n\
         \tusers:((\"curl\",pid=5,fd=3))\n\
         \t cubic wscale:7,7 rto:204 bytes_acked:99 segs_out:3\n\
         ESTAB 0 0 10.0.0.1:5001 10.0.0.2:44",
        &[
            "tcp ESTAB 10.0.0.1:5000 peer 10.0.0.2:443 curl[5]",
            "tcp ESTAB 10.0.0.1:5001 peer 10.0.0.2:44 none",
        ],
    );
}

#[test]
fn sockets_of_other_families() {
    check(
        "nl UNCONN 0 0 rtnl:NetworkManager/878 *\n\
         p_raw UNCONN 0 0 *:ens33 * users:((\"tcpdump\",pid=9,fd=3))\n\
         u_str ESTAB 0 0 /run/a b.sock 184 * 183 users:((\"x\",pid=1,fd=2))\n\
         u_dgr UNCONN 0 0 * 225 * 8986\n\
         raw UNCONN 0 0 [::]:ipv6-icmp [::]:*\n\
         v_str LISTEN 0 128 *:2000000 *:*\n",
        &[
            "netlink UNCONN NetworkManager[878]",
            "packet UNCONN *:* tcpdump[9]",
            "unix ESTAB /run/a b.sock x[1]",
            "unix UNCONN",
            "raw UNCONN [::]:ipv6-icmp",
            "vsock LISTEN *:2000000",
        ],
    );
}

#[test]
fn a_summary_is_counts() {
    let text = "Total: 193 (kernel 0)\nTCP:   6 (estab 1, closed 0, timewait 3/0), ports 0\n\n\
                Transport Total     IP        IPv6\n*\t  0         -         -\nUDP\t  4  2  2\n";
    let expected = [
        "ss_total 193",
        "ss_tcp_total 6",
        "ss_tcp_estab 1",
        "ss_tcp_closed 0",
        "ss_tcp_timewait 3",
        "ss_udp_total 4",
    ];
    check(text, &expected);
    assert_eq!(sniffed(&FORMAT, "x", text), Sniff::Sure);
}

#[test]
fn a_cut_row_is_no_row() {
    let text = "$ ss -tnp\nState Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
                ESTAB 0 0 10.0.0.1:5000 10.0.0.2:443 users:((\"curl\",pid=5,fd=3))\n\
                ESTAB 0 0 10.0.0.1:5001 10.0.0.2:44";
    check(text, &["tcp ESTAB 10.0.0.1:5000 peer 10.0.0.2:443 curl[5]"]);
}
