// Rewrites the core's diagnostics for a Worker, whose spool is a storage: the core writes of files on a disk.

/** What the core calls a part of the storage. @type {[RegExp, string][]} */
const NAMES = [
  [/a segment is missing from the spool/, 'rows that were kept in the storage are gone'],
  [/a segment in the spool is damaged/, 'rows that were kept in the storage are damaged'],
  [/^The spool /, 'The storage '],
  [/a spool file/, 'a file in the storage'],
  [/spool files of an earlier process/, 'files of an earlier instance'],
];

const FLUSH = 'call `flush()` in an alarm of the object';
/** The remedies, by the loss reason. @type {Record<string, string>} */
const REMEDIES = {
  spool_full: FLUSH,
  spool_expired: FLUSH,
  spool_damaged:
    'keep the keys that begin with `flue-braintrust/`, which `deleteAll()` deletes, too',
};

/**
 * A diagnostic in the words of a storage.
 * @param {import('../../index.d.ts').Diagnostic} diagnostic
 */
export function inWordsOfStorage(diagnostic) {
  const remedy = REMEDIES[diagnostic.reason ?? ''];
  const isOfSpool = remedy !== undefined || diagnostic.code.startsWith('FLUE_BRAINTRUST_SPOOL');
  if (!isOfSpool) return diagnostic;
  let { message } = diagnostic;
  for (const [name, inStorage] of NAMES) message = message.replace(name, inStorage);
  // The remedy is the last clause.
  if (remedy !== undefined) message = message.replace(/; [^;]*\.$/, `; ${remedy}.`);
  return { ...diagnostic, message };
}
