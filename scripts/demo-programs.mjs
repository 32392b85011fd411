/**
 * What the demo runs. Each program leaves one trace, with this root, in which at least these spans
 * must be found. One with `setup` needs packages that are installed only when its turn comes: nobody
 * waits for them before the first trace.
 */
export const programs = [
  {
    title: 'A Flue agent',
    file: new URL('../examples/agent/agent.mts', import.meta.url),
    root: 'flue.prompt',
    spans: [
      'llm:moss-1',
      'tool:read_forecast',
      'tool:read_house',
      'tool:close_vent',
      'tool:task',
      'task:botanist',
      'tool:consult_herbarium',
      'compaction:threshold',
    ],
  },
  {
    title: 'A Flue 1.0 workflow',
    file: new URL('../examples/workflow/workflow-run.mjs', import.meta.url),
    setup: true,
    root: 'workflow:evening-round',
    spans: [
      'flue.prompt',
      'llm:moss-1',
      'tool:read_house',
      'task:botanist',
      'tool:consult_herbarium',
      'flue.skill',
      'flue.compact',
      'compaction:manual',
    ],
  },
];
