//! Random worlds: one seed, one plan.

use std::time::Duration;

use fastrand::Rng;

use crate::{
  conversation::{Conversation, Emitted},
  plan::{Action, Fault, FaultKind, Plan, Setup, Step},
};

/// The world of a seed.
pub fn generate(seed: u64) -> Plan {
  let mut rng = Rng::with_seed(seed);
  let mut setup = setup(&mut rng);
  // Drawn apart: the other worlds stay what they are. A file that is lost has another placeholder from then on, and so
  // a delta shows its message again.
  setup.attaches = !setup.is_delta && Rng::with_seed(seed ^ 0x5851_f42d_4c95_7f2d).u8(..3) == 0;
  let events = events(&mut rng, &setup);
  let mut steps = vec![Step { at: Duration::ZERO, action: Action::Start(0) }];
  if rng.u8(..4) == 0 {
    steps.push(Step { at: milliseconds(&mut rng, 500), action: Action::Start(1) });
  }
  let end = spread(&mut rng, events, &mut steps);
  actions(&mut rng, &setup, end, &mut steps);
  steps.sort_by_key(|step| step.at);
  let mut faults = faults(&mut rng, &setup, end);
  // Drawn apart, too.
  let mut apart = Rng::with_seed(seed ^ 0x1405_7b7e_f767_814f);
  if setup.limit.is_some() && apart.u8(..3) == 0 {
    let from = milliseconds(&mut apart, end.as_millis() as u64);
    let to = from + milliseconds(&mut apart, 60_000);
    let kind = FaultKind::Overflow([500, 503, 429, 200][apart.usize(..4)]);
    faults.push(Fault { from, to, kind });
  }
  Plan { seed, setup, steps, faults }
}

fn milliseconds(rng: &mut Rng, most: u64) -> Duration {
  Duration::from_micros(rng.u64(..=most * 1000))
}

fn setup(rng: &mut Rng) -> Setup {
  let has_spool = rng.u8(..5) < 3;
  let is_small = rng.u8(..6) == 0;
  let has_limit = rng.u8(..4) == 0;
  Setup {
    has_spool,
    spool_bytes: if rng.u8(..5) == 0 { rng.u64(2_000..40_000) } else { 1 << 28 },
    disk_micros: if rng.bool() { 0 } else { rng.u64(1..5_000) },
    fsync: rng.bool(),
    max_age_ms: if rng.u8(..20) == 0 { rng.i64(50..10_000) } else { 7 * 24 * 3600 * 1000 },
    queue_bytes: if is_small { rng.usize(8_000..80_000) } else { 8 << 20 },
    queue_rows: (rng.u8(..12) == 0).then(|| rng.usize(2..30)),
    batch_rows: (rng.u8(..3) == 0).then(|| rng.usize(1..12)),
    max_requests: if rng.bool() { 8 } else { rng.usize(1..4) },
    request_bytes: (rng.u8(..10) == 0).then(|| rng.usize(3_000..20_000)),
    field_bytes: (rng.u8(..20) == 0).then(|| rng.usize(200..2_000)),
    masks: rng.u8(..5) == 0,
    redacts: rng.u8(..5) == 0,
    has_content: rng.u8(..10) > 0,
    attaches: false,
    is_delta: rng.u8(..4) == 0,
    is_addressed: rng.u8(..3) == 0,
    limit: has_limit.then(|| rng.usize(3_000..12_000)),
    states_limit: rng.u8(..3) > 0,
    poison: (rng.u8(..8) == 0).then(|| rng.u64(5..40)),
    poison_status: if rng.bool() { 400 } else { 500 },
  }
}

/// The events of a few conversations, each in order, shuffled into one another.
fn events(rng: &mut Rng, setup: &Setup) -> Vec<(usize, Emitted)> {
  let large = if setup.limit.is_some() || rng.u8(..10) == 0 { 30_000 } else { 3_000 };
  let mut conversations = Vec::new();
  for number in 0..rng.usize(1..4) {
    let least = rng.usize(2..16);
    conversations.push(Conversation::write(rng, number, least, large, setup.attaches).into_iter());
  }
  let mut events = Vec::new();
  let mut live: Vec<usize> = (0..conversations.len()).collect();
  while !live.is_empty() {
    let at = rng.usize(..live.len());
    let number = live[at];
    // A few of one conversation in a row, as they come.
    for _ in 0..rng.u8(1..5) {
      match conversations[number].next() {
        Some(event) => events.push((number, event)),
        None => {
          live.retain(|other| *other != number);
          break;
        }
      }
    }
  }
  events
}

/// Gives the events their times, and returns the last.
fn spread(rng: &mut Rng, events: Vec<(usize, Emitted)>, steps: &mut Vec<Step>) -> Duration {
  let pace = [2, 20, 200, 1500][rng.usize(..4)];
  let mut at = milliseconds(rng, 20);
  for (conversation, Emitted { text, priority, minimal_end }) in events {
    let action = Action::Event { conversation, text, priority, minimal_end };
    steps.push(Step { at, action });
    at += match rng.u8(..30) {
      0 => milliseconds(rng, pace * 40),
      1..12 => Duration::ZERO,
      _ => milliseconds(rng, pace),
    };
  }
  at
}

/// Flushes, crashes, restarts and endings.
fn actions(rng: &mut Rng, setup: &Setup, end: Duration, steps: &mut Vec<Step>) {
  let span = end.as_millis() as u64 + 500;
  let timeout = |rng: &mut Rng| match rng.u8(..5) {
    0 => Duration::ZERO,
    1 => milliseconds(rng, 300),
    _ => milliseconds(rng, 20_000),
  };
  for _ in 0..rng.u8(..3) {
    let (at, slot) = (milliseconds(rng, span), rng.usize(..2));
    steps.push(Step { at, action: Action::Flush(slot, timeout(rng)) });
  }
  if setup.masks && rng.u8(..4) == 0 {
    for is_on in [false, true] {
      steps.push(Step { at: milliseconds(rng, span), action: Action::Mask(is_on) });
    }
  }
  for _ in 0..rng.u8(..4).saturating_sub(1) {
    let (at, slot) = (milliseconds(rng, span + 2_000), rng.usize(..2));
    let is_crash = rng.u8(..3) > 0;
    if is_crash {
      steps.push(Step { at, action: Action::Kill(slot) });
    } else {
      if rng.u8(..6) == 0 {
        let deadline = timeout(rng);
        steps.push(Step { at, action: Action::ExitDeadline(slot, deadline) });
      }
      steps.push(Step { at, action: Action::Shutdown(slot, timeout(rng)) });
    }
    if rng.u8(..5) > 0 {
      let most = if rng.bool() { 100 } else { 8_000 };
      let pause = milliseconds(rng, most);
      steps.push(Step { at: at + pause, action: Action::Start(slot) });
    }
  }
}

fn faults(rng: &mut Rng, setup: &Setup, end: Duration) -> Vec<Fault> {
  let mut faults = Vec::new();
  let count = match rng.u8(..10) {
    0 | 1 => 0,
    2..6 => 1,
    6..9 => 3,
    _ => 6,
  };
  for _ in 0..count {
    let from = milliseconds(rng, end.as_millis() as u64 + 1_000);
    let length = match rng.u8(..4) {
      0 => milliseconds(rng, 200),
      1 => milliseconds(rng, 200_000),
      _ => milliseconds(rng, 8_000),
    };
    faults.push(Fault { from, to: from + length, kind: kind(rng, setup) });
  }
  faults
}

fn kind(rng: &mut Rng, setup: &Setup) -> FaultKind {
  loop {
    return match rng.u8(..24) {
      0 => FaultKind::Slow(rng.u64(100..20_000)),
      1 => FaultKind::Hung { stores: rng.bool() },
      2 => FaultKind::Refused,
      3 => FaultKind::Status([500, 502, 503, 408, 429][rng.usize(..5)]),
      4 => FaultKind::NoRoute([404, 405, 410, 421, 501][rng.usize(..5)]),
      5 | 6 => {
        let (status, most) = ([429, 503][rng.usize(..2)], [20, 20, 20, 20, 4_000][rng.usize(..5)]);
        FaultKind::Busy { status, seconds: rng.u64(1..most), as_date: rng.bool() }
      }
      7 => FaultKind::Unauthorized(if rng.bool() { 401 } else { 403 }),
      8 => FaultKind::Lying,
      9 | 10 => FaultKind::Flapping,
      11 if setup.limit.is_some() || setup.attaches => FaultKind::Storage,
      12 if setup.has_spool => FaultKind::DiskFull,
      13 if setup.has_spool => FaultKind::DiskSlow(rng.u64(1..400)),
      14 if setup.has_spool => FaultKind::DiskFails(rng.u32(1..6)),
      15 if setup.has_spool => FaultKind::DiskTears(rng.u32(1..6)),
      16 if setup.has_spool => FaultKind::DiskDenied,
      17 if setup.has_spool => FaultKind::Damage,
      18 if setup.masks => FaultKind::MaskSlow(rng.u64(10..3_000)),
      19 if setup.masks => match rng.bool() {
        true => FaultKind::MaskGarbage,
        false => FaultKind::MaskNever,
      },
      20 | 21 => FaultKind::Page { stores: rng.bool() },
      22 | 23 => FaultKind::Stuck,
      _ => continue,
    };
  }
}
