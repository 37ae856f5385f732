// A NestJS client calls waybill's conformance service.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cases } from './lib/cases.mjs';
import { makeNestClient, outcomeOf } from './lib/nest.mjs';
import { startConformanceService } from './lib/programs.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 550_000 };

describe('a NestJS client and a waybill service', all, () => {
  let service;
  let client;
  const send = (pattern, data, options) => outcomeOf(client.send(pattern, data), options);
  const emit = (pattern, data) => outcomeOf(client.emit(pattern, data));
  const value = async (pattern, data) => {
    const { values, error } = await send(pattern, data);
    assert.equal(error, undefined);
    return values[0];
  };
  /** Asks until the answer pleases: events are handled when they arrive, not when they were sent. */
  const eventually = async (pattern, data, pleases) => {
    const deadline = performance.now() + 5000;
    for (;;) {
      const answer = await value(pattern, data);
      if (pleases(answer) || performance.now() > deadline) return answer;
    }
  };

  before(async () => {
    service = await startConformanceService();
    client = makeNestClient(service.port);
  });
  after(async () => {
    client?.close();
    await service?.stop();
  });

  for (const { name, pattern, data, expected } of cases) {
    test(name, limit, async () => assert.deepStrictEqual(await send(pattern, data), expected));
  }

  test('open gives its value and stays open', limit, async () => {
    assert.deepStrictEqual(await send('conf.open', {}, { limit: 300 }), { values: [1], ended: false });
  });

  test('never does not answer, and others are answered meanwhile', limit, async () => {
    const never = send('conf.never', {}, { limit: 500 });
    assert.equal(await value('conf.echo', 'meanwhile'), 'meanwhile');
    assert.deepStrictEqual(await never, { values: [], ended: false });
  });

  test('calls that take longer are overtaken by later ones', limit, async () => {
    const order = [];
    const call = (ms, tag) => value('conf.delay', { ms, tag }).then(answer => order.push(answer));
    await Promise.all([call(300, 'slow'), call(100, 'middle'), call(0, 'quick')]);
    assert.deepStrictEqual(order, ['quick', 'middle', 'slow']);
  });

  test('600 interleaved calls each get their own answer', limit, async () => {
    const calls = Array.from({ length: 600 }, (_, i) => {
      if (i % 3 === 0) return send('conf.echo', { i }).then(({ values }) => assert.deepStrictEqual(values, [{ i }]));
      if (i % 3 === 1) return send('conf.delay', { ms: i % 7, tag: i }).then(({ values }) => assert.deepStrictEqual(values, [i]));
      return send({ cmd: 'stream' }, { start: i, count: 3, intervalMs: i % 2 })
        .then(({ values }) => assert.deepStrictEqual(values, [i, i + 1, i + 2]));
    });
    await Promise.all(calls);
  });

  test('several clients at once', limit, async () => {
    const clients = Array.from({ length: 20 }, () => makeNestClient(service.port));
    try {
      await Promise.all(clients.flatMap((each, c) => Array.from({ length: 20 }, async (_, i) => {
        const { values } = await outcomeOf(each.send('conf.echo', [c, i]));
        assert.deepStrictEqual(values, [[c, i]]);
      })));
    } finally {
      clients.forEach(each => each.close());
    }
  });

  for (const [form, pattern] of [['text', name => `conf.${name}`], ['object', name => ({ ev: name })]]) {
    test(`events by ${form}: counted, remembered, in order`, limit, async () => {
      const name = `events-${form}`;
      for (let seq = 0; seq < 50; ++seq) {
        const sent = await emit(pattern('event'), { name, n: 2, seq });
        assert.equal(sent.error, undefined);
      }
      const { count } = await eventually('conf.count', { name }, answer => answer.count === 100);
      assert.equal(count, 100);
      assert.deepStrictEqual((await value('conf.log', { name })).items, Array.from({ length: 50 }, (_, i) => i));
      assert.deepStrictEqual(await value('conf.last', { name }), {
        data: { name, n: 2, seq: 49 },
        pattern: form === 'text' ? 'conf.event' : '{"ev":"event"}',
        metadata: null,
      });
    });

    test(`all handlers of an event by ${form} run`, limit, async () => {
      const name = `multi-${form}`;
      await emit(pattern('event.multi'), { name });
      assert.deepStrictEqual(await eventually('conf.count', { name }, ({ count }) => count >= 11), { count: 11 });
    });

    test(`an event handler by ${form} that fails harms nobody`, limit, async () => {
      const name = `fails-${form}`;
      await emit(pattern('event.fails'), { name });
      assert.deepStrictEqual(await eventually('conf.count', { name }, ({ count }) => count >= 1), { count: 1 });
    });
  }

  test('an event handler without a sequence number logs null', limit, async () => {
    await emit('conf.event', { name: 'unnumbered' });
    await eventually('conf.count', { name: 'unnumbered' }, ({ count }) => count === 1);
    assert.deepStrictEqual(await value('conf.log', { name: 'unnumbered' }), { items: [null] });
  });

  for (const [type, data] of [['string', 'a text'], ['number', 5], ['array', [1]], ['boolean', true]]) {
    test(`raw event data: ${type}`, limit, async () => {
      await emit('conf.event.raw', data);
      const last = await eventually('conf.last', { name: 'raw' }, answer => answer.type === type);
      assert.deepStrictEqual(last, { data, type });
    });
  }

  test('an event runs a request handler, and nothing is answered', limit, async () => {
    await emit('conf.tally', { name: 'told' });
    assert.deepStrictEqual(await eventually('conf.count', { name: 'told' }, ({ count }) => count === 1), { count: 1 });
  });

  test('a request to two event handlers gets both results', limit, async () => {
    const { values, error } = await send('conf.event.multi', { name: 'asked-both' });
    assert.equal(error, undefined);
    assert.deepStrictEqual(values, [{}]);
  });

  test('an event to nobody, and the next call works', limit, async () => {
    await emit('conf.nobody', 1);
    assert.equal(await value('conf.echo', 1), 1);
  });

  test('metadata of requests and events', limit, async () => {
    const metadata = { 'x-trace': 't-1', n: 1, deep: { list: [1, '둘'] } };
    const traced = makeNestClient(service.port, { metadata });
    try {
      const asked = await outcomeOf(traced.send('conf.meta', 'd'));
      assert.deepStrictEqual(asked.values, [{ data: 'd', pattern: 'conf.meta', metadata }]);
      await outcomeOf(traced.emit('conf.event', { name: 'traced' }));
      const last = await eventually('conf.last', { name: 'traced' }, answer => !answer.none);
      assert.deepStrictEqual(last, { data: { name: 'traced' }, pattern: 'conf.event', metadata });
    } finally {
      traced.close();
    }
  });

  test('counters, and a reset', limit, async () => {
    await value('conf.reset', {});
    assert.deepStrictEqual(await value('conf.tally', { name: 'n' }), { count: 1 });
    assert.deepStrictEqual(await value({ cmd: 'tally' }, { name: 'n' }), { count: 2 });
    assert.deepStrictEqual(await value('conf.count', { name: 'n' }), { count: 2 });
    assert.deepStrictEqual(await value('conf.reset', {}), { done: true });
    assert.deepStrictEqual(await value('conf.count', { name: 'n' }), { count: 0 });
    assert.deepStrictEqual(await value('conf.last', { name: 'n' }), { data: null, none: true });
    assert.deepStrictEqual(await value('conf.log', { name: 'n' }), { items: [] });
  });

  test('a client that leaves in the middle of a stream', limit, async () => {
    const leaver = makeNestClient(service.port);
    await outcomeOf(leaver.send('conf.open', {}), { limit: 100 });
    leaver.close();
    assert.equal(await value('conf.echo', 'still here'), 'still here');
  });
});

test('the instance of the URL', limit, async () => {
  const service = await startConformanceService('?instance=one');
  const client = makeNestClient(service.port);
  try {
    assert.deepStrictEqual((await outcomeOf(client.send('conf.instance', {}))).values, [{ instance: 'one' }]);
  } finally {
    client.close();
    await service.stop();
  }
});

test('SIGTERM ends the service within two seconds, open calls or not', limit, async () => {
  const service = await startConformanceService();
  const client = makeNestClient(service.port);
  const pending = ['conf.never', 'conf.open'].map(pattern => outcomeOf(client.send(pattern, {})));
  await outcomeOf(client.send('conf.echo', 1));
  const end = await service.stop();
  assert.equal(end.code, 0, end.log);
  assert.ok(end.milliseconds < 2000, `took ${end.milliseconds} ms`);
  for (const outcome of await Promise.all(pending)) assert.deepStrictEqual(outcome.error, { local: 'Connection closed' });
  client.close();
});
