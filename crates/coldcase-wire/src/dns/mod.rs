//! DNS messages over borrowed bytes: header, questions and records, read as far as they are readable.
//!
//! In go the bytes of one message (a UDP payload, or one of TCP's length-prefixed messages without its
//! prefix); out come views into them, without an allocation a message. Text is appended to a caller's
//! `String`, which may be kept from message to message.
//!
//! The decoder is for evidence, so it is tolerant: unknown types, reserved bits, 8-bit labels and
//! messages that a capture cut short are read, and [`Message::cut`] says when less was there than the
//! header counts. It is also for hostile evidence: compression pointers must lead backwards and out of
//! the header, a name ends at 255 bytes and [`MAX_HOPS`] pointers.
//!
//! Sources: RFC 1035 (messages, names, escapes), 2181 (names), 3597 (unknown types and data), 6762 (the
//! top bit of a class in mDNS), 6891 (EDNS), 8659 (CAA), 9460 (SVCB, HTTPS); numbers of the IANA registry
//! "Domain Name System (DNS) Parameters".
//!
//! Left out: checking signatures, DNS over TLS, HTTPS or QUIC, and the framing of TCP streams.

mod data;
mod name;
mod numbers;
mod plausible;

pub use name::{MAX_HOPS, Name};
pub use numbers::{class_name, rcode_name, type_name, type_number};
pub use plausible::{looks_like_dns, plausible};

use name::skip_name;

const HEADER: usize = 12;
const OPT: u16 = 41;

/// One DNS message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Joins a query and its answers.
    pub id: u16,
    /// The header's second 16 bits as they stand: QR, opcode, AA, TC, RD, RA, Z, AD, CD, response code.
    pub flags: u16,
    /// Questions that the header counts.
    pub question_count: u16,
    /// Answer records that the header counts.
    pub answer_count: u16,
    /// Authority records that the header counts.
    pub authority_count: u16,
    /// Additional records that the header counts, the OPT record of EDNS among them.
    pub additional_count: u16,
    first: Option<Question<'a>>,
    /// Where the answer section begins; `None` where the questions are cut or broken.
    answers_at: Option<usize>,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The name asked for.
    pub name: Name<'a>,
    /// The type asked for, see [`type_name`].
    pub qtype: u16,
    /// The class without mDNS's bit, see [`class_name`].
    pub class: u16,
    /// The class's top bit: mDNS asks for an answer by unicast (RFC 6762 section 5.4).
    pub unicast_response: bool,
}

/// One resource record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Whose record it is.
    pub name: Name<'a>,
    /// Its type, see [`type_name`].
    pub rtype: u16,
    /// Its class without mDNS's bit; of an OPT record the sender's UDP payload size.
    pub class: u16,
    /// The class's top bit: mDNS tells caches to forget older records (RFC 6762 section 10.2).
    pub cache_flush: bool,
    /// Seconds to live; of an OPT record the extended response code, version and flags.
    pub ttl: u32,
    /// The data as it stands; compressed names in it can be read by [`Record::write_data`] alone.
    pub data: &'a [u8],
    message: &'a [u8],
    data_at: usize,
}

/// What the OPT record of EDNS says (RFC 6891).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// UDP payload size that the sender takes.
    pub udp_size: u16,
    /// Upper eight bits of the response code.
    pub extended_code: u8,
    /// EDNS version.
    pub version: u8,
    /// The DO bit: DNSSEC records are wanted.
    pub dnssec_ok: bool,
}

impl<'a> Message<'a> {
    /// The message in these bytes; `None` where not even the header is whole.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut message = Self {
            bytes,
            id: u16_at(bytes, 0)?,
            flags: u16_at(bytes, 2)?,
            question_count: u16_at(bytes, 4)?,
            answer_count: u16_at(bytes, 6)?,
            authority_count: u16_at(bytes, 8)?,
            additional_count: u16_at(bytes, 10)?,
            first: None,
            answers_at: None,
        };
        let mut questions = message.questions();
        message.first = questions.next();
        while questions.next().is_some() {}
        message.answers_at = (questions.left == 0).then_some(questions.at);
        Some(message)
    }

    /// Whether it answers (QR).
    pub fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The kind of query: 0 a standard query, 4 notify, 5 update.
    pub fn opcode(&self) -> u8 {
        let [high, _] = self.flags.to_be_bytes();
        high >> 3 & 0xf
    }

    /// Whether the server itself cut the message to fit (TC).
    pub fn is_truncated(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// The response code, with the upper bits of EDNS where its record could be reached.
    pub fn response_code(&self) -> u16 {
        let low = self.flags & 0xf;
        let high = self.edns().map_or(0, |edns| u16::from(edns.extended_code));
        high << 4 | low
    }

    /// What the OPT record says, where there is one and it could be reached.
    pub fn edns(&self) -> Option<Edns> {
        if self.additional_count == 0 {
            return None;
        }
        let opt = self.additionals().find(|record| record.rtype == OPT)?;
        let [extended_code, version, flags, _] = opt.ttl.to_be_bytes();
        Some(Edns {
            udp_size: opt.class,
            extended_code,
            version,
            dnssec_ok: flags & 0x80 != 0,
        })
    }

    /// The first question.
    pub fn question(&self) -> Option<Question<'a>> {
        self.first
    }

    /// The first question's name, also where the message is cut before its type.
    pub fn question_name(&self) -> Option<Name<'a>> {
        (self.question_count > 0).then(|| Name::new(self.bytes, HEADER))
    }

    /// All questions that are readable.
    pub fn questions(&self) -> Questions<'a> {
        Questions {
            message: self.bytes,
            at: HEADER,
            left: self.question_count,
        }
    }

    /// The answer section as far as it is readable.
    pub fn answers(&self) -> Records<'a> {
        Records::at(self.bytes, self.answers_at, self.answer_count)
    }

    /// The authority section as far as it is readable.
    pub fn authorities(&self) -> Records<'a> {
        self.answers().following(self.authority_count)
    }

    /// The additional section as far as it is readable.
    pub fn additionals(&self) -> Records<'a> {
        self.authorities().following(self.additional_count)
    }

    /// Whether the bytes end, or stop making sense, before all that the header counts was read.
    pub fn cut(&self) -> bool {
        self.additionals().end().is_none()
    }

    /// Bytes after the last record: padding, or something hidden. `None` where the message is cut.
    pub fn trailing(&self) -> Option<usize> {
        let end = self.additionals().end()?;
        Some(self.bytes.len().saturating_sub(end))
    }
}

impl Question<'_> {
    /// Appends the name, see [`Name::write`]; whether it was whole.
    pub fn write_name(&self, out: &mut String) -> bool {
        self.name.write(out)
    }
}

impl Record<'_> {
    /// Appends the name, see [`Name::write`]; whether it was whole.
    pub fn write_name(&self, out: &mut String) -> bool {
        self.name.write(out)
    }

    /// Appends the data as master files write it, names in lower case without the final dot; data of
    /// a type unknown here, or not of its type's shape, as `\# length hex` (RFC 3597).
    pub fn write_data(&self, out: &mut String) {
        data::write(self, out);
    }
}

/// Reads questions one after another.
#[derive(Debug, Clone)]
pub struct Questions<'a> {
    message: &'a [u8],
    at: usize,
    left: u16,
}

impl<'a> Iterator for Questions<'a> {
    type Item = Question<'a>;

    fn next(&mut self) -> Option<Question<'a>> {
        let left = self.left.checked_sub(1)?;
        let name_end = skip_name(self.message, self.at)?;
        let qtype = u16_at(self.message, name_end)?;
        let class = u16_at(self.message, name_end.checked_add(2)?)?;
        let name = Name::new(self.message, self.at);
        self.at = name_end.checked_add(4)?;
        self.left = left;
        Some(Question {
            name,
            qtype,
            class: class & 0x7fff,
            unicast_response: class & 0x8000 != 0,
        })
    }
}

/// Reads the records of one section; ends early where the message is cut or broken.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    message: &'a [u8],
    at: usize,
    left: u16,
    reached: bool,
}

impl<'a> Records<'a> {
    fn at(message: &'a [u8], start: Option<usize>, count: u16) -> Self {
        Self {
            message,
            at: start.unwrap_or(message.len()),
            left: count,
            reached: start.is_some(),
        }
    }

    /// Where this section ends, if all of it is readable.
    fn end(mut self) -> Option<usize> {
        while self.next().is_some() {}
        (self.reached && self.left == 0).then_some(self.at)
    }

    fn following(self, count: u16) -> Self {
        let message = self.message;
        Self::at(message, self.end(), count)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if !self.reached {
            return None;
        }
        let left = self.left.checked_sub(1)?;
        let name_end = skip_name(self.message, self.at)?;
        let fixed = self.message.get(name_end..)?.first_chunk::<10>()?;
        let [t0, t1, c0, c1, l0, l1, l2, l3, d0, d1] = *fixed;
        let data_at = name_end.checked_add(10)?;
        let data_end = data_at.checked_add(usize::from(u16::from_be_bytes([d0, d1])))?;
        let data = self.message.get(data_at..data_end)?;
        let name = Name::new(self.message, self.at);
        self.at = data_end;
        self.left = left;
        let rtype = u16::from_be_bytes([t0, t1]);
        let class = u16::from_be_bytes([c0, c1]);
        let (class, cache_flush) = match rtype {
            OPT => (class, false),
            _ => (class & 0x7fff, class & 0x8000 != 0),
        };
        Some(Record {
            name,
            rtype,
            class,
            cache_flush,
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            data,
            message: self.message,
            data_at,
        })
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair))
}

#[cfg(test)]
mod tests;
