use std::sync::{Arc, Mutex};

use super::*;

async fn gated() -> (Disk, mpsc::Sender<()>, Arc<Mutex<Vec<String>>>) {
  gated_for(Duration::from_millis(20)).await
}

/// A disk that does each operation when it is allowed to, and the operations it has done.
async fn gated_for(patience: Duration) -> (Disk, mpsc::Sender<()>, Arc<Mutex<Vec<String>>>) {
  let (allow, allowed) = mpsc::channel();
  let done = Arc::new(Mutex::new(Vec::new()));
  let log = done.clone();
  let started = Disk::start(patience, move || {
    Ok(move |operation: Operation, _| {
      // Without a gate everything is allowed.
      allowed.recv().unwrap_or_default();
      let completion = match &operation {
        Operation::Adopt => Completion::Adopted(Adopted::default()),
        Operation::Write { rows, content } => {
          let bytes = content.len() as u64;
          Completion::Written(Ok(Segment { number: 7, rows: *rows, bytes, created: 0 }))
        }
        _ => Completion::Done(Ok(())),
      };
      log.lock().unwrap().push(format!("{operation:?}"));
      completion
    })
  });
  let (disk, is_open) = started.unwrap();
  is_open.await.unwrap().unwrap();
  (disk, allow, done)
}

fn wait_until(what: impl Fn() -> bool) {
  while !what() {
    thread::yield_now();
  }
}

#[tokio::test]
async fn while_an_operation_hangs_all_fail_and_what_is_written_too_late_is_removed() {
  let (mut disk, allow, done) = gated().await;
  let write = || Operation::Write { content: b"rows".to_vec(), rows: 2 };
  for _ in 0..3 {
    let Some(Completion::Written(Err(error))) = disk.perform(1, write(), 0, || false).await else {
      panic!()
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
  }
  // The disk responds again: what it wrote is removed, and then it works as before.
  allow.send(()).unwrap();
  wait_until(|| done.lock().unwrap().len() == 1);
  drop(allow);
  let mut cleared = disk.perform(2, Operation::ClearSnapshot, 0, || false).await;
  while matches!(cleared, Some(Completion::Done(Err(_)))) {
    cleared = disk.perform(2, Operation::ClearSnapshot, 0, || false).await;
  }
  let done = done.lock().unwrap();
  let kinds: Vec<_> = done.iter().map(|operation| operation.split([' ', '(']).next()).collect();
  assert_eq!(kinds[..3], [Some("Write"), Some("Remove"), Some("ClearSnapshot")]);
}

#[tokio::test]
async fn the_first_operation_has_more_time_while_nobody_waits() {
  let (mut disk, allow, _) = gated().await;
  let asked = std::cell::Cell::new(0);
  let adopted = disk.perform(3, Operation::Adopt, 0, || {
    asked.set(asked.get() + 1);
    allow.send(()).unwrap();
    false
  });
  let adopted = adopted.await;
  assert!(matches!(adopted, Some(Completion::Adopted(_))));
  assert!(asked.get() > 0);
}

#[tokio::test]
async fn a_disk_that_works_is_waited_for_after_the_process_was_stopped() {
  let (mut disk, allow, _) = gated_for(Duration::from_secs(1)).await;
  disk.is_new = false;
  let stopped = async {
    thread::sleep(Duration::from_secs(2));
    tokio::time::sleep(Duration::from_millis(100)).await;
    allow.send(()).unwrap();
  };
  let write = Operation::Write { content: b"rows".to_vec(), rows: 2 };
  let (written, ()) = tokio::join!(disk.perform(1, write, 0, || false), stopped);
  assert!(matches!(written, Some(Completion::Written(Ok(_)))));
}

#[tokio::test]
async fn an_adoption_that_hangs_is_completed_when_it_is_done() {
  let (mut disk, allow, _) = gated().await;
  assert!(disk.perform(3, Operation::Adopt, 0, || true).await.is_none());
  assert!(disk.poll_late(0).is_none());
  allow.send(()).unwrap();
  let mut late = None;
  while late.is_none() {
    late = disk.poll_late(0);
  }
  assert!(matches!(late, Some((3, Completion::Adopted(_)))));
}
