// The command line calls NestJS, and waybill's own service, over the carrier of this run.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { carrier, newPlace } from './lib/carriers.mjs';
import { cases } from './lib/cases.mjs';
import { conformanceHandlers } from './lib/handlers.mjs';
import { makeNestClient, startNestService, untilAnswered } from './lib/nest.mjs';
import { callerUrl, cli, lines, outcomeOfCli, startConformanceService } from './lib/programs.mjs';

const limit = { timeout: 60_000 };  // of one test
const all = { timeout: 280_000 };
const unless = condition => ({ ...limit, skip: condition && `not over ${carrier.name}` });
const json = JSON.stringify;
/** The data of a call as the command line takes it: on standard input when it is too long for an argument. */
const dataArguments = data => (json(data).length > 100_000 ? ['-', { input: json(data) }] : [json(data), {}]);

async function callByCli(url, pattern, data, flags = []) {
  const [argument, options] = dataArguments(data);
  // The defaults are for people; a busy machine takes its time.
  const patience = ['--connect-timeout', '15s', ...(flags.includes('--timeout') ? [] : ['--timeout', '20s'])];
  return cli(['request', url, json(pattern), argument, ...patience, ...flags], options);
}

const services = {
  async NestJS() {
    await carrier.prepare();
    const url = newPlace();
    const service = await startNestService(conformanceHandlers({ url }), { url });
    // It listens before it has subscribed.
    if (carrier.variable) await (await untilAnswered(makeNestClient(url))).close();
    return service;
  },
  async waybill() {
    const service = await startConformanceService();
    return { url: callerUrl(service.url), close: () => service.stop() };
  },
};

for (const [peer, start] of Object.entries(services)) {
  const isSequential = carrier.isSequential && peer === 'NestJS';
  describe(`the command line and a ${peer} service over ${carrier.name}`, all, () => {
    let service;
    before(async () => { service = await start(); });
    after(async () => {
      await service?.close();
      if (service) await carrier.clean(service.url);
    });
    const one = json(carrier.seen(1));
    const request = (pattern, data, flags) => callByCli(service.url, pattern, data, flags);

    for (const { name, pattern, data, expected } of cases) {
      test(name, limit, async () => assert.deepStrictEqual(outcomeOfCli(await request(pattern, data)), expected));
    }

    test('null as data', unless(carrier.name === 'kafka'), async () => {
      assert.deepStrictEqual(outcomeOfCli(await request('conf.type', null)).values, [{ type: 'null' }]);
    });

    test('metadata', unless(!carrier.metadata), async () => {
      const metadata = { 'x-trace': 't', deep: [1, '둘'] };
      const result = await request('conf.meta', 1, ['--metadata', json(metadata)]);
      assert.deepStrictEqual(outcomeOfCli(result).values, [{ data: 1, pattern: 'conf.meta', metadata }]);
    });

    test('headers travel as metadata', unless(!carrier.metadata), async () => {
      const result = await request('conf.meta', 1, ['--headers', '{"x-trace":"t","n":5}']);
      assert.deepStrictEqual(outcomeOfCli(result).values, [
        { data: 1, pattern: 'conf.meta', metadata: { 'x-trace': 't', n: '5' } },
      ]);
    });

    test('headers', unless(!carrier.headers), async () => {
      const result = await request('conf.meta', 'd', ['--headers', '{"x-trace":"한글 t","x-second":"2nd"}']);
      const [value] = outcomeOfCli(result).values;
      assert.deepStrictEqual(value.headers, { 'x-trace': '한글 t', 'x-second': '2nd' });
    });

    test('emit prints nothing, and the event arrives', limit, async () => {
      const patterns = ['"conf.event"', 'conf.event', carrier.hasObjectPatterns ? '{"ev":"event"}' : 'conf.event'];
      for (const [i, pattern] of patterns.entries()) {
        const result = await cli(['emit', service.url, pattern, json({ name: 'cli', n: 5, seq: i })]);
        assert.deepStrictEqual(result, { code: 0, signal: null, stdout: '', stderr: '' });
      }
      // The messages of one connection are handled in order, but these were three connections.
      let count;
      for (let tries = 0; tries < 50 && count !== 15; ++tries) {
        ({ count } = outcomeOfCli(await request('conf.count', { name: 'cli' })).values[0]);
      }
      assert.equal(count, 15);
    });

    test('plain text and bare numbers as patterns', limit, async () => {
      for (const [pattern, data, value] of [['conf.sum', '[1,2]', 3], ['4242', '1', 'number pattern']]) {
        const result = await cli(['request', service.url, pattern, data]);
        assert.deepStrictEqual(outcomeOfCli(result).values, [carrier.seen(value)]);
      }
    });

    test('values are printed when they come, and the timeout keeps them', unless(isSequential), async () => {
      const result = await cli(['request', service.url, 'conf.open', '{}', '--timeout', '1500ms']);
      assert.equal(result.code, 4);
      assert.equal(result.stdout, `${one}\n`);
      assert.equal(JSON.parse(lines(result.stderr).at(-1)).error, 'timeout');
    });

    test('a bare number of milliseconds', unless(isSequential), async () => {
      const result = await cli(['request', service.url, 'conf.never', '{}', '--timeout', '200']);
      assert.equal(result.code, 4);
      assert.equal(result.stdout, '');
      const { error, message } = JSON.parse(lines(result.stderr).at(-1));
      assert.equal(error, 'timeout');
      assert.equal(typeof message, 'string');
    });

    test('stream stops after --count values', limit, async () => {
      const result = await cli(['stream', service.url, 'conf.stream', '{"count":20,"intervalMs":5}', '--count', '3']);
      assert.deepStrictEqual([result.code, lines(result.stdout).map(JSON.parse)], [0, [1, 2, 3].map(carrier.seen)]);
    });

    test('stream prints each value at once, and Ctrl-C ends it', unless(isSequential), async () => {
      const result = await cli(['stream', service.url, 'conf.open', '{}'], {
        onStdout: (text, child) => { if (text === `${one}\n`) child.kill('SIGINT'); },
      });
      assert.equal(result.stdout, `${one}\n`);
    });

    test('a call whose data comes from standard input', limit, async () => {
      const result = await cli(['request', service.url, 'conf.echo', '-'], { input: ' {"a": [1, 2] }\n' });
      assert.deepStrictEqual([result.code, result.stdout], [0, '{"a":[1,2]}\n']);
    });
  });
}

