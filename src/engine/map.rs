//! A map task: one split through one phase, by as many threads as care to help.
//!
//! Threads take turns at what must be in order (reading the next portion of the split, putting rows
//! into blocks, appending blocks to files) and do the rest side by side. There is no thread for any
//! one job, so one thread does the whole task and two are both busy all the time.
//!
//! Progress is committed in *segments*: when enough of the input has been read, the threads finish
//! what is under way, the files are synced, and a record is linked. A task that is run again goes on
//! after its last segment. Segments never show in the output: see [`Lane::published`].

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use serde::{Deserialize, Serialize};

use super::blocks::{self, Totals};
use super::commit::{Attempt, Ledger, Output, digest};
use super::counts::Counts;
use super::lane::{InOrder, Lane, LaneOutput, OpenBlock};
use super::poison::Window;
use super::portion::{Emitted, Feed, Portion, Produced, Worker, produce};
use super::shuffle::Keyed;
use super::{Failure, Shared};
use crate::sink::{Block, Sealed};

/// The record of one committed segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Segment {
    /// Whether the split ends with it.
    pub last: bool,
    /// Number of its first record.
    pub first: u64,
    /// Number of the first record that is not in it.
    pub next: u64,
    /// Digest of the segment before it: what was carried over from that one is in this one.
    pub after: String,
    /// One file for each lane.
    pub lanes: Vec<LaneOutput>,
    /// One sorted file for each stage.
    pub shuffles: Vec<Output>,
    /// Rows of blocks that the next segment completes.
    pub carry: Option<Output>,
    /// What happened to its documents.
    pub counts: Counts,
    /// What the input was when it was read; see [`super::inputs`].
    pub proof: serde_json::Value,
}

impl Segment {
    fn digest(&self) -> String {
        digest(&serde_json::to_vec(self).expect("a segment is plain data"))
    }

    /// Whether another attempt wrote the same.
    fn same(&self, other: &Segment) -> bool {
        let content = |segment: &Segment| {
            let digests: Vec<String> = segment.outputs().map(|output| output.digest.clone()).collect();
            (segment.last, segment.next, digests)
        };
        content(self) == content(other)
    }

    fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.lanes.iter().map(|lane| &lane.output).chain(&self.shuffles).chain(&self.carry)
    }
}

/// Name of a segment's record.
pub fn segment_key(task: &str, segment: usize) -> String {
    format!("{task}.{segment:06}")
}

/// The committed segments of a task in order; the task is done when the last of them is `last`.
/// A segment whose files have gone missing, or that does not follow from the one before it, is disowned
/// with all after it. `note` is told of files that are not as long as they were.
pub fn segments(ledger: &Ledger, task: &str, note: &dyn Fn(&str)) -> io::Result<Vec<Segment>> {
    let mut found: Vec<Segment> = Vec::new();
    while found.last().is_none_or(|segment| !segment.last) {
        let Some(segment) = ledger.read::<Segment>(&segment_key(task, found.len()))? else {
            // A record that was torn may have others behind it.
            if ledger.read::<Segment>(&segment_key(task, found.len() + 1))?.is_some() {
                disown(ledger, task, found.len())?;
            }
            break;
        };
        let (next, before) = found.last().map_or_else(Default::default, |before| (before.next, before.digest()));
        let follows = (segment.first, &segment.after) == (next, &before);
        let damaged = segment.outputs().find_map(|output| ledger.damage(output));
        if let Some(damage) = damaged.as_ref().filter(|_| follows) {
            note(damage);
        }
        if !follows || damaged.is_some() {
            disown(ledger, task, found.len())?;
            break;
        }
        found.push(segment);
    }
    Ok(found)
}

/// Disowns a segment and all after it, since they rest on it. The last goes first, so that a kill in
/// between leaves a whole beginning.
pub fn disown(ledger: &Ledger, task: &str, from: usize) -> io::Result<()> {
    for key in ledger.keys_of(task)?.into_iter().rev() {
        if key.as_str() >= segment_key(task, from).as_str() {
            ledger.disown(&key)?;
        }
    }
    Ok(())
}

/// A map task under way.
pub struct MapTask<'a> {
    shared: &'a Shared,
    ledger: Ledger,
    key: String,
    lanes: Vec<Lane<'a>>,
    stages: Vec<bool>,
    /// Set by the first job of all.
    proof: OnceLock<serde_json::Value>,
    input: Mutex<Input<'a>>,
    jobs: Mutex<VecDeque<Job<'a>>>,
    assembly: Mutex<Assembly>,
    files: Mutex<Option<Files>>,
    /// Portions and jobs that are not finished.
    pending: AtomicUsize,
    /// Bytes that wait in memory.
    held: AtomicUsize,
    /// Bytes that one record of a portion made the stages emit, at the most so far.
    emitted: AtomicUsize,
    done: AtomicBool,
}

struct Input<'a> {
    feed: Box<dyn Feed<'a> + 'a>,
    portions: u64,
    /// Bytes handed out since the last commit.
    since_commit: u64,
    next_record: u64,
    segment: usize,
    /// Of the segment that is being written: its first record, and what stands before it.
    first: u64,
    after: String,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// The segment is full: finish what is under way, commit, go on.
    Draining,
    /// As before, and the split ends here.
    Ended,
    /// As draining, and then stop: the run was interrupted.
    Stopping,
}

/// Puts rows into blocks in the order of the documents.
struct Assembly {
    next: u64,
    waiting: BTreeMap<u64, (Produced, usize)>,
    open: Vec<OpenBlock>,
    counts: Counts,
}

/// The files of the segment's attempt.
struct Files {
    attempt: Attempt,
    lanes: Vec<InOrder>,
    sorters: Vec<Keyed>,
    window: Window,
}

/// Work that any thread may do at any time before the segment is committed.
enum Job<'a> {
    /// Read the input to its end and say what it was.
    Prove(Prove<'a>),
    /// Seal a complete block.
    Seal { lane: usize, number: u64, block: Block, totals: Totals },
}

/// Tells what the input is; see [`super::inputs::Proof`].
pub type Prove<'a> = Box<dyn FnOnce() -> Result<serde_json::Value, Failure> + Send + 'a>;

/// What became of asking a thread to help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Help {
    /// Something was done; ask again.
    Worked,
    /// There is nothing to do until another thread has finished.
    Idle,
    /// The task is done, or was stopped.
    Over,
}

/// Everything that tells one map task from another.
pub struct MapSpec<'a> {
    /// Where it commits.
    pub ledger: Ledger,
    /// Its name.
    pub key: String,
    /// Where its rows go.
    pub lanes: Vec<Lane<'a>>,
    /// The stages that observe its documents: whether the records of each stay in the order of the documents.
    pub stages: Vec<bool>,
    /// Tells what its input is.
    pub prove: Prove<'a>,
    /// The segments that are committed already.
    pub done: Vec<Segment>,
    /// Starts after the last record of those.
    pub feed: Box<dyn Feed<'a> + 'a>,
}

impl<'a> MapTask<'a> {
    /// Makes the task ready to be helped with.
    pub fn start(shared: &'a Shared, spec: MapSpec<'a>) -> Result<MapTask<'a>, Failure> {
        let MapSpec { ledger, key, lanes, stages, prove, done, feed } = spec;
        let mut open: Vec<OpenBlock> = lanes.iter().map(|_| OpenBlock::default()).collect();
        if let Some(carry) = done.last().and_then(|segment| segment.carry.as_ref()) {
            let path = ledger.locate(carry);
            let last = segment_key(&key, done.len() - 1);
            read_carry(&path, &mut open).map_err(|error| Failure::damaged(&ledger, &last, error))?;
        }
        let task = MapTask {
            shared,
            ledger,
            key,
            lanes,
            stages,
            proof: OnceLock::new(),
            input: Mutex::new(Input {
                feed,
                portions: 0,
                since_commit: 0,
                next_record: done.last().map_or(0, |segment| segment.next),
                segment: done.len(),
                first: done.last().map_or(0, |segment| segment.next),
                after: done.last().map_or_else(String::new, Segment::digest),
                state: State::Reading,
            }),
            jobs: Mutex::new(VecDeque::from([Job::Prove(prove)])),
            assembly: Mutex::new(Assembly { next: 0, waiting: BTreeMap::new(), open, counts: Counts::default() }),
            files: Mutex::new(None),
            pending: AtomicUsize::new(1),
            held: AtomicUsize::new(0),
            emitted: AtomicUsize::new(0),
            done: AtomicBool::new(false),
        };
        let files = task.open_segment(done.len())?;
        *lock(&task.files) = Some(files);
        Ok(task)
    }

    fn open_segment(&self, segment: usize) -> Result<Files, Failure> {
        let attempt = self.ledger.attempt(&segment_key(&self.key, segment))?;
        let lanes = (0..self.lanes.len())
            .map(|lane| InOrder::create(&attempt.folder().join(lane_file(lane))))
            .collect::<io::Result<_>>()?;
        let sorter = |(stage, in_order): (usize, &bool)| {
            let path = attempt.folder().join(stage_file(stage));
            if *in_order { Keyed::in_order(&path) } else { Ok(Keyed::sorted(&path, self.shared.memory.sorter)) }
        };
        let sorters = self.stages.iter().enumerate().map(sorter).collect::<io::Result<_>>()?;
        let window = Window::create(attempt.folder())?;
        Ok(Files { attempt, lanes, sorters, window })
    }

    /// Does one piece of work, if there is one.
    pub fn help(&self, worker: &mut Worker) -> Result<Help, Failure> {
        if self.done.load(Ordering::Acquire) {
            return Ok(Help::Over);
        }
        let job = lock(&self.jobs).pop_front();
        if let Some(job) = job {
            match job {
                Job::Prove(prove) => {
                    let proof = prove()?;
                    self.proof.set(proof).expect("the input is proven once");
                }
                Job::Seal { lane, number, block, totals } => self.seal(lane, number, block, totals)?,
            }
            self.pending.fetch_sub(1, Ordering::AcqRel);
            return Ok(Help::Worked);
        }
        let mut input = lock(&self.input);
        if self.done.load(Ordering::Acquire) {
            return Ok(Help::Over);
        }
        if self.shared.stopping() && input.state != State::Ended {
            input.state = State::Stopping;
        }
        if input.state != State::Reading {
            if self.pending.load(Ordering::Acquire) > 0 {
                return Ok(Help::Idle);
            }
            // A task that cannot commit is over for every thread, before another one gets the input.
            self.commit(&mut input).inspect_err(|_| self.done.store(true, Ordering::Release))?;
            return Ok(Help::Worked);
        }
        if self.held.load(Ordering::Acquire) > self.shared.memory.in_flight && self.pending.load(Ordering::Acquire) > 0
        {
            return Ok(Help::Idle);
        }
        let number = input.portions;
        let Input { feed, since_commit, next_record, portions, state, .. } = &mut *input;
        let Some(portion) = feed.next(self.most_records())? else {
            *state = State::Ended;
            return Ok(Help::Worked);
        };
        let bytes = portion.bytes();
        *portions += 1;
        *next_record = portion.records().end;
        *since_commit += bytes as u64;
        if *since_commit >= self.shared.segment_bytes {
            *state = State::Draining;
        }
        self.pending.fetch_add(1, Ordering::AcqRel);
        self.held.fetch_add(bytes, Ordering::AcqRel);
        drop(input);
        self.run(worker, number, portion, bytes)?;
        Ok(Help::Worked)
    }

    fn run(
        &self,
        worker: &mut Worker,
        number: u64,
        mut portion: Box<dyn Portion + 'a>,
        bytes: usize,
    ) -> Result<(), Failure> {
        self.window(|window| window.enter(worker.number, portion.records()))?;
        let ran = produce(portion.as_mut(), worker, self.lanes.len(), self.stages.len());
        self.window(|window| window.leave(worker.number))?;
        let produced = ran?;
        self.shared.set_aside(produced.counts.set_aside_total());
        self.shared.progress.advance(portion.read(), portion.bytes() as u64, &produced.counts);
        let emitted: usize = produced.records.iter().map(Emitted::bytes).sum();
        self.emitted.fetch_max(emitted / portion.records().count().max(1), Ordering::AcqRel);
        self.held.fetch_add(emitted, Ordering::AcqRel);
        let bytes = bytes + emitted;
        drop(portion);
        self.assemble(number, produced, bytes)?;
        self.pending.fetch_sub(1, Ordering::AcqRel);
        Ok(())
    }

    /// How many records make a portion at the most: what stages emit about each of them is held too, and may be
    /// far more than the record.
    fn most_records(&self) -> u64 {
        /// Of the first portion, before anything is known.
        const FIRST: u64 = 256;
        match self.emitted.load(Ordering::Acquire) {
            _ if self.stages.is_empty() => u64::MAX,
            0 => FIRST,
            emitted => (4 * self.shared.memory.portion / emitted).max(1) as u64,
        }
    }

    /// Notes which record the thread starts at: if the process dies, this is where to look.
    fn window(&self, note: impl FnOnce(&Window) -> io::Result<()>) -> io::Result<()> {
        note(&lock(&self.files).as_ref().expect("a segment is open while portions are under way").window)
    }

    fn assemble(&self, number: u64, produced: Produced, bytes: usize) -> Result<(), Failure> {
        let mut assembly = lock(&self.assembly);
        assembly.waiting.insert(number, (produced, bytes));
        loop {
            let next = assembly.next;
            let Some((produced, bytes)) = assembly.waiting.remove(&next) else { return Ok(()) };
            assembly.next += 1;
            assembly.counts.merge(&produced.counts);
            for (lane, rows) in produced.rows.into_iter().enumerate() {
                let Lane { pack, published, .. } = &self.lanes[lane];
                assembly.open[lane].append(rows, pack.block_bytes(), *published, |number, block, totals| {
                    self.pending.fetch_add(1, Ordering::AcqRel);
                    self.held.fetch_add(block.bytes.len(), Ordering::AcqRel);
                    lock(&self.jobs).push_back(Job::Seal { lane, number, block, totals });
                });
            }
            if !self.stages.is_empty() {
                let mut files = lock(&self.files);
                let files = files.as_mut().expect("a segment is open while portions are under way");
                for (sorter, emitted) in files.sorters.iter_mut().zip(&produced.records) {
                    for record in emitted.iter() {
                        sorter.push(record)?;
                    }
                }
            }
            self.held.fetch_sub(bytes, Ordering::AcqRel);
        }
    }

    fn seal(&self, lane: usize, number: u64, block: Block, totals: Totals) -> Result<(), Failure> {
        let size = block.bytes.len();
        let sealed = self.lanes[lane].pack.seal(block)?;
        {
            let mut files = lock(&self.files);
            let files = files.as_mut().expect("a segment is open while blocks are under way");
            files.lanes[lane].put(number, sealed, totals)?;
        }
        self.held.fetch_sub(size, Ordering::AcqRel);
        Ok(())
    }

    /// Commits the segment. Nothing is under way: the caller holds the input, and nothing is pending.
    fn commit(&self, input: &mut MutexGuard<'_, Input<'a>>) -> Result<(), Failure> {
        let last = input.state == State::Ended;
        let mut assembly = lock(&self.assembly);
        let mut files = lock(&self.files).take().expect("a segment is open until it is committed");
        let mut carried = Vec::new();
        for (lane, open) in assembly.open.iter_mut().enumerate() {
            let published = self.lanes[lane].published;
            if published && !last {
                carried.push((lane, std::mem::take(&mut open.block), std::mem::take(&mut open.totals)));
            } else if !open.block.ends.is_empty() {
                let (number, block, totals) = open.take();
                let sealed = self.lanes[lane].pack.seal(block)?;
                files.lanes[lane].put(number, sealed, totals)?;
            }
            open.number = 0;
        }
        let Files { attempt, lanes, sorters, .. } = files;
        let carry = if carried.is_empty() { None } else { Some(write_carry(&attempt, &carried)?) };
        let mut outputs = Vec::new();
        for (number, (lane, file)) in self.lanes.iter().zip(lanes).enumerate() {
            let (file, digest, totals) = file.finish()?;
            outputs.push(LaneOutput {
                lane: lane.name.clone(),
                output: attempt.finish(&lane_file(number), &file, digest)?,
                totals,
            });
        }
        let mut shuffles = Vec::new();
        for (number, sorter) in sorters.into_iter().enumerate() {
            let (file, digest) = sorter.finish()?;
            shuffles.push(attempt.finish(&stage_file(number), &file, digest)?);
        }
        let segment = Segment {
            last,
            first: input.first,
            next: input.next_record,
            after: std::mem::take(&mut input.after),
            lanes: outputs,
            shuffles,
            carry,
            counts: std::mem::take(&mut assembly.counts),
            proof: self.proof.get().expect("the input was proven before anything was committed").clone(),
        };
        let standing = attempt.commit(segment.clone())?;
        if !standing.same(&segment) {
            // Another run was faster and ended the segment elsewhere: what is in memory does not follow.
            return Err(Failure::Overtaken);
        }
        self.shared.committed();
        (input.first, input.after) = (segment.next, standing.digest());
        for (lane, block, totals) in carried {
            assembly.open[lane] = OpenBlock { block, totals, number: 0 };
        }
        if last || input.state == State::Stopping {
            self.done.store(true, Ordering::Release);
            return Ok(());
        }
        input.segment += 1;
        input.since_commit = 0;
        input.state = State::Reading;
        *lock(&self.files) = Some(self.open_segment(input.segment)?);
        Ok(())
    }
}

fn lane_file(lane: usize) -> String {
    format!("lane{lane}.blocks")
}

fn stage_file(stage: usize) -> String {
    format!("stage{stage}.run")
}

fn write_carry(attempt: &Attempt, carried: &[(usize, Block, Totals)]) -> io::Result<Output> {
    let mut writer = blocks::Writer::create(&attempt.folder().join("carry.blocks"))?;
    for (lane, block, totals) in carried {
        let mut index = (*lane as u64).to_le_bytes().to_vec();
        index.extend(block.ends.iter().flat_map(|end| (*end as u64).to_le_bytes()));
        writer.append(&Sealed { data: block.bytes.clone(), index }, *totals)?;
    }
    let (file, digest) = writer.finish()?;
    attempt.finish("carry.blocks", &file, digest)
}

fn read_carry(path: &std::path::Path, open: &mut [OpenBlock]) -> io::Result<()> {
    let mut reader = blocks::Reader::open(path)?;
    while let Some((sealed, totals)) = reader.next_block()? {
        let mut words =
            sealed.index.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")) as usize);
        let lane = words.next().and_then(|lane| open.get_mut(lane)).ok_or(io::ErrorKind::InvalidData)?;
        *lane = OpenBlock { block: Block { bytes: sealed.data, ends: words.collect() }, totals, number: 0 };
    }
    Ok(())
}

/// A poisoned lock means that another thread panicked inside the engine; its panic is what the user
/// must see, so this one only adds to it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panicked while it held a lock")
}
