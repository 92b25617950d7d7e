//! Parts a cluster of candidates into documents that are alike.
//!
//! Members come best first. Each is compared with those before it, unless they are known to belong together; pairs
//! that reach the threshold are united. When what is held of the members has reached its limit, groups are closed: from
//! there on only the document that stays of each group is held, and a further member joins the first of these that it is
//! like, or stays too, to be compared with while there is room. The limit is a constant, so that the answer does not
//! depend on `--memory`.
//!
//! Where many are held, [`Differences`] tell which of them a member may be like, so that ten thousand copies of a text
//! are not compared pair by pair. What they tell is compared all the same: they save time, and decide nothing.

use wanjuan_dedup::minhash::{CutShingles, Differences, estimated};
use wanjuan_filters::kit::Origin;

use super::Verify;
use crate::stage::{Decision, Records};

/// Bytes of what members are compared by that are held of one cluster. Their differences may take twice as much.
const HELD: usize = 8 << 20;
/// Members that are held of one cluster, of which each is looked at for each further member.
const MEMBERS: usize = 1 << 14;
const _: () = assert!(MEMBERS < Differences::MOST);
/// Members that are compared one by one: as soon done as their differences are found.
const FEW: usize = 32;

/// What a member is compared by.
#[derive(Debug)]
pub enum Compared {
    /// Its shingles.
    Shingles(CutShingles),
    /// 16 bits of each of its minima: of different ones, one pair in 65,536 seems equal.
    Minima(Vec<u16>),
}

/// 16 bits of a hash, whatever hash it is.
fn short(hash: u64) -> u16 {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16
}

impl Compared {
    /// The minima of a signature.
    pub fn minima(signature: &[u64]) -> Compared {
        Compared::Minima(signature.iter().map(|&least| short(least ^ least >> 32)).collect())
    }

    /// Appends it to what a member says.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Compared::Shingles(shingles) => shingles.write(out),
            Compared::Minima(minima) => minima.iter().for_each(|least| out.extend_from_slice(&least.to_le_bytes())),
        }
    }

    /// Of how many things it is.
    fn size(&self) -> usize {
        match self {
            Compared::Shingles(shingles) => shingles.len(),
            Compared::Minima(minima) => minima.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Compared::Shingles(shingles) => size_of::<u32>() * shingles.len(),
            Compared::Minima(minima) => size_of::<u16>() * minima.len(),
        }
    }

    /// What [`Differences`] compare: members that are alike have most of it in common.
    fn features(&self) -> Vec<u16> {
        let mut features = Vec::new();
        match self {
            Compared::Shingles(shingles) => shingles.features(&mut features),
            Compared::Minima(minima) => {
                let place = |(place, &least): (usize, &u16)| short((place as u64) << 16 | u64::from(least));
                features.extend(minima.iter().enumerate().map(place));
                wanjuan_dedup::minhash::to_set(&mut features);
            }
        }
        features
    }
}

/// When two members are alike.
#[derive(Debug, Clone, Copy)]
pub struct Likeness {
    /// The similarity from which they are.
    pub threshold: f64,
    /// How it is found.
    pub verify: Verify,
    /// Minima in a signature.
    pub minima: usize,
}

impl Likeness {
    /// What a member is compared by, from all that it said, whose last byte is where that begins; `None` where the bytes
    /// are not those of [`Compared::write`].
    fn read(&self, said: &[u8]) -> Option<Compared> {
        let (&start, said) = said.split_last()?;
        let said = said.get(usize::from(start)..)?;
        if self.verify == Verify::Jaccard {
            return CutShingles::read(said).map(Compared::Shingles);
        }
        match said.as_chunks() {
            (minima, []) if minima.len() == self.minima => {
                Some(Compared::Minima(minima.iter().map(|least| u16::from_le_bytes(*least)).collect()))
            }
            _ => None,
        }
    }

    fn holds(&self, one: &Compared, other: &Compared) -> bool {
        match (one, other) {
            (Compared::Shingles(one), Compared::Shingles(other)) => one.reaches(other, self.threshold),
            (Compared::Minima(one), Compared::Minima(other)) => estimated(one, other) >= self.threshold,
            _ => false, // members of a cluster are compared by the same
        }
    }

    /// In how many things two members that are alike differ at most, as a share of their sizes together.
    fn difference(&self) -> f64 {
        match self.verify {
            // Of a things in both and d in one alone, a / (a + d) is the index.
            Verify::Jaccard => (1.0 - self.threshold) / (1.0 + self.threshold),
            // A place that differs is one thing in each.
            _ => 1.0 - self.threshold,
        }
    }
}

/// A member, and what it is compared by.
struct Member {
    origin: Origin,
    /// Its id, if it is one of an index.
    id: Option<String>,
    compared: Compared,
    /// Number of the first member it belongs with.
    group: usize,
    /// How many stay behind it, itself included.
    size: u64,
}

impl Member {
    fn bytes(&self) -> usize {
        size_of::<Member>() + self.id.as_ref().map_or(0, String::len) + self.compared.bytes()
    }

    /// The decision that another one goes for it.
    fn kept(&self) -> Decision<'_> {
        Decision { kept: Some(self.origin), id: self.id.as_deref(), bytes: &[] }
    }
}

/// The members of a cluster as they come.
struct Coming<'a> {
    likeness: Likeness,
    members: &'a mut dyn Records,
}

impl Coming<'_> {
    fn next(&mut self) -> Option<Member> {
        let (origin, said) = self.members.next()?;
        let Some(compared) = self.likeness.read(said) else {
            self.members.fail("a record holds neither minima nor shingles as this step writes them".to_owned());
            return None;
        };
        Some(Member { origin, id: self.members.id().map(str::to_owned), compared, group: 0, size: 1 })
    }
}

/// Which of the members that are held another one may be like.
struct Search {
    likeness: Likeness,
    /// Of a few members there are none.
    differences: Option<Differences>,
    found: Vec<usize>,
}

impl Search {
    fn new(likeness: Likeness) -> Search {
        Search { likeness, differences: None, found: Vec::new() }
    }

    /// Numbers of those of the members, all of which were added, that this one may be like.
    fn candidates(&mut self, held: usize, member: &Compared) -> &[usize] {
        let Search { differences, found, .. } = self;
        match differences {
            Some(differences) => differences.alike(&member.features(), member.size(), found),
            None => {
                found.clear();
                found.extend(0..held);
            }
        }
        found
    }

    /// Adds the last of the members.
    fn add(&mut self, held: &[Member]) {
        let Some(last) = held.last() else { return };
        // What is common is found anew whenever there are twice as many to tell it.
        if held.len() >= FEW && held.len().is_power_of_two() {
            let features: Vec<Vec<u16>> = held.iter().map(|member| member.compared.features()).collect();
            let mut differences = Differences::new(self.likeness.difference(), features.iter().map(Vec::as_slice));
            for (member, features) in held.iter().zip(&features) {
                differences.add(features, member.compared.size());
            }
            self.differences = Some(differences);
        } else if let Some(differences) = &mut self.differences {
            differences.add(&last.compared.features(), last.compared.size());
        }
    }
}

/// Decides about the members of a cluster.
pub fn reduce(likeness: Likeness, members: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
    let mut coming = Coming { likeness, members };
    let mut held: Vec<Member> = Vec::new();
    let mut bytes = 0;
    let mut search = Search::new(likeness);
    while bytes < HELD && held.len() < MEMBERS {
        let Some(mut member) = coming.next() else { break };
        member.group = held.len();
        for &number in search.candidates(held.len(), &member.compared) {
            let (low, high) = (held[number].group.min(member.group), held[number].group.max(member.group));
            if low != high && likeness.holds(&held[number].compared, &member.compared) {
                // The group of the better one takes the other in.
                held.iter_mut().filter(|held| held.group == high).for_each(|held| held.group = low);
                member.group = low;
            }
        }
        bytes += member.bytes();
        held.push(member);
        search.add(&held);
    }
    for number in 0..held.len() {
        let group = held[number].group;
        if group != number {
            held[group].size += 1;
            decide(held[number].origin, held[group].kept());
        }
    }
    // What stays of each group.
    let mut number = 0;
    held.retain(|member| {
        number += 1;
        member.group + 1 == number
    });
    let mut bytes: usize = held.iter().map(Member::bytes).sum();
    let mut search = Search::new(likeness);
    (1..=held.len()).for_each(|added| search.add(&held[..added]));
    while let Some(member) = coming.next() {
        let candidates = search.candidates(held.len(), &member.compared);
        match candidates.iter().find(|&&number| likeness.holds(&held[number].compared, &member.compared)) {
            Some(&number) => {
                held[number].size += 1;
                decide(member.origin, held[number].kept());
            }
            None if bytes < HELD && held.len() < MEMBERS => {
                bytes += member.bytes();
                held.push(member);
                search.add(&held);
            }
            None => {} // it stays, and nothing is compared with it
        }
    }
    for member in held.iter().filter(|member| member.size > 1) {
        decide(member.origin, Decision { bytes: &member.size.to_le_bytes(), ..Decision::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Said(std::vec::IntoIter<(Origin, Vec<u8>)>, Vec<u8>);

    impl Records for Said {
        fn next(&mut self) -> Option<(Origin, &[u8])> {
            let (origin, said) = self.0.next()?;
            self.1 = said;
            Some((origin, &self.1))
        }
    }

    /// By document: the one kept in its stead, or how many it stands for.
    type Decided = Vec<(u64, Result<u64, u64>)>;

    fn decided(likeness: Likeness, members: Vec<Compared>) -> Decided {
        let said = |(number, compared): (usize, Compared)| {
            let mut out = vec![9; 3]; // a rank
            compared.write(&mut out);
            out.push(3);
            (Origin { split: 0, ordinal: number as u64 }, out)
        };
        let mut found = Vec::new();
        let mut members = Said(members.into_iter().enumerate().map(said).collect::<Vec<_>>().into_iter(), Vec::new());
        reduce(likeness, &mut members, &mut |origin, decision| {
            let what = match decision.kept {
                Some(kept) => Ok(kept.ordinal),
                None => Err(u64::from_le_bytes(decision.bytes.try_into().unwrap())),
            };
            found.push((origin.ordinal, what));
        });
        found.sort();
        found
    }

    fn of_sets(sets: &[Vec<u64>], threshold: f64) -> Decided {
        let members = sets.iter().map(|set| Compared::Shingles(CutShingles::new(&mut set.clone()))).collect();
        decided(Likeness { threshold, verify: Verify::Jaccard, minima: 0 }, members)
    }

    /// What is decided where all pairs are compared, and groups are what hangs together.
    fn plain(members: usize, alike: impl Fn(usize, usize) -> bool) -> Decided {
        let mut labels: Vec<usize> = (0..members).collect();
        for one in 0..members {
            for other in (0..one).filter(|&other| alike(one, other)) {
                let (low, high) = (labels[one].min(labels[other]), labels[one].max(labels[other]));
                labels.iter_mut().filter(|label| **label == high).for_each(|label| *label = low);
            }
        }
        let size = |label: usize| labels.iter().filter(|&&other| other == label).count() as u64;
        let of = |(number, &label): (usize, &usize)| match number == label {
            true => (size(label) > 1).then(|| (number as u64, Err(size(label)))),
            false => Some((number as u64, Ok(label as u64))),
        };
        labels.iter().enumerate().filter_map(of).collect()
    }

    #[test]
    fn a_chain_is_parted_where_it_is_thin_and_documents_that_are_alone_are_not_decided_about() {
        let set = |range: std::ops::Range<u64>| range.collect::<Vec<_>>();
        let sets = [set(0..100), set(5..105), set(60..160), set(200..300), set(62..162)];
        assert_eq!(of_sets(&sets, 0.8), [(0, Err(2)), (1, Ok(0)), (2, Err(2)), (4, Ok(2))]);
    }

    #[test]
    fn a_cluster_of_any_size_is_decided_about() {
        // Each set takes a quarter of a megabyte, so that 32 of them are held.
        let set = |kind: u64| (0..65_536).map(|shingle| shingle << 8 | kind).collect::<Vec<_>>();
        let sets: Vec<Vec<u64>> = (0..100).map(|number| set(number % 40)).collect();
        let found = of_sets(&sets, 0.8);
        // 40 kinds: those seen before the limit stay and take the others in; the rest stay one by one.
        for &(ordinal, what) in &found {
            if let Ok(kept) = what {
                assert_eq!((kept, kept % 40), (ordinal % 40, ordinal % 40));
            }
        }
        let dropped = found.iter().filter(|(_, what)| what.is_ok()).count();
        assert_eq!(dropped, 32 + 20);
    }

    #[test]
    fn a_cluster_of_many_short_texts_is_decided_about() {
        // Four in five shingles of all are the same. Of every two one is a copy of the first, the other of no one.
        let set = |number: u64| {
            let own = if number.is_multiple_of(2) { 0 } else { number };
            (0..20).map(|shingle| if shingle < 16 { shingle } else { own << 32 | shingle }).collect::<Vec<u64>>()
        };
        let many = MEMBERS as u64 + 5000;
        let sets: Vec<Vec<u64>> = (0..many).map(set).collect();
        let found = of_sets(&sets, 0.8);
        let copies = many / 2 - 1;
        assert_eq!(found.len() as u64, copies + 1);
        assert_eq!(found[0], (0, Err(copies + 1)));
        assert!(found[1..].iter().all(|&(ordinal, what)| ordinal % 2 == 0 && what == Ok(0)));
    }

    proptest! {
        /// Copies of one text, each changed here and there: some twice as many as are compared one by one.
        #[test]
        fn groups_are_the_components_of_pairs_that_are_alike(
            changes in prop::collection::vec(prop::collection::vec((0..24_u64, 0..3_u64), 0..9), 1..90),
            threshold in prop_oneof![Just(0.5), Just(0.8), Just(1.0), 0.01..1.0_f64],
        ) {
            let changed = |changes: &Vec<(u64, u64)>| {
                let mut set: std::collections::BTreeMap<u64, u64> = (0..24).map(|at| (at, 0)).collect();
                changes.iter().for_each(|&(at, how)| match how {
                    0 => drop(set.remove(&at)),
                    how => drop(set.insert(at, how)),
                });
                set.into_iter().map(|(at, how)| at << 8 | how).collect::<Vec<u64>>()
            };
            let sets: Vec<Vec<u64>> = changes.iter().map(changed).collect();
            let expected = plain(sets.len(), |one, other| {
                let shared = sets[one].iter().filter(|shingle| sets[other].contains(shingle)).count();
                let all = sets[one].len() + sets[other].len() - shared;
                shared as f64 / all.max(1) as f64 >= threshold
            });
            prop_assert_eq!(of_sets(&sets, threshold), expected);

            let signature = |changes: &Vec<(u64, u64)>| {
                let mut signature = [0; 24];
                changes.iter().for_each(|&(at, how)| signature[at as usize] = how << 20);
                signature
            };
            let signatures: Vec<[u64; 24]> = changes.iter().map(signature).collect();
            let expected = plain(signatures.len(), |one, other| estimated(&signatures[one], &signatures[other]) >= threshold);
            let members = signatures.iter().map(|signature| Compared::minima(signature)).collect();
            prop_assert_eq!(decided(Likeness { threshold, verify: Verify::Signature, minima: 24 }, members), expected);
        }
    }
}
