// NestJS's TCP frames by hand, and the recorded ones of tests/vectors/tcp.jsonl.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `<length in UTF-16 units>#<text>`. */
export const frame = text => Buffer.from(`${text.length}#${text}`);

/** The bodies of all whole frames in `bytes`, as texts. */
export function bodiesOf(bytes) {
  const text = Buffer.from(bytes).toString('utf8');
  const bodies = [];
  for (let at = 0; at < text.length;) {
    const hash = text.indexOf('#', at);
    if (hash < 0) break;
    const size = Number(text.slice(at, hash));
    if (!Number.isInteger(size)) throw new Error(`no frame at ${at}: ${text.slice(at, at + 40)}`);
    if (hash + 1 + size > text.length) break;
    bodies.push(text.slice(hash + 1, hash + 1 + size));
    at = hash + 1 + size;
  }
  return bodies;
}

/** The same bytes with every frame's `id` replaced by what `id` says, and the lengths made to fit. */
export function withId(bytes, id) {
  return Buffer.concat(bodiesOf(bytes).map(body => frame(body.replace(/"id":"[^"]*"/, `"id":"${id}"`))));
}

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../vectors');
/** All vectors of a file of tests/vectors. */
export const vectorsOf = name =>
  readFileSync(join(folder, `${name}.jsonl`), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
const vectors = vectorsOf(process.env.WAYBILL_INTEROP_CARRIER ?? 'tcp');

/** The recorded vectors whose name starts with `prefix`. */
export const recorded = prefix => vectors.filter(({ name }) => name.startsWith(prefix));
export const recordedOne = name => vectors.find(vector => vector.name === name);

/** Bytes of a field: `<name>_base64`, or `<name>_parts` of a long one. */
export function bytesOf(vector, name = 'bytes') {
  const whole = vector[`${name}_base64`];
  if (whole !== undefined) return Buffer.from(whole, 'base64');
  return Buffer.concat(vector[`${name}_parts`].map(part =>
    part.base64 === undefined ? Buffer.alloc(part.count, part.repeat_byte) : Buffer.from(part.base64, 'base64')));
}

/** A socket that remembers what it received; `until(condition)` resolves to whether the condition came true. */
export async function connect(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const chunks = [];
  const peer = { socket, closed: false, received: () => Buffer.concat(chunks) };
  const watchers = new Set();
  const changed = () => watchers.forEach(watcher => watcher());
  socket.on('data', data => { chunks.push(data); changed(); });
  for (const event of ['end', 'close', 'error']) socket.on(event, () => { peer.closed = true; changed(); });
  peer.until = (condition, limit = 5000) => new Promise(resolve => {
    const settle = result => {
      clearTimeout(timer);
      watchers.delete(check);
      resolve(result);
    };
    const check = () => { if (condition(peer)) settle(true); };
    const timer = setTimeout(() => settle(false), limit);
    watchers.add(check);
    check();
  });
  /** Writes one piece; resolves when the kernel has it. */
  peer.write = bytes => new Promise(resolve => socket.write(bytes, () => resolve()));
  peer.destroy = () => socket.destroy();
  return peer;
}

/** A proxy in front of `port` that remembers the bytes of both directions. */
export async function startRecorder(port) {
  const recorder = { sent: [], answered: [] };
  const sockets = new Set();
  const server = net.createServer(client => {
    const upstream = net.connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [from, to, into] of [[client, upstream, recorder.sent], [upstream, client, recorder.answered]]) {
      sockets.add(from);
      from.on('data', data => { into.push(data); to.write(data); });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
    }
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  recorder.port = server.address().port;
  recorder.url = `tcp://127.0.0.1:${recorder.port}`;
  /** Forgets what was recorded. */
  recorder.reset = () => { recorder.sent.length = recorder.answered.length = 0; };
  recorder.close = () => {
    sockets.forEach(socket => socket.destroy());
    return new Promise(resolve => server.close(resolve));
  };
  return recorder;
}
