//! The spool in a storage that JavaScript reads and writes: one operation at a time.

use std::{collections::VecDeque, io, mem, path::PathBuf, time::Duration};

use export::{Exporter, Now, OperationId, config::SpoolSettings};
use spool::{Completion, Id, Kind, Name, Operation, Options, ReadError, Spool, decode};

use crate::mirror::{Change, Mirror};

/// The delay before files that could not be removed are removed by themselves.
const PAUSE: Duration = Duration::from_secs(1);

/// The spool of one recorder.
pub struct Storage {
  id: Id,
  mirror: Mirror,
  spool: Spool<Mirror>,
  /// The operation that JavaScript carries out.
  job: Option<Job>,
  /// What JavaScript has not taken of it.
  changes: VecDeque<Change>,
  /// The files that JavaScript removes.
  taken: Vec<String>,
  /// Files that could not be removed: they are removed with the next changes, or after a pause.
  left: Vec<String>,
  /// When the pause ends.
  removes_at: Duration,
}

enum Job {
  /// An operation of the exporter.
  Operation { id: OperationId, outcome: Outcome },
  /// What earlier operations left to remove.
  Removal,
}

/// How a job ends that JavaScript carries out without an error.
enum Outcome {
  /// As the mirror has done it.
  Done(Completion),
  /// With the content of a segment.
  Content,
}

impl Storage {
  /// The spool over the files that `mirror` lists. `random` distinguishes this instance from earlier ones.
  ///
  /// # Errors
  /// When an earlier instance had the same number.
  pub fn open(
    mirror: Mirror,
    settings: &SpoolSettings,
    destination: u64,
    random: u32,
  ) -> io::Result<Self> {
    let id = Id { destination, pid: 0, random };
    let (dir, max_age_ms) = (PathBuf::new(), settings.max_age_ms);
    let mut spool = Spool::open(Options { dir, id, max_age_ms, fsync: false }, mirror.clone())?;
    // The files are in memory, and what was left open is restored before events resume it.
    spool.set_adoption_step(usize::MAX);
    Ok(Self {
      id,
      mirror,
      spool,
      job: None,
      changes: VecDeque::new(),
      taken: Vec::new(),
      left: Vec::new(),
      removes_at: Duration::ZERO,
    })
  }

  /// Whether JavaScript has something to do.
  pub fn is_busy(&self) -> bool {
    self.job.is_some()
  }

  /// Performs the operations of an exporter, up to the first for which JavaScript has something to do.
  pub fn advance(&mut self, exporter: &mut Exporter, now: Now) {
    while self.job.is_none() {
      let Some((id, what)) = exporter.poll_spool() else {
        // What adoption and failed writes have removed, although no operation follows.
        self.begin_changes(now);
        if !self.changes.is_empty() {
          self.job = Some(Job::Removal);
        }
        return;
      };
      let outcome = match what {
        Operation::Read(segment) => {
          let name = Name { id: self.id, kind: Kind::Segment(segment.number) };
          match self.mirror.key_of(&name) {
            Some(key) => self.changes.push_back(Change::Get { key }),
            None => {
              let gone = Completion::Content(Err(ReadError::Gone));
              exporter.handle_spool(id, gone, now);
              continue;
            }
          }
          Outcome::Content
        }
        // The events that follow may resume what it restores: what it removes goes later.
        Operation::Adopt => {
          let adopted = self.spool.perform(Operation::Adopt, now.unix_ms);
          exporter.handle_spool(id, adopted, now);
          continue;
        }
        what => {
          let done = self.spool.perform(what, now.unix_ms);
          self.begin_changes(now);
          if self.changes.is_empty() {
            exporter.handle_spool(id, done, now);
            continue;
          }
          Outcome::Done(done)
        }
      };
      self.job = Some(Job::Operation { id, outcome });
    }
  }

  /// Begins the changes that are due, and removes what could not be removed before, and was not written again since.
  fn begin_changes(&mut self, now: Now) {
    self.changes.extend(self.mirror.take_changes());
    if self.changes.is_empty() && now.elapsed < self.removes_at {
      return;
    }
    let left = self.left.drain(..).filter(|key| !self.mirror.stores(key));
    self.changes.extend(left.map(|key| Change::Delete { key }));
  }

  /// The next change of the operation, to be carried out before [`Self::complete`].
  pub fn take_change(&mut self) -> Option<Change> {
    let change = self.changes.pop_front()?;
    if let Change::Delete { key } = &change {
      self.taken.push(key.clone());
    }
    Some(change)
  }

  /// Completes the operation: with the content that was read, or why it has failed.
  pub fn complete(&mut self, exporter: &mut Exporter, result: Result<Vec<u8>, String>, now: Now) {
    let job = self.job.take();
    self.changes.clear();
    let taken = mem::take(&mut self.taken);
    if result.is_err() {
      self.left.extend(taken);
      self.removes_at = now.elapsed + PAUSE;
    }
    let Some(Job::Operation { id, outcome }) = job else { return };
    let completion = match (outcome, result) {
      (Outcome::Done(done), Ok(_)) => done,
      (Outcome::Content, Ok(file)) => Completion::Content(if file.is_empty() {
        Err(ReadError::Gone)
      } else {
        decode(&file).map(|(_, content)| content.to_vec()).map_err(ReadError::Damaged)
      }),
      (Outcome::Content, Err(why)) => {
        Completion::Content(Err(ReadError::Io(io::Error::other(why))))
      }
      (Outcome::Done(Completion::Written(Ok(segment))), Err(why)) => {
        // Its rows are sent from memory. What is stored of it is removed.
        let removed = self.spool.remove(&segment);
        Completion::Written(Err(removed.err().unwrap_or_else(|| io::Error::other(why))))
      }
      (Outcome::Done(Completion::Done(Ok(()))), Err(why)) => {
        Completion::Done(Err(io::Error::other(why)))
      }
      (Outcome::Done(failed), Err(_)) => failed,
    };
    exporter.handle_spool(id, completion, now);
  }
}
