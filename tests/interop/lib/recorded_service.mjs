// The waybill service whose handlers are those that NestJS was recorded with (tests/vectors).
import { program, startService } from './programs.mjs';

export const startRecordedService = (options = '', url = `tcp://127.0.0.1:0${options}`) =>
  startService(program('WAYBILL_RECORDED_SERVICE', 'tests/interop/recorded_service'), [url]);
