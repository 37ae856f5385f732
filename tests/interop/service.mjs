#!/usr/bin/env node
// NestJS as a conformance service: `service.mjs tcp://127.0.0.1:PORT[?instance=NAME]`, as examples/conformance_service.
// The tests call it; in place of waybill's own (WAYBILL_CONFORMANCE_SERVICE) it tests the tests.
import { conformanceHandlers } from './lib/handlers.mjs';
import { startNestService } from './lib/nest.mjs';

const url = new URL(process.argv[2] ?? 'tcp://127.0.0.1:0');
const instance = url.searchParams.get('instance') ?? '';
const service = await startNestService(conformanceHandlers({ instance }), { port: Number(url.port) });
console.log(`READY ${service.url}`);
process.once('SIGTERM', async () => {
  await service.close();
  process.exit(0);
});
