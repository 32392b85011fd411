//! The API keys of the process.

use std::sync::{Arc, LazyLock};

use export::secrets::Secrets;

static SECRETS: LazyLock<Arc<Secrets>> = LazyLock::new(Arc::default);

/// The API keys that this process knows, including those of other threads of Node.
pub fn secrets() -> &'static Arc<Secrets> {
  &SECRETS
}
