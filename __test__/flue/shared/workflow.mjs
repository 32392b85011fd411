/** Runs a workflow as the generated server of Flue 0.x does, without the HTTP around it. */
export const workflowRunner =
  (internal, { workflows, ...settings }) =>
  (name, payload) => {
    const runId = internal.generateWorkflowRunId(name);
    return internal.invokeWorkflowAttached({
      owner: { kind: 'workflow', workflowName: name, instanceId: runId },
      id: runId,
      runId,
      payload,
      request: new Request(`http://localhost/workflows/${name}`, { method: 'POST' }),
      handler: workflows[name],
      ...settings,
    });
  };
