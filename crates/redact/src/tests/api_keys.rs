//! The builtin `api-keys`.

use std::sync::LazyLock;

use proptest::{strategy::ValueTree, string::string_regex};

use super::*;

static API_KEYS: LazyLock<Redactor> =
  LazyLock::new(|| redactor(json!({ "builtins": ["api-keys"] })));

/// Keys of every documented provider: the public prefix, and what follows.
const KEYS: &[(&str, &str)] = &[
  // OpenAI: legacy, projects, service accounts, administrators.
  ("sk-", "[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
  ("sk-", "[A-Za-z0-9]{48}"),
  ("sk-proj-", "[A-Za-z0-9_-]{156}"),
  ("sk-proj-", "[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}"),
  ("sk-proj-", "[A-Za-z0-9_-]{48}"),
  ("sk-svcacct-", "[A-Za-z0-9_-]{156}"),
  ("sk-admin-", "[A-Za-z0-9_-]{156}"),
  // Anthropic.
  ("sk-ant-api03-", "[A-Za-z0-9_-]{93}AA"),
  ("sk-ant-admin01-", "[A-Za-z0-9_-]{93}AA"),
  ("sk-ant-oat01-", "[A-Za-z0-9_-]{93}AA"),
  ("sk-ant-", "[A-Za-z0-9_-]{40}"),
  // OpenRouter, DeepSeek, Langfuse, Braintrust, ElevenLabs, Clerk, Cerebras.
  ("sk-or-v1-", "[0-9a-f]{64}"),
  ("sk-", "[0-9a-f]{32}"),
  ("sk-lf-", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
  ("pk-lf-", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
  ("sk_", "[0-9a-f]{48}"),
  ("csk-", "[a-z0-9]{48}"),
  // Stripe.
  ("sk_live_", "[A-Za-z0-9]{24}"),
  ("sk_test_", "51[A-Za-z0-9]{97}"),
  ("rk_live_", "[A-Za-z0-9]{99}"),
  ("pk_live_", "[A-Za-z0-9]{24}"),
  ("whsec_", "[A-Za-z0-9]{32}"),
  // GitHub, GitLab.
  ("ghp_", "[A-Za-z0-9]{36}"),
  ("gho_", "[A-Za-z0-9]{36}"),
  ("ghs_", "[A-Za-z0-9]{36}"),
  ("github_pat_", "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
  ("glpat-", "[A-Za-z0-9_-]{20}"),
  ("glpat-", "[A-Za-z0-9_-]{27,40}\\.[0-9a-z]{2}\\.[0-9a-z]{9}"),
  // AWS, Google.
  ("AKIA", "[A-Z2-7]{16}"),
  ("ASIA", "[A-Z2-7]{16}"),
  ("AIza", "[A-Za-z0-9_-]{35}"),
  ("ya29.", "[A-Za-z0-9_-]{100,160}"),
  ("GOCSPX-", "[A-Za-z0-9_-]{28}"),
  // Slack.
  ("xoxb-", "[0-9]{11,13}-[0-9]{11,13}-[A-Za-z0-9]{24}"),
  ("xoxp-", "[0-9]{11,13}-[0-9]{11,13}-[0-9]{11,13}-[0-9a-f]{32}"),
  ("xapp-", "1-A[A-Z0-9]{10}-[0-9]{13}-[0-9a-f]{64}"),
  // Models and their tools.
  ("hf_", "[A-Za-z]{34}"),
  ("gsk_", "[A-Za-z0-9]{52}"),
  ("xai-", "[A-Za-z0-9]{80}"),
  ("pplx-", "[A-Za-z0-9]{48}"),
  ("r8_", "[A-Za-z0-9]{37}"),
  ("nvapi-", "[A-Za-z0-9_-]{64}"),
  ("fw_", "[A-Za-z0-9]{22,24}"),
  ("tgp_v1_", "[A-Za-z0-9_-]{43}"),
  ("lsv2_pt_", "[0-9a-f]{32}_[0-9a-f]{10}"),
  ("pcsk_", "[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}"),
  ("tvly-", "[A-Za-z0-9]{32}"),
  ("tvly-dev-", "[A-Za-z0-9]{32}"),
  ("AQ.", "Ab8RN6[A-Za-z0-9_-]{44}"),
  ("cfut_", "[A-Za-z0-9]{48}"),
  ("cfat_", "[A-Za-z0-9]{48}"),
  ("cfk_", "[A-Za-z0-9]{48}"),
  ("vcp_", "[A-Za-z0-9]{56}"),
  ("vck_", "[A-Za-z0-9]{56}"),
  ("fc-", "[0-9a-f]{32}"),
  ("e2b_", "[0-9a-f]{40}"),
  ("jina_", "[A-Za-z0-9_-]{60}"),
  ("re_", "[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
  // Packages, platforms and services.
  ("bb_live_", "[A-Za-z0-9]{6}_[A-Za-z0-9]{9}-[A-Za-z0-9]{10}"),
  ("apify_api_", "[A-Za-z0-9]{36}"),
  ("dtn_", "[0-9a-f]{64}"),
  ("llx-", "[A-Za-z0-9]{48}"),
  ("wandb_v1_", "[A-Za-z0-9_]{77}"),
  ("sk-helicone-", "[a-z]{3}[0-9][a-z0-9]{3}(-[a-z0-9]{7}){3}"),
  ("dckr_pat_", "[A-Za-z0-9_-]{27}"),
  ("nfp_", "[A-Za-z0-9]{36}"),
  ("ATATT3x", "FfGF0[A-Za-z0-9_-]{160,180}=[0-9A-F]{8}"),
  ("tskey-auth-", "[A-Za-z0-9]{12}CNTRL-[A-Za-z0-9]{32}"),
  ("hooks.slack.com/services/", "T[A-Z0-9]{10}/B[A-Z0-9]{10}/[A-Za-z0-9]{24}"),
  ("discord.com/api/webhooks/", "1[0-9]{18}/[A-Za-z0-9_-]{68}"),
  ("MTE5MzY0NTY3ODkwMTIzNDU2", "[Nw][A-Za-z]\\.G[A-Za-z0-9_-]{5}\\.[A-Za-z0-9_-]{38}"),
  ("7432198765:", "AA[A-Za-z0-9_-]{33}"),
  ("bot7432198765:", "AA[A-Za-z0-9_-]{33}"),
  ("npm_", "[A-Za-z0-9]{36}"),
  ("pypi-", "AgEIcHlwaS5vcmc[A-Za-z0-9_-]{140,170}"),
  ("dop_v1_", "[0-9a-f]{64}"),
  ("dapi", "[0-9a-f]{32}"),
  ("dapi", "[0-9a-f]{32}-2"),
  ("SG.", "[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}"),
  ("SK", "[0-9a-f]{32}"),
  ("shpat_", "[0-9a-f]{32}"),
  ("shpss_", "[0-9a-f]{32}"),
  ("sbp_", "[0-9a-f]{40}"),
  ("sb_secret_", "[A-Za-z0-9_-]{31}"),
  ("ntn_", "[A-Za-z0-9]{46}"),
  ("secret_", "[A-Za-z0-9]{43}"),
  ("lin_api_", "[A-Za-z0-9]{40}"),
  ("figd_", "[A-Za-z0-9_-]{40}"),
  ("hvs.", "[A-Za-z0-9_-]{24,95}"),
  ("dp.pt.", "[A-Za-z0-9]{43}"),
  ("dp.st.", "prod_eu\\.[A-Za-z0-9]{43}"),
  ("glsa_", "[A-Za-z0-9]{32}_[0-9a-f]{8}"),
  ("glc_", "eyJ[A-Za-z0-9+/]{100,120}={0,2}"),
  ("bt-st-", "[A-Za-z0-9]{48}"),
  ("xoxd-", "[A-Za-z0-9]{30}%2F[A-Za-z0-9]{40}%3D%3D"),
  ("sntrys_", "eyJ[A-Za-z0-9+/]{100,120}={0,2}_[A-Za-z0-9+/]{43}"),
  ("PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}"),
  ("NRAK-", "[A-Z0-9]{27}"),
  ("NRII-", "[A-Za-z0-9_-]{32}"),
  ("", "[0-9a-f]{36}NRAL"),
  ("eu01xx", "[0-9a-f]{30}NRAL"),
  ("EAAA", "[lE][A-Za-z0-9_-]{59}"),
  ("sq0atp-", "[A-Za-z0-9_-]{22}"),
  ("sq0csp-", "[A-Za-z0-9_-]{43}"),
  ("phc_", "[A-Za-z0-9]{43}"),
  ("phx_", "[A-Za-z0-9]{43,48}"),
  ("pscale_tkn_", "[A-Za-z0-9_]{43}"),
  ("pscale_pw_", "[A-Za-z0-9_]{43}"),
  ("pscale_oauth_", "[A-Za-z0-9_]{43}"),
  ("napi_", "[a-z0-9]{64}"),
  ("key-", "[0-9a-f]{32}"),
  ("", "[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}"),
  ("pat-na1-", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
  ("CCIPAT_", "[A-Za-z0-9]{22}_[0-9a-f]{40}"),
  ("bkua_", "[0-9a-f]{40}"),
  ("AGE-SECRET-KEY-1", "[02-9AC-HJ-NP-Z]{58}"),
  ("ops_", "eyJ[A-Za-z0-9+/]{250,300}={0,2}"),
  ("A3-", "[A-Z0-9]{6}-[A-Z0-9]{6}(-[A-Z0-9]{5}){4}"),
  ("fm2_", "lJPE[A-Za-z0-9+/]{160,200}={0,2}"),
  ("fo1_", "[A-Za-z0-9_-]{43}"),
  ("rnd_", "[A-Za-z0-9]{28,32}"),
  ("HRKU-AA", "[A-Za-z0-9_-]{58}"),
  ("HRKU-", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
  ("pul-", "[0-9a-f]{40}"),
  ("atlasv1.", "[A-Za-z0-9_-]{60,70}"),
  ("rubygems_", "[0-9a-f]{48}"),
  ("xkeysib-", "[0-9a-f]{64}-[A-Za-z0-9]{16}"),
  ("access-production-", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
  ("", "[0-9a-f]{32}-us[1-9]"),
  ("CFPAT-", "[A-Za-z0-9_-]{43}"),
  // Azure.
  ("abc8Q~", "[A-Za-z0-9_~.-]{34}"),
  ("", "[A-Za-z0-9]{52}JQQJ99B[A-Z]ACYeBjFXJ3w3AAA[A-Z]ACOG[A-Za-z0-9]{4}"),
  ("AccountKey=", "[A-Za-z0-9+/]{86}=="),
  ("SharedAccessKey=", "[A-Za-z0-9+/]{43}="),
  ("sig=", "([A-Za-z0-9]|%2[BF]){43}%3D"),
  ("pat", "[A-Za-z0-9]{14}\\.[0-9a-f]{64}"),
];

/// Forms that are no keys, `#` for a hexadecimal digit.
const NO_KEYS: &[&str] = &[
  "########-####-4###-8###-############",
  "run_############",
  "op_########",
  "call_################",
  "toolu_########",
  "msg_############",
  "task_################",
  "########################################",
  "################################################################",
  "2026-11-26T03:00:00.000Z",
  "1732590000000",
  "prompt_tokens: 12345",
  "00-################################-################-01",
  "sk-learn-pipeline-for-classification-tests",
  "disk-usage-report-2026-11-26",
  "sk-SK",
  "task-runner-version-2-of-the-tool",
  "fc-########",
  "re_compiled_expression_of_the_tokenizer",
  "cfk_settings_of_the_worker",
  "https://hooks.slack.com/services/",
  "17:AA",
  "bb_live_out_bitmap_of_the_block",
  "sk-helicone-integration-tests-of-the-proxy",
  "https://discord.com/api/webhooks/",
  "NetworkConfigurationManager.create.SomeOtherConfiguration",
  "sig=################",
  "AccountKey=",
  "pat-na1-contacts",
  "key-############",
  "cache-key-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "cpk_ratio_of_the_whole_process",
  "A3-SERIES-PAPER",
  "EAAAAAAAAAAA/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

#[test]
fn ids_hashes_counts_and_dates_are_no_api_keys() {
  for form in NO_KEYS {
    for seed in 0..200_usize {
      let digit = |index: usize| {
        char::from_digit(((seed * 31 + index * 7 + seed * index) % 16) as u32, 16).unwrap()
      };
      let text: String = form
        .chars()
        .enumerate()
        .map(|(index, c)| if c == '#' { digit(index) } else { c })
        .collect();
      assert_eq!(redacted(&API_KEYS, &json!(text)), text);
    }
  }
}

fn any_key() -> impl Strategy<Value = String> {
  prop::sample::select(KEYS).prop_flat_map(|(prefix, rest)| {
    string_regex(rest).unwrap().prop_map(move |rest| format!("{prefix}{rest}"))
  })
}

#[test]
fn no_string_that_flue_has_recorded_is_an_api_key() {
  let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../__test__/corpus");
  let mut files = vec![std::path::PathBuf::from(corpus)];
  let mut lines = 0;
  while let Some(path) = files.pop() {
    if path.is_dir() {
      files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
      continue;
    }
    for line in std::fs::read_to_string(&path).unwrap().lines() {
      if line.starts_with('{') {
        let mut row = row(&Value::Null);
        row.input = Some(Json::concat(&[line]));
        API_KEYS.row(&mut row);
        assert!(row.input == Some(Json::concat(&[line])), "{path:?}: {line}");
      }
      lines += 1;
    }
  }
  assert!(lines > 100, "{lines}");
}

#[test]
fn every_key_of_each_provider_is_redacted_as_a_whole() {
  let mut runner = proptest::test_runner::TestRunner::deterministic();
  for (prefix, rest) in KEYS {
    let strategy = string_regex(rest).unwrap();
    for _ in 0..200 {
      let key = format!("{prefix}{}", strategy.new_tree(&mut runner).unwrap().current());
      let after = API_KEYS.rules.redact_text(&format!("use {key}, now"));
      // A key may end with a hyphen or begin with one, and may have them doubled.
      assert_eq!(after.as_deref(), Some("use [redacted], now"), "{key}");
    }
  }
}

#[test]
fn ids_of_common_forms_are_no_api_keys() {
  let forms = [
    "[0-9a-f]{8}-[0-9a-f]{4}-[1-7][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "[0-7][0-9A-HJKMNP-TV-Z]{25}",
    "(run|op|task|sub|turn|msg|conv|inst|dsp)_[0-9A-HJKMNP-TV-Z]{26}",
    "(call|toolu|msg|resp|chatcmpl|req|fc|rs|thread|asst|file)[_-][A-Za-z0-9]{24,48}",
    "[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64}|sha512-[A-Za-z0-9+/]{86}==",
    "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z",
    "[0-9]{1,19}|[0-9]{1,6}\\.[0-9]{1,16}|\\{\"tokens\":[0-9]{1,9}\\}",
    "(gpt|claude|gemini|llama|o[1-4])-[0-9a-z.]{1,6}-[0-9]{8}",
    "(sk|pk|rk)-[a-z]{2,9}(-[a-z]{2,9}){2,5}",
    "(task|disk|risk|desk|mask)[-_][a-zA-Z0-9]{20,40}",
    "/(home|usr|tmp)/[a-z]{3,9}/(sk|pk)[a-z]{3,9}/[a-zA-Z0-9_.-]{3,40}\\.(ts|rs|json)",
    "https://[a-z]{3,9}\\.example\\.com/[a-z0-9/-]{3,40}\\?page=[0-9]{1,4}",
    "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]",
  ];
  let mut runner = proptest::test_runner::TestRunner::deterministic();
  for form in forms {
    let strategy = string_regex(form).unwrap();
    for _ in 0..200 {
      let text = strategy.new_tree(&mut runner).unwrap().current();
      assert_eq!(API_KEYS.rules.redact_text(&text), None, "{text}");
    }
  }
}

proptest! {
  #[test]
  fn no_part_of_an_api_key_is_left(
    key in any_key(),
    before in prop::sample::select(&["", "key=", "\n", "\\n", "KEY: \"", "%20", "\u{9375}"][..]),
    after in prop::sample::select(&["", " ", "\"", "\\n", ",", ".", "\u{9375}"][..]),
  ) {
    let text = format!("{before}{key}{after}");
    let left = redacted(&API_KEYS, &json!(text));
    prop_assert_eq!(left, format!("{}[redacted]{}", before, after));
  }
}
