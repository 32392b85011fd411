/**
 * Random keys in the documented form of each provider.
 */
import { randomInt } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const WORD = `${LETTERS}${LETTERS.toLowerCase()}0123456789`;
const URL_SAFE = `${WORD}-_`;
const HEX = '0123456789abcdef';

/** The public prefix, the alphabet of what follows, and its length. */
const PROVIDERS: [string, string, number][] = [
  ['sk-', WORD, 48],
  ['sk-proj-', URL_SAFE, 156],
  ['sk-svcacct-', URL_SAFE, 156],
  ['sk-ant-api03-', URL_SAFE, 95],
  ['sk-or-v1-', HEX, 64],
  ['sk_live_', WORD, 24],
  ['rk_test_', WORD, 99],
  ['ghp_', WORD, 36],
  ['github_pat_', `${WORD}_`, 82],
  ['glpat-', URL_SAFE, 20],
  ['AKIA', `${LETTERS}234567`, 16],
  ['AIza', URL_SAFE, 35],
  ['xoxb-', WORD, 50],
  ['hf_', LETTERS + LETTERS.toLowerCase(), 34],
  ['gsk_', WORD, 52],
  ['xai-', WORD, 80],
  ['pplx-', WORD, 48],
  ['r8_', WORD, 37],
  ['nvapi-', URL_SAFE, 64],
  ['npm_', WORD, 36],
  ['pypi-', URL_SAFE, 170],
  ['dop_v1_', HEX, 64],
  ['dapi', HEX, 32],
  ['shpat_', HEX, 32],
  ['lin_api_', WORD, 40],
  ['hvs.', URL_SAFE, 90],
];

/** A key and its public prefix. */
export interface Key {
  key: string;
  prefix: string;
}

/** Keys of all providers. */
export function apiKeys(): Key[] {
  return PROVIDERS.map(([prefix, alphabet, length]) => {
    const secret = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
    return { prefix, key: prefix + secret };
  });
}

/** All parts of eight characters after the prefix. */
export function secretParts({ key, prefix }: Key): string[] {
  const secret = key.slice(prefix.length);
  return Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8));
}
