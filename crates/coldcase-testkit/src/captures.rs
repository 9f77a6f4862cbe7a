//! Captures made in memory, the same for the same seed: what tests and benches of decoders read. Traffic is simple and
//! well formed; damage is left to who wants it.

use crate::estate::dice::Dice;

/// LINKTYPE_ETHERNET.
pub const ETHERNET: u32 = 1;
/// LINKTYPE_LINUX_SLL2, of `-i any`.
pub const COOKED: u32 = 276;

/// First packet of every capture, in microseconds since 1970.
const BEGIN: u64 = 1_700_000_000_000_000;

/// A capture that grows packet by packet.
pub struct Capture {
    bytes: Vec<u8>,
    link: u32,
    next_generation: bool,
    at: u64,
}

impl Capture {
    /// A pcap file with microseconds, little-endian.
    pub fn classic(link: u32) -> Self {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(0x0004_0000_u32.to_le_bytes());
        bytes.extend(link.to_le_bytes());
        Self {
            bytes,
            link,
            next_generation: false,
            at: BEGIN,
        }
    }

    /// A pcapng file with one section and one interface, microseconds, little-endian.
    pub fn next_generation(link: u32) -> Self {
        let mut bytes = Vec::new();
        block(
            &mut bytes,
            0x0a0d_0d0a,
            &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0], &[0xff; 8]],
        );
        block(&mut bytes, 1, &[&link.to_le_bytes(), &[0, 0, 4, 0]]);
        Self {
            bytes,
            link,
            next_generation: true,
            at: BEGIN,
        }
    }

    /// Lets microseconds pass.
    pub fn wait(&mut self, micros: u64) -> &mut Self {
        self.at += micros;
        self
    }

    /// Adds an IPv4 packet in a frame of the capture's link type, seen on this interface of a cooked capture.
    pub fn packet(&mut self, interface: u32, ip: &[u8]) {
        let mut frame = Vec::with_capacity(ip.len() + 20);
        if self.link == COOKED {
            frame.extend([8, 0, 0, 0]);
            frame.extend(interface.to_be_bytes());
            frame.extend([0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        } else {
            frame.extend([2; 12]);
            frame.extend([8, 0]);
        }
        frame.extend(ip);
        self.frame(&frame);
    }

    /// Adds a frame as it stands.
    pub fn frame(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
        if self.next_generation {
            let low = u32::try_from(self.at & 0xffff_ffff).unwrap_or(0);
            let high = u32::try_from(self.at >> 32).unwrap_or(0);
            let (low, high) = (low.to_le_bytes(), high.to_le_bytes());
            let head: [&[u8]; 5] = [&[0; 4], &high, &low, &length, &length];
            let body = [head.as_slice(), &[frame]].concat();
            block(&mut self.bytes, 6, &body);
            return;
        }
        let second = u32::try_from(self.at / 1_000_000).unwrap_or(u32::MAX);
        let micros = u32::try_from(self.at % 1_000_000).unwrap_or(0);
        for number in [second.to_le_bytes(), micros.to_le_bytes(), length, length] {
            self.bytes.extend(number);
        }
        self.bytes.extend(frame);
    }

    /// Adds bytes that are no record.
    pub fn damage(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A block of pcapng, padded to four bytes.
fn block(out: &mut Vec<u8>, kind: u32, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let padded = length.next_multiple_of(4);
    let total = u32::try_from(padded + 12).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(total);
    parts.iter().for_each(|part| out.extend(*part));
    out.extend(std::iter::repeat_n(0, padded - length));
    out.extend(total);
}

/// Address and port.
pub type End = (u32, u16);

/// An IPv4 packet; its checksum is left out.
pub fn ip(protocol: u8, from: u32, to: u32, id: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 20).unwrap_or(u16::MAX);
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend([0x40, 0, 64, protocol, 0, 0]);
    packet.extend(from.to_be_bytes());
    packet.extend(to.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A TCP segment in an IPv4 packet.
pub fn tcp(from: End, to: End, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = ports(from, to);
    segment.extend(seq.to_be_bytes());
    segment.extend([0, 0, 0, 7, 0x50, flags, 1, 1, 0, 0, 0, 0]);
    segment.extend(payload);
    ip(6, from.0, to.0, 1, &segment)
}

/// A UDP datagram in an IPv4 packet.
pub fn udp(from: End, to: End, id: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
    let mut datagram = ports(from, to);
    datagram.extend(length.to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ip(17, from.0, to.0, id, &datagram)
}

fn ports(from: End, to: End) -> Vec<u8> {
    [from.1.to_be_bytes(), to.1.to_be_bytes()].concat()
}

/// A question for the A record of `name`.
pub fn question(id: u16, name: &str) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// Its answer with these addresses.
pub fn answer(id: u16, name: &str, addresses: &[u32]) -> Vec<u8> {
    let mut message = question(id, name);
    let count = u8::try_from(addresses.len()).unwrap_or(0);
    let flags = [0x81, 0x80, 0, 1, 0, count];
    message.splice(2..8, flags);
    for address in addresses {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(address.to_be_bytes());
    }
    message
}

fn below(dice: &mut Dice, end: u32) -> u32 {
    u32::try_from(dice.roll() % u64::from(end.max(1))).unwrap_or(0)
}

fn port(dice: &mut Dice) -> u16 {
    dice.client_port()
}

/// Questions and answers of pods as `-i any` sees them: each packet on two interfaces.
pub fn dns(pairs: u32) -> Vec<u8> {
    let mut dice = Dice::new(1, "dns");
    let mut capture = Capture::classic(COOKED);
    for number in 0..pairs {
        let pod = (0x0af4_0000 + below(&mut dice, 200), port(&mut dice));
        let server = (0x0a60_000a, 53);
        let name = format!(
            "{}.svc-{}.example.com",
            dice.text("abcdef", 6),
            below(&mut dice, 40)
        );
        let id = u16::try_from(number & 0xffff).unwrap_or(0);
        let asked = udp(pod, server, id, &question(id, &name));
        let addresses = [0xc633_6400 + below(&mut dice, 200), 0xc633_6401];
        let answered = udp(server, pod, id, &answer(id, &name, &addresses));
        for packet in [asked, answered] {
            capture.wait(40).packet(4, &packet);
            capture.wait(6).packet(2, &packet);
            capture.wait(2_000);
        }
    }
    capture.into_bytes()
}

/// SYNs of one source to random addresses, and a connection that is answered after every eight.
pub fn flood(syns: u32) -> Vec<u8> {
    let mut dice = Dice::new(1, "flood");
    let mut capture = Capture::classic(ETHERNET);
    for number in 0..syns {
        let from = (0x0a14_0829, port(&mut dice));
        let to = (below(&mut dice, 0xdfff_ffff), 80);
        capture.wait(90).packet(0, &tcp(from, to, number, 2, b""));
        if number.is_multiple_of(8) {
            connection(&mut capture, &mut dice, number);
        }
    }
    capture.into_bytes()
}

fn connection(capture: &mut Capture, dice: &mut Dice, number: u32) {
    let client = (0x0a14_0100 + below(dice, 100), port(dice));
    let server = (0x0a14_0200 + below(dice, 20), 443);
    for (from, to, flags) in [
        (client, server, 2),
        (server, client, 18),
        (client, server, 16),
        (client, server, 17),
        (server, client, 17),
    ] {
        capture
            .wait(100)
            .packet(0, &tcp(from, to, number, flags, b""));
    }
}

/// Requests and answers of HTTP, one a connection.
pub fn http(requests: u32) -> Vec<u8> {
    let mut dice = Dice::new(1, "http");
    let mut capture = Capture::next_generation(ETHERNET);
    for number in 0..requests {
        let client = (0x0a14_0100 + below(&mut dice, 100), port(&mut dice));
        let server = (0x0a14_0305, 2375);
        let asked = format!(
            "GET /v1.41/containers/{}/json HTTP/1.1\r\nHost: 10.20.3.5:2375\r\nUser-Agent: Go-http-client/1.1\r\n\r\n",
            dice.hex(64)
        );
        let told =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        capture
            .wait(500)
            .packet(0, &tcp(client, server, number, 2, b""));
        let asked = tcp(client, server, number.wrapping_add(1), 24, asked.as_bytes());
        capture.wait(500).packet(0, &asked);
        let told = tcp(server, client, 7, 24, told.as_bytes());
        capture.wait(500).packet(0, &told);
    }
    capture.into_bytes()
}
