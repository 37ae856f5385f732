// What the command line prints and how it ends, whoever is at the other end.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { conformanceHandlers } from './lib/handlers.mjs';
import { startNestService } from './lib/nest.mjs';
import { cli, cliPath, lines, run } from './lib/programs.mjs';
import { startRecorder, bodiesOf } from './lib/wire.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 550_000 };

describe('what the command line prints', all, () => {
  /** A server that answers the first request with `reply(id)` as it is. */
  async function answering(reply) {
    const server = createServer(socket => {
      let received = '';
      socket.on('error', () => {});
      socket.on('data', data => {
        received += data;
        const [body] = bodiesOf(Buffer.from(received));
        if (!body) return;
        received = '';
        const text = reply(JSON.parse(body).id);
        socket.write(`${text.length}#${text}`);
      });
    });
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    return { url: `tcp://127.0.0.1:${server.address().port}`, close: () => server.close() };
  }
  async function printed(value) {
    const server = await answering(id => `{"response":${value},"isDisposed":true,"id":"${id}"}`);
    try {
      const { stdout } = await cli(['request', server.url, 'p', '1']);
      return stdout;
    } finally {
      server.close();
    }
  }

  for (const text of ['12345678901234567890123', '1.0', '1e3', '-0', '1E400', '"\\u0041\\ud83d"', '{"b":1.50,"a":"\\/"}']) {
    test(`${text} as it came`, limit, async () => assert.equal(await printed(text), `${text}\n`));
  }

  test('a value on several lines as one', limit, async () => {
    const line = await printed('{\n  "a": 1,\r\n  "b": "x y"\n}');
    assert.equal(line.match(/\n/g).length, 1);
    assert.deepStrictEqual(JSON.parse(line), { a: 1, b: 'x y' });
  });

  test('an error as it came', limit, async () => {
    const server = await answering(id => `{"err":{"code":12345678901234567890,"x":1.0},"isDisposed":true,"id":"${id}"}`);
    const { code, stderr } = await cli(['request', server.url, 'p', '1']);
    server.close();
    assert.deepStrictEqual([code, lines(stderr).at(-1)], [1, '{"code":12345678901234567890,"x":1.0}']);
  });

  test('that standard output is full', limit, async () => {
    const server = await answering(id => JSON.stringify({ response: 1, isDisposed: true, id }));
    const { code, stderr } = await run('/bin/sh', ['-c', '"$0" request "$1" p 1 >/dev/full', cliPath(), server.url]);
    server.close();
    assert.equal(code, 5);
    assert.match(JSON.parse(lines(stderr).at(-1)).message, /standard output cannot be written: No space left/);
  });

  test('data as it was typed, without white space', limit, async () => {
    const service = await startNestService(conformanceHandlers());
    const recorder = await startRecorder(service.port);
    const data = '{ "n" : 12345678901234567890123 , "f" : 1.0, "t" : "a \\" b" }';
    await cli(['request', recorder.url, '{ "cmd" : "echo" }', data]);
    const [body] = bodiesOf(Buffer.concat(recorder.sent));
    assert.match(body, /^\{"pattern":\{"cmd":"echo"\},"data":\{"n":12345678901234567890123,"f":1\.0,"t":"a \\" b"\},"id":"[^"]+"\}$/);
    await recorder.close();
    await service.close();
  });
});

describe('how the command line ends', all, () => {
  const nowhere = 'tcp://127.0.0.1:1';
  const failed = async args => {
    const result = await cli(args);
    assert.equal(result.stdout, '');
    const error = JSON.parse(lines(result.stderr).at(-1));
    assert.deepStrictEqual(Object.keys(error), ['error', 'message']);
    assert.ok(error.message.length > 0);
    return { code: result.code, ...error };
  };

  for (const [name, args] of [
    ['no arguments', []],
    ['an unknown command', ['send', nowhere, 'p', '1']],
    ['no URL', ['request']],
    ['no pattern', ['request', nowhere]],
    ['no data', ['request', nowhere, 'p']],
    ['one argument too many', ['request', nowhere, 'p', '1', '2']],
    ['an unknown flag', ['request', nowhere, 'p', '1', '--nope']],
    ['data that is no JSON', ['request', nowhere, 'p', '{a}']],
    ['data that is two values', ['request', nowhere, 'p', '1 2']],
    ['empty data', ['request', nowhere, 'p', '']],
    ['a broken pattern', ['request', nowhere, '{"cmd":', '1']],
    ['a pattern that is a broken text', ['emit', nowhere, '"p', '1']],
    ['a pattern that is null', ['emit', nowhere, 'null', '1']],
    ['broken headers', ['emit', nowhere, 'p', '1', '--headers', '[1]']],
    ['broken metadata', ['emit', nowhere, 'p', '1', '--metadata', '{']],
    ['broken options', ['emit', nowhere, 'p', '1', '--options', '5']],
    ['a broken timeout', ['request', nowhere, 'p', '1', '--timeout', 'soon']],
    ['a timeout of nothing', ['request', nowhere, 'p', '1', '--timeout', '0']],
    ['a timeout without a value', ['request', nowhere, 'p', '1', '--timeout']],
    ['an unknown scheme', ['request', 'tpc://127.0.0.1:1', 'p', '1']],
    ['an unknown option of the URL', ['request', `${nowhere}?nope=1`, 'p', '1']],
    ['an unknown serializer', ['request', `${nowhere}?serializer=nope`, 'p', '1']],
    ['no URL at all', ['request', 'nowhere', 'p', '1']],
  ]) {
    test(`2 for ${name}`, limit, async () => assert.equal((await failed(args)).code, 2));
  }

  for (const [said, args] of [
    ['unknown command "reqest"; did you mean "request"?', ['reqest', nowhere, 'p', '1']],
    ['unknown command "list"; known: ls, show, replay, drop', ['dlq', 'list', nowhere]],
    ['unknown flag "--timout"; did you mean "--timeout"?', ['request', nowhere, 'p', '1', '--timout', '5s']],
    ['unknown flag "--timout"; did you mean "--timeout"?', ['request', '--timout=5s', nowhere, 'p', '1']],
    ['unknown flag "-v"; known: --help, --version (the flags of a command stand behind it)', ['-v', 'request', nowhere, 'p', '1']],
    ['missing <data>: waybill request <url> <pattern> <data>', ['request', nowhere, 'p']],
    ['one argument too many: "1}" (JSON with spaces needs quotes: \'{"id": 1}\')', ['emit', nowhere, 'p', '{id:', '1}']],
    ['--count: expected a whole number, found "-1"', ['stream', nowhere, 'p', '1', '--count', '-1']],
    ['data: not valid JSON at "World" (texts need quotes: \'"text"\')', ['request', nowhere, 'p', 'World']],
    ['pattern: not a JSON text: mistake at character 7', ['request', nowhere, '{"cmd"', '1']],
    ['pattern: must be a text, a number or an object: the text is written \'"true"\'', ['request', nowhere, 'true', '1']],
    ['--headers: expected an object, found a list', ['emit', nowhere, 'p', '1', '--headers', '[1]']],
    ['URL: expected scheme://host, such as tcp://127.0.0.1:3000, found nothing', ['request', '', 'p', '1']],
  ]) {
    test(`what to type instead of ${args.slice(0, 2)}: ${said}`, limit, async () => {
      const { code, message } = await failed(args);
      assert.deepStrictEqual([code, message], [2, said]);
    });
  }

  test('values behind -- are no flags', limit, async () => {
    assert.equal((await failed(['request', nowhere, '--', 'p', '-1', '--connect-timeout'])).code, 2);
    assert.equal((await failed(['request', nowhere, '--connect-timeout', '200ms', '--', 'p', '-1'])).code, 3);
  });

  test('an unknown option of the URL is named, with the nearest known one', limit, async () => {
    const { message } = await failed(['request', `${nowhere}?serialiser=json`, 'p', '1']);
    assert.match(message, /serialiser.*serializer/s);
  });

  test('3 for no connection', limit, async () => {
    for (const command of ['request', 'emit', 'stream']) {
      const { code, error } = await failed([command, nowhere, 'p', '1', '--connect-timeout', '300ms']);
      assert.deepStrictEqual([code, error], [3, 'refused']);
    }
  });

  test('3 for a connection limit of the URL', limit, async () => {
    const from = performance.now();
    assert.equal((await failed(['request', `${nowhere}?connect_timeout=200ms`, 'p', '1'])).code, 3);
    assert.ok(performance.now() - from < 2500, 'the default of 3 s was taken');
  });

  test('not 0 for a connection lost during the call', limit, async () => {
    const server = createServer(socket => socket.once('data', () => socket.destroy()).on('error', () => {}));
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    const { code, error } = await failed(['request', `tcp://127.0.0.1:${server.address().port}`, 'p', '1']);
    server.close();
    assert.deepStrictEqual([code, error], [3, 'connection_lost']);
  });

  test('help and version are no mistakes', limit, async () => {
    for (const args of [['--help'], ['request', '--help'], ['listen', '--help'], ['--version']]) {
      const { code, stdout, stderr } = await cli(args);
      assert.deepStrictEqual([code, stderr], [0, '']);
      assert.ok(stdout.length > 5);
    }
    assert.match((await cli(['request', '--help'])).stdout, /Example/);
  });

  test('listen ends with 0 when it is told to while its address is taken', limit, async () => {
    const taken = createServer();
    await new Promise(resolve => taken.listen(0, '127.0.0.1', resolve));
    try {
      const { code, signal } = await cli(['listen', `tcp://127.0.0.1:${taken.address().port}`, 'p'], {
        onStderr: (text, child) => { if (/cannot listen/.test(text)) child.kill('SIGTERM'); },
      });
      assert.deepStrictEqual([code, signal], [0, null]);
    } finally {
      taken.close();
    }
  });
});
