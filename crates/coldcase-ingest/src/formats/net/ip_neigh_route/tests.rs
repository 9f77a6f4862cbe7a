//! Neighbours and routes, whole and damaged.

use super::super::testing::{check, check_attributes, sniffed};
use super::*;

#[test]
fn neighbours() {
    let text = "192.0.2.1 dev eth0 lladdr 52:54:00:aa:bb:01 REACHABLE\nfe80::1 dev eth0 lladdr 52:54:00:aa:bb:01 router STALE\n\
        192.0.2.9 dev eth0  FAILED\n? (192.0.2.1) at 52:54:00:aa:bb:01 [ether] on eth0\ngw (192.0.2.3) at <incomplete> on eth0\n";
    check_attributes(
        &FORMAT,
        text,
        &[
            "{\"mac\":\"52:54:00:aa:bb:01\",\"interface\":\"eth0\",\"state\":\"REACHABLE\"}",
            "{\"mac\":\"52:54:00:aa:bb:01\",\"interface\":\"eth0\",\"state\":\"STALE\"}",
            "{\"interface\":\"eth0\",\"state\":\"FAILED\"}",
            "{\"mac\":\"52:54:00:aa:bb:01\",\"interface\":\"eth0\"}",
            "{\"interface\":\"eth0\",\"state\":\"incomplete\",\"name\":\"gw\"}",
        ],
    );
    assert_eq!(sniffed(&FORMAT, "x", text), Sniff::Likely);
    check(
        &FORMAT,
        "Address                  HWtype  HWaddress           Flags Mask            Iface\n\
         gateway                  ether   00:50:56:f7:4a:fc   C                     ens33\n\
         192.0.2.9                        (incomplete)                              ens33\nEntries: 2\tSkipped: 0\tFound: 2\n\
         IP address       HW type     Flags       HW address            Mask     Device\n\
         192.0.2.1        0x1         0x2         00:50:56:c0:00:08     *        ens33\n",
        &[
            "neighbour gateway at 00:50:56:f7:4a:fc on ens33",
            "neighbour 192.0.2.9 at no known address on ens33",
            "neighbour 192.0.2.1 at 00:50:56:c0:00:08 on ens33",
        ],
    );
}

#[test]
fn routes() {
    let text = "default via 192.0.2.1 dev eth0 proto dhcp metric 100 \n10.8.0.0/24 dev tun0 proto kernel scope link src 10.8.0.1 \n\
        blackhole 10.9.0.0/16 \n10.7.0.0/16 \n\tnexthop via 192.0.2.2 dev eth0 weight 1 \n";
    let read = super::super::testing::read_text(&FORMAT, text);
    assert_eq!(
        super::super::testing::messages(&read),
        [
            "route to default via 192.0.2.1 on eth0",
            "route to 10.8.0.0/24 on tun0",
            "route to 10.9.0.0/16",
            "route to 10.7.0.0/16 via 192.0.2.2 on eth0",
        ]
    );
    check(
        &FORMAT,
        "Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n\
         0.0.0.0         192.0.2.1       0.0.0.0         UG        0 0          0 eth0\n\
         172.17.0.0      0.0.0.0         255.255.0.0     U         0 0          0 docker0\n\
         Kernel IPv6 routing table\nDestination                    Next Hop                   Flag Met Ref Use If\n\
         ::/0                           fe80::1                    UG   100 1      4 eth0\n",
        &[
            "route to default via 192.0.2.1 on eth0",
            "route to 172.17.0.0/16 on docker0",
            "route to default via fe80::1 on eth0",
        ],
    );
}

#[test]
fn what_is_neither() {
    let no = |text: &str| assert_eq!(sniffed(&FORMAT, "ip_route.txt", text), Sniff::No);
    no("192.0.2.1 - - [10/Apr/2023:00:00:01 +0800] \"GET / HTTP/1.1\" 200 5\n");
    no("192.0.2.1\n192.0.2.2\n");
    no("127.0.0.1 localhost\n192.0.2.1 gateway gw\n");
}
