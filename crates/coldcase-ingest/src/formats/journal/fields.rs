//! The fields of one journal entry that rows are made of, whichever of the shapes it came in.

use std::borrow::Cow;

/// Most of a field's value that is taken, in bytes. journald cuts lines at 48 KiB; core dumps of old versions and
/// binary blobs are longer and no row needs them.
pub const LONGEST_VALUE: usize = 64 << 10;

/// Longest name that journald takes for a field.
const LONGEST_NAME: usize = 64;

macro_rules! fields {
    ($($member:ident $name:literal)*) => {
        /// Values by what they mean; of a field that occurs several times the first.
        #[derive(Debug, Default, Clone, PartialEq, Eq)]
        pub struct Fields<'a> {
            $(#[doc = $name] pub $member: Option<Cow<'a, str>>,)*
        }

        impl<'a> Fields<'a> {
            fn slot(&mut self, name: &[u8]) -> Option<&mut Option<Cow<'a, str>>> {
                match std::str::from_utf8(name).ok()? {
                    $($name => Some(&mut self.$member),)*
                    _ => None,
                }
            }
        }
    };
}

fields! {
    cursor "__CURSOR"
    realtime "__REALTIME_TIMESTAMP"
    monotonic "__MONOTONIC_TIMESTAMP"
    source_realtime "_SOURCE_REALTIME_TIMESTAMP"
    boot_id "_BOOT_ID"
    message "MESSAGE"
    identifier "SYSLOG_IDENTIFIER"
    comm "_COMM"
    syslog_pid "SYSLOG_PID"
    pid "_PID"
    host "_HOSTNAME"
    unit "_SYSTEMD_UNIT"
    user_unit "_SYSTEMD_USER_UNIT"
    cgroup "_SYSTEMD_CGROUP"
    subject_unit "UNIT"
    subject_user_unit "USER_UNIT"
    exe "_EXE"
    command "_CMDLINE"
    uid "_UID"
    priority "PRIORITY"
    transport "_TRANSPORT"
    container_id "CONTAINER_ID_FULL"
    container_short_id "CONTAINER_ID"
    container_name "CONTAINER_NAME"
    container_image "IMAGE_NAME"
    podman_event "PODMAN_EVENT"
    podman_type "PODMAN_TYPE"
    podman_id "PODMAN_ID"
    podman_name "PODMAN_NAME"
    podman_image "PODMAN_IMAGE"
    podman_exit_code "PODMAN_EXIT_CODE"
    audit_type "_AUDIT_TYPE"
    audit_type_name "_AUDIT_TYPE_NAME"
    audit_id "_AUDIT_ID"
    audit_session "_AUDIT_SESSION"
    audit_login_uid "_AUDIT_LOGINUID"
    audit_account "AUDIT_FIELD_ACCT"
    audit_exe "AUDIT_FIELD_EXE"
    audit_address "AUDIT_FIELD_ADDR"
    audit_terminal "AUDIT_FIELD_TERMINAL"
    audit_operation "AUDIT_FIELD_OP"
    audit_result "AUDIT_FIELD_RES"
}

impl<'a> Fields<'a> {
    /// Whether rows need the field of this name.
    pub fn wants(name: &[u8]) -> bool {
        Fields::default().slot(name).is_some()
    }

    /// Sets a field; a second value of the same name and names that no row needs are left aside.
    pub fn set(&mut self, name: &[u8], value: &'a [u8]) {
        if let Some(slot @ None) = self.slot(name) {
            *slot = Some(text(value));
        }
    }

    /// The same with a value that lives nowhere else.
    pub fn set_owned(&mut self, name: &[u8], value: &[u8]) {
        if let Some(slot @ None) = self.slot(name) {
            *slot = Some(Cow::Owned(text(value).into_owned()));
        }
    }
}

/// A value as text, cut where it is too long; bytes that are not UTF-8 become U+FFFD.
fn text(value: &[u8]) -> Cow<'_, str> {
    let value = value.get(..LONGEST_VALUE).unwrap_or(value);
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        // The cut may have split a character.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(value.get(..error.valid_up_to()).unwrap_or_default())
        }
        Err(_) => String::from_utf8_lossy(value),
    }
}

/// Whether bytes are a field's name: capitals, digits and `_`.
pub fn is_name(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    !bytes.is_empty()
        && bytes.len() <= LONGEST_NAME
        && !bytes.first().is_some_and(u8::is_ascii_digit)
        && bytes.iter().all(plain)
}
