//! Paths: members named by their position.

/// A name of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
  /// One member of that name.
  Name(String),
  /// One member of any name: `*`.
  Any,
  /// Any number of members, also none: `**`.
  Deep,
  /// The path is complete.
  End,
}

/// All paths of the option, one after the other, each with an end.
#[derive(Clone, Debug, Default)]
pub struct Paths {
  segments: Vec<Segment>,
  starts: Vec<usize>,
}

/// How much of each path the names so far match: indices of segments that come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathState(Vec<usize>);

impl Paths {
  /// Adds a path. False if it is empty or has an empty name.
  pub fn add(&mut self, path: &str) -> bool {
    let names: Vec<&str> = path.split('.').collect();
    if names.iter().any(|name| name.is_empty()) {
      return false;
    }
    self.starts.push(self.segments.len());
    self.segments.extend(names.into_iter().map(|name| match name {
      "*" => Segment::Any,
      "**" => Segment::Deep,
      name => Segment::Name(name.to_owned()),
    }));
    self.segments.push(Segment::End);
    true
  }

  /// Whether there are no paths.
  pub fn is_empty(&self) -> bool {
    self.starts.is_empty()
  }

  /// The state before the first name.
  pub fn start(&self) -> PathState {
    let mut state = PathState::default();
    self.starts.iter().for_each(|start| self.reach(*start, &mut state));
    state
  }

  /// The state after one more name.
  pub fn enter(&self, state: &PathState, name: &str) -> PathState {
    let mut next = PathState::default();
    for &at in &state.0 {
      match self.segments.get(at) {
        Some(Segment::Any) => self.reach(at + 1, &mut next),
        Some(Segment::Deep) => self.reach(at, &mut next),
        Some(Segment::Name(_)) => {
          if let Some(end) = self.named(at, name) {
            self.reach(end, &mut next);
          }
        }
        Some(Segment::End) | None => {}
      }
    }
    next
  }

  /// Whether a path is complete.
  pub fn covers(&self, state: &PathState) -> bool {
    state.0.iter().any(|at| self.segments.get(*at) == Some(&Segment::End))
  }

  /// Where a path goes on after the name. The name may have dots: `metadata.flue.cwd` is the member `flue.cwd` of
  /// `metadata`, too.
  fn named(&self, mut at: usize, name: &str) -> Option<usize> {
    let mut rest = name;
    loop {
      let Some(Segment::Name(expected)) = self.segments.get(at) else { return None };
      rest = rest.strip_prefix(expected.as_str())?;
      at += 1;
      if rest.is_empty() {
        return Some(at);
      }
      rest = rest.strip_prefix('.')?;
    }
  }

  /// Adds a segment that may come next, and the one after `**`.
  fn reach(&self, mut at: usize, state: &mut PathState) {
    loop {
      if state.0.contains(&at) {
        return;
      }
      state.0.push(at);
      if self.segments.get(at) != Some(&Segment::Deep) {
        return;
      }
      at += 1;
    }
  }
}
