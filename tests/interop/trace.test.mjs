// One trace from one end to the other: from a NestJS client through a waybill service into a NestJS service, and from
// HTTP through waybill's gateway into a NestJS service that calls waybill; a hundred of a hundred.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { lastValueFrom, timeout } from 'rxjs';
import { carrier, newPlace } from './lib/carriers.mjs';
import { prepareTopics } from './lib/kafka.mjs';
import { makeNestClient, onEvent, onRequest, startNestService } from './lib/nest.mjs';
import { callerUrl, cliPath, program, startService } from './lib/programs.mjs';
import { idsOf, makeTracingClient, newTrace, traceOf, tracePatterns } from './lib/traces.mjs';

const limit = { timeout: 120_000 };
const count = 100;
const numbers = Array.from({ length: count }, (_, n) => n);
const answerOf = observable => lastValueFrom(observable.pipe(timeout(20_000)));

async function until(condition, what) {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it took too long: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Each is a step of its own of the same trace, with its flags. */
function assertOneTrace(first, ...others) {
  const ids = [first, ...others].map(idsOf);
  for (const { trace, flags } of ids) assert.deepStrictEqual({ trace, flags }, { trace: ids[0].trace, flags: ids[0].flags });
  assert.ok(ids[0].trace, `${first} is a traceparent`);
  assert.strictEqual(new Set(ids.map(({ step }) => step)).size, ids.length, 'steps of their own');
}

describe(`one trace over ${carrier.name}`, { timeout: 280_000 }, () => {
  const followed = new Map();
  const clients = [];
  let nest, waybill, gateway, folder, base, client;

  before(async () => {
    await carrier.prepare();
    if (carrier.name === 'kafka') {
      await prepareTopics(carrier.url(), Object.fromEntries(tracePatterns.flatMap(name => [[name, 1], [`${name}.reply`, 1]])));
    }
    const nestUrl = newPlace();
    let back;
    nest = await startNestService([
      onRequest('trace.end', (data, context) => ({ n: data.n, ...traceOf(context, nestUrl) })),
      onRequest('trace.relay', async (data, context) => {
        const trace = traceOf(context, nestUrl);
        return { here: trace, there: await answerOf(back.send('trace.last', data, trace)) };
      }),
      onEvent('trace.followed', (data, context) => { followed.set(data.n, traceOf(context, nestUrl)); }),
    ], { url: nestUrl });
    const path = program('WAYBILL_TRACE_SERVICE', 'tests/interop/trace_service');
    const place = newPlace();
    waybill = await startService(path, [place, callerUrl(nest.url)]);
    client = makeTracingClient(callerUrl(waybill.url));
    back = makeTracingClient(callerUrl(waybill.url));
    clients.push(client, back);
    for (const one of clients) {
      await one.nest.connect();
      await until(() => answerOf(one.send('trace.last', { n: -1 }, newTrace(0))).then(() => true, () => false), 'an answer');
    }
    folder = mkdtempSync(join(tmpdir(), 'waybill-traces-'));
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, `
clients: { nest: { url: "${callerUrl(nest.url)}", middleware: [ trace: 0 ] } }
http:
  listen: 127.0.0.1:0
  trace: 0
  routes: [ { get: /trace, request: { client: nest, pattern: trace.relay, body: { n: $query.n } } } ]
`);
    gateway = await startService(cliPath(), ['gateway', file], { isReady: line => line.includes('GET /trace') });
    base = /http:\/\/[^:]+:\d+/.exec(gateway.line)[0];
    await until(() => fetch(`${base}/trace?n=-1`).then(({ status }) => status === 200, () => false), 'the gateway');
  }, limit);

  after(async () => {
    await gateway?.stop();
    for (const one of clients) await one.close();
    await waybill?.stop();
    await nest?.close();
    for (const one of [nest, waybill]) if (one) await carrier.clean(one.url);
    if (folder) rmSync(folder, { recursive: true });
  });

  test('from NestJS through waybill into NestJS', limit, async () => {
    const traces = numbers.map(newTrace);
    const answers = await Promise.all(numbers.map(n => answerOf(client.send('trace.through', { n }, traces[n]))));
    for (const n of numbers) {
      const { here, there } = answers[n];
      const { traceparent, tracestate, baggage } = traces[n];
      assert.deepStrictEqual({ ...here, step: '' }, { traceparent, tracestate, baggage, step: '' });
      assertOneTrace(traceparent, here.step, there.traceparent);
      assert.deepStrictEqual(there, { n, traceparent: there.traceparent, tracestate, baggage });
    }
  });

  test('from a NestJS client that has it in its metadata', { ...limit, skip: carrier.name === 'kafka' && 'NestJS drops it' }, async () => {
    const { traceparent, tracestate, baggage } = newTrace(1);
    const plain = makeNestClient(callerUrl(waybill.url), { metadata: { traceparent, tracestate, baggage } });
    clients.push(plain);
    const { here, there } = await answerOf(plain.send('trace.through', { n: 1 }));
    assertOneTrace(traceparent, here.step, there.traceparent);
    assert.deepStrictEqual([there.tracestate, there.baggage], [tracestate, baggage]);
  });

  test('of events from NestJS through waybill into NestJS', limit, async () => {
    const traces = numbers.map(newTrace);
    await Promise.all(numbers.map(n => lastValueFrom(client.emit('trace.happened', { n }, traces[n]), { defaultValue: null })));
    await until(() => followed.size === count, `${count} events`);
    for (const n of numbers) {
      const { traceparent, tracestate, baggage } = followed.get(n);
      assertOneTrace(traces[n].traceparent, traceparent);
      assert.deepStrictEqual({ tracestate, baggage }, { tracestate: traces[n].tracestate, baggage: traces[n].baggage });
    }
  });

  test('from HTTP through the gateway into NestJS, and back into waybill', limit, async () => {
    for (const n of numbers) {
      const trace = newTrace(n);
      const response = await fetch(`${base}/trace?n=${n}`, { headers: trace });
      const { here, there } = await response.json();
      assertOneTrace(trace.traceparent, here.traceparent, there.step);
      assert.strictEqual(there.traceparent, here.traceparent, 'NestJS has made no step of its own');
      assert.deepStrictEqual([here.tracestate, here.baggage], [trace.tracestate, trace.baggage]);
    }
  });

  test('a malformed one is replaced by the gateway', limit, async () => {
    for (const traceparent of ['00-rubbish', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`]) {
      const response = await fetch(`${base}/trace?n=1`, { headers: { traceparent, tracestate: 'rojo=1' } });
      const { here, there } = await response.json();
      assertOneTrace(here.traceparent, there.step);
      assert.notStrictEqual(idsOf(here.traceparent).trace, traceparent.slice(3, 35));
      assert.strictEqual(here.tracestate, undefined);
    }
  });

  test('a malformed one from NestJS goes no further', limit, async () => {
    const { here, there } = await answerOf(client.send('trace.through', { n: 1 }, { traceparent: '00-rubbish', tracestate: 'rojo=1' }));
    assert.strictEqual(here.traceparent, '00-rubbish');
    assertOneTrace(here.step, there.traceparent);
    assert.strictEqual(there.tracestate, undefined);
  });
});
