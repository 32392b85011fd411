//! A read-only listing of a spool directory: the segments of each destination, and the processes that own them.
//!
//! Pure: the host lists the names, reads files and probes locks. Nothing is adopted, moved or removed.

use std::{collections::BTreeMap, io};

use super::{
  file::{Header, decode},
  name::{Kind, Name},
};

/// What a spool directory holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
  /// By destination, in the order of their fingerprints.
  pub shares: Vec<Share>,
  /// How many files are not spool files.
  pub foreign: usize,
}

/// What a spool directory holds for one destination.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Share {
  /// The fingerprint of server, project and key.
  pub destination: u64,
  /// Segments that can be delivered.
  pub waiting: Segments,
  /// Segments that cannot. Their rows are those that readable headers state.
  pub damaged: Segments,
  /// How many files were being written when their process ended, or are being written.
  pub unfinished: u64,
  /// How many snapshots of open spans there are, one for each process that has some.
  pub open_records: u64,
  /// The processes that the files belong to, in the order of their files' names.
  pub processes: Vec<Process>,
}

/// Sizes of some segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments {
  pub files: u64,
  pub rows: u64,
  /// The bytes on the disk, headers included.
  pub bytes: u64,
  /// When the oldest was written, milliseconds since the epoch. `None` without a readable header.
  pub oldest: Option<i64>,
  /// When the newest was written.
  pub newest: Option<i64>,
}

/// A process that owns files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
  pub pid: u32,
  /// Whether it holds the lock of its files.
  pub runs: bool,
}

/// Lists a spool directory from the names in it.
///
/// `read` reads a file and `is_locked` probes a lock file, both by name. A file that is gone by the time it is
/// read was delivered meanwhile and is left out; any other error of `read` is returned.
pub fn inspect(
  mut names: Vec<String>,
  mut read: impl FnMut(&str) -> io::Result<Vec<u8>>,
  mut is_locked: impl FnMut(&str) -> bool,
) -> io::Result<Listing> {
  names.sort();
  let mut shares = BTreeMap::<u64, Share>::new();
  let mut foreign = 0;
  for text in &names {
    let Ok(name) = text.parse::<Name>() else {
      foreign += 1;
      continue;
    };
    let destination = name.id.destination;
    let empty = || Share { destination, ..Share::default() };
    let share = shares.entry(destination).or_insert_with(empty);
    let locked = name.kind == Kind::Lock && is_locked(text);
    share.note_process(name.id.pid, locked);
    match name.kind {
      Kind::Snapshot => share.open_records += 1,
      Kind::Partial(_) => share.unfinished += 1,
      Kind::Segment(_) | Kind::Damaged(Some(_)) => match read(text) {
        Ok(file) if matches!(name.kind, Kind::Segment(_)) && has_rows(&file) => {
          share.waiting.add(&file);
        }
        Ok(file) => share.damaged.add(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
      },
      _ => {}
    }
  }
  Ok(Listing { shares: shares.into_values().collect(), foreign })
}

/// Whether a segment is whole. None is written without rows.
fn has_rows(file: &[u8]) -> bool {
  decode(file).is_ok_and(|(header, _)| header.rows > 0)
}

impl Share {
  fn note_process(&mut self, pid: u32, runs: bool) {
    match self.processes.iter_mut().find(|process| process.pid == pid) {
      Some(process) => process.runs |= runs,
      None => self.processes.push(Process { pid, runs }),
    }
  }
}

impl Segments {
  fn add(&mut self, file: &[u8]) {
    self.files += 1;
    self.bytes += file.len() as u64;
    if let Ok(header) = Header::decode(file) {
      self.rows += u64::from(header.rows);
      self.oldest = Some(self.oldest.map_or(header.created, |oldest| oldest.min(header.created)));
      self.newest = Some(self.newest.map_or(header.created, |newest| newest.max(header.created)));
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn file(rows: u32, created: i64) -> Vec<u8> {
    [&Header::of(b"content", rows, created).encode()[..], b"content"].concat()
  }

  fn list(files: &[(&str, Vec<u8>)], locked: &str) -> Listing {
    let names = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    let read = |wanted: &str| {
      let found = files.iter().find(|(name, _)| *name == wanted);
      found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    inspect(names, read, |name| name == locked).unwrap()
  }

  #[test]
  fn segments_are_summed_by_destination() {
    let listing = list(
      &[
        ("000000000000beef-8-00000001-0000000000.rows", file(9, 5)),
        ("000000000000feed-7-00000001-0000000001.rows", file(3, 40)),
        ("000000000000feed-7-00000001-0000000000.rows", file(2, 30)),
        ("000000000000feed-7-00000001.open", Vec::new()),
        ("000000000000feed-7-00000001.tmp", Vec::new()),
        ("notes.txt", Vec::new()),
      ],
      "",
    );
    assert_eq!(listing.foreign, 1);
    let [beef, feed] = &listing.shares[..] else { panic!("{listing:?}") };
    assert_eq!((beef.destination, beef.waiting.rows), (0xbeef, 9));
    let bytes = 2 * (Header::LENGTH as u64 + 7);
    let waiting = Segments { files: 2, rows: 5, bytes, oldest: Some(30), newest: Some(40) };
    assert_eq!((feed.waiting, feed.open_records, feed.unfinished), (waiting, 1, 1));
    assert_eq!(feed.processes, [Process { pid: 7, runs: false }]);
  }

  #[test]
  fn damaged_segments_count_the_rows_that_their_headers_state() {
    let mut cut = file(4, 1);
    cut.truncate(Header::LENGTH + 1);
    let listing = list(
      &[
        ("000000000000feed-7-00000001-0000000000.rows", cut),
        ("000000000000feed-7-00000001-0000000001.damaged", file(2, 1)),
        ("000000000000feed-7-00000001-0000000002.rows", b"no header".to_vec()),
        ("000000000000feed-7-00000001-0000000003.rows", file(0, 1)),
        ("000000000000feed-7-00000001.damaged", file(99, 1)),
      ],
      "",
    );
    let damaged = listing.shares[0].damaged;
    assert_eq!((damaged.files, damaged.rows, listing.shares[0].waiting.files), (4, 6, 0));
  }

  #[test]
  fn a_process_runs_while_one_of_its_locks_is_held() {
    let (first, second) = ("000000000000feed-7-00000001.lock", "000000000000feed-7-00000002.lock");
    let files = [(first, Vec::new()), (second, Vec::new())];
    for (locked, runs) in [("", false), (first, true), (second, true)] {
      assert_eq!(list(&files, locked).shares[0].processes, [Process { pid: 7, runs }]);
    }
  }

  #[test]
  fn a_segment_that_is_delivered_meanwhile_is_left_out() {
    let name = "000000000000feed-7-00000001-0000000000.rows".to_owned();
    let gone = |_: &str| Err(io::ErrorKind::NotFound.into());
    let listing = inspect(vec![name], gone, |_| false).unwrap();
    assert_eq!(listing.shares[0].waiting, Segments::default());
  }
}
