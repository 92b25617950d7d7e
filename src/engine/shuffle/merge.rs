//! Merges sorted files by (key, value, split, ordinal).

use std::cmp::Ordering;
use std::io;

use super::{Cursor, Record};

/// Cursors in a binary heap, smallest record on top.
pub struct Merge {
    /// The split that a file's records belong to, and its cursor.
    heap: Vec<(u32, Cursor)>,
}

impl Merge {
    pub fn new(cursors: Vec<(u32, Cursor)>) -> Merge {
        let mut heap: Vec<_> = cursors.into_iter().filter(|(_, cursor)| cursor.record().is_some()).collect();
        heap.sort_by(compare); // a sorted vector is a heap
        Merge { heap }
    }

    /// The smallest record that has not been passed, with its split.
    pub fn peek(&self) -> Option<(u32, Record<'_>)> {
        let (split, cursor) = self.heap.first()?;
        cursor.record().map(|record| (*split, record))
    }

    pub fn advance(&mut self) -> io::Result<()> {
        let Some((_, cursor)) = self.heap.first_mut() else { return Ok(()) };
        cursor.advance()?;
        if cursor.record().is_none() {
            self.heap.swap_remove(0);
        }
        self.sift_down();
        Ok(())
    }

    fn sift_down(&mut self) {
        let mut parent = 0;
        loop {
            let mut child = 2 * parent + 1;
            if child >= self.heap.len() {
                return;
            }
            if child + 1 < self.heap.len() && compare(&self.heap[child + 1], &self.heap[child]) == Ordering::Less {
                child += 1;
            }
            if compare(&self.heap[parent], &self.heap[child]) != Ordering::Greater {
                return;
            }
            self.heap.swap(parent, child);
            parent = child;
        }
    }
}

fn compare(a: &(u32, Cursor), b: &(u32, Cursor)) -> Ordering {
    // A cursor in the heap always stands at a record; `None` sorts first and would be seen at once.
    let order = |split: u32, record: Record<'_>| (record.key, split, record.ordinal);
    match (a.1.record(), b.1.record()) {
        (Some(x), Some(y)) => {
            x.key.cmp(&y.key).then_with(|| x.value.cmp(y.value)).then_with(|| order(a.0, x).cmp(&order(b.0, y)))
        }
        (x, y) => x.is_some().cmp(&y.is_some()),
    }
}
