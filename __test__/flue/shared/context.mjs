/**
 * Makes contexts as the generated server of Flue before 1.0 does.
 *
 * @param {any} internal Flue's internal entry
 * @param {object} rest what else a context of this line needs: its environment and its stores
 */
export const contextFactory =
  (internal, rest) => (id, runId, payload, req, initialEventIndex, dispatchId) =>
    internal.createFlueContext({
      id,
      runId,
      dispatchId,
      payload,
      req,
      initialEventIndex,
      env: process.env,
      agentConfig: {
        systemPrompt: '',
        skills: {},
        packagedSkills: {},
        model: undefined,
        resolveModel: internal.resolveModel,
      },
      ...rest,
    });
