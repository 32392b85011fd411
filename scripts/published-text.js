'use strict';

// The Markdown of the package, as it is published: npm's page shows the README alone, and the package has a part of
// the files that its pages link to.

const { posix } = require('node:path');

/** Text in a fence, even within a list, is not a link. */
const FENCES = /^( *```[^]*?^ *```)$/m;
const LINK = /(!?)\[((?:[^[\]]|!\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)/g;

/**
 * A page with links that work where it is read.
 *
 * @param {string} text
 * @param {string} file its path in the package
 * @param {object} package_
 * @param {string} [package_.repository] as npm has it; without one, nothing changes
 * @param {string} package_.version
 * @param {string[]} package_.files the paths in the package
 * @returns {string}
 */
function publishedText(text, file, { repository, version, files }) {
  if (repository === undefined) return text;
  const web = repository.replace(/^git\+/, '').replace(/\.git$/, '');
  return ofProse(text, (prose) => prose.replace(LINK, absolute));

  /** @param {string} whole @param {string} mark @param {string} label @param {string} target */
  function absolute(whole, mark, label, target) {
    if (isAddress(target)) return whole;
    const [, ...anchor] = target.split('#');
    const at = pathOf(target, file);
    // On npm's page, nothing is beside the README.
    if (file !== 'README.md' && files.includes(at)) return whole;
    const view = mark === '!' ? 'raw' : 'blob';
    return `${mark}[${label}](${[`${web}/${view}/v${version}/${at}`, ...anchor].join('#')})`;
  }
}

/**
 * A page without links to files that the package lacks, for as long as the repository has no address: the labels stay.
 * An image that it lacks goes, with its paragraph if it is alone there.
 *
 * @param {string} text
 * @param {string} file its path in the package
 * @param {string[]} files the paths in the package
 * @returns {string}
 */
function withoutDeadLinks(text, file, files) {
  const folders = new Set(files.flatMap(foldersOf));
  const isAlone = new RegExp(`^${LINK.source}\\n+`, 'gm');
  return ofProse(text, (prose) =>
    prose
      .replace(isAlone, (whole, mark, _label, target) =>
        mark === '!' && isDead(target) ? '' : whole,
      )
      .replace(LINK, withoutDeadLink),
  );

  /** @param {string} whole @param {string} mark @param {string} label @param {string} target @returns {string} */
  function withoutDeadLink(whole, mark, label, target) {
    if (mark === '!') return isDead(target) ? '' : whole;
    // The label may be an image.
    const shown = label.replace(LINK, withoutDeadLink);
    return isDead(target) || shown === '' ? shown : `[${shown}](${target})`;
  }

  /** @param {string} target */
  function isDead(target) {
    if (isAddress(target)) return false;
    const at = pathOf(target, file).replace(/\/$/, '');
    return !files.includes(at) && !folders.has(at);
  }
}

/**
 * A page with its prose rewritten: what stands in fences stays.
 *
 * @param {string} text
 * @param {(prose: string) => string} rewrite
 */
function ofProse(text, rewrite) {
  return text
    .split(FENCES)
    .map((part, index) => (index % 2 === 1 ? part : rewrite(part)))
    .join('');
}

/** Whether a link leads elsewhere, or to a heading of its page. @param {string} target */
const isAddress = (target) => /^([a-z]+:|#)/.test(target);

/**
 * The path in the package that a link leads to.
 *
 * @param {string} target
 * @param {string} file the page that has it
 */
function pathOf(target, file) {
  const [path = ''] = target.split('#');
  return posix.join(posix.dirname(file), path);
}

/** All folders that a file lies in. @param {string} path @returns {string[]} */
function foldersOf(path) {
  const folder = posix.dirname(path);
  return folder === '.' ? ['.'] : [folder, ...foldersOf(folder)];
}

module.exports = { publishedText, withoutDeadLinks };
