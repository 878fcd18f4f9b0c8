// Prints, as JSON, what the real mermaid parser says about each file named on the command line:
// [{"file": …, "ok": true|false, "type": …, "error": …}, …]. With `-` it reads instead a JSON list
// of diagram texts from standard input (thousands of mutations need no files); "file" is then the index.
import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true });
globalThis.window = window;
globalThis.document = window.document;
for (const name of [
  'Option', 'CSSStyleDeclaration', 'Element', 'HTMLElement', 'SVGElement', 'Node',
  'DocumentFragment', 'NodeFilter', 'DOMParser',
]) {
  globalThis[name] = window[name];
}
globalThis.getComputedStyle = window.getComputedStyle.bind(window);

// mermaid logs refused directives to the console; the answer on stdout must stay pure JSON.
for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace']) console[level] = () => {};

const { default: mermaid } = await import('mermaid');
mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', logLevel: 'fatal' });

const names = process.argv.slice(2);
const inputs =
  names[0] === '-'
    ? JSON.parse(readFileSync(0, 'utf8')).map((text, index) => [index, text])
    : names.map((name) => [name, readFileSync(name, 'utf8')]);

const verdicts = [];
for (const [file, text] of inputs) {
  try {
    const { diagramType } = await mermaid.parse(text);
    verdicts.push({ file, ok: true, type: diagramType, error: '' });
  } catch (error) {
    verdicts.push({ file, ok: false, type: '', error: String(error?.message ?? error) });
  }
}
// jsdom keeps timers alive, so the process must be ended, but only after the pipe took everything.
process.stdout.write(JSON.stringify(verdicts) + '\n', () => process.exit(0));
