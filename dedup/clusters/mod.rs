//! Connected components of any number of links, within a fixed memory, with the same answer every time.
//!
//! Nodes are numbers; the label of a node is the smallest number of its component, which depends on the
//! links alone. Links may come in any order, from any thread, and more than once.
//!
//! Nodes are cut into ranges whose forest fits in memory. From the highest range down, links within a
//! range are united, and each of its components keeps the smallest node below the range that it touches;
//! the other nodes it touches are linked to that one, and wait with their own range. Then, from the
//! lowest range up, each component asks the node it kept for its label. A range hands on no more links than
//! it read, so disk and time grow with links times ranges at worst, memory not at all. With one range this is
//! a plain union-find, and no file is written. (Time-forward processing after Chiang et al.,
//! "External-Memory Graph Algorithms", SODA 1995, sec. 2; union by compare-and-swap after Anderson and Woll,
//! STOC 1991, with the smaller root on top.)

mod forest;
mod pairs;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use forest::Forest;
use pairs::Pairs;

/// Bytes of memory for a node: where it hangs, and what it touches or how it is labelled.
const NODE: u64 = 12;
/// A component that touches no lower range, or a node whose label is not known yet.
const NONE: u64 = u64::MAX;
/// Marks the label of a component of more than one node.
const MANY: u64 = 1 << 63;

/// Links between nodes, and the components they make.
pub struct Clusters {
    nodes: u64,
    /// Nodes of a range.
    span: u64,
    threads: usize,
    folder: PathBuf,
    /// All of it, where there is one range.
    whole: Option<Forest>,
    /// Links whose nodes share a range: the larger, the smaller.
    within: Pairs,
    /// Links to a lower range, with the range of the larger node.
    across: Pairs,
    /// What a component touches below its range, and the root that asks for its label; with the range of
    /// the node that is asked.
    asks: Pairs,
    /// The root that asked, and its label; with the root's range.
    answers: Pairs,
}

impl Clusters {
    /// For nodes below `nodes`, in `memory` bytes, with files in `folder`, which must be empty.
    pub fn new(nodes: u64, memory: u64, folder: &Path, threads: usize) -> Clusters {
        // Half is for the buffers before files, of which there are some for every range.
        let span = (memory / 2 / NODE).clamp(1 << 10, u64::from(u32::MAX)).min(nodes.max(1));
        let ranges = nodes.div_ceil(span).max(1);
        let buffer = (memory / 2 / 4 / ranges).clamp(1 << 10, 1 << 20) as usize;
        let pairs = |name: &str| Pairs::new(folder.join(name), ranges as usize, buffer);
        Clusters {
            nodes,
            span,
            threads: threads.max(1),
            folder: folder.to_owned(),
            whole: (ranges == 1).then(|| Forest::new(nodes as u32)),
            within: pairs("within"),
            across: pairs("across"),
            asks: pairs("asks"),
            answers: pairs("answers"),
        }
    }

    /// Says that two nodes belong together.
    pub fn link(&self, one: u64, other: u64) -> io::Result<()> {
        let (low, high) = (one.min(other), one.max(other));
        assert!(high < self.nodes, "nodes lie below the number that was announced");
        match &self.whole {
            _ if low == high => Ok(()),
            Some(forest) => {
                forest.unite(low as u32, high as u32);
                Ok(())
            }
            None => self.wait(low, high),
        }
    }

    fn wait(&self, low: u64, high: u64) -> io::Result<()> {
        let range = self.range(high);
        let pairs = if self.range(low) == range { &self.within } else { &self.across };
        pairs.push(range, (high, low))
    }

    fn range(&self, node: u64) -> usize {
        (node / self.span) as usize
    }

    /// The first node of a range.
    fn first(&self, range: usize) -> u64 {
        range as u64 * self.span
    }

    fn forest_file(&self, range: usize) -> PathBuf {
        self.folder.join(format!("forest-{range}"))
    }

    /// Tells each node that is not alone, in order, with its label.
    pub fn label(mut self, mut each: impl FnMut(u64, u64) -> io::Result<()>) -> io::Result<()> {
        if let Some(forest) = self.whole.take() {
            let labels = unknown(forest.len());
            return tell(&forest, &labels, 0, &mut each);
        }
        let ranges = self.nodes.div_ceil(self.span) as usize;
        for range in (0..ranges).rev() {
            self.unite(range)?;
        }
        for range in 0..ranges {
            let first = self.first(range);
            let file = self.forest_file(range);
            let forest = Forest::read(&file)?;
            fs::remove_file(&file)?;
            let labels = unknown(forest.len());
            self.answers.take(range, self.threads, |(root, label)| {
                labels[(root - first) as usize].store(label | MANY, Relaxed);
                Ok(())
            })?;
            self.asks.take(range, self.threads, |(asked, root)| {
                let known = &labels[forest.root((asked - first) as u32) as usize];
                let own = first + u64::from(forest.root((asked - first) as u32));
                let label = match known.load(Relaxed) {
                    NONE => own,
                    label => label & !MANY,
                };
                known.store(label | MANY, Relaxed); // every thread that comes by stores the same
                self.answers.push(self.range(root), (root, label))
            })?;
            tell(&forest, &labels, first, &mut each)?;
        }
        Ok(())
    }

    /// Unites what lies in one range, and hands on what it touches below.
    fn unite(&self, range: usize) -> io::Result<()> {
        let first = self.first(range);
        let forest = Forest::new(self.span.min(self.nodes - first) as u32);
        self.within.take(range, self.threads, |(high, low)| {
            forest.unite((low - first) as u32, (high - first) as u32);
            Ok(())
        })?;
        let root = |node: u64| forest.root((node - first) as u32) as usize;
        let touched = unknown(forest.len());
        self.across.read(range, self.threads, |(high, low)| {
            touched[root(high)].fetch_min(low, Relaxed);
            Ok(())
        })?;
        self.across.take(range, self.threads, |(high, low)| {
            let smallest = touched[root(high)].load(Relaxed);
            if smallest == low { Ok(()) } else { self.wait(smallest, low) }
        })?;
        for (root, touched) in touched.iter().enumerate() {
            let asked = touched.load(Relaxed);
            if asked != NONE {
                self.asks.push(self.range(asked), (asked, first + root as u64))?;
            }
        }
        forest.write(&self.forest_file(range))
    }
}

fn unknown(nodes: usize) -> Vec<AtomicU64> {
    (0..nodes).map(|_| AtomicU64::new(NONE)).collect()
}

/// Tells the nodes of a range. `labels` knows those of components that reach beyond it.
fn tell(
    forest: &Forest,
    labels: &[AtomicU64],
    first: u64,
    each: &mut impl FnMut(u64, u64) -> io::Result<()>,
) -> io::Result<()> {
    for node in 0..forest.len() {
        let root = forest.root(node as u32) as usize;
        if root != node && labels[root].load(Relaxed) == NONE {
            labels[root].store((first + root as u64) | MANY, Relaxed);
        }
    }
    for node in 0..forest.len() {
        let label = labels[forest.root(node as u32) as usize].load(Relaxed);
        if label != NONE {
            each(first + node as u64, label & !MANY)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Labels by walking from node to node.
    fn plain(nodes: u64, links: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let mut labels: Vec<u64> = (0..nodes).collect();
        loop {
            let before = labels.clone();
            for &(one, other) in links {
                let smaller = labels[one as usize].min(labels[other as usize]);
                labels[one as usize] = smaller;
                labels[other as usize] = smaller;
            }
            for node in 0..nodes as usize {
                labels[node] = labels[labels[node] as usize];
            }
            if labels == before {
                break;
            }
        }
        let mut sizes = vec![0; nodes as usize];
        labels.iter().for_each(|&label| sizes[label as usize] += 1);
        (0..nodes).zip(labels).filter(|&(_, label)| sizes[label as usize] > 1).collect()
    }

    fn labelled(nodes: u64, links: &[(u64, u64)], memory: u64, threads: usize) -> Vec<(u64, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let clusters = Clusters::new(nodes, memory, folder.path(), threads);
        std::thread::scope(|scope| {
            for part in links.chunks(links.len().div_ceil(threads).max(1)) {
                let clusters = &clusters;
                scope.spawn(move || part.iter().for_each(|&(one, other)| clusters.link(one, other).unwrap()));
            }
        });
        let mut found = Vec::new();
        clusters
            .label(|node, label| {
                found.push((node, label));
                Ok(())
            })
            .unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "files are taken away once they are read");
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The least memory gives ranges of 1,024 nodes.
        #[test]
        fn ranges_and_threads_do_not_show(
            nodes in 1..8000u64,
            links in prop::collection::vec((any::<u64>(), any::<u64>()), 0..4000),
            near in any::<bool>(),
            threads in 1..4usize,
        ) {
            let links: Vec<(u64, u64)> = links
                .iter()
                .map(|&(one, other)| {
                    let one = one % nodes;
                    (one, if near { (one + other % 1500) % nodes } else { other % nodes })
                })
                .collect();
            let expected = plain(nodes, &links);
            prop_assert_eq!(&labelled(nodes, &links, 1 << 20, threads), &expected);
            prop_assert_eq!(&labelled(nodes, &links, 0, threads), &expected);
        }
    }

    #[test]
    fn a_chain_over_all_ranges_has_one_label() {
        let links: Vec<(u64, u64)> = (1..20_000).map(|node| (node, (node * 7919) % node)).collect();
        let found = labelled(20_000, &links, 0, 2);
        assert_eq!(found.len(), 20_000);
        assert!(found.iter().all(|&(_, label)| label == 0));
    }
}
