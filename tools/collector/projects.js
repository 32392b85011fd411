'use strict';

// Projects, organisations and experiments, made up from their names.

const { createHash } = require('node:crypto');

const { UUID } = require('./fields');

/** The UUID namespace of names made up here (a random UUID, fixed for good). */
const NAMESPACE = Buffer.from('5c0e5ad8a6f34d0e9d7bb1f10f6a2c47', 'hex');

/**
 * A UUID (version 5) that depends on the name only: the same in every process.
 *
 * @param {string} name
 * @returns {string} lowercase, with dashes
 */
function uuidOf(name) {
  const bytes = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * @typedef {object} Project
 * @property {string} id
 * @property {string} name
 */

/** The projects that clients registered. */
class Projects {
  /** @type {Map<string, Project>} */
  #byId = new Map();
  #experiments = 0;

  /**
   * Finds a project by name, creating it where needed.
   *
   * @param {string} name
   * @returns {Project} with an id that depends on the name only
   */
  register(name) {
    const project = { id: uuidOf(`project:${name}`), name };
    this.#byId.set(project.id, project);
    return project;
  }

  /**
   * Creates an experiment of a project.
   *
   * @param {Project} project
   * @param {unknown} wanted its name; one that counts by default
   * @returns {{ id: string, name: string, project_id: string }}
   */
  createExperiment(project, wanted) {
    this.#experiments += 1;
    const isNamed = typeof wanted === 'string' && wanted !== '';
    const name = isNamed ? wanted : `${project.name}-${this.#experiments}`;
    const id = uuidOf(`experiment:${project.id}:${this.#experiments}:${name}`);
    return { id, name, project_id: project.id };
  }

  /**
   * @param {string} id
   * @returns {Project | undefined} one that was not registered here goes by its id: the application has that of a real
   *   project; undefined for what is not an id
   */
  find(id) {
    return this.#byId.get(id) ?? (UUID.test(id) ? { id, name: id } : undefined);
  }
}

module.exports = { Projects, uuidOf };
