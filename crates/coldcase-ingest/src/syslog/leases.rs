//! Addresses that a host was given: dhclient, dhcpcd, udhcpc, NetworkManager, systemd-networkd. `address` is the host's
//! own from then on, `server` who gave it.

use coldcase_model::canonical_ip;

use super::row::Row;

/// Fills the row of a message about a lease; `None` where it is about something else.
pub fn read<'a>(program: &str, message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (address, server, interface) = match program {
        "dhclient" | "dhclient6" => dhclient(message),
        "NetworkManager" => network_manager(message),
        _ => other(message),
    }?;
    let ip = |text: &'a str| canonical_ip(text.split('/').next().unwrap_or(text));
    let (address, server) = (address.and_then(ip), server.and_then(ip));
    if address.is_none() && server.is_none() {
        return None;
    }
    row.text("program", program)
        .text("address", address.as_deref().unwrap_or_default())
        .text("server", server.as_deref().unwrap_or_default())
        .text("interface", interface.unwrap_or_default());
    Some(())
}

/// Address, server, interface.
type Lease<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// The word after another one, without the punctuation at its end.
fn after<'a>(message: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(key)?;
    let word = rest.split(' ').next()?;
    Some(word.trim_end_matches([',', ';', '.', ')']))
}

/// `DHCPREQUEST for 10.0.0.5 on eth0 to 10.0.0.1 port 67 (xid=0x1)`, `DHCPACK of 10.0.0.5 from 10.0.0.1`, `DHCPACK from 10.0.0.1`,
/// `bound to 10.0.0.5 -- renewal in 1234 seconds.` What was asked for is not what was given.
fn dhclient(message: &str) -> Option<Lease<'_>> {
    if let Some(rest) = message.strip_prefix("bound to ") {
        return Some((rest.split(' ').next(), None, None));
    }
    if message.starts_with("DHCPACK") || message.starts_with("DHCPOFFER") {
        let address = after(message, " of ").filter(|_| message.starts_with("DHCPACK"));
        return Some((address, after(message, " from "), None));
    }
    if message.starts_with("DHCPREQUEST") {
        let server = after(message, " to ").filter(|to| *to != "255.255.255.255");
        return Some((None, server, after(message, " on ")));
    }
    None
}

/// `<info>  [1680019204.1234] dhcp4 (eth0):   address 10.0.0.5`, `... state changed new lease, address=10.0.0.5`.
fn network_manager(message: &str) -> Option<Lease<'_>> {
    let (_, rest) = message.split_once(" dhcp")?;
    let (_, rest) = rest.split_once(" (")?;
    let (interface, rest) = rest.split_once("):")?;
    let address = after(rest, "address=").or_else(|| after(rest.trim_start(), "address "))?;
    Some((Some(address), None, Some(interface)))
}

/// systemd-networkd's `eth0: DHCPv4 address 10.0.0.5/24 via 10.0.0.1`, dhcpcd's `eth0: leased 10.0.0.5 for 86400 seconds`, udhcpc's
/// `lease of 10.0.0.5 obtained from 10.0.0.1, lease time 3600`.
fn other(message: &str) -> Option<Lease<'_>> {
    let bare = message.strip_prefix("udhcpc: ").unwrap_or(message);
    if let Some(rest) = bare
        .to_ascii_lowercase()
        .starts_with("lease of ")
        .then_some(bare)
    {
        return Some((after(rest, " of "), after(rest, " from "), None));
    }
    let (interface, rest) = message.split_once(": ")?;
    let (address, rest) = rest
        .strip_prefix("DHCPv4 address ")
        .or_else(|| rest.strip_prefix("leased "))
        .map(|rest| rest.split_once(' ').unwrap_or((rest, "")))?;
    let rest_with_blank = after(rest, "acquired from ").or_else(|| after(rest, "via "));
    Some((
        Some(address.trim_end_matches(',')),
        rest_with_blank,
        Some(interface),
    ))
}
