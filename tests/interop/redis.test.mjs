// What only Redis has, between NestJS and waybill in both directions.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { carrier, newPlace } from './lib/carriers.mjs';
import { asking, callers, meeting, pairings, services } from './lib/peers.mjs';
import { cli, lines } from './lib/programs.mjs';

const limit = { timeout: 60_000 };

for (const pairing of pairings) {
  const [caller, service] = pairing;
  describe(`${caller.name} and a ${service.name} service over Redis`, () => {
    const wild = use => meeting(pairing, { wildcards: true }, use);

    test('globs', limit, () => wild(async ({ value }) => {
      for (const [pattern, handler] of [
        ['wild.a.one', 'wild.*.one'],
        ['wild.a.b.one', 'wild.*.one'],  // globs cross dots
        ['wild.한글.one', 'wild.*.one'],
        ['all.a.b.c', 'all.*'],
      ]) assert.deepStrictEqual(await value(pattern, 1), { handler, pattern });
      assert.equal(await value('conf.sum', [1, 2]), 3);
    }));

    test('an event for a glob', limit, () => wild(async ({ caller: calling, eventually }) => {
      await calling.emit('wev.x', { name: 'w' });
      assert.deepStrictEqual(await eventually('conf.count', { name: 'w' }, ({ count }) => count >= 1), { count: 1 });
    }));

    test('replies that match the own glob harm nobody', limit, () => wild(async ({ value }) => {
      for (let i = 0; i < 20; ++i) await value('all.again', i);
      assert.equal(await value('conf.hello', 'you'), 'Hello, you!');
    }));
  });
}

test('several services all answer, and all get events', limit, async () => {
  const place = newPlace();
  const running = [];
  for (const [i, service] of Object.values(services).entries()) running.push(await service.start(`${place}/?instance=s${i}`));
  for (const caller of Object.values(callers)) {
    const calling = await caller.open(place);
    const { value } = asking(calling);
    const { instance } = await value('conf.instance', {});
    assert.match(instance, /^s[01]$/);
    await calling.close();
  }
  const calling = await callers.nest.open(place);
  await calling.emit('conf.event', { name: 'everywhere' });
  // Whichever answers first: when one is gone, the other says the same.
  const { eventually } = asking(calling);
  for (const service of [...running]) {
    const answer = await eventually('conf.count', { name: 'everywhere' }, ({ count }) => count === 1);
    assert.deepStrictEqual(answer, { count: 1 });
    await service.stop();
  }
  await calling.close();
});

test('nobody listens: NestJS waits, the command line ends at once', limit, async () => {
  const place = newPlace();
  const client = await callers.nest.open(place);
  assert.deepStrictEqual(await client.send('conf.nobody', 1, { limit: 300 }), { values: [], ended: false });
  await client.close();
  const { code, stdout, stderr } = await cli(['request', place, 'conf.nobody', '1', '--timeout', '30s']);
  assert.deepStrictEqual([code, stdout, JSON.parse(lines(stderr).at(-1)).error], [4, '', 'no_receiver']);
});

test('a service that restarts is found by the same client', limit, async () => {
  const place = newPlace();
  const first = await services.waybill.start(place);
  const client = await callers.nest.open(place);
  const { value } = asking(client);
  assert.equal(await value('conf.sum', [1, 2]), 3);
  await first.stop();
  assert.deepStrictEqual(await client.send('conf.sum', [1], { limit: 200 }), { values: [], ended: false });
  const second = await services.waybill.start(place);
  assert.equal(await value('conf.sum', [3, 4]), 7);
  await client.close();
  await second.stop();
  await carrier.clean(place);
});
