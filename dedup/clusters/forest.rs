//! A union-find that threads share.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Nodes that hang from others; a root hangs from itself, and is the smallest of its tree.
pub struct Forest {
    above: Vec<AtomicU32>,
}

impl Forest {
    /// Every node alone.
    pub fn new(nodes: u32) -> Forest {
        Forest { above: (0..nodes).map(AtomicU32::new).collect() }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.above.len()
    }

    /// The root of a node's tree, and halves the way to it. While others unite, it may be a root no longer.
    pub fn root(&self, mut node: u32) -> u32 {
        loop {
            let above = self.above[node as usize].load(Relaxed);
            if above == node {
                return node;
            }
            let over = self.above[above as usize].load(Relaxed);
            if over != above {
                // Another thread may have put the node higher meanwhile; either is right.
                let _ = self.above[node as usize].compare_exchange_weak(above, over, Relaxed, Relaxed);
            }
            node = over;
        }
    }

    /// Hangs the larger of two roots below the smaller: which root wins does not depend on the order.
    pub fn unite(&self, one: u32, other: u32) {
        let (mut one, mut other) = (one, other);
        loop {
            one = self.root(one);
            other = self.root(other);
            let (low, high) = (one.min(other), one.max(other));
            if low == high || self.above[high as usize].compare_exchange(high, low, Relaxed, Relaxed).is_ok() {
                return;
            }
        }
    }

    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        for above in &self.above {
            file.write_all(&above.load(Relaxed).to_le_bytes())?;
        }
        file.flush()
    }

    pub fn read(path: &Path) -> io::Result<Forest> {
        let file = File::open(path)?;
        let nodes = file.metadata()?.len() as usize / 4;
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut above = Vec::with_capacity(nodes);
        let mut word = [0; 4];
        for _ in 0..nodes {
            file.read_exact(&mut word)?;
            above.push(AtomicU32::new(u32::from_le_bytes(word)));
        }
        Ok(Forest { above })
    }
}
