'use strict';

// What names a conversation, as in the address of its page.

const { encoded } = require('../support/encoded');

/**
 * @param {string | null} conversation its id
 * @param {string | null} instance the id of the agent's instance
 * @param {string | null} agent
 * @returns {string | null} the key of the conversation, else of the instance; null without both
 */
function conversationKey(conversation, instance, agent) {
  if (conversation !== null) return `conversation/${encoded(conversation)}`;
  return instanceKey(instance, agent);
}

/**
 * Agents may have instances of the same id.
 *
 * @param {string | null} instance
 * @param {string | null} agent
 * @returns {string | null}
 */
function instanceKey(instance, agent) {
  if (instance === null) return null;
  return `instance/${encoded(instance)}${agent === null ? '' : `/${encoded(agent)}`}`;
}

module.exports = { conversationKey, instanceKey };
