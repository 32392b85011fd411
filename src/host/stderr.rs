//! Lines on stderr, written by a thread of their own.
//!
//! A pipe that nobody reads fills up, and a write then never returns. Neither the thread that delivers nor the
//! application's waits for it: at the end of the process, for a bounded time.

use std::{
  collections::VecDeque,
  io::{self, Write},
  mem,
  sync::{Condvar, Mutex, MutexGuard, PoisonError},
  thread,
  time::Duration,
};

/// The most lines that wait; further ones are left out.
const MAX_LINES: usize = 1024;
/// The same for the debug log, which leaves room for diagnostics.
const MAX_DEBUG_LINES: usize = 768;
/// The delay before the next attempt, when another process has made the pipe non-blocking and it is full.
const AGAIN: Duration = Duration::from_millis(10);

static LINES: Mutex<Lines> =
  Mutex::new(Lines { waiting: VecDeque::new(), is_writing: false, is_stuck: false });
static WRITTEN: Condvar = Condvar::new();

struct Lines {
  waiting: VecDeque<String>,
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
  let lines = lock();
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
  lines.waiting.push_back(line);
  if mem::replace(&mut lines.is_writing, true) {
    return;
  }
  drop(lines);
  let thread = thread::Builder::new().name("flue-braintrust-stderr".into());
  if thread.spawn(write_waiting).is_err() {
    write_waiting();
  }
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
    let _closed = write(&mut io::stderr(), line.as_bytes());
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
}
