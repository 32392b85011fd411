//! The paths of the settings, independent of the working directory.

use std::{env, path};

use export::config::Settings;

/// Makes the paths absolute. Files are opened later and again, on other threads, and the application may change its
/// working directory meanwhile.
pub fn make_absolute(settings: &mut Settings) {
  let Settings { trust, spool, .. } = settings;
  let files = [&mut trust.extra_ca_certs, &mut trust.ca_file].into_iter().flatten();
  for path in files.chain(spool.iter_mut().map(|spool| &mut spool.dir)) {
    // Without a working directory a relative path names nothing.
    if let Ok(absolute) = path::absolute(&*path) {
      *path = absolute;
    }
  }
  if let Some(dirs) = &mut trust.ca_dirs {
    let absolute = env::split_paths(dirs).map(|dir| path::absolute(&dir).unwrap_or(dir));
    // A working directory whose name contains the separator cannot be in the list.
    if let Ok(joined) = env::join_paths(absolute) {
      *dirs = joined;
    }
  }
}

#[cfg(test)]
mod tests {
  use serde_json::json;

  use super::*;

  #[test]
  fn relative_paths_refer_to_the_working_directory_of_the_start() {
    let here = env::current_dir().unwrap();
    let elsewhere = here.join("elsewhere");
    let dirs = env::join_paths(["certificates".into(), elsewhere.clone()]).unwrap();
    let raw = json!({
      "options": { "apiKey": "k", "spool": { "dir": "rows" } },
      "env": {
        "NODE_EXTRA_CA_CERTS": elsewhere.join("ca.pem").to_str(),
        "SSL_CERT_FILE": "company.pem",
        "SSL_CERT_DIR": dirs.to_str(),
      },
    });
    let mut settings = Settings::parse(&raw.to_string()).unwrap();
    make_absolute(&mut settings);
    let trust = settings.trust;
    assert_eq!(settings.spool.unwrap().dir, here.join("rows"));
    assert_eq!(trust.extra_ca_certs, Some(elsewhere.join("ca.pem")));
    assert_eq!(trust.ca_file, Some(here.join("company.pem")));
    let dirs: Vec<_> = trust.ca_dirs.iter().flat_map(env::split_paths).collect();
    assert_eq!(dirs, [here.join("certificates"), elsewhere]);
  }
}
