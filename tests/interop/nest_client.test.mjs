// A NestJS client calls waybill's conformance service, over the carrier of this run.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { carrier } from './lib/carriers.mjs';
import { cases } from './lib/cases.mjs';
import { makeNestClient, outcomeOf, untilAnswered } from './lib/nest.mjs';
import { callerUrl, startConformanceService } from './lib/programs.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 280_000 };
const unless = condition => ({ ...limit, skip: condition && `not over ${carrier.name}` });
/** For the tests of tests: NestJS as the service handles Kafka's messages one after the other. */
const isSequential = carrier.isSequential && /service\.mjs$/.test(process.env.WAYBILL_CONFORMANCE_SERVICE ?? '');

const start = async options => {
  const service = await startConformanceService(options);
  return { ...service, url: callerUrl(service.url) };
};
const stop = async (service, ...clients) => {
  for (const client of clients) await client?.close();
  const end = await service?.stop();
  if (service) await carrier.clean(service.url);
  return end;
};

describe(`a NestJS client and a waybill service over ${carrier.name}`, all, () => {
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
    service = await start();
    client = await untilAnswered(makeNestClient(service.url));
  });
  after(() => stop(service, client));

  for (const { name, pattern, data, expected } of cases) {
    test(name, limit, async () => assert.deepStrictEqual(await send(pattern, data), expected));
  }

  test('open gives its value and stays open', unless(isSequential), async () => {
    assert.deepStrictEqual(await send('conf.open', {}, { limit: 1500 }), { values: [carrier.seen(1)], ended: false });
  });

  test('never does not answer, and others are answered meanwhile', unless(isSequential), async () => {
    const never = send('conf.never', {}, { limit: 500 });
    assert.equal(await value('conf.echo', 'meanwhile'), 'meanwhile');
    assert.deepStrictEqual(await never, { values: [], ended: false });
  });

  test('calls that take longer are overtaken by later ones', unless(isSequential), async () => {
    const order = [];
    const call = (ms, tag) => value('conf.delay', { ms, tag }).then(answer => order.push(answer));
    await Promise.all([call(2500, 'slow'), call(0, 'quick')]);
    assert.deepStrictEqual(order, ['quick', 'slow']);
  });

  test('64 calls in flight each get their own answer', limit, async () => {
    const seen = values => values.map(carrier.seen);
    const call = async i => {
      if (i % 3 === 0) return assert.deepStrictEqual((await send('conf.echo', { i })).values, [{ i }]);
      if (i % 3 === 1) return assert.deepStrictEqual((await send('conf.delay', { ms: i % 7, tag: i })).values, seen([i]));
      const { values } = await send('conf.stream', { start: i, count: 3, intervalMs: i % 2 });
      return assert.deepStrictEqual(values, seen([i, i + 1, i + 2]));
    };
    let next = 0;
    const worker = async () => { while (next < 600) await call(next++); };
    await Promise.all(Array.from({ length: 64 }, worker));
  });

  test('several clients at once', limit, async () => {
    const count = carrier.name === 'kafka' ? 3 : 20;
    const clients = Array.from({ length: count }, () => makeNestClient(service.url, { patterns: ['conf.echo'] }));
    try {
      await Promise.all(clients.map(each => untilAnswered(each)));
      await Promise.all(clients.flatMap((each, c) => Array.from({ length: 20 }, async (_, i) => {
        const { values } = await outcomeOf(each.send('conf.echo', [c, i]));
        assert.deepStrictEqual(values, [[c, i]]);
      })));
    } finally {
      await Promise.all(clients.map(each => each.close()));
    }
  });

  const forms = [['text', name => `conf.${name}`], ...(carrier.hasObjectPatterns ? [['object', name => ({ ev: name })]] : [])];
  for (const [form, pattern] of forms) {
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
        ...carrier.meta(form === 'text' ? 'conf.event' : '{"ev":"event"}'),
      });
    });

    test(`all handlers of an event by ${form} run`, limit, async () => {
      const name = `multi-${form}`;
      await emit(pattern('event.multi'), { name });
      assert.deepStrictEqual(await eventually('conf.count', { name }, ({ count }) => count >= 11), { count: 11 });
    });

    test(`an event handler by ${form} that fails harms nobody`, unless(carrier.name === 'kafka'), async () => {
      const name = `fails-${form}`;
      await emit(pattern('event.fails'), { name });
      assert.deepStrictEqual(await eventually('conf.count', { name }, ({ count }) => count >= 1), { count: 1 });
      assert.equal(await value('conf.delay', { ms: 300, tag: 'later' }), 'later');
      assert.deepStrictEqual(await value('conf.count', { name }), { count: 1 }, 'it was delivered again');
    });
  }

  test('an event handler without a sequence number logs null', limit, async () => {
    await emit('conf.event', { name: 'unnumbered' });
    await eventually('conf.count', { name: 'unnumbered' }, ({ count }) => count === 1);
    assert.deepStrictEqual(await value('conf.log', { name: 'unnumbered' }), { items: [null] });
  });

  for (const [type, data] of [['string', 'a text'], ['number', 5], ['array', [1]], ['boolean', true]]) {
    test(`raw event data: ${type}`, limit, async () => {
      const expected = { data: carrier.seen(data), type: carrier.seen(data) === data ? type : 'string' };
      await emit('conf.event.raw', data);
      const same = answer => JSON.stringify(answer.data) === JSON.stringify(expected.data);
      assert.deepStrictEqual(await eventually('conf.last', { name: 'raw' }, same), expected);
    });
  }

  test('an event runs a request handler, and nothing is answered', limit, async () => {
    await emit('conf.tally', { name: 'told' });
    assert.deepStrictEqual(await eventually('conf.count', { name: 'told' }, ({ count }) => count === 1), { count: 1 });
  });

  test('a request to two event handlers gets both results', unless(!carrier.answersRequestsToEvents), async () => {
    const { values, error } = await send('conf.event.multi', { name: 'asked-both' });
    assert.equal(error, undefined);
    assert.deepStrictEqual(values, [{}]);
  });

  test('an event to nobody, and the next call works', limit, async () => {
    await emit('conf.nobody', 1);
    assert.equal(await value('conf.echo', 'next'), 'next');
  });

  test('metadata of requests and events', unless(!carrier.metadata), async () => {
    const metadata = { 'x-trace': 't-1', n: 1, deep: { list: [1, '둘'] } };
    const traced = makeNestClient(service.url, { metadata });
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
    const other = carrier.hasObjectPatterns ? { cmd: 'tally' } : 'conf.tally';
    assert.deepStrictEqual(await value(other, { name: 'n' }), { count: 2 });
    assert.deepStrictEqual(await value('conf.count', { name: 'n' }), { count: 2 });
    assert.deepStrictEqual(await value('conf.reset', {}), { done: true });
    assert.deepStrictEqual(await value('conf.count', { name: 'n' }), { count: 0 });
    assert.deepStrictEqual(await value('conf.last', { name: 'n' }), { data: null, none: true });
    assert.deepStrictEqual(await value('conf.log', { name: 'n' }), { items: [] });
  });

  test('a client that leaves in the middle of a stream', limit, async () => {
    const leaver = makeNestClient(service.url, { patterns: ['conf.stream', 'conf.echo'] });
    await untilAnswered(leaver);
    await outcomeOf(leaver.send('conf.stream', { count: 1000, intervalMs: 1 }), { limit: 100 });
    await leaver.close();
    assert.equal(await value('conf.echo', 'still here'), 'still here');
  });
});

test('the instance of the URL', limit, async () => {
  const service = await start({ instance: 'one' });
  const client = await untilAnswered(makeNestClient(service.url));
  try {
    assert.deepStrictEqual((await outcomeOf(client.send('conf.instance', {}))).values, [{ instance: 'one' }]);
  } finally {
    await stop(service, client);
  }
});

test('SIGTERM ends the service within two seconds, open calls or not', unless(isSequential), async () => {
  const service = await start();
  const client = await untilAnswered(makeNestClient(service.url));
  const pending = ['conf.never', 'conf.open'].map(pattern => outcomeOf(client.send(pattern, {}), { limit: 4000 }));
  await outcomeOf(client.send('conf.echo', 1));
  const end = await service.stop();
  assert.equal(end.code, 0, end.log);
  assert.ok(end.milliseconds < 2000, `took ${end.milliseconds} ms`);
  if (carrier.name === 'tcp') {
    for (const outcome of await Promise.all(pending)) assert.deepStrictEqual(outcome.error, { local: 'Connection closed' });
  }
  await client.close();
  await carrier.clean(service.url);
});
