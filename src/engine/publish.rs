//! Publishing: committed blocks become the shards that users read.
//!
//! Shards are cut by weight over the whole corpus, not by task, so their number and bytes depend on
//! the documents alone. A shard is written aside, synced and renamed; the manifest that names all of
//! them goes last, and what an earlier manifest named and this one does not is removed after it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::blocks::{Reader, Totals};
use super::commit::{Drafts, Ledger, at, replace_file};
use super::driver::{Job, work_folder};
use super::lane::{LaneOutput, Pack};
use super::map::segment_key;
use super::{Failure, Shared, pool};

/// Name of the manifest in a sink's folder.
pub const MANIFEST: &str = "_manifest.json";

/// What a sink's folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Rows, weight and tokens of all shards.
    pub totals: Totals,
    /// In order.
    pub shards: Vec<Shard>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// One, or the several that the format asks for.
    pub files: Vec<PublishedFile>,
    /// What it holds.
    pub totals: Totals,
    /// Digest of what the shard was made from: the same blocks need not be written again.
    pub made_from: String,
}

/// One file of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Below the sink's folder.
    pub name: String,
    /// In bytes.
    pub length: u64,
    /// BLAKE3, as `b3sum` prints it.
    pub blake3: String,
}

/// A lane's file, and the task that wrote it.
#[derive(Clone)]
pub struct Piece {
    /// Where the task committed.
    pub ledger: Ledger,
    /// The task's name.
    pub task: String,
    /// Number of its segment.
    pub segment: usize,
    /// The file.
    pub output: LaneOutput,
}

/// Consecutive blocks of one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    piece: usize,
    from: u64,
    blocks: u64,
}

#[derive(Default)]
struct Planned {
    stretches: Vec<Stretch>,
    totals: Totals,
    /// Checksums of the blocks in order: what the shard is made of, wherever they lie.
    checks: Vec<u64>,
}

/// Cuts the blocks of all pieces into shards.
fn plan(pieces: &[Piece], shard_weight: u64) -> Result<Vec<Planned>, Failure> {
    let mut shards = Vec::new();
    let mut open = Planned::default();
    for (number, piece) in pieces.iter().enumerate() {
        let damaged = |error| Failure::damaged(&piece.ledger, &segment_key(&piece.task, piece.segment), error);
        let mut reader = Reader::open(&piece.ledger.locate(&piece.output.output)).map_err(damaged)?;
        loop {
            let from = reader.position()?;
            let Some((totals, check)) = reader.skip().map_err(damaged)? else { break };
            open.checks.push(check);
            match open.stretches.last_mut() {
                Some(stretch) if stretch.piece == number => stretch.blocks += 1,
                _ => open.stretches.push(Stretch { piece: number, from, blocks: 1 }),
            }
            open.totals += totals;
            if open.totals.weight >= shard_weight {
                shards.push(std::mem::take(&mut open));
            }
        }
    }
    if !open.stretches.is_empty() {
        shards.push(open);
    }
    Ok(shards)
}

/// Writes the shards of the lane `name`, several at once, but for those that are there already.
/// `identity` is the sink's settings: they decide how blocks become files.
pub fn publish(
    shared: &Shared,
    job: &Job<'_>,
    name: &str,
    pack: &dyn Pack,
    identity: &str,
    pieces: &[Piece],
) -> Result<Manifest, Failure> {
    let folder = &job.output.join(name);
    fs::create_dir_all(folder).map_err(at(folder))?;
    let drafts = Drafts::open(&work_folder(job.output))?;
    let aside = drafts.unused();
    fs::create_dir(&aside).map_err(at(&aside))?;
    let planned = plan(pieces, pack.shard_weight())?;
    let earlier = read_manifest(folder);
    let made_from: Vec<String> =
        planned.iter().enumerate().map(|(number, planned)| made_from(identity, number, planned)).collect();
    let standing = |number: usize| {
        earlier.shards.iter().find(|shard| shard.made_from == made_from[number] && stands(folder, shard))
    };
    let kept = manifest_of((0..planned.len()).filter_map(standing).cloned());
    if kept.shards.len() < earlier.shards.len() {
        // No shard is replaced while a manifest tells of the old one.
        write_manifest(&drafts, folder, &kept)?;
    }
    let written: Vec<OnceLock<Shard>> = planned.iter().map(|_| OnceLock::new()).collect();
    pool::each(job.threads, planned.len(), |number| {
        if shared.interrupted() {
            return Err(Failure::Stopped);
        }
        let shard = match standing(number) {
            Some(shard) => shard.clone(),
            None => write_shard(folder, &aside, pack, number, &planned[number], pieces, made_from[number].clone())?,
        };
        written[number].set(shard).expect("each shard is written once");
        Ok(())
    })?;
    let manifest = manifest_of(written.into_iter().filter_map(OnceLock::into_inner));
    fs::remove_dir_all(&aside).map_err(at(&aside))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
    File::open(job.output).and_then(|output| output.sync_all()).map_err(at(job.output))?;
    if manifest != earlier || kept != earlier || !folder.join(MANIFEST).exists() {
        write_manifest(&drafts, folder, &manifest)?;
    }
    remove_stale(folder, &manifest)?;
    Ok(manifest)
}

fn manifest_of(shards: impl Iterator<Item = Shard>) -> Manifest {
    let mut manifest = Manifest::default();
    for shard in shards {
        manifest.totals += shard.totals;
        manifest.shards.push(shard);
    }
    manifest
}

fn write_manifest(drafts: &Drafts, folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
    text.push(b'\n');
    replace_file(drafts, &folder.join(MANIFEST), &text)
}

/// Removes shards that the manifest does not name: of an earlier run, or of one that was killed while it
/// published. Nothing else in the folder is touched.
fn remove_stale(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let named: BTreeSet<&str> =
        manifest.shards.iter().flat_map(|shard| &shard.files).map(|file| file.name.as_str()).collect();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if is_shard(name) && !named.contains(name) {
            fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
        }
    }
    Ok(())
}

/// Removes the shards of a folder and its manifest, and the folder if nothing else is in it.
pub fn unpublish(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    remove_stale(folder, &Manifest::default())?;
    let manifest = folder.join(MANIFEST);
    match fs::remove_file(&manifest) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&manifest)(error)),
        _ => {}
    }
    let _ = fs::remove_dir(folder); // stays where something else is in it
    Ok(())
}

/// Whether a file is called as every sink calls its shards: `part-00000.…`.
fn is_shard(name: &str) -> bool {
    name.strip_prefix("part-")
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(number, _)| number.len() >= 5 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The manifest that stands in a folder; an empty one where there is none that can be read.
pub fn read_manifest(folder: &Path) -> Manifest {
    fs::read(folder.join(MANIFEST)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn made_from(identity: &str, number: usize, planned: &Planned) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{identity}\n{number}\n").as_bytes());
    for check in &planned.checks {
        hasher.update(&check.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn stands(folder: &Path, shard: &Shard) -> bool {
    shard.files.iter().all(|file| fs::metadata(folder.join(&file.name)).is_ok_and(|found| found.len() == file.length))
}

fn write_shard(
    folder: &Path,
    aside: &Path,
    pack: &dyn Pack,
    number: usize,
    planned: &Planned,
    pieces: &[Piece],
    made_from: String,
) -> Result<Shard, Failure> {
    let mut damage = None;
    let mut blocks = planned.stretches.iter().flat_map(|stretch| {
        let piece = &pieces[stretch.piece];
        let opened = Reader::open(&piece.ledger.locate(&piece.output.output))
            .and_then(|mut reader| reader.seek(stretch.from).map(|()| reader));
        let (mut reader, mut error) = match opened {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(error)),
        };
        let blocks = (0..stretch.blocks).map_while(move |_| match (&mut reader, error.take()) {
            (_, Some(error)) => Some(Err(error)),
            (Some(reader), None) => {
                Some(reader.next_block().and_then(|block| block.ok_or(io::ErrorKind::UnexpectedEof.into())))
            }
            (None, None) => None,
        });
        blocks.map(move |block| block.map(|(sealed, _)| sealed).map_err(|error| (piece, error)))
    });
    let mut watched = blocks.by_ref().map(|block| {
        block.map_err(|(piece, error)| {
            let told = io::Error::new(error.kind(), error.to_string());
            damage.get_or_insert(Failure::damaged(&piece.ledger, &segment_key(&piece.task, piece.segment), error));
            told
        })
    });
    let written = pack.publish(aside, number, &mut watched);
    if let Some(damage) = damage {
        return Err(damage);
    }
    let mut files = Vec::new();
    for file in written.map_err(at(aside))? {
        let name = file.name().to_owned();
        let path = aside.join(&name);
        let (length, blake3) = file.finish().map_err(at(&path))?;
        fs::rename(&path, folder.join(&name)).map_err(at(&path))?;
        files.push(PublishedFile { name, length, blake3 });
    }
    Ok(Shard { files, totals: planned.totals, made_from })
}
