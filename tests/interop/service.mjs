#!/usr/bin/env node
// NestJS as a conformance service: `service.mjs URL`, as examples/conformance_service.
// The tests call it; in place of waybill's own (WAYBILL_CONFORMANCE_SERVICE) it tests the tests.
import { conformanceHandlers } from './lib/handlers.mjs';
import { startNestService } from './lib/nest.mjs';

const url = process.argv[2] ?? 'tcp://127.0.0.1:0';
const service = await startNestService(conformanceHandlers({ url }), { url });
console.log(`READY ${service.url}`);
process.once('SIGTERM', async () => {
  await service.close();
  process.exit(0);
});
