import {
  type Activity,
  type FlueEvent,
  type SpanIds,
  type Usage,
  isWrapper,
  isFailed,
  isCancelled,
  time,
  isOld,
  deliveryOf,
  larger,
  usageOfTurn,
  toolIds,
  isSame,
} from './activity';

/**
 * Reads off Flue's own events what a trace must hold, for every line of Flue: 0.x, 1.0-beta and 2.x.
 * Deliberately simple, and without any code or idea of the translation: each start event is one span,
 * found again by Flue's ids.
 */

/** Every activity of a run of Flue, even one that several processes took part in. */
export function activities(events: FlueEvent[]): Activity[] {
  return new Reader(events).read();
}

/** A delivery to an agent, and the span that is its root. */
interface Delivery {
  conversation: string | undefined;
  root: Activity;
  /** Its operations in this conversation: the attempts. */
  attempts: FlueEvent[];
}

class Reader {
  #events: FlueEvent[];
  #found: Activity[] = [];
  /** What the parts of an operation lie below. */
  #below = new Map<string, SpanIds>();
  #deliveries = new Map<string, Delivery>();
  /** The task calls of 0.x that have their task. */
  #delegated = new Set<FlueEvent>();

  constructor(events: FlueEvent[]) {
    this.#events = events;
  }

  read(): Activity[] {
    this.#events.forEach((event, position) => {
      switch (event.type) {
        case 'run_start':
          return this.#run(event);
        case 'operation_start':
          return this.#operation(event, position);
        case 'turn_request':
          return this.#turn(event);
        case 'tool_start':
          return this.#tool(event);
        case 'task_start':
          return this.#task(event, position);
        case 'compaction_start':
          return this.#compaction(event);
        default:
      }
    });
    this.#unbegun();
    for (const [id, delivery] of this.#deliveries) this.#finish(id, delivery);
    this.#closeBelow();
    return this.#found;
  }

  #end(types: string[], ids: Record<string, unknown>): FlueEvent | undefined {
    return this.#events.find(
      (event) =>
        types.includes(event.type) &&
        Object.entries(ids).every(([id, value]) => event[id] === value),
    );
  }

  #add(
    activity: Pick<Activity, 'name' | 'type' | 'ids' | 'parent'>,
    start: FlueEvent,
    end: FlueEvent | undefined,
    usage: Usage | null | undefined = null,
  ): Activity {
    const began = time(start);
    const full: Activity = {
      ...activity,
      start: began,
      ends: end ? [time(end), ...(end.durationMs >= 0 ? [began + end.durationMs] : [])] : [],
      interrupted: end === undefined,
      failed: isFailed(end),
      cancelled: isCancelled(end),
      usage: end ? usage : undefined,
      metadata: {},
    };
    this.#found.push(full);
    return full;
  }

  #run(event: FlueEvent) {
    const { runId } = event;
    const ids = { 'flue.run_id': runId, name: 'workflow:' };
    const end = this.#end(['run_end'], { runId });
    const name = `workflow:${event.workflowName}`;
    const run = this.#add({ name, type: 'task', ids, parent: null }, event, end);
    run.start = Date.parse(event.startedAt);
    if (this.#end(['run_resume'], { runId })) run.metadata['flue.workflow_phase'] = 'resume';
  }

  /** What an event without an activity of its own belongs to: its operation, else its run. */
  #enclosing({ operationId, runId }: FlueEvent): SpanIds {
    const operation = this.#below.get(operationId);
    return operation ?? { 'flue.run_id': runId, name: 'workflow:' };
  }

  #operation(event: FlueEvent, position: number) {
    const { operationId, operationKind, taskId, runId } = event;
    const delivery = deliveryOf(event);
    const known = delivery === undefined ? undefined : this.#deliveries.get(delivery);
    const isDelivered = taskId === undefined && runId === undefined && delivery !== undefined;

    if (isDelivered && known?.conversation === event.conversationId && known) {
      // A later attempt goes on with the root of the first.
      known.attempts.push(event);
      this.#below.set(operationId, known.root.ids);
      return;
    }
    let ids: SpanIds = { 'flue.operation_id': operationId, name: 'flue.' };
    let parent: SpanIds | null = null;
    if (taskId !== undefined) parent = { 'flue.task_id': taskId, name: 'task:' };
    else if (runId !== undefined) parent = { 'flue.run_id': runId, name: 'workflow:' };
    else if (isDelivered && known) {
      const tool = this.#runningTool(delivery, position);
      parent = tool ? toolIds(tool) : known.root.ids;
    } else if (isDelivered) {
      const id = event.submissionId === undefined ? 'flue.dispatch_id' : 'flue.submission_id';
      ids = { [id]: delivery, root: 'true', name: 'flue.' };
    }

    if (parent && isWrapper(operationKind)) {
      this.#below.set(operationId, parent);
      return;
    }
    this.#below.set(operationId, ids);
    const end = this.#end(['operation'], { operationId });
    const usage = end && larger(end.usage, this.#sum([operationId]));
    const name = `flue.${operationKind}`;
    const operation = this.#add({ name, type: 'task', ids, parent }, event, end, usage);
    if (isDelivered && !known) {
      this.#deliveries.set(delivery, {
        conversation: event.conversationId,
        root: operation,
        attempts: [event],
      });
    }
  }

  /** The tool call of the delivery that started last and still runs. */
  #runningTool(delivery: string, position: number): FlueEvent | undefined {
    const before = this.#events
      .slice(0, position)
      .filter((event) => deliveryOf(event) === delivery);
    const ended = before.filter(({ type }) => type === 'tool' || type === 'tool_call');
    return before
      .filter(({ type }) => type === 'tool_start')
      .findLast(
        (start) =>
          !ended.some(
            (end) =>
              end.toolCallId === start.toolCallId &&
              end.turnId === start.turnId &&
              end.operationId === start.operationId,
          ),
      );
  }

  /** What the turns of operations used, among these events. */
  #sum(operations: string[], events = this.#events): Usage | null {
    const used = events
      .filter(({ type, operationId }) => type === 'turn' && operations.includes(operationId))
      .map(usageOfTurn)
      .filter((usage) => usage !== undefined && usage !== null);
    if (used.length === 0) return null;
    const sum = (part: (usage: Usage) => number) => used.reduce((all, one) => all + part(one), 0);
    return {
      input: sum(({ input }) => input),
      output: sum(({ output }) => output),
      cacheRead: sum(({ cacheRead }) => cacheRead),
      cacheWrite: sum(({ cacheWrite }) => cacheWrite),
      totalTokens: sum(({ totalTokens }) => totalTokens),
      cost: { total: sum(({ cost }) => cost.total) },
    };
  }

  /** Submissions that fail without an operation. */
  #unbegun() {
    for (const event of this.#events.filter(({ type }) => type === 'submission_running')) {
      const { submissionId } = event;
      const end = this.#end(['submission_settled'], { submissionId, outcome: 'failed' });
      if (!end || this.#end(['operation_start'], { submissionId })) continue;
      const ids = { 'flue.submission_id': submissionId, root: 'true', name: 'flue.' };
      const root = { name: 'flue.prompt', type: 'task', ids, parent: null } as const;
      const operation = this.#add(root, event, end);
      operation.failed = true;
      operation.metadata['flue.submission_outcome'] = 'failed';
    }
  }

  #turn(event: FlueEvent) {
    const { turnId, operationId, purpose } = event;
    const end = this.#end(['turn'], { turnId });
    const enclosing = this.#enclosing(event);
    const compaction = purpose.startsWith('compaction')
      ? this.#found.findLast(
          ({ ids, name }) =>
            name.startsWith('compaction:') && ids['flue.operation_id'] === operationId,
        )
      : undefined;
    const turn = this.#add(
      {
        name: `llm:${event.request?.requestedModel ?? event.model}`,
        type: 'llm',
        ids: { 'flue.turn_id': turnId, 'flue.operation_id': operationId, name: 'llm:' },
        parent: compaction?.ids ?? enclosing,
      },
      event,
      end,
      end && (usageOfTurn(end) ?? null),
    );
    // On 0.x its event comes after its tools, and its duration includes theirs.
    const firstTool = isOld(event) && this.#end(['tool_start'], { turnId });
    if (end && firstTool) turn.ends = [time(firstTool)];
  }

  #tool(event: FlueEvent) {
    const { toolCallId, toolName, turnId, operationId, runId } = event;
    const ids = { toolCallId, toolName, turnId, operationId, runId };
    const end = this.#end(['tool', 'tool_call'], ids);
    const tool = this.#add(
      {
        name: `tool:${event.toolName}`,
        type: 'tool',
        ids: toolIds(event),
        parent: this.#enclosing(event),
      },
      event,
      end,
    );
    // Its event comes when the whole batch of calls is through; on 0.x at once, where calls with one id have the duration
    // of another one.
    const took = isOld(event) ? Infinity : end?.durationMs;
    if (end) tool.ends = [Math.min(time(event) + took, time(end))];
  }

  #task(event: FlueEvent, position: number) {
    const { taskId, toolCallId, agent } = event;
    const call = toolCallId === undefined ? this.#delegating(event, position) : event;
    this.#add(
      {
        name: `task:${agent}`,
        type: 'task',
        ids: { 'flue.task_id': taskId, name: 'task:' },
        parent: call ? toolIds(call) : this.#enclosing(event),
      },
      event,
      this.#end(['task'], { taskId }),
    );
  }

  /** 0.x does not state which call raised a task, but both name the same prompt and agent. */
  #delegating(event: FlueEvent, position: number): FlueEvent | undefined {
    const call = this.#events
      .slice(0, position)
      .find(
        (other) =>
          other.type === 'tool_start' &&
          other.toolName === 'task' &&
          other.operationId === event.operationId &&
          other.turnId === event.turnId &&
          other.args?.prompt === event.prompt &&
          other.args?.agent === event.agent &&
          !this.#delegated.has(other),
      );
    if (call) this.#delegated.add(call);
    return call;
  }

  #compaction(event: FlueEvent) {
    const { operationId, reason } = event;
    const later = this.#events.slice(this.#events.indexOf(event));
    const end = later.find(
      (other) =>
        other.operationId === operationId &&
        (other.type === 'compaction' ||
          // On 0.x only the log shows a failure.
          (isOld(event) && other.message?.startsWith?.('[flue:compaction] Failed'))),
    );
    const compaction = this.#add(
      {
        name: `compaction:${reason}`,
        type: 'task',
        ids: { 'flue.operation_id': operationId, name: 'compaction:', start: `${time(event)}` },
        parent: this.#enclosing(event),
      },
      event,
      end,
      end && larger(end.usage, this.#sum([operationId], later.slice(0, later.indexOf(end)))),
    );
    compaction.failed ||= end?.type === 'log';
  }

  /** What is known of a root only from the whole of its delivery. */
  #finish(id: string, { root, attempts }: Delivery) {
    const about = this.#events.filter((event) => deliveryOf(event) === id);
    const of = (type: string) => about.filter((event) => event.type === type);
    const [queued] = of('submission_queued');
    const running = of('submission_running');
    const [settled] = of('submission_settled');

    const last = attempts.at(-1);
    const end = last && this.#end(['operation'], { operationId: last.operationId });
    const operations = attempts.map(({ operationId }) => operationId);
    root.ends = end ? [time(end)] : settled ? [time(settled)] : [];
    root.interrupted = end === undefined;
    // What exceeds its time is aborted as well, but settled as failed.
    root.cancelled = isCancelled(end) && settled?.outcome !== 'failed';
    const fails = end === undefined || isCancelled(end);
    root.failed = fails ? settled?.outcome === 'failed' : isFailed(end);
    root.usage = end && larger(end.usage, this.#sum(operations));

    const first = running.find(({ attemptCount }) => attemptCount === 1);
    if (running.length > 0) root.metadata['flue.attempt'] = running.at(-1)?.attemptCount;
    if (queued && first) root.metadata['flue.queue_ms'] = time(first) - time(queued);
    if (settled) root.metadata['flue.submission_outcome'] = settled.outcome;
    const joined = this.#joined(id, about, settled);
    if (joined.length > 0) root.metadata['flue.joined_submission_ids'] = joined;
    const recovery = of('submission_recovery').filter(
      (event) => !settled || this.#events.indexOf(event) < this.#events.indexOf(settled),
    );
    const outcome = recovery.at(-1)?.outcome;
    if (outcome) root.metadata['flue.recovery'] = expect.stringContaining(outcome);

    // What an attempt left open is over when the next one begins.
    attempts.slice(1).forEach((next, n) => {
      const dead = this.#found.filter(
        ({ ids, interrupted, start }) =>
          ids !== root.ids &&
          interrupted &&
          start >= time(attempts[n] as FlueEvent) &&
          start < time(next) &&
          this.#rootOf(ids) === root.ids,
      );
      for (const activity of dead) activity.endedBy ??= time(next);
    });
  }

  /** Deliveries that were settled along with this one, without any work of their own. */
  #joined(host: string, about: FlueEvent[], settled: FlueEvent | undefined): string[] {
    const until = settled ? this.#events.indexOf(settled) : this.#events.length;
    const from = this.#events.indexOf(about.find(({ type }) => type === 'operation_start')!);
    const during = this.#events.slice(from, until);
    const address = (event: FlueEvent | undefined) => `${event?.agentName} ${event?.instanceId}`;
    return during
      .filter(
        (event) =>
          event.type === 'submission_settled' &&
          event.submissionId !== host &&
          address(event) === address(about[0]) &&
          !this.#events.some(
            (other) =>
              other.submissionId === event.submissionId &&
              (other.type === 'submission_running' || other.type === 'operation_start'),
          ),
      )
      .map(({ submissionId }) => submissionId);
  }

  #rootOf(ids: SpanIds): SpanIds {
    let top = ids;
    for (;;) {
      const above = this.#found.find((activity) => isSame(activity.ids, top))?.parent;
      if (!above) return top;
      top = this.#found.find((activity) => isSame(activity.ids, above))?.ids ?? above;
    }
  }

  /** What has no end is over when the span around it is. */
  #closeBelow() {
    for (const activity of this.#found.filter(({ interrupted, parent }) => interrupted && parent)) {
      for (let above = activity.parent; above;) {
        const span = this.#found.find(({ ids }) => isSame(ids, above as SpanIds));
        if (span && !span.interrupted) {
          activity.endedBy = Math.min(activity.endedBy ?? Infinity, Math.max(...span.ends));
        }
        above = span?.parent ?? null;
      }
    }
  }
}
