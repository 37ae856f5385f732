// What waybill puts on Redis and RabbitMQ, byte for byte beside the recorded NestJS, and how it takes recorded replies.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { carrier, newPlace } from './lib/carriers.mjs';
import { cli, lines } from './lib/programs.mjs';
import { rawBrokers } from './lib/raw_brokers.mjs';
import { startRecordedService } from './lib/recorded_service.mjs';
import { bytesOf, recorded, recordedOne } from './lib/wire.mjs';

const limit = { timeout: 30_000 };
const all = { timeout: 200_000 };
const { name: prefix } = carrier;
const named = ({ name }) => name.slice(prefix.length + 1);
/** Groups whose service or client has options of its own. */
const special = /^(wildcards|ack|fanout|options|record|setup|raw-)|stream-undefined|^no-subscriber|^concurrent/;
const of = suffix => recorded(`${prefix}/`).filter(vector => !special.test(named(vector)) && vector.name.endsWith(suffix));

describe(`recorded requests over ${prefix} are answered with the recorded bytes`, all, () => {
  let url;
  let service;
  let raw;
  before(async () => {
    url = newPlace();
    service = await startRecordedService('', url);
    raw = await rawBrokers[prefix](url);
  });
  after(async () => {
    await raw?.close();
    await service?.stop();
    await carrier.clean(url);
  });

  const requests = of('/request');
  test('there are recorded requests', () => assert.ok(requests.length > 60, `${requests.length}`));
  for (const request of requests) {
    const name = request.name.slice(0, -'/request'.length);
    const responses = recorded(`${name}/response-`);
    if (responses.length === 0) continue;
    test(named({ name }), limit, async () => {
      const replies = await raw.ask(request, bytesOf(request, 'body'), responses.length);
      // What the handler itself calls the channel differs.
      const texts = responses.map(each => String(bytesOf(each, 'body')).replace('"channel":"w.meta"', '"pattern":"w.meta"'));
      assert.deepStrictEqual(replies.map(({ text }) => text), texts);
      for (const [i, { channel, properties }] of responses.entries()) {
        if (channel) assert.equal(replies[i].channel, channel);
        if (properties) assert.deepStrictEqual(replies[i].properties, properties);
      }
    });
  }

  for (const vector of recorded(`${prefix}/raw-server/`)) {
    test(named(vector), limit, async () => {
      const replies = await raw.ask(vector, bytesOf(vector, 'body'), Math.max(vector.replies.length, 1));
      assert.deepStrictEqual(replies, vector.replies);
    });
  }
});

describe(`waybill's client over ${prefix}`, all, () => {
  let url;
  let raw;
  before(async () => {
    url = newPlace();
    raw = await rawBrokers[prefix](url);
  });
  after(async () => {
    await raw?.close();
    await carrier.clean(url);
  });

  for (const vector of of('/request').concat(of('/event'))) {
    if (/large|lone-surrogate/.test(vector.name)) continue;
    const isRequest = vector.name.endsWith('/request');
    test(`sends ${named(vector)} as recorded`, limit, async () => {
      const expected = String(bytesOf(vector, 'body'));
      const { call } = recordedOne(vector.name.replace(/\/(request|event)$/, '/outcome'));
      const { data, metadata } = JSON.parse(expected);
      const flags = metadata === undefined ? [] : ['--metadata', JSON.stringify(metadata)];
      let seen;
      const stop = await raw.serve(vector.channel, (message, reply) => {
        seen = message;
        if (isRequest) reply(JSON.stringify({ isDisposed: true, ...(prefix === 'redis' ? { id: message.id } : {}) }));
      });
      const { code, stderr } = await cli([isRequest ? 'request' : 'emit', url, JSON.stringify(call.pattern), '-', ...flags],
        { input: JSON.stringify(data) });
      const deadline = performance.now() + 3000;
      while (!seen && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 2));
      await stop();
      assert.equal(code, 0, stderr);
      assert.equal(seen.text, expected.replace(/"id":"[^"]*"\}$/, `"id":"${seen.id}"}`));
      if (!seen.properties) return;
      const { replyTo, correlationId, ...others } = seen.properties;
      if (isRequest) assert.match(replyTo, /^amq\.rabbitmq\.reply-to/);
      else assert.deepStrictEqual([replyTo, correlationId], [undefined, undefined]);
      assert.deepStrictEqual(others, { headers: {}, deliveryMode: vector.properties.deliveryMode });
    });
  }

  for (const vector of recorded(`${prefix}/raw-client/`)) {
    const { observed } = vector;
    test(`takes ${named(vector)} as recorded`, limit, async () => {
      const channel = 'w.raw.client';
      const stop = await raw.serve(channel, async ({ id }, reply) => {
        if (named(vector).endsWith('wrong-correlation-id')) return;
        for (const text of vector.bodies_text) await reply(text.replaceAll('__ID__', id));
      });
      const { code, stdout, stderr } = await cli(['request', url, channel, '1', '--timeout', observed.timed_out ? '400ms' : '5s']);
      await stop();
      const values = lines(stdout).map(line => JSON.parse(line));
      assert.deepStrictEqual(values.map(value => (value?.id ? { ...value, id: undefined } : value)),
        observed.values.filter(value => !value?.__undefined).map(value => (value?.id ? { ...value, id: undefined } : value)));
      assert.equal(code, observed.timed_out ? 4 : observed.completed ? 0 : 1, stderr);
      if (code === 1) assert.deepStrictEqual(JSON.parse(lines(stderr).at(-1)), observed.error);
    });
  }
});
