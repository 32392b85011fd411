/**
 * Applies the rules of `deny.toml` on licences, bans and sources to every crate in `Cargo.lock`, in a second and without
 * `cargo deny`, which CI also runs for advisories. Also checks that the lists of licences that are published are those
 * of the crates.
 *
 *     node scripts/check-dependencies.mjs
 */
import { metadata } from './crates.mjs';
import { choose, rules } from './licences.mjs';
import { outdated } from './third-party.mjs';

const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

const { licences, banned, deniesOtherSources } = rules();
/** @type {string[]} */
const faults = [];
if (licences.length === 0 || banned.length === 0 || !deniesOtherSources) {
  faults.push('deny.toml: the rules on licences, bans or sources are not found');
}
for (const { name, version, license, source } of metadata().packages) {
  if (source === null) continue;
  const crate = `${name} ${version}`;
  if (choose(license ?? 'none', licences) === undefined)
    faults.push(`${crate}: licence ${license}`);
  if (banned.includes(name)) faults.push(`${crate} is banned`);
  if (source !== CRATES_IO) faults.push(`${crate} is from ${source}`);
}
for (const file of outdated()) {
  faults.push(`${file} is outdated: run \`node scripts/third-party.mjs\``);
}
for (const fault of faults) console.error(`✗ ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
