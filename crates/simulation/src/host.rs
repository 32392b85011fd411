//! A process: an exporter, its account, its part of the disk, and what the simulator knows of it.

use std::{
  collections::{BTreeMap, HashSet, VecDeque},
  io,
  path::PathBuf,
  sync::Arc,
  time::Duration,
};

use braintrust_row::RowId;
use export::{
  Exporter, Now, OperationId, SpoolStatus, TicketId, account::Account, config::Settings,
  counters::Stats, transport::RequestId,
};
use serde_json::json;
use spool::{Id, Operation, Options, Spool, memory::MemoryFiles};

use crate::{
  conversation::TOKEN,
  plan::Setup,
  reference::{Reference, open_in},
  server::{API, APP, Endpoint, PROJECT},
  view::Arrivals,
};

/// The directory of the spool.
pub const DIR: &str = "/spool";
/// The most time of a request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The key.
pub const KEY: &str = "sk-key-of-this-world";

/// An operation on the spool that is not performed yet.
pub struct Pending {
  pub id: OperationId,
  pub operation: Operation,
  /// When it was polled.
  pub since: Duration,
}

/// A request in flight.
pub struct Flight {
  pub endpoint: Endpoint,
  /// Whether it carries rows, or belongs to an upload that does.
  pub is_upload: bool,
  /// Whether it is the first request of its kind, which a delay holds back.
  pub is_first: bool,
  /// The rows that it carries.
  pub rows: Vec<RowId>,
  /// Whether it concerns attachments alone.
  pub is_of_file: bool,
  /// The key of the attachment that it is for.
  pub attachment: Option<String>,
  /// Whether it repeats a request that is not answered.
  pub is_repeat: bool,
  /// When it was sent.
  pub began: Duration,
}

/// A flush or a shutdown that has not completed.
pub struct Ticket {
  pub deadline: Duration,
  /// Whether it is a shutdown with much time while nothing fails.
  pub is_natural: bool,
  /// Whether it is a delivery before the exit: it may leave rows to the next process.
  pub may_leave: bool,
  /// The rows that were produced before, and how many states each had.
  pub before: Vec<(RowId, usize)>,
  /// The attachments that were accepted before.
  pub attachments: u64,
  /// Of a flush: the spans that were open before it.
  pub open: Vec<RowId>,
}

/// One process.
pub struct Process {
  /// Its number. No other process of the world has it.
  pub number: usize,
  pub files: MemoryFiles,
  pub spool: Option<Spool<MemoryFiles>>,
  pub id: Id,
  pub exporter: Exporter,
  pub account: Arc<Account>,
  pub reference: Reference,
  pub operations: VecDeque<Pending>,
  /// Whether the completion of the first operation is scheduled.
  pub is_disk_busy: bool,
  pub flights: BTreeMap<RequestId, Flight>,
  pub tickets: BTreeMap<TicketId, Ticket>,
  /// Content that is with the masking function.
  pub masking: BTreeMap<u64, String>,
  /// The rows that it produced.
  pub touched: HashSet<RowId>,
  pub arrivals: Arrivals,
  /// The rows that the server acknowledged in responses that it got.
  pub acknowledged: u64,
  /// Nothing new may be requested before.
  pub not_before: Duration,
  /// When the server refused the key last.
  pub refused_at: Option<Duration>,
  /// The rows of uploads that were answered with 403.
  pub forbidden: HashSet<RowId>,
  /// Since when every response is a failure, and the requests since.
  pub failing: Option<(Duration, u32)>,
  /// When a delivery before the exit closes the open spans, if it has not ended.
  pub close_at: Option<Duration>,
  /// When a request failed last.
  pub failed_at: Option<Duration>,
  /// The keys of attachments whose upload was confirmed to it.
  pub confirmed: HashSet<String>,
  /// The slowest response.
  pub slowest: Duration,
  /// When a request was repeated last.
  pub repeated_at: Option<Duration>,
  /// For each row the overflow uploads in a row that failed at the storage.
  pub storage_failures: BTreeMap<RowId, u32>,
  pub shutdown_at: Option<Duration>,
  pub exit_deadline: Option<Duration>,
  /// Whether an operation on its disk has failed.
  pub has_disk_failed: bool,
  /// The disk space that its segments took after an adoption: no write exceeds it.
  pub adopted_bytes: u64,
  /// The segment whose removal has failed last, until it is removed.
  pub unremoved: Option<u64>,
  /// The number of the timer that counts.
  pub timer: u64,
  /// The timers at one instant without anything else.
  pub spins: u32,
  pub spun_at: Duration,
  pub last: Option<Stats>,
  /// The bytes of events that were admitted although the queue was full.
  pub reserve: usize,
}

impl Process {
  /// Starts a process on the disk.
  pub fn start(
    number: usize,
    settings: &Arc<Settings>,
    setup: &Setup,
    disk: &MemoryFiles,
    seed: u64,
    now: Now,
  ) -> Self {
    let files = disk.other_process();
    let id =
      Id { destination: settings.destination, pid: number as u32 + 1, random: number as u32 };
    let dir = PathBuf::from(DIR);
    let options = Options { dir, id, max_age_ms: setup.max_age_ms, fsync: setup.fsync };
    let opened = setup.has_spool.then(|| {
      let mut spool = Spool::open(options, files.clone())?;
      // One of four processes takes many steps.
      if seed.is_multiple_of(4) {
        spool.set_adoption_step(2);
      }
      Ok::<_, io::Error>(spool)
    });
    let (spool, status) = match opened {
      None => (None, SpoolStatus::Unused),
      Some(Ok(spool)) => (Some(spool), SpoolStatus::Open),
      Some(Err(error)) => (None, SpoolStatus::Unusable(error.to_string())),
    };
    let account = Arc::new(Account::new(settings.warn_period, &Arc::default(), Box::new(|_| {})));
    let exporter = Exporter::new(settings.clone(), account.clone(), &status, seed, now);
    Self {
      number,
      files,
      adopted_bytes: 0,
      unremoved: None,
      has_disk_failed: matches!(status, SpoolStatus::Unusable(_)),
      spool,
      id,
      exporter,
      account,
      reference: Reference::new(settings.clone()),
      operations: VecDeque::new(),
      is_disk_busy: false,
      flights: BTreeMap::new(),
      tickets: BTreeMap::new(),
      masking: BTreeMap::new(),
      touched: HashSet::new(),
      arrivals: Arrivals::default(),
      acknowledged: 0,
      not_before: Duration::ZERO,
      refused_at: None,
      forbidden: HashSet::new(),
      failing: None,
      failed_at: None,
      close_at: None,
      confirmed: HashSet::new(),
      slowest: Duration::ZERO,
      repeated_at: None,
      storage_failures: BTreeMap::new(),
      shutdown_at: None,
      exit_deadline: None,
      timer: 0,
      spins: 0,
      spun_at: Duration::ZERO,
      last: None,
      reserve: 0,
    }
  }

  /// The spans that are open, and may be resumed by another process.
  pub fn open(&self, now: Now) -> Vec<RowId> {
    self.reference.snapshot(now).map(|snapshot| open_in(&snapshot)).unwrap_or_default()
  }
}

/// The settings of a world's processes.
pub fn settings(setup: &Setup) -> Settings {
  let mut options = json!({ "apiKey": KEY, "appUrl": APP, "turnInput": "full" });
  if setup.is_addressed {
    options["apiUrl"] = json!(API);
    options["projectId"] = json!(PROJECT);
  }
  if setup.redacts {
    options["redact"] = json!({ "patterns": [TOKEN] });
  }
  if setup.is_delta {
    options["turnInput"] = json!("delta");
  }
  if setup.has_spool {
    options["spool"] = json!({ "dir": DIR, "maxBytes": setup.spool_bytes });
  }
  options["attachments"] = json!(setup.attaches);
  options["content"] = json!(setup.has_content);
  let parsed = Settings::parse(&json!({ "options": options }).to_string());
  let mut settings = parsed.expect("the settings are valid");
  settings.request_timeout = REQUEST_TIMEOUT;
  settings.max_queue_bytes = setup.queue_bytes;
  settings.max_queue_rows = setup.queue_rows.unwrap_or(usize::MAX);
  settings.batch_rows = setup.batch_rows;
  settings.max_requests = setup.max_requests;
  settings.max_request_bytes = setup.request_bytes;
  settings.max_field_bytes = setup.field_bytes;
  settings
}
