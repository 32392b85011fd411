import { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { startApplication } from '../tools/cli/application';
import { Family, MARK } from '../tools/cli/family';
import { environment } from './support/run';

/*
 * Which processes `dev` takes for those of its application, and what it does about one that it cannot kill.
 */

const linuxTest = process.platform === 'linux' ? test : test.skip;

afterEach(() => jest.restoreAllMocks());

/** Lets `/proc` show these processes, and no others. */
function showing(processes: Record<number, { parent: number; session: number; start: number }>) {
  jest.restoreAllMocks();
  const readFile = fs.readFileSync;
  jest.spyOn(fs, 'readdirSync').mockReturnValue([...Object.keys(processes), 'meminfo'] as never);
  jest.spyOn(fs, 'readFileSync').mockImplementation(((file: string, ...rest: never[]) => {
    const [, pid, name] = /^\/proc\/(\d+)\/(\w+)$/.exec(file) ?? [];
    if (pid === undefined) return readFile(file, ...rest);
    const one = processes[Number(pid)];
    if (one === undefined) throw new Error('ENOENT');
    if (name === 'environ') return Number(pid) === process.pid ? '' : `A=1\0${MARK}=mark\0`;
    const between = Array.from({ length: 15 }, () => 0).join(' ');
    return `${pid} (a b) S ${one.parent} 1 ${one.session} ${between} ${one.start} 0\n`;
  }) as never);
}

const me = { [process.pid]: { parent: 1, session: 5, start: 1 } };

linuxTest('a process that has got the id of one that has ended is a stranger', () => {
  showing({ ...me, 700: { parent: process.pid, session: 5, start: 10 } });
  const family = new Family(700, 'none');
  showing({
    ...me,
    700: { parent: process.pid, session: 5, start: 10 },
    701: { parent: 700, session: 5, start: 11 },
  });
  expect(family.members()).toEqual([701]);
  showing({
    ...me,
    700: { parent: 1, session: 9, start: 90 },
    701: { parent: 1, session: 9, start: 91 },
    702: { parent: 700, session: 9, start: 92 },
    703: { parent: 701, session: 9, start: 93 },
  });
  expect(family.members()).toEqual([]);
});

linuxTest('what a daemon starts later is let alone, and what leaves the application is not', () => {
  const root = { 700: { parent: process.pid, session: 5, start: 10 } };
  showing({ ...me, ...root });
  const family = new Family(700, 'mark');
  const daemon = { 710: { parent: 1, session: 710, start: 12 } };
  // As below `script`, which gives the application a session of its own.
  const below = { 720: { parent: 700, session: 720, start: 13 } };
  const left = { 721: { parent: 1, session: 720, start: 14 } };
  showing({ ...me, ...root, ...daemon, ...below, ...left });
  expect(family.members()).toEqual([720, 721]);
  const late = { 711: { parent: 710, session: 711, start: 20 } };
  const own = { 730: { parent: 1, session: 730, start: 21 } };
  showing({ ...me, ...root, ...daemon, ...below, ...late, ...own });
  expect(family.members()).toEqual([720, 730]);
  // The daemon has ended, and what it has started has not.
  showing({ ...me, ...root, ...late, ...own });
  expect(family.members()).toEqual([730]);
});

linuxTest('where there is no /proc, there are no processes', () => {
  jest.spyOn(fs, 'readdirSync').mockImplementation(() => {
    throw new Error('ENOENT');
  });
  jest.spyOn(fs, 'readFileSync').mockImplementation(() => {
    throw new Error('ENOENT');
  });
  expect(new Family(700, 'mark').members()).toEqual([]);
});

linuxTest(
  'an application that cannot be killed, as one of another user, is named and left',
  async () => {
    const application = await startApplication(
      ['sh', '-c', 'sleep 60 & sleep 60'],
      environment({}),
    );
    jest.spyOn(process, 'kill').mockReturnValue(true);
    jest.spyOn(ChildProcess.prototype, 'kill').mockReturnValue(true);
    expect(application.survivors).toEqual([]);
    application.kill();
    application.kill();
    const code = await application.ended;
    const { survivors } = application;
    jest.restoreAllMocks();
    for (const pid of survivors) process.kill(pid, 'SIGKILL');
    expect({ code, survivors: survivors.length }).toEqual({ code: 137, survivors: 3 });
  },
);
