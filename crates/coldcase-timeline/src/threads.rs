//! The threads that columns are worked on with.

use polars_core::runtime::THREAD_POOL;
use rayon::ThreadPool;

/// The threads of polars. Who works in another pool waits for these at each step over columns, and begins meanwhile
/// with other work, which then holds up its own.
pub fn threads() -> &'static ThreadPool {
    &THREAD_POOL
}
