//! # sshd-config: who may log in over ssh, and how
//!
//! `/etc/ssh/sshd_config`, its `sshd_config.d`, and `sshd -T`: one `service-defined` a directive that decides on access, at the moment of collection; other directives are
//! read and make no rows.
//!
//! ```text
//! Port 22
//! PermitRootLogin yes
//! AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u
//! Match User backup
//!     ForceCommand /usr/bin/rrsync -ro /srv
//! ```
//!
//! Recognised by lines that are directives of sshd, two of its own among them; a client's configuration (`Host`) is not.
//!
//! Cells: `path`, `command` of ForceCommand, AuthorizedKeysCommand and Subsystem; `attributes`: `unit` "sshd", `directive` (as sshd_config(5) writes it), `value`, `listen` of Port and
//! ListenAddress, `match` (the block it stands in). Of the same directive the first counts for sshd; all are told.
//!
//! Source: sshd_config(5), sshd(8) `-T`.

use coldcase_model::{Attributes, Event, Place, Sink, action};

use crate::formats::collected_text::{
    COMMENT, CUT, FRAME, TextLine, each_line, frame, is_lost, original_path, sample,
};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "sshd-config",
    title: "who may log in over ssh: sshd_config, sshd -T",
    source: include_str!("sshd.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Directives that decide on access: rows.
const TOLD: [&str; 34] = [
    "AllowAgentForwarding",
    "AllowGroups",
    "AllowStreamLocalForwarding",
    "AllowTcpForwarding",
    "AllowUsers",
    "AuthenticationMethods",
    "AuthorizedKeysCommand",
    "AuthorizedKeysCommandUser",
    "AuthorizedKeysFile",
    "AuthorizedPrincipalsFile",
    "ChallengeResponseAuthentication",
    "ChrootDirectory",
    "DenyGroups",
    "DenyUsers",
    "ForceCommand",
    "GatewayPorts",
    "HostbasedAuthentication",
    "Include",
    "KbdInteractiveAuthentication",
    "ListenAddress",
    "LogLevel",
    "MaxAuthTries",
    "PasswordAuthentication",
    "PermitEmptyPasswords",
    "PermitOpen",
    "PermitListen",
    "PermitRootLogin",
    "PermitTunnel",
    "PermitUserEnvironment",
    "Port",
    "PubkeyAuthentication",
    "Subsystem",
    "TrustedUserCAKeys",
    "UsePAM",
];

/// Further directives.
const OTHERS: [&str; 50] = [
    "AcceptEnv",
    "AddressFamily",
    "Banner",
    "CASignatureAlgorithms",
    "Ciphers",
    "ClientAliveCountMax",
    "ClientAliveInterval",
    "Compression",
    "DisableForwarding",
    "ExposeAuthInfo",
    "FingerprintHash",
    "GSSAPIAuthentication",
    "GSSAPICleanupCredentials",
    "GSSAPIKeyExchange",
    "GSSAPIStrictAcceptorCheck",
    "HostCertificate",
    "HostKey",
    "HostKeyAgent",
    "HostKeyAlgorithms",
    "HostbasedAcceptedKeyTypes",
    "HostbasedAcceptedAlgorithms",
    "IPQoS",
    "IgnoreRhosts",
    "IgnoreUserKnownHosts",
    "KerberosAuthentication",
    "KerberosOrLocalPasswd",
    "KerberosTicketCleanup",
    "KeyRegenerationInterval",
    "KexAlgorithms",
    "LoginGraceTime",
    "MACs",
    "MaxSessions",
    "MaxStartups",
    "PerSourceMaxStartups",
    "PidFile",
    "PrintLastLog",
    "PrintMotd",
    "Protocol",
    "PubkeyAcceptedKeyTypes",
    "PubkeyAcceptedAlgorithms",
    "RSAAuthentication",
    "RekeyLimit",
    "ServerKeyBits",
    "StreamLocalBindUnlink",
    "StrictModes",
    "SyslogFacility",
    "TCPKeepAlive",
    "UseDNS",
    "UsePrivilegeSeparation",
    "X11Forwarding",
];

/// What a line says.
enum Line<'a> {
    Told(&'static str, &'a str),
    Other,
    Match(&'a str),
}

fn parse(line: &str) -> Option<Line<'_>> {
    let line = line.trim();
    let (word, value) = line.split_once([' ', '\t', '='])?;
    let value = value.trim_start_matches([' ', '\t', '=']).trim_end();
    if value.is_empty() {
        return None;
    }
    if word.eq_ignore_ascii_case("Match") {
        return Some(Line::Match(value));
    }
    if let Some(known) = TOLD.iter().find(|known| known.eq_ignore_ascii_case(word)) {
        return Some(Line::Told(known, value));
    }
    let is_other = OTHERS.iter().any(|known| known.eq_ignore_ascii_case(word))
        || [
            "x11displayoffset",
            "x11uselocalhost",
            "versionaddendum",
            "xauthlocation",
            "uselogin",
            "setenv",
            "debianbanner",
        ]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word));
    is_other.then_some(Line::Other)
}

/// Directives that only a server has.
fn is_servers(directive: &str) -> bool {
    !matches!(
        directive,
        "Port"
            | "Include"
            | "LogLevel"
            | "PasswordAuthentication"
            | "PubkeyAuthentication"
            | "KbdInteractiveAuthentication"
            | "ChallengeResponseAuthentication"
            | "HostbasedAuthentication"
            | "GatewayPorts"
    )
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut servers, mut known, mut others) = (0_usize, 0_usize, 0_usize);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(known, others, sample.len() - index, 8) {
            return Sniff::No;
        }
        match parse(line) {
            Some(found) => {
                known += 1;
                servers += usize::from(matches!(found, Line::Told(name, _) if is_servers(name)));
            }
            None if line.trim_start().starts_with('#') || frame(line).is_some() => {}
            None => others += 1,
        }
    }
    let named = probe.path.contains("sshd_config") || probe.path.contains("sshd-config");
    let most = known * 10 >= (known + others) * 8;
    match servers {
        _ if !most => Sniff::No,
        2.. => Sniff::Sure,
        _ if named && known > 0 => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let (clock, path) = (input.clock, original_path(input.path));
    let mut block: Option<String> = None;
    each_line(input, sink, |text, sink| {
        if !text.text.trim().is_empty() {
            line(text, path, &mut block, clock, sink);
        }
    })?;
    Ok(None)
}

fn line(
    line: &TextLine<'_>,
    path: &str,
    block: &mut Option<String>,
    clock: &Clock,
    sink: &mut dyn Sink,
) {
    let place = Place::Line(line.number);
    let (directive, value) = match parse(&line.text) {
        Some(Line::Told(directive, value)) => (directive, value),
        Some(Line::Other) => return sink.used(1),
        Some(Line::Match(condition)) => {
            *block = Some(condition.to_owned())
                .filter(|condition| !condition.eq_ignore_ascii_case("all"));
            return sink.used(1);
        }
        None => {
            let reason = if line.text.trim_start().starts_with('#') {
                COMMENT
            } else if frame(&line.text).is_some() {
                FRAME
            } else if line.ended {
                "not a directive of sshd"
            } else {
                CUT
            };
            return sink.skip(place, reason);
        }
    };
    let mut attributes = Attributes::new();
    attributes
        .text("unit", "sshd")
        .text("directive", directive)
        .text("value", value);
    match directive {
        "Port" => {
            attributes.texts("listen", [format!("*:{value}")]);
        }
        "ListenAddress" => {
            attributes.texts("listen", [value]);
        }
        _ => {}
    }
    attributes.text_if("match", block.as_deref());
    let is_command = matches!(
        directive,
        "ForceCommand" | "AuthorizedKeysCommand" | "Subsystem"
    ) && value != "none";
    let of = block
        .as_deref()
        .map(|block| format!(" (Match {block})"))
        .unwrap_or_default();
    sink.event(&Event {
        when: clock.collected(),
        path: Some(path.into()),
        command: is_command.then(|| value.into()),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("{directive} {value}{of}").into()),
        line: Some(line.number),
        ..Event::new(action::SERVICE_DEFINED)
    });
    sink.used(1);
}
