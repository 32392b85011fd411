//! The span under which the application runs a submission, a dispatch or a workflow run.

use crate::{
  fields::{self, Fields, Member, flag, object, text},
  value::Text,
};

/// A span of the application's, of this or of another library. Named by this package's JavaScript.
#[derive(Debug, Clone)]
pub struct Caller<'a> {
  /// Its id, unchecked.
  pub span: Text<'a>,
  /// The id of its trace, unchecked.
  pub trace: Text<'a>,
  /// Whether this process records the root of that trace.
  pub is_within: bool,
}

impl<'a> Caller<'a> {
  /// `None` without both ids.
  pub(crate) fn read(member: Member<'a>) -> Option<Self> {
    let f: fields::Caller = object(member);
    let (span, trace) = (text(f.span_id)?, text(f.root_span_id)?);
    Some(Self { span, trace, is_within: flag(f.is_within) })
  }
}

/// `caller_named`: the application has named the caller of work that may have begun already.
#[derive(Debug)]
pub struct CallerNamed<'a> {
  /// The caller; `None` if its ids are missing.
  pub caller: Option<Caller<'a>>,
  /// Whether the work stays in its trace: rows have left the process with ids that cannot change, or only one of the two
  /// traces is recorded. The exporter states it.
  pub is_late: bool,
}

impl<'a> CallerNamed<'a> {
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self { caller: Caller::read(f.caller), is_late: false }
  }
}
