//! Fields that Flue's spans do not have and applications set.

use super::{json::Json, members::Members};

/// The fields of a row that only an application sets.
#[derive(Clone, Debug, Default)]
pub struct CustomFields {
  /// The expected output.
  pub expected: Option<Json>,
  /// Numbers between 0 and 1 by name: an object.
  pub scores: Option<Json>,
  /// A list of strings.
  pub tags: Option<Json>,
  /// The text of a comment, which is a row of its own: a string.
  pub comment: Option<Json>,
  /// Metadata of feedback, not of the span: an object.
  pub audit_metadata: Option<Json>,
  /// Members of `span_attributes` besides the name and the type.
  pub attributes: Members<Json>,
  /// Where feedback comes from: `app`, `api` or `external`. `None` for a row of a span.
  pub source: Option<&'static str>,
  /// Of a comment: the id of the row that it is about, a string.
  pub about: Option<Json>,
  /// The id of the row if it is not 32 hex digits, a string.
  pub other_id: Option<Json>,
}

impl CustomFields {
  /// The fields that are set, by their names in a row.
  pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Json)> {
    let fields = [
      ("expected", &self.expected),
      ("scores", &self.scores),
      ("tags", &self.tags),
      ("comment", &self.comment),
      ("_audit_metadata", &self.audit_metadata),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
  }

  /// The fields that are set, mutable, by their names in a row.
  pub fn fields_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Json)> {
    let Self { expected, scores, tags, comment, audit_metadata, .. } = self;
    let fields = [
      ("expected", expected),
      ("scores", scores),
      ("tags", tags),
      ("comment", comment),
      ("_audit_metadata", audit_metadata),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value.as_mut()?)))
  }

  /// All values, those of the attributes included.
  pub fn values(&self) -> impl Iterator<Item = &Json> {
    self.fields().map(|(_, value)| value).chain(self.attributes.iter().map(|(_, value)| value))
  }

  /// The bytes of memory of the struct, without those that its values point to.
  pub fn footprint(&self) -> usize {
    size_of::<Self>() + self.attributes.footprint()
  }

  /// Whether both may be in one row: it has room for one source and one metadata of feedback.
  fn may_merge(&self, later: &Self) -> bool {
    let [earlier, other] = [&self.audit_metadata, &later.audit_metadata]
      .map(|metadata| metadata.as_ref().map(Json::as_str));
    self.source.is_none()
      || later.source.is_none()
      || (self.source == later.source && earlier == other)
  }

  /// As [`Row::deepen`](super::Row), for these fields. Tags are united.
  pub(super) fn deepen(&self, later: &mut Self) -> bool {
    if !self.may_merge(later) {
      return false;
    }
    if let (Some(earlier), Some(tags)) = (&self.tags, &mut later.tags) {
      let Some(united) = earlier.with_items_of(tags) else { return false };
      *tags = united;
    }
    let mut fields = [
      (&self.expected, &mut later.expected),
      (&self.scores, &mut later.scores),
      (&self.audit_metadata, &mut later.audit_metadata),
    ]
    .into_iter();
    fields.all(|(earlier, later)| Json::merge_fields(earlier, later))
      && later.attributes.merge_earlier(&self.attributes)
  }

  /// The fields of both. Values of `later` win.
  pub(super) fn merged(earlier: Option<Box<Self>>, later: Option<Box<Self>>) -> Option<Box<Self>> {
    let (mut earlier, mut later) = match (earlier, later) {
      (Some(earlier), Some(later)) => (earlier, later),
      (earlier, later) => return later.or(earlier),
    };
    earlier.expected = later.expected.take().or(earlier.expected);
    earlier.scores = later.scores.take().or(earlier.scores);
    earlier.tags = later.tags.take().or(earlier.tags);
    earlier.audit_metadata = later.audit_metadata.take().or(earlier.audit_metadata);
    earlier.attributes.extend(later.attributes);
    earlier.source = later.source.or(earlier.source);
    Some(earlier)
  }
}
