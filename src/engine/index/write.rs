//! Writing an index: once the documents that stay at a step are known, part by part.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::Origin;

use super::{DRAFTS, IndexFile, Manifest, Part, Target, put_id};
use crate::engine::commit::{Drafts, at, digest, digest_file};
use crate::engine::driver::{Before, Job, Tasks, work_folder};
use crate::engine::graph::{Node, Work};
use crate::engine::shuffle::{Record, Sorter, Writer, address};
use crate::engine::spool::{Decisions, LANE, SpoolReader, SpooledBlock};
use crate::engine::{Failure, Shared, pool};
use crate::registry::AnyStage;
use crate::stage::Key;

/// The record of a part that stands in the index.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Made {
    /// Nothing stayed where there is none.
    part: Option<Part>,
}

/// Writes the index of the stage at `observe`, the parts that are there already left as they are.
pub fn write(
    shared: &Shared,
    job: &Job<'_>,
    observe: usize,
    target: &Target,
    before: &Before,
) -> Result<(Manifest, Tasks), Failure> {
    let started = Instant::now();
    let writing = Writing { shared, job, observe, target, before, drafts: Drafts::open(&target.folder)? };
    let ledger = &before.reduced[&observe].ledger;
    let splits = job.splits.len();
    let keys: Vec<String> = (0..splits).map(|split| writing.key(split)).collect();
    let mut missing = Vec::new();
    let made: Vec<OnceLock<Option<Part>>> = (0..splits).map(|_| OnceLock::new()).collect();
    pool::each(job.threads, splits, |split| {
        if let Some(Made { part }) = ledger.read::<Made>(&keys[split])? {
            let damage = part.as_ref().and_then(|part| writing.damage(part));
            match damage {
                None => made[split].set(part).expect("each part is set once"),
                Some(damage) => shared.progress.note(&damage),
            }
        }
        if shared.stopping() { Err(Failure::Stopped) } else { Ok(()) }
    })?;
    for split in (0..splits).filter(|&split| made[split].get().is_none()) {
        ledger.disown(&keys[split])?;
        missing.push(split);
    }
    let mut manifest = target.manifest();
    let standing = Manifest::read(&target.folder)?;
    if !missing.is_empty() || standing.is_none() {
        // No file is replaced while a manifest tells of the old one.
        manifest.write(&writing.drafts, &target.folder)?;
    }
    let title = format!("index {}", target.writes.step);
    shared.progress.phase(&title, splits, splits - missing.len(), 0);
    // Of few splits each is written by several threads.
    let threads = (job.threads / missing.len().max(1)).max(1);
    pool::each(job.threads, missing.len(), |number| {
        let split = missing[number];
        let part = writing.part(split, threads)?;
        let attempt = ledger.attempt(&keys[split])?;
        let part = attempt.commit(Made { part })?.part;
        shared.committed();
        made[split].set(part).expect("each part is set once");
        Ok(())
    })?;
    manifest.parts = made.into_iter().filter_map(|part| part.into_inner().flatten()).collect();
    manifest.documents = manifest.parts.iter().map(|part| part.documents).sum();
    manifest.complete = true;
    manifest.seal();
    File::open(&target.folder).and_then(|folder| folder.sync_all()).map_err(at(&target.folder))?;
    if standing.as_ref() != Some(&manifest) || !missing.is_empty() {
        manifest.write(&writing.drafts, &target.folder)?;
    }
    remove_stale(&target.folder, &manifest)?;
    let _ = fs::remove_dir(writing.drafts.folder()); // another run may have some
    let ran = missing.iter().map(|split| format!("{split}")).collect::<Vec<_>>();
    let skipped = splits - ran.len();
    Ok((manifest, Tasks { phase: title, ran, skipped, seconds: started.elapsed().as_secs_f64() }))
}

/// Removes what runs that were killed left unfinished. Only for a run that is alone.
pub fn sweep(target: &Target) -> io::Result<()> {
    let drafts = target.folder.join(DRAFTS);
    let ours = Manifest::read(&target.folder)?.is_some_and(|manifest| target.owns(&manifest));
    if ours && drafts.is_dir() { fs::remove_dir_all(&drafts).map_err(at(&drafts)) } else { Ok(()) }
}

/// Removes parts that the manifest does not name, and nothing else.
fn remove_stale(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let named: HashSet<&str> = manifest.parts.iter().flat_map(Part::files).map(|file| file.name.as_str()).collect();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let number = name.strip_prefix("part-").and_then(|rest| rest.split_once('.'));
        let is_part = number.is_some_and(|(number, kind)| {
            number.len() >= 5 && number.bytes().all(|byte| byte.is_ascii_digit()) && [KEYS, SAID].contains(&kind)
        });
        if is_part && !named.contains(name) {
            fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
        }
    }
    Ok(())
}

const KEYS: &str = "keys";
const SAID: &str = "documents";

/// What an index has of one document.
#[derive(Debug, Default)]
struct Stays {
    /// Keys, and where their values end in all values.
    keys: Vec<(Key, usize)>,
    values: Vec<u8>,
    /// Its id, and in a stage with clusters what is held of it.
    named: Vec<u8>,
}

struct Writing<'a> {
    shared: &'a Shared,
    job: &'a Job<'a>,
    observe: usize,
    target: &'a Target,
    before: &'a Before,
    drafts: Drafts,
}

impl Writing<'_> {
    /// What a part is made of: the documents that waited, the decisions about them, and how they are written.
    fn key(&self, split: usize) -> String {
        let Writing { job, before, observe, target, .. } = self;
        let mut text = format!("index 1\n{split} {}\n{}\n", job.splits[split].key, target.folder.display());
        let node = &job.graph.nodes[*observe];
        let selects = node.selects.as_ref().map(|predicate| predicate.to_string());
        text.push_str(&format!("{} {selects:?}\n", node.identity));
        for segment in &before.mapped.tasks[split].1 {
            for lane in segment.lanes.iter().filter(|lane| lane.lane == LANE) {
                text.push_str(&format!("{}\n", lane.output.digest));
            }
        }
        let decided = before.reduced[observe].digests.get(&(split as u64)).unwrap_or(&0);
        format!("index-{}", &digest(format!("{text}{decided}").as_bytes())[..24])
    }

    /// What is wrong with a part that was written before. All of it is read: whoever finds a part damaged is told to
    /// run the pipeline again, which must not leave it as it is.
    fn damage(&self, part: &Part) -> Option<String> {
        part.files().find_map(|file| {
            let path = self.target.folder.join(&file.name);
            match digest_file(&path) {
                Ok((blake3, length)) if (&blake3, length) == (&file.blake3, file.length) => None,
                Ok(_) => Some(format!("{}: is not what it was; it is written again", path.display())),
                Err(error) => Some(format!("{}: {error}; it is written again", path.display())),
            }
        })
    }

    /// Writes what stays of one split; `None` if nothing does. Threads take a block of the spool each, and what they made
    /// of it is put down in order.
    fn part(&self, split: usize, threads: usize) -> Result<Option<Part>, Failure> {
        let Writing { shared, job, observe, before, drafts, .. } = self;
        let node = &job.graph.nodes[*observe];
        let Work::Observe(stage) = &node.work else { unreachable!("only stages have an index") };
        let clusters = stage.clustering().is_some();
        let (keys, said) = (drafts.unused(), drafts.unused());
        let mut sorter = Sorter::create(&keys, shared.memory.sorter, false);
        let mut writer = if clusters { Some(Writer::create(&said, false)?) } else { None };
        let reduced = &before.reduced[observe];
        let work = Drafts::open(&work_folder(job.output))?;
        let mut decisions = Decisions::open(&reduced.ledger, &reduced.runs, split as u32, &work, shared.memory.sorter)?;
        let (task, segments) = &before.mapped.tasks[split];
        let mut spool = SpoolReader::new(&before.mapped.ledger, task, segments);
        let mut documents = 0;
        loop {
            let mut blocks = Vec::new();
            while blocks.len() < threads
                && let Some(block) = spool.next_block()?
            {
                let (decided, _) = decisions.up_to(block.last, usize::MAX)?;
                decisions.hold(&decided, block.last);
                let goes = decided.iter().filter(|one| one.kept.is_some()).map(|one| one.ordinal).collect();
                blocks.push((block, goes));
            }
            if blocks.is_empty() {
                break;
            }
            let stay: Vec<OnceLock<Vec<Stays>>> = blocks.iter().map(|_| OnceLock::new()).collect();
            pool::each(threads, blocks.len(), |number| {
                let (block, goes) = &blocks[number];
                let some = self.some(stage.as_ref(), node, split as u32, block, goes)?;
                stay[number].set(some).expect("each block is read once");
                if shared.stopping() { Err(Failure::Stopped) } else { Ok(()) }
            })?;
            for document in stay.into_iter().filter_map(OnceLock::into_inner).flatten() {
                let origin = Origin { split: 0, ordinal: documents };
                documents += 1;
                let mut start = 0;
                for (key, end) in document.keys {
                    let value = if clusters { &document.values[start..end] } else { &document.named };
                    sorter.push(Record { key, value, origin })?;
                    start = end;
                }
                if let Some(writer) = &mut writer {
                    writer.push(Record { key: address(origin), value: &document.named, origin: Origin::default() })?;
                }
            }
        }
        let place = |kind: &str| format!("part-{split:05}.{kind}");
        let keys = self.finish(&keys, &place(KEYS), sorter.finish()?)?;
        let said = match writer {
            Some(writer) => Some(self.finish(&said, &place(SAID), writer.finish()?)?),
            None => None,
        };
        Ok((documents > 0).then_some(Part { documents, keys, said }))
    }

    /// What is written of the documents of a block that do not go.
    fn some(
        &self,
        stage: &dyn AnyStage,
        node: &Node,
        split: u32,
        block: &SpooledBlock,
        goes: &HashSet<u64>,
    ) -> Result<Vec<Stays>, Failure> {
        let indexing = stage.indexing().expect("the checker lets no other stage have an index");
        // The node that applies is the only reader of the one that observes.
        let apply = node.readers[0] as u32;
        let mut some = Vec::new();
        let stays = |node, ordinal| Ok(node == apply && !goes.contains(&ordinal));
        block.some(split, stays, |waiting| {
            let document = &waiting.document;
            if node.selects.as_ref().is_some_and(|predicate| !predicate.eval(document)) {
                return Ok(());
            }
            let mut one = Stays::default();
            stage.observe(document, &mut |key, value| {
                one.values.extend_from_slice(value);
                one.keys.push((key, one.values.len()));
            });
            if !one.keys.is_empty() {
                put_id(&document.id, &mut one.named);
                if stage.clustering().is_some() {
                    let mut held = Vec::new();
                    indexing.held(document, &mut held);
                    one.named.extend_from_slice(&held);
                }
                some.push(one);
            }
            Ok(())
        })?;
        Ok(some)
    }

    /// Puts a finished file into its place.
    fn finish(&self, draft: &Path, name: &str, (file, digest): (File, String)) -> Result<IndexFile, Failure> {
        file.sync_all().map_err(at(draft))?;
        let (blake3, length) = digest_file(draft).map_err(at(draft))?;
        fs::rename(draft, self.target.folder.join(name)).map_err(at(draft))?;
        Ok(IndexFile { name: name.to_owned(), length, blake3, digest })
    }
}
