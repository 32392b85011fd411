//! Cases that the model does not cover: changes to the directory by others, and exact counts.

use std::{cell::RefCell, io::ErrorKind, path::Path, rc::Rc};

use crate::{
  FileCounts, Id, Options, ReadError, Segment, Spool,
  file::{DecodeError, Header},
  memory::{Fault, MemoryFiles},
  name::{Kind, Name},
};

const HOUR: i64 = 60 * 60 * 1000;
const NOON: i64 = 1_795_435_200_000;

fn id(destination: u64, pid: u32) -> Id {
  Id { destination, pid, random: 7 }
}

fn open(files: &MemoryFiles, id: Id) -> Spool<MemoryFiles> {
  let options = Options { dir: "/spool".into(), id, max_age_ms: 24 * HOUR, fsync: false };
  Spool::open(options, files.clone()).unwrap()
}

fn name(id: Id, kind: Kind) -> String {
  Name { id, kind }.to_string()
}

fn exists(files: &MemoryFiles, name: &str) -> bool {
  files.disk.borrow().find(&Path::new("/spool").join(name)).is_ok()
}

fn names(files: &MemoryFiles) -> Vec<String> {
  let disk = files.disk.borrow();
  disk.names.keys().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

fn contents(spool: &Spool<MemoryFiles>, segments: &[Segment]) -> Vec<Vec<u8>> {
  segments.iter().map(|segment| spool.read(segment).unwrap()).collect()
}

#[test]
fn segments_of_dead_processes_are_adopted_oldest_first_and_keep_their_age() {
  let files = MemoryFiles::default();
  let (mut first, mut second) = (open(&files, id(1, 1)), open(&files, id(1, 2)));
  first.put(b"b", 1, NOON + 2).unwrap();
  second.put(b"a", 1, NOON + 1).unwrap();
  first.put(b"c", 1, NOON + 3).unwrap();
  drop((first, second));
  let mut adopter = open(&files, id(1, 3));
  let own = adopter.put(b"d", 1, NOON + 4).unwrap();
  let adopted = adopter.adopt(NOON + 5);
  assert_eq!(contents(&adopter, &adopted.segments), [b"a", b"b", b"c"]);
  let created: Vec<i64> = adopted.segments.iter().map(|segment| segment.created - NOON).collect();
  assert_eq!(created, [1, 2, 3]);
  assert_eq!((adopter.segments(), adopter.bytes()), (4, 4 * (Header::LENGTH as u64 + 1)));
  for segment in adopted.segments.iter().chain([&own]) {
    adopter.remove(segment).unwrap();
  }
  adopter.close().unwrap();
  drop(adopter);
  assert_eq!(names(&files), [""; 0]);
}

#[test]
fn a_clock_that_is_set_back_does_not_change_the_order() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  for (content, now) in [(b"a", NOON), (b"b", NOON - HOUR), (b"c", NOON + 1)] {
    dead.put(content, 1, now).unwrap();
  }
  drop(dead);
  let mut adopter = open(&files, id(1, 2));
  let adopted = adopter.adopt(NOON);
  assert_eq!(contents(&adopter, &adopted.segments), [b"a", b"b", b"c"]);
  // Nor that of one process after another.
  adopter.put(b"d", 1, NOON - HOUR).unwrap();
  drop(adopter);
  let mut next = open(&files, id(1, 3));
  let adopted = next.adopt(NOON - HOUR);
  assert_eq!(contents(&next, &adopted.segments), [b"a", b"b", b"c", b"d"]);
}

#[test]
fn files_of_another_destination_expire_although_the_clock_was_set_back() {
  let files = MemoryFiles::default();
  let mut adopter = open(&files, id(1, 1));
  adopter.adopt(NOON + 1000 * HOUR);
  let mut dead = open(&files, id(2, 2));
  dead.put(b"a", 1, NOON).unwrap();
  drop(dead);
  let expired = adopter.adopt(NOON + 500 * HOUR).expired;
  assert_eq!((expired.files, expired.rows), (1, 1));
}

#[test]
fn an_adoption_takes_steps_that_keep_the_order_and_the_snapshot_comes_last() {
  let files = MemoryFiles::default();
  let (mut first, mut second) = (open(&files, id(1, 1)), open(&files, id(1, 2)));
  for number in 0..5 {
    first.put(&[b'a', number], 1, NOON + 2 * i64::from(number)).unwrap();
    second.put(&[b'b', number], 1, NOON + 2 * i64::from(number) + 1).unwrap();
  }
  first.write_snapshot(b"open", NOON).unwrap();
  drop((first, second));
  let mut adopter = open(&files, id(1, 3));
  adopter.set_adoption_step(3);
  let (mut found, mut steps) = (Vec::new(), 0);
  loop {
    let adopted = adopter.adopt(NOON);
    assert!(adopted.segments.len() <= 3 && adopted.error.is_none());
    found.extend(contents(&adopter, &adopted.segments));
    steps += 1;
    assert_eq!(adopted.snapshots.len(), usize::from(!adopted.has_more));
    if !adopted.has_more {
      break;
    }
    // Another process takes nothing meanwhile, and other operations run.
    assert!(open(&files, id(1, 10 + steps)).adopt(NOON).segments.is_empty());
    adopter.put(b"own", 1, NOON).unwrap();
  }
  let expected: Vec<Vec<u8>> = (0..5).flat_map(|n| [vec![b'a', n], vec![b'b', n]]).collect();
  assert_eq!((found, steps), (expected, 8));
}

#[test]
fn an_adoption_locks_a_bounded_number_of_processes_and_later_ones_take_the_others() {
  let files = MemoryFiles::default();
  for pid in 0..300 {
    open(&files, id(1, pid)).put(b"rows", 1, NOON).unwrap();
  }
  let mut adopter = open(&files, id(1, 300));
  let adopted: Vec<usize> = (0..3).map(|_| adopter.adopt(NOON).segments.len()).collect();
  assert_eq!(adopted, [256, 44, 0]);
}

#[test]
fn a_snapshot_is_adopted_again_until_it_is_discarded() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.write_snapshot(b"first", NOON).unwrap();
  dead.write_snapshot(b"second", NOON).unwrap();
  drop(dead);
  let mut adopter = open(&files, id(1, 2));
  assert_eq!(adopter.adopt(NOON).snapshots, [b"second"]);
  let mut sibling = open(&files, id(1, 3));
  assert!(sibling.adopt(NOON).snapshots.is_empty(), "the adopter has it");
  assert!(adopter.adopt(NOON).snapshots.is_empty(), "the adopter has it already");
  drop(adopter);
  assert_eq!(sibling.adopt(NOON).snapshots, [b"second"]);
  sibling.write_snapshot(b"second", NOON).unwrap();
  sibling.discard_snapshots().unwrap();
  assert_eq!(names(&files), [name(id(1, 3), Kind::Lock), name(id(1, 3), Kind::Snapshot)]);
  sibling.clear_snapshot().unwrap();
  sibling.close().unwrap();
  drop(sibling);
  assert_eq!(names(&files), [""; 0]);
}

#[test]
fn an_unfinished_file_that_cannot_be_removed_keeps_the_lock_for_the_next_process() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  files.disk.borrow_mut().is_full = true;
  files.arm(1, Fault::Error(ErrorKind::Other));
  assert_eq!(spool.put(b"rows", 1, NOON).unwrap_err().kind(), ErrorKind::StorageFull);
  spool.close().unwrap();
  drop(spool);
  let unfinished = name(id(1, 1), Kind::Partial(Some(1)));
  assert_eq!(names(&files), [unfinished, name(id(1, 1), Kind::Lock)]);

  files.disk.borrow_mut().is_full = false;
  let mut next = open(&files, id(1, 2));
  assert!(next.adopt(NOON).segments.is_empty());
  next.close().unwrap();
  assert_eq!(names(&files), [""; 0]);
}

#[test]
fn a_snapshot_outlives_its_process_whether_closed_or_killed() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  spool.write_snapshot(b"open", NOON).unwrap();
  spool.close().unwrap();
  drop(spool);
  assert_eq!(open(&files, id(1, 2)).adopt(NOON).snapshots, [b"open"]);
}

#[test]
fn files_of_another_destination_are_untouched_until_they_expire() {
  let files = MemoryFiles::default();
  let mut other = open(&files, id(2, 1));
  other.put(b"rows", 5, NOON).unwrap();
  other.put(b"later rows", 6, NOON + 2 * HOUR).unwrap();
  other.write_snapshot(b"open", NOON).unwrap();
  let mut spool = open(&files, id(1, 1));
  let late = NOON + 25 * HOUR;
  assert_eq!(spool.adopt(late).expired, FileCounts::default(), "it runs");
  drop(other);
  assert_eq!(spool.adopt(late).expired, FileCounts::default(), "it is not looked at every time");

  let mut next = open(&files, id(1, 2));
  let adopted = next.adopt(late);
  assert_eq!(adopted.expired, FileCounts { files: 2, rows: 5 });
  assert!(adopted.segments.is_empty() && adopted.snapshots.is_empty());
  assert!(exists(&files, &name(id(2, 1), Kind::Segment(2))));
  assert_eq!(spool.adopt(late + 2 * HOUR).expired, FileCounts { files: 1, rows: 6 });
  assert!(!exists(&files, &name(id(2, 1), Kind::Lock)));
}

#[test]
fn expired_segments_are_counted_and_not_adopted() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.put(b"old", 3, NOON).unwrap();
  dead.put(b"new", 4, NOON + HOUR).unwrap();
  drop(dead);
  let mut adopter = open(&files, id(1, 2));
  let adopted = adopter.adopt(NOON + 24 * HOUR + 1);
  assert_eq!(adopted.expired, FileCounts { files: 1, rows: 3 });
  assert_eq!(contents(&adopter, &adopted.segments), [b"new"]);
}

#[test]
fn damaged_segments_are_quarantined_counted_and_kept_until_they_expire() {
  let files = MemoryFiles::default();
  files.disk.borrow_mut().now = NOON;
  let mut dead = open(&files, id(1, 1));
  let cut = dead.put(b"cut off", 2, NOON).unwrap();
  let content = dead.put(b"other content", 3, NOON).unwrap();
  let header = dead.put(b"other header", 4, NOON).unwrap();
  for (segment, at) in [(&content, Header::LENGTH), (&header, 17)] {
    let path = Path::new("/spool").join(name(id(1, 1), Kind::Segment(segment.number)));
    let mut disk = files.disk.borrow_mut();
    let inode = disk.find(&path).unwrap();
    disk.inodes[inode].bytes[at] ^= 1;
  }
  {
    let path = Path::new("/spool").join(name(id(1, 1), Kind::Segment(cut.number)));
    let mut disk = files.disk.borrow_mut();
    let inode = disk.find(&path).unwrap();
    disk.inodes[inode].bytes.truncate(40);
  }
  dead.write_snapshot(b"open", NOON).unwrap();
  drop(dead);

  let mut adopter = open(&files, id(1, 2));
  let adopted = adopter.adopt(NOON);
  assert_eq!(adopted.damaged, FileCounts { files: 2, rows: 2 }, "the other header is unreadable");
  assert_eq!((adopted.unreadable, adopted.damaged_snapshots), (1, 0));
  let [segment] = adopted.segments[..] else { panic!("{:?}", adopted.segments) };
  assert_eq!(segment.rows, 3);
  assert!(matches!(adopter.read(&segment), Err(ReadError::Damaged(DecodeError::Content))));
  adopter.quarantine(&segment).unwrap();
  assert_eq!((adopter.segments(), adopter.bytes()), (0, 0));
  let damaged = |files| names(files).iter().filter(|name| name.ends_with(".damaged")).count();
  assert_eq!(damaged(&files), 3);
  adopter.discard_snapshots().unwrap();
  adopter.close().unwrap();
  drop(adopter);

  open(&files, id(1, 3)).adopt(NOON + 24 * HOUR);
  assert_eq!(damaged(&files), 3);
  open(&files, id(2, 4)).adopt(NOON + 25 * HOUR);
  assert_eq!(damaged(&files), 0);
}

#[test]
fn a_segment_whose_header_states_no_rows_is_quarantined_and_counted_as_one_without_a_header() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.put(b"", 0, NOON).unwrap();
  dead.put(b"content", 0, NOON).unwrap();
  drop(dead);
  let adopted = open(&files, id(1, 2)).adopt(NOON);
  assert_eq!((adopted.segments.len(), adopted.unreadable), (0, 2));
  assert_eq!(adopted.damaged, FileCounts { files: 2, rows: 0 });
  assert_eq!(names(&files).iter().filter(|name| name.ends_with(".damaged")).count(), 2);
}

#[test]
fn a_damaged_snapshot_is_quarantined_and_counted() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.write_snapshot(b"open", NOON).unwrap();
  drop(dead);
  let path = Path::new("/spool").join(name(id(1, 1), Kind::Snapshot));
  let inode = files.disk.borrow().find(&path).unwrap();
  files.disk.borrow_mut().inodes[inode].bytes.pop();
  let mut adopter = open(&files, id(1, 2));
  let adopted = adopter.adopt(NOON);
  assert_eq!((adopted.damaged, adopted.snapshots.len()), (FileCounts { files: 1, rows: 0 }, 0));
  assert_eq!((adopted.unreadable, adopted.damaged_snapshots), (0, 1));
  assert!(!exists(&files, &name(id(1, 1), Kind::Lock)));
}

#[test]
fn a_deleted_directory_is_created_again_without_its_files() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  let lost = spool.put(b"lost", 1, NOON).unwrap();
  files.disk.borrow_mut().names.clear();
  files.disk.borrow_mut().has_dir = false;
  assert!(spool.adopt(NOON).error.is_none(), "nothing is there, and that is all");
  let kept = spool.put(b"kept", 1, NOON).unwrap();
  assert!(matches!(spool.read(&lost), Err(ReadError::Gone)));
  spool.remove(&lost).unwrap();
  assert_eq!(spool.read(&kept).unwrap(), b"kept");
  assert_eq!((spool.segments(), spool.bytes()), (1, kept.bytes));
  let mut sibling = open(&files, id(1, 2));
  assert!(sibling.adopt(NOON).segments.is_empty(), "it runs and holds its lock again");
}

#[test]
fn a_process_whose_lock_was_deleted_locks_again() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  files.disk.borrow_mut().names.remove(&Path::new("/spool").join(name(id(1, 1), Kind::Lock)));
  let first = spool.put(b"first", 1, NOON).unwrap();
  let mut sibling = open(&files, id(1, 2));
  let stolen = sibling.adopt(NOON).segments;
  assert_eq!(contents(&sibling, &stolen), [b"first"], "only the lock shows that a process runs");
  assert!(matches!(spool.read(&first), Err(ReadError::Gone)));
  spool.remove(&first).unwrap();

  spool.adopt(NOON);
  spool.put(b"second", 1, NOON).unwrap();
  assert!(sibling.adopt(NOON).segments.is_empty(), "it runs and holds its lock again");
}

#[test]
fn a_full_disk_refuses_new_segments_and_keeps_existing_ones() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  let kept = spool.put(b"kept", 1, NOON).unwrap();
  spool.write_snapshot(b"open", NOON).unwrap();
  files.disk.borrow_mut().is_full = true;
  assert_eq!(spool.put(b"refused", 1, NOON).unwrap_err().kind(), ErrorKind::StorageFull);
  assert_eq!(spool.write_snapshot(b"more", NOON).unwrap_err().kind(), ErrorKind::StorageFull);
  assert_eq!(names(&files).len(), 3, "no parts of files take what space there is");
  files.disk.borrow_mut().is_full = false;
  assert_eq!(spool.read(&kept).unwrap(), b"kept");
  spool.put(b"fits again", 1, NOON).unwrap();
  drop(spool);
  let adopted = open(&files, id(1, 2)).adopt(NOON);
  assert_eq!((adopted.segments.len(), adopted.snapshots), (2, vec![b"open".to_vec()]));
}

#[test]
fn a_segment_that_cannot_be_adopted_is_reported_and_stays() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.put(b"rows", 1, NOON).unwrap();
  drop(dead);
  let mut adopter = open(&files, id(1, 2));
  files.disk.borrow_mut().is_full = true;
  let adopted = adopter.adopt(NOON);
  assert_eq!(adopted.error.map(|error| error.kind()), Some(ErrorKind::StorageFull));
  assert_eq!((adopted.segments.len(), adopter.segments()), (0, 0));
  files.disk.borrow_mut().is_full = false;
  assert_eq!(adopter.adopt(NOON).segments.len(), 1);
}

/// What a process adopts whose operations of these numbers fail, in one adoption after the other: of two segments of a dead
/// process, and its snapshot.
fn adopted_with_failures(failures: &[Option<u32>]) -> Vec<(Vec<Vec<u8>>, usize)> {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.put(b"first", 1, NOON).unwrap();
  dead.put(b"later", 1, NOON + 1).unwrap();
  dead.write_snapshot(b"open", NOON).unwrap();
  drop(dead);
  let mut adopter = open(&files, id(1, 2));
  let adopt = |failure: &Option<u32>| {
    files.disarm();
    if let Some(operation) = failure {
      files.arm(*operation, Fault::Error(ErrorKind::TimedOut));
    }
    let adopted = adopter.adopt(NOON);
    files.disarm();
    (contents(&adopter, &adopted.segments), adopted.snapshots.len())
  };
  failures.iter().map(adopt).collect()
}

#[test]
fn what_follows_a_segment_that_cannot_be_adopted_waits_for_it() {
  let whole = (vec![b"first".to_vec(), b"later".to_vec()], 1);
  let mut waited = 0;
  for operation in 0..12 {
    let [(mut segments, snapshots), (others, next_snapshots)] =
      adopted_with_failures(&[Some(operation), None]).try_into().unwrap();
    assert!(segments.len() == 2 || snapshots == 0, "the snapshot comes last, {operation}");
    waited += usize::from(segments.is_empty());
    segments.extend(others);
    assert_eq!((segments, snapshots + next_snapshots), whole, "operation {operation}");
  }
  assert!(waited > 1);
}

#[test]
fn what_follows_a_segment_that_cannot_be_adopted_does_not_wait_for_ever() {
  let lasting = |operation| adopted_with_failures(&[Some(operation); 4]);
  assert!((0..12).any(|operation| lasting(operation)[3] == (vec![b"later".to_vec()], 1)));
}

#[test]
fn a_process_that_is_starting_is_not_adopted() {
  for operation in 0..8 {
    let files = MemoryFiles::default();
    files.disk.borrow_mut().now = NOON;
    let mut sibling = open(&files, id(1, 1));
    let meanwhile = Rc::new(RefCell::new(sibling));
    let starting = files.other_process();
    let other = meanwhile.clone();
    starting
      .arm(operation, Fault::Interrupt(Box::new(move || drop(other.borrow_mut().adopt(NOON)))));
    let mut spool = open(&starting, id(1, 2));
    spool.put(b"rows", 1, NOON).unwrap();
    starting.disarm();
    sibling = Rc::into_inner(meanwhile).unwrap().into_inner();
    assert!(sibling.adopt(NOON).segments.is_empty(), "before operation {operation}");
  }
}

#[test]
fn a_process_may_write_and_die_while_two_others_adopt() {
  for operation in 0..20 {
    let files = MemoryFiles::default();
    let mut dead = open(&files, id(1, 1));
    dead.put(b"a", 1, NOON).unwrap();
    dead.write_snapshot(b"open", NOON).unwrap();
    drop(dead);
    let mut dying = open(&files, id(1, 2));
    dying.put(b"b", 1, NOON + 1).unwrap();
    let found = Rc::new(RefCell::new(Vec::new()));
    let mut other = open(&files, id(1, 4));
    let also_found = found.clone();
    let meanwhile = move || {
      dying.put(b"c", 1, NOON + 2).unwrap();
      drop(dying);
      let adopted = other.adopt(NOON);
      also_found.borrow_mut().extend(contents(&other, &adopted.segments));
      // It keeps running.
      std::mem::forget(other);
    };
    let adopter_files = files.other_process();
    let mut adopter = open(&adopter_files, id(1, 3));
    adopter_files.arm(operation, Fault::Interrupt(Box::new(meanwhile)));
    let adopted = adopter.adopt(NOON);
    let was_interrupted = !adopter_files.is_armed();
    adopter_files.disarm();
    found.borrow_mut().extend(contents(&adopter, &adopted.segments));
    for name in names(&files) {
      let lock = Name { kind: Kind::Lock, ..name.parse().unwrap() }.to_string();
      assert!(exists(&files, &lock), "before operation {operation}: {name} has no lock");
    }
    let adopted = adopter.adopt(NOON);
    found.borrow_mut().extend(contents(&adopter, &adopted.segments));
    let mut found = found.take();
    found.sort();
    // It dies in any case, but writes nothing when it did not run.
    let expected: &[&[u8]] = if was_interrupted { &[b"a", b"b", b"c"] } else { &[b"a", b"b"] };
    assert_eq!(found, expected, "before operation {operation}");
  }
}

#[test]
fn an_id_is_used_once() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  spool.put(b"rows", 1, NOON).unwrap();
  spool.close().unwrap();
  drop(spool);
  let options = Options { dir: "/spool".into(), id: id(1, 1), max_age_ms: HOUR, fsync: false };
  let error = Spool::open(options, files).err().unwrap();
  assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn adoption_costs_one_listing_and_one_lock_attempt_per_sibling() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  let siblings: Vec<_> = (2..5).map(|pid| open(&files, id(1, pid))).collect();
  let _elsewhere = open(&files, id(2, 9));
  for number in 0..100 {
    spool.put(b"rows", 1, NOON + number).unwrap();
  }
  spool.adopt(NOON);
  let before = files.operations();
  spool.adopt(NOON + 1);
  // Opening a lock file and locking it are two operations.
  assert_eq!(files.operations() - before, 1 + 2 * siblings.len() as u32);
}
