// What waybill's client puts on the wire, byte for byte beside the recorded NestJS, and how it takes recorded replies.
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { cli, lines } from './lib/programs.mjs';
import { bodiesOf, bytesOf, frame, recorded, recordedOne, withId } from './lib/wire.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 550_000 };
const text = bytes => Buffer.from(bytes).toString('utf8');

/** A server of one connection; `onFrame(body, socket)` sees what comes. Gives { url, received(), close() }. */
async function startServer(onFrame) {
  const chunks = [];
  let announced = 0;
  const server = net.createServer({ noDelay: true }, socket => {
    socket.on('error', () => {});
    socket.on('data', data => {
      chunks.push(data);
      const bodies = bodiesOf(Buffer.concat(chunks));
      for (; announced < bodies.length; ++announced) onFrame(bodies[announced], socket);
    });
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `tcp://127.0.0.1:${server.address().port}`,
    received: () => Buffer.concat(chunks),
    close: () => server.close(),
  };
}

/** The call of a recorded message, as arguments of the command line: its pattern, its data, its metadata. */
function argumentsOf(vector, body) {
  const { call } = recordedOne(vector.name.replace(/\/(request|event)$/, '/outcome'));
  const { data, metadata } = JSON.parse(body);
  const flags = metadata === undefined ? [] : ['--metadata', JSON.stringify(metadata)];
  return [JSON.stringify(call.pattern), '-', JSON.stringify(data), flags];
}

describe('requests and events have the recorded bytes', all, () => {
  const sent = recorded('tcp/').filter(({ name }) => /^tcp\/(?!raw-|limit\/|close\/).*\/(request|event)$/.test(name));
  test('there are recorded messages', () => assert.ok(sent.length > 75, `${sent.length}`));

  for (const vector of sent) {
    const isRequest = vector.name.endsWith('/request');
    test(vector.name.slice('tcp/'.length), limit, async () => {
      const expected = bytesOf(vector);
      const [pattern, dash, data, flags] = argumentsOf(vector, bodiesOf(expected)[0]);
      let id;
      const server = await startServer((body, socket) => {
        ({ id } = JSON.parse(body));
        if (id !== undefined) socket.write(frame(`{"isDisposed":true,"id":${JSON.stringify(id)}}`));
      });
      const command = isRequest ? 'request' : 'emit';
      const { code, stderr } = await cli([command, server.url, pattern, dash, ...flags], { input: data });
      server.close();
      assert.equal(code, 0, stderr);
      assert.equal(id !== undefined, isRequest);
      assert.equal(text(server.received()), text(isRequest ? withId(expected, id) : expected));
    });
  }

  test('ids are different, and not one after the other', limit, async () => {
    const ids = new Set();
    const server = await startServer((body, socket) => {
      const { id } = JSON.parse(body);
      ids.add(id);
      socket.end(frame(`{"isDisposed":true,"id":"${id}"}`));
    });
    await cli(['request', server.url, 'p', '1']);
    server.close();
    const again = await startServer((body, socket) => {
      const { id } = JSON.parse(body);
      ids.add(id);
      socket.end(frame(`{"isDisposed":true,"id":"${id}"}`));
    });
    await cli(['request', again.url, 'p', '1']);
    again.close();
    assert.equal(ids.size, 2);
    for (const id of ids) assert.match(id, /^[0-9a-f]{21}$/);
  });
});

describe('recorded replies', all, () => {
  for (const vector of recorded('tcp/raw-client/')) {
    const { observed } = vector;
    test(vector.name.slice('tcp/raw-client/'.length), limit, async () => {
      let id;
      const server = await startServer(async (body, socket) => {
        ({ id } = JSON.parse(body));
        for (const piece of piecesOf(vector, id)) {
          if (!socket.destroyed) await new Promise(resolve => socket.write(piece, resolve));
          await new Promise(resolve => setTimeout(resolve, 5));  // separate writes, as recorded
        }
        if (vector.then_server === 'end') socket.end();
        if (vector.then_server === 'destroy') socket.destroy();
      });
      const limitOfCall = observed.timed_out ? '400ms' : '5s';
      const { code, stdout, stderr } = await cli(['request', server.url, 'p', '1', '--timeout', limitOfCall]);
      server.close();
      const values = lines(stdout).map(line => JSON.parse(line));
      assert.deepStrictEqual(values, observed.values.map(value => (value?.id ? { ...value, id } : value)));
      assert.equal(code, exitOf(observed), stderr);
      if (code === 1) assert.deepStrictEqual(JSON.parse(lines(stderr).at(-1)), observed.error);
      if (code === 3) assert.equal(JSON.parse(lines(stderr).at(-1)).error, 'connection_lost');
    });
  }

  function exitOf(observed) {
    if (observed.timed_out) return 4;
    if (observed.completed) return 0;
    return observed.error?.js_error ? 3 : 1;
  }

  /** The recorded writes with the id of this call in place of the placeholder, framed again. */
  function piecesOf(vector, id) {
    const writes = vector.writes.map(write => bytesOf(write));
    const whole = Buffer.concat(writes);
    if (!whole.includes(vector.id_placeholder)) return writes;
    const renamed = Buffer.concat(bodiesOf(whole).map(body => frame(body.replaceAll(vector.id_placeholder, id))));
    if (writes.length === 1) return [renamed];
    const isFrameEach = bodiesOf(whole).length === writes.length;
    // Either one frame a write, or one frame that is cut inside an emoji.
    const cut = isFrameEach ? frame(bodiesOf(renamed)[0]).length : renamed.indexOf(Buffer.from('😀')) + 2;
    return [renamed.subarray(0, cut), renamed.subarray(cut)];
  }
});
