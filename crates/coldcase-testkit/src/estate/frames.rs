//! Captures written by hand: classic pcap, Ethernet or `-i any` (SLL2), IPv4, TCP, UDP, DNS.

use std::net::Ipv4Addr;

/// What a capture was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// One interface.
    Ethernet,
    /// `-i any`.
    Any,
}

/// TCP flags.
pub(super) mod flags {
    pub(in super::super) const FIN: u8 = 1;
    pub(in super::super) const SYN: u8 = 2;
    pub(in super::super) const RST: u8 = 4;
    pub(in super::super) const PSH: u8 = 8;
    pub(in super::super) const ACK: u8 = 16;
}

/// A side of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub(super) address: Ipv4Addr,
    pub(super) port: u16,
}

/// Packets that will be a capture.
pub(super) struct Capture {
    link: Link,
    packets: Vec<(i64, Vec<u8>)>,
    next_id: u16,
}

impl Capture {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            packets: Vec::new(),
            next_id: 1,
        }
    }

    /// Adds a TCP segment at microseconds since 1970.
    pub(super) fn tcp(
        &mut self,
        at: i64,
        from: Side,
        to: Side,
        flags: u8,
        sequence: [u32; 2],
        data: &[u8],
    ) {
        let mut segment = Vec::with_capacity(20 + data.len());
        segment.extend(from.port.to_be_bytes());
        segment.extend(to.port.to_be_bytes());
        segment.extend(sequence.into_iter().flat_map(u32::to_be_bytes));
        segment.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        segment.extend(data);
        self.ip(at, from.address, to.address, 6, &segment, 16);
    }

    /// Adds a datagram.
    pub(super) fn udp(&mut self, at: i64, from: Side, to: Side, data: &[u8]) {
        let length = u16::try_from(8 + data.len()).unwrap_or(u16::MAX);
        let mut segment = Vec::with_capacity(8 + data.len());
        segment.extend(from.port.to_be_bytes());
        segment.extend(to.port.to_be_bytes());
        segment.extend(length.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(data);
        self.ip(at, from.address, to.address, 17, &segment, 6);
    }

    fn ip(
        &mut self,
        at: i64,
        from: Ipv4Addr,
        to: Ipv4Addr,
        protocol: u8,
        segment: &[u8],
        sum_at: usize,
    ) {
        let mut segment = segment.to_vec();
        let length = u16::try_from(segment.len()).unwrap_or(u16::MAX);
        let mut pseudo: Vec<u8> = [from.octets(), to.octets()].concat();
        pseudo.extend([0, protocol]);
        pseudo.extend(length.to_be_bytes());
        let [high, low] = checksum(pseudo.iter().chain(&segment)).to_be_bytes();
        for (place, byte) in segment.iter_mut().skip(sum_at).zip([high, low]) {
            *place = byte;
        }
        self.next_id = self.next_id.wrapping_add(1);
        let mut packet = vec![0x45, 0];
        packet.extend((length + 20).to_be_bytes());
        packet.extend(self.next_id.to_be_bytes());
        packet.extend([0x40, 0, 63, protocol, 0, 0]);
        packet.extend(from.octets());
        packet.extend(to.octets());
        let sum = checksum(packet.iter()).to_be_bytes();
        for (place, byte) in packet.iter_mut().skip(10).zip(sum) {
            *place = byte;
        }
        packet.extend(segment);
        match self.link {
            Link::Ethernet => {
                let mut frame = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 8, 0];
                frame.extend(&packet);
                self.packets.push((at, frame));
            }
            // One packet passes the pod's end of its pair and the bridge.
            Link::Any => {
                for (interface, kind, later) in [(7_u32, 0_u8, 0), (3, 4, 11)] {
                    let mut frame = vec![8, 0, 0, 0];
                    frame.extend(interface.to_be_bytes());
                    frame.extend([0, 1, kind, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
                    frame.extend(&packet);
                    self.packets.push((at + later, frame));
                }
            }
        }
    }

    /// The file's bytes, packets in order of time.
    pub(super) fn bytes(mut self) -> Vec<u8> {
        self.packets.sort_by_key(|(at, _)| *at);
        let link: u32 = if self.link == Link::Any { 276 } else { 1 };
        let mut file = Vec::new();
        file.extend(0xa1b2_c3d4_u32.to_le_bytes());
        file.extend(2_u16.to_le_bytes());
        file.extend(4_u16.to_le_bytes());
        file.extend([0; 8]);
        file.extend(262_144_u32.to_le_bytes());
        file.extend(link.to_le_bytes());
        for (at, frame) in &self.packets {
            let word = |number: i64| u32::try_from(number).unwrap_or(0).to_le_bytes();
            file.extend(word(at / 1_000_000));
            file.extend(word(at % 1_000_000));
            let length = word(i64::try_from(frame.len()).unwrap_or(0));
            file.extend(length);
            file.extend(length);
            file.extend(frame);
        }
        file
    }
}

fn checksum<'a>(bytes: impl Iterator<Item = &'a u8>) -> u16 {
    let mut sum: u32 = 0;
    for (index, byte) in bytes.enumerate() {
        sum += u32::from(*byte) << if index % 2 == 0 { 8 } else { 0 };
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// A DNS message: a question, or its answer with one address or none.
pub(super) fn dns(id: u16, name: &str, kind: u16, answer: Option<u8>) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    let answers = u8::from(answer == Some(0) && kind == 1);
    match answer {
        None => message.extend([1, 0]),
        Some(code) => message.extend([0x81, 0x80 | code]),
    }
    message.extend([0, 1, 0, answers, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label.bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    if answers == 1 {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 10, 9]);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_s_checksum_is_that_of_rfc_1071() {
        let header = [
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
            0xc7,
        ];
        assert_eq!(checksum(header.iter()), 0xb861);
    }
}
