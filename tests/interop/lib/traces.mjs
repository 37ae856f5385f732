// What a NestJS program does to send the trace of a message along and to read it, over each carrier: docs/traces.md.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { RmqRecordBuilder } from '@nestjs/microservices';
import { Observable } from 'rxjs';
import { carrierOf } from './carriers.mjs';
import { makeNestClient } from './nest.mjs';

export const tracePatterns = ['trace.through', 'trace.end', 'trace.relay', 'trace.last', 'trace.happened', 'trace.followed'];

const current = new AsyncLocalStorage();
const hex = bytes => randomBytes(bytes).toString('hex');

/** The headers of a new trace. */
export const newTrace = n => ({
  traceparent: `00-${hex(16)}-${hex(8)}-0${n % 2}`,
  tracestate: `rojo=${n}`,
  baggage: `user=u${n}`,
});

/** A client whose calls send a trace along: { send(pattern, data, trace), emit(pattern, data, trace), close() }. */
export function makeTracingClient(url) {
  const client = makeNestClient(url, { patterns: tracePatterns });
  const { name } = carrierOf(url);
  // TCP, Redis: the packet's metadata.
  if (carrierOf(url).metadata) client.setOnDispatchHook(packet => { packet.metadata = current.getStore(); });
  const withTrace = (data, trace) => {
    if (name === 'rmq') return new RmqRecordBuilder(data).setOptions({ headers: trace }).build();
    return name === 'kafka' ? { value: data, headers: trace } : data;
  };
  // A packet is made when somebody subscribes: that is to be within run().
  const along = (trace, call) => new Observable(subscriber => current.run(trace, () => call().subscribe(subscriber)));
  return {
    nest: client,
    send: (pattern, data, trace) => along(trace, () => client.send(pattern, withTrace(data, trace))),
    emit: (pattern, data, trace) => along(trace, () => client.emit(pattern, withTrace(data, trace))),
    close: () => client.close(),
  };
}

/** The trace of the message that a handler has. */
export function traceOf(context, url) {
  const { metadata, headers } = carrierOf(url).fieldsOf(context);
  const all = Object.entries(metadata ?? headers ?? {});
  return Object.fromEntries(all.filter(([name]) => ['traceparent', 'tracestate', 'baggage'].includes(name)));
}

/** The trace of a `traceparent`, and its step. */
export const idsOf = traceparent => {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/.exec(traceparent ?? '');
  return { trace: match?.[1], step: match?.[2], flags: match?.[3] };
};
