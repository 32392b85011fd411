//! What the model does not say: what strangers do to the directory, and what is done about it.

use std::{cell::RefCell, io::ErrorKind, path::Path, rc::Rc};

use crate::{
  Entry, Id, Options, ReadError, Spool, Tally,
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

fn contents(spool: &Spool<MemoryFiles>, entries: &[Entry]) -> Vec<Vec<u8>> {
  entries.iter().map(|entry| spool.read(entry).unwrap()).collect()
}

#[test]
fn what_the_dead_of_all_ages_left_comes_oldest_first_and_keeps_its_age() {
  let files = MemoryFiles::default();
  let (mut first, mut second) = (open(&files, id(1, 1)), open(&files, id(1, 2)));
  first.put(b"b", 1, NOON + 2).unwrap();
  second.put(b"a", 1, NOON + 1).unwrap();
  first.put(b"c", 1, NOON + 3).unwrap();
  drop((first, second));
  let mut heir = open(&files, id(1, 3));
  let own = heir.put(b"d", 1, NOON + 4).unwrap();
  let adopted = heir.adopt(NOON + 5);
  assert_eq!(contents(&heir, &adopted.payloads), [b"a", b"b", b"c"]);
  let created: Vec<i64> = adopted.payloads.iter().map(|entry| entry.created - NOON).collect();
  assert_eq!(created, [1, 2, 3]);
  assert_eq!((heir.entries(), heir.bytes()), (4, 4 * (Header::LENGTH as u64 + 1)));
  for entry in adopted.payloads.iter().chain([&own]) {
    heir.remove(entry).unwrap();
  }
  heir.finish().unwrap();
  drop(heir);
  assert_eq!(names(&files), [""; 0]);
}

#[test]
fn what_is_kept_for_one_destination_is_seen_there_alone() {
  let files = MemoryFiles::default();
  let dir = Path::new("/spool");
  assert!(!Spool::any(&files, dir, 1), "there is not even a directory");
  let mut spool = open(&files, id(1, 1));
  assert!(!Spool::any(&files, dir, 1));
  let entry = spool.put(b"rows", 1, NOON).unwrap();
  assert!(Spool::any(&files, dir, 1));
  assert!(!Spool::any(&files, dir, 2));
  spool.remove(&entry).unwrap();
  assert!(!Spool::any(&files, dir, 1));
  spool.write_record(b"open", NOON).unwrap();
  assert!(Spool::any(&files, dir, 1));
}

#[test]
fn the_record_is_handed_out_until_it_is_forgotten() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.write_record(b"first", NOON).unwrap();
  dead.write_record(b"second", NOON).unwrap();
  drop(dead);
  let mut heir = open(&files, id(1, 2));
  assert_eq!(heir.adopt(NOON).records, [b"second"]);
  let mut sibling = open(&files, id(1, 3));
  assert!(sibling.adopt(NOON).records.is_empty(), "the heir has it");
  assert!(heir.adopt(NOON).records.is_empty(), "the heir has it already");
  drop(heir);
  assert_eq!(sibling.adopt(NOON).records, [b"second"]);
  sibling.write_record(b"second", NOON).unwrap();
  sibling.forget().unwrap();
  assert_eq!(names(&files), [name(id(1, 3), Kind::Lock), name(id(1, 3), Kind::Record)]);
  sibling.clear_record().unwrap();
  sibling.finish().unwrap();
  drop(sibling);
  assert_eq!(names(&files), [""; 0]);
}

#[test]
fn a_record_that_was_written_outlives_its_process_however_that_ends() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  spool.write_record(b"open", NOON).unwrap();
  spool.finish().unwrap();
  drop(spool);
  assert_eq!(open(&files, id(1, 2)).adopt(NOON).records, [b"open"]);
}

#[test]
fn the_dead_of_another_destination_are_left_alone_until_they_are_too_old() {
  let files = MemoryFiles::default();
  let mut stranger = open(&files, id(2, 1));
  stranger.put(b"rows", 5, NOON).unwrap();
  stranger.put(b"later rows", 6, NOON + 2 * HOUR).unwrap();
  stranger.write_record(b"open", NOON).unwrap();
  let mut spool = open(&files, id(1, 1));
  let late = NOON + 25 * HOUR;
  assert_eq!(spool.adopt(late).expired, Tally::default(), "it lives");
  drop(stranger);
  assert_eq!(spool.adopt(late).expired, Tally::default(), "it is not looked at every time");

  let mut next = open(&files, id(1, 2));
  let adopted = next.adopt(late);
  assert_eq!(adopted.expired, Tally { files: 2, rows: 5 });
  assert!(adopted.payloads.is_empty() && adopted.records.is_empty());
  assert!(exists(&files, &name(id(2, 1), Kind::Rows(2))));
  assert_eq!(spool.adopt(late + 2 * HOUR).expired, Tally { files: 1, rows: 6 });
  assert!(!exists(&files, &name(id(2, 1), Kind::Lock)));
}

#[test]
fn what_is_too_old_is_counted_and_not_adopted() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.put(b"old", 3, NOON).unwrap();
  dead.put(b"new", 4, NOON + HOUR).unwrap();
  drop(dead);
  let mut heir = open(&files, id(1, 2));
  let adopted = heir.adopt(NOON + 24 * HOUR + 1);
  assert_eq!(adopted.expired, Tally { files: 1, rows: 3 });
  assert_eq!(contents(&heir, &adopted.payloads), [b"new"]);
}

#[test]
fn damage_is_put_aside_counted_as_far_as_possible_and_kept_for_a_while() {
  let files = MemoryFiles::default();
  files.disk.borrow_mut().now = NOON;
  let mut dead = open(&files, id(1, 1));
  let cut = dead.put(b"cut off", 2, NOON).unwrap();
  let content = dead.put(b"other content", 3, NOON).unwrap();
  let header = dead.put(b"other header", 4, NOON).unwrap();
  for (entry, at) in [(&content, Header::LENGTH), (&header, 17)] {
    let path = Path::new("/spool").join(name(id(1, 1), Kind::Rows(entry.number)));
    let mut disk = files.disk.borrow_mut();
    let inode = disk.find(&path).unwrap();
    disk.inodes[inode].bytes[at] ^= 1;
  }
  {
    let path = Path::new("/spool").join(name(id(1, 1), Kind::Rows(cut.number)));
    let mut disk = files.disk.borrow_mut();
    let inode = disk.find(&path).unwrap();
    disk.inodes[inode].bytes.truncate(40);
  }
  dead.write_record(b"open", NOON).unwrap();
  drop(dead);

  let mut heir = open(&files, id(1, 2));
  let adopted = heir.adopt(NOON);
  assert_eq!(adopted.damaged, Tally { files: 2, rows: 2 }, "the other header tells nothing");
  let [entry] = adopted.payloads[..] else { panic!("{:?}", adopted.payloads) };
  assert_eq!(entry.rows, 3);
  assert!(matches!(heir.read(&entry), Err(ReadError::Damaged(DecodeError::Content))));
  heir.quarantine(&entry).unwrap();
  assert_eq!((heir.entries(), heir.bytes()), (0, 0));
  let damaged = |files| names(files).iter().filter(|name| name.ends_with(".damaged")).count();
  assert_eq!(damaged(&files), 3);
  heir.forget().unwrap();
  heir.finish().unwrap();
  drop(heir);

  open(&files, id(1, 3)).adopt(NOON + 24 * HOUR);
  assert_eq!(damaged(&files), 3);
  open(&files, id(2, 4)).adopt(NOON + 25 * HOUR);
  assert_eq!(damaged(&files), 0);
}

#[test]
fn a_damaged_record_is_put_aside_and_counted() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.write_record(b"open", NOON).unwrap();
  drop(dead);
  let path = Path::new("/spool").join(name(id(1, 1), Kind::Record));
  let inode = files.disk.borrow().find(&path).unwrap();
  files.disk.borrow_mut().inodes[inode].bytes.pop();
  let mut heir = open(&files, id(1, 2));
  let adopted = heir.adopt(NOON);
  assert_eq!((adopted.damaged, adopted.records.len()), (Tally { files: 1, rows: 0 }, 0));
  assert!(!exists(&files, &name(id(1, 1), Kind::Lock)));
}

#[test]
fn a_directory_that_was_deleted_is_made_again_and_what_was_in_it_is_gone() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  let lost = spool.put(b"lost", 1, NOON).unwrap();
  files.disk.borrow_mut().names.clear();
  files.disk.borrow_mut().has_dir = false;
  assert!(spool.adopt(NOON).trouble.is_none(), "nothing is there, and that is all");
  let kept = spool.put(b"kept", 1, NOON).unwrap();
  assert!(matches!(spool.read(&lost), Err(ReadError::Gone)));
  spool.remove(&lost).unwrap();
  assert_eq!(spool.read(&kept).unwrap(), b"kept");
  assert_eq!((spool.entries(), spool.bytes()), (1, kept.bytes));
  let mut sibling = open(&files, id(1, 2));
  assert!(sibling.adopt(NOON).payloads.is_empty(), "it lives, and has its lock again");
}

#[test]
fn a_process_whose_lock_was_deleted_takes_it_again() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  files.disk.borrow_mut().names.remove(&Path::new("/spool").join(name(id(1, 1), Kind::Lock)));
  let first = spool.put(b"first", 1, NOON).unwrap();
  let mut sibling = open(&files, id(1, 2));
  let stolen = sibling.adopt(NOON).payloads;
  assert_eq!(contents(&sibling, &stolen), [b"first"], "nobody could know better");
  assert!(matches!(spool.read(&first), Err(ReadError::Gone)));
  spool.remove(&first).unwrap();

  spool.adopt(NOON);
  spool.put(b"second", 1, NOON).unwrap();
  assert!(sibling.adopt(NOON).payloads.is_empty(), "it lives, and has its lock again");
}

#[test]
fn what_does_not_fit_is_refused_and_what_is_there_stays() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  let kept = spool.put(b"kept", 1, NOON).unwrap();
  spool.write_record(b"open", NOON).unwrap();
  files.disk.borrow_mut().is_full = true;
  assert_eq!(spool.put(b"refused", 1, NOON).unwrap_err().kind(), ErrorKind::StorageFull);
  assert_eq!(spool.write_record(b"more", NOON).unwrap_err().kind(), ErrorKind::StorageFull);
  assert_eq!(names(&files).len(), 3, "no parts of files take what space there is");
  files.disk.borrow_mut().is_full = false;
  assert_eq!(spool.read(&kept).unwrap(), b"kept");
  spool.put(b"fits again", 1, NOON).unwrap();
  drop(spool);
  let adopted = open(&files, id(1, 2)).adopt(NOON);
  assert_eq!((adopted.payloads.len(), adopted.records), (2, vec![b"open".to_vec()]));
}

#[test]
fn what_cannot_be_taken_over_is_reported_and_waits() {
  let files = MemoryFiles::default();
  let mut dead = open(&files, id(1, 1));
  dead.put(b"rows", 1, NOON).unwrap();
  drop(dead);
  let mut heir = open(&files, id(1, 2));
  files.disk.borrow_mut().is_full = true;
  let adopted = heir.adopt(NOON);
  assert_eq!(adopted.trouble.map(|error| error.kind()), Some(ErrorKind::StorageFull));
  assert_eq!((adopted.payloads.len(), heir.entries()), (0, 0));
  files.disk.borrow_mut().is_full = false;
  assert_eq!(heir.adopt(NOON).payloads.len(), 1);
}

#[test]
fn a_process_that_is_just_being_born_is_not_taken_for_dead() {
  for operation in 0..8 {
    let files = MemoryFiles::default();
    files.disk.borrow_mut().now = NOON;
    let mut sibling = open(&files, id(1, 1));
    let meanwhile = Rc::new(RefCell::new(sibling));
    let born = files.other_process();
    let other = meanwhile.clone();
    born.arm(operation, Fault::Interrupt(Box::new(move || drop(other.borrow_mut().adopt(NOON)))));
    let mut spool = open(&born, id(1, 2));
    spool.put(b"rows", 1, NOON).unwrap();
    born.disarm();
    sibling = Rc::into_inner(meanwhile).unwrap().into_inner();
    assert!(sibling.adopt(NOON).payloads.is_empty(), "before operation {operation}");
  }
}

#[test]
fn a_process_may_put_something_and_die_while_an_heir_looks_and_another_heir_may_come() {
  for operation in 0..20 {
    let files = MemoryFiles::default();
    let mut dead = open(&files, id(1, 1));
    dead.put(b"a", 1, NOON).unwrap();
    dead.write_record(b"open", NOON).unwrap();
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
      also_found.borrow_mut().extend(contents(&other, &adopted.payloads));
      // It lives on.
      std::mem::forget(other);
    };
    let heir_files = files.other_process();
    let mut heir = open(&heir_files, id(1, 3));
    heir_files.arm(operation, Fault::Interrupt(Box::new(meanwhile)));
    let adopted = heir.adopt(NOON);
    let was_interrupted = !heir_files.is_armed();
    heir_files.disarm();
    found.borrow_mut().extend(contents(&heir, &adopted.payloads));
    for name in names(&files) {
      let lock = Name { kind: Kind::Lock, ..name.parse().unwrap() }.to_string();
      assert!(exists(&files, &lock), "before operation {operation}: {name} has no lock");
    }
    let adopted = heir.adopt(NOON);
    found.borrow_mut().extend(contents(&heir, &adopted.payloads));
    let mut found = found.take();
    found.sort();
    // It dies at any rate, but without a word if it was not its turn.
    let expected: &[&[u8]] = if was_interrupted { &[b"a", b"b", b"c"] } else { &[b"a", b"b"] };
    assert_eq!(found, expected, "before operation {operation}");
  }
}

#[test]
fn an_id_is_used_once() {
  let files = MemoryFiles::default();
  let mut spool = open(&files, id(1, 1));
  spool.put(b"rows", 1, NOON).unwrap();
  spool.finish().unwrap();
  drop(spool);
  let options = Options { dir: "/spool".into(), id: id(1, 1), max_age_ms: HOUR, fsync: false };
  let error = Spool::open(options, files).err().unwrap();
  assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn looking_for_the_dead_costs_a_listing_and_a_try_at_each_sibling() {
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
  // Opening a lock and trying it are two.
  assert_eq!(files.operations() - before, 1 + 2 * siblings.len() as u32);
}
