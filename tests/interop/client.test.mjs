// Waybill's client, used from C++, calls a NestJS service: client_test.cpp has the cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conformanceHandlers } from './lib/handlers.mjs';
import { startNestService } from './lib/nest.mjs';
import { clientTestPath, run } from './lib/programs.mjs';

test('a waybill client and a NestJS service', { timeout: 120_000 }, async () => {
  const service = await startNestService(conformanceHandlers());
  const { code, stdout, stderr } = await run(clientTestPath(), [], {
    env: { WAYBILL_TEST_NESTJS_URL: service.url },
    limit: 100_000,
  });
  await service.close();
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /\[ {2}PASSED {2}\] \d+ tests/);
});
