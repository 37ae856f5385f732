// The waybill service whose handlers are those that NestJS was recorded with (tests/vectors/tcp.jsonl).
import { program, startService } from './programs.mjs';

export const startRecordedService = (options = '') =>
  startService(program('WAYBILL_RECORDED_SERVICE', 'tests/interop/recorded_service'), [`tcp://127.0.0.1:0${options}`]);
