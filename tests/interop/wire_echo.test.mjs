// JSON texts as JSON.stringify writes them: every recorded one comes back from `conf.echo` with the recorded bytes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startConformanceService } from './lib/programs.mjs';
import { bodiesOf, connect, frame, vectorsOf } from './lib/wire.mjs';

const limit = { timeout: 30_000 };
/** Where waybill keeps more than JavaScript: 64 bits of an integer. */
const keepsInput = /number\/(9007199254740993|18446744073709551615|-9223372036854775808)$/;

describe('recorded JSON texts through conf.echo', () => {
  let service;
  let peer;
  before(async () => {
    service = await startConformanceService();
    peer = await connect(service.port);
  });
  after(async () => {
    peer?.destroy();
    await service?.stop();
  });

  for (const { name, input_json: input, output_json: output } of vectorsOf('json_text')) {
    test(name, limit, async () => {
      const from = peer.received().length;
      await peer.write(frame(`{"pattern":"conf.echo","data":${input},"id":"1"}`));
      await peer.until(() => bodiesOf(peer.received().subarray(from)).length > 0 || peer.closed);
      const [body] = bodiesOf(peer.received().subarray(from));
      assert.equal(body, `{"response":${keepsInput.test(name) ? input : output},"isDisposed":true,"id":"1"}`);
    });
  }

  // JSON.stringify leaves out what is undefined.
  for (const [pattern, rest, output] of [
    ['conf.echo', '', '{"isDisposed":true,"id":"1"}'],
    ['conf.delay', ',"data":{"ms":1}', '{"isDisposed":true,"id":"1"}'],
    ['conf.delay', ',"data":{"ms":1,"tag":null}', '{"response":null,"isDisposed":true,"id":"1"}'],
    ['conf.meta', '', '{"response":{"pattern":"conf.meta","metadata":null},"isDisposed":true,"id":"1"}'],
  ]) {
    test(`${pattern} without a value${rest}`, limit, async () => {
      const from = peer.received().length;
      await peer.write(frame(`{"pattern":"${pattern}"${rest},"id":"1"}`));
      await peer.until(() => bodiesOf(peer.received().subarray(from)).length > 0 || peer.closed);
      assert.deepStrictEqual(bodiesOf(peer.received().subarray(from)), [output]);
    });
  }
});
