'use strict';

// Objects of the `braintrust` package in content: what stands for them there stands for them here.

const { showInstead } = require('../json/json-safe-copy.js');
const { Attachment } = require('./attachment.js');

/** Its objects that are not content, by their members `kind`. @type {ReadonlySet<unknown>} */
const KINDS = new Set(['span', 'logger', 'experiment']);

/** Its files that are not uploaded yet, as ours. @type {WeakMap<object, InstanceType<typeof Attachment>>} */
const files = new WeakMap();

/** Shows objects of the `braintrust` package as it does itself: their members are its internals. */
function showBraintrustObjects() {
  showInstead(shownFor);
}

/**
 * What stands for an object; undefined unless it is one of that package. Never throws.
 * @param {any} object
 */
function shownFor(object) {
  try {
    // Members of its own: a getter of a class may do anything.
    if (Object.hasOwn(object, 'reference')) return shownForFile(object);
    const isOther = Object.hasOwn(object, 'kind') && KINDS.has(object.kind);
    return isOther && typeof object.export === 'function' ? `<${object.kind}>` : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {any} file
 */
function shownForFile(file) {
  const { reference } = file;
  if (typeof file.data !== 'function') return undefined;
  if (reference?.type === 'external_attachment') return reference;
  if (reference?.type !== 'braintrust_attachment') return undefined;
  // One without an uploader is there already.
  return Object.hasOwn(file, 'uploader') ? fileOf(file) : reference;
}

/**
 * The same file, as one that this package uploads.
 * @param {{ reference: any, data: () => Promise<Blob> }} file
 */
function fileOf(file) {
  const known = files.get(file);
  if (known !== undefined) return known;
  const { filename, content_type: contentType } = file.reference;
  const arrayBuffer = async () => (await file.data()).arrayBuffer();
  const data = /** @type {Blob} */ ({ arrayBuffer });
  const made = new Attachment({ data, filename, contentType });
  files.set(file, made);
  return made;
}

module.exports = { showBraintrustObjects };
