// The command line calls NestJS, and waybill's own service: what it prints, how it ends.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { cases } from './lib/cases.mjs';
import { conformanceHandlers } from './lib/handlers.mjs';
import { startNestService } from './lib/nest.mjs';
import { cli, lines, outcomeOfCli, startConformanceService } from './lib/programs.mjs';
import { startRecorder, bodiesOf } from './lib/wire.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 550_000 };
const json = JSON.stringify;
/** The data of a call as the command line takes it: on standard input when it is too long for an argument. */
const dataArguments = data => (json(data).length > 100_000 ? ['-', { input: json(data) }] : [json(data), {}]);

async function callByCli(url, pattern, data, flags = []) {
  const [argument, options] = dataArguments(data);
  return cli(['request', url, json(pattern), argument, ...flags], options);
}

const services = [
  ['NestJS', () => startNestService(conformanceHandlers())],
  ['waybill', async () => {
    const service = await startConformanceService();
    return { ...service, close: () => service.stop() };
  }],
];

for (const [peer, start] of services) {
  describe(`the command line and a ${peer} service`, all, () => {
    let service;
    before(async () => { service = await start(); });
    after(() => service?.close());
    const request = (pattern, data, flags) => callByCli(service.url, pattern, data, flags);

    for (const { name, pattern, data, expected } of cases) {
      test(name, limit, async () => assert.deepStrictEqual(outcomeOfCli(await request(pattern, data)), expected));
    }

    test('null as data', limit, async () => {
      assert.deepStrictEqual(outcomeOfCli(await request('conf.type', null)).values, [{ type: 'null' }]);
    });

    test('metadata', limit, async () => {
      const metadata = { 'x-trace': 't', deep: [1, '둘'] };
      const result = await request('conf.meta', 1, ['--metadata', json(metadata)]);
      assert.deepStrictEqual(outcomeOfCli(result).values, [{ data: 1, pattern: 'conf.meta', metadata }]);
    });

    test('headers travel as metadata', limit, async () => {
      const result = await request('conf.meta', 1, ['--headers', '{"x-trace":"t","n":5}']);
      assert.deepStrictEqual(outcomeOfCli(result).values, [
        { data: 1, pattern: 'conf.meta', metadata: { 'x-trace': 't', n: '5' } },
      ]);
    });

    test('emit prints nothing, and the event arrives', limit, async () => {
      for (const [i, pattern] of ['"conf.event"', 'conf.event', '{"ev":"event"}'].entries()) {
        const result = await cli(['emit', service.url, pattern, json({ name: 'cli', n: 5, seq: i })]);
        assert.deepStrictEqual(result, { code: 0, signal: null, stdout: '', stderr: '' });
      }
      // One connection's messages are handled in order, but these were three connections.
      let count;
      for (let tries = 0; tries < 50 && count !== 15; ++tries) {
        ({ count } = outcomeOfCli(await request('conf.count', { name: 'cli' })).values[0]);
      }
      assert.equal(count, 15);
    });

    test('plain text and bare numbers as patterns', limit, async () => {
      for (const [pattern, data, value] of [['conf.sum', '[1,2]', 3], ['4242', '1', 'number pattern']]) {
        const result = await cli(['request', service.url, pattern, data]);
        assert.deepStrictEqual(outcomeOfCli(result).values, [value]);
      }
    });

    test('values are printed when they come, and the timeout keeps them', limit, async () => {
      const result = await cli(['request', service.url, 'conf.open', '{}', '--timeout', '300ms']);
      assert.equal(result.code, 4);
      assert.equal(result.stdout, '1\n');
      assert.equal(JSON.parse(lines(result.stderr).at(-1)).error, 'timeout');
    });

    test('a bare number of milliseconds', limit, async () => {
      const result = await cli(['request', service.url, 'conf.never', '{}', '--timeout', '200']);
      assert.equal(result.code, 4);
      assert.equal(result.stdout, '');
      const { error, message } = JSON.parse(lines(result.stderr).at(-1));
      assert.equal(error, 'timeout');
      assert.equal(typeof message, 'string');
    });

    test('stream stops after --count values', limit, async () => {
      const result = await cli(['stream', service.url, 'conf.stream', '{"count":1000,"intervalMs":5}', '--count', '3']);
      assert.deepStrictEqual([result.code, result.stdout], [0, '1\n2\n3\n']);
    });

    test('stream prints each value at once, and Ctrl-C ends it', limit, async () => {
      const result = await cli(['stream', service.url, 'conf.open', '{}'], {
        onStdout: (text, child) => { if (text === '1\n') child.kill('SIGINT'); },
      });
      assert.equal(result.stdout, '1\n');
    });

    test('a call whose data comes from standard input', limit, async () => {
      const result = await cli(['request', service.url, 'conf.echo', '-'], { input: ' {"a": [1, 2] }\n' });
      assert.deepStrictEqual([result.code, result.stdout], [0, '{"a":[1,2]}\n']);
    });
  });
}

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
});
