//! Interfaces as ip, ifconfig and /proc show them, whole and damaged.

use super::super::testing::{check_attributes, sniffed};
use super::*;

#[test]
fn ip_link_and_addr() {
    let text = "2: eth0@if5: <BROADCAST,PROMISC,UP,LOWER_UP> mtu 1500 qdisc mq master br0 state UP mode DEFAULT group default qlen 1000\n\
        \x20   link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff\n    RX: bytes  packets  errors  dropped overrun mcast   \n\
        \x20   1000       10       1       2       0       0       \n    TX: bytes  packets  errors  dropped carrier collsns \n\
        \x20   2000       20       3       4       0       0       \n    inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0\n\
        \x20      valid_lft forever preferred_lft forever\n3: br0: <BROADCAST> mtu 1500 qdisc noop\n";
    check_attributes(
        &FORMAT,
        text,
        &[
            "{\"interface\":\"eth0\",\"addresses\":[\"192.0.2.5/24\"],\"mac\":\"52:54:00:12:34:56\",\"state\":\"UP\",\"mtu\":1500,\
             \"rx_bytes\":1000,\"rx_packets\":10,\"rx_dropped\":2,\"rx_errors\":1,\"tx_bytes\":2000,\"tx_packets\":20,\"tx_dropped\":4,\"tx_errors\":3,\
             \"master\":\"br0\",\"link\":\"if5\",\"promiscuous\":true}",
            "{\"interface\":\"br0\",\"state\":\"DOWN\",\"mtu\":1500}",
        ],
    );
    assert_eq!(sniffed(&FORMAT, "x", text), Sniff::Sure);
    check_attributes(
        &FORMAT,
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n1: lo    inet6 ::1/128 scope host \n\
         lo               UNKNOWN        127.0.0.1/8 ::1/128 \neth0             UP             52:54:00:12:34:56 <BROADCAST,UP> \n",
        &[
            "{\"interface\":\"lo\",\"addresses\":[\"127.0.0.1/8\",\"::1/128\"]}",
            "{\"interface\":\"lo\",\"addresses\":[\"127.0.0.1/8\",\"::1/128\"],\"state\":\"UNKNOWN\"}",
            "{\"interface\":\"eth0\",\"mac\":\"52:54:00:12:34:56\",\"state\":\"UP\"}",
        ],
    );
}

#[test]
fn ifconfig_of_old_and_new() {
    let new = "eth0: flags=4163<UP,BROADCAST,RUNNING>  mtu 1500\n        inet 192.0.2.5  netmask 255.255.255.0  broadcast 192.0.2.255\n\
        \x20       inet6 fe80::1  prefixlen 64  scopeid 0x20<link>\n        ether 00:0C:29:3b:58:0e  txqueuelen 1000  (Ethernet)\n\
        \x20       RX packets 10  bytes 1000 (1.0 KB)\n        RX errors 1  dropped 2  overruns 0  frame 0\n        TX packets 20  bytes 2000 (2.0 KB)\n";
    let old = "eth0      Link encap:Ethernet  HWaddr 00:0C:29:3B:58:0E  \n          inet addr:192.0.2.5  Bcast:192.0.2.255  Mask:255.255.255.0\n\
        \x20         inet6 addr: fe80::1/64 Scope:Link\n          UP BROADCAST RUNNING  MTU:1500  Metric:1\n\
        \x20         RX packets:10 errors:1 dropped:2 overruns:0 frame:0\n          TX packets:20 errors:0 dropped:0 overruns:0 carrier:0\n\
        \x20         collisions:0 txqueuelen:1000 \n          RX bytes:1000 (1.0 KiB)  TX bytes:2000 (2.0 KiB)\n";
    let common = "{\"interface\":\"eth0\",\"addresses\":[\"192.0.2.5/24\",\"fe80::1/64\"],\"mac\":\"00:0c:29:3b:58:0e\",\"state\":\"UP\",\"mtu\":1500,\
        \"rx_bytes\":1000,\"rx_packets\":10,\"rx_dropped\":2,\"rx_errors\":1,\"tx_bytes\":2000,\"tx_packets\":20";
    check_attributes(&FORMAT, new, &[&format!("{common}}}")]);
    check_attributes(
        &FORMAT,
        old,
        &[&format!("{common},\"tx_dropped\":0,\"tx_errors\":0}}")],
    );
    assert_eq!(sniffed(&FORMAT, "x", old), Sniff::Sure);
}

#[test]
fn proc_net_dev() {
    let text = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop|bytes    packets errs drop\n\
        \x20 eth0:1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n";
    check_attributes(
        &FORMAT,
        text,
        &[
            "{\"interface\":\"eth0\",\"rx_bytes\":1000,\"rx_packets\":10,\"rx_dropped\":2,\"rx_errors\":1,\"tx_bytes\":2000,\"tx_packets\":20,\"tx_dropped\":4,\"tx_errors\":3}",
        ],
    );
}
