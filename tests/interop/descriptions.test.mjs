// What waybill says of itself, read by the validators and the compiler that others use.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { makeNestClient } from './lib/nest.mjs';
import { cli, lines, program, run, startService } from './lib/programs.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const described = () => program('WAYBILL_DESCRIBED_PROGRAM', 'tests/interop/described_program');
const folder = mkdtempSync(join(tmpdir(), 'waybill-descriptions-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function printed(what) {
  const { code, stdout, stderr } = await run(described(), [what]);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function assertAsyncApi(text) {
  const { document, diagnostics } = await new Parser().parse(text);
  const mistakes = diagnostics.filter(one => one.severity < 2);  // the rest is advice
  assert.deepEqual(mistakes, []);
  return document;
}

async function assertOpenApi(text) {
  const validator = new Validator();
  const result = await validator.validate(JSON.parse(text));
  assert.ok(result.valid, JSON.stringify(result.errors));
  assert.equal(validator.version, '3.1');
  return JSON.parse(text);
}

function validatorOf(schema) {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  addFormats(ajv);
  ajv.addVocabulary(['components']);
  return ajv.compile(schema);
}

/** Values that no longer fit once `path` is `value`. */
const wrongValues = {
  Order: [['id', 7], ['id', undefined], ['items', {}], ['items.0', {}], ['color', 'blue'], ['note', 5]],
  Everything: [
    ['flag', 0], ['tiny', 128], ['tiny', 1.5], ['natural', -1], ['real', 1e39], ['exact', 'x'], ['bytes', [0]], ['bytes.data.0', 256],
    ['named.a', 'x'], ['numbered.x', { sku: '', count: 0 }], ['numbered.-7.count', 256], ['pair', [1]], ['pair', [1, 'a', 2]],
    ['three', [1, 2]], ['three', [1, 2, 3, 4]], ['one_of', 'text'], ['inner', 7], ['inner.flag', 1], ['colors', ['pink']],
    ['time', 'yesterday'], ['nothing', [1]],
  ],
  optional: [['', 'x'], ['', 3e9]],
  pairs: [['0.1', 1], ['0', [1]]],
};

function changed(value, path, to) {
  if (path === '') return to;
  const copy = structuredClone(value);
  const steps = path.split('.');
  const last = steps.pop();
  const place = steps.reduce((at, step) => at[step], copy);
  if (to === undefined) delete place[last];
  else place[last] = to;
  return copy;
}

test('schemas take what waybill writes, and nothing else', async () => {
  const text = await printed('schemas');
  for (const { name, schema, good } of lines(text).map(line => JSON.parse(line))) {
    const fits = validatorOf(schema);
    for (const value of good) assert.ok(fits(value), `${name}: ${JSON.stringify(fits.errors)}`);
    const whole = good.at(name === 'Everything' ? 0 : -1);
    for (const [path, to] of wrongValues[name]) {
      assert.ok(!fits(changed(whole, path, to)), `${name}: ${path} may be ${JSON.stringify(to)}`);
    }
  }
});

test('AsyncAPI', async () => {
  const text = await printed('asyncapi');
  const document = await assertAsyncApi(text);
  assert.equal(document.info().title(), 'described');
  assert.deepEqual(document.servers().all().map(server => [server.id(), server.protocol()]), [['inside', 'tcp'], ['shop', 'amqp']]);
  const order = document.operations().get('cmd_order');
  assert.ok(order.isReceive());
  const [request] = order.messages().all();
  assert.deepEqual(request.payload().properties().color.enum(), ['red', 'green', 'dark_blue']);
  const [sent] = document.operations().filterBySend();
  assert.deepEqual([sent.channels().all()[0].address(), sent.servers().all().map(one => one.id())], ['order.created', ['shop']]);
  assert.equal(order.channels().all()[0].address(), null);
  // Its schemas are of draft 7.
  const { channels, components } = JSON.parse(text);
  const ajv = new Ajv({ strict: false });
  addFormats(ajv);
  const pairs = ajv.compile({ ...channels.everything.messages.request.payload, components });
  const [whole] = lines(await printed('schemas')).map(line => JSON.parse(line)).filter(({ name }) => name === 'Everything');
  assert.ok(pairs(whole.good[0]), JSON.stringify(pairs.errors));
  assert.ok(!pairs(changed(whole.good[0], 'pair', [1, 'a', 2])) && !pairs(changed(whole.good[0], 'pair', ['a', 1])));
});

test('waybill describe', async () => {
  const file = join(folder, 'shop.yaml');
  writeFileSync(file, `
clients: { orders: "tcp://127.0.0.1:\${PORT:-3000}" }
http:
  listen: 127.0.0.1:0
  routes:
    - { get: "/orders/{id}", request: { client: orders, pattern: { cmd: order }, body: { id: $path.id as number, page: $query.page as number or 1 } } }
    - { get: "/orders/{number}/events", stream: { client: orders, pattern: events, body: $query.filter as json or nothing } }
    - { delete: "/orders/{order}", event: { client: orders, pattern: order.deleted, body: [ $path.order, $header.X-Reason or nothing, $body.why.text or nothing ] } }
`);
  const asyncapi = await cli(['describe', file]);
  assert.equal(asyncapi.code, 0, asyncapi.stderr);
  const document = await assertAsyncApi(asyncapi.stdout);
  assert.equal(document.info().title(), 'shop');
  assert.deepEqual(document.operations().all().map(one => one.action()), ['send', 'send', 'send']);
  const openapi = await cli(['describe', file, '--openapi']);
  const { paths } = await assertOpenApi(openapi.stdout);
  assert.deepEqual(Object.keys(paths), ['/orders/{id}', '/orders/{number}/events']);
  assert.deepEqual(paths['/orders/{id}'].get.parameters, [
    { name: 'id', in: 'path', required: true, schema: { type: 'number' } },
    { name: 'page', in: 'query', required: false, schema: { type: 'number', default: 1 } },
  ]);
  assert.deepEqual(paths['/orders/{id}'].delete.parameters.map(one => [one.name, one.in, one.required]),
    [['id', 'path', true], ['X-Reason', 'header', false]]);
  assert.deepEqual(paths['/orders/{id}'].delete.requestBody.content['application/json'].schema,
    { type: 'object', properties: { why: { type: 'object', properties: { text: {} } } } });
  const typescript = await cli(['describe', file, '--typescript', '--name', 'orders']);
  assert.match(typescript.stdout, /export class OrdersClient/);
  const wrong = await cli(['describe', join(folder, 'none.yaml')]);
  assert.equal(wrong.code, 2);
  const both = await cli(['describe', file, '--openapi', '--typescript']);
  assert.equal(both.code, 2);
});

test('waybill describe asks a service that is running', async t => {
  const service = await startService(described(), ['run']);
  t.after(() => service.stop());
  const asyncapi = await cli(['describe', service.url]);
  assert.equal(asyncapi.code, 0, asyncapi.stderr);
  const document = await assertAsyncApi(asyncapi.stdout);
  assert.equal(document.info().title(), 'described_program');
  const [request] = document.operations().get('cmd_order').messages().all();
  assert.deepEqual(Object.keys(request.payload().properties()), ['id', 'items', 'note', 'color']);
  const typescript = await cli(['describe', service.url, '--typescript', '--name', 'described_program']);
  const methods = text => lines(text).filter(line => /^ {2}\w+\(.*{$/.test(line)).sort();
  assert.deepEqual(methods(typescript.stdout), methods(await printed('typescript')));
  const other = await cli(['describe', service.url, '--name', 'other']);
  assert.deepEqual([other.code, /no service .*other.* answered, but described_program/.test(other.stderr)], [2, true], other.stderr);
  assert.equal((await cli(['describe', service.url, '--openapi'])).code, 2);
});

test('OpenAPI is what the program does', async t => {
  const service = await startService(described(), ['run']);
  t.after(() => service.stop());
  const base = /http:\S+/.exec(service.line)[0];
  const response = await fetch(`${base}/openapi.json`);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const document = await assertOpenApi(await response.text());
  assert.equal(document.info.version, '2.1.0');
  const { paths, components } = document;
  assert.deepEqual(Object.keys(paths).sort(), ['/count/{to}', '/customers/{customer}/orders', '/hello', '/orders', '/orders/{id}', '/plain',
    '/shop', '/sum']);

  // Of the types of a handler in code.
  assert.deepEqual(paths['/customers/{customer}/orders'].get.parameters.map(one => [one.name, one.in, one.required]),
    [['customer', 'path', true], ['page', 'query', false], ['state', 'query', false], ['color', 'query', true]]);
  const found = await fetch(`${base}/customers/7/orders?state=new&state=paid&color=red&page=3`);
  assert.deepEqual(await found.json(), { orders: [], page: 3, states: 'new;paid;' });
  const none = await fetch(`${base}/customers/7/orders?color=red`);
  assert.deepEqual([none.status, (await none.json()).states], [200, '']);
  const change = paths['/orders/{id}'].put;
  assert.deepEqual(change.parameters.map(one => one.name), ['id']);
  assert.deepEqual(change.requestBody.content['application/json'].schema.required, ['order']);
  assert.deepEqual(paths['/orders/{id}'].delete.parameters.map(one => one.name), ['id']);
  assert.ok(paths['/orders/{id}'].delete.responses[204] || paths['/orders/{id}'].delete.responses['204']);
  assert.deepEqual(Object.keys(paths['/plain'].get.responses[200].content), ['text/plain']);

  // Of templates, and of this program's own handlers behind them.
  const taken = paths['/orders'].post.requestBody.content['application/json'].schema;
  assert.deepEqual(taken, { $ref: '#/components/schemas/Order' });
  const order = { id: 'a', items: [{ sku: 'tea', count: 2 }], color: 'green' };
  const fits = schema => validatorOf({ $ref: schema.$ref, components });
  assert.ok(fits(taken)(order));
  const answered = await fetch(`${base}/orders`, { method: 'POST', body: JSON.stringify(order), headers: { 'Content-Type': 'application/json' } });
  assert.equal(answered.status, 200);
  const answers = fits(paths['/orders'].post.responses[200].content['application/json'].schema);
  assert.ok(answers(await answered.json()), JSON.stringify(answers.errors));
  assert.deepEqual(Object.keys(paths['/count/{to}'].get.responses[200].content), ['text/event-stream', 'application/jsonl']);
  assert.equal(paths['/count/{to}'].get.responses[200].content['application/jsonl']['x-item-schema'].type, 'integer');
  assert.ok(paths['/shop'].post.responses[202]);
  const refused = await fetch(`${base}/shop`, { method: 'POST', body: '{"order":{"id":1}}', headers: { 'Content-Type': 'application/json' } });
  const said = paths['/shop'].post.responses[refused.status];
  assert.equal(refused.status, 503);
  const problem = components.responses[said.$ref.split('/').pop()].content['application/problem+json'].schema;
  assert.ok(fits(problem)(await refused.json()));
  assert.ok(!JSON.stringify(document).includes('secret') && !JSON.stringify(document).includes('amqp'));
});

const caller = `
import { DescribedClient } from './described.js';
import type { Order, Receipt } from './described.js';
import type { Observable } from 'rxjs';
declare const client: DescribedClient;
const order: Order = { id: 'a', items: [{ sku: 's', count: 1 }], color: 'dark_blue' };
export const receipt: Observable<Receipt> = client.order(order);
export const sum: Observable<number> = client.count(3);
client.emitOrder('order.paid', order);
client.logSize();
// @ts-expect-error: no such color
client.order({ ...order, color: 'blue' });
// @ts-expect-error: not a text
client.count('3');
// @ts-expect-error: no word of that pattern
client.emitOrder('paid', order);
// @ts-expect-error: the reply is a text
export const wrong: Observable<number> = client.hello('x');
`;

test('TypeScript compiles under --strict, and calls', { timeout: 60_000 }, async t => {
  writeFileSync(join(folder, 'described.ts'), await printed('typescript'));
  writeFileSync(join(folder, 'caller.ts'), caller);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
  const tsc = join(here, 'node_modules/typescript/bin/tsc');
  const flags = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', '--erasableSyntaxOnly'];
  try {
    execFileSync(process.execPath, [tsc, ...flags, 'described.ts', 'caller.ts'], { cwd: folder });
  } catch (error) {
    assert.fail(String(error.stdout));
  }
  const service = await startService(described(), ['run']);
  t.after(() => service.stop());
  const { DescribedClient } = await import(pathToFileURL(join(folder, 'described.js')));
  const proxy = makeNestClient(service.url);
  t.after(() => proxy.close());
  const client = new DescribedClient(proxy);
  assert.deepEqual(await firstValueFrom(client.order({ id: 'a', items: [{ sku: 's', count: 1 }], color: 'red' })),
    { order: 'a', total: 9.5, at: '2026-01-01T00:00:00.000Z' });
  assert.deepEqual(await lastValueFrom(client.count(3).pipe(toArray())), [1, 2, 3]);
  assert.equal(await firstValueFrom(client.hello('you')), 'hello you');
  assert.equal(await firstValueFrom(client.logSize()), 3);
  await lastValueFrom(client.emitOrder('order.paid', { id: 'a', items: [], color: 'red' }), { defaultValue: undefined });
});
