// The mutations: faults that somebody could make in the core. Each is one replacement in one file.

const EXPORT = 'crates/export/src';

/**
 * `world` is the seed of a world that shows a rare fault; without it, all seeds are played until one does.
 * @type {{ name: string, file: string, replace: string, by: string, world?: string }[]}
 */
export const MUTATIONS = [
  {
    name: 'outbox: a settled batch keeps its rows',
    file: `${EXPORT}/outbox.rs`,
    replace: `      if self.owners.get(&id) == Some(&key) {
        self.owners.remove(&id);
      }`,
    by: '',
  },
  {
    name: 'outbox: a settled batch stays in the memory count',
    file: `${EXPORT}/outbox.rs`,
    replace: `    self.release(&queued.batch);
    for id`,
    by: `    for id`,
  },
  {
    name: 'outbox: batches with common rows do not wait for one another',
    file: `${EXPORT}/outbox/order.rs`,
    replace: `queued.suspicion.retry_at.is_none_or(|at| at <= now) && self.waits_for_none(queued)`,
    by: `queued.suspicion.retry_at.is_none_or(|at| at <= now)`,
  },
  {
    name: 'outbox: who waits for a batch waits for one of its halves only',
    file: `${EXPORT}/outbox/split.rs`,
    replace: `        waits.for_each(|keys| keys.push(half));`,
    by: `        drop(waits);`,
  },
  {
    name: 'outbox: a split loses a half',
    file: `${EXPORT}/outbox/split.rs`,
    replace: `      self.ready.insert(half, queued);`,
    by: `      if half == key {
        self.ready.insert(half, queued);
      }`,
  },
  {
    name: 'outbox: the barrier of the spool is ignored',
    file: `${EXPORT}/outbox/order.rs`,
    replace: `    writing.into_iter().chain(spooled).min().unwrap_or(u64::MAX)`,
    by: `    let _unused = spooled;
    writing.unwrap_or(u64::MAX)`,
  },
  {
    name: 'outbox: the segment goes when the first half is settled',
    file: `${EXPORT}/outbox.rs`,
    replace: `  segments.into_iter().filter_map(Rc::into_inner).collect()`,
    by: `  segments.into_iter().map(|segment| *segment).collect()`,
  },
  {
    name: 'outbox: a batch that is put back forgets its attempts',
    file: `${EXPORT}/outbox.rs`,
    replace: `    if let Some(queued) = self.in_flight.remove(&key) {
      self.ready.insert(key, queued);`,
    by: `    if let Some(mut queued) = self.in_flight.remove(&key) {
      queued.oversize = OversizeState::default();
      self.ready.insert(key, queued);`,
  },
  {
    name: 'outbox: who waited for a merged batch waits for nothing',
    file: `${EXPORT}/outbox/absorb.rs`,
    replace: `      if queued.waits_for.len() < before && !queued.waits_for.contains(&key) {
        queued.waits_for.push(key);
      }`,
    by: `      let _unused = before;`,
  },
  {
    name: 'outbox: a batch is merged although it waits for another one',
    file: `${EXPORT}/outbox/absorb.rs`,
    replace: `      if fits && queued.is_mergeable() && queued.waits_for.iter().all(is_free) {`,
    by: `      let _unused = is_free;
      if fits && queued.is_mergeable() {`,
  },
  {
    name: 'outbox: a merge forgets the segments of the later batches',
    file: `${EXPORT}/outbox/absorb.rs`,
    replace: `      queued.segments.extend(absorbed.into_iter().flat_map(|queued| queued.segments));`,
    by: `      drop(absorbed);`,
  },
  {
    name: 'outcome: every success acknowledges',
    file: `${EXPORT}/outcome.rs`,
    replace: `!response.text().is_some_and(is_acknowledgement)`,
    by: `false && !response.text().is_some_and(is_acknowledgement)`,
  },
  {
    name: 'bad rows: a rejected request is not halved',
    file: `${EXPORT}/delivery/bad_rows.rs`,
    replace: `    if self.rejections < MAX_REJECTIONS && self.outbox.split(key) {`,
    by: `    if self.rejections > MAX_REJECTIONS && self.outbox.split(key) {`,
  },
  {
    name: 'bad rows: a request that fails again and again is not halved',
    file: `${EXPORT}/delivery/bad_rows.rs`,
    replace: `      && self.outbox.split(key);`,
    by: `      && false;`,
  },
  {
    name: 'repeats: a request without a response is not repeated',
    file: `${EXPORT}/delivery/repeats.rs`,
    replace: `let is_due = call.repeats > 0 || time * 2 <= call.call.timeout;`,
    by: `let is_due = call.repeats > 0;`,
  },
  {
    name: 'repeats: the request that is not needed any more is not dropped',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    self.cancelled.extend(requests.iter().map(|attempt| attempt.id));`,
    by: `    drop(requests);`,
  },
  {
    name: 'queue: keys follow the age of rows',
    file: `${EXPORT}/batch/queue.rs`,
    replace: `      let Some(Waiting { row, bytes, memory_bytes, .. }) = self.take(id) else { continue };`,
    by: `      let Some(Waiting { row, bytes, memory_bytes, sequence }) = self.take(id) else { continue };
      self.next_key = sequence;`,
  },
  {
    name: 'delivery: what is sent is counted twice',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    self.account.counters.sent(batch.totals(), batch.body().len());`,
    by: `    self.account.counters.sent(batch.totals(), batch.body().len());
    self.account.counters.sent(batch.totals(), 0);`,
  },
  {
    name: 'delivery: rejected batches are not counted as lost',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    self.account.lose(reason, batch.totals(), &why, now.elapsed);
    self.account.failed(why);
  }
}`,
    by: `    let _unused = (reason, totals, now);
    self.account.failed(why);
  }
}`,
  },
  {
    name: 'delivery: a batch is dropped when it should be retried',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `      ExportOutcome::Retry(at_least) => {
        self.put_back(key);
        self.failed(Code::Unreachable, began, why, at_least, now);`,
    by: `      ExportOutcome::Retry(at_least) => {
        self.outbox.settle(key);
        self.failed(Code::Unreachable, began, why, at_least, now);`,
  },
  {
    name: 'delivery: Retry-After is ignored',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    let delay = delay.max(at_least);`,
    by: `    let _unused = at_least;`,
  },
  {
    name: 'delivery: a shorter delay replaces a longer one',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    self.retry_at = self.retry_at.max(Some(now.elapsed + delay));`,
    by: `    self.retry_at = Some(now.elapsed + delay);`,
  },
  {
    name: 'delivery: nothing waits for retry_at',
    file: `${EXPORT}/delivery/advance.rs`,
    replace: `    if self.retry_at.is_none() && !self.is_idle() {`,
    by: `    if !self.is_idle() {`,
  },
  {
    name: 'delivery: the timeout forgets retry_at',
    file: `${EXPORT}/delivery/advance.rs`,
    replace: `      _ if self.retry_at.is_some() => self.retry_at,`,
    by: `      _ if self.retry_at.is_some() => None,`,
  },
  {
    name: 'delivery: a refused key is used again at once',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    self.unauthorized = true;
    self.pause(UNAUTHORIZED_DELAY, now);`,
    by: `    self.unauthorized = true;`,
  },
  {
    name: 'delivery: segments are never removed',
    file: `${EXPORT}/delivery/responses.rs`,
    replace: `    self.account.counters.sent(batch.totals(), batch.body().len());
    self.spool.remove_all(segments);`,
    by: `    self.account.counters.sent(batch.totals(), batch.body().len());
    let _unused = segments;`,
  },
  {
    name: 'delivery: a segment is removed before the acknowledgement',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: `        Some(segment) => Written::Backed(segment),`,
    by: `        Some(segment) => {
          self.spool.remove(segment);
          Written::Backed(segment)
        }`,
  },
  {
    name: 'delivery: evicted rows are not counted as lost',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: `      self.account.lose(LossReason::SpoolFull, totals, why, now.elapsed);`,
    by: `      let _unused = (totals, why, now);`,
  },
  {
    name: 'delivery: adopted rows are accepted twice',
    file: `${EXPORT}/delivery/state.rs`,
    replace: `      self.account.counters.accept(RowTotals { rows, bytes });
      self.spool`,
    by: `      self.account.counters.accept(RowTotals { rows: rows * 2, bytes });
      self.spool`,
  },
  {
    name: 'delivery: adopted segments are not counted in the size of the spool',
    file: `${EXPORT}/delivery/state.rs`,
    replace: `      self.spool.adopted(entry.bytes);`,
    by: ``,
  },
  {
    name: 'delivery: one request more than allowed',
    file: `${EXPORT}/delivery/requests.rs`,
    replace: `    while self.uploads() < self.settings.max_requests {`,
    by: `    while self.uploads() <= self.settings.max_requests {`,
  },
  {
    name: 'delivery: a segment that cannot be read is given up without being counted',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: `        self.spool.quarantine(spooled.entry);
        self.lose_spooled(&spooled, "a spool file is damaged", now);`,
    by: `        self.spool.quarantine(spooled.entry);`,
  },
  {
    name: 'delivery: the masking function is bypassed at checkpoints',
    file: `${EXPORT}/delivery/batches.rs`,
    replace: `    if self.masks() {
      self.masked.begin(rows);`,
    by: `    if self.masks() && to.is_some() {
      self.masked.begin(rows);`,
  },
  {
    name: 'delivery: rows of spans that are being masked do not wait',
    file: `${EXPORT}/delivery/batches.rs`,
    replace: `      Pick::All => !is_masked(row),`,
    by: `      Pick::All => true,`,
  },
  {
    name: 'backoff: it never grows',
    file: `${EXPORT}/backoff.rs`,
    replace: `      self.failures = self.failures.saturating_add(1);`,
    by: `      self.failures = 1;`,
  },
  {
    name: 'backoff: it has no bound',
    file: `${EXPORT}/backoff.rs`,
    replace: `    let bound = FIRST.saturating_mul(2u32.saturating_pow(doublings)).min(MAX);`,
    by: `    let bound = FIRST.saturating_mul(2u32.saturating_pow(doublings));`,
  },
  {
    name: 'outcome: Retry-After has no bound',
    file: `${EXPORT}/outcome.rs`,
    replace: `  Some(wait.min(MAX_RETRY_AFTER))`,
    by: `  Some(wait)`,
  },
  {
    name: 'outcome: what a router answers rejects rows',
    file: `${EXPORT}/outcome.rs`,
    replace: `  matches!(status, 404 | 405 | 410 | 421 | 501)`,
    by: `  matches!(status, 421)`,
  },
  {
    name: 'flush: it completes when its rows are in batches',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `      if let Boundary::Batches(key) = flush.boundary
        && self.delivery.is_settled_before(key)
      {`,
    by: `      if let Boundary::Batches(_) = flush.boundary {`,
  },
  {
    name: 'flush: it ignores its deadline',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `      if is_kept || self.delivery.is_unauthorized() || flush.deadline <= now.elapsed {`,
    by: `      if is_kept || self.delivery.is_unauthorized() {`,
  },
  {
    name: 'flush: it does not wait for the snapshot',
    world: '4162',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `      let is_kept = is_settled && self.snapshot.has_tried(flush.snapshot);`,
    by: `      let is_kept = is_settled;`,
  },
  {
    name: 'shutdown: it ignores its deadline',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `    let is_over = |deadline| self.delivery.is_done() || deadline <= now.elapsed;`,
    by: `    let is_over = |_: Duration| self.delivery.is_done();`,
  },
  {
    name: 'shutdown: it does not wait for writes in progress',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `    deadline.is_some_and(|deadline| is_over(deadline) && !self.delivery.is_writing())`,
    by: `    deadline.is_some_and(is_over)`,
  },
  {
    name: 'shutdown: open spans stay open',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `    let rows = self.translator.close_all(self.exit_began.unwrap_or(now.unix_ms));`,
    by: `    self.translator.close_all(now.unix_ms);
    let rows = Vec::new();`,
  },
  {
    name: 'shutdown: what is left is not counted',
    file: `${EXPORT}/delivery/shutdown.rs`,
    replace: `    self.account.counters.lose(reason, left);`,
    by: `    let _unused = reason;`,
  },
  {
    name: 'shutdown: responses after the end count',
    file: `${EXPORT}/delivery/shutdown.rs`,
    replace: `    self.in_flight.clear();`,
    by: ``,
  },
  {
    name: 'snapshot: it is written before the rows that it follows',
    file: `${EXPORT}/exporter.rs`,
    replace: `    let urgent = self.is_awaited() || self.snapshot.is_due(now.elapsed);
    let has_written`,
    by: `    let urgent = self.is_awaited() || self.snapshot.is_due(now.elapsed);
    if self.snapshot.is_due(now.elapsed) {
      let begins = self.snapshot.begin();
      self.write_snapshot(begins, now);
    }
    let has_written`,
  },
  {
    name: 'snapshot: it is not written when spans open or close',
    file: `${EXPORT}/open_spans.rs`,
    replace: `      self.due.get_or_insert(now + WRITE_EVERY);`,
    by: `      let _unused = now + WRITE_EVERY;`,
  },
  {
    name: 'snapshot: the spans of adopted snapshots stay open',
    file: `${EXPORT}/exporter/recovery.rs`,
    replace: `          self.enqueue_sorted(rows, now);`,
    by: `          drop(rows);`,
  },
  {
    name: 'snapshot: adopted snapshots are discarded before ours is written',
    file: `${EXPORT}/exporter/recovery.rs`,
    replace: `      self.enqueue_sorted(rows, now);
      self.snapshot.restored(now.elapsed);`,
    by: `      self.enqueue_sorted(rows, now);
      self.delivery.spool.discard_adopted();
      self.snapshot.restored(now.elapsed);`,
  },
  {
    name: 'snapshot: orphaned spans are closed without their last rows',
    file: `${EXPORT}/exporter.rs`,
    replace: `      let rows = self.translator.drop_orphaned(now.unix_ms, left_by);
      self.enqueue_sorted(rows, now);`,
    by: `      self.translator.drop_orphaned(now.unix_ms, left_by);`,
  },
  {
    name: 'admission: everything is admitted',
    file: `${EXPORT}/admission.rs`,
    replace: `    queued + held <= self.bound(priority) || queued <= self.reserve(priority)`,
    by: `    let _unused = (priority, queued, held);
    true`,
  },
  {
    name: 'overflow: the storage gets the key',
    file: `${EXPORT}/overflow.rs`,
    replace: `    let mut headers = upload_headers(self.headers.iter().flatten(), &self.url, is_put)?;`,
    by: `    let mut headers = upload_headers(self.headers.iter().flatten(), &self.url, is_put)?;
    headers.insert(http::header::AUTHORIZATION, settings.api_key.bearer().clone());`,
  },
  {
    name: 'spool: a write that fails after the rename leaves its file',
    file: 'crates/spool/src/process.rs',
    replace: `      let removed = self.remove_unfinished(kind);`,
    by: `      let removed: io::Result<()> = Ok(());`,
  },
  {
    name: 'spool: a removal that failed is not tried again',
    file: `${EXPORT}/spool_writer.rs`,
    replace: `        self.removals.push_front(removal);`,
    by: '',
  },
  {
    name: 'spool: later removals do not wait for one that failed',
    file: `${EXPORT}/spool_writer.rs`,
    replace: `        self.removals.push_front(removal);`,
    by: `        self.removals.push_back(removal);`,
  },
  {
    name: 'spool: only the first search finds dead processes',
    file: 'crates/spool/src/adopt.rs',
    replace: `        let lock = adopted.note(self.files.lock(&self.path_of(id, Kind::Lock))).flatten()?;`,
    by: `        let lock = adopted.note(self.files.lock(&self.path_of(id, Kind::Lock))).flatten().filter(|_| sweeps)?;`,
  },
  {
    name: 'spool: adopted segments come in any order',
    file: 'crates/spool/src/adopt.rs',
    replace: `    found.sort_by_key(|found| (found.header.created, found.id, found.number));`,
    by: `    found.sort_by_key(|found| std::cmp::Reverse((found.header.created, found.id, found.number)));`,
  },
  {
    name: 'bad rows: rows of other spans wait for one',
    world: '8812',
    file: `${EXPORT}/delivery/bad_rows.rs`,
    replace: 'self.outbox.isolate(key);',
    by: '',
  },
  {
    name: 'outbox: the segment of a later row goes before that of an earlier one',
    world: '6817',
    file: `${EXPORT}/outbox.rs`,
    replace: 'self.hold_back(key, &queued);',
    by: '',
  },
  {
    name: 'spool: rows that always fail take the room to load others',
    world: '227246',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: 'if !self.outbox.fails_throughout() {',
    by: 'if true {',
  },
  {
    name: 'attachments: one that no row refers to is uploaded',
    file: `${EXPORT}/attachments.rs`,
    replace: `        self.remove(key, Settled::Withheld);`,
    by: `        held.state = State::Waiting(self.next_number);`,
  },
  {
    name: 'attachments: one that is uploaded is uploaded again',
    file: `${EXPORT}/attachments.rs`,
    replace: `      Some(Settled::Uploaded) => return Offer::Taken,
      Some(Settled::Lost)`,
    by: `      Some(Settled::Uploaded) => {}
      Some(Settled::Lost)`,
  },
  {
    name: 'attachments: a flush does not wait for them',
    file: `${EXPORT}/exporter/endings.rs`,
    replace: `        Boundary::Attachments(number) => self.delivery.has_uploaded_before(number),`,
    by: `        Boundary::Attachments(_) => true,`,
  },
  {
    name: 'attachments: what is left at the end is not counted',
    file: `${EXPORT}/delivery/shutdown.rs`,
    replace: `    self.account.counters.lose_attachments(reason, attachments);`,
    by: '',
  },
  {
    name: 'spool: a row behind the spool keeps the room to load it',
    file: `${EXPORT}/outbox/order.rs`,
    replace: `    let before = self.ready.range(..self.barrier()).map`,
    by: `    let before = self.ready.iter().map`,
    world: '227246',
  },
  {
    name: 'outbox: a row that always fails keeps the segment that others wait for',
    file: `${EXPORT}/delivery/bad_rows.rs`,
    replace: `let segments = self.outbox.detach(key);`,
    by: `let segments = Vec::new();`,
    world: '783870',
  },
  {
    name: 'spool: what waits behind it takes the room to load it',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: `bytes <= self.settings.queue_room() || batches <= 1`,
    by: `self.outbox.memory_bytes() + self.others_bytes <= self.settings.queue_room()`,
    world: '102026',
  },
  {
    name: 'spool: rows that the server fails on take the room to load it',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: `bytes <= self.settings.queue_room() || batches <= 1`,
    by: `self.outbox.memory_bytes() + self.others_bytes <= self.settings.queue_room()
      || bytes <= self.settings.queue_room() / SPILL
      || batches <= 1`,
    world: '227246',
  },
  {
    name: 'spool: what waits for rows that fail is enough',
    file: `${EXPORT}/delivery/spooling.rs`,
    replace: ` && !self.outbox.fails_throughout();`,
    by: `;`,
    world: '365959',
  },
  {
    name: 'spool: rows that fail take the request of what is loaded',
    file: `${EXPORT}/delivery/requests.rs`,
    replace: `if is_last && self.uploads() > 0 && self.outbox.is_loading()`,
    by: `if is_last && self.uploads() > 0 && self.uploads() == 0`,
    world: '365959',
  },
  {
    name: 'spool: what is read after the end is counted once more',
    file: `${EXPORT}/exporter.rs`,
    replace: `(Purpose::Load, Completion::Content(_)) if self.has_ended => {}`,
    by: `(Purpose::Load, Completion::Content(_)) if false => {}`,
    world: '442862',
  },
];
