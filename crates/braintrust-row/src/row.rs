//! A row: what is known of one span so far, and the law by which two rows of it become one.
//!
//! Every row is sent with `_is_merge: true`, so the server applies the same law to what arrives:
//! merging here and sending once, or sending twice, leaves the same span. Repeats are harmless.

use super::{
  id::{SpanId, SpanRef},
  json::Json,
  members::Members,
  own::Own,
};

/// Braintrust's span types. Flue's spans are of the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SpanType {
  /// Work made of other work: runs, operations, delegated tasks, compactions.
  Task,
  /// One call of a model.
  Llm,
  /// One call of a tool.
  Tool,
  /// One call of a function.
  Function,
  /// A score that is worked out.
  Score,
  /// An evaluation.
  Eval,
  /// Work that an automation began.
  Automation,
  /// One aspect of a trace that is worked out.
  Facet,
  /// What is done before something else.
  Preprocessor,
  /// A class that is worked out.
  Classifier,
  /// A review by a person.
  Review,
}

impl SpanType {
  /// The name on the wire.
  pub fn as_str(self) -> &'static str {
    match self {
      Self::Task => "task",
      Self::Llm => "llm",
      Self::Tool => "tool",
      Self::Function => "function",
      Self::Score => "score",
      Self::Eval => "eval",
      Self::Automation => "automation",
      Self::Facet => "facet",
      Self::Preprocessor => "preprocessor",
      Self::Classifier => "classifier",
      Self::Review => "review",
    }
  }

  /// The type of that name.
  pub fn parse(name: &str) -> Option<Self> {
    const ALL: [SpanType; 11] = [
      SpanType::Task,
      SpanType::Llm,
      SpanType::Tool,
      SpanType::Function,
      SpanType::Score,
      SpanType::Eval,
      SpanType::Automation,
      SpanType::Facet,
      SpanType::Preprocessor,
      SpanType::Classifier,
      SpanType::Review,
    ];
    ALL.into_iter().find(|kind| kind.as_str() == name)
  }
}

/// A partial span. Fields that are `None` or empty say nothing.
#[derive(Clone, Debug)]
pub struct Row {
  /// The span's identity.
  pub span: SpanRef,
  /// The span it lies below; `None` for the root of a trace, or when another row says it.
  pub parent: Option<SpanId>,
  /// When the span began, milliseconds since the epoch.
  pub created: Option<i64>,
  /// The span's name.
  pub name: Option<String>,
  /// The span's type.
  pub kind: Option<SpanType>,
  /// What went in.
  pub input: Option<Json>,
  /// What came out.
  pub output: Option<Json>,
  /// Why it failed; `null` takes back an earlier failure.
  pub error: Option<Json>,
  /// Facts by name.
  pub metadata: Members<Json>,
  /// Numbers by name; `start` and `end` in seconds since the epoch.
  pub metrics: Members<f64>,
  /// What only the application says, of spans of its own or of Flue's.
  pub own: Option<Box<Own>>,
}

/// What a row takes on the wire besides the text it carries: ids, metrics and structure. An estimate.
const FIXED_BYTES: usize = 512;
/// What stands around a member's name: two quotes, a colon and a comma.
const QUOTES: usize = 4;

impl Row {
  /// A row that says nothing of the span yet.
  pub fn of(span: SpanRef) -> Self {
    Self {
      span,
      parent: None,
      created: None,
      name: None,
      kind: None,
      input: None,
      output: None,
      error: None,
      metadata: Members::default(),
      metrics: Members::default(),
      own: None,
    }
  }

  /// Takes in what a later row of the same span says: its values win, field by field and key by key.
  /// Place and beginning stay.
  pub fn merge(&mut self, mut later: Row) {
    if self.own.is_some() || later.own.is_some() {
      self.deepen(&mut later);
    }
    self.parent = self.parent.or(later.parent);
    self.created = self.created.or(later.created);
    self.name = later.name.or(self.name.take());
    self.kind = later.kind.or(self.kind);
    self.input = later.input.or(self.input.take());
    self.output = later.output.or(self.output.take());
    self.error = later.error.or(self.error.take());
    self.metadata.extend(later.metadata);
    self.metrics.extend(later.metrics);
  }

  /// What an application says is as deep as it likes: the later row gets those members of the earlier one's
  /// objects that it would replace and does not have, as the server would keep them.
  fn deepen(&mut self, later: &mut Row) {
    let fields = [
      (&self.input, &mut later.input),
      (&self.output, &mut later.output),
      (&self.error, &mut later.error),
    ];
    for (earlier, later) in fields {
      if let (Some(earlier), Some(later)) = (earlier, later) {
        later.merge_into(earlier);
      }
    }
    for (name, value) in later.metadata.iter_mut() {
      if let Some(earlier) = self.metadata.get(name) {
        value.merge_into(earlier);
      }
    }
    self.own = Own::merged(self.own.take(), later.own.take());
  }

  /// Sets a fact unless there is nothing to set.
  pub fn fact(&mut self, name: &'static str, value: Option<Json>) {
    if let Some(value) = value {
      self.metadata.insert(name.into(), value);
    }
  }

  /// Sets a number unless it is unknown. JSON has no other numbers than finite ones.
  pub fn metric(&mut self, name: &'static str, value: Option<f64>) {
    if let Some(value) = value.filter(|number| number.is_finite()) {
      self.metrics.insert(name.into(), value);
    }
  }

  /// Whether it ends its span: there will hardly be more to say.
  pub fn ends(&self) -> bool {
    self.metrics.contains("end")
  }

  /// The bytes of memory that go with the row.
  pub fn weight(&self) -> usize {
    let lists = self.metadata.footprint() + self.metrics.footprint();
    size_of::<Self>()
      + lists
      + self.name.as_ref().map_or(0, String::len)
      + self.own.as_ref().map_or(0, |own| own.footprint())
      + self.values(Json::weight)
  }

  /// About how many bytes the row takes on the wire.
  pub fn bytes(&self) -> usize {
    let names: usize = self.metadata.iter().map(|(name, _)| name.len() + QUOTES).sum();
    FIXED_BYTES + self.name.as_ref().map_or(0, String::len) + names + self.values(Json::bytes)
  }

  fn values(&self, measure: impl Fn(&Json) -> usize) -> usize {
    let fields = [&self.input, &self.output, &self.error].into_iter().flatten();
    let own = self.own.iter().flat_map(|own| own.values());
    fields.chain(own).chain(self.metadata.iter().map(|(_, value)| value)).map(measure).sum()
  }
}
