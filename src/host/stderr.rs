//! Lines on stderr, written by a thread of their own.
//!
//! A pipe that nobody reads fills up, and a write then never returns. Neither the thread that delivers nor the
//! application's waits for it: at the end of the process, for a bounded time. Where the system refuses a thread, they write
//! what does not block.

use std::{
  collections::VecDeque,
  io::{self, Write},
  sync::{Condvar, Mutex, MutexGuard, PoisonError},
  thread,
  time::Duration,
};

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The most lines that wait; further ones are left out.
const MAX_LINES: usize = 1024;
/// The same for the debug log, which leaves room for diagnostics.
const MAX_DEBUG_LINES: usize = 768;
/// The most bytes that a pipe which is not full takes without blocking.
const PIPE_BYTES: usize = 4096;
/// The delay before the next attempt, when another process has made the pipe non-blocking and it is full.
const AGAIN: Duration = Duration::from_millis(10);

static LINES: Mutex<Lines> =
  Mutex::new(Lines { waiting: VecDeque::new(), is_writing: false, is_stuck: false });
static WRITTEN: Condvar = Condvar::new();

struct Lines {
  waiting: VecDeque<Vec<u8>>,
  /// Whether a thread writes. It ends with the last line.
  is_writing: bool,
  /// Whether somebody has waited in vain for the line that is being written.
  is_stuck: bool,
}

/// Prints a line. Never blocks.
pub fn print(line: &str) {
  push(format!("{}\n", one_line(line)), MAX_LINES);
}

/// Prints a line of the debug log. Never blocks.
pub fn print_debug(line: &str) {
  push(format!("[flue-braintrust] debug: {}\n", one_line(line)), MAX_DEBUG_LINES);
}

/// The text without what would end the line or steer a terminal: paths and names may have it.
fn one_line(text: &str) -> String {
  let ends_line = |it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}');
  text.chars().map(|it| if ends_line(it) { ' ' } else { it }).collect()
}

/// Waits until all lines are written, for at most `most`. Once that was in vain, it is not waited for again.
pub fn wait(most: Duration) {
  let mut lines = lock();
  if !lines.is_writing && !lines.waiting.is_empty() {
    lines = start(lines);
  }
  let most = if lines.is_stuck { Duration::ZERO } else { most };
  let waited = WRITTEN.wait_timeout_while(lines, most, |lines| lines.is_writing);
  let (mut lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
  lines.is_stuck = lines.is_writing;
}

fn push(line: String, most: usize) {
  let mut lines = lock();
  if lines.waiting.len() >= most {
    return;
  }
  lines.waiting.push_back(line.into_bytes());
  if !lines.is_writing {
    drop(start(lines));
  }
}

/// Has a thread write the lines.
fn start(mut lines: MutexGuard<'static, Lines>) -> MutexGuard<'static, Lines> {
  lines.is_writing = true;
  drop(lines);
  let thread = thread::Builder::new().name("flue-braintrust-stderr".into());
  let is_refused = thread.spawn(write_waiting).is_err();
  let mut lines = lock();
  if is_refused {
    // What is left waits for the next line, or the end of the process.
    write_some(&mut io::stderr(), &mut lines.waiting, is_writable);
    lines.is_writing = false;
  }
  lines
}

/// Writes lines while `is_writable`: nothing blocks.
fn write_some(
  to: &mut impl Write,
  lines: &mut VecDeque<Vec<u8>>,
  mut is_writable: impl FnMut() -> bool,
) {
  while let Some(line) = lines.front_mut()
    && is_writable()
  {
    let most = line.len().min(PIPE_BYTES);
    match to.write(line.get(..most).unwrap_or_default()) {
      Ok(written) if written > 0 => drop(line.drain(..written)),
      Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
      Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
      // A closed stderr is not a failure.
      _ => line.clear(),
    }
    if line.is_empty() {
      lines.pop_front();
    }
  }
}

/// Whether stderr takes some bytes without blocking.
#[cfg(unix)]
fn is_writable() -> bool {
  let stderr = io::stderr();
  let mut stderr = [PollFd::new(&stderr, PollFlags::OUT)];
  let now = Timespec { tv_sec: 0, tv_nsec: 0 };
  poll(&mut stderr, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Cannot be found out here.
#[cfg(not(unix))]
fn is_writable() -> bool {
  true
}

fn write_waiting() {
  loop {
    let mut lines = lock();
    lines.is_stuck = false;
    let Some(line) = lines.waiting.pop_front() else {
      lines.is_writing = false;
      WRITTEN.notify_all();
      return;
    };
    drop(lines);
    // A closed stderr is not a failure.
    let _closed = write(&mut io::stderr(), &line);
  }
}

/// Writes all, also to a pipe that is full for a moment.
fn write(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
  while !bytes.is_empty() {
    match to.write(bytes) {
      Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
      Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
      Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(AGAIN),
      Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
      Err(error) => return Err(error),
    }
  }
  Ok(())
}

fn lock() -> MutexGuard<'static, Lines> {
  LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
  use std::mem;

  use super::*;

  #[test]
  fn a_line_stays_one_whatever_is_in_it() {
    assert_eq!(one_line("/a\r\nb\u{1b}[2J\u{2028}\u{e9}"), "/a  b [2J \u{e9}");
  }

  /// A pipe that takes three bytes, then is full once.
  #[derive(Default)]
  struct Pipe {
    written: Vec<u8>,
    is_full: bool,
  }

  impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
      if mem::replace(&mut self.is_full, false) {
        return Err(io::ErrorKind::WouldBlock.into());
      }
      self.is_full = true;
      self.written.extend(bytes.iter().take(3));
      Ok(bytes.len().min(3))
    }

    fn flush(&mut self) -> io::Result<()> {
      Ok(())
    }
  }

  #[test]
  fn a_line_is_written_whole_to_a_pipe_that_is_full_for_a_moment() {
    let mut pipe = Pipe::default();
    write(&mut pipe, b"12345678\n").unwrap();
    assert_eq!(pipe.written, b"12345678\n");
  }

  #[test]
  fn without_a_thread_lines_are_written_until_the_pipe_is_full() {
    let mut lines = VecDeque::from([b"12345\n".to_vec(), b"67890\n".to_vec()]);
    let mut pipe = Pipe::default();
    write_some(&mut pipe, &mut lines, || true);
    assert_eq!((&pipe.written[..], lines.len()), (&b"123"[..], 2));
    let mut times = 0..3;
    write_some(&mut Vec::new(), &mut lines, || times.next().is_some());
    assert!(lines.is_empty());
    let mut full = VecDeque::from([b"1\n".to_vec()]);
    write_some(&mut pipe, &mut full, || false);
    assert_eq!((&pipe.written[..], full.len()), (&b"123"[..], 1));
  }
}
