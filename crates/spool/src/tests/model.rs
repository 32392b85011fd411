//! Any history of processes that share a directory, with anything going wrong at any file operation.
//!
//! The model knows which payloads were put and what became of them. Files are told apart by their
//! inodes, so that it does not depend on what the spool says of them, and each process's changes to them
//! are logged: a payload may go only because it was acknowledged, or because it was damaged or too old
//! and counted.

use std::{
  cell::RefCell,
  collections::{BTreeMap, BTreeSet},
  io::ErrorKind,
  path::{Path, PathBuf},
  rc::Rc,
};

use proptest::prelude::*;

use crate::{
  Entry, Id, Options, ReadError, Spool, Tally,
  file::Header,
  memory::{Change, Fault, Inode, MemoryFiles},
  name::{Kind, Name},
};

const HOUR: i64 = 60 * 60 * 1000;
const MAX_AGE: i64 = 3 * HOUR;
const DIR: &str = "/spool";
const PROCESSES: usize = 4;
/// The last one reports elsewhere.
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
  /// Something opens, and the record is written.
  Begin,
  /// Something that is open is closed, and the record is written.
  End(usize),
  Finish,
  Kill,
}

#[derive(Clone, Debug)]
enum Mishap {
  Corrupt(usize, usize),
  Truncate(usize, usize),
  Full(bool),
  Denied(bool),
  Later(i64),
}

#[derive(Clone, Debug)]
enum Trouble {
  Crash,
  Error,
  /// Another process does this meanwhile.
  Meanwhile(usize, Vec<Command>),
}

#[derive(Clone, Debug)]
enum Step {
  Run(usize, Command, Option<(u32, Trouble)>),
  Befall(Mishap),
}

fn commands() -> impl Strategy<Value = Command> {
  prop_oneof![
    3 => Just(Command::Open),
    6 => (0_u32..9, 0_usize..40).prop_map(|(rows, length)| Command::Put { rows, length }),
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
  // What matters most there: something is put, somebody dies, somebody else comes.
  let meanwhile = prop_oneof![
    1 => prop::collection::vec(commands(), 1..4),
    1 => Just(vec![Command::Put { rows: 1, length: 1 }, Command::Kill]),
    1 => Just(vec![Command::Adopt]),
  ];
  let meanwhile = (0..PROCESSES, meanwhile);
  let trouble = prop_oneof![
    2 => Just(Trouble::Crash),
    1 => Just(Trouble::Error),
    3 => meanwhile.prop_map(|(process, commands)| Trouble::Meanwhile(process, commands)),
  ];
  let trouble = prop::option::weighted(0.4, (0_u32..9, trouble));
  let mishap = prop_oneof![
    (any::<usize>(), any::<usize>()).prop_map(|(file, at)| Mishap::Corrupt(file, at)),
    (any::<usize>(), any::<usize>()).prop_map(|(file, at)| Mishap::Truncate(file, at)),
    prop_oneof![Just(true), Just(false), Just(false)].prop_map(Mishap::Full),
    prop_oneof![Just(true), Just(false), Just(false)].prop_map(Mishap::Denied),
    (0..2 * HOUR).prop_map(Mishap::Later),
  ];
  prop_oneof![
    5 => (0..PROCESSES, commands(), trouble).prop_map(|(process, command, trouble)| {
      Step::Run(process, command, trouble)
    }),
    1 => mishap.prop_map(Step::Befall),
  ]
}

/// A living process.
struct Process {
  spool: Spool<MemoryFiles>,
  files: MemoryFiles,
  id: Id,
  held: Vec<(Entry, Inode)>,
  open: BTreeSet<u32>,
}

/// A payload that somebody put.
struct Payload {
  destination: u64,
  content: Vec<u8>,
  rows: u32,
  created: i64,
  /// Whether `put` said so. One whose process crashed in it may or may not be there.
  is_kept: bool,
  is_settled: bool,
}

/// Something that is open, as records tell it.
#[derive(Default)]
struct Opened {
  /// Whether it stands in a record that was written.
  is_recorded: bool,
  /// Whether it was closed, or what tells of it was damaged or too old.
  may_go: bool,
}

#[derive(Default)]
struct Ledger {
  payloads: BTreeMap<Inode, Payload>,
  opened: Vec<Opened>,
  damaged: BTreeSet<Inode>,
  /// Which living process has the payload.
  holders: BTreeMap<Inode, usize>,
  processes_so_far: u32,
  payloads_so_far: usize,
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
      Step::Run(process, command, trouble) => {
        self.run(process, command, trouble);
        self.check_living();
      }
      Step::Befall(mishap) => self.befall(mishap),
    }
  }

  fn run(&self, number: usize, command: Command, trouble: Option<(u32, Trouble)>) {
    // In the midst of what another does, it may be its own turn.
    let Ok(mut slot) = self.processes[number].try_borrow_mut() else { return };
    if let Command::Open = command {
      if slot.is_none() {
        *slot = self.open(number, trouble);
      }
      return;
    }
    let Some(mut process) = slot.take() else { return };
    if let Some((operations, trouble)) = trouble {
      process.files.arm(operations, self.fault(trouble));
    }
    let files = process.files.clone();
    let mut living = match command {
      Command::Kill => None,
      Command::Finish => {
        // What it could not remove is removed by whoever comes next.
        drop(process.spool.finish());
        None
      }
      command => {
        self.act(number, &mut process, command);
        Some(process)
      }
    };
    files.disarm();
    if files.has_crashed() {
      living = None;
    }
    if living.is_none() {
      // What it did before it died is as justified as ever; the count died with it.
      self.settle(&files, None);
      self.ledger.borrow_mut().holders.retain(|_, holder| *holder != number);
    }
    *slot = living;
  }

  fn fault(&self, trouble: Trouble) -> Fault {
    match trouble {
      Trouble::Crash => Fault::Crash,
      Trouble::Error => Fault::Error(ErrorKind::Other),
      Trouble::Meanwhile(process, commands) => {
        let model = self.clone();
        Fault::Interrupt(Box::new(move || {
          commands.into_iter().for_each(|command| model.run(process, command, None));
        }))
      }
    }
  }

  fn open(&self, number: usize, trouble: Option<(u32, Trouble)>) -> Option<Process> {
    let random = {
      let mut ledger = self.ledger.borrow_mut();
      ledger.processes_so_far += 1;
      ledger.processes_so_far
    };
    let id = Id { destination: DESTINATIONS[number], pid: number as u32, random };
    let files = self.files.other_process();
    if let Some((operations, trouble)) = trouble {
      files.arm(operations, self.fault(trouble));
    }
    let options = Options { dir: DIR.into(), id, max_age_ms: MAX_AGE, fsync: number == 1 };
    let spool = Spool::open(options, files.clone());
    files.disarm();
    let process =
      Process { spool: spool.ok()?, files, id, held: Vec::new(), open: BTreeSet::new() };
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
        ledger.opened.push(Opened::default());
        drop(ledger);
        self.record(process, now);
      }
      Command::End(index) => {
        let open: Vec<u32> = process.open.iter().copied().collect();
        if !open.is_empty() {
          let closed = open[index % open.len()];
          process.open.remove(&closed);
          self.ledger.borrow_mut().opened[closed as usize].may_go = true;
          self.record(process, now);
        }
      }
      Command::Finish | Command::Kill | Command::Open => {}
    }
  }

  fn put(&self, number: usize, process: &mut Process, rows: u32, length: usize, now: i64) {
    let content = {
      let mut ledger = self.ledger.borrow_mut();
      ledger.payloads_so_far += 1;
      format!("{:08}", ledger.payloads_so_far).into_bytes().repeat(length)
    };
    let put = process.spool.put(&content, rows, now);
    let destination = process.id.destination;
    let payload = |is_kept| Payload {
      destination,
      content: content.clone(),
      rows,
      created: now,
      is_kept,
      is_settled: false,
    };
    let mut ledger = self.ledger.borrow_mut();
    match put {
      Ok(entry) => {
        let inode = self.inode_of(process, &entry).expect("what was put is there");
        assert!(ledger.payloads.insert(inode, payload(true)).is_none());
        ledger.holders.insert(inode, number);
        process.held.push((entry, inode));
      }
      Err(_) => {
        let kept = process.files.take_changes().into_iter().find_map(|change| match change {
          Change::Renamed(inode, _, to) if is_rows(&to) => Some(inode),
          _ => None,
        });
        if let Some(inode) = kept
          && self.files.disk.borrow().names.values().any(|named| *named == inode)
        {
          // Only a death can leave there what was not promised.
          assert!(process.files.has_crashed(), "a payload was refused and is there");
          ledger.payloads.insert(inode, payload(false));
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
    let (entry, inode) = process.held[at];
    if process.spool.remove(&entry).is_ok() {
      process.held.remove(at);
    }
    let mut ledger = self.ledger.borrow_mut();
    for change in process.files.take_changes() {
      assert_eq!(change, Change::Removed(inode, path(process, &entry)));
      ledger.payloads.get_mut(&inode).unwrap().is_settled = true;
      ledger.holders.remove(&inode);
    }
    assert_eq!(process.held.contains(&(entry, inode)), !ledger.payloads[&inode].is_settled);
  }

  fn read(&self, process: &mut Process, index: usize) {
    if process.held.is_empty() {
      return;
    }
    let at = index % process.held.len();
    let (entry, inode) = process.held[at];
    let is_damaged = self.ledger.borrow().damaged.contains(&inode);
    match process.spool.read(&entry) {
      Ok(content) => {
        assert!(!is_damaged, "damage was not noticed");
        assert_eq!(content, self.ledger.borrow().payloads[&inode].content);
      }
      Err(ReadError::Damaged(_)) => {
        assert!(is_damaged, "damage where there is none");
        if process.spool.quarantine(&entry).is_ok() {
          process.held.remove(at);
        }
        let mut ledger = self.ledger.borrow_mut();
        for change in process.files.take_changes() {
          assert!(matches!(change, Change::Renamed(renamed, ..) if renamed == inode));
          ledger.payloads.get_mut(&inode).unwrap().is_settled = true;
          ledger.holders.remove(&inode);
        }
      }
      Err(ReadError::Gone) => panic!("a payload vanished from under a living process"),
      Err(ReadError::Io(_)) => {}
    }
  }

  fn adopt(&self, number: usize, process: &mut Process, now: i64) {
    let adopted = process.spool.adopt(now);
    if process.files.has_crashed() {
      return;
    }
    let mut ledger = self.ledger.borrow_mut();
    assert!(adopted.payloads.is_sorted_by_key(|entry| entry.created), "not the oldest first");
    for entry in &adopted.payloads {
      let inode = self.inode_of(process, entry).expect("what was adopted is there");
      let payload = ledger.payloads.get(&inode).expect("nobody put it");
      assert_eq!((entry.rows, entry.created), (payload.rows, payload.created));
      assert_eq!(payload.destination, process.id.destination, "it goes elsewhere");
      assert!(!payload.is_settled, "a settled payload returns");
      let other = ledger.holders.insert(inode, number);
      assert_eq!(other, None, "two living processes have it");
      process.held.push((*entry, inode));
    }
    drop(ledger);
    let mut counted = adopted.damaged;
    counted.files += adopted.expired.files;
    counted.rows += adopted.expired.rows;
    self.settle(&process.files, Some(counted));
    if !adopted.records.is_empty() {
      process.open.extend(adopted.records.iter().flat_map(|record| items(record)));
      self.record(process, now);
    }
  }

  /// Writes the record, and forgets those that it took in.
  fn record(&self, process: &mut Process, now: i64) {
    let written = if process.open.is_empty() {
      process.spool.clear_record()
    } else {
      let items: Vec<String> = process.open.iter().map(u32::to_string).collect();
      process.spool.write_record(items.join(",").as_bytes(), now)
    };
    if written.is_ok() && !process.files.has_crashed() {
      let mut ledger = self.ledger.borrow_mut();
      process.open.iter().for_each(|item| ledger.opened[*item as usize].is_recorded = true);
      drop(ledger);
      if process.spool.forget().is_err() {
        // It is done the next time.
      }
    }
    for change in process.files.take_changes() {
      let (Change::Removed(_, from) | Change::Renamed(_, from, _) | Change::Replaced(_, from)) =
        change;
      assert!(!is_rows(&from), "a record touched {}", from.display());
    }
  }

  /// Sees what a process did to the files of others. Each that went was counted, unless it died first.
  fn settle(&self, files: &MemoryFiles, counted: Option<Tally>) {
    let mut ledger = self.ledger.borrow_mut();
    let mut went = Tally::default();
    for change in files.take_changes() {
      let (inode, from, is_removed) = match change {
        Change::Replaced(inode, to) => {
          assert!(!ledger.payloads.contains_key(&inode), "{} was replaced", to.display());
          continue;
        }
        Change::Removed(inode, from) => (inode, from, true),
        Change::Renamed(_, _, to) if is_rows(&to) => continue,
        Change::Renamed(inode, from, _) => (inode, from, false),
      };
      assert!(inode >= JUNK.len(), "{} is not ours", from.display());
      if from.extension().is_some_and(|ending| ending == "lock") {
        self.check_buried(&from.with_extension(""));
      }
      if !is_rows(&from) && !is_record(&from) {
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
      went.files += 1;
      went.rows += u64::from(header.map_or(0, |header| header.rows));
      match ledger.payloads.get_mut(&inode) {
        Some(payload) => {
          assert!(!payload.is_settled, "it was settled before");
          assert!(header.is_none_or(|header| header.rows == payload.rows));
          payload.is_settled = true;
        }
        None if is_removed => {
          items(file.bytes.get(Header::LENGTH..).unwrap_or_default())
            .into_iter()
            .for_each(|item| ledger.opened[item as usize].may_go = true);
        }
        None => {}
      }
    }
    if let Some(counted) = counted {
      assert_eq!(counted, went, "what went was not counted");
    }
  }

  /// Whose lock was removed has nothing left.
  fn check_buried(&self, id: &Path) {
    let id = id.file_name().unwrap().to_str().unwrap();
    for path in self.files.disk.borrow().names.keys() {
      let name = path.file_name().unwrap().to_str().unwrap();
      let is_inert = name.ends_with(".damaged") || name.ends_with(".new") || is_junk(path);
      assert!(!name.starts_with(id) || is_inert, "{name} was left without a lock");
    }
  }

  fn befall(&self, mishap: Mishap) {
    match mishap {
      Mishap::Full(is_full) => self.files.disk.borrow_mut().is_full = is_full,
      Mishap::Denied(is_denied) => self.files.disk.borrow_mut().is_denied = is_denied,
      Mishap::Later(by) => self.files.disk.borrow_mut().now += by,
      Mishap::Corrupt(file, at) => self.damage(file, |bytes| {
        let at = at % bytes.len();
        bytes[at] ^= 0x40;
      }),
      Mishap::Truncate(file, at) => self.damage(file, |bytes| bytes.truncate(at % bytes.len())),
    }
  }

  /// Damages a payload or a record. None twice, which may undo it.
  fn damage(&self, file: usize, damage: impl FnOnce(&mut Vec<u8>)) {
    let mut disk = self.files.disk.borrow_mut();
    let mut ledger = self.ledger.borrow_mut();
    let whole: Vec<(PathBuf, Inode)> = disk
      .names
      .iter()
      .filter(|(path, _)| is_rows(path) || is_record(path))
      .filter(|(_, inode)| !ledger.damaged.contains(inode))
      .map(|(path, inode)| (path.clone(), *inode))
      .collect();
    if whole.is_empty() {
      return;
    }
    let (path, inode) = &whole[file % whole.len()];
    let bytes = &mut disk.inodes[*inode].bytes;
    if is_record(path) {
      for item in items(&bytes[Header::LENGTH..]) {
        ledger.opened[item as usize].may_go = true;
      }
    }
    ledger.damaged.insert(*inode);
    damage(bytes);
  }

  /// What the living hold is theirs alone, and there.
  fn check_living(&self) {
    let disk = self.files.disk.borrow();
    let mut held = BTreeSet::new();
    for process in self.processes.iter() {
      let process = process.borrow();
      let Some(process) = &*process else { continue };
      for (entry, inode) in &process.held {
        assert_eq!(disk.names.get(&path(process, entry)), Some(inode), "it is not where it was");
        assert!(held.insert(*inode), "two have it");
      }
      assert_eq!(process.spool.entries(), process.held.len());
      let bytes: u64 = process.held.iter().map(|(entry, _)| entry.bytes).sum();
      assert_eq!(process.spool.bytes(), bytes);
    }
  }

  /// Everybody dies, and all is well again: the next process of each destination finds all that is due.
  fn judgement_day(&self) {
    {
      let mut disk = self.files.disk.borrow_mut();
      (disk.is_full, disk.is_denied) = (false, false);
    }
    for number in 0..PROCESSES {
      self.run(number, Command::Kill, None);
    }
    // The later one finds nothing new, and the other destination's.
    for number in [0, 1, 3] {
      self.run(number, Command::Open, None);
      self.run(number, Command::Adopt, None);
      self.check_living();
    }
    assert!(self.processes[1].borrow().as_ref().unwrap().held.is_empty(), "it was left behind");
    let ledger = self.ledger.borrow();
    for (inode, payload) in &ledger.payloads {
      let is_held = ledger.holders.contains_key(inode);
      assert!(!(payload.is_settled && is_held), "a settled payload returned");
      assert!(payload.is_settled || is_held || !payload.is_kept, "a payload vanished");
    }
    let told: BTreeSet<u32> = [0, 3]
      .iter()
      .flat_map(|number| self.processes[*number].borrow().as_ref().unwrap().open.clone())
      .collect();
    for (item, opened) in ledger.opened.iter().enumerate() {
      let is_due = opened.is_recorded && !opened.may_go;
      assert!(!is_due || told.contains(&(item as u32)), "what was open was forgotten");
    }
    drop(ledger);
    for number in [0, 1, 3] {
      self.wind_up(number);
    }
    let disk = self.files.disk.borrow();
    for path in disk.names.keys() {
      let name = path.file_name().unwrap().to_str().unwrap();
      let kind = name.parse::<Name>().ok().map(|name| name.kind);
      let may_stay = matches!(kind, None | Some(Kind::Damaged(_) | Kind::Unborn));
      assert!(may_stay, "{name} was left behind");
    }
    for name in JUNK {
      assert!(disk.names.contains_key(&Path::new(DIR).join(name)), "{name} is gone");
    }
  }

  /// Delivers all and ends.
  fn wind_up(&self, number: usize) {
    let mut process = self.processes[number].borrow_mut().take().unwrap();
    while !process.held.is_empty() {
      let before = process.held.len();
      self.read(&mut process, 0);
      if process.held.len() == before {
        self.acknowledge(&mut process, 0);
      }
    }
    process.open.clear();
    process.spool.clear_record().unwrap();
    assert_eq!(process.spool.bytes(), 0);
    process.spool.finish().unwrap();
  }

  fn inode_of(&self, process: &Process, entry: &Entry) -> Option<Inode> {
    self.files.disk.borrow().names.get(&path(process, entry)).copied()
  }
}

fn path(process: &Process, entry: &Entry) -> PathBuf {
  Path::new(DIR).join(Name { id: process.id, kind: Kind::Rows(entry.number) }.to_string())
}

fn is_rows(path: &Path) -> bool {
  path.extension().is_some_and(|ending| ending == "rows") && !is_junk(path)
}

fn is_record(path: &Path) -> bool {
  path.extension().is_some_and(|ending| ending == "open")
}

fn is_junk(path: &Path) -> bool {
  JUNK.iter().any(|name| path.ends_with(name))
}

/// What a record tells.
fn items(record: &[u8]) -> Vec<u32> {
  let text = std::str::from_utf8(record).unwrap_or_default();
  text.split(',').filter_map(|item| item.parse().ok()).collect()
}

proptest! {
  #[test]
  fn nothing_that_was_kept_is_lost_uncounted_or_returns_or_is_had_twice(
    steps in prop::collection::vec(steps(), 0..60),
  ) {
    let model = Model::new();
    steps.into_iter().for_each(|step| model.step(step));
    model.judgement_day();
  }
}
