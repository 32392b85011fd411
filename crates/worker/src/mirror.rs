//! The file system of the spool in a key-value storage: the names of the stored files, and the changes that JavaScript
//! has still to make.
//!
//! A file is stored under the name with which it was written first; a later rename, by which the spool adopts it,
//! changes the mirror only. Locks are never stored: one instance at a time owns a storage, so all files that it finds
//! are those of dead processes. The content of segments is in the storage only.

use std::{cell::RefCell, collections::BTreeMap, io, mem, path::Path, rc::Rc};

use spool::{FileHead, Files, Header, Kind, Name};

/// A change of the storage, or a read.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
  /// Store a file.
  Put { key: String, content: Vec<u8> },
  /// Remove a file.
  Delete { key: String },
  /// Read a file.
  Get { key: String },
}

/// What is known of a file.
struct File {
  /// Its first bytes, at most [`Header::LENGTH`].
  start: Vec<u8>,
  bytes: u64,
  modified: i64,
  /// The content, of a file that is not stored yet and of a snapshot that was found.
  content: Option<Vec<u8>>,
  /// The name under which it is stored.
  key: Option<String>,
}

#[derive(Default)]
struct State {
  files: BTreeMap<String, File>,
  changes: Vec<Change>,
}

/// The names of the files and the pending changes. Clones share them.
#[derive(Clone, Default)]
pub struct Mirror(Rc<RefCell<State>>);

impl Mirror {
  /// Adds a file that is stored. `content` is its beginning, or all of it; only snapshots keep it.
  pub fn add(&self, key: String, content: &[u8], bytes: u64, modified: i64) {
    let is_snapshot = key.parse().is_ok_and(|name: Name| name.kind == Kind::Snapshot);
    let start = content.get(..Header::LENGTH).unwrap_or(content).to_vec();
    let content = is_snapshot.then(|| content.to_vec());
    let file = File { start, bytes, modified, content, key: Some(key.clone()) };
    self.0.borrow_mut().files.insert(key, file);
  }

  /// The key of a file; `None` when it is not stored.
  pub fn key_of(&self, name: &Name) -> Option<String> {
    self.0.borrow().files.get(&name.to_string())?.key.clone()
  }

  /// Whether a file is stored under this key.
  pub fn stores(&self, key: &str) -> bool {
    self.0.borrow().files.values().any(|file| file.key.as_deref() == Some(key))
  }

  /// Removes the pending changes, in their order.
  pub fn take_changes(&self) -> Vec<Change> {
    mem::take(&mut self.0.borrow_mut().changes)
  }
}

impl State {
  fn file(&self, path: &Path) -> io::Result<&File> {
    self.files.get(&name_of(path)).ok_or_else(not_found)
  }

  fn delete(&mut self, key: Option<String>) {
    self.changes.extend(key.map(|key| Change::Delete { key }));
  }
}

impl Files for Mirror {
  type Lock = ();

  fn create_dir(&self, _dir: &Path) -> io::Result<()> {
    Ok(())
  }

  fn list(&self, _dir: &Path) -> io::Result<Vec<String>> {
    Ok(self.0.borrow().files.keys().cloned().collect())
  }

  fn read_head(&self, path: &Path, most: usize) -> io::Result<FileHead> {
    let state = self.0.borrow();
    let File { start, bytes, modified, .. } = state.file(path)?;
    let start = start.get(..most).unwrap_or(start).to_vec();
    Ok(FileHead { start, bytes: *bytes, modified: *modified })
  }

  fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
    let state = self.0.borrow();
    let content = state.file(path)?.content.clone();
    content.ok_or_else(|| io::Error::other("the file is in the storage only"))
  }

  fn write(&self, path: &Path, parts: [&[u8]; 2], _sync: bool) -> io::Result<()> {
    let content = parts.concat();
    let start = content.get(..Header::LENGTH).unwrap_or(&content).to_vec();
    let bytes = content.len() as u64;
    let file = File { start, bytes, modified: i64::MAX, content: Some(content), key: None };
    self.0.borrow_mut().files.insert(name_of(path), file);
    Ok(())
  }

  fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
    let mut state = self.0.borrow_mut();
    let mut file = state.files.remove(&name_of(from)).ok_or_else(not_found)?;
    let to = name_of(to);
    let kind = to.parse().map(|name: Name| name.kind);
    if matches!(kind, Ok(Kind::Damaged(_))) {
      // Nobody inspects a storage: damaged files are removed.
      state.delete(file.key);
      return Ok(());
    }
    if let (None, Some(content)) = (&file.key, file.content.take_if(|content| !content.is_empty()))
    {
      state.changes.push(Change::Put { key: to.clone(), content });
      file.key = Some(to.clone());
    }
    let replaced = state.files.remove(&to).and_then(|file| file.key);
    let replaced = replaced.filter(|key| file.key.as_ref() != Some(key));
    state.delete(replaced);
    state.files.insert(to, file);
    Ok(())
  }

  fn remove(&self, path: &Path) -> io::Result<()> {
    let mut state = self.0.borrow_mut();
    let file = state.files.remove(&name_of(path)).ok_or_else(not_found)?;
    state.delete(file.key);
    Ok(())
  }

  fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
    Ok(())
  }

  fn lock(&self, path: &Path) -> io::Result<Option<()>> {
    let lock = File { start: Vec::new(), bytes: 0, modified: i64::MAX, content: None, key: None };
    self.0.borrow_mut().files.entry(name_of(path)).or_insert(lock);
    Ok(Some(()))
  }
}

fn name_of(path: &Path) -> String {
  path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn not_found() -> io::Error {
  io::ErrorKind::NotFound.into()
}

#[cfg(test)]
mod tests {
  use spool::{Id, Options, Spool};

  use super::*;

  fn open(mirror: &Mirror, random: u32) -> Spool<Mirror> {
    let id = Id { destination: 7, pid: 0, random };
    let options = Options { dir: "".into(), id, max_age_ms: 1000, fsync: false };
    Spool::open(options, mirror.clone()).unwrap()
  }

  /// Carries the pending changes out in a storage.
  fn store(mirror: &Mirror, storage: &mut BTreeMap<String, Vec<u8>>) {
    for change in mirror.take_changes() {
      match change {
        Change::Put { key, content } => drop(storage.insert(key, content)),
        Change::Delete { key } => drop(storage.remove(&key)),
        Change::Get { .. } => panic!("nothing is read"),
      }
    }
  }

  fn mirror_of(storage: &BTreeMap<String, Vec<u8>>, now: i64) -> Mirror {
    let mirror = Mirror::default();
    for (key, content) in storage {
      mirror.add(key.clone(), content, content.len() as u64, now);
    }
    mirror
  }

  #[test]
  fn the_next_instance_adopts_what_is_stored_and_removes_what_it_delivers() {
    let mut storage = BTreeMap::new();
    let mirror = Mirror::default();
    let mut spool = open(&mirror, 1);
    spool.put(b"rows", 2, 10).unwrap();
    spool.write_snapshot(b"open", 10).unwrap();
    spool.write_snapshot(b"open spans", 11).unwrap();
    store(&mirror, &mut storage);
    assert_eq!(storage.len(), 2);

    let mirror = mirror_of(&storage, 20);
    let mut spool = open(&mirror, 2);
    let adopted = spool.adopt(20);
    assert_eq!(adopted.snapshots, [b"open spans".to_vec()]);
    let [segment] = adopted.segments[..] else { panic!("{adopted:?}") };
    assert_eq!(segment.rows, 2);
    let name = Name { id: Id { destination: 7, pid: 0, random: 2 }, kind: Kind::Segment(1) };
    let key = mirror.key_of(&name).unwrap();
    assert!(storage[&key].ends_with(b"rows"), "a renamed file keeps its key");
    spool.remove(&segment).unwrap();
    spool.discard_snapshots().unwrap();
    store(&mirror, &mut storage);
    assert_eq!(storage, BTreeMap::new());
  }

  #[test]
  fn damaged_and_expired_files_leave_the_storage_and_are_counted() {
    let mut storage = BTreeMap::new();
    let mirror = Mirror::default();
    let mut spool = open(&mirror, 1);
    spool.put(b"expired", 3, 10).unwrap();
    spool.put(b"damaged", 1, 2000).unwrap();
    store(&mirror, &mut storage);
    storage.values_mut().for_each(|content| content.truncate(Header::LENGTH + 2));

    let mirror = mirror_of(&storage, 2000);
    let adopted = open(&mirror, 2).adopt(2000);
    assert_eq!((adopted.damaged.rows, adopted.expired.rows), (1, 3));
    store(&mirror, &mut storage);
    assert_eq!(storage, BTreeMap::new());
  }
}
