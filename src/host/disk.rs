//! The spool on a thread of its own: a disk that does not respond delays the exporter once, and
//! blocks nothing forever.

use std::{io, mem, pin::pin, sync::mpsc, thread, time::Duration};

use tokio::{
  sync::{
    mpsc::{UnboundedReceiver, unbounded_channel},
    oneshot,
  },
  time::timeout,
};

use export::{OperationId, config::SpoolSettings};
use spool::{Adopted, Completion, Operation, ReadError, Segment};

use crate::spool_io;

/// How long an operation may take. The longest of a disk that works is a write with `fsync` under load.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// In how many parts it is waited for: while the process is stopped, no more than one of them passes.
const PARTS: u32 = 10;
/// How many times as long the first operation may take while nobody waits for a flush or the end: it adopts what dead
/// processes left, which events are to continue.
const FIRST: u32 = 10;

/// An operation with its number, and the wall clock in milliseconds since the epoch.
type Job = (u64, Operation, i64);

/// The spool of this process, and the thread that performs its operations in order.
pub struct Disk {
  /// How long an operation may take.
  patience: Duration,
  /// Nothing was performed yet.
  is_new: bool,
  jobs: mpsc::Sender<Job>,
  completions: UnboundedReceiver<(u64, Completion)>,
  /// The number of the last job.
  last: u64,
  /// The last job is not done although its time is over: until it is, operations fail at once.
  hangs: bool,
  /// The adoption that is not done in time. Its segments are this process's: it is completed whenever it is done.
  adoption: Option<(u64, OperationId)>,
  /// The same once it is done.
  late: Option<(OperationId, Completion)>,
}

/// Whether the spool is open, once that is known.
pub type IsOpen = oneshot::Receiver<io::Result<()>>;

impl Disk {
  /// Starts a thread that opens the spool of this process.
  ///
  /// # Errors
  /// When the system refuses the thread.
  pub fn begin(settings: &SpoolSettings, destination: u64) -> io::Result<(Self, IsOpen)> {
    let settings = settings.clone();
    Self::start(PATIENCE, move || {
      let mut spool = spool_io::open(&settings, destination)?;
      Ok(move |operation, unix_ms| spool.perform(operation, unix_ms))
    })
  }

  /// Starts a thread that opens something and then performs operations with it.
  ///
  /// # Errors
  /// When the system refuses the thread.
  pub(super) fn start<P: FnMut(Operation, i64) -> Completion>(
    patience: Duration,
    open: impl FnOnce() -> io::Result<P> + Send + 'static,
  ) -> io::Result<(Self, IsOpen)> {
    let (jobs, receiver) = mpsc::channel::<Job>();
    let (sender, completions) = unbounded_channel();
    let (opened, is_open) = oneshot::channel();
    thread::Builder::new().name("flue-braintrust-disk".into()).spawn(move || {
      let mut perform = match open() {
        Ok(perform) => perform,
        // If nobody waits for the error any more, it is reported already.
        Err(error) => return drop(opened.send(Err(error))),
      };
      if opened.send(Ok(())).is_err() {
        return;
      }
      while let Ok((number, operation, unix_ms)) = receiver.recv() {
        if sender.send((number, perform(operation, unix_ms))).is_err() {
          return;
        }
      }
    })?;
    let (last, hangs, adoption, late) = (0, false, None, None);
    let is_new = true;
    Ok((Self { patience, is_new, jobs, completions, last, hangs, adoption, late }, is_open))
  }

  /// Performs an operation. Waits for a bounded time: an operation that is not done by then fails, and those after it
  /// fail at once until it is done. `None` for an adoption that is not done: [`Self::poll_late`] completes it.
  /// `is_awaited`: whether somebody waits for a flush or the end.
  pub async fn perform(
    &mut self,
    id: OperationId,
    operation: Operation,
    unix_ms: i64,
    is_awaited: impl Fn() -> bool,
  ) -> Option<Completion> {
    let failed = failure_of(&operation);
    let is_adoption = matches!(operation, Operation::Adopt);
    self.catch_up(unix_ms);
    if self.hangs {
      return Some(failed);
    }
    let number = self.send(operation, unix_ms);
    if let Some(completion) = self.wait(is_awaited).await {
      return Some(completion);
    }
    self.hangs = true;
    if is_adoption {
      self.adoption = Some((number, id));
      return None;
    }
    Some(failed)
  }

  /// Waits for the last job. `None` when its time is over.
  async fn wait(&mut self, is_awaited: impl Fn() -> bool) -> Option<Completion> {
    let times = if mem::take(&mut self.is_new) { FIRST } else { 1 };
    for _ in 0..times {
      if let Some(completed) = within(self.patience, self.completions.recv()).await {
        return completed.map(|(_, completion)| completion);
      }
      if is_awaited() {
        break;
      }
    }
    None
  }

  /// The adoption that was not done in time, once it is.
  pub fn poll_late(&mut self, unix_ms: i64) -> Option<(OperationId, Completion)> {
    self.catch_up(unix_ms);
    self.late.take()
  }

  /// Ends the thread, and releases the lock of this process if the disk responds.
  pub async fn close(self) {
    let Self { patience, jobs, mut completions, hangs, .. } = self;
    drop(jobs);
    // The thread keeps its end of the channel for as long as the lock, even if it panics.
    while !hangs && matches!(within(patience, completions.recv()).await, Some(Some(_))) {}
  }

  /// Takes what was done too late.
  fn catch_up(&mut self, unix_ms: i64) {
    while let Ok((number, completion)) = self.completions.try_recv() {
      self.hangs = number != self.last;
      match completion {
        // Its rows are in memory: nobody must adopt them.
        Completion::Written(Ok(segment)) => self.discard(segment, unix_ms),
        Completion::Adopted(_) => {
          let id = self.adoption.take_if(|(late, _)| *late == number).map(|(_, id)| id);
          self.late = id.map(|id| (id, completion)).or(self.late.take());
        }
        _ => {}
      }
    }
  }

  fn discard(&mut self, segment: Segment, unix_ms: i64) {
    self.send(Operation::Remove(segment), unix_ms);
    self.hangs = true;
  }

  fn send(&mut self, operation: Operation, unix_ms: i64) -> u64 {
    self.last += 1;
    if self.jobs.send((self.last, operation, unix_ms)).is_err() {
      // The thread has panicked: nothing comes back.
    }
    self.last
  }
}

/// Waits for the disk. `None` when its time is over.
pub async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Option<T> {
  let mut work = pin!(work);
  for _ in 0..PARTS {
    if let Ok(done) = timeout(patience / PARTS, work.as_mut()).await {
      return Some(done);
    }
  }
  None
}

/// How an operation ends that the disk does not perform.
fn failure_of(operation: &Operation) -> Completion {
  match operation {
    Operation::Adopt => {
      Completion::Adopted(Adopted { error: Some(not_responding()), ..Adopted::default() })
    }
    Operation::Write { .. } => Completion::Written(Err(not_responding())),
    Operation::Read(_) => Completion::Content(Err(ReadError::Io(not_responding()))),
    _ => Completion::Done(Err(not_responding())),
  }
}

/// The disk has not responded in time.
pub fn not_responding() -> io::Error {
  io::Error::new(io::ErrorKind::TimedOut, "the disk does not respond")
}

#[cfg(test)]
mod tests;
