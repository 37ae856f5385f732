// What every pairing of caller and service must do: one table, asked of NestJS and waybill on either side, over the
// carrier of this run. What a carrier does otherwise, carriers.mjs says.
import { carrier } from './carriers.mjs';

const boom = message => ({ status: 'error', message });
const internal = boom('Internal server error');
export const noHandler = 'There is no matching message handler defined in the remote service.';
const big = 'x'.repeat(carrier.large);
const korean = '한글과 😀 '.repeat(Math.floor(carrier.large / 16));
const utf8 = text => Buffer.byteLength(text);

/** Calls that answer values and then end: [name, pattern, data, values]. */
const answers = [
  ['sum', 'conf.sum', [1, 2, 3, 4, 5], [15]],
  ['sum of fractions', 'conf.sum', [0.5, 0.25, -1], [-0.25]],
  ['sum of nothing', 'conf.sum', [], [0]],
  ['sum of no array', 'conf.sum', { a: 1 }, [0]],
  ['hello', 'conf.hello', '세계', ['Hello, 세계!']],
  ['none', 'conf.none', {}, carrier.none],
  ['null', 'conf.null', {}, [null]],
  ['false', 'conf.false', {}, [false]],
  ['zero', 'conf.zero', {}, [0]],
  ['text', 'conf.text', {}, ['한글 😀 "q" \\ \n\t\u0001']],
  ['nested', 'conf.nested', {}, [{ b: 1, a: { z: null, y: [1, 'two', { x: true }] } }]],
  ['delay', 'conf.delay', { ms: 10, tag: 't' }, ['t']],
  ['stream', 'conf.stream', {}, [1, 2, 3]],
  ['stream from 5', 'conf.stream', { start: 5, count: 2 }, [5, 6]],
  ['stream over time', 'conf.stream', { count: 3, intervalMs: 15 }, [1, 2, 3]],
  ['stream that ends late', 'conf.stream', { count: 2, completeAfterMs: 300 }, [1, 2, ...carrier.lateEnd]],
  ['stream over time that ends late', 'conf.stream', { count: 2, intervalMs: 10, completeAfterMs: 300 }, [1, 2, ...carrier.lateEnd]],
  ['long stream', 'conf.stream', { count: carrier.manyValues }, Array.from({ length: carrier.manyValues }, (_, i) => i + 1)],
  ['stream of objects', 'conf.streamObjects', { count: 3 }, [{ i: 0 }, { i: 1 }, { i: 2 }]],
  ['promise of a stream', 'conf.promiseStream', {}, ['p', 'q']],
  ['empty stream', 'conf.empty', {}, carrier.none],
  ['empty stream that ends late', 'conf.empty', { ms: 20 }, carrier.none],
  ['big reply', 'conf.big', { size: carrier.large }, [big]],
  ['big echo', 'conf.echo', big, [big]],
  ['big korean echo', 'conf.echo', korean, [korean]],
  ['length of korean', 'conf.length', '한글', [{ utf16: 2, utf8: 6 }]],
  ['length of emoji', 'conf.length', '😀👨‍👩‍👧', [{ utf16: 10, utf8: 22 }]],
  ['length of a long text', 'conf.length', korean, [{ utf16: korean.length, utf8: utf8(korean) }]],
  ['instance', 'conf.instance', {}, [{ instance: '' }]],
  ...[
    'text', '', '한국어 텍스트', 'q" b\\ /n\n t\t c\u0001 del\u007f ls\u2028', 7, 0, -1, 0.1, 1e21, 1e-7,
    9007199254740991, true, false, [], [1, 'two', null, { a: [] }], {}, { b: 1, a: { 2: 'y', 10: 'x', n: null } },
    { '': '', '한글': '😀', 'a b': [[[]]] },
  ].map(data => [`echo ${JSON.stringify(data)}`, 'conf.echo', data, [data]]),
  ...[['array', []], ['string', ''], ['number', 0], ['boolean', false], ['object', {}]]
    .map(([type, data]) => [`type ${type}`, 'conf.type', data, [{ type: carrier.seen(data) === data ? type : 'string' }]]),
  ['number pattern', 4242, 1, ['number pattern']],
  ['number pattern as text', '4242', 1, ['number pattern']],
  ['nested pattern', { role: 'item', op: { id: 7, get: true } }, 1, ['nested pattern']],
  ['nested pattern, other key order', { op: { get: true, id: 7 }, role: 'item' }, 1, ['nested pattern']],
  ['escaped pattern', { cmd: 'q"uo\\te' }, 1, ['escaped pattern']],
  ['unicode object pattern', { e: '😀', cmd: '주문' }, 1, ['unicode object pattern']],
  ['unicode pattern', '주문.조회.🏓', 1, ['unicode pattern']],
  ['collated pattern', { b: 4, a_b: 5, 10: 7, 'a-b': 6, A: 3, 9: 8, a: 2, B: 1 }, 1, ['collated pattern']],
  ['object pattern as text', '{"cmd":"hello"}', 'T', ['Hello, T!']],
  ['meta without metadata', 'conf.meta', { n: 1 }, [{ data: { n: 1 }, ...carrier.meta('conf.meta') }]],
  ['meta of an object pattern', { cmd: 'meta' }, 'd', [{ data: 'd', ...carrier.meta('{"cmd":"meta"}') }]],
];

const toEvents = [
  ['request to an event handler', 'conf.event.value', 1, ['event-result']],
  ['request to an event handler without value', 'conf.event', { name: 'asked' }, []],
];

/** Only where the pattern in the packet picks the handler: on others nobody listens to such a channel. */
const byPattern = [
  ['object pattern as text with spaces', ' { "cmd" : "hello" } ', 'T', ['Hello, T!']],
  ...[
    ['text', 'conf.nobody'],
    ['object', { cmd: 'nobody' }],
    ['an object with one key too many', { cmd: 'sum', more: 1 }],
  ].map(([name, pattern]) => [`no handler for ${name}`, pattern, 1, [], noHandler]),
];

/** Calls that end with an error: [name, pattern, data, values before it, error]. */
const errors = [
  ['string', boom('boom')],
  ['emptyString', boom('')],
  ['object', { code: 'E42', message: 'boom', details: { n: 1, text: '한글 😀' } }],
  ['emptyObject', {}],
  ['array', [1, 'two']],
  ['number', boom(42)],
  ['null', boom(null)],
  ['unknown', internal],
  ['http', internal],
  ['async', boom('late boom')],
  ['stream', boom('stream boom')],
  ['afterTwo', boom('after two'), [1, 2]],
  ['afterTwoAsync', boom('after two'), [1, 2]],
].map(([kind, error, values = []]) => [`error ${kind}`, 'conf.error', { kind }, values, error]);

/** Received patterns are read as JSON: nobody reaches the handlers of these. */
const unreachable = ['true', '1.0'].map(pattern => [`no handler for the text ${pattern}`, pattern, 1, [], noHandler]);

/** The object form of the patterns of all operations: each call once more under {"cmd": x}. */
const byObject = list => list
  .filter(([, pattern]) => typeof pattern === 'string' && /^conf\.[a-zA-Z]+$/.test(pattern))
  .filter(([, pattern]) => !['conf.meta', 'conf.nobody', 'conf.event'].includes(pattern))
  .map(([name, pattern, ...rest]) => [`${name}, by object`, { cmd: pattern.slice('conf.'.length) }, ...rest]);

const canBeSent = pattern => carrier.hasObjectPatterns || /^[\w.]+$/.test(pattern);

/** Everything as { name, pattern, data, expected: { values, error?, ended: true } }. */
export const cases = [
  ...answers,
  ...byObject(answers),
  ...(carrier.answersRequestsToEvents ? toEvents : []),
  ...(carrier.answersNobody ? byPattern : []),
  ...errors,
  ...byObject(errors),
  ...unreachable,
].filter(([, pattern]) => canBeSent(pattern)).map(([name, pattern, data, values, error]) => ({
  name,
  pattern,
  data,
  expected: { values: values.map(carrier.seen), ended: true, ...(error === undefined ? {} : { error }) },
}));
