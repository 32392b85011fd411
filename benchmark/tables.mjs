/** The tables of everything but conversations: spans, memory, rules, start and interceptor. */
import { names } from './contenders.mjs';
import { WITH_RULES } from './experiments.mjs';
import * as figures from './figures.mjs';
import { cell, count, mebibytes, table } from './table.mjs';

export function spans(results) {
  const [size] = results.sizes('spans');
  const head = ['', 'loop µs per span', 'calls µs per span', 'loop CPU µs per span'];
  const more = ['longest call ms', 'accepted per s', 'spans not stored'];
  const rows = names.map((name) => {
    const each = (figures) => cell(figures.map((ms) => (ms * 1000) / size));
    const of = (read) => results.figures('spans', size, name, read);
    const isBase = name === 'nothing';
    return [
      name,
      isBase ? '' : each(figures.loopTimes(results, 'spans', size, name)),
      each(figures.callTimes(results, 'spans', size, name)),
      isBase ? '' : each(figures.loopCpu(results, 'spans', size, name)),
      cell(
        of(({ calls }) => calls.longest),
        2,
      ),
      count(of((run) => figures.acceptedPerSecond(run, size))),
      count(of((run) => size - figures.storedSpans(run, size))),
    ];
  });
  const title = `## ${size.toLocaleString('en')} tool calls, two events each, as fast as they go`;
  return `${title}\n\n${table([...head, ...more], rows)}`;
}

export function throughput(results, experiment) {
  const [size] = results.sizes(experiment);
  const head = ['', 'stored per s', 'not stored', 'recorded in ms', 'CPU ms', 'peak RSS MiB'];
  const rows = names
    .filter((name) => results.runs(experiment, size, name).length > 0)
    .map((name) => {
      const of = (read) => results.figures(experiment, size, name, read);
      return [
        name,
        count(of((run) => figures.storedPerSecond(run, size))),
        count(of((run) => size - figures.storedSpans(run, size))),
        count(of(({ produced }) => produced)),
        count(of(({ cpu }) => cpu)),
        mebibytes(of(({ peakRss }) => peakRss)),
      ];
    });
  const server =
    experiment === 'throughput'
      ? 'the collector, 40,000 per second'
      : 'a server that reads nothing, all at once';
  const title = `## ${size.toLocaleString('en')} tool calls to ${server}, from the first event to the last row`;
  return `${title}\n\n${table(head, rows)}`;
}

export function memory(results, experiment) {
  const titles = {
    'memory-deaf': '## Memory kept when uploads are never answered',
    'memory-hole': '## Memory kept when nothing is ever answered, not even the login',
  };
  const head = ['turns', '', 'RSS MiB', 'heap MiB', 'outside the heap MiB', 'peak RSS MiB'];
  const rows = results
    .sizes(experiment)
    .flatMap((size) =>
      names.map((name) => [
        String(size),
        name,
        ...['rss', 'heap', 'native'].map((kind) =>
          mebibytes(figures.retained(results, experiment, size, name, kind)),
        ),
        mebibytes(results.figures(experiment, size, name, ({ peakRss }) => peakRss)),
        mebibytes(results.figures(experiment, size, name, ({ messageBytes }) => messageBytes)),
        count(results.figures(experiment, size, name, figures.lostRows)),
      ]),
    );
  return `${titles[experiment]}\n\n${table([...head, 'distinct messages MiB', 'rows lost'], rows)}`;
}

export function rules(results) {
  const rows = ['ours', `ours${WITH_RULES}`].map((name) => [
    name,
    cell(figures.callTimes(results, 'rules', 200, name)),
    cell(figures.loopCpu(results, 'rules', 200, name)),
    cell(figures.engineCpu(results, 'rules', 200, name)),
  ]);
  const head = ['', 'calls ms', 'loop CPU ms', 'engine CPU ms'];
  return `## 200 turns with ten redaction rules\n\n${table(head, rows)}`;
}

export function startup(results) {
  const rows = names
    .filter((name) => results.runs('startup', 1, name).length > 0)
    .map((name) => {
      const of = (read) => results.figures('startup', 1, name, read);
      return [
        name,
        cell(of(({ startup }) => startup)),
        cell(of((run) => run.import)),
        cell(of(({ init }) => init)),
        count(of(({ added }) => added?.length)),
      ];
    });
  const head = ['', 'together ms', 'import ms', 'initLogger ms', 'threads started'];
  return `## A cold start\n\n${table(head, rows)}`;
}

export function interceptor(results) {
  const [size] = results.sizes('interceptor');
  const rows = names
    .filter((name) => results.runs('interceptor', size, name).length > 0)
    .map((name) => {
      const calls = figures.callTimes(results, 'interceptor', size, name);
      const loop = figures.loopTimes(results, 'interceptor', size, name);
      return [
        name,
        cell(
          calls.map((ms) => (ms * 1000) / size),
          2,
        ),
        name === 'nothing'
          ? ''
          : cell(
              loop.map((ms) => (ms * 1000) / size),
              2,
            ),
      ];
    });
  const title = `## ${size.toLocaleString('en')} calls of the interceptor for a model's chunks`;
  const note = 'Timing a call takes about 0.1 µs itself. 3.17 has no interceptor.';
  return `${title}\n\n${note}\n\n${table(['', 'call µs', 'loop µs per call'], rows)}`;
}
