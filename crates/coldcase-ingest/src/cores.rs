//! One artifact read by two threads where a core is idle, by one where none is, with the same result: pieces are
//! made one after the other and used in that order, and some may be made before they are used.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pieces made before they are used, at most: a second thread comes when half of them are, so that it need not be woken for each.
const AHEAD: usize = 8;

/// Says whether a core would be idle while an artifact is read by one thread.
#[derive(Clone, Copy, Default)]
pub struct Cores<'a> {
    is_idle: Option<&'a (dyn Fn() -> bool + Sync)>,
}

impl<'a> Cores<'a> {
    /// No core beside the one that reads.
    pub const ONE: Self = Self { is_idle: None };

    /// Asked before each piece; what it answers changes nothing but the time that reading takes.
    pub fn asking(is_idle: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self {
            is_idle: Some(is_idle),
        }
    }

    /// Makes pieces until `make` says that there is no further one, and hands each to `take`, in order. `make` gets an
    /// old one to fill anew.
    pub fn in_step<P: Default + Send>(
        self,
        make: impl FnMut(&mut P) -> bool + Send,
        mut take: impl FnMut(&mut P),
    ) {
        let pieces = Pieces {
            maker: Mutex::new(Maker {
                make,
                is_over: false,
            }),
            made: Mutex::default(),
            used: Mutex::default(),
            is_helped: AtomicBool::new(false),
        };
        let pieces = &pieces;
        rayon::in_place_scope(|scope| {
            while let Some(mut piece) = pieces.next() {
                if self.is_idle.is_some_and(|is_idle| is_idle()) && pieces.wants_help() {
                    scope.spawn(|_| pieces.help());
                }
                take(&mut piece);
                lock(&pieces.used).push(piece);
            }
        });
    }
}

/// Pieces between those who make and who use them.
struct Pieces<P, M> {
    maker: Mutex<Maker<M>>,
    /// In order.
    made: Mutex<VecDeque<P>>,
    /// To be filled anew.
    used: Mutex<Vec<P>>,
    is_helped: AtomicBool,
}

struct Maker<M> {
    make: M,
    is_over: bool,
}

impl<P: Default, M: FnMut(&mut P) -> bool> Pieces<P, M> {
    /// The next piece, made here if it is not made yet.
    fn next(&self) -> Option<P> {
        let made = || lock(&self.made).pop_front();
        made().or_else(|| {
            let mut maker = lock(&self.maker);
            // Who made the one before may have made this one as well.
            made().or_else(|| self.one(&mut maker))
        })
    }

    fn one(&self, maker: &mut Maker<M>) -> Option<P> {
        if maker.is_over {
            return None;
        }
        let mut piece = lock(&self.used).pop().unwrap_or_default();
        maker.is_over = !(maker.make)(&mut piece);
        (!maker.is_over).then_some(piece)
    }

    /// Whether few pieces are left, and nobody is on the way to make more.
    fn wants_help(&self) -> bool {
        lock(&self.made).len() <= AHEAD / 2 && !self.is_helped.swap(true, Ordering::AcqRel)
    }

    /// Makes pieces until there are enough.
    fn help(&self) {
        while lock(&self.made).len() < AHEAD {
            let mut maker = lock(&self.maker);
            let Some(piece) = self.one(&mut maker) else {
                break;
            };
            lock(&self.made).push_back(piece);
        }
        self.is_helped.store(false, Ordering::Release);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cores: Cores<'_>) {
        let mut made = 0;
        let mut taken = Vec::new();
        cores.in_step(
            |piece: &mut u32| {
                made += 1;
                *piece = made;
                made <= 100
            },
            |piece| taken.push(*piece),
        );
        assert_eq!(taken, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn pieces_come_in_order_with_and_without_a_second_core() {
        check(Cores::ONE);
        check(Cores::asking(&|| true));
        let calls = std::sync::atomic::AtomicU32::new(0);
        let sometimes = || calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
        check(Cores::asking(&sometimes));
    }

    #[test]
    fn the_room_of_pieces_is_used_again() {
        let most = std::sync::atomic::AtomicUsize::new(0);
        let mut made = 0;
        Cores::asking(&|| true).in_step(
            |piece: &mut Vec<u8>| {
                if piece.is_empty() {
                    piece.push(0);
                    most.fetch_add(1, Ordering::Relaxed);
                }
                made += 1;
                made <= 1_000
            },
            |piece| assert_eq!(piece.len(), 1),
        );
        assert!(most.into_inner() <= AHEAD + 2);
    }
}
