// The page at /docs in a browser: it lists routes, tries them, and takes nothing of the document for HTML.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import { test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { program, startService } from './lib/programs.mjs';

const described = () => program('WAYBILL_DESCRIBED_PROGRAM', 'tests/interop/described_program');
const k_dark = [{ name: 'prefers-color-scheme', value: 'dark' }];
/** The route of that method and path, in the page. */
const route = text => `[...document.querySelectorAll('#routes > details')].find(one => one.querySelector('summary').textContent.startsWith(${JSON.stringify(text)}))`;

test('the page at /docs', { timeout: 90_000 }, async t => {
  const service = await startService(described(), ['run']);
  t.after(() => service.stop());
  const base = /http:\S+/.exec(service.line)[0];
  const browser = await startBrowser(process.env.WAYBILL_CHROMIUM ?? 'chromium');
  t.after(() => browser.close());
  const page = await browser.open(`${base}/docs`);

  await t.test('lists all routes with what they take and answer', async () => {
    assert.equal(await page.until(`document.querySelectorAll('#routes > details').length`), 9);
    assert.equal(await page.until(`document.getElementById('version').textContent`), '2.1.0');
    await page.until(`(${route('GET/customers')}).open = true`);
    const text = await page.until(`${route('GET/customers')}.querySelector('table') && ${route('GET/customers')}.textContent`);
    for (const expected of ['customer', 'path, required', 'path, requiredinteger', '"red" or "green" or "dark_blue"', 'list of string']) {
      assert.ok(text.includes(expected), `${expected} in ${text}`);
    }
  });

  await t.test('takes nothing of the document for HTML', async () => {
    assert.equal(await page.until('document.title'), 'Described <script>alert(1)</script>');
    assert.ok(await page.until(`${route('GET/customers')}.textContent.includes('Orders of a <b>customer</b>')`));
    assert.equal(await page.until(`String(document.querySelectorAll('b, h1 script').length)`), '0');
    // The policy stops what gets in all the same.
    await page.until(`(() => { try { document.body.innerHTML += '<i>in</i>'; return 'in'; } catch { return 'refused'; } })() === 'refused'`);
    assert.ok(await page.until(`fetch('http://127.0.0.1:1/').catch(() => 'refused').then(said => said === 'refused')`));
    page.complaints.length = 0;
  });

  await t.test('sends requests and shows the answer', async () => {
    const put = route('PUT/orders/{id}');
    await page.until(`(${put}).open = true`);
    await page.until(`${put}.querySelector('input') && (${put}.querySelector('input').value = '7')`);
    const body = await page.until(`${put}.querySelector('textarea').value`);
    assert.deepEqual(JSON.parse(body), { order: { id: 'text', items: [], color: 'red' } });
    await page.until(`${put}.querySelector('form').requestSubmit() || true`);
    await page.until(`${put}.querySelector('strong').textContent === '200 OK'`);
    assert.deepEqual(JSON.parse(await page.until(`${put}.querySelector('.answer').textContent`)), JSON.parse(body).order);
    await page.until(`(${put}.querySelector('textarea').value = '[]') && (${put}.querySelector('form').requestSubmit() || true)`);
    await page.until(`${put}.querySelector('strong.bad')?.textContent.startsWith('400')`);
  });

  await t.test('is used with the keyboard alone', async () => {
    await page.until(`document.getElementById('filter').focus() || true`);
    await page.type('/hello');
    assert.equal(await page.until(`[...document.querySelectorAll('#routes > details')].filter(one => !one.hidden).length`), 1);
    await page.press('Tab', 9);
    assert.equal(await page.until('document.activeElement.tagName'), 'SUMMARY');
    await page.press('Enter', 13, '\r');
    await page.until(`${route('GET/hello')}.querySelector('input')`.replace(/$/, ' !== null'));
    await page.press('Tab', 9);
    await page.type('you');
    await page.press('Enter', 13, '\r');
    assert.equal(await page.until(`${route('GET/hello')}.querySelector('.answer').textContent`), 'hello you');
  });

  await t.test('shows streams as they come', async () => {
    const count = route('GET/count');
    await page.until(`(${count}).open = true`);
    await page.until(`${count}.querySelector('input') && (${count}.querySelector('input').value = '3')`);
    await page.until(`${count}.querySelector('form').requestSubmit() || true`);
    assert.equal(await page.until(`${count}.querySelector('.answer').textContent.length > 20 && ${count}.querySelector('.answer').textContent`),
      'data: 1\n\ndata: 2\n\ndata: 3\n\n');
  });

  await t.test('works behind a prefix', async () => {
    const front = createServer((request, response) => {
      assert.ok(request.url.startsWith('/shop/'), request.url);
      const behind = ask(base + request.url.slice(5), { method: request.method, headers: request.headers }, answer => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(behind);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const other = await browser.open(`http://127.0.0.1:${front.address().port}/shop/docs`);
    const plain = route('GET/plain');
    await other.until(`document.querySelectorAll('#routes > details').length`);
    await other.until(`(${plain}).open = true`);
    await other.until(`${plain}.querySelector('form')?.requestSubmit() === undefined`);
    assert.equal(await other.until(`${plain}.querySelector('.answer')?.textContent`), 'plain World');
    front.closeAllConnections();
    front.close();
  });

  await t.test('is light or dark as the reader has it', async () => {
    const color = 'getComputedStyle(document.body).backgroundColor';
    const light = await page.until(color);
    const dark = await browser.open(`${base}/docs`, { media: k_dark });
    await dark.until(`document.querySelectorAll('#routes > details').length`);
    assert.deepEqual([light, await dark.until(color)], ['rgb(255, 255, 255)', 'rgb(20, 24, 29)']);
    assert.deepEqual(dark.complaints, []);
  });
  assert.deepEqual(page.complaints.filter(text => !text.includes('400')), []);
});
