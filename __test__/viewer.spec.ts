/// <reference lib="dom" />
import type { Page } from 'playwright-core';

import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { HOSTILE, inBrowser, openPageForEachTest } from './support/browser';
import { PIXEL, attach } from './support/attachments';
import { type Sent, send, spanId, traceId } from './support/spans';

inBrowser('the trace viewer', () => {
  let collector: Collector;
  let page: Page;
  let faults: string[];

  openPageForEachTest((opened) => ({ collector, page, faults } = opened));

  const grid = () => page.getByRole('treegrid', { name: 'Spans' });
  const rowOf = (n: number) => page.locator(`[data-span="${spanId(n)}"]`);
  const details = () => page.getByRole('complementary');
  const openTrace = (span?: number) =>
    page.goto(
      `${collector.url}/#/trace/${traceId()}${span === undefined ? '' : `/span/${spanId(span)}`}`,
    );
  /** How deep each span in sight lies, by its name, from top to bottom. */
  const tree = () =>
    grid()
      .getByRole('row')
      .evaluateAll((rows) =>
        rows.map((row) => [
          row.querySelector('.text')?.textContent,
          row.getAttribute('aria-level'),
        ]),
      );

  test('without traces it says what to set, and shows the first one when it comes', async () => {
    await page.goto(collector.url);
    await page.getByText('No traces yet').waitFor();
    expect(await page.locator('pre').textContent()).toBe(
      `export BRAINTRUST_API_KEY=local
export BRAINTRUST_APP_URL=${collector.url}
export BRAINTRUST_API_URL=${collector.url}
export BRAINTRUST_ORG_NAME=local`,
    );
    await send(collector.url, { n: 0, name: 'flue.prompt', start: 0 });
    await page.getByRole('row', { name: /flue\.prompt.*running/ }).waitFor();
    expect(faults).toEqual([]);
  });

  test('where other machines can reach it, the key to set is the token', async () => {
    const open = await startCollector({ host: '0.0.0.0', token: 'sesame', apiKey: 'sesame' });
    try {
      const address = `http://0.0.0.0:${open.port}/`;
      const key = () => page.locator('pre', { hasText: 'API_KEY' }).textContent();
      await page.goto(`${address}?token=sesame`);
      expect(await key()).toContain('BRAINTRUST_API_KEY=sesame\n');
      // The browser has the token as a cookie now, which the page cannot read.
      await page.goto(address);
      expect(await key()).toContain('BRAINTRUST_API_KEY=<the token that dev has printed>\n');
    } finally {
      await open.close();
    }
  });

  test('a running trace grows while one watches, and ends', async () => {
    await send(collector.url, { n: 0, name: 'flue.prompt', start: 0 });
    await openTrace();
    await rowOf(0).getByText('running').waitFor();
    await send(collector.url, { n: 1, parent: 0, name: 'llm:moss-1', type: 'llm', start: 1 });
    await rowOf(1).getByText('running').waitFor();
    await send(
      collector.url,
      { n: 1, parent: 0, name: 'llm:moss-1', type: 'llm', start: 1, end: 1.25 },
      { n: 0, name: 'flue.prompt', start: 0, end: 2 },
    );
    await rowOf(1).getByText('250 ms').waitFor();
    await rowOf(0).getByText('2.00 s').waitFor();
    expect(await page.getByText('running').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('an open span shows what is logged to it later', async () => {
    await send(collector.url, { n: 0, name: 'flue.prompt', start: 0, input: 'How cold is it?' });
    await openTrace(0);
    await details().getByText('How cold is it?').waitFor();
    await send(collector.url, {
      n: 0,
      name: 'flue.prompt',
      start: 0,
      end: 1,
      output: 'Minus four.',
    });
    await details().getByText('Minus four.').waitFor();
  });

  test('the list has the newest on top, also of those that come later', async () => {
    await send(collector.url, { n: 0, trace: 1, name: 'first', start: 0, end: 1 });
    await page.goto(collector.url);
    await page.getByRole('link', { name: 'first' }).waitFor();
    await send(
      collector.url,
      { n: 0, trace: 3, name: 'third', start: 20, end: 21 },
      { n: 0, trace: 2, name: 'second', start: 10, end: 11 },
    );
    await page.getByRole('link', { name: 'third' }).waitFor();
    expect(await page.locator('.list-name a').allTextContents()).toEqual([
      'third',
      'second',
      'first',
    ]);
  });

  test('nesting, times, tokens and cost are those of the rows', async () => {
    const llm = { type: 'llm', metrics: { tokens: 1204, estimated_cost: 0.0123 } };
    await send(
      collector.url,
      { n: 3, parent: 2, name: 'task:botanist', start: 5, end: 7 },
      { n: 2, parent: 0, name: 'tool:task', type: 'tool', start: 4, end: 8 },
      { n: 1, parent: 0, name: 'llm:moss-1', start: 1, end: 3, ...llm },
      { n: 0, name: 'flue.prompt', start: 0, end: 10 },
    );
    await openTrace();
    await rowOf(3).waitFor();
    expect(await tree()).toEqual([
      ['flue.prompt', '1'],
      ['llm:moss-1', '2'],
      ['tool:task', '2'],
      ['task:botanist', '3'],
    ]);
    const [lane = { x: 0, width: 0 }] = [await rowOf(0).locator('.lane').boundingBox()];
    for (const [n, start, end] of [
      [0, 0, 10],
      [1, 1, 3],
      [2, 4, 8],
      [3, 5, 7],
    ] as const) {
      const bar = await rowOf(n).locator('.bar-of').boundingBox();
      expect(((bar?.x ?? 0) - (lane?.x ?? 0)) / (lane?.width ?? 1)).toBeCloseTo(start / 10, 2);
      expect((bar?.width ?? 0) / (lane?.width ?? 1)).toBeCloseTo((end - start) / 10, 2);
      await rowOf(n)
        .getByText(`${end - start}.00 s`)
        .waitFor();
    }
    await rowOf(1).getByText('1,204').waitFor();
    await rowOf(1).getByText('$0.0123').waitFor();
    await page.getByText('10.00 s · 4 spans · 1,204 tokens · $0.0123').waitFor();
  });

  test.each([
    [
      "OpenAI's form",
      [
        { role: 'user', content: 'Is it cold?' },
        {
          role: 'assistant',
          content: 'Let me look.',
          reasoning: [{ content: 'I do not know yet.' }],
          tool_calls: [
            {
              id: 'c1',
              type: 'function',
              function: { name: 'forecast', arguments: '{"hours":12}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', name: 'forecast', content: '{"lowC":-4}' },
      ],
      [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Minus four.' } }],
    ],
    [
      "Flue's form",
      [
        { role: 'user', content: [{ type: 'text', text: 'Is it cold?' }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'I do not know yet.' },
            { type: 'text', text: 'Let me look.' },
            { type: 'toolCall', id: 'c1', name: 'forecast', arguments: { hours: 12 } },
          ],
        },
        {
          role: 'toolResult',
          toolCallId: 'c1',
          toolName: 'forecast',
          content: [{ type: 'text', text: '{"lowC":-4}' }],
        },
      ],
      { role: 'assistant', content: [{ type: 'text', text: 'Minus four.' }] },
    ],
  ])('a turn that uses tools is a conversation, in %s', async (_form, input, output) => {
    await send(collector.url, {
      n: 0,
      name: 'llm:moss-1',
      type: 'llm',
      start: 0,
      end: 1,
      input,
      output,
    });
    await openTrace(0);
    const messages = details().getByRole('article');
    await messages.nth(3).waitFor();
    expect(await messages.locator('header b').allTextContents()).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
    ]);
    expect(await messages.nth(1).locator('.call').textContent()).toMatch(
      /calls forecast.*"hours": 12/s,
    );
    expect(await messages.nth(2).textContent()).toMatch(/forecast.*"lowC": -4/s);
    expect(await messages.nth(3).textContent()).toContain('Minus four.');

    const thought = messages.nth(1).getByText('I do not know yet.');
    expect(await thought.isVisible()).toBe(false);
    await messages.nth(1).getByText('Thinking').click();
    expect(await thought.isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  test('pictures that a span refers to are shown, and other files can be opened', async () => {
    const [picture, file] = [
      '2cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e',
      '3cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e',
    ];
    const missing = '4cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e';
    await attach(collector.url, picture, PIXEL, 'image/png', 'pixel.png');
    await attach(collector.url, file, Buffer.from('<svg/>'), 'image/svg+xml', 'drawing.svg');
    const reference = (key: string, filename: string, content_type: string) => ({
      type: 'braintrust_attachment',
      key,
      filename,
      content_type,
    });
    const url = reference(picture, 'pixel.png', 'image/png');
    const input = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
    const output = {
      text: `[image attached: image/png, 70 bytes, sha256 2cf24dba5fb0a30e, key ${missing}]`,
      json: JSON.stringify(reference(file, 'drawing.svg', 'image/svg+xml')),
    };
    await send(collector.url, {
      n: 0,
      name: 'llm:m',
      type: 'llm',
      start: 0,
      end: 1,
      input,
      output,
    });
    await openTrace(0);
    const image = details().getByRole('img', { name: 'pixel.png' });
    await image.waitFor();
    expect(
      await image.evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalWidth)),
    ).toBe(1);
    await details().getByRole('link', { name: 'drawing.svg' }).waitFor();
    expect(await details().getByRole('img', { name: 'drawing.svg' }).count()).toBe(0);
    await details().getByText('is not here').waitFor();
  });

  test('metadata, metrics and the whole row can be read', async () => {
    const more = { metadata: { model: 'moss-1', deep: { er: [1] } }, metrics: { tokens: 7 } };
    await send(collector.url, { n: 0, name: 'llm:moss-1', type: 'llm', start: 0, end: 1, ...more });
    await openTrace(0);
    await details().getByText('tokens', { exact: true }).waitFor();
    await details().getByText('Metadata').click();
    await details().getByText('"er"').waitFor();
    await details().getByText('Raw JSON').click();
    await details().getByText('"row-1-0"').waitFor();
    const raw = await details().locator('.code').last().textContent();
    expect(JSON.parse(raw ?? '')).toEqual(collector.row('row-1-0'));
  });

  test('an error is seen in the list, in the waterfall and in the span', async () => {
    const error = 'The north vent is jammed.\n    at closeVent (vents.js:7)';
    await send(
      collector.url,
      { n: 0, name: 'flue.prompt', start: 0, end: 1 },
      { n: 1, parent: 0, name: 'tool:close_vent', type: 'tool', start: 0, end: 1, error },
    );
    await page.goto(collector.url);
    await page.getByRole('row', { name: /flue\.prompt.*1 error/ }).click();
    expect(await rowOf(1).getAttribute('class')).toContain('failed');
    expect(await rowOf(0).getAttribute('class')).not.toContain('failed');
    await rowOf(1).click();
    const shown = details().getByRole('region', { name: 'Error' });
    expect(await shown.textContent()).toContain(error);

    await rowOf(0).click();
    await page.getByRole('button', { name: '1 error' }).click();
    await page
      .getByRole('row', { name: 'tool:close_vent failed took 1.00 s', selected: true })
      .waitFor();
  });

  test('search finds traces by content, and spans within one; filters leave the rest out', async () => {
    await send(
      collector.url,
      { n: 0, trace: 1, name: 'orchids', start: 0, end: 1 },
      { n: 1, trace: 1, parent: 0, name: 'tool:a', start: 0, end: 1, output: 'Dracula "simia"' },
      { n: 2, trace: 1, parent: 0, name: 'tool:b', start: 0, end: 1, error: 'no' },
      { n: 0, trace: 2, name: 'ferns', start: 5, end: 6 },
      { n: 0, trace: 3, name: 'mosses', start: 7 },
    );
    await page.goto(collector.url);
    await page.getByText('3 traces').waitFor();
    const names = () => page.locator('.list-name a').allTextContents();
    await page.getByLabel('Search traces').fill('dracula "SIMIA"');
    await page.getByText('1 of 3 traces').waitFor();
    expect(await names()).toEqual(['orchids']);
    await page.getByLabel('Search traces').fill('nowhere');
    await page.getByText('No trace matches.').waitFor();
    await page.getByLabel('Search traces').fill('');
    for (const [status, expected] of [
      ['running', 'mosses'],
      ['failed', 'orchids'],
    ] as const) {
      await page.getByLabel('Which traces').selectOption(status);
      await page.getByText('1 of 3 traces').waitFor();
      await page.getByRole('link', { name: expected }).waitFor();
      expect(await names()).toEqual([expected]);
    }

    await page.getByRole('link', { name: 'orchids' }).click();
    await rowOf(2).waitFor();
    await page.getByLabel('Search this trace').fill('simia');
    await page.getByText('1 span of 3 contain it').waitFor();
    // With the span above it.
    expect((await tree()).map(([name]) => name)).toEqual(['orchids', 'tool:a']);
  });

  test('a link leads to a trace and a span, and what is chosen can be linked to', async () => {
    await send(
      collector.url,
      { n: 0, name: 'flue.prompt', start: 0, end: 1 },
      { n: 1, parent: 0, name: 'tool:a', start: 0, end: 1, output: 'of the tool' },
    );
    await openTrace(1);
    await details().getByText('of the tool').waitFor();
    expect(await rowOf(1).getAttribute('aria-selected')).toBe('true');
    await rowOf(0).click();
    expect(page.url()).toBe(`${collector.url}/#/trace/${traceId()}/span/${spanId(0)}`);
    await page.reload();
    await page.getByRole('complementary', { name: 'Span flue.prompt' }).waitFor();
  });

  test('a missing trace is reported, and appears when it comes', async () => {
    await openTrace();
    await page.getByText('There is no such trace').waitFor();
    await send(collector.url, { n: 0, name: 'flue.prompt', start: 0, end: 1 });
    await rowOf(0).waitFor();
  });

  test('a lost collector is reported, and the page goes on when it is back', async () => {
    await send(collector.url, { n: 0, name: 'before', start: 0, end: 1 });
    await page.goto(collector.url);
    await page.getByRole('link', { name: 'before' }).waitFor();
    const { port } = collector;
    await collector.close();
    await page.getByText('The collector does not answer').waitFor();
    collector = await startCollector({ port });
    await send(collector.url, { n: 0, trace: 2, name: 'after', start: 0, end: 1 });
    await page.getByRole('link', { name: 'after' }).waitFor();
    await page.getByText('The collector does not answer').waitFor({ state: 'detached' });
  });

  test('whatever a trace contains is shown as text and never executed', async () => {
    const hostile = {
      name: HOSTILE,
      error: HOSTILE,
      metadata: { [HOSTILE]: HOSTILE, __proto__: null, constructor: HOSTILE },
      input: [{ role: HOSTILE, name: HOSTILE, content: HOSTILE }],
      output: { dangerouslySetInnerHTML: { __html: HOSTILE }, type: 'script', props: {} },
      tags: [HOSTILE],
    };
    await send(collector.url, { n: 0, start: 0, end: 1, type: 'task', ...hostile });
    await page.goto(collector.url);
    await page.getByRole('link', { name: HOSTILE }).click();
    await rowOf(0).click();
    await details().getByText('Metadata').click();
    await details().getByText('Raw JSON').click();
    await details().getByText('"row-1-0"').waitFor();
    expect(await details().getByRole('heading', { level: 2 }).textContent()).toBe(HOSTILE);
    expect(await details().getByRole('article').textContent()).toContain(HOSTILE);
    expect(await page.locator('img, body script, iframe, object').count()).toBe(0);
    expect(await page.title()).toBe(HOSTILE);
    expect(faults).toEqual([]);
  });

  test('the page runs no script but its own, even if one got into it', async () => {
    await page.goto(collector.url);
    await page.getByText('No traces yet').waitFor();
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      const image = document.createElement('div');
      image.innerHTML = '<img src="/viewer/icon.svg" onload="window.ran = true">';
      document.body.append(image);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return 'ran' in window;
    });
    expect(ran).toBe(false);
    expect(faults.join()).toContain('Content Security Policy');
  });

  test('everything can be done with the keyboard', async () => {
    await send(
      collector.url,
      { n: 0, name: 'flue.prompt', start: 0, end: 9 },
      { n: 1, parent: 0, name: 'tool:task', start: 1, end: 4 },
      { n: 2, parent: 1, name: 'task:botanist', start: 2, end: 3 },
      { n: 3, parent: 0, name: 'tool:last', start: 5, end: 6, output: 'done' },
    );
    const chosen = (name: string) =>
      page.locator('[role=row][aria-selected=true]').getByText(name, { exact: true }).waitFor();
    await page.goto(collector.url);
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('[role=row][aria-selected=true]').waitFor();
    await page.keyboard.press('Enter');
    await grid().focus();
    await page.keyboard.press('Home');
    await chosen('flue.prompt');
    await page.keyboard.press('ArrowRight');
    await chosen('tool:task');
    await page.keyboard.press('ArrowLeft');
    await rowOf(2).waitFor({ state: 'detached' });
    expect(await rowOf(1).getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('ArrowDown');
    await chosen('tool:last');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await chosen('task:botanist');
    await page.keyboard.press('ArrowLeft');
    await chosen('tool:task');
    await page.keyboard.press('End');
    await chosen('tool:last');
    await details().getByText('done').waitFor();
    await page.locator('[aria-activedescendant="row-3"]').waitFor();
    const active = await grid().getAttribute('aria-activedescendant');
    expect(await page.locator(`#${active} .text`).textContent()).toBe('tool:last');
    expect(await grid().getAttribute('aria-rowcount')).toBe('4');
  });

  test('of 20,000 spans only those in sight are drawn, wherever one scrolls', async () => {
    const count = 20_000;
    const spans: Sent[] = Array.from({ length: count }, (_, n) => ({
      n,
      ...(n === 0 ? {} : { parent: Math.floor((n - 1) / 10) * 10 }),
      name: `tool:${n}`,
      start: n / 100,
      end: n / 100 + 0.5,
    }));
    for (let n = 0; n < count; n += 5_000) await send(collector.url, ...spans.slice(n, n + 5_000));
    await printTime(`${count} spans`, async () => {
      await openTrace();
      await rowOf(3).waitFor();
    });
    expect(await grid().getAttribute('aria-rowcount')).toBe(String(count));
    await changesLittle('/viewer/api/trace', async () => {
      await send(collector.url, { ...spans[3]!, end: 9.03 });
      await rowOf(3).getByText('9.00 s').waitFor();
    });
    const work = await grid().evaluate(async (box) => {
      let mutated = 0;
      let mostDrawn = 0;
      const seen = new Set<string | null>();
      new MutationObserver((records) => (mutated += records.length)).observe(box, {
        subtree: true,
        childList: true,
        attributes: true,
        characterData: true,
      });
      const steps = 100;
      for (let step = 1; step <= steps; step += 1) {
        box.scrollTop = (box.scrollHeight * step) / steps;
        await new Promise((resolve) => setTimeout(resolve, 20));
        const rows = [...box.querySelectorAll('[data-span]')];
        mostDrawn = Math.max(mostDrawn, rows.length);
        for (const row of rows) seen.add(row.getAttribute('data-span'));
      }
      return { mutated, mostDrawn, seen: seen.size, steps };
    });
    // 700 px hold 25 rows; a screen more is drawn around them.
    expect(work.mostDrawn).toBeLessThan(60);
    expect(work.seen).toBeGreaterThan(2_000);
    expect(work.mutated / work.steps).toBeLessThan(2_000);
    await rowOf(count - 1).waitFor();

    await page.goto(`${collector.url}/#/trace/${traceId()}/span/${spanId(12_345)}`);
    await rowOf(12_345).waitFor();
    expect(await rowOf(12_345).isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  test('of 3,000 traces those in sight are drawn, and the rest is fetched in pages', async () => {
    const spans = Array.from({ length: 3_000 }, (_, i) => ({
      n: 0,
      trace: i + 1,
      name: `run ${i}`,
      start: i,
      end: i + 1,
    }));
    await send(collector.url, ...spans);
    await printTime('3,000 traces', async () => {
      await page.goto(collector.url);
      await page.getByRole('link', { name: 'run 2999', exact: true }).waitFor();
    });
    await changesLittle('/viewer/api/traces', async () => {
      await send(collector.url, { ...spans[2_998]!, output: 'changed' });
      await page.getByText('changed').waitFor();
    });
    await page.getByRole('grid').evaluate((box) => (box.scrollTop = box.scrollHeight));
    await page.getByRole('link', { name: 'run 0', exact: true }).waitFor();
    expect(await page.locator('.list-row').count()).toBeLessThan(60);
  });

  /** Prints how long it takes until something is seen. */
  async function printTime(what: string, see: () => Promise<void>) {
    await page.goto('about:blank');
    const began = performance.now();
    await see();
    console.log(`${what}: ${(performance.now() - began).toFixed()} ms to rows`);
  }

  /** Expects that a change is sent alone, whatever there is besides. */
  async function changesLittle(path: string, change: () => Promise<void>) {
    // Until what was loaded first has settled.
    await page.waitForTimeout(500);
    const bodies: Promise<Buffer>[] = [];
    page.on('response', (response) => {
      if (new URL(response.url()).pathname === path) bodies.push(response.body());
    });
    await change();
    const sizes = await Promise.all(bodies);
    const bytes = sizes.reduce((sum, { length }) => sum + length, 0);
    console.log(`a change of one of them: ${bytes} bytes`);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(20_000);
  }
});
