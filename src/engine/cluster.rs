//! Clusters: from links between documents to what hangs together, between the two halves of a stage.
//!
//! The tasks, each with a record of its own: *link* reads the records of a range of keys; *label* reads all
//! links, and names each cluster by its first document; *gather* goes through the documents of a split that have
//! a label, looks at them once more where the stage wants to, and sends what they say to their cluster.

use std::cell::Cell;
use std::io;

use wanjuan_dedup::clusters::Clusters;
use wanjuan_filters::kit::Origin;
use xxhash_rust::xxh3::xxh3_128;

use super::blocks::{self, Totals};
use super::commit::digest;
use super::driver::Tasks;
use super::map_phase::Mapped;
use super::reduce::{Between, Made, Sorted};
use super::shuffle::{Cursor, INDEXED, Order, Record, Run, Section, Sorter, Writer, address};
use super::spool::{LANE, SpoolReader};
use super::{Failure, pool};
use crate::sink::Sealed;
use crate::stage::{Clustering, Key};

const LINKS: &str = "links.blocks";
const LABELS: &str = "labels.run";
const MEMBERS: &str = "members.run";
/// Links in one block.
const BLOCK: usize = 1 << 14;
/// Bytes of a link.
const LINK: usize = 24;

/// What the members of all clusters say, by cluster.
pub fn members(
    between: &Between<'_>,
    clustering: &dyn Clustering,
    root: &str,
    inputs: &[Sorted<'_>],
    mapped: &Mapped,
    ran: &mut Vec<Tasks>,
) -> Result<Vec<Sorted<'static>>, Failure> {
    let numbers = Numbers::new(between.job.splits.len(), inputs);
    let keys = between.partitions(root);
    let links = between.run("link", &keys, ran, |part| {
        let parts = (part as u64, keys.len() as u64);
        link(between, clustering, &keys[part], parts, inputs)
    })?;
    let all: String = links.iter().map(|links| format!("{}\n", links.file.digest)).collect();
    let key = format!("labels-{}", &digest(format!("{root}\n{all}").as_bytes())[..24]);
    let labels =
        between.run("cluster", std::slice::from_ref(&key), ran, |_| label(between, &key, &numbers, &keys, &links))?;
    let path = between.ledger.locate(&labels[0].file);
    let damaged = |error| Failure::damaged(&between.ledger, &key, error);
    let mut labels = Run::open(&path).map_err(damaged)?;
    // A split none of whose documents is in a cluster has nothing to say.
    let sections = labels.take_sections();
    let keys: Vec<String> = sections.iter().map(|section| gather_key(between, mapped, section)).collect();
    let members = between.run("gather", &keys, ran, |number| {
        let split = sections[number].upper as u32;
        let labels = labels.range(section(split)).map_err(damaged)?;
        match split.checked_sub(INDEXED) {
            None => gather(between, clustering, &keys[number], split, labels, mapped),
            Some(part) => gather_indexed(between, &keys[number], part, labels),
        }
    })?;
    let opened = keys.iter().zip(&sections).zip(&members);
    opened.map(|((key, section), made)| Sorted::open(&between.ledger, key, section.upper as u32, &made.file)).collect()
}

/// Numbers of documents over all splits, those of indexes behind the corpus.
struct Numbers {
    /// By split: the number of its first document. One more at the end.
    firsts: Vec<u64>,
    /// How many splits the corpus has.
    splits: usize,
}

impl Numbers {
    fn new(splits: usize, inputs: &[Sorted<'_>]) -> Numbers {
        let parts = inputs.iter().filter(|input| input.split >= INDEXED).count();
        let mut ordinals = vec![0; splits + parts];
        for input in inputs {
            let most = &mut ordinals[place(input.split, splits)];
            *most = input.run.ordinals().max(*most);
        }
        let mut firsts = vec![0];
        firsts.extend(ordinals.iter().scan(0, |sum, ordinals| {
            *sum += ordinals;
            Some(*sum)
        }));
        Numbers { firsts, splits }
    }

    fn all(&self) -> u64 {
        self.firsts.last().copied().unwrap_or_default()
    }

    fn of(&self, origin: Origin) -> u64 {
        self.firsts[place(origin.split, self.splits)] + origin.ordinal
    }

    fn origin(&self, number: u64) -> Origin {
        let place = self.firsts.partition_point(|&first| first <= number) - 1;
        let split = match place.checked_sub(self.splits) {
            None => place as u32,
            Some(part) => INDEXED + part as u32,
        };
        Origin { split, ordinal: number - self.firsts[place] }
    }
}

/// Where a split stands among all.
fn place(split: u32, splits: usize) -> usize {
    split.checked_sub(INDEXED).map_or(split as usize, |part| splits + part as usize)
}

/// Addresses of the documents of a split.
fn section(split: u32) -> std::ops::RangeInclusive<Key> {
    address(Origin { split, ordinal: 0 })..=address(Origin { split, ordinal: u64::MAX })
}

/// Writes the links between documents that share a key.
fn link(
    between: &Between<'_>,
    clustering: &dyn Clustering,
    key: &str,
    parts: (u64, u64),
    inputs: &[Sorted<'_>],
) -> Result<(), Failure> {
    let attempt = between.ledger.attempt(key)?;
    let mut writer = blocks::Writer::create(&attempt.folder().join(LINKS))?;
    let mut block = Vec::with_capacity(BLOCK * LINK);
    // Documents of indexes come last, so that all are linked to one of the corpus where there is one. Where there is
    // none they need no link: they stay as they are.
    let records = between.merge(inputs, Order::IndexedLast, parts, &attempt, |key, group| {
        let mut written = Ok(());
        clustering.link(key, group, &mut |one, other| {
            if one.split >= INDEXED && other.split >= INDEXED {
                return;
            }
            for origin in [one, other] {
                block.extend_from_slice(&origin.split.to_le_bytes());
                block.extend_from_slice(&origin.ordinal.to_le_bytes());
            }
            if block.len() >= BLOCK * LINK && written.is_ok() {
                written = seal(&mut block, &mut writer);
            }
        });
        written
    })?;
    seal(&mut block, &mut writer)?;
    between.commit(attempt, LINKS, writer.finish()?, records)
}

fn seal(block: &mut Vec<u8>, writer: &mut blocks::Writer) -> io::Result<()> {
    if !block.is_empty() {
        let sealed = Sealed { data: zstd::bulk::compress(block, 1)?, index: Vec::new() };
        writer.append(&sealed, Totals { rows: (block.len() / LINK) as u64, ..Totals::default() })?;
        block.clear();
    }
    Ok(())
}

/// Finds what hangs together, and writes the label of every document that is not alone.
fn label(between: &Between<'_>, key: &str, numbers: &Numbers, tasks: &[String], links: &[Made]) -> Result<(), Failure> {
    let attempt = between.ledger.attempt(key)?;
    let scratch = attempt.folder().join("clusters");
    std::fs::create_dir(&scratch)?;
    let threads = between.job.threads;
    let clusters = Clusters::new(numbers.all(), between.shared.memory.alone, &scratch, threads);
    pool::each(threads, links.len(), |number| {
        let damaged = |error| Failure::damaged(&between.ledger, &tasks[number], error);
        let mut reader = blocks::Reader::open(&between.ledger.locate(&links[number].file)).map_err(damaged)?;
        while let Some((sealed, totals)) = reader.next_block().map_err(damaged)? {
            if between.shared.stopping() {
                return Err(Failure::Stopped);
            }
            let block = zstd::bulk::decompress(&sealed.data, totals.rows as usize * LINK).map_err(damaged)?;
            for link in block.chunks_exact(LINK) {
                let (one, other) = link.split_at(LINK / 2);
                clusters.link(numbers.of(origin(one)), numbers.of(origin(other)))?;
            }
        }
        Ok(())
    })?;
    let mut writer = Writer::create(&attempt.folder().join(LABELS), true)?;
    let mut labelled = 0;
    clusters.label(|node, label| {
        labelled += 1;
        let label = address(numbers.origin(label)).to_be_bytes();
        writer.push(Record { key: address(numbers.origin(node)), value: &label, origin: Origin::default() })
    })?;
    std::fs::remove_dir_all(&scratch)?;
    between.commit(attempt, LABELS, writer.finish()?, labelled)
}

fn origin(bytes: &[u8]) -> Origin {
    let (split, ordinal) = bytes.split_at(4);
    Origin {
        split: u32::from_le_bytes(split.try_into().expect("four bytes")),
        ordinal: u64::from_le_bytes(ordinal.try_into().expect("eight bytes")),
    }
}

/// A task that gathers depends on the labels of its split, on the documents that wait, and on where in the
/// corpus they are.
fn gather_key(between: &Between<'_>, mapped: &Mapped, section: &Section) -> String {
    let split = section.upper as usize;
    if let Some(part) = (split as u32).checked_sub(INDEXED) {
        let (index, part) = between.node().indexed().nth(part as usize).expect("labels are of parts that there are");
        let said = part.said.as_ref().map(|said| &said.digest);
        let text = format!("{split} {}\n{}\n{said:?}\n", index.name, section.digest);
        return format!("members-{}", &digest(text.as_bytes())[..24]);
    }
    let mut text = format!("{split} {}\n{}\n", between.job.splits[split].key, section.digest);
    for segment in &mapped.tasks[split].1 {
        for lane in segment.lanes.iter().filter(|lane| lane.lane == LANE) {
            text.push_str(&format!("{}\n", lane.output.digest));
        }
    }
    format!("members-{}", &digest(text.as_bytes())[..24])
}

/// Sends what the documents of a split say to their clusters.
fn gather(
    between: &Between<'_>,
    clustering: &dyn Clustering,
    key: &str,
    split: u32,
    mut labels: Cursor,
    mapped: &Mapped,
) -> Result<(), Failure> {
    let attempt = between.ledger.attempt(key)?;
    let mut sorter = Sorter::create(&attempt.folder().join(MEMBERS), between.shared.memory.sorter, false);
    let mut members = 0;
    let damaged = |error| Failure::damaged(&between.ledger, key, error);
    if clustering.looks_again() {
        let (task, segments) = &mapped.tasks[split as usize];
        let mut spool = SpoolReader::new(&mapped.ledger, task, segments);
        // The node that applies is the only reader of the one that observes.
        let apply = between.job.graph.nodes[between.observe].readers[0] as u32;
        let mut said = Vec::new();
        while let Some(block) = spool.next_block()? {
            if between.shared.stopping() {
                return Err(Failure::Stopped);
            }
            if labels.record().is_none_or(|record| record.key as u64 > block.last) {
                continue; // nobody in it has a label
            }
            let label = Cell::new(None);
            let labelled = |node, ordinal| {
                let address = address(Origin { split, ordinal });
                while labels.record().is_some_and(|record| record.key < address) {
                    labels.advance().map_err(damaged)?;
                }
                let found = labels.record().filter(|record| node == apply && record.key == address);
                label.set(found.map(|record| cluster_key(record.value)));
                Ok(label.get().is_some())
            };
            block.some(split, labelled, |waiting| {
                let Some(label) = label.get() else { return Ok(()) };
                said.clear();
                clustering.member(&waiting.document, &mut said);
                let origin = Origin { split: 0, ..waiting.document.origin };
                sorter.push(Record { key: label, value: &said, origin })?;
                members += 1;
                Ok(())
            })?;
        }
    } else {
        while let Some(record) = labels.record() {
            let origin = Origin { split: 0, ordinal: record.key as u64 };
            sorter.push(Record { key: cluster_key(record.value), value: &[], origin })?;
            members += 1;
            labels.advance().map_err(damaged)?;
        }
    }
    between.commit(attempt, MEMBERS, sorter.finish()?, members)
}

/// Sends what an index holds of the documents of one of its parts to their clusters.
fn gather_indexed(between: &Between<'_>, key: &str, number: u32, mut labels: Cursor) -> Result<(), Failure> {
    let attempt = between.ledger.attempt(key)?;
    let mut sorter = Sorter::create(&attempt.folder().join(MEMBERS), between.shared.memory.sorter, false);
    let (index, part) = between.node().indexed().nth(number as usize).expect("labels are of parts that there are");
    let said = part.said.as_ref().ok_or_else(|| index.damaged(&io::ErrorKind::InvalidData.into()))?;
    let file = Sorted::of_index(index, INDEXED + number, said)?;
    let damaged = |error| file.by.damaged(error);
    let mut documents = file.run.range(0..=Key::MAX).map_err(damaged)?;
    let mut members = 0;
    while let Some(label) = labels.record() {
        let ordinal = label.key as u64;
        documents.seek(address(Origin { split: 0, ordinal })).map_err(damaged)?;
        let found = documents.record().filter(|record| record.key as u64 == ordinal);
        let found = found.ok_or_else(|| {
            let what = format!("{}: document {ordinal} has keys, and nothing is said of it", said.name);
            damaged(io::Error::new(io::ErrorKind::InvalidData, what))
        })?;
        sorter.push(Record {
            key: cluster_key(label.value),
            value: found.value,
            origin: Origin { split: 0, ordinal },
        })?;
        members += 1;
        labels.advance().map_err(|error| Failure::damaged(&between.ledger, key, error))?;
        if members % 4096 == 0 && between.shared.stopping() {
            return Err(Failure::Stopped);
        }
    }
    between.commit(attempt, MEMBERS, sorter.finish()?, members)
}

/// Spreads clusters over partitions.
fn cluster_key(label: &[u8]) -> Key {
    xxh3_128(label)
}
