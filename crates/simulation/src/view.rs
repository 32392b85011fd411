//! The merged view: what the server has of each row, and what it should have.
//!
//! [`History`] holds for each row the states that the application produced, in order. [`Merged`] applies Braintrust's
//! `_is_merge` law to what arrives. A row is compared leaf by leaf: the value at a path is that of some state, and of
//! which one shows whether a row is behind, and whether an earlier state has overwritten a later one.

use std::{
  collections::{BTreeMap, HashMap, HashSet, hash_map::DefaultHasher},
  hash::{Hash, Hasher},
  time::Duration,
};

use braintrust_row::RowId;
use serde_json::Value;

/// Separates the names in the path of a leaf.
const SEPARATOR: char = '/';
/// Members that identify a row, or that the first row of a span decides.
const STRUCTURE: [&str; 7] =
  ["id", "span_id", "root_span_id", "log_id", "_is_merge", "project_id", "context"];
/// Members whose own members are merged one by one.
const BY_MEMBER: [&str; 4] = ["metadata", "metrics", "scores", "span_attributes"];

/// A value that is not an object, and where it is.
pub type Leaf = (String, u64);

/// The id of a row in a body, and its leaves.
pub fn read_row(row: &Value) -> Option<(RowId, Vec<Leaf>)> {
  let id = RowId::parse(row.get("id")?.as_str()?)?;
  let mut leaves = Vec::new();
  for (name, value) in row.as_object()? {
    if !STRUCTURE.contains(&name.as_str()) {
      collect(name, value, &mut leaves);
    }
  }
  Some((id, leaves))
}

fn collect(path: &str, value: &Value, leaves: &mut Vec<Leaf>) {
  match value {
    Value::Object(members) if !members.is_empty() => {
      for (name, value) in members {
        collect(&format!("{path}{SEPARATOR}{name}"), value, leaves);
      }
    }
    _ => {
      let mut hasher = DefaultHasher::new();
      value.hash(&mut hasher);
      leaves.push((path.to_owned(), hasher.finish()));
    }
  }
}

/// The part of a path that a later row replaces as a whole when it merges in memory.
fn group(path: &str) -> &str {
  let mut ends = path.match_indices(SEPARATOR).map(|(at, _)| at);
  let first = ends.next().unwrap_or(path.len());
  if BY_MEMBER.contains(&&path[..first]) {
    &path[..ends.next().unwrap_or(path.len())]
  } else {
    &path[..first]
  }
}

/// A state that the application gave a row.
#[derive(Clone, Copy, Debug)]
pub struct State {
  /// The process that produced it.
  pub process: usize,
  /// When.
  pub at: Duration,
}

/// The states of one row.
#[derive(Default)]
pub struct Span {
  /// The states, the first one first.
  pub states: Vec<State>,
  /// For each path the values, with the numbers of the states that set them.
  leaves: BTreeMap<String, Vec<(usize, u64)>>,
  /// For each group the numbers of the states that set it.
  groups: HashMap<String, Vec<usize>>,
}

impl Span {
  /// The path of a leaf that is behind the first `states` states, if there is one.
  pub fn behind(&self, states: usize, stored: Option<&HashMap<String, u64>>) -> Option<&str> {
    let last_of =
      |numbers: &[usize]| numbers.iter().rev().find(|number| **number < states).copied();
    self.leaves.iter().find_map(|(path, values)| {
      let last = values.iter().rev().find(|(number, _)| *number < states)?.0;
      if self.groups.get(group(path)).and_then(|numbers| last_of(numbers)) != Some(last) {
        return None;
      }
      let value = stored.and_then(|stored| stored.get(path));
      let is_there = values.iter().any(|(number, known)| *number >= last && value == Some(known));
      (!is_there).then_some(path.as_str())
    })
  }

  /// Whether a state has started the span.
  pub fn has(&self, path: &str) -> bool {
    self.leaves.contains_key(path)
  }
}

/// What the application produced, and what is excused from arriving.
#[derive(Default)]
pub struct History {
  /// The rows by id.
  pub spans: HashMap<RowId, Span>,
  /// Rows of which states were in the memory of a process that crashed, or in a segment that was damaged.
  pub excused: HashSet<RowId>,
  /// Rows that two processes had at the same time: their states have no order.
  pub unordered: HashSet<RowId>,
  /// Rows that arrived with content that nobody produced: it was cut, or masking failed.
  pub altered: HashSet<RowId>,
}

impl History {
  /// Adds a state.
  pub fn add(&mut self, id: RowId, leaves: Vec<Leaf>, state: State) {
    let span = self.spans.entry(id).or_default();
    let number = span.states.len();
    span.states.push(state);
    for (path, value) in leaves {
      let group = group(&path);
      match span.groups.get_mut(group) {
        Some(numbers) if numbers.last() == Some(&number) => {}
        Some(numbers) => numbers.push(number),
        None => {
          span.groups.insert(group.to_owned(), vec![number]);
        }
      }
      span.leaves.entry(path).or_default().push((number, value));
    }
  }

  /// The states of a row that were produced before or at `at`.
  pub fn states_until(&self, id: &RowId, at: Duration) -> usize {
    self.spans.get(id).map_or(0, |span| span.states.partition_point(|state| state.at <= at))
  }
}

/// The order in which the rows of one sender arrive.
#[derive(Default)]
pub struct Arrivals {
  numbers: HashMap<RowId, HashMap<String, usize>>,
}

/// What is wrong with a row that arrives.
#[derive(Debug)]
pub enum Strange {
  /// Nobody produced the row.
  Row,
  /// Nobody produced the value at this path.
  Value(String),
  /// The value at this path is older than one that arrived before.
  Old(String),
}

impl Arrivals {
  /// Notes a row that arrives.
  ///
  /// # Errors
  /// When it is strange. The value of each other path is noted all the same.
  pub fn note(&mut self, history: &History, id: RowId, leaves: &[Leaf]) -> Result<(), Strange> {
    let span = history.spans.get(&id).ok_or(Strange::Row)?;
    let numbers = self.numbers.entry(id).or_default();
    let mut result = Ok(());
    for (path, value) in leaves {
      let current = numbers.get(path).copied().unwrap_or(0);
      let known = span.leaves.get(path).map_or(&[][..], Vec::as_slice);
      let mut equal = known.iter().filter(|(_, known)| known == value).map(|(number, _)| *number);
      match equal.clone().find(|number| *number >= current) {
        Some(number) => {
          numbers.insert(path.clone(), number);
        }
        None if equal.next().is_some() => result = Err(Strange::Old(path.clone())),
        None => return Err(Strange::Value(path.clone())),
      }
    }
    result
  }
}

/// Rows as they are merged.
#[derive(Clone, Default)]
pub struct Merged {
  /// The leaves of each row.
  pub rows: HashMap<RowId, HashMap<String, u64>>,
}

impl Merged {
  /// Merges a row.
  pub fn merge(&mut self, id: RowId, leaves: &[Leaf]) {
    let row = self.rows.entry(id).or_default();
    for (path, value) in leaves {
      match row.get_mut(path) {
        Some(there) => *there = *value,
        None => {
          row.insert(path.clone(), *value);
        }
      }
    }
  }
}

/// The rows of a body of `POST /logs3`.
pub fn read_body(body: &[u8]) -> Option<Vec<(RowId, Vec<Leaf>)>> {
  let body: Value = serde_json::from_slice(body).ok()?;
  body.get("rows")?.as_array()?.iter().map(read_row).collect()
}
