//! Random histories of processes that share a directory, with a fault at any file operation.
//!
//! The model tracks each segment from its writing to its end. It identifies files by their inodes, so that it
//! does not depend on the spool, and logs each process's changes to them: a segment may vanish only because it
//! was acknowledged, or because it was damaged or too old and counted.

use std::{
  cell::RefCell,
  collections::{BTreeMap, BTreeSet},
  io::ErrorKind,
  path::{Path, PathBuf},
  rc::Rc,
};

use proptest::prelude::*;

use crate::{
  FileCounts, Id, Options, ReadError, Segment, Spool,
  file::Header,
  memory::{Change, Fault, Inode, MemoryFiles},
  name::{Kind, Name},
};

const HOUR: i64 = 60 * 60 * 1000;
const MAX_AGE: i64 = 3 * HOUR;
const DIR: &str = "/spool";
const PROCESSES: usize = 4;
/// The last process has another destination.
const DESTINATIONS: [u64; PROCESSES] = [1, 1, 1, 2];
const JUNK: [&str; 4] = ["notes.txt", "0000000000000001-1-00000001-1.rows", ".DS_Store", "x.lock"];

#[derive(Clone, Debug)]
enum Command {
  Open,
  Put {
    rows: u32,
    length: usize,
  },
  Acknowledge(usize),
  Read(usize),
  Adopt,
  /// A span starts, and the snapshot is written.
  Begin,
  /// An open span ends, and the snapshot is written.
  End(usize),
  Finish,
  Kill,
}

#[derive(Clone, Debug)]
enum DiskEvent {
  Corrupt(usize, usize),
  Truncate(usize, usize),
  Full(bool),
  Denied(bool),
  Later(i64),
}

#[derive(Clone, Debug)]
enum ProcessFault {
  Crash,
  Error,
  /// Another process runs these commands before the operation.
  Meanwhile(usize, Vec<Command>),
}

#[derive(Clone, Debug)]
enum Step {
  Run(usize, Command, Option<(u32, ProcessFault)>),
  Disk(DiskEvent),
}

fn commands() -> impl Strategy<Value = Command> {
  prop_oneof![
    3 => Just(Command::Open),
    6 => (1_u32..9, 0_usize..40).prop_map(|(rows, length)| Command::Put { rows, length }),
    3 => any::<usize>().prop_map(Command::Acknowledge),
    2 => any::<usize>().prop_map(Command::Read),
    5 => Just(Command::Adopt),
    2 => Just(Command::Begin),
    1 => any::<usize>().prop_map(Command::End),
    1 => Just(Command::Finish),
    2 => Just(Command::Kill),
  ]
}

fn steps() -> impl Strategy<Value = Step> {
  // The most important interruptions: a segment is written, a process dies, another one adopts.
  let meanwhile = prop_oneof![
    1 => prop::collection::vec(commands(), 1..4),
    1 => Just(vec![Command::Put { rows: 1, length: 1 }, Command::Kill]),
    1 => Just(vec![Command::Adopt]),
  ];
  let meanwhile = (0..PROCESSES, meanwhile);
  let fault = prop_oneof![
    2 => Just(ProcessFault::Crash),
    1 => Just(ProcessFault::Error),
    3 => meanwhile.prop_map(|(process, commands)| ProcessFault::Meanwhile(process, commands)),
  ];
  let fault = prop::option::weighted(0.4, (0_u32..9, fault));
  let event = prop_oneof![
    (any::<usize>(), any::<usize>()).prop_map(|(file, at)| DiskEvent::Corrupt(file, at)),
    (any::<usize>(), any::<usize>()).prop_map(|(file, at)| DiskEvent::Truncate(file, at)),
    prop_oneof![Just(true), Just(false), Just(false)].prop_map(DiskEvent::Full),
    prop_oneof![Just(true), Just(false), Just(false)].prop_map(DiskEvent::Denied),
    (0..2 * HOUR).prop_map(DiskEvent::Later),
  ];
  prop_oneof![
    5 => (0..PROCESSES, commands(), fault).prop_map(|(process, command, fault)| {
      Step::Run(process, command, fault)
    }),
    1 => event.prop_map(Step::Disk),
  ]
}

/// A process that runs.
struct Process {
  spool: Spool<MemoryFiles>,
  files: MemoryFiles,
  id: Id,
  held: Vec<(Segment, Inode)>,
  open: BTreeSet<u32>,
}

/// A segment that a process wrote.
struct WrittenSegment {
  destination: u64,
  content: Vec<u8>,
  rows: u32,
  created: i64,
  /// Whether `put` succeeded. If the process crashed in it, the segment may exist or not.
  is_kept: bool,
  is_settled: bool,
}

/// A span that snapshots contain.
#[derive(Default)]
struct OpenSpan {
  /// Whether a snapshot that was written contains it.
  is_in_snapshot: bool,
  /// Whether it ended, or its snapshot was damaged or too old.
  may_vanish: bool,
}

#[derive(Default)]
struct Ledger {
  written: BTreeMap<Inode, WrittenSegment>,
  opened: Vec<OpenSpan>,
  damaged: BTreeSet<Inode>,
  /// Which running process has the segment.
  holders: BTreeMap<Inode, usize>,
  processes_so_far: u32,
  written_so_far: usize,
}

#[derive(Clone)]
struct Model {
  files: MemoryFiles,
  processes: Rc<[RefCell<Option<Process>>; PROCESSES]>,
  ledger: Rc<RefCell<Ledger>>,
}

impl Model {
  fn new() -> Self {
    let files = MemoryFiles::default();
    let model = Self { files, processes: Rc::default(), ledger: Rc::default() };
    let mut disk = model.files.disk.borrow_mut();
    disk.has_dir = true;
    disk.now = 1_795_417_364_000;
    for (inode, name) in JUNK.into_iter().enumerate() {
      let path = Path::new(DIR).join(name);
      disk.add(&path, b"not ours").unwrap();
      assert_eq!(disk.names[&path], inode);
    }
    drop(disk);
    model
  }

  fn step(&self, step: Step) {
    match step {
      Step::Run(process, command, fault) => {
        self.run(process, command, fault);
        self.check_running();
      }
      Step::Disk(event) => self.handle_disk_event(event),
    }
  }

  fn run(&self, number: usize, command: Command, fault: Option<(u32, ProcessFault)>) {
    // The process may be the one that is interrupted.
    let Ok(mut slot) = self.processes[number].try_borrow_mut() else { return };
    if let Command::Open = command {
      if slot.is_none() {
        *slot = self.open(number, fault);
      }
      return;
    }
    let Some(mut process) = slot.take() else { return };
    if let Some((operations, fault)) = fault {
      process.files.arm(operations, self.fault(fault));
    }
    let files = process.files.clone();
    let mut running = match command {
      Command::Kill => None,
      Command::Finish => {
        // The next process removes what this one could not.
        drop(process.spool.close());
        None
      }
      command => {
        self.act(number, &mut process, command);
        Some(process)
      }
    };
    files.disarm();
    if files.has_crashed() {
      running = None;
    }
    if running.is_none() {
      // Its changes before it died must be justified; the counts are lost with it.
      self.settle(&files, None);
      self.ledger.borrow_mut().holders.retain(|_, holder| *holder != number);
    }
    *slot = running;
  }

  fn fault(&self, fault: ProcessFault) -> Fault {
    match fault {
      ProcessFault::Crash => Fault::Crash,
      ProcessFault::Error => Fault::Error(ErrorKind::Other),
      ProcessFault::Meanwhile(process, commands) => {
        let model = self.clone();
        Fault::Interrupt(Box::new(move || {
          commands.into_iter().for_each(|command| model.run(process, command, None));
        }))
      }
    }
  }

  fn open(&self, number: usize, fault: Option<(u32, ProcessFault)>) -> Option<Process> {
    let random = {
      let mut ledger = self.ledger.borrow_mut();
      ledger.processes_so_far += 1;
      ledger.processes_so_far
    };
    let id = Id { destination: DESTINATIONS[number], pid: number as u32, random };
    let files = self.files.other_process();
    if let Some((operations, fault)) = fault {
      files.arm(operations, self.fault(fault));
    }
    let options = Options { dir: DIR.into(), id, max_age_ms: MAX_AGE, fsync: number == 1 };
    let spool = Spool::open(options, files.clone());
    files.disarm();
    let mut spool = spool.ok()?;
    if number == 2 {
      spool.set_adoption_step(2);
    }
    let process = Process { spool, files, id, held: Vec::new(), open: BTreeSet::new() };
    (!process.files.has_crashed()).then_some(process)
  }

  fn act(&self, number: usize, process: &mut Process, command: Command) {
    let now = self.files.disk.borrow().now;
    match command {
      Command::Put { rows, length } => self.put(number, process, rows, length, now),
      Command::Acknowledge(index) => self.acknowledge(process, index),
      Command::Read(index) => self.read(process, index),
      Command::Adopt => self.adopt(number, process, now),
      Command::Begin => {
        let mut ledger = self.ledger.borrow_mut();
        process.open.insert(ledger.opened.len() as u32);
        ledger.opened.push(OpenSpan::default());
        drop(ledger);
        self.write_snapshot(process, now);
      }
      Command::End(index) => {
        let open: Vec<u32> = process.open.iter().copied().collect();
        if !open.is_empty() {
          let closed = open[index % open.len()];
          process.open.remove(&closed);
          self.ledger.borrow_mut().opened[closed as usize].may_vanish = true;
          self.write_snapshot(process, now);
        }
      }
      Command::Finish | Command::Kill | Command::Open => {}
    }
  }

  fn put(&self, number: usize, process: &mut Process, rows: u32, length: usize, now: i64) {
    let content = {
      let mut ledger = self.ledger.borrow_mut();
      ledger.written_so_far += 1;
      format!("{:08}", ledger.written_so_far).into_bytes().repeat(length)
    };
    let put = process.spool.put(&content, rows, now);
    let destination = process.id.destination;
    let written = |is_kept| WrittenSegment {
      destination,
      content: content.clone(),
      rows,
      created: now,
      is_kept,
      is_settled: false,
    };
    let mut ledger = self.ledger.borrow_mut();
    match put {
      Ok(segment) => {
        let inode = self.inode_of(process, &segment).expect("what was put is there");
        assert!(ledger.written.insert(inode, written(true)).is_none());
        ledger.holders.insert(inode, number);
        process.held.push((segment, inode));
      }
      Err(_) => {
        let kept = process.files.take_changes().into_iter().find_map(|change| match change {
          Change::Renamed(inode, _, to) if is_segment(&to) => Some(inode),
          _ => None,
        });
        if let Some(inode) = kept
          && self.files.disk.borrow().names.values().any(|named| *named == inode)
        {
          // Only a crash can leave a segment whose `put` failed.
          assert!(process.files.has_crashed(), "a segment was refused and is there");
          ledger.written.insert(inode, written(false));
        }
      }
    }
    process.files.take_changes();
  }

  fn acknowledge(&self, process: &mut Process, index: usize) {
    if process.held.is_empty() {
      return;
    }
    let at = index % process.held.len();
    let (segment, inode) = process.held[at];
    if process.spool.remove(&segment).is_ok() {
      process.held.remove(at);
    }
    let mut ledger = self.ledger.borrow_mut();
    for change in process.files.take_changes() {
      assert_eq!(change, Change::Removed(inode, path(process, &segment)));
      ledger.written.get_mut(&inode).unwrap().is_settled = true;
      ledger.holders.remove(&inode);
    }
    assert_eq!(process.held.contains(&(segment, inode)), !ledger.written[&inode].is_settled);
  }

  fn read(&self, process: &mut Process, index: usize) {
    if process.held.is_empty() {
      return;
    }
    let at = index % process.held.len();
    let (segment, inode) = process.held[at];
    let is_damaged = self.ledger.borrow().damaged.contains(&inode);
    match process.spool.read(&segment) {
      Ok(content) => {
        assert!(!is_damaged, "damage was not noticed");
        assert_eq!(content, self.ledger.borrow().written[&inode].content);
      }
      Err(ReadError::Damaged(_)) => {
        assert!(is_damaged, "damage where there is none");
        if process.spool.quarantine(&segment).is_ok() {
          process.held.remove(at);
        }
        let mut ledger = self.ledger.borrow_mut();
        for change in process.files.take_changes() {
          assert!(matches!(change, Change::Renamed(renamed, ..) if renamed == inode));
          ledger.written.get_mut(&inode).unwrap().is_settled = true;
          ledger.holders.remove(&inode);
        }
      }
      Err(ReadError::Gone) => panic!("a segment of a running process vanished"),
      Err(ReadError::Io(_)) => {}
    }
  }

  fn adopt(&self, number: usize, process: &mut Process, now: i64) {
    let adopted = process.spool.adopt(now);
    if process.files.has_crashed() {
      return;
    }
    let mut ledger = self.ledger.borrow_mut();
    assert!(adopted.segments.is_sorted_by_key(|segment| segment.created), "not the oldest first");
    for segment in &adopted.segments {
      let inode = self.inode_of(process, segment).expect("what was adopted is there");
      let written = ledger.written.get(&inode).expect("a process put it");
      assert_eq!((segment.rows, segment.created), (written.rows, written.created));
      assert_eq!(written.destination, process.id.destination, "it has another destination");
      assert!(!written.is_settled, "a settled segment returns");
      let other = ledger.holders.insert(inode, number);
      assert_eq!(other, None, "two running processes own it");
      process.held.push((*segment, inode));
    }
    drop(ledger);
    let mut counted = adopted.damaged;
    counted.files += adopted.expired.files;
    counted.rows += adopted.expired.rows;
    self.settle(&process.files, Some(counted));
    if !adopted.snapshots.is_empty() {
      process.open.extend(adopted.snapshots.iter().flat_map(|snapshot| items(snapshot)));
      self.write_snapshot(process, now);
    }
  }

  /// Writes the snapshot, and discards those that it includes.
  fn write_snapshot(&self, process: &mut Process, now: i64) {
    let written = if process.open.is_empty() {
      process.spool.clear_snapshot()
    } else {
      let items: Vec<String> = process.open.iter().map(u32::to_string).collect();
      process.spool.write_snapshot(items.join(",").as_bytes(), now)
    };
    if written.is_ok() && !process.files.has_crashed() {
      let mut ledger = self.ledger.borrow_mut();
      process.open.iter().for_each(|item| ledger.opened[*item as usize].is_in_snapshot = true);
      drop(ledger);
      if process.spool.discard_snapshots().is_err() {
        // The next call tries again.
      }
    }
    for change in process.files.take_changes() {
      let (Change::Removed(_, from) | Change::Renamed(_, from, _) | Change::Replaced(_, from)) =
        change;
      assert!(!is_segment(&from), "a snapshot changed {}", from.display());
    }
  }

  /// Checks the changes of a process to files of others. Each file that vanished was counted, unless the process
  /// died first.
  fn settle(&self, files: &MemoryFiles, counted: Option<FileCounts>) {
    let mut ledger = self.ledger.borrow_mut();
    let mut vanished = FileCounts::default();
    for change in files.take_changes() {
      let (inode, from, is_removed) = match change {
        Change::Replaced(inode, to) => {
          assert!(!ledger.written.contains_key(&inode), "{} was replaced", to.display());
          continue;
        }
        Change::Removed(inode, from) => (inode, from, true),
        Change::Renamed(_, _, to) if is_segment(&to) => continue,
        Change::Renamed(inode, from, _) => (inode, from, false),
      };
      assert!(inode >= JUNK.len(), "{} is not ours", from.display());
      if from.extension().is_some_and(|ending| ending == "lock") {
        self.check_removed_lock(&from.with_extension(""));
      }
      if !is_segment(&from) && !is_snapshot(&from) {
        continue;
      }
      let disk = self.files.disk.borrow();
      let file = &disk.inodes[inode];
      let header = Header::decode(&file.bytes).ok();
      let created = header.map_or(file.modified, |header| header.created);
      let is_too_old = disk.now - created > MAX_AGE;
      if is_removed {
        assert!(is_too_old, "{} was removed", from.display());
      } else {
        assert!(ledger.damaged.contains(&inode), "{} was put aside", from.display());
      }
      vanished.files += 1;
      vanished.rows += u64::from(header.map_or(0, |header| header.rows));
      match ledger.written.get_mut(&inode) {
        Some(segment) => {
          assert!(!segment.is_settled, "it was settled before");
          assert!(header.is_none_or(|header| header.rows == segment.rows));
          segment.is_settled = true;
        }
        None if is_removed => {
          items(file.bytes.get(Header::LENGTH..).unwrap_or_default())
            .into_iter()
            .for_each(|item| ledger.opened[item as usize].may_vanish = true);
        }
        None => {}
      }
    }
    if let Some(counted) = counted {
      assert_eq!(counted, vanished, "files vanished uncounted");
    }
  }

  /// A process whose lock was removed has no files left.
  fn check_removed_lock(&self, id: &Path) {
    let id = id.file_name().unwrap().to_str().unwrap();
    for path in self.files.disk.borrow().names.keys() {
      let name = path.file_name().unwrap().to_str().unwrap();
      let is_inert = name.ends_with(".damaged") || name.ends_with(".new") || is_junk(path);
      assert!(!name.starts_with(id) || is_inert, "{name} was left without a lock");
    }
  }

  fn handle_disk_event(&self, event: DiskEvent) {
    match event {
      DiskEvent::Full(is_full) => self.files.disk.borrow_mut().is_full = is_full,
      DiskEvent::Denied(is_denied) => self.files.disk.borrow_mut().is_denied = is_denied,
      DiskEvent::Later(by) => self.files.disk.borrow_mut().now += by,
      DiskEvent::Corrupt(file, at) => self.damage(file, |bytes| {
        let at = at % bytes.len();
        bytes[at] ^= 0x40;
      }),
      DiskEvent::Truncate(file, at) => self.damage(file, |bytes| bytes.truncate(at % bytes.len())),
    }
  }

  /// Damages a segment or a snapshot. No file twice, which could repair it.
  fn damage(&self, file: usize, damage: impl FnOnce(&mut Vec<u8>)) {
    let mut disk = self.files.disk.borrow_mut();
    let mut ledger = self.ledger.borrow_mut();
    let whole: Vec<(PathBuf, Inode)> = disk
      .names
      .iter()
      .filter(|(path, _)| is_segment(path) || is_snapshot(path))
      .filter(|(_, inode)| !ledger.damaged.contains(inode))
      .map(|(path, inode)| (path.clone(), *inode))
      .collect();
    if whole.is_empty() {
      return;
    }
    let (path, inode) = &whole[file % whole.len()];
    let bytes = &mut disk.inodes[*inode].bytes;
    if is_snapshot(path) {
      for item in items(&bytes[Header::LENGTH..]) {
        ledger.opened[item as usize].may_vanish = true;
      }
    }
    ledger.damaged.insert(*inode);
    damage(bytes);
  }

  /// Each segment of a running process exists and belongs to no other.
  fn check_running(&self) {
    let disk = self.files.disk.borrow();
    let mut held = BTreeSet::new();
    for process in self.processes.iter() {
      let process = process.borrow();
      let Some(process) = &*process else { continue };
      for (segment, inode) in &process.held {
        assert_eq!(disk.names.get(&path(process, segment)), Some(inode), "it is not where it was");
        assert!(held.insert(*inode), "two have it");
      }
      assert_eq!(process.spool.segments(), process.held.len());
      let bytes: u64 = process.held.iter().map(|(segment, _)| segment.bytes).sum();
      assert_eq!(process.spool.bytes(), bytes);
    }
  }

  /// Kills all processes and repairs the disk: the next process of each destination finds all that must be there.
  fn check_after_restart(&self) {
    {
      let mut disk = self.files.disk.borrow_mut();
      (disk.is_full, disk.is_denied) = (false, false);
    }
    for number in 0..PROCESSES {
      self.run(number, Command::Kill, None);
    }
    // Process 1 comes second and finds nothing. Process 3 has the other destination.
    for number in [0, 1, 3] {
      self.run(number, Command::Open, None);
      self.run(number, Command::Adopt, None);
      self.check_running();
    }
    assert!(self.processes[1].borrow().as_ref().unwrap().held.is_empty(), "it was left behind");
    let ledger = self.ledger.borrow();
    for (inode, segment) in &ledger.written {
      let is_held = ledger.holders.contains_key(inode);
      assert!(!(segment.is_settled && is_held), "a settled segment returned");
      assert!(segment.is_settled || is_held || !segment.is_kept, "a segment vanished");
    }
    let restored: BTreeSet<u32> = [0, 3]
      .iter()
      .flat_map(|number| self.processes[*number].borrow().as_ref().unwrap().open.clone())
      .collect();
    for (item, opened) in ledger.opened.iter().enumerate() {
      let is_due = opened.is_in_snapshot && !opened.may_vanish;
      assert!(!is_due || restored.contains(&(item as u32)), "an open span was lost");
    }
    drop(ledger);
    for number in [0, 1, 3] {
      self.deliver_and_close(number);
    }
    let disk = self.files.disk.borrow();
    for path in disk.names.keys() {
      let name = path.file_name().unwrap().to_str().unwrap();
      let kind = name.parse::<Name>().ok().map(|name| name.kind);
      let may_stay = matches!(kind, None | Some(Kind::Damaged(_) | Kind::PendingLock));
      assert!(may_stay, "{name} was left behind");
    }
    for name in JUNK {
      assert!(disk.names.contains_key(&Path::new(DIR).join(name)), "{name} is gone");
    }
  }

  /// Delivers all segments and closes the spool.
  fn deliver_and_close(&self, number: usize) {
    let mut process = self.processes[number].borrow_mut().take().unwrap();
    while !process.held.is_empty() {
      let before = process.held.len();
      self.read(&mut process, 0);
      if process.held.len() == before {
        self.acknowledge(&mut process, 0);
      }
    }
    process.open.clear();
    process.spool.clear_snapshot().unwrap();
    assert_eq!(process.spool.bytes(), 0);
    process.spool.close().unwrap();
  }

  fn inode_of(&self, process: &Process, segment: &Segment) -> Option<Inode> {
    self.files.disk.borrow().names.get(&path(process, segment)).copied()
  }
}

fn path(process: &Process, segment: &Segment) -> PathBuf {
  Path::new(DIR).join(Name { id: process.id, kind: Kind::Segment(segment.number) }.to_string())
}

fn is_segment(path: &Path) -> bool {
  path.extension().is_some_and(|ending| ending == "rows") && !is_junk(path)
}

fn is_snapshot(path: &Path) -> bool {
  path.extension().is_some_and(|ending| ending == "open")
}

fn is_junk(path: &Path) -> bool {
  JUNK.iter().any(|name| path.ends_with(name))
}

/// The spans in a snapshot.
fn items(snapshot: &[u8]) -> Vec<u32> {
  let text = std::str::from_utf8(snapshot).unwrap_or_default();
  text.split(',').filter_map(|item| item.parse().ok()).collect()
}

proptest! {
  #[test]
  fn no_segment_is_lost_uncounted_returns_or_has_two_owners(
    steps in prop::collection::vec(steps(), 0..60),
  ) {
    let model = Model::new();
    steps.into_iter().for_each(|step| model.step(step));
    model.check_after_restart();
  }
}
