/// <reference lib="dom" />
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';

import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { barriersOf } from './support/axe';
import { drawn, holdAnswers, inBrowser, openPageForEachTest } from './support/browser';
import { part, promptSpans } from './support/flue-traces';
import { Replay, recordings } from './support/replay';
import { send, spanId, traceId } from './support/spans';

inBrowser('the list of traces', () => {
  let context: BrowserContext;
  let collector: Collector;
  let page: Page;
  let faults: string[];

  openPageForEachTest((opened) => ({ context, collector, page, faults } = opened));

  const names = () => page.locator('.list-name a').allTextContents();
  const row = (name: string | RegExp) => page.getByRole('row', { name });
  const grid = () => page.getByRole('grid');
  const sendPrompts = (...prompts: Parameters<typeof promptSpans>[0][]) =>
    send(collector.url, ...prompts.flatMap(promptSpans));
  const params = () => new URLSearchParams(new URL(page.url()).hash.split('?')[1] ?? '');
  const chosen = (name: string) =>
    page.locator('[role=row][aria-selected=true]', { hasText: name }).waitFor();

  describe('many tabs', () => {
    /** Counts the connections that stay open. */
    const countFeeds = (of: BrowserContext) => {
      const open = new Set<object>();
      const pages: Page[] = [];
      of.on('request', (request) => {
        if (!request.url().endsWith('/viewer/api/live')) return;
        open.add(request);
        pages.push(request.frame().page());
      });
      of.on('requestfinished', (request) => open.delete(request));
      of.on('requestfailed', (request) => open.delete(request));
      return { open, pages };
    };

    /** Waits until a page has so many whole answers. */
    const answers = (of: Page, path: string, count: number) =>
      new Promise<void>((resolve) => {
        let finished = 0;
        of.on('requestfinished', (request) => {
          if (new URL(request.url()).pathname !== path) return;
          finished += 1;
          if (finished === count) resolve();
        });
      });

    test('ten tabs are live over one connection, and go on when the one that has it is closed', async () => {
      const feeds = countFeeds(context);
      await sendPrompts({ trace: 1, agent: 'first' });
      const pages = [page];
      while (pages.length < 10) pages.push(await context.newPage());
      await Promise.all(pages.map((tab) => tab.goto(collector.url)));
      const see = (tabs: Page[], name: string) =>
        Promise.all(tabs.map((tab) => tab.getByRole('link', { name, exact: true }).waitFor()));
      await see(pages, 'first');
      await sendPrompts({ trace: 2, agent: 'second' });
      await see(pages, 'second');
      expect(feeds.open.size).toBe(1);

      for (const name of ['third', 'fourth']) {
        const leader = feeds.pages.at(-1);
        await leader?.close();
        pages.splice(pages.indexOf(leader!), 1);
        await sendPrompts({ trace: pages.length, agent: name });
        await see(pages, name);
      }
      expect(pages).toHaveLength(8);
      expect(new Set(feeds.pages).size).toBe(3);

      // A click waits for no other tab.
      await Promise.all(
        pages.map(async (tab) => {
          await tab.getByRole('link', { name: 'second', exact: true }).click();
          await tab.locator(`[data-span="${spanId(3, 2)}"]`).waitFor();
        }),
      );
    });

    test('without locks, eight tabs ask again and again, and keep no connection', async () => {
      const feeds = countFeeds(context);
      await context.addInitScript(() =>
        Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }),
      );
      await sendPrompts({ trace: 1, agent: 'first' });
      const pages: Page[] = [];
      while (pages.length < 8) pages.push(await context.newPage());
      await Promise.all(pages.map((tab) => tab.goto(collector.url)));
      const see = (name: string) =>
        Promise.all(pages.map((tab) => tab.getByRole('link', { name, exact: true }).waitFor()));
      await see('first');
      await sendPrompts({ trace: 2, agent: 'second' });
      await see('second');
      expect(feeds.pages).toEqual([]);
      const { port } = collector;
      await collector.close();
      const lost = pages[3]!.getByText('The collector does not answer');
      await lost.waitFor();
      collector = await startCollector({ port });
      await lost.waitFor({ state: 'detached' });
      await sendPrompts({ trace: 3, agent: 'third' });
      await see('third');
    });

    test('the tab with the connection opens it anew when it is silent, and states that it is lost', async () => {
      const feeds = countFeeds(context);
      await sendPrompts({ trace: 1, agent: 'first' });
      await page.clock.install();
      // Once at first, and once when the feed is open: a request under way, as the clock jumps, would take 13 s.
      const lists = answers(page, '/viewer/api/traces', 2);
      await page.goto(collector.url);
      await lists;
      const lost = page.getByText('The collector does not answer');
      // As after a sleep, or on another network: nothing arrives, and nothing fails.
      let isAnswered = false;
      const silent = new Promise<void>((resolve) =>
        page.route('**/viewer/api/live', (route) => (isAnswered ? route.continue() : resolve())),
      );
      await page.clock.fastForward(13_000);
      await Promise.all([lost.waitFor(), silent]);
      isAnswered = true;
      await page.clock.fastForward(13_000);
      await lost.waitFor({ state: 'detached' });
      await sendPrompts({ trace: 2, agent: 'second' });
      await page.getByRole('link', { name: 'second', exact: true }).waitFor();
      expect([feeds.open.size, feeds.pages.length]).toEqual([1, 3]);
    });

    test('a tab that hears nothing of the one with the connection asks the server itself', async () => {
      const feeds = countFeeds(context);
      await sendPrompts({ trace: 1, agent: 'first' });
      // Its timers and its messages stand still, as those of a frozen tab.
      await page.addInitScript(() => {
        BroadcastChannel.prototype.postMessage = () => {};
      });
      await page.goto(collector.url);
      await page.getByRole('link', { name: 'first' }).waitFor();
      const other = await context.newPage();
      await other.clock.install();
      await other.goto(collector.url);
      await other.getByRole('link', { name: 'first' }).waitFor();
      await other.clock.fastForward(20_000);
      await sendPrompts({ trace: 2, agent: 'second' });
      await other.clock.runFor(5_000);
      await other.getByRole('link', { name: 'second' }).waitFor();
      expect(feeds.pages.every((tab) => tab === page)).toBe(true);
    });
  });

  test('a row says who was asked what, the answer, the model, what it took, and what is special', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flue-braintrust-list-'));
    const replay = await Replay.start('list', directory);
    try {
      const wanted =
        /^(?:2\.1\.0\/(?:crash-mid-tool|plain-prompt|model-error|queued-serial)|1\.0\.0-beta\.9\/workflow-success|0\.8\.1\/plain-prompt)$/;
      const recorded = recordings().filter(({ name }) => wanted.test(name));
      expect(recorded).toHaveLength(6);
      await replay.whole(recorded.filter(({ processes }) => processes.length === 1));
      for (const one of recorded.filter(({ processes }) => processes.length > 1)) {
        await replay.asRecorded(one);
      }
      await page.goto(replay.collector.url);
      const crashed = row(/Load the cargo\..*→.*Second crate interrupted; done\./);
      await crashed.waitFor();
      for (const part of ['Stevedore', 'attempt 2', 'interrupted', 'tide-1', '3,209', '33.16 s']) {
        await crashed.getByText(part).first().waitFor();
      }
      const workflow = row(/tide-report.*Saltpan Quay.*→.*Tide is 3\.6 m\./);
      for (const part of ['tide-1', '1,982', '$0.0067', '27 ms'])
        await workflow.getByText(part).waitFor();
      await row(/1 error/)
        .first()
        .waitFor();
      // No row that has an agent reads `flue.prompt`.
      expect((await names()).filter((name) => name === 'flue.prompt').length).toBeLessThan(3);
      expect(faults).toEqual([]);

      await crashed.click();
      await page.getByRole('treegrid').waitFor();
    } finally {
      await replay.close();
      await rm(directory, { recursive: true });
    }
  });

  test('sampled, cancelled, retried and several failures are seen in the list', async () => {
    await sendPrompts(
      { trace: 1, agent: 'ada', metadata: { 'flue.sample_rate': 0.1, 'flue.cancelled': true } },
      {
        trace: 2,
        agent: 'bob',
        error: 'x',
        metadata: { 'flue.attempt': 3, 'flue.max_attempts': 10 },
      },
    );
    await page.goto(collector.url);
    await row(/ada.*cancelled.*sampled 10 %/).waitFor();
    await row(/bob.*1 error.*attempt 3/).waitFor();
    await page.getByTitle('Ended by attempt 3 of 10').waitFor();
  });

  test('it is filtered and sorted, and all of that is in the address, comes back, and can be linked to', async () => {
    await sendPrompts(
      { trace: 1, agent: 'ada', model: 'moss-1', took: 1, cost: 0.5, error: 'dry' },
      { trace: 2, agent: 'ada', model: 'fern-2', took: 9, cost: 0.25 },
      { trace: 3, agent: 'bob', model: 'moss-1', took: 5 },
    );
    await page.goto(collector.url);
    await row(/bob/).waitFor();
    await page.getByRole('button', { name: 'Duration' }).click();
    await expectNames('ada', 'bob', 'ada');
    expect(
      await page.getByRole('columnheader', { name: 'Duration' }).getAttribute('aria-sort'),
    ).toBe('descending');
    await page.getByRole('button', { name: 'Duration' }).click();
    await page
      .locator('[role=columnheader][aria-sort=ascending]', { hasText: 'Duration' })
      .waitFor();
    await page.getByLabel('Agent', { exact: true }).selectOption('ada');
    await page.getByText('2 of 3 traces').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByLabel('Costs at least').fill('0.3');
    await page.getByLabel('Costs at least').press('Enter');
    await page.getByText('1 of 3 traces').waitFor();
    await page.getByLabel('Search traces').fill('dry');
    await page.locator('mark', { hasText: 'dry' }).waitFor();
    await page.waitForFunction(() => location.hash.includes('q=dry'));
    expect(Object.fromEntries(params())).toEqual({
      sort: 'took',
      dir: 'asc',
      agent: 'ada',
      minCost: '0.3',
      q: 'dry',
    });
    const address = page.url();

    await row(/ada/).click();
    await page.getByRole('treegrid').waitFor();
    for (const back of [
      () => page.goBack(),
      () => page.getByRole('link', { name: 'Traces' }).click(),
    ]) {
      await back();
      await page.getByText('1 of 3 traces').waitFor();
      expect(page.url()).toBe(address);
      expect(await page.getByLabel('Search traces').inputValue()).toBe('dry');
      expect(await page.getByLabel('Agent', { exact: true }).inputValue()).toBe('ada');
      await row(/ada/).click();
      await page.getByRole('treegrid').waitFor();
    }

    const other = await context.newPage();
    await other.goto(address);
    await other.getByText('1 of 3 traces').waitFor();
    await other.getByRole('button', { name: 'Reset filters' }).click();
    await other.getByLabel('Search traces').fill('');
    await other.getByText('3 traces', { exact: true }).waitFor();
    expect(new URL(other.url()).hash).toBe('#/?sort=took&dir=asc');
    expect(faults).toEqual([]);
  });

  async function expectNames(...expected: string[]) {
    await page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('.list-name a')].map((a) => a.textContent).join() === wanted,
      expected.join(),
    );
  }

  test('a search goes on in the trace that it found, and is marked there', async () => {
    await sendPrompts(
      { trace: 1, agent: 'ada', answer: 'The Orchid is dry.' },
      { trace: 2, agent: 'bob' },
    );
    await page.goto(collector.url);
    await page.getByLabel('Search traces').fill('orchid');
    await page.getByText('1 of 2 traces').waitFor();
    await row(/ada.*The Orchid is dry\./).click();
    await page.locator(`[data-span="${spanId(3)}"]`).click();
    await page.getByRole('complementary').getByText('The Orchid is dry.').first().waitFor();
    expect(await page.getByLabel('Search this trace').inputValue()).toBe('orchid');
    const marked = () => {
      const found = CSS.highlights.get('found') as unknown as Set<Range> | undefined;
      return [...(found ?? [])].map(String);
    };
    await page.waitForFunction(() => (CSS.highlights.get('found')?.size ?? 0) > 0);
    expect(new Set(await page.evaluate(marked))).toEqual(new Set(['Orchid']));
    await page.getByLabel('Search this trace').fill('');
    await page.waitForFunction(() => !CSS.highlights.has('found'));
    expect(faults).toEqual([]);
  });

  test('scroll and active row come back, and rows stay in their place while others come', async () => {
    const many = Array.from({ length: 400 }, (_, n) => ({ trace: n + 1, agent: `agent ${n + 1}` }));
    await sendPrompts(...many);
    await page.goto(collector.url);
    await row(/agent 400/).waitFor();
    await grid().evaluate((box) => (box.scrollTop = 200 * 28));
    const link = page.getByRole('link', { name: 'agent 190', exact: true });
    await link.waitFor();
    await page.waitForFunction(() => location.hash.includes('top=200'));
    const top = () => link.evaluate((element) => element.getBoundingClientRect().top);
    const before = await top();
    await sendPrompts({ trace: 500 }, { trace: 501 }, { trace: 502 });
    await page.getByText('403 traces').waitFor();
    expect(Math.abs((await top()) - before)).toBeLessThan(28);

    await grid().focus();
    await link.click();
    await page.getByRole('treegrid').waitFor();
    await page.goBack();
    await link.waitFor();
    expect(Math.abs((await top()) - before)).toBeLessThan(28 * 2);
    await page.reload();
    await link.waitFor();
    expect(await link.isVisible()).toBe(true);
  });

  test('the active row is a trace, also while others come above it', async () => {
    await sendPrompts({ trace: 1, agent: 'ada' }, { trace: 2, agent: 'bob' });
    await page.goto(collector.url);
    await row(/bob/).waitFor();
    await page.keyboard.press('j');
    await chosen('bob');
    await sendPrompts({ trace: 3, agent: 'cleo' });
    await row(/cleo/).waitFor();
    await chosen('bob');
    await page.keyboard.press('Enter');
    await page.waitForFunction((id) => location.hash.includes(id), traceId(2));
    // The next update of a row does not take it away.
    await page.goBack();
    await chosen('bob');
  });

  test('the active row stays active while one scrolls far away', async () => {
    const many = Array.from({ length: 400 }, (_, n) => ({ trace: n + 1, agent: `a${n + 1}` }));
    await sendPrompts(...many);
    const link = (name: string) => page.getByRole('link', { name, exact: true });
    await page.goto(collector.url);
    await link('a400').waitFor();
    await grid().focus();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await chosen('a399');
    await grid().evaluate((box) => (box.scrollTop = box.scrollHeight));
    // Only the rows around the last one are loaded now.
    await link('a1').waitFor();
    await page.keyboard.press('j');
    await chosen('a398');
  });

  test('everything can be done with the keyboard, and the focus follows', async () => {
    await sendPrompts(
      { trace: 1, agent: 'ada', error: 'dry', conversation: 'c' },
      { trace: 2, agent: 'bob' },
      { trace: 3, agent: 'cleo', error: 'wet' },
    );
    await page.goto(collector.url);
    await row(/cleo/).waitFor();
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName,
      );
    await page.keyboard.press('j');
    await chosen('cleo');
    await page.keyboard.press('j');
    await chosen('bob');
    await page.keyboard.press('k');
    await chosen('cleo');
    await page.keyboard.press('n');
    await chosen('ada');
    await page.keyboard.press('n');
    await chosen('cleo');
    await page.keyboard.press('p');
    await chosen('ada');
    await page.keyboard.press('c');
    await page.waitForFunction(() => location.hash === '#/conversation/c');
    await page.getByRole('article').first().waitFor();
    await page.keyboard.press('j');
    await page.waitForFunction(() => document.activeElement?.closest('.turn') !== null);
    await page.keyboard.press('Escape');
    await chosen('ada');
    await page.keyboard.press('Enter');
    await page.getByRole('treegrid').waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'treegrid');
    await page.keyboard.press('j');
    await page.getByRole('complementary').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await chosen('ada');
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'grid');

    await page.keyboard.press('/');
    expect(await focused()).toBe('Search traces');
    await page.keyboard.type('jn?');
    expect(await page.getByLabel('Search traces').inputValue()).toBe('jn?');
    await page.getByText('No trace matches.').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByLabel('Search traces').inputValue()).toBe('');
    await row(/bob/).waitFor();
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Traces');

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // Sorting is a button of its column.
    await page.getByRole('button', { name: 'Agent' }).focus();
    await page.keyboard.press('Enter');
    await expectNames('ada', 'bob', 'cleo');
    expect(faults).toEqual([]);
  });

  test('50 traces of one conversation are one row, and one page that reads as a conversation', async () => {
    const turns = Array.from({ length: 50 }, (_, n) => ({
      trace: n + 1,
      conversation: 'c',
      ...(n === 48 && { error: 'The can leaks.' }),
    }));
    await sendPrompts(...turns, { trace: 60, agent: 'other', instance: 'o' });
    await page.goto(collector.url);
    await row(/other/).waitFor();
    await page.getByRole('button', { name: 'Group by conversation' }).click();
    await page.getByText('2 conversations of 51 traces').waitFor();
    await row(/gardener.*50 traces.*question 1.*answer 50.*1 error/).click();
    await page.waitForFunction(() => location.hash === '#/conversation/c');
    const main = page.getByRole('main');
    await main.getByText('answer 50', { exact: true }).waitFor();
    expect(await main.getByRole('article').count()).toBe(2 * 30);
    await page.getByRole('button', { name: 'Show earlier traces (20 more)' }).click();
    await main.getByText('question 1', { exact: true }).waitFor();
    expect(await main.getByRole('article').count()).toBe(2 * 50);
    expect((await main.getByRole('article').allTextContents()).slice(0, 3)).toEqual([
      expect.stringContaining('question 1'),
      expect.stringContaining('answer 1'),
      expect.stringContaining('question 2'),
    ]);
    // What was done is folded in.
    const failed = main.locator(`[data-trace="${traceId(49)}"]`);
    expect(await failed.getByText('The can leaks.').count()).toBe(0);
    await failed.locator('summary', { hasText: /1 tool call.*1 error/ }).click();
    await failed.getByText('The can leaks.').waitFor();
    await sendPrompts({ trace: 51, conversation: 'c', answer: 'while one watches' });
    await main.getByText('while one watches').waitFor();

    await failed.getByRole('link', { name: 'tool:water' }).click();
    await page.getByRole('complementary', { name: 'Span tool:water' }).waitFor();
    expect(page.url()).toBe(`${collector.url}/#/trace/${traceId(49)}/span/${spanId(2, 49)}`);
    await page.goBack();
    await main.getByText('while one watches').waitFor();
    await page.getByRole('link', { name: 'All of this instance' }).click();
    await page.waitForFunction(() => location.hash === '#/instance/gardener-1/gardener');
    await page.getByText('51 traces').waitFor();
    await page.getByRole('link', { name: 'Traces', exact: true }).click();
    await page.getByText('2 conversations of 52 traces').waitFor();
    expect(faults).toEqual([]);
  });

  test('a step of an attempt that died has no end, and does not run', async () => {
    const ids = { 'flue.conversation_id': 'c', 'flue.operation': 'prompt' };
    await send(
      collector.url,
      { n: 0, name: 'flue.prompt', start: 0, end: 40, input: 'Weigh it.', metadata: ids },
      part(1, 'op_1', 'llm:m', 1, { end: undefined }),
      part(2, 'op_2', 'llm:m', 36),
    );
    await page.goto(`${collector.url}/#/conversation/c`);
    await page.locator('summary', { hasText: /2 model turns.*interrupted/ }).click();
    const [died, ended] = await page.getByRole('main').getByRole('listitem').allTextContents();
    expect(died).toMatch(/interrupted.*no end/);
    expect(ended).not.toMatch(/interrupted|no end/);
    expect(await page.getByText('running').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  describe('while an answer is on its way', () => {
    test('traces are not named conversations', async () => {
      await sendPrompts({ trace: 1, agent: 'ada', conversation: 'c' }, { trace: 2, agent: 'cleo' });
      await page.goto(collector.url);
      await page.getByText('2 traces').waitFor();
      const { asked, go } = await holdAnswers(page, /api\/traces\?.*group=conversation/);
      await page.getByRole('button', { name: 'Group by conversation' }).click();
      await asked;
      await drawn(page);
      expect(await page.getByRole('status').allTextContents()).toContain('2 traces');
      expect(await grid().getAttribute('aria-label')).toBe('Traces');
      go();
      await page.getByText('2 conversations of 2 traces').waitFor();
      expect(await grid().getAttribute('aria-label')).toBe('Conversations');
      expect(faults).toEqual([]);
    });

    test('a column has the arrow of the order that is shown', async () => {
      await sendPrompts({ trace: 1, agent: 'cleo' }, { trace: 2, agent: 'ada' });
      await page.goto(collector.url);
      await row(/ada/).waitFor();
      const sorted = () => page.locator('[aria-sort]').textContent();
      const { asked, go } = await holdAnswers(page, /api\/traces\?.*sort=title/);
      await page.getByRole('button', { name: 'Agent' }).click();
      await asked;
      await drawn(page);
      expect(await sorted()).toMatch(/Age\s+↓/);
      // A second click means the order that the first one has asked for.
      await page.getByRole('button', { name: 'Agent' }).click();
      await page.waitForFunction(() => location.hash.includes('dir=desc'));
      go();
      await page.locator('[aria-sort=descending]', { hasText: 'Agent' }).waitFor();
      expect(await names()).toEqual(['cleo', 'ada']);
    });

    test('a trace that the search has not found opens without it', async () => {
      await sendPrompts({ trace: 1, agent: 'ada', question: 'rain' });
      await page.goto(collector.url);
      await row(/ada/).waitFor();
      const { asked } = await holdAnswers(page, /api\/traces\?.*q=snow/);
      await page.getByRole('searchbox').fill('snow');
      await asked;
      await drawn(page);
      await page.getByRole('link', { name: 'ada' }).click();
      await page.getByRole('treegrid').getByRole('row').first().waitFor();
      expect(new URL(page.url()).hash).not.toContain('snow');
    });

    test('the next error is of the list, the row and the place that it was asked for', async () => {
      await sendPrompts(
        { trace: 1, agent: 'ada', error: 'dry' },
        { trace: 2, agent: 'bob' },
        { trace: 3, agent: 'cleo' },
      );
      await page.goto(collector.url);
      await row(/cleo/).waitFor();
      const first = await holdAnswers(page, /api\/next-error/);
      await page.keyboard.press('n');
      await first.asked;
      await page.keyboard.press('/');
      await page.keyboard.type('c');
      first.go();
      await row(/cleo/).waitFor();
      await page.keyboard.type('le');
      await page.waitForFunction(() => location.hash === '#/?q=cle');
      await page.getByText('1 of 3 traces').waitFor();
      expect(await page.locator('[aria-selected=true]').count()).toBe(0);

      await page.keyboard.press('Escape');
      await page.getByText('3 traces', { exact: true }).waitFor();
      await page.unroute(/api\/next-error/);
      const second = await holdAnswers(page, /api\/next-error/);
      await page.keyboard.press('Escape');
      await page.keyboard.press('n');
      await second.asked;
      await page.keyboard.press('j');
      await chosen('cleo');
      second.go();
      await sendPrompts({ trace: 4, agent: 'dan' });
      await row(/dan/).waitFor();
      await chosen('cleo');
      expect(faults).toEqual([]);
    });

    test('a row that was chosen before it was loaded stays chosen', async () => {
      const many = Array.from({ length: 400 }, (_, n) => ({ trace: n + 1, agent: `a${n + 1}` }));
      await sendPrompts(...many);
      await page.goto(collector.url);
      await row('a400').waitFor();
      const { asked, go } = await holdAnswers(page, /offset=[1-9]/);
      await grid().focus();
      await page.keyboard.press('End');
      await asked;
      go();
      await chosen('a1');
      await sendPrompts({ trace: 401, agent: 'a401' });
      await page.getByText('401 traces').waitFor();
      await chosen('a1');
      await page.keyboard.press('Enter');
      await page.waitForFunction((id) => location.hash.includes(id), traceId(1));
    });
  });

  test('texts from right to left, and those that look like markup, are shown as they are', async () => {
    const hostile = `<img src=x onerror=alert(1)><script>alert(2)</script>"'\`&lt;`;
    const hebrew = 'מה שלום הגן?';
    const named = { agent: hostile, model: hostile, conversation: hostile, instance: hostile };
    await sendPrompts(
      { trace: 1, ...named, question: hostile, answer: hostile, error: hostile },
      { trace: 2, agent: 'גנן', question: hebrew, answer: 'טוב (very)' },
    );
    await page.goto(
      `${collector.url}/#/?q=${encodeURIComponent(hostile)}&agent=${encodeURIComponent(hostile)}`,
    );
    await page.locator('mark', { hasText: '<img' }).waitFor();
    await page.getByRole('button', { name: 'Reset filters' }).click();
    await page.getByLabel('Search traces').fill('');
    await row(/גנן/).waitFor();
    const direction = await page
      .locator('bdi', { hasText: hebrew })
      .evaluate((element) => getComputedStyle(element).direction);
    expect(direction).toBe('rtl');
    await page.getByRole('button', { name: 'Group by conversation' }).click();
    await page.getByText('2 conversations of 2 traces').waitFor();
    await page.getByRole('link', { name: hostile }).click();
    await page.getByRole('article').first().waitFor();
    await page.locator('summary').first().click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(hostile);
    expect(await page.getByRole('article').first().textContent()).toContain(hostile);
    expect(await page.locator('img, body script, iframe, object').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('axe finds no barrier in any view', async () => {
    await sendPrompts(
      { trace: 1, agent: 'ada', error: 'dry', conversation: 'c', metadata: { 'flue.attempt': 2 } },
      { trace: 2, agent: 'ada', conversation: 'c', cost: 0.1 },
    );
    await send(collector.url, { n: 0, trace: 3, name: 'running', start: 30 });
    /** An address, and what is seen when the view is there. */
    const views: [string, string | RegExp][] = [
      ['#/', 'running'],
      ['#/?q=dry', 'dry'],
      ['#/?q=nothing', 'No trace matches.'],
      ['#/?group=conversation&minCost=0', 'ada'],
      ['#/conversation/c', 'answer 2'],
      ['#/conversation/none', 'There is no such conversation'],
    ];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [address, text] of views) {
        await page.goto(`${collector.url}/${address}`);
        await page.getByRole('main').getByText(text).first().waitFor();
        if (address.includes('/conversation/c')) await page.locator('summary').first().click();
        expect([colorScheme, address, await barriersOf(page)]).toEqual([colorScheme, address, []]);
      }
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await page.keyboard.press('Escape');
    }
  });
});
