//! A row: the fields of one span that are known so far, and how two rows of a span merge.
//!
//! Every row is sent with `_is_merge: true`, so the server merges in the same way. Merging rows before sending
//! them, or sending each, results in the same span. Duplicate uploads are idempotent.

use super::{
  custom_fields::CustomFields,
  id::{RowId, SpanContext, SpanId, TraceId},
  json::Json,
  members::Members,
};

/// Braintrust's span types. Spans of Flue activities have one of the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SpanType {
  /// Work that consists of other work: runs, operations, delegated tasks, compactions.
  Task,
  /// A call of a model.
  Llm,
  /// A call of a tool.
  Tool,
  /// A call of a function.
  Function,
  /// The computation of a score.
  Score,
  /// An evaluation.
  Eval,
  /// Work that an automation started.
  Automation,
  /// The computation of a facet of a trace.
  Facet,
  /// A preprocessing step.
  Preprocessor,
  /// A classification.
  Classifier,
  /// A review by a person.
  Review,
}

/// The metrics of usage whose names Braintrust defines.
pub const USAGE_METRICS: [&str; 12] = [
  "prompt_tokens",
  "completion_tokens",
  "tokens",
  "prompt_cached_tokens",
  "prompt_cache_creation_tokens",
  "prompt_audio_tokens",
  "completion_audio_tokens",
  "completion_reasoning_tokens",
  "completion_accepted_prediction_tokens",
  "completion_rejected_prediction_tokens",
  "time_to_first_token",
  "estimated_cost",
];

/// Whether the name of a metric is one of Braintrust or of Flue's spans, and so no content.
pub fn is_known_metric(name: &str) -> bool {
  USAGE_METRICS.contains(&name) || matches!(name, "start" | "end" | "duration_ms")
}

impl SpanType {
  /// The name in a row.
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

  /// The type of that name; `None` if there is none.
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

/// A stage of work that succeeds or fails as a whole: a run, a submission, or another root of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
  /// It begins, or another attempt at it does.
  Begins,
  /// It ends, with its outcome.
  Ends,
}

/// Some fields of a span. Those that are `None` or empty are not sent.
#[derive(Clone, Debug)]
pub struct Row {
  /// The span's identity.
  pub span: SpanContext,
  /// Whether the row states the ids of its span; false: it is feedback or an update, which knows only the id of the row.
  pub is_span: bool,
  /// Whether it begins or ends the root of what a process records of a trace.
  pub is_root: bool,
  /// Which stage of a run, a submission or another root of a trace it states.
  pub stage: Option<Stage>,
  /// Whether it passes through the user's masking function: one was set when it, or its trace, was recorded.
  pub is_masked: bool,
  /// The parent span; `None` for the root of a trace, or when another row has it.
  pub parent: Option<SpanId>,
  /// The start of the span, milliseconds since the epoch.
  pub created: Option<i64>,
  /// The span's name.
  pub name: Option<String>,
  /// The span's type.
  pub kind: Option<SpanType>,
  /// The input.
  pub input: Option<Json>,
  /// The output.
  pub output: Option<Json>,
  /// The error; `null` removes an earlier one.
  pub error: Option<Json>,
  /// Metadata by name.
  pub metadata: Members<Json>,
  /// Metrics by name; `start` and `end` in seconds since the epoch.
  pub metrics: Members<f64>,
  /// The fields that only an application sets, on custom spans or on those of Flue.
  pub custom: Option<Box<CustomFields>>,
}

/// The encoded bytes of a row besides its values: ids, metrics and structure. An estimate.
const FIXED_BYTES: usize = 512;
/// The bytes around the name of a member: two quotes, a colon and a comma.
const QUOTES: usize = 4;

impl Row {
  /// A row of a span without any field.
  pub fn of(span: SpanContext) -> Self {
    Self {
      span,
      is_span: true,
      is_root: false,
      stage: None,
      is_masked: false,
      parent: None,
      created: None,
      name: None,
      kind: None,
      input: None,
      output: None,
      error: None,
      metadata: Members::default(),
      metrics: Members::default(),
      custom: None,
    }
  }

  /// A row of feedback about the row with that id.
  pub fn about(row: RowId, trace: TraceId) -> Self {
    Self { is_span: false, ..Self::of(SpanContext { row, trace }) }
  }

  /// Whether feedback is in it.
  pub fn has_feedback(&self) -> bool {
    self.custom.as_ref().is_some_and(|custom| custom.source.is_some())
  }

  /// Merges a later row of the same span into this one: its values win, member by member, as at the server. Returns the
  /// later row if one row has no room for both: it has an object where this one has something else, or both are feedback,
  /// with different sources or metadata: two entries in the history of the row.
  pub fn merge(&mut self, mut later: Row) -> Option<Row> {
    if !self.deepen(&mut later) {
      return Some(later);
    }
    if !self.is_span {
      (self.span, self.is_span) = (later.span, later.is_span);
    }
    self.is_masked |= later.is_masked;
    self.parent = later.parent.or(self.parent);
    self.created = later.created.or(self.created);
    self.name = later.name.or(self.name.take());
    self.kind = later.kind.or(self.kind);
    self.input = later.input.or(self.input.take());
    self.output = later.output.or(self.output.take());
    self.error = later.error.or(self.error.take());
    self.metadata.extend(later.metadata);
    self.metrics.extend(later.metrics);
    self.custom = CustomFields::merged(self.custom.take(), later.custom.take());
    None
  }

  /// The server merges objects at any depth: the later row gets the members of this row's objects that it does not have.
  /// False if the two rows cannot be one. The later row may then have some of these members, to no effect: it is sent
  /// after this one.
  fn deepen(&self, later: &mut Row) -> bool {
    let mut fields = [
      (&self.input, &mut later.input),
      (&self.output, &mut later.output),
      (&self.error, &mut later.error),
    ]
    .into_iter();
    let custom = match (&self.custom, &mut later.custom) {
      (Some(earlier), Some(later)) => earlier.deepen(later),
      _ => true,
    };
    custom
      && fields.all(|(earlier, later)| Json::merge_fields(earlier, later))
      && later.metadata.merge_earlier(&self.metadata)
  }

  /// Sets metadata unless the value is `None`.
  pub fn set_metadata(&mut self, name: &'static str, value: Option<Json>) {
    if let Some(value) = value {
      self.metadata.insert(name.into(), value);
    }
  }

  /// Sets a metric unless the value is `None` or not finite, which JSON cannot express.
  pub fn set_metric(&mut self, name: &'static str, value: Option<f64>) {
    if let Some(value) = value.filter(|number| number.is_finite()) {
      self.metrics.insert(name.into(), value);
    }
  }

  /// Whether the row has the end of its span.
  pub fn ends(&self) -> bool {
    self.metrics.contains("end")
  }

  /// The bytes of memory of the row and what it points to. An estimate.
  pub fn memory_bytes(&self) -> usize {
    let lists = self.metadata.footprint() + self.metrics.footprint();
    size_of::<Self>()
      + lists
      + self.name.as_ref().map_or(0, String::len)
      + self.custom.as_ref().map_or(0, |custom| custom.footprint())
      + self.values(Json::memory_bytes)
  }

  /// The length of the encoded row in bytes. An estimate.
  pub fn bytes(&self) -> usize {
    let names: usize = self.metadata.iter().map(|(name, _)| name.len() + QUOTES).sum();
    FIXED_BYTES + self.name.as_ref().map_or(0, String::len) + names + self.values(Json::bytes)
  }

  fn values(&self, measure: impl Fn(&Json) -> usize) -> usize {
    let fields = [&self.input, &self.output, &self.error].into_iter().flatten();
    let custom = self.custom.iter().flat_map(|custom| custom.values());
    fields.chain(custom).chain(self.metadata.iter().map(|(_, value)| value)).map(measure).sum()
  }
}

#[cfg(test)]
mod tests;
