//! Packets: whatever the link type, lengths stay within what was captured or said. The first byte chooses the
//! link type.

#![no_main]

use coldcase_wire::packet::{self, Segment, Transport};
use libfuzzer_sys::fuzz_target;

const LINKS: [u32; 11] = [1, 0, 9, 12, 50, 101, 108, 113, 228, 229, 276];

fn check(segment: &Segment<'_>, captured: usize) {
    let (payload, said) = match segment.transport {
        Transport::Tcp(tcp) => (tcp.payload, tcp.payload_len),
        Transport::Udp(udp) => (udp.payload, udp.payload_len),
        Transport::Icmp(icmp) => (icmp.payload, u32::MAX),
        Transport::Fragment(bytes) => (bytes, u32::MAX),
        Transport::Other | Transport::Cut => (&[][..], 0),
    };
    assert!(payload.len() <= captured && payload.len() as u64 <= u64::from(said));
    assert!(u64::from(said) <= u64::from(segment.ip_len) || said == u32::MAX);
    assert_eq!(
        packet::copy_signature(segment),
        packet::copy_signature(segment)
    );
}

fuzz_target!(|data: &[u8]| {
    let Some((first, frame)) = data.split_first() else {
        return;
    };
    let link = LINKS.get(usize::from(*first) % LINKS.len()).copied();
    let original = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    if let Ok(segment) = packet::decode(link.unwrap_or(1), frame, original) {
        check(&segment, frame.len());
    }
    if let Ok(segment) = packet::decode_ip(frame) {
        check(&segment, frame.len());
    }
    let _ = packet::transport_of_reassembled(*first, frame);
});
