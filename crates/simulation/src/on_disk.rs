//! What is on the disk, and whether it is all that must be there.

use std::{
  path::{Path, PathBuf},
  time::Duration,
};

use braintrust_row::RowId;
use export::batch::EncodedBatch;
use spool::{Kind, Name};

use crate::{
  conversation::{mask, without_keys},
  host::Ticket,
  reference::open_in,
  server::Rows,
  view::{Merged, read_body},
  world::{Checked, World},
};

impl World {
  /// The rows in a segment.
  pub(crate) fn rows_in(&self, path: &Path) -> Rows {
    let disk = self.disk.disk.borrow();
    let Ok(file) = disk.content(path) else { return Vec::new() };
    let Ok((_, content)) = spool::decode(&file.bytes) else { return Vec::new() };
    let body = EncodedBatch::from_segment(content, 0, |_| None).map(|batch| batch.body());
    let text = body.map(|body| mask(&without_keys(&String::from_utf8_lossy(&body))));
    text.and_then(|text| read_body(text.as_bytes())).unwrap_or_default()
  }

  /// The names on the disk.
  pub(crate) fn names(&self) -> Vec<Name> {
    let disk = self.disk.disk.borrow();
    let name = |path: &Path| path.file_name()?.to_str()?.parse::<Name>().ok();
    disk.names.keys().filter_map(|path| name(path)).collect()
  }

  /// The segments on the disk in the order in which they are delivered: all, or those of a process.
  pub(crate) fn segments(&self, process: Option<spool::Id>) -> Vec<Rows> {
    let mut found: Vec<(i64, spool::Id, u64, PathBuf)> = Vec::new();
    for name in self.names() {
      let Kind::Segment(number) = name.kind else { continue };
      if process.is_some_and(|id| id != name.id) {
        continue;
      }
      let path = path(name);
      let disk = self.disk.disk.borrow();
      let Ok(file) = disk.content(&path) else { continue };
      let Ok((header, _)) = spool::decode(&file.bytes) else { continue };
      found.push((header.created, name.id, number, path.clone()));
    }
    found.sort();
    found.iter().map(|(.., path)| self.rows_in(path)).collect()
  }

  /// The spans that snapshots on the disk hold.
  fn open_on_disk(&self) -> Vec<RowId> {
    let records = self.names().into_iter().filter(|name| name.kind == Kind::Snapshot);
    let mut open = Vec::new();
    for name in records {
      let disk = self.disk.disk.borrow();
      if let Ok(file) = disk.content(&path(name))
        && let Ok((_, content)) = spool::decode(&file.bytes)
      {
        open.extend(open_in(content));
      }
    }
    open
  }

  /// What is open is never ahead of the rows that it follows.
  pub(crate) fn check_snapshot(&mut self, number: usize, snapshot: &[u8]) -> Checked {
    let process = &self.processes[&number];
    let is_small = self.plan.setup.spool_bytes < 1 << 20;
    if process.has_disk_failed || is_small || !self.adopters.values().all(Option::is_some) {
      return Ok(());
    }
    let there = &self.server.merged.rows;
    let mut missing: Vec<RowId> = open_in(snapshot);
    missing.retain(|id| !there.contains_key(id) && !self.history.excused.contains(id));
    if missing.is_empty() {
      return Ok(());
    }
    let segments = self.segments(None);
    missing.retain(|id| !segments.iter().flatten().any(|(there, _)| there == id));
    if missing.len() as u64 > self.lost_rows() {
      let detail = format!("process {number}: {} is open there, and nowhere else", missing[0]);
      return self.finding("the snapshot follows the segments", detail);
    }
    Ok(())
  }

  /// What was open before a complete flush, and still is, is in a snapshot.
  pub(crate) fn check_flushed(&self, number: usize, ticket: &Ticket) -> Checked {
    let process = &self.processes[&number];
    let is_late = ticket.deadline <= self.now || process.exporter.has_ended();
    if process.spool.is_none() || process.has_disk_failed || is_late {
      return Ok(());
    }
    let (still, on_disk) = (process.open(self.clock()), self.open_on_disk());
    let mut missing = ticket.open.iter().filter(|id| still.contains(id) && !on_disk.contains(id));
    match missing.find(|id| !self.history.excused.contains(id)) {
      Some(id) => self.finding("a complete flush has noted what is open", format!("{id} is not")),
      None => Ok(()),
    }
  }

  /// What the process had in memory only may be lost; what it had for long enough may not.
  pub(crate) fn after_crash(&mut self, number: usize, stable: Duration) -> Checked {
    let segments = self.segments(None);
    let process = &self.processes[&number];
    let is_small = self.plan.setup.spool_bytes < 1 << 20;
    let is_safe = process.spool.is_some()
      && !process.has_disk_failed
      && !is_small
      && !self.plan.setup.masks
      && self.plan.setup.field_bytes.is_none()
      && self.plan.setup.max_age_ms > 1 << 28;
    let mut view = Merged::default();
    for (id, leaves) in segments.iter().flatten() {
      if process.touched.contains(id) {
        if !view.rows.contains_key(id)
          && let Some(row) = self.server.merged.rows.get(id)
        {
          view.rows.insert(*id, row.clone());
        }
        view.merge(*id, leaves);
      }
    }
    let (mut excused, mut gone) = (Vec::new(), Vec::new());
    for id in &process.touched {
      let Some(span) = self.history.spans.get(id) else { continue };
      let stored = view.rows.get(id).or_else(|| self.server.merged.rows.get(id));
      if span.behind(span.states.len(), stored).is_some() {
        excused.push(*id);
        let kept = self.history.states_until(id, stable);
        let is_exempt = self.history.excused.contains(id)
          || self.history.altered.contains(id)
          || self.history.unordered.contains(id);
        if is_safe && !is_exempt && span.behind(kept, stored).is_some() {
          gone.push(*id);
        }
      }
    }
    let open = process.open(self.clock());
    let on_disk = self.open_on_disk();
    for id in open {
      if !on_disk.contains(&id) {
        excused.push(id);
        let kept = self.history.states_until(&id, stable);
        let states = self.history.spans.get(&id).map_or(0, |span| span.states.len());
        if is_safe && states > 0 && kept == states && !self.history.excused.contains(&id) {
          gone.push(id);
        }
      }
    }
    if process.has_disk_failed || is_small {
      // Rows that were sent from memory may be overtaken by those that the next process sends.
      let again = segments.iter().flatten().map(|(id, _)| *id);
      self.history.unordered.extend(again);
    }
    let found = gone.first().copied();
    let is_much = gone.len() as u64 > self.lost_rows();
    self.history.excused.extend(excused);
    self.gone(number);
    match found.filter(|_| is_much) {
      Some(id) => self.finding(
        "the spool keeps what is older than a checkpoint",
        format!("process {number} crashes, and {id} is nowhere"),
      ),
      None => Ok(()),
    }
  }
}

pub(crate) fn path(name: Name) -> PathBuf {
  PathBuf::from(crate::host::DIR).join(name.to_string())
}
