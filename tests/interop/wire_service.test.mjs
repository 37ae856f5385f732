// What a waybill service puts on the wire, byte for byte, beside what NestJS was recorded to put there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRecordedService } from './lib/recorded_service.mjs';
import { bytesOf, connect, recorded, withId, bodiesOf } from './lib/wire.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 550_000 };
const text = bytes => Buffer.from(bytes).toString('utf8');

describe('recorded requests are answered with the recorded bytes', all, () => {
  let service;
  before(async () => { service = await startRecordedService(); });
  after(() => service?.stop());

  const requests = recorded('tcp/').filter(({ name }) => /^tcp\/(?!raw-|limit\/|close\/).*\/request$/.test(name));
  for (const request of requests) {
    const name = request.name.slice('tcp/'.length, -'/request'.length);
    const responses = recorded(`tcp/${name}/response-`).filter(vector => /response-\d+$/.test(vector.name));
    test(name, limit, async () => {
      const expected = text(Buffer.concat(responses.map(response => bytesOf(response))));
      const peer = await connect(service.port);
      await peer.write(bytesOf(request));
      await peer.until(() => peer.received().length >= Buffer.byteLength(expected) || peer.closed);
      assert.equal(text(peer.received()), expected);
      assert.equal(peer.closed, false);
      peer.destroy();
    });
  }
  test('there are recorded requests', () => assert.ok(requests.length > 60, `${requests.length}`));
});

describe('raw bytes towards a service', all, () => {
  let service;
  before(async () => { service = await startRecordedService(); });
  after(() => service?.stop());

  const marker = '41#{"pattern":"w.echo","data":1,"id":"marker"}';
  const markerReply = '46#{"response":1,"isDisposed":true,"id":"marker"}';

  for (const vector of recorded('tcp/raw-server/')) {
    const name = vector.name.slice('tcp/raw-server/'.length);
    const reaction = vector.server_reaction;
    const expected = text(bytesOf(reaction, 'reply'));
    test(name, limit, async () => {
      const peer = await connect(service.port);
      for (const write of vector.writes) {
        if (peer.closed) break;
        await peer.write(bytesOf(write));
        if (vector.writes.length > 1) await new Promise(resolve => setImmediate(resolve));
      }
      if (vector.then_client) peer.socket.end();
      if (reaction.server_closed_connection) {
        assert.ok(await peer.until(() => peer.closed), 'the connection stays open');
        const received = text(peer.received());
        // A reply that was under way when the stream broke may still be written; never more than that.
        if (received !== expected) assert.ok(mayStillAnswer(name, received), received);
      } else {
        await peer.until(() => peer.received().length >= Buffer.byteLength(expected) || peer.closed);
        assert.equal(text(peer.received()), expected);
        assert.equal(peer.closed, false, 'the connection is closed');
        if (!leavesFrameOpen.has(name)) await stillServes(peer, expected);
      }
      peer.destroy();
    });
  }

  /** Cases after which the service waits for the rest of a frame. */
  const leavesFrameOpen = new Set(['length-in-bytes-instead-of-utf16', 'no-hash-long']);
  /** NestJS loses replies that it has not begun to write; waybill may have written them. */
  function mayStillAnswer(name, received) {
    const bodies = bodiesOf(Buffer.from(received));
    return ['good-then-invalid', 'half-close-after-request'].includes(name) &&
      bodies.length === 1 && JSON.parse(bodies[0]).id === '1';
  }
  async function stillServes(peer, before) {
    await peer.write(marker.replace(/^41/, String(marker.length - 3)));
    const wanted = before + markerReply.replace(/^46/, String(markerReply.length - 3));
    await peer.until(() => peer.received().length >= Buffer.byteLength(wanted) || peer.closed);
    assert.equal(text(peer.received()), wanted);
  }
});

describe('limits of a service', all, () => {
  let service;
  before(async () => { service = await startRecordedService('?maxBufferSize=100&incompleteMessageTimeout=150'); });
  after(() => service?.stop());

  for (const vector of recorded('tcp/limit/')) {
    const name = vector.name.slice('tcp/limit/'.length);
    test(name, limit, async () => {
      const peer = await connect(service.port);
      for (const write of vector.writes) {
        if (!peer.closed) await peer.write(bytesOf(write));
        await new Promise(resolve => setTimeout(resolve, 20));  // separate writes, as recorded
      }
      const expected = text(bytesOf(vector.server_reaction, 'reply'));
      if (vector.server_reaction.connection === 'open') {
        await peer.until(() => peer.received().length >= Buffer.byteLength(expected) || peer.closed);
        assert.equal(text(peer.received()), expected);
        if (name === 'idle-between-frames') assert.equal(await peer.until(() => peer.closed, 400), false);
        assert.equal(peer.closed, false);
      } else {
        assert.ok(await peer.until(() => peer.closed), 'the connection stays open');
        assert.equal(text(peer.received()), expected);
      }
      peer.destroy();
    });
  }
});

test('replies repeat the id as it came', limit, async () => {
  const service = await startRecordedService();
  const [request] = recorded('tcp/data/string-korean/request');
  const [response] = recorded('tcp/data/string-korean/response-0');
  const peer = await connect(service.port);
  for (const id of ['x', '한글😀', 'a'.repeat(200)]) {
    const from = peer.received().length;
    const expected = withId(bytesOf(response), id);
    await peer.write(withId(bytesOf(request), id));
    await peer.until(() => peer.received().length >= from + expected.length);
    assert.equal(text(peer.received().subarray(from)), text(expected));
  }
  peer.destroy();
  await service.stop();
});
