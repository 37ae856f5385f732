// One conformance service on two URLs: TCP, and the carrier of this run.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { carrier, carrierOf, newPlace } from './lib/carriers.mjs';
import { asking, callers } from './lib/peers.mjs';
import { callerUrl, servicePath, startService } from './lib/programs.mjs';

const limit = { timeout: 60_000 };
const patterns = ['conf.meta', 'conf.instance', 'conf.tally', 'conf.count', 'conf.sum', 'conf.echo'];

describe(`a conformance service on TCP and on ${carrier.name}`, limit, () => {
  let service;
  let calling;
  let asked;
  const place = newPlace({ instance: 'second' });

  before(async () => {
    await carrier.prepare();
    service = await startService(servicePath(), ['tcp://127.0.0.1:0/?instance=first', place]);
    const [, first, second] = service.line.split(' ');
    const urls = [first, carrier.name === 'tcp' ? second : callerUrl(place)];
    calling = [];
    for (const url of urls) calling.push({ url, ...(await callers.nest.open(url, { patterns })) });
    asked = calling.map(asking);
  });
  after(async () => {
    for (const client of calling ?? []) await client.close();
    await service?.stop();
    await carrier.clean(place);
  });

  test('each URL has its instance', limit, async () => {
    const instances = await Promise.all(asked.map(({ value }) => value('conf.instance', {})));
    assert.deepStrictEqual(instances, [{ instance: 'first' }, { instance: 'second' }]);
  });

  test('handlers tell what the carrier of their message shows them', limit, async () => {
    for (const [i, { value }] of asked.entries()) {
      assert.deepStrictEqual(await value('conf.meta', 'd'), { data: 'd', ...carrierOf(calling[i].url).meta('conf.meta') });
    }
  });

  test('object patterns, wherever the carrier has them', limit, async () => {
    for (const [i, { value }] of asked.entries()) {
      if (carrierOf(calling[i].url).hasObjectPatterns) assert.equal(await value({ cmd: 'sum' }, [1, 2]), 3);
    }
  });

  test('what one hears the other knows', limit, async () => {
    for (const { value } of asked) await value('conf.tally', { name: 'both' });
    for (const { value } of asked) assert.deepStrictEqual(await value('conf.count', { name: 'both' }), { count: 2 });
  });

  test('SIGTERM ends both within two seconds', limit, async () => {
    const end = await service.stop();
    assert.equal(end.code, 0, end.log);
    assert.ok(end.milliseconds < 2000, `took ${end.milliseconds} ms`);
  });
});
