//! The thread that drives the exporters of one JavaScript environment, each by a future of its own.

use std::{
  io, mem,
  panic::{AssertUnwindSafe, catch_unwind},
  sync::{Arc, Mutex, MutexGuard, PoisonError},
  time::Duration,
};

use export::{diagnostics::Code, loss::LossReason};
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::{
  runtime::{self, Runtime},
  sync::Notify,
};

use super::{
  driver,
  ending::{self, Exporters},
  process_exit,
  shared::Shared,
};

/// The delay before the thread requests a refused resource again.
const RESOURCES_AGAIN: Duration = Duration::from_millis(100);

/// Starts the thread with the first exporter. It ends with the last one, and starts again with the next.
#[derive(Default)]
pub struct Engine {
  state: Mutex<State>,
  wake: Notify,
  exporters: Exporters,
}

#[derive(Default)]
struct State {
  is_running: bool,
  /// Exporters that the thread has not begun to drive.
  waiting: Vec<Arc<Shared>>,
}

impl Engine {
  /// Adds an exporter that [`Self::end_without_javascript`] ends.
  pub fn register(&self, shared: &Arc<Shared>) {
    self.exporters.add(shared);
  }

  /// Shuts all exporters down and waits for them at the same time, when the environment ends.
  pub fn end_without_javascript(&self) {
    ending::end_without_javascript(&self.exporters.take(), process_exit::began());
  }

  /// Has the thread drive an exporter until that ends. When the system refuses a thread, the events wait, and the start
  /// is retried.
  pub fn drive(self: &Arc<Self>, shared: Arc<Shared>) {
    let mut state = self.lock();
    state.waiting.push(shared);
    let is_running = mem::replace(&mut state.is_running, true);
    drop(state);
    if is_running {
      self.wake.notify_one();
      return;
    }
    let engine = self.clone();
    let thread = std::thread::Builder::new().name("flue-braintrust".into());
    if let Err(error) = thread.spawn(move || engine.run()) {
      for shared in self.stop() {
        shared.queue.start_failed();
        report_refused(&shared, &error);
      }
    }
  }

  fn run(&self) {
    let mut driven = Vec::new();
    if catch_unwind(AssertUnwindSafe(|| self.drive_all(&mut driven))).is_err() {
      let waiting = self.stop();
      for shared in driven.into_iter().chain(waiting) {
        shared.on_thread_exit(LossReason::EngineFailed);
      }
    }
  }

  /// Runs until no exporter is left. `driven` has those that have not ended.
  fn drive_all(&self, driven: &mut Vec<Arc<Shared>>) {
    let Some(runtime) = self.runtime() else { return };
    runtime.block_on(async {
      let mut tasks = FuturesUnordered::new();
      loop {
        for shared in self.take_waiting() {
          driven.push(shared.clone());
          tasks.push(drive(shared));
        }
        if tasks.is_empty() && self.stop_unless_waiting() {
          return;
        }
        tokio::select! {
          () = self.wake.notified() => {}
          Some((shared, reason)) = tasks.next() => {
            driven.retain(|other| !Arc::ptr_eq(other, &shared));
            shared.on_thread_exit(reason);
          }
        }
      }
    });
  }

  /// The runtime, which needs file descriptors: the thread waits until some are free. `None` when the shutdown
  /// deadlines of all exporters have passed.
  fn runtime(&self) -> Option<Runtime> {
    loop {
      let error = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => return Some(runtime),
        Err(error) => error,
      };
      let mut delay = RESOURCES_AGAIN;
      for shared in self.take_waiting() {
        report_refused(&shared, &error);
        let now = shared.clock.elapsed();
        drop(shared.queue.take_late_flushes(now));
        let left = shared.queue.deadline().map(|deadline| deadline.saturating_sub(now));
        if left.is_some_and(|left| left.is_zero()) {
          shared.on_thread_exit(LossReason::NotDeliveredAtExit);
          continue;
        }
        delay = delay.min(left.unwrap_or(delay));
        self.lock().waiting.push(shared);
      }
      if self.stop_unless_waiting() {
        return None;
      }
      std::thread::sleep(delay);
    }
  }

  fn take_waiting(&self) -> Vec<Arc<Shared>> {
    mem::take(&mut self.lock().waiting)
  }

  /// Marks the thread as ended. Returns the exporters that wait for it.
  fn stop(&self) -> Vec<Arc<Shared>> {
    let mut state = self.lock();
    state.is_running = false;
    mem::take(&mut state.waiting)
  }

  /// Marks the thread as ended, unless exporters wait for it.
  fn stop_unless_waiting(&self) -> bool {
    let mut state = self.lock();
    state.is_running = !state.waiting.is_empty();
    !state.is_running
  }

  fn lock(&self) -> MutexGuard<'_, State> {
    self.state.lock().unwrap_or_else(PoisonError::into_inner)
  }
}

/// Drives an exporter until it ends. Returns why later events are refused. A panic does not affect other exporters.
async fn drive(shared: Arc<Shared>) -> (Arc<Shared>, LossReason) {
  let ended = AssertUnwindSafe(driver::drive(shared.clone())).catch_unwind().await;
  (shared, ended.unwrap_or(LossReason::EngineFailed))
}

/// Reports that the system refuses what the thread needs.
fn report_refused(shared: &Shared, error: &io::Error) {
  shared.account.failed(format!("the delivery thread cannot start: {error}"));
  let message =
    format!("The delivery thread cannot start ({error}). Traces wait and it is tried again.");
  shared.account.diagnostics.once(Code::Resources, &message);
}
