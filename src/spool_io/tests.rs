//! The file system behaves as the one in memory, which the model tests use.

use std::{
  collections::BTreeSet,
  fs,
  io::{BufRead, BufReader, Read},
  path::Path,
  process::{Command, Stdio},
  sync::{
    RwLock,
    atomic::{AtomicUsize, Ordering},
  },
  thread,
  time::{Duration, Instant},
};

use proptest::prelude::*;

use spool::{Files, Id, Options, ReadError, Segment};

use super::DiskFiles;

type Spool = spool::Spool<DiskFiles>;

/// Held for writing while a child process starts: between fork and exec it has copies of all locks, so that what
/// another test has dropped still looks alive.
static STARTING: RwLock<()> = RwLock::new(());

const NOW: i64 = 1_795_417_364_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn open(dir: &Path, pid: u32, fsync: bool) -> Spool {
  let id = Id { destination: 1, pid, random: 7 };
  Spool::open(Options { dir: dir.to_owned(), id, max_age_ms: DAY, fsync }, DiskFiles).unwrap()
}

#[test]
fn files_of_a_dead_process_are_adopted_and_those_of_a_running_one_are_not() {
  let _nothing_starts = STARTING.read().unwrap();
  let dir = tempfile::tempdir().unwrap();
  for fsync in [false, true] {
    let mut first = open(dir.path(), 1, fsync);
    first.put(b"one", 1, NOW).unwrap();
    first.put(b"two", 2, NOW).unwrap();
    first.write_snapshot(b"open", NOW).unwrap();
    let mut second = open(dir.path(), 2, fsync);
    let none = second.adopt(NOW);
    assert!(none.segments.is_empty() && none.snapshots.is_empty(), "the process is running");
    drop(first);
    let adopted = second.adopt(NOW);
    let contents: Vec<_> =
      adopted.segments.iter().map(|segment| second.read(segment).unwrap()).collect();
    assert_eq!(contents, [b"one", b"two"]);
    assert_eq!(adopted.snapshots, [b"open"]);
    assert!(adopted.error.is_none());
    second.discard_snapshots().unwrap();
    adopted.segments.iter().for_each(|segment| second.remove(segment).unwrap());
    second.close().unwrap();
    drop(second);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
  }
}

/// Waits until its parent kills it. Its spool is the working directory.
#[test]
#[ignore = "runs as the child process of the next test"]
fn a_process_that_is_killed() {
  let mut spool = open(Path::new("."), 1, false);
  spool.put(b"rows of the killed", 1, NOW).unwrap();
  spool.write_snapshot(b"open", NOW).unwrap();
  println!("\nready");
  std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn files_of_a_killed_process_are_adopted_at_once() {
  let dir = tempfile::tempdir().unwrap();
  let starting = STARTING.write().unwrap();
  let mut child = Command::new(std::env::current_exe().unwrap())
    .args(["--ignored", "--nocapture", "--exact", "spool_io::tests::a_process_that_is_killed"])
    .current_dir(dir.path())
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
  drop(starting);
  let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
  assert!(lines.any(|line| line.unwrap() == "ready"));
  let mut second = open(dir.path(), 2, false);
  assert!(second.adopt(NOW).segments.is_empty(), "the process is running");
  child.kill().unwrap();
  child.wait().unwrap();
  let adopted = second.adopt(NOW);
  assert_eq!(second.read(&adopted.segments[0]).unwrap(), b"rows of the killed");
  assert_eq!(adopted.snapshots, [b"open"]);
}

#[test]
fn concurrent_processes_adopt_each_segment_once() {
  const PROCESSES: u32 = 8;
  const EACH: u32 = 25;
  const ADOPTERS: u32 = 6;
  let _nothing_starts = STARTING.read().unwrap();
  let dir = tempfile::tempdir().unwrap();
  for pid in 0..PROCESSES {
    let mut first = open(dir.path(), pid, false);
    for number in 0..EACH {
      first.put(format!("{pid}/{number}").as_bytes(), 1, NOW).unwrap();
    }
  }
  let found = AtomicUsize::new(0);
  let adopter = |pid: u32| {
    let mut contents = Vec::new();
    let began = Instant::now();
    // Each thread reopens its spool a few times, and leaves the segments that it has not read.
    for attempt in 0.. {
      assert!(began.elapsed() < Duration::from_secs(60), "a segment is missing");
      let mut spool = open(dir.path(), 1_000_000 * (pid + 1) + attempt, false);
      let adopted = spool.adopt(NOW);
      assert!(adopted.error.is_none(), "{:?}", adopted.error);
      for segment in adopted.segments.iter().take(20) {
        contents.push(spool.read(segment).unwrap());
        spool.remove(segment).unwrap();
        found.fetch_add(1, Ordering::Relaxed);
      }
      if found.load(Ordering::Relaxed) >= (PROCESSES * EACH) as usize {
        break;
      }
    }
    contents
  };
  let contents: Vec<Vec<u8>> = thread::scope(|scope| {
    let adopters: Vec<_> = (0..ADOPTERS).map(|pid| scope.spawn(move || adopter(pid))).collect();
    adopters.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
  });
  assert_eq!(contents.len(), (PROCESSES * EACH) as usize);
  assert_eq!(contents.into_iter().collect::<BTreeSet<_>>().len(), (PROCESSES * EACH) as usize);
}

#[cfg(unix)]
#[test]
fn spool_files_are_readable_by_their_owner_alone() {
  use std::os::unix::fs::PermissionsExt;
  let _nothing_starts = STARTING.read().unwrap();
  let dir = tempfile::tempdir().unwrap();
  let spool_dir = dir.path().join("new").join("spool");
  let mut spool = open(&spool_dir, 1, true);
  spool.put(b"rows", 1, NOW).unwrap();
  spool.write_snapshot(b"open", NOW).unwrap();
  let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
  assert_eq!(mode(&spool_dir), 0o700);
  let files: Vec<_> = fs::read_dir(&spool_dir).unwrap().map(|file| file.unwrap().path()).collect();
  assert_eq!(files.len(), 3);
  files.iter().for_each(|file| assert_eq!(mode(file), 0o600, "{}", file.display()));
}

#[cfg(target_os = "linux")]
#[test]
fn planted_files_are_neither_followed_nor_waited_for() {
  use std::os::unix::fs::symlink;

  let dir = tempfile::tempdir().unwrap();
  let (elsewhere, segment) = (dir.path().join("elsewhere"), dir.path().join("segment"));
  let make_fifo = |path: &Path| {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
  };
  let kind = |error: std::io::Error| error.kind();
  fs::write(&elsewhere, "not ours").unwrap();
  let plants: [(&str, &dyn Fn()); 4] = [
    ("a link to a file", &|| symlink(&elsewhere, &segment).unwrap()),
    ("a link to an endless device", &|| symlink("/dev/zero", &segment).unwrap()),
    ("a FIFO", &|| make_fifo(&segment).unwrap()),
    ("a directory", &|| fs::create_dir(&segment).unwrap()),
  ];
  for (name, plant) in plants {
    plant();
    let invalid = [
      DiskFiles.read(&segment).map(drop).unwrap_err(),
      DiskFiles.read_head(&segment, 36).map(drop).unwrap_err(),
    ];
    assert!(
      invalid.into_iter().all(|error| kind(error) == std::io::ErrorKind::InvalidInput),
      "{name}"
    );
    assert!(DiskFiles.lock(&segment).is_err(), "{name}");
    if name == "a directory" {
      assert!(DiskFiles.write(&segment, [b"rows", b""], false).is_err());
    } else {
      DiskFiles.write(&segment, [b"rows", b""], false).unwrap();
      assert_eq!(DiskFiles.read(&segment).unwrap(), b"rows", "{name}");
      fs::remove_file(&segment).unwrap();
    }
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "not ours", "{name}");
  }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
  let dir = tempfile::tempdir().unwrap();
  let path = dir.path().join("large");
  fs::File::create(&path).unwrap().set_len(super::private::MAX_FILE_BYTES + 1).unwrap();
  assert_eq!(DiskFiles.read(&path).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[cfg(unix)]
#[test]
fn a_directory_to_which_others_can_write_is_made_private_or_refused() {
  use std::os::unix::fs::PermissionsExt;

  let dir = tempfile::tempdir().unwrap();
  let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
  let set_mode = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
  let segment = dir.path().join("0000000000000001-1-00000007-0000000001.rows");
  let note = dir.path().join("note");
  for (before, after) in [(0o777, 0o700), (0o770, 0o700), (0o755, 0o755), (0o700, 0o700)] {
    set_mode(before);
    DiskFiles.create_dir(dir.path()).unwrap();
    assert_eq!(mode(dir.path()), after, "{before:o}");
    // Spool files do not change that.
    fs::write(&segment, "rows").unwrap();
  }
  fs::write(&note, "not ours").unwrap();
  DiskFiles.create_dir(dir.path()).unwrap();
  let refuses = |before| {
    set_mode(before);
    let error = DiskFiles.create_dir(dir.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("name a directory in it"), "{error}");
    assert_eq!(mode(dir.path()), before);
  };
  // Whoever uses it besides the spool needs its mode.
  [0o777, 0o770, 0o1777].into_iter().for_each(refuses);
  fs::remove_file(note).unwrap();
  refuses(0o1777);
  // Another user's; as root, nothing but an owner of its own makes it one.
  if rustix::process::geteuid().is_root() {
    let theirs = Some(rustix::process::Uid::from_raw(65_534));
    rustix::fs::chown(dir.path(), theirs, None).unwrap();
    let error = DiskFiles.create_dir(dir.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("name a directory in it"), "{error}");
  }
}

#[test]
fn an_error_names_its_path_and_operation_and_keeps_its_kind() {
  let _nothing_starts = STARTING.read().unwrap();
  let dir = tempfile::tempdir().unwrap();
  let file = dir.path().join("file");
  fs::write(&file, "no directory").unwrap();
  let options = Options {
    dir: file.clone(),
    id: Id { destination: 1, pid: 1, random: 1 },
    max_age_ms: DAY,
    fsync: false,
  };
  let error = Spool::open(options, DiskFiles).err().unwrap();
  assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
  let error = DiskFiles.read(&dir.path().join("nothing")).unwrap_err();
  assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
  assert!(error.to_string().contains("nothing cannot be read"), "{error}");
}

#[test]
fn a_deleted_directory_is_created_again() {
  let _nothing_starts = STARTING.read().unwrap();
  let dir = tempfile::tempdir().unwrap();
  let spool_dir = dir.path().join("spool");
  let mut spool = open(&spool_dir, 1, false);
  let gone = spool.put(b"gone", 1, NOW).unwrap();
  fs::remove_dir_all(&spool_dir).unwrap();
  let kept = spool.put(b"kept", 1, NOW).unwrap();
  assert_eq!(spool.read(&kept).unwrap(), b"kept");
  assert!(matches!(spool.read(&gone), Err(ReadError::Gone)));
  assert!(
    open(&spool_dir, 2, false).adopt(NOW).segments.is_empty(),
    "the process holds its lock again"
  );
}

#[test]
fn a_damaged_segment_is_detected_and_quarantined() {
  let _nothing_starts = STARTING.read().unwrap();
  let dir = tempfile::tempdir().unwrap();
  let mut spool = open(dir.path(), 1, false);
  let segment = spool.put(b"rows", 1, NOW).unwrap();
  let path = dir.path().join("0000000000000001-1-00000007-0000000001.rows");
  let mut bytes = fs::read(&path).unwrap();
  *bytes.last_mut().unwrap() ^= 1;
  fs::write(&path, bytes).unwrap();
  assert!(matches!(spool.read(&segment), Err(ReadError::Damaged(_))));
  spool.quarantine(&segment).unwrap();
  assert!(path.with_extension("damaged").exists());
  assert!(matches!(spool.read(&segment), Err(ReadError::Gone)));
}

#[derive(Clone, Debug)]
enum Step {
  Put(Vec<u8>),
  Acknowledge(usize),
  Adopt,
  Exit,
}

fn step() -> impl Strategy<Value = Step> {
  prop_oneof![
    4 => prop::collection::vec(any::<u8>(), 0..300).prop_map(Step::Put),
    2 => any::<usize>().prop_map(Step::Acknowledge),
    2 => Just(Step::Adopt),
    1 => Just(Step::Exit),
  ]
}

proptest! {
  #![proptest_config(ProptestConfig::with_cases(64))]

  /// The invariant of the model tests, on disk.
  #[test]
  fn each_segment_is_adopted_once_unless_it_is_acknowledged(
    steps in prop::collection::vec((0_usize..3, step()), 0..40),
  ) {
  let _nothing_starts = STARTING.read().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut opened = 0;
    let mut next = || {
      opened += 1;
      open(dir.path(), opened, opened % 7 == 0)
    };
    let mut spools: Vec<Spool> = (0..3).map(|_| next()).collect();
    let mut held: Vec<Vec<(Segment, Vec<u8>)>> = vec![Vec::new(); 3];
    let mut left: Vec<Vec<u8>> = Vec::new();
    for (number, step) in steps {
      let (spool, held) = (&mut spools[number], &mut held[number]);
      match step {
        Step::Put(content) => {
          let segment = spool.put(&content, 1, NOW).unwrap();
          prop_assert_eq!(spool.read(&segment).unwrap(), &content[..]);
          held.push((segment, content));
        }
        Step::Acknowledge(at) if !held.is_empty() => {
          let (segment, _) = held.remove(at % held.len());
          spool.remove(&segment).unwrap();
        }
        Step::Adopt => {
          for segment in spool.adopt(NOW).segments {
            let content = spool.read(&segment).unwrap();
            let at = left.iter().position(|left| *left == content);
            prop_assert!(at.is_some(), "no process wrote it");
            left.remove(at.unwrap());
            held.push((segment, content));
          }
        }
        Step::Exit => {
          *spool = next();
          left.extend(held.drain(..).map(|(_, content)| content));
        }
        Step::Acknowledge(_) => {}
      }
    }
    drop(spools);
    left.extend(held.into_iter().flatten().map(|(_, content)| content));
    let mut last = next();
    let adopted = last.adopt(NOW);
    let mut found: Vec<_> = adopted.segments.iter().map(|segment| last.read(segment).unwrap()).collect();
    found.sort();
    left.sort();
    prop_assert_eq!(found, left);
  }
}
