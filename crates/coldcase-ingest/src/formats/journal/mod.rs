//! Journals of systemd as journald keeps them: `/var/log/journal/<machine>/system.journal`, `user-1000.journal`, archived ones
//! (`system@0005f7...journal`), ones found unclean (`.journal~`), from `/run/log/journal` too.
//!
//! **Made by** copying the files; `journalctl --sync` and `journalctl --rotate` before that leave nothing half written.
//! Where a folder can't be copied, `journalctl -o export` and `-o json` say the same (formats `journal-export`, `journal-json`).
//!
//! **Recognised** by the first bytes, `LPKSHHRH`, whatever the name.
//!
//! ```text
//! 4c 50 4b 53 48 48 52 48  00 00 00 00 1c 00 00 00  |LPKSHHRH........|
//! ```
//!
//! **Reading.** The file's objects are walked one after the other as they were appended: the order in which journald took
//! the entries. The walk needs no index, so that entries survive whose index is lost; where objects are damaged, reading
//! goes on at the next that is whole, and what lay between is skipped and said. Both layouts (regular, compact) are read, data
//! packed by XZ, LZ4 or Zstandard too. Seals and hashes are not verified.
//!
//! **Events.** An entry is read as the syslog line would be that it stands for (`SYSLOG_IDENTIFIER`, else `_COMM`, is the program): sshd's
//! give `ssh-login`, cron's `cron-run`, and so on; page `authlog` lists them. Entries of the transport `audit` give `audit`;
//! podman's own events `container-created`, `container-started`, `container-exited`, `container-event`. What a container engine logged
//! for a container has `container` and `image`. A `boot` row stands at the first entry of every boot after the file's first, and
//! where the kernel's own first line is there. Cells `exe` and `command` are `_EXE` and `_CMDLINE`; `attributes`: `unit`,
//! `uid`, `priority`, `transport`, `boot_id`, `container_id`, `source_time` (the sender's time, where it is a second or
//! more off), `comm` (the process's name where it logged under another: `logger -t sshd`).
//!
//! **Times** are journald's own, in UTC to the microsecond (`__REALTIME_TIMESTAMP`: when it took the entry), never the sender's claim.
//!
//! **Limits.** 256 MiB of a file (journald rotates at 128), 64 KiB of a field, 8 KiB of a message are taken. Fields that no row needs are not kept.
//! Offsets are those of entry objects.
//!
//! Sources: systemd `docs/JOURNAL_FILE_FORMAT.md`, `src/libsystemd/sd-journal/journal-def.h`, systemd.journal-fields(7).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use coldcase_model::{Place, Sink};

use self::entries::Entries;
use self::fields::Fields;
use self::layout::{Header, Kind, Object, State};
use self::unpack::unpack;
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

mod entries;
mod export;
mod fields;
mod json;
mod layout;
mod unpack;
mod verbose;

pub use export::EXPORT;
pub use json::JSON;
pub use verbose::VERBOSE;

/// The format.
pub static FORMAT: Format = Format {
    id: "journal",
    title: "journal files of systemd: system.journal, user-1000.journal",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most of a file that is held. journald's own limit is 128 MiB where none is configured.
const MOST_BYTES: usize = 256 << 20;

/// Most fields of an entry; journald itself takes 1024.
const MOST_ITEMS: usize = 1024;

/// Unpacked data that several entries may share.
const HELD_UNPACKED: usize = 256;

/// Places of damage that are named one by one.
const MOST_SKIPS: usize = 1000;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.head.starts_with(layout::MAGIC) {
        Sniff::Sure
    } else {
        Sniff::No
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut file = Vec::new();
    let limit = u64::try_from(MOST_BYTES + 1).unwrap_or(u64::MAX);
    let read = input.reader.by_ref().take(limit).read_to_end(&mut file);
    if file.len() > MOST_BYTES {
        file.truncate(MOST_BYTES);
        let warning = "a journal beyond 256 MiB: the rest of it was not read";
        sink.warn(Place::Whole, warning.into());
    }
    let Some(header) = layout::header(&file) else {
        let reason = "a journal file's header that is cut or damaged";
        if !file.is_empty() {
            sink.skip(Place::Offset(0), reason);
            sink.warn(Place::Whole, reason.into());
        }
        return read.map(|_| None).map_err(IngestError::from);
    };
    let mut walk = Walk {
        file: &file,
        header,
        entries: Entries::new(input.clock),
        unpacked: BTreeMap::new(),
        read: 0,
        lost_fields: 0,
        damaged: 0,
    };
    walk.objects(sink);
    walk.tell(sink);
    read.map(|_| None).map_err(IngestError::from)
}

/// One file on its way through.
struct Walk<'a> {
    file: &'a [u8],
    header: Header,
    entries: Entries<'a>,
    unpacked: BTreeMap<usize, Option<Vec<u8>>>,
    read: u64,
    lost_fields: u64,
    damaged: usize,
}

impl<'a> Walk<'a> {
    fn objects(&mut self, sink: &mut dyn Sink) {
        let mut at = self.header.objects;
        let mut before = at;
        while at < self.file.len() {
            if let Some(object) = layout::object(self.file, at, self.header.compact) {
                self.object(&object, at, sink);
                before = at;
                at = at.saturating_add(object.size().next_multiple_of(8));
                continue;
            }
            // The size of the object before may be what is damaged: what lies in it is looked at again.
            let next = self.resume(before.saturating_add(16), at);
            let empty = self.file.get(at..next.unwrap_or(self.file.len()));
            let is_room = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
            if next.is_some() || !empty.is_none_or(is_room) {
                self.damaged += 1;
                if self.damaged <= MOST_SKIPS {
                    sink.skip(place(at), "bytes of a journal that are no whole object");
                }
            }
            match next {
                Some(next) => (before, at) = (next, next),
                None => return,
            }
        }
    }

    /// The next object from here on that is followed by another, by room, or by nothing; not the one before `failed`
    /// again.
    fn resume(&self, from: usize, failed: usize) -> Option<usize> {
        let mut at = from.next_multiple_of(8);
        loop {
            let rest = self.file.get(at..)?;
            at += rest.iter().position(|byte| *byte != 0)? / 8 * 8;
            if let Some(object) = layout::object(self.file, at, self.header.compact) {
                let end = at.saturating_add(object.size().next_multiple_of(8));
                let next = self.file.get(end..).unwrap_or_default();
                let empty = next.iter().take(8).all(|byte| *byte == 0);
                let follows = layout::object(self.file, end, self.header.compact).is_some();
                if end != failed && (follows || (empty && at > failed)) {
                    return Some(at);
                }
            }
            at += 8;
        }
    }

    fn object(&mut self, object: &Object<'a>, at: usize, sink: &mut dyn Sink) {
        let Some(entry) = object.entry() else { return };
        let mut fields = Fields::default();
        for item in object.items(self.header.compact).take(MOST_ITEMS) {
            if self.field(item, &mut fields).is_none() {
                self.lost_fields += 1;
            }
        }
        if fields.boot_id.is_none() && entry.boot != [0; 16] {
            let hex = entry.boot.iter().map(|byte| format!("{byte:02x}"));
            fields.boot_id = Some(Cow::Owned(hex.collect()));
        }
        self.read += 1;
        sink.used(1);
        self.entries
            .entry(&fields, Some(entry.realtime), place(at), sink);
    }

    fn field(&mut self, at: usize, fields: &mut Fields<'a>) -> Option<()> {
        let compact = self.header.compact;
        let object = layout::object(self.file, at, compact).filter(|one| one.kind == Kind::Data)?;
        let (packing, payload) = object.payload(compact)?;
        if packing == layout::Packing::Plain {
            let split = memchr::memchr(b'=', payload)?;
            fields.set(payload.get(..split)?, payload.get(split + 1..)?);
            return Some(());
        }
        if self.unpacked.len() >= HELD_UNPACKED {
            self.unpacked.clear();
        }
        let unpacked = self
            .unpacked
            .entry(at)
            .or_insert_with(|| unpack(packing, payload));
        let payload = unpacked.as_deref()?;
        let split = memchr::memchr(b'=', payload)?;
        fields.set_owned(payload.get(..split)?, payload.get(split + 1..)?);
        Some(())
    }

    /// What a reader of the timeline should know of the file.
    fn tell(&self, sink: &mut dyn Sink) {
        let mut say = |warning: String| sink.warn(Place::Whole, warning);
        match self.header.state {
            State::Online => say(
                "the journal was not closed: in use when it was copied, or its host stopped".into(),
            ),
            State::Other => say("the journal's state is none that is known".into()),
            State::Offline | State::Archived => {}
        }
        if self.header.unknown_flags {
            say("the journal has features that are not known here: entries may be missing".into());
        }
        if self.damaged > 0 {
            say(format!("{} damaged places were passed over", self.damaged));
        }
        if self.lost_fields > 0 {
            let lost = self.lost_fields;
            say(format!("{lost} fields of entries could not be read"));
        }
        if self.read < self.header.entries {
            let (read, claimed) = (self.read, self.header.entries);
            say(format!("{read} entries found, the header counts {claimed}"));
        }
    }
}

fn place(at: usize) -> Place {
    u64::try_from(at).map_or(Place::Whole, Place::Offset)
}
