//! The opening of the spool: again and again, until the disk allows it.
//!
//! A disk that is full, slow or not mounted when the process starts may work a moment later, and the process run on for
//! weeks.

use std::{future::pending, io, time::Duration};

use export::{SpoolStatus, config::SpoolSettings};
use tokio::time::{Instant, sleep_until};

use super::disk::{Disk, IsOpen, PATIENCE, not_responding, within};

/// The delay before the next attempt.
const AGAIN: Duration = Duration::from_secs(5);

/// Begins an attempt.
type Attempt = Box<dyn FnMut() -> io::Result<(Disk, IsOpen)>>;

/// The opening of the spool of this process.
pub struct Opening {
  dir: String,
  begin: Attempt,
  /// How long the first attempt is waited for.
  patience: Duration,
  /// The delay before the next attempt.
  again: Duration,
  /// The attempt that is in progress: one that hangs has no other beside it.
  attempt: Option<(Disk, IsOpen)>,
  /// When the next one begins.
  due: Instant,
}

impl Opening {
  /// An opening without an attempt.
  pub fn new(settings: &SpoolSettings, destination: u64) -> Self {
    let dir = settings.dir.display().to_string();
    let settings = settings.clone();
    Self::by(dir, Box::new(move || Disk::begin(&settings, destination)), PATIENCE, AGAIN)
  }

  fn by(dir: String, begin: Attempt, patience: Duration, again: Duration) -> Self {
    Self { dir, begin, patience, again, attempt: None, due: Instant::now() }
  }

  /// The first attempt, for a bounded time. Without a disk, [`Self::next`] goes on.
  pub async fn first(&mut self) -> (Option<Disk>, SpoolStatus) {
    let patience = self.patience;
    let error = match within(patience, self.attempt()).await {
      Some(Ok(disk)) => return (Some(disk), SpoolStatus::Open),
      Some(Err(error)) => error,
      None => not_responding(),
    };
    let why = format!("{} cannot be used: {error}", self.dir);
    (None, SpoolStatus::Unusable(why))
  }

  /// Waits until the spool is open. May be dropped and called again.
  pub async fn next(&mut self) -> Disk {
    loop {
      if let Ok(disk) = self.attempt().await {
        return disk;
      }
    }
  }

  /// One attempt: the one that is in progress, or the next one when it is due.
  async fn attempt(&mut self) -> io::Result<Disk> {
    let begun = match &mut self.attempt {
      Some(begun) => begun,
      None => {
        sleep_until(self.due).await;
        self.due = Instant::now() + self.again;
        self.attempt.insert((self.begin)()?)
      }
    };
    // A thread that panics states nothing.
    let opened = (&mut begun.1).await.unwrap_or_else(|_| Err(not_responding()));
    let disk = self.attempt.take().map(|(disk, _)| disk);
    opened.and_then(|()| disk.ok_or_else(not_responding))
  }
}

/// The spool, once it is open. Without an opening, it never is.
pub async fn opened(opening: &mut Option<Opening>) -> Disk {
  match opening {
    Some(opening) => opening.next().await,
    None => pending().await,
  }
}

#[cfg(test)]
mod tests {
  use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
    mpsc,
  };

  use spool::{Completion, Operation};

  use super::*;

  const SHORT: Duration = Duration::from_millis(20);

  /// An opening whose attempts open what `open` states, and their number.
  fn opening(
    open: impl Fn(u32) -> io::Result<()> + Send + Sync + 'static,
  ) -> (Opening, Arc<AtomicU32>) {
    let (open, attempts) = (Arc::new(open), Arc::new(AtomicU32::new(0)));
    let counted = attempts.clone();
    let begin = move || {
      let (open, attempt) = (open.clone(), counted.fetch_add(1, SeqCst));
      Disk::start(SHORT, move || {
        open(attempt)?;
        Ok(|_: Operation, _: i64| Completion::Done(Ok(())))
      })
    };
    (Opening::by("/spool".into(), Box::new(begin), SHORT, SHORT), attempts)
  }

  #[tokio::test]
  async fn a_spool_that_cannot_be_used_at_first_is_opened_once_it_can() {
    let (mut opening, attempts) = opening(|attempt| match attempt {
      0 | 1 => Err(io::ErrorKind::StorageFull.into()),
      _ => Ok(()),
    });
    let (disk, status) = opening.first().await;
    assert!(disk.is_none());
    assert!(
      matches!(status, SpoolStatus::Unusable(why) if why.starts_with("/spool cannot be used: "))
    );
    opening.next().await.close().await;
    assert_eq!(attempts.load(SeqCst), 3);
  }

  #[tokio::test]
  async fn an_attempt_that_hangs_is_not_waited_for_and_has_no_other_beside_it() {
    let (allow, allowed) = mpsc::channel();
    let allowed = std::sync::Mutex::new(allowed);
    let (mut opening, attempts) = opening(move |_| {
      allowed.lock().unwrap().recv().unwrap();
      Ok(())
    });
    let (disk, status) = opening.first().await;
    assert!(disk.is_none() && matches!(status, SpoolStatus::Unusable(_)));
    // Dropped while it waits.
    assert!(within(SHORT * 3, opening.next()).await.is_none());
    allow.send(()).unwrap();
    opening.next().await.close().await;
    assert_eq!(attempts.load(SeqCst), 1);
  }
}
