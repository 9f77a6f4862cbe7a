//! One artifact read by two threads where a core is idle, by one where none is, with the same result: pieces are
//! made one after the other and used in that order, and the next may be made while one is used.

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

    /// Makes pieces until `make` says that there is no further one, and hands each to `take`, in order. Two
    /// pieces exist, so that their buffers stay; `make` gets an old one to fill anew.
    pub fn in_step<P: Default + Send>(
        self,
        mut make: impl FnMut(&mut P) -> bool + Send,
        mut take: impl FnMut(&mut P),
    ) {
        let (mut piece, mut next) = (P::default(), P::default());
        let mut more = make(&mut piece);
        while more {
            if self.is_idle.is_some_and(|is_idle| is_idle()) {
                let (make, more, into) = (&mut make, &mut more, &mut next);
                rayon::in_place_scope(|scope| {
                    scope.spawn(|_| *more = make(into));
                    take(&mut piece);
                });
                std::mem::swap(&mut piece, &mut next);
            } else {
                take(&mut piece);
                more = make(&mut piece);
            }
        }
    }
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
        let sometimes = || {
            calls
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
                .is_multiple_of(3)
        };
        check(Cores::asking(&sometimes));
    }
}
