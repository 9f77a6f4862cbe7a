//! What `tcpdump` printed to a terminal or a file instead of writing a capture.
//!
//! Read are the outputs of `-v`, `-vv`, `-vvv`, `-q`, `-n` or names, `-e`, `-#`, `-g`, of `-i any` with the device's
//! name and direction (`eth0  In `, `P` to another host, `B` broadcast, `M` multicast), over IPv4 and IPv6, by
//! tcpdump 3 and 4. A packet is a line, with `-v` two, of which the second begins with four blanks:
//!
//! ```text
//! 03:00:32.616669 eth0  In  IP (tos 0x0, ttl 62, id 10524, offset 0, flags [DF], proto UDP (17), length 87)
//!     10.244.7.2.44408 > 10.244.3.2.53: [udp sum ok] 45934+ A? db.example.com. (59)
//! ```
//!
//! Times: without an option a stamp is the time of day in the host's zone. The last one is taken for the last such
//! time before the moment of collection, and at each step back of more than 90 minutes a day passes
//! (basis year-inferred); without a known moment of collection such rows have no time. `-tttt` has the date (zone
//! assumed), `-tt` seconds since 1970 (recorded); `-t`, `-ttt` and `-ttttt` give rows without a time. To date a large file
//! from its end it is read twice, the second time from an unnamed temporary file.
//!
//! Rows: `dns-query` and `dns-answer` a DNS message, over UDP or TCP (`attributes`: `id`, `answers`, `interface`,
//! `operation` where it is not a query, `cut` where the snap length ended it). Without `-vv` an answer does not
//! show its question: it is that of the query with the same id between the same endpoints. Other packets are
//! put together to one `tcp-flow` or `udp-flow` a pair of endpoints (`bytes` of IP packets with `-v`, else of payloads; a SYN
//! with another sequence number begins a new row; `-q` hides flags, then there is no `state`). Of Geneve, VXLAN and GRE
//! the inner packet is read where it is shown. Hosts that are names stand in `src_name` and `dst_name`.
//!
//! Copies that `-i any` shows of one packet on its way through the host (the same addresses, id, length and
//! text, at most 1 ms apart, on another device or in another direction) are one row, with the first one's device;
//! `copies` says how many more were seen. A packet whose addresses were translated on the way is another row.
//!
//! Not read: other protocols than TCP and UDP, hex and text dumps (`-x`, `-X`, `-A`), decoded details of payloads; each
//! line of them is counted as skipped. Text that `-A` printed can forge packets.
//!
//! Source: tcpdump.org, print.c, print-ip.c, print-tcp.c, print-udp.c, print-domain.c, print-sll.c.

use std::io::{self, Read, Seek, SeekFrom, Write};

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

mod content;
mod copies;
mod dns_text;
mod flows;
mod packet;
mod reader;
mod stamp;
mod tcp_text;

use packet::{Addressed, Head, ip_info};
use reader::{Reader, Survey};

/// The format.
pub static FORMAT: Format = Format {
    id: "tcpdump-text",
    title: "tcpdump's text output",
    source: include_str!("tcpdump_text.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines that are looked at to recognise the format.
const SNIFFED_LINES: usize = 300;

/// What is read to see which kind of stamp there is.
const HEAD: u64 = 64 << 10;

/// How much text is held in memory while it is surveyed for dates; more goes to a temporary file.
const SPOOL: usize = 16 << 20;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let mut first = None;
    let (mut packets, mut heads) = (0_usize, 0_usize);
    for line in probe.text_lines().take(SNIFFED_LINES) {
        let Some(text) = line.utf8() else {
            continue;
        };
        let head = Head::parse(text);
        let is_packet = head.is_some_and(|head| {
            head.ip.is_some_and(|ip| {
                let (info, rest) = ip_info(ip);
                info.shown || Addressed::parse(rest).is_some()
            })
        });
        let is_known = || is_packet || text.contains("ARP, Re") || text.contains("ethertype ");
        if head.is_some() && is_known() {
            heads += 1;
            packets += usize::from(is_packet);
            first.get_or_insert(true);
        } else if first.is_none() && !text.trim().is_empty() && !reader::is_own_message(text) {
            first = Some(false);
        }
    }
    match (packets, heads, first) {
        (_, 0, _) => Sniff::No,
        (0, _, Some(true)) => Sniff::Likely,
        (0, _, _) => Sniff::No,
        (_, _, Some(true)) => Sniff::Sure,
        _ => Sniff::Weak,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut head = Vec::new();
    let begun = (&mut input.reader).take(HEAD).read_to_end(&mut head);
    let source = Resumed {
        head: head.as_slice(),
        failed: begun.err(),
        rest: &mut input.reader,
    };
    let mut survey = Survey::default();
    survey_lines(head.as_slice(), &mut survey)?;
    if !survey.times_of_day || input.clock.collected_at.is_none() {
        let mut reader = Reader::new(input.clock, None, sink);
        let read = read_lines(source, &mut reader);
        reader.finish();
        return Ok(read.map(|()| None)?);
    }
    let mut spool = tempfile::spooled_tempfile(SPOOL);
    let tee = Tee {
        reader: source,
        copy: &mut spool,
    };
    survey = Survey::default();
    // What was read before an error stays, dated from the last line that could be read.
    let surveyed = survey_lines(tee, &mut survey);
    spool.seek(SeekFrom::Start(0))?;
    let mut reader = Reader::new(input.clock, survey.dates(input.clock), sink);
    let read = read_lines(spool, &mut reader);
    reader.finish();
    Ok(read.and(surveyed).map(|()| None)?)
}

fn read_lines(source: impl Read, reader: &mut Reader<'_>) -> io::Result<()> {
    let mut lines = Lines::new(source);
    while let Some(line) = lines.next_line()? {
        reader.line(&line);
    }
    Ok(())
}

fn survey_lines(source: impl Read, survey: &mut Survey) -> io::Result<()> {
    let mut lines = Lines::new(source);
    while let Some(line) = lines.next_line()? {
        survey.line(line.bytes);
    }
    Ok(())
}

/// Reads what was read already, then the error met in it, then the rest.
struct Resumed<'a, R> {
    head: &'a [u8],
    failed: Option<io::Error>,
    rest: R,
}

impl<R: Read> Read for Resumed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(buffer);
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.rest.read(buffer),
        }
    }
}

/// Copies what is read through it.
struct Tee<R, W> {
    reader: R,
    copy: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.copy
            .write_all(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
