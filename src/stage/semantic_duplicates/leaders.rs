//! Which documents of a cluster stay.
//!
//! Members come best first. Each goes if it is like one that stays, the best of these first, and else stays. What is held
//! of those that stay has a limit, a constant, so that the answer does not depend on `--memory`; past it, what is like
//! none of them stays, and nothing is compared with it.

use wanjuan_dedup::semantic::Vector;
use wanjuan_filters::kit::Origin;

use crate::stage::{Decision, Records};

/// Bytes that are held of one cluster: with more, a cluster of a million would take hours.
const HELD: usize = 4 << 20;

/// A document that stays.
struct Leader {
    origin: Origin,
    /// Its id, if it is one of an index.
    id: Option<String>,
    vector: Vector,
    /// How many it stands for.
    size: u64,
}

/// Decides about the members of a cluster, whose records end in a vector.
pub fn reduce(
    threshold: f64,
    dimensions: usize,
    members: &mut dyn Records,
    decide: &mut dyn FnMut(Origin, Decision<'_>),
) {
    let mut leaders: Vec<Leader> = Vec::new();
    let mut bytes = 0;
    while let Some((origin, said)) = members.next() {
        let Some(vector) = Vector::at_the_end(said, dimensions) else {
            let what = format!("a record has {} bytes, and a vector {dimensions}", said.len());
            return members.fail(what);
        };
        let alike = leaders.iter_mut().find_map(|leader| {
            let cosine = leader.vector.cosine(&vector);
            (cosine >= threshold).then_some((leader, cosine))
        });
        match alike {
            Some((leader, cosine)) => {
                leader.size += 1;
                let bytes = &(cosine as f32).to_le_bytes();
                decide(origin, Decision { kept: Some(leader.origin), id: leader.id.as_deref(), bytes });
            }
            None if bytes < HELD => {
                let id = members.id().map(str::to_owned);
                bytes += size_of::<Leader>() + id.as_ref().map_or(0, String::len) + vector.bytes();
                leaders.push(Leader { origin, id, vector, size: 1 });
            }
            None => {}
        }
    }
    for leader in leaders.iter().filter(|leader| leader.size > 1) {
        decide(leader.origin, Decision { bytes: &leader.size.to_le_bytes(), ..Decision::default() });
    }
}
