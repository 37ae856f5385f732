// What only RabbitMQ has, between NestJS and waybill in both directions.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { carrier, freshName, newPlace } from './lib/carriers.mjs';
import { makeNestClient, outcomeOf } from './lib/nest.mjs';
import { asking, callers, meeting, pairings, services } from './lib/peers.mjs';
import { cli } from './lib/programs.mjs';
import { deleteQueues, withChannel } from './lib/rmq.mjs';

const limit = { timeout: 60_000 };
const counted = n => ({ count }) => count >= n;

for (const pairing of pairings) {
  const [caller, service] = pairing;
  describe(`${caller.name} and a ${service.name} service over RabbitMQ`, () => {
    test('headers, priority, persistence and content type of a message', limit, () => meeting(pairing, {}, async ({ value }) => {
      const options = { priority: 3, persistent: true, contentType: 'application/json' };
      const headers = { 'x-trace': '한글 t', 'x-empty': '' };
      const seen = await value('conf.meta', { n: 1 }, { headers, options });
      assert.deepStrictEqual(seen, { data: { n: 1 }, pattern: 'conf.meta', headers, ...options });
    }));

    test('properties of an event', limit, () => meeting(pairing, {}, async ({ caller: calling, eventually }) => {
      await calling.emit('conf.event', { name: 'e' }, { headers: { a: 'b' }, options: { priority: 1 } });
      const last = await eventually('conf.last', { name: 'e' }, answer => !answer.none);
      assert.deepStrictEqual(last, { ...carrier.meta('conf.event'), data: { name: 'e' }, headers: { a: 'b' }, priority: 1 });
    }));

    test('headers that are no texts', limit, () => meeting(pairing, {}, async ({ value }) => {
      const headers = { text: '7', n: 7, big: 5000000000, f: 1.5, t: true, o: { a: [1, null] }, l: [1, 'x'], z: null };
      const seen = await value('conf.meta', 1, { headers });
      assert.deepStrictEqual(seen, { ...carrier.meta('conf.meta'), data: 1, headers });
    }));

    test('persistent for all messages of a client', limit, () =>
      meeting(pairing, { persistent: true }, async ({ value, caller: calling, eventually }) => {
        assert.equal((await value('conf.meta', 1)).persistent, true);
        await calling.emit('conf.event', { name: 'p' });
        assert.equal((await eventually('conf.last', { name: 'p' }, answer => !answer.none)).persistent, true);
      }));

    test('persistent for one event', limit, () => meeting(pairing, {}, async ({ caller: calling, eventually }) => {
      await calling.emit('conf.event', { name: 'p' }, { options: { persistent: true } });
      assert.equal((await eventually('conf.last', { name: 'p' }, answer => !answer.none)).persistent, true);
    }));

    for (const [name, options] of [
      ['that is not durable', { durable: false }],
      ['that deletes itself', { autoDelete: true }],
      ['with a limit of unacknowledged messages', { noAck: false, prefetchCount: 1 }],
    ]) {
      test(`a queue ${name}`, limit, () => meeting(pairing, options, async ({ value }) => {
        assert.equal(await value('conf.sum', [1, 2]), 3);
      }));
    }

    describe('wildcards', () => {
      const wild = use => meeting(pairing, { wildcards: true }, use);
      test('one word, any words, exact', limit, () => wild(async ({ value }) => {
        for (const [pattern, answer] of [
          ['wild.a.one', { handler: 'wild.*.one', pattern: 'wild.a.one' }],
          ['wild.한글.one', { handler: 'wild.*.one', pattern: 'wild.한글.one' }],
          ['all.a.b.c', { handler: 'all.#', pattern: 'all.a.b.c' }],
          ['all', { handler: 'all.#', pattern: 'all' }],
          ['conf.sum', 0],
        ]) assert.deepStrictEqual(await value(pattern, 1), answer);
        const sorted = await value({ a: 1, cmd: 'sorted' }, 1);
        assert.equal(sorted.handler, 'object');
      }));

      test('an event', limit, () => wild(async ({ caller: calling, eventually }) => {
        await calling.emit('wev.x', { name: 'w' });
        assert.deepStrictEqual(await eventually('conf.count', { name: 'w' }, counted(1)), { count: 1 });
      }));
    });

    describe('manual acknowledgement', () => {
      const dead = freshName();
      const manual = use => meeting(pairing, { noAck: false, prefetchCount: 5, deadLetterExchange: dead }, use);
      const messages = url => withChannel(url, async channel => (await channel.checkQueue(queueOf(url))).messageCount);
      const queueOf = url => new URL(url).searchParams.get('queue');
      before(() => withChannel(carrier.url(), async channel => {
        await channel.assertExchange(dead, 'fanout');
        await channel.assertQueue(dead);
        await channel.bindQueue(dead, dead, '');
      }));
      after(() => deleteQueues(carrier.url(), [dead], [dead]));
      const nextDead = () => withChannel(carrier.url(), async channel => {
        const deadline = performance.now() + 5000;
        for (;;) {
          const message = await channel.get(dead, { noAck: true });
          if (message || performance.now() > deadline) return message && JSON.parse(message.content);
        }
      });

      test('every handler acknowledges', limit, () => manual(async ({ value, caller: calling, eventually }) => {
        for (let i = 0; i < 8; ++i) assert.equal(await value('conf.sum', [i]), i);
        await calling.emit('conf.event.fails', { name: 'f' });
        assert.deepStrictEqual(await eventually('conf.count', { name: 'f' }, counted(1)), { count: 1 });
        assert.equal(await value('conf.delay', { ms: 300, tag: 1 }), 1);
        assert.deepStrictEqual(await value('conf.count', { name: 'f' }), { count: 1 });
      }));

      test('a handler that acknowledges, and one that does not', limit, async () => {
        const url = newPlace({ noAck: false, deadLetterExchange: dead });
        const running = await service.start(url);
        const calling = await caller.open(running.url);
        const { value } = asking(calling);
        assert.equal(await value('ack.manual', 1), 'acked');
        assert.equal(await value('ack.leave', 1), 'not acked');
        await calling.close();
        assert.equal(await messages(url), 0, 'given back while its service lives');
        await running.stop();
        const deadline = performance.now() + 5000;
        while (await messages(url) !== 1 && performance.now() < deadline);
        assert.equal(await messages(url), 1, 'the message that was not acknowledged is back in the queue, alone');
        await carrier.clean(url);
      });

      test('given back until the third time', limit, () => manual(async ({ caller: calling, value, eventually }) => {
        await calling.emit('ack.retry', { name: 'r' });
        assert.deepStrictEqual(await eventually('conf.count', { name: 'r' }, counted(3)), { count: 3 });
        assert.equal(await value('conf.delay', { ms: 300, tag: 1 }), 1);
        assert.deepStrictEqual(await value('conf.count', { name: 'r' }), { count: 3 });
      }));

      test('rejected into the dead letter exchange', limit, () => manual(async ({ caller: calling, value }) => {
        await calling.emit('ack.reject', { name: 'd', n: 1 });
        assert.deepStrictEqual((await nextDead()).data, { name: 'd', n: 1 });
        assert.deepStrictEqual(await value('conf.count', { name: 'd' }), { count: 1 });
      }));

      test('nobody handles it: an error, and a dead letter', limit, () => manual(async ({ caller: calling }) => {
        const outcome = await calling.send('conf.nobody', { n: 2 });
        assert.match(outcome.error, /no matching message handler/);
        assert.deepStrictEqual((await nextDead()).data, { n: 2 });
        await calling.emit('conf.nobody', { n: 3 });
        assert.deepStrictEqual((await nextDead()).data, { n: 3 });
      }));
    });

    test('an exchange with a routing key', limit, async () => {
      const exchange = freshName();
      await meeting(pairing, { exchange, exchangeType: 'topic', routingKey: 'orders.#' }, async ({ url, value, eventually }) => {
        assert.equal(await value('conf.sum', [1]), 1);
        const packet = { pattern: 'conf.event', data: { name: 'routed' } };
        await withChannel(url, async channel => channel.publish(exchange, 'orders.new', Buffer.from(JSON.stringify(packet))));
        assert.deepStrictEqual(await eventually('conf.count', { name: 'routed' }, counted(1)), { count: 1 });
      });
    });
  });
}

test('metadata stays in the packet, where no handler looks', limit, async () => {
  const running = await services.waybill.start(newPlace());
  const client = makeNestClient(running.url, { metadata: { trace: 't' } });
  const { values } = await outcomeOf(client.send('conf.meta', 1));
  assert.deepStrictEqual(values, [{ ...carrier.meta('conf.meta'), data: 1 }]);
  const { stdout } = await cli(['request', running.url, 'conf.meta', '1', '--metadata', '{"trace":"t"}']);
  assert.deepStrictEqual(JSON.parse(stdout), { ...carrier.meta('conf.meta'), data: 1 });
  await client.close();
  await running.stop();
  await carrier.clean(running.url);
});

describe('several services', () => {
  const both = Object.values(services);
  const withBoth = async (options, use) => {
    const place = newPlace(options);
    const running = [];
    try {
      for (const [i, service] of both.entries()) running.push(await service.start(`${place}&instance=s${i}`));
      for (const caller of Object.values(callers)) {
        const calling = await caller.open(running[0].url);
        await use(calling, asking(calling), caller.name);
        await calling.close();
      }
    } finally {
      for (const each of running) await each.stop();
      await carrier.clean(place);
    }
  };

  test('a NestJS and a waybill service share one queue', limit, () => withBoth({}, async (calling, { value }, name) => {
    const seen = {};
    for (let i = 0; i < 12; ++i) {
      const { instance } = await value('conf.instance', {});
      seen[instance] = (seen[instance] ?? 0) + 1;
    }
    assert.deepStrictEqual(seen, { s0: 6, s1: 6 }, name);
  }));

  test('a fanout exchange reaches all of them', limit, async () => {
    const exchange = freshName();
    await withBoth({ queue: '', exchange, exchangeType: 'fanout', exclusive: true }, async (calling, { value }, name) => {
      await calling.emit('conf.event', { name });
      const deadline = performance.now() + 5000;
      const counts = {};
      // Both answer, and the first is heard: it may be either.
      while (Object.keys(counts).length < 2 && performance.now() < deadline) {
        const { instance } = await value('conf.instance', {});
        counts[instance] = true;
        assert.deepStrictEqual(await value('conf.count', { name }), { count: 1 });
        if (performance.now() > deadline - 4000) break;
      }
    });
  });
});

test('a service that comes later finds the waiting request, and one that restarts goes on', limit, async () => {
  for (const service of Object.values(services)) {
    const url = newPlace();
    const first = await service.start(url);
    await first.stop();
    const client = await callers.nest.open(url);
    const waiting = client.send('conf.sum', [1, 2], { limit: 20_000 });
    const calling = callers.cli.open(url).then(each => each.send('conf.sum', [3, 4], { limit: 20_000 }));
    const second = await services.waybill.start(url);
    assert.deepStrictEqual(await waiting, { values: [3], ended: true }, service.name);
    assert.deepStrictEqual(await calling, { values: [7], ended: true }, service.name);
    await client.close();
    await second.stop();
    await carrier.clean(url);
  }
});
