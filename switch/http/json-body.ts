/**
 * JSON from outside, stricter than JSON.parse: a key that comes twice in one object (two readers may see two
 * different documents), `__proto__` as a key, and deep nesting are refused (TRUST, part D, parsers).
 */
import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problem.ts';

const DEPTH_MAX = 16;
/** Strings and structure; what lies between (numbers, literals, space) does not matter to the scan. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;
const LONE_SURROGATE = /\p{Surrogate}/u;

function refuse(detail: string): never {
  throw new HttpProblem('validation-failed', { detail });
}

interface Level {
  /** Keys seen so far; undefined inside an array. */
  readonly keys: Set<string> | undefined;
  expectsKey: boolean;
}

function addKey(level: Level, token: string): void {
  // A string token of valid JSON.
  const key = JSON.parse(token) as string;
  if (key === '__proto__') refuse('A key of the body is not allowed.');
  if (level.keys?.has(key) === true) refuse('A key comes twice in one object of the body.');
  level.keys?.add(key);
  level.expectsKey = false;
}

/** Checks the structure of a text that JSON.parse has accepted. */
function checkStructure(text: string): void {
  const levels: Level[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length >= DEPTH_MAX) refuse('The body is nested too deeply.');
      levels.push({ keys: token === '{' ? new Set() : undefined, expectsKey: token === '{' });
    } else if (token === '}' || token === ']') {
      levels.pop();
    } else if (level?.keys !== undefined && token === ',') {
      level.expectsKey = true;
    } else if (level?.keys !== undefined && level.expectsKey && token.startsWith('"')) {
      addKey(level, token);
    }
  }
}

/** Parses a body or throws `validation-failed`. */
export function parseJsonBody(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) refuse('The body is not JSON.');
    throw error;
  }
  checkStructure(text);
  return value;
}

/** Has a server, or a scope of it, read bodies of JSON in this way. */
export function addJsonParser(app: FastifyInstance): void {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(String(body)));
    } catch (error) {
      done(error instanceof Error ? error : new Error('The body could not be read.'));
    }
  });
}

/** True when a string cannot be written as UTF-8. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}
