//! Compares each of many vectors with those before it, in bounded memory and time.

use std::collections::VecDeque;

use super::Vector;

/// The latest vectors of a key, each with what it is about.
pub struct Window<T> {
    most: usize,
    threshold: f64,
    held: VecDeque<Held<T>>,
    seen: u64,
}

struct Held<T> {
    vector: Vector,
    about: T,
    /// The first that it hangs together with.
    group: u64,
}

impl<T: Copy> Window<T> {
    /// Holds at most so many vectors; those whose cosine reaches the threshold are linked.
    pub fn new(most: usize, threshold: f64) -> Window<T> {
        Window { most: most.max(1), threshold, held: VecDeque::new(), seen: 0 }
    }

    /// Links the next vector to those held that it is like: to one of each group, since what is linked to one hangs
    /// together with all of it. A vector equal to the one before it is linked and not held.
    pub fn push(&mut self, vector: Vector, about: T, link: &mut dyn FnMut(T, T)) {
        if let Some(last) = self.held.back().filter(|last| last.vector == vector && vector.cosine(&vector) > 0.0) {
            return link(last.about, about);
        }
        let mut group = self.seen;
        for number in 0..self.held.len() {
            let held = &self.held[number];
            if held.group != group && held.vector.cosine(&vector) >= self.threshold {
                link(held.about, about);
                let (low, high) = (held.group.min(group), held.group.max(group));
                if high != self.seen {
                    self.held.iter_mut().filter(|held| held.group == high).for_each(|held| held.group = low);
                }
                group = low;
            }
        }
        if self.held.len() == self.most {
            self.held.pop_front();
        }
        self.held.push_back(Held { vector, about, group });
        self.seen += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first that each hangs together with, by all pairs that are fewer than `most` apart.
    fn plain(vectors: &[Vec<i16>], threshold: f64, most: usize) -> Vec<usize> {
        let vectors: Vec<Vector> = vectors.iter().cloned().map(Vector::new).collect();
        let mut links = Vec::new();
        for one in 0..vectors.len() {
            let from = one.saturating_sub(most);
            links.extend(
                (from..one)
                    .filter(|&other| vectors[one].cosine(&vectors[other]) >= threshold)
                    .map(|other| (other, one)),
            );
        }
        components(vectors.len(), &links)
    }

    fn components(count: usize, links: &[(usize, usize)]) -> Vec<usize> {
        let mut labels: Vec<usize> = (0..count).collect();
        for &(one, other) in links {
            let (low, high) = (labels[one].min(labels[other]), labels[one].max(labels[other]));
            labels.iter_mut().filter(|label| **label == high).for_each(|label| *label = low);
        }
        labels
    }

    fn linked(vectors: &[Vec<i16>], threshold: f64, most: usize) -> Vec<(usize, usize)> {
        let (mut window, mut links) = (Window::new(most, threshold), Vec::new());
        for (number, vector) in vectors.iter().enumerate() {
            window.push(Vector::new(vector.clone()), number, &mut |one, other| links.push((one, other)));
        }
        links
    }

    #[test]
    fn equal_vectors_take_one_place_and_one_link_each() {
        let vectors: Vec<Vec<i16>> = [[3, 4]; 5].into_iter().chain([[4, 3]]).map(Vec::from).collect();
        assert_eq!(linked(&vectors, 0.9, 1), [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]);
    }

    #[test]
    fn what_has_left_the_window_is_not_compared() {
        let vectors: Vec<Vec<i16>> = [[1, 0], [0, 1], [-1, 0], [2, 0]].map(Vec::from).to_vec();
        assert_eq!(linked(&vectors, 0.9, 3), [(0, 3)]);
        assert_eq!(linked(&vectors, 0.9, 2), []);
    }

    proptest! {
        #[test]
        fn links_hang_together_as_all_pairs_do(
            vectors in prop::collection::vec(prop::collection::vec(-3_i16..4, 3), 0..30),
            threshold in 0.5_f64..1.0,
        ) {
            let links = linked(&vectors, threshold, 64);
            prop_assert_eq!(components(vectors.len(), &links), plain(&vectors, threshold, 64));
            prop_assert!(links.len() < vectors.len().max(1), "a forest");
        }
    }
}
