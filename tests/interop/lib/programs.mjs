// Starts waybill's programs. Their paths come from ctest, or are looked for in build/dev.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newPlace, carrierOf, withOptions } from './carriers.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

export function program(variable, fallback) {
  const path = process.env[variable] ?? join(root, 'build/dev', fallback);
  if (!existsSync(path)) throw new Error(`${path} is missing: build it, or say where it is in ${variable}`);
  return path;
}
export const cliPath = () => program('WAYBILL_CLI', 'tools/waybill');
export const servicePath = () => program('WAYBILL_CONFORMANCE_SERVICE', 'examples/conformance_service');
export const clientTestPath = () => program('WAYBILL_INTEROP_CLIENT', 'tests/interop/interop_client');

/** Services that run: none outlives the test that started it, however that ends. */
const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

const ended = child => new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal })));

/** Starts a program and waits for its line with READY, or one that `isReady` takes, on either output; resolves to { url, line, port (of TCP), child, stop() }. */
export async function startService(path, args, { limit = 20_000, isReady = line => line.includes('READY') } = {}) {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = ended(child);
  running.add(child);
  exit.then(() => running.delete(child));
  let log = '';
  child.stderr.on('data', data => { log += data; });
  const ready = new Promise(resolve => {
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', line => { if (isReady(line)) resolve(line); });
    }
  });
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error('no READY line')), limit).unref());
  let line;
  try {
    line = await Promise.race([ready, late, exit.then(end => { throw new Error(`ended: ${JSON.stringify(end)}`); })]);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${path} ${args.join(' ')}: ${error.message}\n${log}`);
  }
  const url = /tcp:\/\/\S+/.exec(line)?.[0] ?? args[0];
  return {
    child,
    line,
    url,
    port: Number(/:(\d+)$/.exec(url)?.[1]),
    log: () => log,
    /** Sends SIGTERM; resolves to { code, signal, milliseconds, log }. */
    async stop() {
      const from = performance.now();
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      const end = await exit;
      clearTimeout(kill);
      return { ...end, milliseconds: performance.now() - from, log };
    },
  };
}

/** Waybill's conformance service in a new place, or at `url`, over the carrier of this run. */
export async function startConformanceService(options = {}, { url = newPlace(options) } = {}) {
  await carrierOf(url).prepare();
  return startService(servicePath(), [url]);
}

/** The URL for a caller of a service that was started with `url`: the same place without what only services know. */
export const callerUrl = url =>
  withOptions(url.split('?')[0], Object.fromEntries([...new URLSearchParams(url.split('?')[1])]
    .filter(([name]) => !['instance', 'noAck', 'prefetchCount'].includes(name))));

/** Runs a program to its end; resolves to { code, signal, stdout, stderr }. `onStdout(text, child)` and `onStderr`
 * see output as it comes. */
export function run(path, args, { input, env = {}, limit = 40_000, onStdout, onStderr } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    const output = { stdout: [], stderr: [] };
    const kill = setTimeout(() => child.kill('SIGKILL'), limit);
    for (const name of ['stdout', 'stderr']) child[name].on('data', data => output[name].push(data));
    if (onStdout) child.stdout.on('data', data => onStdout(String(data), child));
    if (onStderr) child.stderr.on('data', data => onStderr(String(data), child));
    child.once('error', reject);
    child.stdin.on('error', () => {});  // it may end without reading
    child.stdin.end(input ?? '');
    child.once('close', (code, signal) => {
      clearTimeout(kill);
      resolve({
        code,
        signal,
        stdout: Buffer.concat(output.stdout).toString('utf8'),
        stderr: Buffer.concat(output.stderr).toString('utf8'),
      });
    });
  });
}

/** Runs the command line. */
export const cli = (args, options) => run(cliPath(), args, options);

/** The lines of a text, without the empty one behind the last line feed. */
export const lines = text => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** What a call through the command line came to, in the form of the table in cases.mjs. */
export function outcomeOfCli({ code, stdout, stderr }) {
  const outcome = { values: lines(stdout).map(line => JSON.parse(line)), ended: code === 0 || code === 1 };
  if (code !== 0) outcome.error = JSON.parse(lines(stderr).at(-1));
  return outcome;
}
