//! Threads over tasks: each thread takes a task of its own while there are any, and then helps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Failure;
use super::map::{Help, MapTask};
use super::portion::Worker;

/// The stack of a thread that runs steps.
pub const STACK: usize = 16 << 20;
/// How long a thread without work sleeps before it looks again. It decides about nothing.
const NAP: Duration = Duration::from_micros(300);

/// Runs map tasks on `threads` threads. `start` makes the task of a number.
pub fn map<'a>(
    threads: usize,
    tasks: usize,
    start: impl Fn(usize) -> Result<MapTask<'a>, Failure> + Sync,
) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let active: Mutex<Vec<Arc<MapTask<'a>>>> = Mutex::default();
    let failed: Mutex<Option<Failure>> = Mutex::default();
    let starting = AtomicUsize::new(0);
    let fail = |failure| {
        lock(&failed).get_or_insert(failure);
    };
    let work = |number: usize| {
        let mut worker = Worker { number, ..Worker::default() };
        let mut own: Option<Arc<MapTask<'a>>> = None;
        while lock(&failed).is_none() {
            if own.is_none() {
                starting.fetch_add(1, Ordering::AcqRel);
                let claimed = next.fetch_add(1, Ordering::AcqRel);
                let started = (claimed < tasks).then(|| caught(|| start(claimed)));
                match started {
                    Some(Ok(task)) => {
                        let task = Arc::new(task);
                        lock(&active).push(task.clone());
                        own = Some(task);
                    }
                    Some(Err(failure)) => fail(failure),
                    None => {}
                }
                starting.fetch_sub(1, Ordering::AcqRel);
            }
            // Own task first, then whichever other has something to do.
            let candidates: Vec<_> = match &own {
                Some(task) => std::iter::once(task.clone()).chain(lock(&active).iter().cloned()).collect(),
                None => lock(&active).clone(),
            };
            if candidates.is_empty() && starting.load(Ordering::Acquire) == 0 && next.load(Ordering::Acquire) >= tasks {
                return;
            }
            let mut worked = false;
            for task in candidates {
                match caught(|| task.help(&mut worker)) {
                    Ok(Help::Worked) => {
                        worked = true;
                        break;
                    }
                    Ok(Help::Idle) => {}
                    Ok(Help::Over) => {
                        lock(&active).retain(|other| !Arc::ptr_eq(other, &task));
                        if own.as_ref().is_some_and(|own| Arc::ptr_eq(own, &task)) {
                            own = None;
                            worked = true;
                            break;
                        }
                    }
                    Err(failure) => {
                        fail(failure);
                        return;
                    }
                }
            }
            if !worked {
                std::thread::sleep(NAP);
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 0..threads.max(1) {
            let work = &work;
            let thread = std::thread::Builder::new().name(format!("worker-{number}")).stack_size(STACK);
            if let Err(error) = thread.spawn_scoped(scope, move || work(number)) {
                fail(Failure::Machine(error));
            }
        }
    });
    match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Runs independent jobs, `threads` at once; the first failure stops the rest.
pub fn each(threads: usize, jobs: usize, run: impl Fn(usize) -> Result<(), Failure> + Sync) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<Failure>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.max(1)) {
            let work = || {
                while lock(&failed).is_none() {
                    let job = next.fetch_add(1, Ordering::AcqRel);
                    if job >= jobs {
                        return;
                    }
                    if let Err(failure) = caught(|| run(job)) {
                        lock(&failed).get_or_insert(failure);
                    }
                }
            };
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, work) {
                lock(&failed).get_or_insert(Failure::Machine(error));
            }
        }
    });
    match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// A panic outside of a step is a bug of the engine or of a format. It ends the run in order: others
/// would wait for ever for what this thread was to finish.
fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Failure::Machine(std::io::Error::other("a thread panicked; its message is on standard error")))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic that was caught has poisoned what it held; the run is ending with it.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
