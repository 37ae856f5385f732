// What only Kafka has, between NestJS and waybill in both directions.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { carrier, freshName, newPlace } from './lib/carriers.mjs';
import { kafkaOf, prepareTopics } from './lib/kafka.mjs';
import { asking, callers, pairings, services } from './lib/peers.mjs';

const limit = { timeout: 60_000 };
const patterns = ['conf.echo', 'conf.type', 'conf.meta', 'conf.last', 'conf.count', 'conf.sum', 'conf.instance', 'conf.error',
  'conf.none', 'conf.stream', 'conf-rx.one', 'conf-rx.two.words', 'conf.delay'];
/** A record as a producer of any make may write it. */
async function produce(topic, message) {
  const producer = kafkaOf(carrier.url()).producer();
  await producer.connect();
  await producer.send({ topic, messages: [message] });
  await producer.disconnect();
}

before(() => prepareTopics(carrier.url(), { 'interop-parted': 3 }));

for (const [caller, service] of pairings) {
  describe(`${caller.name} and a ${service.name} service over Kafka`, { timeout: 120_000 }, () => {
    let url;
    let running;
    let calling;
    let value;
    let eventually;
    before(async () => {
      url = newPlace();
      running = await service.start(url);
      calling = await caller.open(running.url, { patterns });
      ({ value, eventually } = asking(calling));
    });
    after(async () => {
      await calling?.close();
      await running?.stop();
    });

    test('scalars arrive as texts, and texts that look like JSON as JSON', limit, async () => {
      for (const [data, seen] of [
        [15, '15'], [true, 'true'], [0.5, '0.5'], ['15', '15'], ['', ''],
        ['{"a":1}', { a: 1 }], ['[1,"two"]', [1, 'two']], ['[not json', '[not json'], [' {"a":1}', ' {"a":1}'],
        [{ n: 15, b: true, z: null }, { n: 15, b: true, z: null }],
      ]) assert.deepStrictEqual(await value('conf.echo', data), seen);
    });

    test('an object with a key and a value is a message', limit, async () => {
      const seen = await value('conf.meta', { key: 'k-1', value: { n: 1 }, headers: { 'x-own': 'h' }, other: 'lost' });
      assert.deepStrictEqual(seen, { data: { n: 1 }, pattern: 'conf.meta', partition: 0, recordKey: 'k-1', headers: { 'x-own': 'h' } });
    });

    test('key and headers of a call', limit, async () => {
      const seen = await value('conf.meta', 'd', { headers: { 'x-trace': '한글' }, options: { key: 'k-2' } });
      assert.deepStrictEqual(seen, { data: 'd', pattern: 'conf.meta', partition: 0, recordKey: 'k-2', headers: { 'x-trace': '한글' } });
    });

    test('key and headers of an event', limit, async () => {
      await calling.emit('conf.event', { name: 'keyed' }, { headers: { h: '1' }, options: { key: 'k-3' } });
      assert.deepStrictEqual(await eventually('conf.last', { name: 'keyed' }, answer => !answer.none), {
        data: { name: 'keyed' }, pattern: 'conf.event', partition: 0, recordKey: 'k-3', headers: { h: '1' },
      });
    });

    test('events with one key keep their order', limit, async () => {
      for (let seq = 0; seq < 5; ++seq) await calling.emit('conf.event', { name: 'order', seq }, { options: { key: 'k' } });
      assert.deepStrictEqual(await eventually('conf.count', { name: 'order' }, ({ count }) => count >= 5), { count: 5 });
    });

    test('a regular expression over topics', limit, async () => {
      for (const pattern of ['conf-rx.one', 'conf-rx.two.words']) {
        assert.deepStrictEqual(await value(pattern, 'd'), { handler: 'regexp', pattern });
      }
    });

    if (caller.name === 'the command line') {  // NestJS's clients refuse to send null
      test('a null value stands for the whole record', limit, async () => {
        assert.deepStrictEqual(await value('conf.type', null), { type: 'object' });
      });
    }

    test('raw bytes', limit, async () => {
      await produce('conf.event.raw', { value: Buffer.from([0, 1, 2, 255]) });
      const { type } = await eventually('conf.last', { name: 'raw' }, answer => answer.type === 'binary');
      assert.equal(type, 'binary');
    });

    test('headers that are no text', limit, async () => {
      await produce('conf.event', {
        key: '{"k":[1]}',
        value: '{"name":"odd"}',
        headers: { 'x-json': '{"a":1}', 'x-bytes': Buffer.from([0, 1]), 'x-empty': '', 'x-number': '5', 'x-broken': '[1' },
      });
      const last = await eventually('conf.last', { name: 'odd' }, answer => !answer.none);
      const bytes = Buffer.from([0, 1]).toJSON();
      assert.deepStrictEqual(last, {
        data: { name: 'odd' }, pattern: 'conf.event', partition: 0, recordKey: { k: [1] },
        headers: { 'x-json': { a: 1 }, 'x-bytes': bytes, 'x-empty': '', 'x-number': '5', 'x-broken': '[1' },
      });
    });

    test('an event without a value', limit, async () => {
      await produce('conf.event.raw', { key: 'tombstone', value: null });
      assert.equal(await value('conf.echo', 'still there'), 'still there');
    });

    test('many calls at once', limit, async () => {
      const count = caller === callers.cli ? 4 : 64;
      const answers = await Promise.all(Array.from({ length: count }, (_, i) => value('conf.sum', [i, 1])));
      assert.deepStrictEqual(answers, answers.map((_, i) => String(i + 1)));
    });
  });
}

test('two groups: both handle a request, one reply is heard', limit, async () => {
  const [first, second] = [await services.nest.start(newPlace()), await services.waybill.start(newPlace())];
  const calling = await callers.nest.open(newPlace(), { patterns });
  const name = freshName();
  await calling.emit('conf.event', { name });
  const { eventually } = asking(calling);
  assert.deepStrictEqual(await eventually('conf.count', { name }, ({ count }) => count === 1), { count: 1 });
  await calling.close();
  await first.stop();
  await second.stop();
});

test('a service in a group of NestJS consumers says why it cannot', limit, async () => {
  const url = newPlace();
  const nest = await services.nest.start(url);
  await assert.rejects(services.waybill.start(url), /group/);
  await nest.stop();
});

test('a service that restarts goes on where it was', limit, async () => {
  const url = newPlace();
  const first = await services.waybill.start(url);
  const client = await callers.nest.open(url, { patterns });
  await first.stop();
  const waiting = client.send('conf.sum', [1, 2], { limit: 30_000 });
  const second = await services.waybill.start(url);
  assert.deepStrictEqual(await waiting, { values: ['3'], ended: true });
  await client.close();
  await second.stop();
});
