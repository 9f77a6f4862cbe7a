//! What the system offers to put one folder in the place of another: an exchange as one step, where it has one.

use std::io;
use std::path::Path;

/// Exchanges two folders as one step: at no moment is one of the names without a folder.
#[cfg(target_os = "linux")]
pub(crate) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).map_err(io::Error::from)
}

/// Not offered here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether this error says that the system or its file system can't exchange: `ENOSYS`, `EOPNOTSUPP`, or `EINVAL`, which
/// file systems give that don't know the flag.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::Unsupported | Kind::InvalidInput)
}

/// Whether a file system is mounted at this path, so that it can't be renamed.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let told = statx(
        CWD,
        path,
        AtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::BASIC_STATS,
    );
    told.is_ok_and(|told| told.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Not told here; renaming then fails with the system's reason.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount_point(_: &Path) -> bool {
    false
}
