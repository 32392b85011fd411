//! The forms of the API keys of well-known providers.

/// The forms, as one expression. The first group is the key. Sources: the providers' documentation, and the secret
/// scanning patterns that they publish with GitHub.
///
/// They stand by their first letters: where a key may begin, the engine of the WebAssembly module then looks at a third of
/// the alternatives.
pub const EXPRESSION: &str = concat!(
  before!(),
  "(",
  // OpenAI, Anthropic, OpenRouter, DeepSeek, Braintrust, Clerk, ElevenLabs, Stripe, Cerebras, Helicone: what follows is
  // judged by `is_accepted`. Langfuse's keys are UUIDs.
  r"(?:[spr]k-lf-[0-9a-f-]{36}|(?:cs|[spr])k[-_][A-Za-z0-9_-]{16,})",
  // AWS, Google, Atlassian, age, 1Password; connection strings of Azure.
  r"|A(?:(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16,}|Iza[A-Za-z0-9_-]{35,}|Q\.Ab[A-Za-z0-9_-]{32,}|T[AC]TT3x[A-Za-z0-9_=-]{64,}",
  r"|GE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,}|3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
  r"|cc(?:ount|ess)Key=[A-Za-z0-9+/]{43,}={0,2})",
  // CircleCI, Contentful, Square, Google, Heroku, New Relic, Postman.
  r"|C(?:CIP(?:AT|RJ)_[A-Za-z0-9_]{40,}|FPAT-[A-Za-z0-9_-]{43})|EAAA[A-Za-z0-9_-]{60,}|GOCSPX-[A-Za-z0-9_-]{20,}",
  r"|HRKU-[A-Za-z0-9_-]{36,}|NR(?:AK|II|JS|RA)-[A-Za-z0-9_-]{19,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
  // SendGrid, Twilio, Azure.
  r"|S(?:G\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}|K[0-9a-f]{32}|haredAccessKey=[A-Za-z0-9+/]{43,}={0,2})",
  // Apify, Plaid, HCP Terraform.
  r"|a(?:pify_api_[A-Za-z0-9]{30,}|ccess-(?:sandbox|development|production)-[0-9a-f-]{36}|tlasv1\.[A-Za-z0-9_-]{60,})",
  // Browserbase, Buildkite, Braintrust, Cloudflare.
  r"|b(?:b_(?:live|test)_[a-z_-]{0,12}[A-Z0-9][A-Za-z0-9_-]{12,}|kua_[0-9a-f]{40,}|t-st-[A-Za-z0-9_-]{16,})",
  r"|cf(?:ut|at|k)_[A-Za-z0-9_-]{40,}",
  // Daytona, Docker, DigitalOcean, Databricks, Doppler, webhooks of Discord.
  r"|d(?:tn_[0-9a-f]{64}|ckr_[op]at_[A-Za-z0-9_-]{24,}|o[opr]_v1_[0-9a-f]{40,}|api[0-9a-f]{32,}(?:-[0-9])?",
  r"|p\.(?:pt|st|ct|sa|scim|audit)\.(?:[A-Za-z0-9_-]{2,35}\.)?[A-Za-z0-9]{36,}",
  r"|iscord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,})",
  // E2B, Fireworks, Firecrawl, Figma, Fly.
  r"|e2b_[0-9a-f]{40,}|f(?:w_[A-Za-z0-9]{22,}|c-[0-9a-f]{32}|igd_[A-Za-z0-9_-]{36,}|m[12][a-z]?_[A-Za-z0-9+/]{60,}={0,2}|o1_[A-Za-z0-9_-]{43})",
  // GitHub, GitLab, Groq, Grafana.
  r"|g(?:h[pousr]_[A-Za-z0-9]{20,}|ithub_pat_[A-Za-z0-9_]{20,}|sk_[A-Za-z0-9]{20,}",
  r"|l(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct|wt)-[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)*",
  r"|ls?a_[A-Za-z0-9_]{32,}|lc_[A-Za-z0-9+/=_-]{32,})",
  // Hugging Face, webhooks of Slack, Vault, Jina, Mailgun.
  r"|h(?:f_[A-Za-z0-9]{20,}|ooks\.slack\.com/[a-z]+/[A-Za-z0-9/]{30,}|v[sbr]\.[A-Za-z0-9_-]{20,})",
  r"|jina_[A-Za-z0-9_-]{40,}|key-[0-9a-f]{32,}",
  // LangSmith, Linear, LlamaCloud, NVIDIA, Netlify, npm, Notion, Neon, 1Password.
  r"|l(?:sv2_(?:pt|sk)_[A-Za-z0-9_]{32,}|in_(?:api|oauth)_[A-Za-z0-9]{32,}|lx-[A-Za-z0-9]{40,})",
  r"|n(?:vapi-[A-Za-z0-9_-]{40,}|fp_[A-Za-z0-9]{36,}|pm_[A-Za-z0-9]{30,}|tn_[A-Za-z0-9]{40,}|api_[a-z0-9]{60,})",
  r"|ops_eyJ[A-Za-z0-9+/_-]{100,}={0,2}",
  // Perplexity, Pinecone, PyPI, PostHog, PlanetScale, Pulumi, HubSpot, Airtable.
  r"|p(?:plx-[A-Za-z0-9]{32,}|csk_[A-Za-z0-9_]{40,}|ypi-[A-Za-z0-9_-]{40,}|h[a-z]_[A-Za-z0-9]{40,}|scale_(?:tkn|pw|oauth)_[A-Za-z0-9_=-]{32,}",
  r"|ul-[0-9a-f]{40,}|at-[a-z]{2}[0-9]-[0-9a-f-]{36}|at[A-Za-z0-9]{14}\.[0-9a-f]{64})",
  // Replicate, Resend, Render, RubyGems.
  r"|r(?:8_[A-Za-z0-9]{32,}|e_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|nd_[A-Za-z0-9]{28,}|ubygems_[0-9a-f]{48})",
  // Shopify, Supabase, Notion, Sentry, Square, signatures in addresses of Azure.
  r"|s(?:hp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32,}|bp_(?:v0_|oauth_)?[0-9a-f]{40,}|b_(?:secret|publishable)_[A-Za-z0-9_-]{20,}",
  r"|ecret_[A-Za-z0-9]{43,}|ntry[su]_[A-Za-z0-9+/=_-]{40,}|q0[a-z]{3}-[A-Za-z0-9_-]{22,}|ig=(?:[A-Za-z0-9+/]|%[0-9A-Fa-f]{2}){43,}=?)",
  // Together, Tavily, Tailscale, Vercel, Stripe and others, Weights & Biases.
  r"|t(?:gp_v1_[A-Za-z0-9_-]{32,}|vly-(?:dev-|prod-)?[A-Za-z0-9_-]{20,}|skey-[a-z]+-[A-Za-z0-9-]{20,})",
  r"|vc[aciprk]_[A-Za-z0-9]{24,}|w(?:hsec_[A-Za-z0-9+/=_-]{24,}|andb_v1_[A-Za-z0-9_]{40,})",
  // Slack, xAI, Brevo, Google.
  r"|x(?:ox[a-z](?:\.xox[a-z])?-(?:[A-Za-z0-9-]|%[0-9A-Fa-f]{2}){10,}|app-[A-Za-z0-9-]{10,}|ai-[A-Za-z0-9_-]{40,}",
  r"|keysib-[0-9a-f]{64}-[A-Za-z0-9]{16})|ya29\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*",
  // Bots of Telegram, also in an address, and of Discord, whose keys begin with a number in base64.
  r"|(?:bot)?[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
  r"|(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){5}[A-Za-z0-9]{3,6}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
  // Mailgun, Mailchimp, New Relic.
  r"|(?:[a-z]{2}[0-9]{2}xx)?[0-9a-f]{30}(?:[0-9a-f]{2}-(?:[0-9a-f]{8}-[0-9a-f]{8}|us[0-9]{1,2})|(?:[0-9a-f]{6})?NRAL)",
  // Applications and services of Azure.
  r"|[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}|[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,}",
  ")",
);

/// The shortest run of letters and digits that makes a key of any text after `sk-`.
const LONG_RUN: usize = 20;

/// The length of an access token of Square. Other base64 may begin like it.
const SQUARE_LENGTH: usize = 64;

/// The length of a key of Mailgun. Longer hashes are names in caches.
const MAILGUN_LENGTH: usize = 36;

/// Whether a match is a key. After the short prefixes `sk-`, `pk_` and so on, names such as
/// `sk-learn-pipeline-for-tests` may follow; keys are random.
pub fn is_accepted(key: &str) -> bool {
  let is_short_prefix = ["sk", "pk", "rk", "csk"]
    .iter()
    .any(|prefix| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['-', '_'])));
  let has = |text: &str, is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
  let has_digit = |text: &str| has(text, u8::is_ascii_digit);
  if key.starts_with("EAAA") {
    return key.len() == SQUARE_LENGTH;
  }
  if key.starts_with("key-") {
    return key.len() == MAILGUN_LENGTH;
  }
  // Langfuse's keys are UUIDs.
  let is_uuid = |text: &str| {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
  };
  if !is_short_prefix || key.get(2..6) == Some("-lf-") && key.get(6..).is_some_and(is_uuid) {
    return true;
  }
  let has_cases =
    |text: &str| has(text, u8::is_ascii_uppercase) && has(text, u8::is_ascii_lowercase);
  let rest = key.get(3..).unwrap_or_default();
  if rest.starts_with("helicone-") {
    return has_digit(rest);
  }
  let is_random = |run: &str| run.len() >= LONG_RUN && (has_digit(run) || has_cases(run));
  (has_digit(rest) && has_cases(rest)) || rest.split(['-', '_']).any(is_random)
}
