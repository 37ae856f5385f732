// `waybill listen` prints what NestJS sends.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeNestClient, outcomeOf } from './lib/nest.mjs';
import { cli, lines, run, cliPath } from './lib/programs.mjs';
import { createServer } from 'node:net';

const limit = { timeout: 30_000 };

/** A port that was free a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Listens, lets `use(client)` send, and gives what was printed. */
async function listening(args, use, { metadata } = {}) {
  const port = await freePort();
  const ended = run(cliPath(), ['listen', `tcp://127.0.0.1:${port}`, ...args]);
  let client = makeNestClient(`tcp://127.0.0.1:${port}`, { metadata });
  // Until it listens, connecting fails.
  while (!(await client.connect().then(() => true, () => false))) {
    client.close();
    client = makeNestClient(`tcp://127.0.0.1:${port}`, { metadata });
  }
  await use(client);
  const result = await ended;
  client.close();
  return { ...result, printed: lines(result.stdout).map(line => JSON.parse(line)) };
}

describe('listen', limit, () => {
  test('prints events and requests, and ends after --count', limit, async () => {
    let answer;
    const { code, printed } = await listening(['order.created', '{"cmd":"ask"}', '--count', '2'], async client => {
      await outcomeOf(client.emit('order.created', { id: '가', n: 1 }));
      answer = await outcomeOf(client.send({ cmd: 'ask' }, [1]));
    });
    assert.equal(code, 0);
    assert.deepStrictEqual(printed, [
      { kind: 'event', pattern: 'order.created', data: { id: '가', n: 1 }, headers: {} },
      { kind: 'request', pattern: '{"cmd":"ask"}', data: [1], headers: {} },
    ]);
    assert.deepStrictEqual(answer, { values: [], ended: true });
  });

  test('answers with --reply', limit, async () => {
    let answer;
    await listening(['p', '--reply', '{"ok":1.0}', '--count', '1'], async client => {
      answer = await outcomeOf(client.send('p', 1));
    });
    assert.deepStrictEqual(answer, { values: [{ ok: 1 }], ended: true });
  });

  test('shows metadata, and its texts as headers', limit, async () => {
    const metadata = { 'x-trace': 't' };
    const { printed } = await listening(['p', '--count', '1'], client => outcomeOf(client.emit('p', 'd')), { metadata });
    assert.deepStrictEqual(printed, [{ kind: 'event', pattern: 'p', data: 'd', headers: metadata, metadata }]);
  });

  test('a port that is taken: 3', limit, async () => {
    const server = createServer();
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    const url = `tcp://127.0.0.1:${server.address().port}?startup=fail_fast`;
    const { code, stderr } = await cli(['listen', url, 'p']);
    server.close();
    assert.equal(code, 3);
    assert.ok(JSON.parse(lines(stderr).at(-1)).message);
  });
});
