//! Parts a cluster of candidates into documents that are alike.
//!
//! Members come best first. Each is compared with those before it, pair by pair, unless they are known to
//! belong together; pairs that reach the threshold are united. When what is held of the members has
//! reached its limit, groups are closed: from there on only the document that stays of each group is held, and
//! a further member joins the first of these that it is like, or stays too, to be compared with while there
//! is room. The limit is a constant, so that the answer does not depend on `--memory`.

use wanjuan_dedup::minhash::{estimated, reaches, to_set};
use wanjuan_filters::kit::Origin;

use super::Verify;
use crate::stage::{Decision, Records};

/// Bytes of signatures and shingles that are held of one cluster.
const HELD: usize = 16 << 20;
/// Shingles of a document that are compared: of more, those with the smallest hashes.
const SHINGLES: usize = 1 << 16;
/// Exact similarity is asked for where the estimate is no further below the threshold than so many standard
/// deviations of it: one pair in 30,000 is further off.
const DEVIATIONS: f64 = 4.0;

/// Why a record is refused.
const NEITHER: &str = "a record holds neither a signature nor shingles as this step writes them";

/// Appends what a member is compared by: the lower halves of its minima, 32 bits of each of its shingles, and
/// where they start. Of two texts of 65,536 shingles one pair meets by chance.
pub fn write(signature: &[u64], shingles: &mut Vec<u64>, out: &mut Vec<u8>) {
    let start = out.len() as u32;
    signature.iter().for_each(|&least| out.extend_from_slice(&(least as u32).to_le_bytes()));
    if shingles.len() > SHINGLES {
        to_set(shingles);
        shingles.truncate(SHINGLES);
    }
    let mut short: Vec<u32> = shingles.iter().map(|shingle| (shingle ^ shingle >> 32) as u32).collect();
    to_set(&mut short);
    short.iter().for_each(|shingle| out.extend_from_slice(&shingle.to_le_bytes()));
    out.extend_from_slice(&(signature.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
}

/// A member, and what it is compared by.
struct Member {
    origin: Origin,
    /// Its id, if it is one of an index.
    id: Option<String>,
    signature: Vec<u64>,
    shingles: Vec<u64>,
    /// Number of the first member it belongs with.
    group: usize,
}

impl Member {
    /// `None` where the bytes are not those of [`write`].
    fn read(origin: Origin, said: &[u8], group: usize) -> Option<Member> {
        let (rest, start) = said.split_last_chunk()?;
        let (rest, minima) = rest.split_last_chunk()?;
        let [start, minima] = [start, minima].map(|number| u32::from_le_bytes(*number) as usize);
        let (signature, shingles) = rest.get(start..)?.split_at_checked(minima.checked_mul(4)?)?;
        let words = |bytes: &[u8]| match bytes.as_chunks() {
            (words, []) => Some(words.iter().map(|word| u64::from(u32::from_le_bytes(*word))).collect::<Vec<u64>>()),
            _ => None,
        };
        let (signature, shingles) = (words(signature)?, words(shingles)?);
        let is_set = shingles.is_sorted_by(|one, other| one < other);
        is_set.then_some(Member { origin, id: None, signature, shingles, group })
    }

    fn bytes(&self) -> usize {
        size_of::<Member>() + self.id.as_ref().map_or(0, String::len) + 8 * (self.signature.len() + self.shingles.len())
    }
}

/// Tells whether two members are alike.
struct Likeness {
    threshold: f64,
    verify: Verify,
}

impl Likeness {
    fn holds(&self, one: &Member, other: &Member) -> bool {
        let (fewer, more) =
            (one.shingles.len().min(other.shingles.len()), one.shingles.len().max(other.shingles.len()));
        if (fewer as f64) < self.threshold * more as f64 {
            return false; // no intersection can be large enough
        }
        if one.signature.is_empty() || other.signature.is_empty() {
            return reaches(&one.shingles, &other.shingles, self.threshold); // one of an index
        }
        let estimate = estimated(&one.signature, &other.signature);
        if self.verify == Verify::Signature {
            return estimate >= self.threshold;
        }
        let deviation = (self.threshold * (1.0 - self.threshold) / one.signature.len().max(1) as f64).sqrt();
        estimate >= self.threshold - DEVIATIONS * deviation && reaches(&one.shingles, &other.shingles, self.threshold)
    }
}

/// Decides about the members of a cluster.
pub fn reduce(threshold: f64, verify: Verify, members: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
    let likeness = Likeness { threshold, verify };
    let mut held: Vec<Member> = Vec::new();
    let mut bytes = 0;
    while bytes < HELD {
        let Some((origin, said)) = members.next() else { break };
        let Some(mut member) = Member::read(origin, said, held.len()) else { return members.fail(NEITHER.to_owned()) };
        member.id = members.id().map(str::to_owned);
        for number in 0..held.len() {
            let (low, high) = (held[number].group.min(member.group), held[number].group.max(member.group));
            if low != high && likeness.holds(&held[number], &member) {
                // The group of the better one takes the other in.
                held.iter_mut().filter(|held| held.group == high).for_each(|held| held.group = low);
                member.group = low;
            }
        }
        bytes += member.bytes();
        held.push(member);
    }
    let mut sizes = vec![0_u64; held.len()];
    for member in &held {
        sizes[member.group] += 1;
        if held[member.group].origin != member.origin {
            let kept = &held[member.group];
            decide(member.origin, Decision { kept: Some(kept.origin), id: kept.id.as_deref(), bytes: &[] });
        }
    }
    // What stays of each group, and how many it stands for.
    let stays = held.into_iter().zip(sizes).enumerate().filter(|(number, (member, _))| member.group == *number);
    let mut stays: Vec<(Member, u64)> = stays.map(|(_, member)| member).collect();
    bytes = stays.iter().map(|(member, _)| member.bytes()).sum();
    while let Some((origin, said)) = members.next() {
        let Some(mut member) = Member::read(origin, said, 0) else { return members.fail(NEITHER.to_owned()) };
        member.id = members.id().map(str::to_owned);
        match stays.iter_mut().find(|(kept, _)| likeness.holds(kept, &member)) {
            Some((kept, size)) => {
                *size += 1;
                decide(origin, Decision { kept: Some(kept.origin), id: kept.id.as_deref(), bytes: &[] });
            }
            None if bytes < HELD => {
                bytes += member.bytes();
                stays.push((member, 1));
            }
            None => {} // it stays, and nothing is compared with it
        }
    }
    for (member, size) in stays.iter().filter(|(_, size)| *size > 1) {
        decide(member.origin, Decision { bytes: &size.to_le_bytes(), ..Decision::default() });
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

    fn decided(sets: &[Vec<u64>], threshold: f64) -> Decided {
        let said = |(number, set): (usize, &Vec<u64>)| {
            let mut out = vec![9; 3]; // a rank
            write(&[1; 16], &mut set.clone(), &mut out);
            (Origin { split: 0, ordinal: number as u64 }, out)
        };
        let mut found = Vec::new();
        let mut members = Said(sets.iter().enumerate().map(said).collect::<Vec<_>>().into_iter(), Vec::new());
        reduce(threshold, Verify::Jaccard, &mut members, &mut |origin, decision| {
            let what = match decision.kept {
                Some(kept) => Ok(kept.ordinal),
                None => Err(u64::from_le_bytes(decision.bytes.try_into().unwrap())),
            };
            found.push((origin.ordinal, what));
        });
        found.sort();
        found
    }

    #[test]
    fn a_chain_is_parted_where_it_is_thin_and_documents_that_are_alone_are_not_decided_about() {
        let set = |range: std::ops::Range<u64>| range.collect::<Vec<_>>();
        let sets = [set(0..100), set(5..105), set(60..160), set(200..300), set(62..162)];
        assert_eq!(decided(&sets, 0.8), [(0, Err(2)), (1, Ok(0)), (2, Err(2)), (4, Ok(2))]);
    }

    #[test]
    fn a_cluster_of_any_size_is_decided_about() {
        // Each set takes half a megabyte, so that 32 of them are held.
        let set = |kind: u64| (0..65_536).map(|shingle| shingle << 8 | kind).collect::<Vec<_>>();
        let sets: Vec<Vec<u64>> = (0..100).map(|number| set(number % 40)).collect();
        let found = decided(&sets, 0.8);
        // 40 kinds: those seen before the limit stay and take the others in; the rest stay one by one.
        for &(ordinal, what) in &found {
            if let Ok(kept) = what {
                assert_eq!((kept, kept % 40), (ordinal % 40, ordinal % 40));
            }
        }
        let dropped = found.iter().filter(|(_, what)| what.is_ok()).count();
        assert_eq!(dropped, 32 + 20);
    }

    proptest! {
        #[test]
        fn groups_are_the_components_of_pairs_that_are_alike(
            sets in prop::collection::vec(prop::collection::btree_set(0..24_u64, 1..12), 1..24),
        ) {
            let sets: Vec<Vec<u64>> = sets.into_iter().map(|set| set.into_iter().collect()).collect();
            let mut labels: Vec<usize> = (0..sets.len()).collect();
            for one in 0..sets.len() {
                for other in 0..one {
                    let shared = sets[one].iter().filter(|shingle| sets[other].contains(shingle)).count();
                    let all = sets[one].len() + sets[other].len() - shared;
                    if shared as f64 >= 0.5 * all as f64 {
                        let (low, high) = (labels[one].min(labels[other]), labels[one].max(labels[other]));
                        labels.iter_mut().filter(|label| **label == high).for_each(|label| *label = low);
                    }
                }
            }
            let size = |label: usize| labels.iter().filter(|&&other| other == label).count() as u64;
            let mut expected: Decided = Vec::new();
            for (number, &label) in labels.iter().enumerate() {
                match number == label {
                    true if size(label) > 1 => expected.push((number as u64, Err(size(label)))),
                    true => {}
                    false => expected.push((number as u64, Ok(label as u64))),
                }
            }
            prop_assert_eq!(decided(&sets, 0.5), expected);
        }
    }
}
