//! The forms of the API keys of well-known providers.

/// The forms, as one expression. The first group is the key. Sources: the providers' documentation, and the secret
/// scanning patterns that they publish with GitHub.
pub const EXPRESSION: &str = concat!(
  before!(),
  "(",
  // OpenAI, Anthropic, OpenRouter, DeepSeek, Braintrust, Clerk, ElevenLabs, Stripe: what follows is judged by
  // `is_accepted`. Langfuse's keys are UUIDs.
  r"(?:sk|pk|rk)-lf-[0-9a-f-]{36}|(?:sk|pk|rk|csk)[-_][A-Za-z0-9_-]{16,}",
  // GitHub, GitLab.
  r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
  r"|gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct|wt)-[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)*",
  // AWS, Google.
  r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}|AIza[A-Za-z0-9_-]{35,}|ya29\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*|GOCSPX-[A-Za-z0-9_-]{20,}",
  // Slack.
  r"|xox[a-z](?:\.xox[a-z])?-(?:[A-Za-z0-9-]|%[0-9A-Fa-f]{2}){10,}|xapp-[A-Za-z0-9-]{10,}",
  // Model providers: Hugging Face, Groq, xAI, Perplexity, Replicate, NVIDIA, Fireworks, Together, LangSmith, Pinecone,
  // Tavily.
  r"|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9_-]{40,}|pplx-[A-Za-z0-9]{32,}|r8_[A-Za-z0-9]{32,}",
  r"|nvapi-[A-Za-z0-9_-]{40,}|fw_[A-Za-z0-9]{22,}|tgp_v1_[A-Za-z0-9_-]{32,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{32,}",
  r"|pcsk_[A-Za-z0-9_]{40,}|tvly-(?:dev-|prod-)?[A-Za-z0-9_-]{20,}",
  // Google's newer ones, Cloudflare, Vercel, Firecrawl, E2B, Jina, Resend, Docker, Netlify, Atlassian, Tailscale.
  r"|AQ\.Ab[A-Za-z0-9_-]{32,}|cf(?:ut|at|k)_[A-Za-z0-9_-]{40,}|vc[aciprk]_[A-Za-z0-9]{24,}|fc-[0-9a-f]{32}",
  r"|e2b_[0-9a-f]{40,}|jina_[A-Za-z0-9_-]{40,}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|dckr_[op]at_[A-Za-z0-9_-]{24,}",
  r"|nfp_[A-Za-z0-9]{36,}|ATATT3x[A-Za-z0-9_=-]{64,}|tskey-[a-z]+-[A-Za-z0-9-]{20,}",
  // Webhooks of Slack, bots of Telegram, also in an address.
  r"|hooks\.slack\.com/[a-z]+/[A-Za-z0-9/]{30,}|(?:bot)?[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
  // Packages, platforms and services.
  r"|bt-st-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}|do[opr]_v1_[0-9a-f]{40,}|dapi[0-9a-f]{32,}(?:-[0-9])?",
  r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}|SK[0-9a-f]{32}|whsec_[A-Za-z0-9+/=_-]{24,}",
  r"|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32,}|sbp_[0-9a-f]{40,}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{20,}",
  r"|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43,}|lin_(?:api|oauth)_[A-Za-z0-9]{32,}|figd_[A-Za-z0-9_-]{36,}",
  r"|hv[sbr]\.[A-Za-z0-9_-]{20,}|dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[A-Za-z0-9_-]{2,35}\.)?[A-Za-z0-9]{36,}|gls?a_[A-Za-z0-9_]{32,}|glc_[A-Za-z0-9+/=_-]{32,}",
  r"|sntry[su]_[A-Za-z0-9+/=_-]{40,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|NRAK-[A-Z0-9]{27}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
  ")",
);

/// The shortest run of letters and digits that makes a key of any text after `sk-`.
const LONG_RUN: usize = 20;

/// Whether a match is a key. After the short prefixes `sk-`, `pk_` and so on, names such as
/// `sk-learn-pipeline-for-tests` may follow; keys are random.
pub fn is_accepted(key: &str) -> bool {
  let is_short_prefix = ["sk", "pk", "rk", "csk"]
    .iter()
    .any(|prefix| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['-', '_'])));
  // Langfuse's keys are UUIDs.
  let is_uuid = |text: &str| {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
  };
  if !is_short_prefix || key.get(2..6) == Some("-lf-") && key.get(6..).is_some_and(is_uuid) {
    return true;
  }
  let has = |text: &str, is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
  let has_digit = |text: &str| has(text, u8::is_ascii_digit);
  let has_cases =
    |text: &str| has(text, u8::is_ascii_uppercase) && has(text, u8::is_ascii_lowercase);
  let rest = key.get(3..).unwrap_or_default();
  let is_random = |run: &str| run.len() >= LONG_RUN && (has_digit(run) || has_cases(run));
  (has_digit(rest) && has_cases(rest)) || rest.split(['-', '_']).any(is_random)
}
