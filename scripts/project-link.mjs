import { logsLink } from '../js/span-link.js';

/**
 * The address of a project's logs in Braintrust, without credentials. The organisation is the configured one, or the
 * first that the key belongs to.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export async function projectLink(env) {
  const app = env.BRAINTRUST_APP_URL?.trim() || 'https://www.braintrust.dev';
  const project = env.BRAINTRUST_PROJECT_NAME?.trim() || 'Flue';
  const org = env.BRAINTRUST_ORG_NAME?.trim() || (await firstOrganisation(app, env));
  return logsLink(app, org, project);
}

async function firstOrganisation(app, env) {
  const url = new URL(`${app.replace(/\/$/, '')}/api/apikey/login`);
  // `fetch` refuses credentials in the address.
  url.username = url.password = '';
  const response = await fetch(url, {
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
