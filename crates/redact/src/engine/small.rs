//! The backtracker for short texts, and the simulation of the automaton for others, as the `regex` crate itself chooses
//! without its larger engines.

use std::{
  ops::Range,
  sync::{Mutex, PoisonError},
};

use regex_automata::{
  Input,
  nfa::thompson::{
    BuildError, Compiler, Config, NFA, WhichCaptures,
    backtrack::{self, BoundedBacktracker},
    pikevm::{self, PikeVM},
  },
  util::{captures::Captures, iter::Searcher, syntax},
};

use super::error::{CompileError, MOST_BYTES};

/// The longest text in which the backtracker, which cannot stop early, searches for the mere existence of a match.
const SHORT: usize = 128;

/// The engines of one or several expressions, and their memory.
#[derive(Debug)]
struct Engines {
  backtracker: BoundedBacktracker,
  simulation: PikeVM,
  caches: Mutex<(backtrack::Cache, pikevm::Cache)>,
}

impl Engines {
  fn new(sources: &[&str], captures: WhichCaptures) -> Result<Self, CompileError> {
    let config = Config::new()
      .utf8(false)
      .nfa_size_limit(Some(MOST_BYTES * sources.len()))
      .which_captures(captures);
    let syntax = syntax::Config::new().utf8(false);
    let nfa: NFA = Compiler::new().syntax(syntax).configure(config).build_many(sources)?;
    let backtracker = BoundedBacktracker::builder().build_from_nfa(nfa.clone())?;
    let simulation = PikeVM::builder().build_from_nfa(nfa)?;
    let caches = Mutex::new((backtracker.create_cache(), simulation.create_cache()));
    Ok(Self { backtracker, simulation, caches })
  }

  /// Finds the first match, with its groups. Returns whether there is one.
  fn search(&self, input: &Input<'_>, captures: &mut Captures) -> bool {
    let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
    let (backtracking, simulating) = &mut *caches;
    let is_short = input.get_span().len() < self.backtracker.max_haystack_len()
      && (!input.get_earliest() || input.haystack().len() <= SHORT);
    // The backtracker fails for longer texts only.
    let found = is_short && self.backtracker.try_search(backtracking, input, captures).is_ok();
    if !found {
      self.simulation.search(simulating, input, captures);
    }
    captures.is_match()
  }
}

/// An expression.
#[derive(Debug)]
pub struct Expression {
  source: String,
  engines: Engines,
}

impl Expression {
  /// Compiles an expression.
  pub fn new(source: &str) -> Result<Self, CompileError> {
    let engines = Engines::new(&[source], WhichCaptures::All)?;
    Ok(Self { source: source.to_owned(), engines })
  }

  /// The expression as it is written.
  pub fn source(&self) -> &str {
    &self.source
  }

  /// The matches in a text.
  pub fn matches(&self, text: &str) -> Vec<Range<usize>> {
    let groups = self.engines.simulation.get_nfa().group_info();
    self.all(text, Captures::matches(groups.clone()))
  }

  /// For each match: the first group that matches, else the whole match.
  pub fn first_groups(&self, text: &str) -> Vec<Range<usize>> {
    let groups = self.engines.simulation.get_nfa().group_info();
    self.all(text, Captures::all(groups.clone()))
  }

  fn all(&self, text: &str, mut captures: Captures) -> Vec<Range<usize>> {
    let mut searcher = Searcher::new(Input::new(text));
    let mut found = Vec::new();
    loop {
      let next = searcher.advance(|input| {
        self.engines.search(input, &mut captures);
        Ok(captures.get_match())
      });
      let Some(whole) = next else { return found };
      let group = captures.iter().skip(1).flatten().next();
      found.push(group.map_or(whole.range(), |group| group.range()));
    }
  }
}

/// Expressions, of which any may match.
#[derive(Debug)]
pub struct Set(Engines);

impl Set {
  /// Compiles expressions together.
  pub fn new(sources: &[&str]) -> Result<Self, CompileError> {
    Ok(Self(Engines::new(sources, WhichCaptures::None)?))
  }

  /// Whether an expression matches.
  pub fn is_match(&self, text: &str) -> bool {
    let groups = self.0.simulation.get_nfa().group_info();
    self.0.search(&Input::new(text).earliest(true), &mut Captures::empty(groups.clone()))
  }
}

impl From<BuildError> for CompileError {
  fn from(error: BuildError) -> Self {
    match error.size_limit() {
      // The message of the `regex` crate.
      Some(limit) => Self(format!("Compiled regex exceeds size limit of {limit} bytes.")),
      // What is not an expression is refused before. The compiler's own words would be 2 KB of a Worker's module.
      None => Self("it is nested too deeply, or a number in it is too large".into()),
    }
  }
}
