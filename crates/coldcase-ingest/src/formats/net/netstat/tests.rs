//! Sockets as netstat shows them, whole and damaged.

use super::super::testing::{self, read_text, sniffed};
use super::*;

fn check(text: &str, expected: &[&str]) {
    testing::check(&FORMAT, text, expected);
}

const HEAD: &str = "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n";

#[test]
fn owners_and_their_lack() {
    let rows = "tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      600/sshd: /usr/sbin\n\
                tcp        0      0 192.0.2.4:4000          198.51.100.1:3333       ESTABLISHED 26602/\n\
                tcp        0      0 192.0.2.4:4001          198.51.100.1:3333       ESTABLISHED -\n\
                tcp6       0      0 192.0.2.4:22            198.51.100.1:999        TIME_WAIT   -\n\
                udp        0      0 0.0.0.0:68              0.0.0.0:*                           893/dhclient\n";
    let expected = [
        "tcp LISTEN 0.0.0.0:22 sshd: /usr/sbin[600]",
        "tcp ESTAB 192.0.2.4:4000 peer 198.51.100.1:3333 [26602]",
        "tcp ESTAB 192.0.2.4:4001 peer 198.51.100.1:3333 none",
        "tcp TIME-WAIT 192.0.2.4:22 peer 198.51.100.1:999",
        "udp UNCONN 0.0.0.0:68 dhclient[893]",
    ];
    check(&format!("{HEAD}{rows}"), &expected);
    // Without a head the rows tell the columns.
    check(rows, &expected);
    let note = "(Not all processes could be identified, non-owned process info\n will not be shown, you would have to be root to see it all.)\n";
    let mut unclaimed = expected;
    unclaimed[2] = "tcp ESTAB 192.0.2.4:4001 peer 198.51.100.1:3333";
    check(&format!("{note}{HEAD}{rows}"), &unclaimed);
}

#[test]
fn further_columns() {
    check(
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name     Timer\n\
         tcp        0      0 127.0.0.1:53644         0.0.0.0:*               LISTEN      995        1154674    12387/Passenger Rac  off (0.00/0/0)\n\
         tcp        0      0 10.24.1.245:80          10.24.36.145:32790      SYN_RECV    0          0          -                    on (0.79/0/0)\n\
         Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path\n\
         unix  2      [ ACC ]     STREAM     LISTENING     17321    1/my init            /run/a b\n\
         unix  2      [ ]         DGRAM                    12233    -                    \n",
        &[
            "tcp LISTEN 127.0.0.1:53644 Passenger Rac[12387] by 995",
            "tcp SYN-RECV 10.24.1.245:80 peer 10.24.36.145:32790 by 0",
            "unix LISTEN /run/a b my init[1]",
            "unix UNCONN",
        ],
    );
}

#[test]
fn cut_addresses_are_not_believed() {
    let row = |proto: &str, peer: &str| {
        format!("{HEAD}{proto:4}       0      0 2001:db8::5:1234        {peer:23} ESTABLISHED -\n")
    };
    check(
        &row("tcp6", "2001:db8:85a3:8::13:443"),
        &["tcp ESTAB [2001:db8::5]:1234 peer 2001:db8:85a3:8::13:443"],
    );
    check(
        &row("tcp6", "2001:db8:85a3::9:443"),
        &["tcp ESTAB [2001:db8::5]:1234 peer [2001:db8:85a3::9]:443"],
    );
    let recorder = read_text(&FORMAT, &row("tcp", "2001:db8:85a3:8::13:443"));
    assert_eq!(recorder.events[0].dst_port, None);
    let wide = "tcp6       0      0 2001:db8:85a3:8d13::9:443      2001:db8:85a3:8::13:443 ESTABLISHED -\n";
    check(
        wide,
        &["tcp ESTAB [2001:db8:85a3:8d13::9]:443 peer [2001:db8:85a3:8::13]:443"],
    );
}

#[test]
fn other_outputs_are_declined() {
    let no = |text: &str| assert_eq!(sniffed(&FORMAT, "netstat.txt", text), Sniff::No);
    no("Ip:\n    3405107 total packets received\n    0 forwarded\n");
    no(
        "Kernel IP routing table\nDestination Gateway Genmask Flags MSS Window irtt Iface\n0.0.0.0 1.2.3.4 0.0.0.0 UG 0 0 0 eth0\n",
    );
    no("TcpExt: SyncookiesSent SyncookiesRecv\nTcpExt: 10 20\n");
}
