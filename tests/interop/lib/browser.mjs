// A headless Chromium, driven by its own protocol over a pipe: no package is needed for that.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Resolves to { open(url), close() }. */
export async function startBrowser(path) {
  const profile = mkdtempSync(join(tmpdir(), 'waybill-browser-'));
  const child = spawn(path, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--disable-background-networking', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const [, , , commands, events] = child.stdio;
  const waiting = new Map();
  const listeners = new Set();
  let rest = Buffer.alloc(0);
  events.on('data', data => {
    rest = Buffer.concat([rest, data]);
    for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) {
      const message = JSON.parse(rest.subarray(0, end).toString('utf8'));
      const { resolve, reject } = waiting.get(message.id) ?? {};
      waiting.delete(message.id);
      if (message.error) reject?.(new Error(message.error.message));
      else resolve?.(message.result);
      if (message.method) listeners.forEach(listener => listener(message));
    }
  });
  let last = 0;
  const send = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    commands.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  });

  async function open(url, { media = [] } = {}) {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const call = (method, params) => send(method, params, sessionId);
    const complaints = [];
    listeners.add(({ method, params, sessionId: from }) => {
      if (from !== sessionId) return;
      if (method === 'Log.entryAdded' && params.entry.level === 'error') complaints.push(params.entry.text);
      if (method === 'Runtime.exceptionThrown') complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    });
    await Promise.all(['Page.enable', 'Runtime.enable', 'Log.enable'].map(name => call(name)));
    await call('Emulation.setEmulatedMedia', { features: media });
    await call('Page.navigate', { url });
    /** The value of an expression, once it is one that is not falsy. */
    async function until(expression, limit = 15_000) {
      const end = performance.now() + limit;
      for (;;) {
        const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
        if (!exceptionDetails && result.value) return result.value;
        if (performance.now() > end) throw new Error(`never: ${expression}; ${exceptionDetails?.exception?.description ?? result.value}; ${complaints}`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    }
    const press = async (key, code, text) => {
      for (const type of ['keyDown', 'keyUp']) {
        await call('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: code, text: type === 'keyDown' ? text : undefined });
      }
    };
    return { until, press, complaints, type: text => call('Input.insertText', { text }) };
  }

  return {
    open,
    async close() {
      const ended = new Promise(resolve => child.once('close', resolve));
      kill();
      await ended;
      process.off('exit', kill);
      rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}
