/**
 * The address of a project's logs in Braintrust. The organisation is the configured one, or the
 * first that the key belongs to.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export async function projectLink(env) {
  const app = (env.BRAINTRUST_APP_URL?.trim() || 'https://www.braintrust.dev').replace(/\/$/, '');
  const project = env.BRAINTRUST_PROJECT_NAME?.trim() || 'Flue';
  const org = env.BRAINTRUST_ORG_NAME?.trim() || (await firstOrganisation(app, env));
  return `${app}/app/${encodeURIComponent(org)}/p/${encodeURIComponent(project)}/logs`;
}

async function firstOrganisation(app, env) {
  const response = await fetch(`${app}/api/apikey/login`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${env.BRAINTRUST_API_KEY.trim()}`,
      'content-type': 'application/json',
    },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`the login was answered with ${response.status}`);
  const { org_info: organisations } = await response.json();
  if (!organisations?.length) throw new Error('the key belongs to no organisation');
  return organisations[0].name;
}
