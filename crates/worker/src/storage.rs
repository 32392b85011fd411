//! The spool in a storage that JavaScript reads and writes: one operation at a time.

use std::{collections::VecDeque, io, path::PathBuf};

use export::{Exporter, Now, OperationId, config::SpoolSettings};
use spool::{Completion, Id, Kind, Name, Operation, Options, ReadError, Spool, decode};

use crate::mirror::{Change, Mirror};

/// The spool of one recorder.
pub struct Storage {
  id: Id,
  mirror: Mirror,
  spool: Spool<Mirror>,
  /// The operation that JavaScript carries out.
  job: Option<Job>,
  /// What JavaScript has not taken of it.
  changes: VecDeque<Change>,
}

struct Job {
  operation: OperationId,
  outcome: Outcome,
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
    let spool = Spool::open(Options { dir, id, max_age_ms, fsync: false }, mirror.clone())?;
    Ok(Self { id, mirror, spool, job: None, changes: VecDeque::new() })
  }

  /// Performs the operations of an exporter, up to the first for which JavaScript has something to do.
  pub fn advance(&mut self, exporter: &mut Exporter, now: Now) {
    while self.job.is_none() {
      let Some((operation, what)) = exporter.poll_spool() else { return };
      let outcome = match what {
        Operation::Read(segment) => {
          let name = Name { id: self.id, kind: Kind::Segment(segment.number) };
          match self.mirror.key_of(&name) {
            Some(key) => self.changes.push_back(Change::Get { key }),
            None => {
              let gone = Completion::Content(Err(ReadError::Gone));
              exporter.handle_spool(operation, gone, now);
              continue;
            }
          }
          Outcome::Content
        }
        // The events that follow may resume what it restores: what it removes goes with the next operation.
        Operation::Adopt => {
          let adopted = self.spool.perform(Operation::Adopt, now.unix_ms);
          exporter.handle_spool(operation, adopted, now);
          continue;
        }
        what => {
          let done = self.spool.perform(what, now.unix_ms);
          self.changes.extend(self.mirror.take_changes());
          if self.changes.is_empty() {
            exporter.handle_spool(operation, done, now);
            continue;
          }
          Outcome::Done(done)
        }
      };
      self.job = Some(Job { operation, outcome });
    }
  }

  /// The next change of the operation, to be carried out before [`Self::complete`].
  pub fn take_change(&mut self) -> Option<Change> {
    self.changes.pop_front()
  }

  /// Completes the operation: with the content that was read, or why it has failed.
  pub fn complete(&mut self, exporter: &mut Exporter, result: Result<Vec<u8>, String>, now: Now) {
    let Some(Job { operation, outcome }) = self.job.take() else { return };
    self.changes.clear();
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
        // Its rows are sent from memory. What is stored of it goes with the next operation.
        let removed = self.spool.remove(&segment);
        Completion::Written(Err(removed.err().unwrap_or_else(|| io::Error::other(why))))
      }
      (Outcome::Done(Completion::Done(Ok(()))), Err(why)) => {
        Completion::Done(Err(io::Error::other(why)))
      }
      (Outcome::Done(failed), Err(_)) => failed,
    };
    exporter.handle_spool(operation, completion, now);
  }
}
