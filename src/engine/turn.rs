//! How many huge documents are under way at once.
//!
//! The views of a text (its words, their runs, what was counted) take many times the text's own room. For most
//! documents that is nothing. Huge ones take turns within a budget, and each is worked on by a thread of its own,
//! so that whatever steps keep from one document to the next, they do not keep from these.

use std::sync::{Condvar, Mutex};

/// A document as long as this is huge, in bytes.
pub const HUGE: usize = 1 << 20;

/// Bytes that the views of a text may take for each byte of it: one for every two bytes at the worst, since words of
/// one letter have spaces between. Measured by `a_few_huge_documents_stay_within_the_budget` in `tests/it`.
const VIEWS: usize = 32;

/// Lets huge documents in while there is room.
pub struct Turns {
    budget: usize,
    taken: Mutex<usize>,
    given_back: Condvar,
}

/// Gives the room back when it is dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    room: usize,
}

impl Turns {
    /// Room for so many bytes of views.
    pub fn new(budget: usize) -> Turns {
        Turns { budget, taken: Mutex::new(0), given_back: Condvar::new() }
    }

    /// Waits until there is room for the views of a text of so many bytes, or no other is under way.
    pub fn take(&self, bytes: usize) -> Turn<'_> {
        let room = bytes.saturating_mul(VIEWS);
        let taken = self.taken.lock().expect("nothing panics while it holds this lock");
        let full = |taken: &mut usize| *taken > 0 && taken.saturating_add(room) > self.budget;
        let mut taken = self.given_back.wait_while(taken, full).expect("nothing panics while it holds this lock");
        *taken = taken.saturating_add(room);
        Turn { turns: self, room }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Ok(mut taken) = self.turns.taken.lock() {
            *taken -= self.room;
        }
        self.turns.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_are_under_way_than_there_is_room_for_and_one_always_is() {
        for (budget, most) in [(0, 1), (2 * 10 * VIEWS, 2), (usize::MAX, 8)] {
            let (turns, now, peak) = (Turns::new(budget), AtomicUsize::new(0), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..50 {
                            let _turn = turns.take(10);
                            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            std::thread::yield_now();
                            now.fetch_sub(1, Ordering::SeqCst);
                        }
                    });
                }
            });
            assert!((1..=most).contains(&peak.into_inner()), "{budget}");
        }
    }
}
